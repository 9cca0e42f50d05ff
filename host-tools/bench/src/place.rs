//! Where a row is measured: on any processor, or on one alone.

use crate::error::BenchError;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps this thread on one processor until dropped, with every process and thread that it starts meanwhile.
#[derive(Debug)]
pub struct Pinned(CpuSet);

impl Pinned {
    /// To a processor.
    ///
    /// # Errors
    /// [`BenchError::Io`] where the system does not let it.
    pub fn to(processor: usize) -> Result<Pinned, BenchError> {
        let mut alone = CpuSet::new();
        alone.set(processor);
        let before = sched_getaffinity(None).and_then(|before| sched_setaffinity(None, &alone).map(|()| before));
        before.map(Pinned).map_err(|error| BenchError::Io(format!("processor {processor}"), error.into()))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // What was allowed before is allowed again.
        let _ = sched_setaffinity(None, &self.0);
    }
}

/// The last processor that this thread may use, unless it is the only one: interrupts like the first.
#[must_use]
pub fn last() -> Option<usize> {
    let allowed = sched_getaffinity(None).ok()?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|processor| allowed.is_set(*processor))?;
    (allowed.count() > 1).then_some(last)
}

/// The first processor that this thread may use, unless it is the only one.
#[must_use]
pub fn first() -> Option<usize> {
    let allowed = sched_getaffinity(None).ok()?;
    let first = (0..CpuSet::MAX_CPU).find(|processor| allowed.is_set(*processor))?;
    (allowed.count() > 1).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_let_go_again() {
        let Some(processor) = last() else { return };
        let pinned = Pinned::to(processor).expect("pins");
        assert_eq!(last(), None, "one is no choice");
        drop(pinned);
        assert_eq!(last(), Some(processor));
    }
}
