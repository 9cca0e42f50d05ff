//! A card in the hands of its issuer: key set, channel, life cycle, and what is written through the channel.
//!
//! Two walks, so that neither has the states of both multiplied: one has everything about the key set, on a card that holds what it
//! must; the other has objects and keys, under a key set whose tries are never spent. That the one changes nothing of the
//! other is judged in each transition.

mod act;
mod engine;
mod judge;
mod state;

use super::{
    Depth,
    log::Log,
    walk::{Followed, Harm, Subject},
};
use crate::small::{memory_with, start_with};
use act::{Act, run};
use engine::Rehearsed;
use state::{AVAILABILITY, At, Level, State, Stored, file, record};

/// One of the two walks.
pub(crate) struct Issue {
    acts: Vec<Act>,
    /// Whether the card holds what it must before it is handed out.
    complete: bool,
    /// Bytes of memory beside what is there.
    room: usize,
}

impl Issue {
    /// Key set and channel.
    pub(crate) fn key_set() -> Self {
        Issue { acts: Act::of_the_key_set(), complete: true, room: 96 }
    }

    /// Objects and keys.
    pub(crate) fn contents() -> Self {
        // Two banks of a key, and a few small ones.
        Issue { acts: Act::of_the_contents(), complete: false, room: 2 * (4 * 8 + 896) + 160 }
    }

    /// What the card has from the beginning: the card maker's records, and the availability flags.
    fn kept(&self, key: u16, value: &[u8]) -> Option<(u16, Vec<u8>)> {
        let of = |number: u8| key >> 8 == file(number).key(0).0 >> 8;
        match key {
            record::PHASE => Some((key, vec![0x01, !0x01])),
            // Every start of a channel moves the sequence counter: i = 70.
            record::KEY_SET => {
                let (keys, version) = state::key_set(0);
                Some((key, [&keys.bytes()[..], &[version, 0x70]].concat()))
            }
            record::KEY_SET_TRIES..=record::OPTIONS => Some((key, value.to_vec())),
            _ if of(AVAILABILITY) => Some((key, value.to_vec())),
            _ => None,
        }
    }
}

/// What becomes of a harmed act: the act, its status word, and what of the state it can hang on, the rest as on a blank card.
type Stake = (Act, Option<u16>, At);

impl Subject for Issue {
    type State = State;
    type Act = Act;
    type Stake = Stake;

    fn start(&self) -> State {
        let memory = memory_with(self.room, |key, value| self.kept(key, value));
        let card = start_with(memory, Rehearsed).expect("a blank card starts");
        let mut state = State::started(card, 0).expect("a blank card has its records");
        if self.complete {
            // Nothing is harmed here: the walk itself judges these acts.
            for act in [Act::InitializeUpdate, Act::Authenticate(act::Proof::Full), Act::StoreToken, Act::PowerCycle] {
                state = judge::follow(&state, act, Harm::None).expect("a blank card takes its objects").state;
            }
        }
        state
    }

    fn acts(&self) -> Vec<Act> {
        self.acts.clone()
    }

    fn stake(&self, state: &State, act: Act, depth: Depth) -> Stake {
        let mut at = At { guesses: 0, violation: None, ..state.at.clone() };
        let sw = at.clone().act(act);
        if depth == Depth::Third {
            return (act, sw, at);
        }
        let now = at.stored;
        at.stored = Stored { phase: 0x01, set: 0, tries: 0, token: false, certificate: false, key: 0, pin: 0 };
        match act {
            Act::Authenticate(_) | Act::PutKey => (at.stored.set, at.stored.tries) = (now.set, now.tries),
            Act::Move(_) => at.stored.phase = now.phase,
            Act::StoreToken => at.stored.token = now.token,
            Act::StoreCertificate => at.stored.certificate = now.certificate,
            Act::StorePin(_) | Act::Reset(_) => at.stored.pin = now.pin,
            Act::KeyBegins | Act::KeyGoesOn | Act::KeyEndsBadly | Act::Generate => {
                (at.stored.certificate, at.stored.key) = (now.certificate, now.key);
            }
            _ => {}
        }
        // To anything but a key a key under way is what may be left over.
        if !matches!(act, Act::KeyBegins | Act::KeyGoesOn | Act::KeyEndsBadly | Act::Generate) {
            (at.leftover, at.block) = (at.leftover || at.block > 1, 0);
        }
        (act, sw, at)
    }

    /// After a new key set, and after a key that is half there: such a start has most to do. Where more is asked for, after every act
    /// on a blank card.
    fn again(&self, state: &State, act: Act, depth: Depth) -> usize {
        let At { stored, block, log, level, leftover, .. } = &state.at;
        let Stored { phase, set, tries, token, certificate, key, pin } = *stored;
        let plain = *log == Log::Roomy && *level == Level::Full && !leftover;
        let chosen = match act {
            Act::PutKey => (set, tries) == (0, state::KEY_SET_TRIES),
            Act::KeyGoesOn => (*block, key, certificate) == (2, 0, false),
            _ => false,
        };
        let blank = (phase, token, certificate, key, pin) == (0x01, false, false, 0, 0);
        usize::from(plain && (chosen || (blank && depth == Depth::Third)))
    }

    fn operations(&self, state: &State, act: Act) -> u64 {
        run(act, state, Harm::None).map_or(0, |outcome| outcome.operations)
    }

    fn follow(&self, state: &State, act: Act, harm: Harm) -> Result<Followed<State>, String> {
        judge::follow(state, act, harm)
    }

    fn broken(state: &State, violation: String) -> State {
        state.broken(violation)
    }

    fn violation(state: &State) -> Option<&str> {
        state.at.violation.as_deref()
    }
}
