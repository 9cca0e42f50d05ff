//! How much goes on: commands by second, and how long the card took.

use super::view::KEPT;
use std::collections::VecDeque;

/// Seconds remembered.
pub(super) const MINUTE: usize = 60;

/// The last minute.
#[derive(Default)]
pub(super) struct Rates {
    /// The second under way, and what has been counted in it.
    second: u64,
    count: u64,
    /// Whole seconds, oldest first.
    counts: VecDeque<u64>,
    /// Second and microseconds of commands, oldest first; no more than so many.
    took: VecDeque<(u64, u64)>,
}

impl Rates {
    /// A command that took so many microseconds, where that is known.
    pub(super) fn count(&mut self, took: Option<u64>) {
        self.count += 1;
        if let Some(took) = took {
            self.took.push_back((self.second, took));
            if self.took.len() > KEPT {
                self.took.pop_front();
            }
        }
    }

    /// It is this second. True where it is another one than before.
    pub(super) fn tick(&mut self, second: u64) -> bool {
        if second <= self.second {
            return false;
        }
        self.counts.push_back(std::mem::take(&mut self.count));
        // A computer that slept has missed more seconds than are remembered.
        let missed = usize::try_from(second - self.second - 1).unwrap_or(MINUTE).min(MINUTE);
        self.counts.extend(std::iter::repeat_n(0, missed));
        self.counts.drain(..self.counts.len().saturating_sub(MINUTE));
        self.second = second;
        while self.took.front().is_some_and(|(then, _)| then + (MINUTE as u64) < second) {
            self.took.pop_front();
        }
        true
    }

    /// Commands in the last whole second.
    pub(super) fn now(&self) -> u64 {
        self.counts.back().copied().unwrap_or(0)
    }

    /// Commands by second, oldest first, of the last so many seconds.
    pub(super) fn last(&self, seconds: usize) -> Vec<u64> {
        self.counts.iter().skip(self.counts.len().saturating_sub(seconds)).copied().collect()
    }

    /// Median and longest, in microseconds.
    pub(super) fn took(&self) -> Option<(u64, u64)> {
        let mut all: Vec<u64> = self.took.iter().map(|(_, took)| *took).collect();
        let longest = all.iter().copied().max()?;
        let middle = all.len() / 2;
        Some((*all.select_nth_unstable(middle).1, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_remembered_and_no_more() {
        let mut rates = Rates::default();
        assert_eq!((rates.now(), rates.took()), (0, None));
        rates.count(Some(30));
        rates.count(Some(10));
        rates.count(Some(20));
        rates.count(None);
        assert_eq!(rates.now(), 0, "the second is not over");
        assert!(!rates.tick(0) && rates.tick(1) && !rates.tick(1));
        assert_eq!((rates.now(), rates.took()), (4, Some((20, 30))));
        rates.count(Some(9));
        assert!(rates.tick(4));
        assert_eq!((rates.last(60), rates.last(2)), (vec![4, 1, 0, 0], vec![0, 0]));
        assert_eq!(rates.took(), Some((20, 30)));
        assert!(rates.tick(61));
        assert_eq!(rates.took(), Some((9, 9)), "what is older is gone");
        assert!(rates.tick(u64::MAX));
        assert_eq!((rates.last(1000), rates.took()), (vec![0; 60], None));
        (0..2 * KEPT).for_each(|_| rates.count(Some(1)));
        assert_eq!(rates.took.len(), KEPT);
    }
}
