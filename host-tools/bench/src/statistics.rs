//! Median, best, ratios. All of times for one operation in nanoseconds: less is better.

use serde::{Deserialize, Serialize};

/// What remains of many rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Nanoseconds an operation in the middle round.
    pub median: f64,
    /// Nanoseconds an operation in the fastest round.
    pub best: f64,
}

/// How many times as fast as a rival.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Of the medians.
    pub median: f64,
    /// Of the best rounds.
    pub best: f64,
}

/// Nanoseconds of one operation, as whoever waits for it sees them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them took no longer.
    #[serde(rename = "p50_ns")]
    pub p50: f64,
    /// One of a hundred took longer.
    #[serde(rename = "p99_ns")]
    pub p99: f64,
}

impl Latency {
    /// Of single operations; `None` for none.
    #[must_use]
    pub fn of(nanoseconds: &[f64]) -> Option<Latency> {
        let mut sorted = nanoseconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied();
        Some(Latency { p50: at(50)?, p99: at(99)? })
    }

    /// The middle of many batches; `None` for none.
    #[must_use]
    pub fn middle(batches: &[Latency]) -> Option<Latency> {
        let middle = |of: fn(&Latency) -> f64| median(&batches.iter().map(of).collect::<Vec<_>>());
        Some(Latency { p50: middle(|batch| batch.p50)?, p99: middle(|batch| batch.p99)? })
    }
}

/// The middle of some numbers, the mean of the two middle ones where their count is even; `None` for no numbers.
#[must_use]
pub fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get(sorted.len() / 2 - 1).map(|lower| (lower + upper) / 2.0)
}

impl Summary {
    /// Of the rounds' nanoseconds an operation; `None` without any.
    #[must_use]
    pub fn of(rounds: &[f64]) -> Option<Summary> {
        Some(Summary { median: median(rounds)?, best: rounds.iter().copied().min_by(f64::total_cmp)? })
    }

    /// This one's speed divided by a rival's.
    #[must_use]
    pub fn against(self, rival: Summary) -> Ratio {
        Ratio { median: rival.median / self.median, best: rival.best / self.best }
    }
}

/// Operations a second.
#[must_use]
pub fn rate(nanoseconds: f64) -> f64 {
    1e9 / nanoseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_by_hand() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[10.0, 1.0, 4.0, 2.0]), Some(3.0));
    }

    #[test]
    fn latencies_by_hand() {
        let all: Vec<f64> = (0..200).rev().map(f64::from).collect();
        assert_eq!(Latency::of(&all), Some(Latency { p50: 100.0, p99: 198.0 }));
        assert_eq!(Latency::of(&[7.0]), Some(Latency { p50: 7.0, p99: 7.0 }));
        assert_eq!(Latency::of(&[]), None);
        let batch = |p50, p99| Latency { p50, p99 };
        assert_eq!(Latency::middle(&[batch(1.0, 9.0), batch(3.0, 5.0), batch(2.0, 6.0)]), Some(batch(2.0, 6.0)));
        assert_eq!(Latency::middle(&[]), None);
    }

    #[test]
    fn ratios_by_hand() {
        // 400 ns and 500 ns in the middle, 300 ns and 450 ns at best.
        let fast = Summary::of(&[500.0, 300.0, 400.0]).expect("rounds");
        let slow = Summary::of(&[450.0, 900.0, 500.0]).expect("rounds");
        assert_eq!((fast, slow), (Summary { median: 400.0, best: 300.0 }, Summary { median: 500.0, best: 450.0 }));
        assert_eq!(fast.against(slow), Ratio { median: 1.25, best: 1.5 });
        assert_eq!(slow.against(fast).median, 0.8);
        assert_eq!(fast.against(fast), Ratio { median: 1.0, best: 1.0 });
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(rate(500_000.0), 2000.0);
    }
}
