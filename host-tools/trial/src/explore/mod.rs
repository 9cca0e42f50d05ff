//! All states of a card that a walk is about, all commands, and the power cut at every word.
//!
//! # What is walked
//!
//! There are three [walks](Walk): the PINs of an issued card (`pins`), the issuer's key set with its channel, and what the issuer
//! writes through that channel from a blank card to an invalid one (both `issue`). What tells two states apart is listed in the
//! `state` of each. From each state each `act` is
//! done as it is; with the power cut in each word written and each page erased, five tears each; and with writes and erases
//! that fail, or silently do nothing, from each operation on. Every result is judged (`judge`) and walked from in turn, until
//! nothing new is found (`walk`).
//!
//! What a harmed act leaves of an object hangs on that object, on the act and on the log, and on nothing else: no
//! record but the object's may change, which is judged too. So all harms are tried once for each of these, and from states that
//! differ in something else one harm for each thing that came of it. Where that is asked for, all harms are tried in all states of
//! what the issuer writes.
//!
//! A start that is interrupted must end as one that is not: after a cut in chosen acts it is cut again at every
//! operation, five tears each, and where that is asked for after every act, and a third time after some.
//!
//! # What convinces
//!
//! Tries, values, keys and the life cycle are read from the memory by another reader than the card's. A guess is counted where
//! the right value would have shown something else, in the answer or in the memory, and not where the card says that it
//! compared.

mod issue;
mod log;
mod pins;
mod walk;

use std::{fmt, time::Duration};

/// What is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walk {
    /// Both PINs of an issued card.
    Pins,
    /// The issuer's key set and its channel, in every phase of the life cycle.
    KeySet,
    /// What the issuer writes, from a blank card to an invalid one.
    Contents,
}

impl Walk {
    /// All of them.
    pub const ALL: [Walk; 3] = [Walk::Pins, Walk::KeySet, Walk::Contents];

    /// The name in arguments and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Walk::Pins => "pins",
            Walk::KeySet => "key-set",
            Walk::Contents => "contents",
        }
    }
}

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// All harms once for each thing at stake; the start after a cut in chosen acts is cut again.
    Second,
    /// All harms in all states of what the issuer writes; the start after a cut in every act on PINs at full tries and on a card
    /// without objects is cut again, and once more after one in a
    /// wrong VERIFY of the authentication PIN.
    Third,
}

/// Between two reports.
const PAUSE: Duration = Duration::from_millis(200);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
    /// What was walked.
    pub walk: Walk,
    /// States that differ.
    pub states: u64,
    /// Acts done, harmed or not.
    pub transitions: u64,
    /// Longest shortest way to a state.
    pub depth: u64,
    /// Cuts of the power in an act.
    pub cuts: u64,
    /// Acts with a memory that fails or does nothing.
    pub faults: u64,
    /// Cuts in the start after a cut, and in the one after that.
    pub again: [u64; 2],
    /// What does not hold, and the way there.
    pub violation: Option<String>,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Coverage { states, transitions, depth, cuts, faults, again: [second, third], .. } = self;
        write!(
            f,
            "{}: {states} states, all reached within {depth} steps, {transitions} transitions: {cuts} cuts of the power, {faults} \
              faults of the memory; {second} second and {third} third cuts",
            self.walk.name()
        )
    }
}

/// Walks everything. `told` is called every now and then with what was covered so far.
///
/// # Panics
/// Where the card does not even start.
#[must_use]
pub fn explore(walk: Walk, depth: Depth, mut told: impl FnMut(&Coverage)) -> Coverage {
    match walk {
        Walk::Pins => walk::walk(walk, pins::Pins, depth, &mut told),
        Walk::KeySet => walk::walk(walk, issue::Issue::key_set(), depth, &mut told),
        Walk::Contents => walk::walk(walk, issue::Issue::contents(), depth, &mut told),
    }
}
