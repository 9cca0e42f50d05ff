//! All states of the two PINs of an issued card, all commands, and the power cut at every word.
//!
//! # What is walked
//!
//! A state is the current application and EF, whether the issuer's channel is open, tries, value and status of both PINs,
//! how the log ends, and how many guesses somebody has had (`state`). From each state each `act` is
//! done as it is; with the power cut in each word written and each page erased, five tears each; and with writes and erases
//! that fail, or silently do nothing, from each operation on. Every result is judged (`judge`) and walked from in turn, until
//! nothing new is found.
//!
//! What a harmed act leaves of a PIN hangs on that PIN, on the act, on the application and on the log, and on nothing else: no
//! record but the PIN's may change, which is judged too. So all harms are tried once for each of these, and from states that
//! differ in something else one harm for each thing that came of it.
//!
//! A start that is interrupted must end as one that is not: after a cut in a PIN at its full tries it is cut again at every
//! operation, five tears each, and where that is asked for a third time.
//!
//! # What convinces
//!
//! Tries and values are read from the memory by another reader than the card's. A guess is counted where the right value
//! would have shown something else, in the answer or in the memory, and not where the card says that it compared.

mod act;
mod judge;
mod state;

use crate::{
    card::NoEngine,
    journal::Journal,
    small::{bytes, memory, memory_of, start},
};
use act::{Act, Candidate, Harm, Which};
use card_os::Card;
use judge::{Followed, caught, follow, operations};
use sim::{
    nvm::{Fault, Faulty, Flash, Tear, Torn},
    rng::SimRng,
};
use state::{Abstract, Log, State};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// How often a start after a cut is cut again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Once, at every operation, after a cut in VERIFY on a log with room.
    Second,
    /// After every cut; and once more after one in a wrong VERIFY of the authentication PIN.
    Third,
}

/// Between two reports.
const PAUSE: Duration = Duration::from_millis(200);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
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
            "{states} states, all reached within {depth} steps, {transitions} transitions: {cuts} cuts of the power, {faults} \
             faults of the memory; {second} second and {third} third cuts"
        )
    }
}

/// Walks everything. `told` is called every now and then with what was covered so far.
///
/// # Panics
/// Where the card does not even start.
#[must_use]
pub fn explore(depth: Depth, mut told: impl FnMut(&Coverage)) -> Coverage {
    let walk = Walk { depth, counts: Counts::default(), harms: Mutex::default(), restless: Mutex::default() };
    let checker = walk.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs();
    while !checker.is_done() {
        std::thread::sleep(PAUSE);
        told(&covered(&checker));
    }
    let checker = checker.join();
    let violation = checker.discoveries().into_values().next().map(|path| {
        let last = path.last_state().at.violation.clone().unwrap_or_default();
        let way = path.into_actions().into_iter().map(|(act, harm)| match harm {
            Harm::None => format!("{act:?}"),
            harm => format!("{act:?} with {harm:?}"),
        });
        format!("{last}; the way there: {}", way.collect::<Vec<_>>().join(", "))
    });
    Coverage { violation, ..covered(&checker) }
}

fn covered(checker: &impl Checker<Walk>) -> Coverage {
    let counts = &checker.model().counts;
    Coverage {
        states: checker.unique_state_count() as u64,
        transitions: checker.state_count() as u64,
        depth: checker.max_depth() as u64,
        cuts: counts.cuts.load(Relaxed),
        faults: counts.faults.load(Relaxed),
        again: counts.again.each_ref().map(|count| count.load(Relaxed)),
        violation: None,
    }
}

#[derive(Default)]
struct Counts {
    cuts: AtomicU64,
    faults: AtomicU64,
    again: [AtomicU64; 2],
}

/// What becomes of a harmed act: the act, its PIN with tries, value and status, whether the JPKI application is current,
/// how the log ends.
type Stake = (Act, Option<(Which, u8, usize, bool)>, bool, Log);

fn stake(state: &State, act: Act) -> Stake {
    let Abstract { place, pins, log, .. } = &state.at;
    let pin = act.pin(&state.at).map(|pin| (pin, pins[pin as usize]));
    (act, pin.map(|(pin, now)| (pin, now.left, now.value, now.verified)), place.jpki, *log)
}

struct Walk {
    depth: Depth,
    counts: Counts,
    /// One harm for each thing that comes of it.
    harms: Mutex<HashMap<Stake, Vec<Harm>>>,
    /// Where a start after a harm ends otherwise once it is cut, and how.
    restless: Mutex<HashMap<(Stake, Harm), String>>,
}

impl Model for Walk {
    type State = State;
    type Action = (Act, Harm);

    fn init_states(&self) -> Vec<State> {
        let card = start(memory()).expect("an issued card starts");
        let at = Abstract::of(&card, [0; 2]).expect("an issued card has its PINs");
        vec![State { card, at }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<(Act, Harm)>) {
        if state.at.violation.is_some() {
            return;
        }
        for act in Act::all() {
            actions.push((act, Harm::None));
            actions.extend(self.harms(state, act).into_iter().map(|harm| (act, harm)));
        }
    }

    fn next_state(&self, state: &State, (act, harm): (Act, Harm)) -> Option<State> {
        let restless = self.restless.lock().expect("no thread panicked").get(&(stake(state, act), harm)).cloned();
        let followed = restless.map_or_else(|| follow(state, act, harm), Err);
        Some(followed.map_or_else(|violation| state.broken(violation), |followed| followed.state))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("every invariant holds", |_, state: &State| state.at.violation.is_none())]
    }
}

impl Walk {
    /// The harms of an act that lead on from this state. The first time that so much is at stake all are tried.
    fn harms(&self, state: &State, act: Act) -> Vec<Harm> {
        let stake = stake(state, act);
        let known = |harms: &HashMap<Stake, Vec<Harm>>| harms.get(&stake).cloned();
        if let Some(harms) = known(&self.harms.lock().expect("no thread panicked")) {
            return harms;
        }
        let full = stake.1.is_some_and(|(pin, left, value, verified)| left == pin.max() && value == 0 && !verified);
        let plain = matches!(act, Act::Verify(..)) && state.at.log == Log::Roomy;
        let again = full && (self.depth > Depth::Second || plain);
        let third = self.depth == Depth::Third && act == Act::Verify(Which::Authentication, Candidate::Wrong) && plain;
        let operations = operations(state, act);
        let (mut outcomes, mut harms) = (HashSet::new(), Vec::new());
        for harm in (0..operations).flat_map(every_harm) {
            let counter = if matches!(harm, Harm::Cut(..)) { &self.counts.cuts } else { &self.counts.faults };
            counter.fetch_add(1, Relaxed);
            let outcome = follow(state, act, harm).and_then(|Followed { state, torn }| {
                if let Some(torn) = torn.filter(|_| again) {
                    let settles = caught("a start that is cut", || self.start_again(&torn, 0, third));
                    settles.inspect_err(|how| {
                        self.restless.lock().expect("no thread panicked").insert((stake, harm), how.clone());
                    })?;
                }
                Ok(state.at)
            });
            if outcomes.insert(outcome) {
                harms.push(harm);
            }
        }
        self.harms.lock().expect("no thread panicked").insert(stake, harms.clone());
        harms
    }

    /// A4: a start that is cut, wherever, ends in the next one as it would have ended at once.
    fn start_again(&self, torn: &Flash, level: usize, deeper: bool) -> Result<(), String> {
        let nvm = Torn::new(Faulty::new(torn.clone()));
        let whole = Card::mount(nvm, NoEngine, SimRng::seeded(3)).map_err(|(error, _)| format!("{error:?}"))?;
        let operations = whole.nvm().operations();
        let whole = whole.into_nvm();
        for operation in 0..operations {
            for tear in Tear::all(operation) {
                self.counts.again[level].fetch_add(1, Relaxed);
                let mut nvm = Torn::new(Faulty::new(torn.clone()));
                nvm.arm(operation, tear);
                let cut = match Card::mount(nvm, NoEngine, SimRng::seeded(3)) {
                    Ok(card) => memory_of(card.into_nvm()),
                    Err((_, nvm)) => memory_of(nvm),
                };
                if deeper && level == 0 {
                    self.start_again(&cut, 1, false)?;
                }
                let card = start(cut)?;
                let records = |memory| Journal::read(memory).map(|journal| journal.living().to_vec());
                if records(bytes(&card)) != records(whole.inner().inner().bytes()) {
                    return Err(format!("A4: a start that is cut in operation {operation}, {tear:?}, ends otherwise"));
                }
            }
        }
        Ok(())
    }
}

/// A cut with each tear, and each fault, in one operation.
fn every_harm(operation: u64) -> impl Iterator<Item = Harm> {
    let cuts = Tear::all(operation).map(|tear| Harm::Cut(operation, tear));
    cuts.into_iter().chain([Fault::Failing, Fault::Silent].map(|fault| Harm::Fault(operation, fault)))
}
