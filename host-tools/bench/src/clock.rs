//! The two clocks.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What counts as time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// CPU time of the thread that works: what neighbours take is not counted. For work that stays on one thread.
    ThreadCpu,
    /// Time on the wall: waiting counts. For work that is handed to another thread and waited for.
    Wall,
}

impl Clock {
    /// Time since some fixed moment.
    #[must_use]
    pub fn now(self) -> Duration {
        let now = clock_gettime(match self {
            Clock::ThreadCpu => ClockId::ThreadCPUTime,
            Clock::Wall => ClockId::Monotonic,
        });
        // Neither clock is ever negative.
        Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
    }

    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Clock::ThreadCpu => "thread CPU time",
            Clock::Wall => "wall time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_go_forwards() {
        for clock in [Clock::ThreadCpu, Clock::Wall] {
            let began = clock.now();
            while clock.now() <= began {
                std::hint::spin_loop();
            }
        }
    }
}
