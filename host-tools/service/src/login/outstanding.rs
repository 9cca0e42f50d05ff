//! Challenges that wait for their answer: in memory, so many and no more, each for one answer.

use super::Problem;
use pki::relying::challenge::Challenge;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use time::OffsetDateTime;

/// Most challenges that wait; the oldest makes room.
pub const OUTSTANDING_MAX: usize = 4096;

/// The challenges that were given and not answered yet. A service that starts again has forgotten them.
#[derive(Debug, Default)]
pub struct Outstanding(Mutex<VecDeque<Challenge>>);

/// A challenge that waits for no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It was never given here, was answered before, or is long over.
    Absent,
    /// It was given, and said something else.
    Altered,
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Absent => Problem::CHALLENGE,
            Unknown::Altered => Problem::ALTERED,
        }
    }
}

impl Outstanding {
    /// Waits for an answer to this one; those that are over are forgotten.
    pub fn add(&self, challenge: Challenge, now: OffsetDateTime) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.is_open(now));
        if all.len() >= OUTSTANDING_MAX {
            all.pop_front();
        }
        all.push_back(challenge);
    }

    /// Takes a challenge that was presented; it does not come back.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn take(&self, presented: &Challenge) -> Result<Challenge, Unknown> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|one| one.nonce() == presented.nonce()).ok_or(Unknown::Absent)?;
        let given = all.remove(place).ok_or(Unknown::Absent)?;
        if given == *presented { Ok(given) } else { Err(Unknown::Altered) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki::relying::challenge::LIFE;
    use sim::rng::SimRng;
    use time::{Duration, macros::datetime};

    #[test]
    fn each_is_taken_once_and_the_oldest_makes_room() {
        let (now, mut rng) = (datetime!(2026-11-26 03:00 UTC), SimRng::seeded(3));
        let mut given = || Challenge::new("login.test", now, &mut rng).expect("a name");
        let outstanding = Outstanding::default();
        let first = given();
        outstanding.add(first.clone(), now);
        assert_eq!(outstanding.take(&first), Ok(first.clone()));
        assert_eq!(outstanding.take(&first), Err(Unknown::Absent), "a second time");
        // Of another service, with the nonce of one that was given.
        let json = serde_json::to_string(&first).expect("json").replace("login.test", "other.test");
        let other: Challenge = serde_json::from_str(&json).expect("a challenge");
        outstanding.add(first.clone(), now);
        assert_eq!(outstanding.take(&other), Err(Unknown::Altered));
        assert_eq!(outstanding.take(&first), Err(Unknown::Absent), "it was presented");
        let all: Vec<_> = (0..=OUTSTANDING_MAX).map(|_| given()).collect();
        all.iter().for_each(|one| outstanding.add(one.clone(), now));
        assert_eq!(outstanding.take(&all[0]), Err(Unknown::Absent), "one too many");
        assert!(outstanding.take(&all[1]).is_ok() && outstanding.take(&all[OUTSTANDING_MAX]).is_ok());
        // What is over is forgotten with the next one.
        outstanding.add(given(), now + LIFE + Duration::seconds(1));
        assert_eq!(outstanding.take(&all[2]), Err(Unknown::Absent));
    }
}
