//! Both PINs of an issued card.
//!
//! A state is the current application and EF, whether the issuer's channel is open, tries, value and status of both PINs,
//! how the log ends, and how many guesses somebody has had.

mod act;
mod judge;
mod state;

use super::{
    Depth,
    log::Log,
    walk::{Followed, Harm, Subject},
};
use crate::small::{memory, start};
use act::{Act, Candidate, Which, run};
use state::{Abstract, State};

/// The walk.
pub(crate) struct Pins;

/// What becomes of a harmed act: the act, its PIN with tries, value and status, whether the JPKI application is current,
/// how the log ends.
type Stake = (Act, Option<(Which, u8, usize, bool)>, bool, Log);

impl Subject for Pins {
    type State = State;
    type Act = Act;
    type Stake = Stake;

    fn start(&self) -> State {
        let card = start(memory()).expect("an issued card starts");
        let at = Abstract::of(&card, [0; 2]).expect("an issued card has its PINs");
        State { card, at }
    }

    fn acts(&self) -> Vec<Act> {
        Act::all().collect()
    }

    fn stake(&self, state: &State, act: Act, _: Depth) -> Stake {
        let Abstract { place, pins, log, .. } = &state.at;
        let pin = act.pin(&state.at).map(|pin| (pin, pins[pin as usize]));
        (act, pin.map(|(pin, now)| (pin, now.left, now.value, now.verified)), place.jpki, *log)
    }

    /// After an act on a PIN at its full tries: any, or VERIFY on a log with room.
    fn again(&self, state: &State, act: Act, depth: Depth) -> usize {
        let (_, pin, _, log) = self.stake(state, act, depth);
        let full = pin.is_some_and(|(pin, left, value, verified)| left == pin.max() && value == 0 && !verified);
        let plain = matches!(act, Act::Verify(..)) && log == Log::Roomy;
        let third = depth == Depth::Third && act == Act::Verify(Which::Authentication, Candidate::Wrong) && plain;
        match full && (depth > Depth::Second || plain) {
            true => 1 + usize::from(third),
            false => 0,
        }
    }

    fn operations(&self, state: &State, act: Act) -> u64 {
        run(act, &state.at, state.card.fork(), Harm::None).2
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
