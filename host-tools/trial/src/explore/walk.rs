//! One walk through everything that can become of a card, whatever the walk is about.

use super::{Coverage, Depth, Walk};
use crate::{
    card::NoEngine,
    journal::Journal,
    small::{SmallCard, bytes, memory_of, start},
};
use card_os::{Card, platform::Engine};
use sim::{
    nvm::{Fault, Faulty, Flash, Tear, Torn},
    rng::SimRng,
};
use stateright::{Checker, Model, Property};
use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
    hash::Hash,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What goes wrong with the memory during an act, and in which of its operations, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Harm {
    /// Nothing.
    None,
    /// The power goes.
    Cut(u64, Tear),
    /// From then on until the answer it writes nothing.
    Fault(u64, Fault),
}

impl Harm {
    /// A cut with each tear, and each fault, in one operation.
    fn every(operation: u64) -> impl Iterator<Item = Harm> {
        let cuts = Tear::all(operation).map(|tear| Harm::Cut(operation, tear));
        cuts.into_iter().chain([Fault::Failing, Fault::Silent].map(|fault| Harm::Fault(operation, fault)))
    }

    /// Prepares the memory of a card for it.
    pub(crate) fn arm<E: Engine>(self, card: &mut SmallCard<E>) {
        let nvm = card.nvm_mut();
        match self {
            Harm::None => nvm.disarm(),
            Harm::Cut(operation, tear) => nvm.arm(operation, tear),
            Harm::Fault(operation, fault) => {
                nvm.disarm();
                nvm.inner_mut().set_at(operation, fault);
            }
        }
    }
}

/// A state, and the memory that it was started from where the power was cut.
pub(crate) struct Followed<S> {
    pub(crate) state: S,
    pub(crate) torn: Option<Flash>,
}

/// What a walk is about: its states, its acts, and the judge.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// A card and all that tells two of its states apart; only the latter counts in comparisons.
    type State: Clone + Debug + Eq + Hash + Send + Sync;
    /// One thing that may happen.
    type Act: Debug + Copy + Eq + Hash + Send + Sync;
    /// All that a harmed act can hang on.
    type Stake: Debug + Clone + Eq + Hash + Send + Sync;

    /// Where the walk begins.
    fn start(&self) -> Self::State;
    /// Everything that may happen.
    fn acts(&self) -> Vec<Self::Act>;
    /// What hangs on a harmed act.
    fn stake(&self, state: &Self::State, act: Self::Act, depth: Depth) -> Self::Stake;
    /// How often the start after a cut in it is cut again.
    fn again(&self, state: &Self::State, act: Self::Act, depth: Depth) -> usize;
    /// Words that an act writes and pages that it erases.
    fn operations(&self, state: &Self::State, act: Self::Act) -> u64;
    /// What follows from an act, or the invariant that does not hold, in words.
    fn follow(&self, state: &Self::State, act: Self::Act, harm: Harm) -> Result<Followed<Self::State>, String>;
    /// The state with what does not hold.
    fn broken(state: &Self::State, violation: String) -> Self::State;
    /// What does not hold.
    fn violation(state: &Self::State) -> Option<&str>;
}

/// Walks everything; `told` is called every now and then.
pub(crate) fn walk<S: Subject>(walk: Walk, subject: S, depth: Depth, told: &mut dyn FnMut(&Coverage)) -> Coverage {
    let way = Way { subject, depth, counts: Counts::default(), harms: Mutex::default(), restless: Mutex::default() };
    let checker = way.checker().finish_when(stateright::HasDiscoveries::AnyFailures).spawn_bfs();
    while !checker.is_done() {
        std::thread::sleep(super::PAUSE);
        told(&covered(walk, &checker));
    }
    let checker = checker.join();
    let violation = checker.discoveries().into_values().next().map(|path| {
        let last = S::violation(path.last_state()).unwrap_or_default().to_owned();
        let way = path.into_actions().into_iter().map(|(act, harm)| match harm {
            Harm::None => format!("{act:?}"),
            harm => format!("{act:?} with {harm:?}"),
        });
        format!("{last}; the way there: {}", way.collect::<Vec<_>>().join(", "))
    });
    Coverage { violation, ..covered(walk, &checker) }
}

fn covered<S: Subject>(walk: Walk, checker: &impl Checker<Way<S>>) -> Coverage {
    let counts = &checker.model().counts;
    Coverage {
        walk,
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

struct Way<S: Subject> {
    subject: S,
    depth: Depth,
    counts: Counts,
    /// One harm for each thing that comes of it.
    harms: Mutex<HashMap<S::Stake, Vec<Harm>>>,
    /// Where a start after a harm ends otherwise once it is cut, and how.
    restless: Mutex<HashMap<(S::Stake, Harm), String>>,
}

impl<S: Subject> Model for Way<S> {
    type State = S::State;
    type Action = (S::Act, Harm);

    fn init_states(&self) -> Vec<S::State> {
        vec![self.subject.start()]
    }

    fn actions(&self, state: &S::State, actions: &mut Vec<(S::Act, Harm)>) {
        if S::violation(state).is_some() {
            return;
        }
        for act in self.subject.acts() {
            actions.push((act, Harm::None));
            actions.extend(self.harms(state, act).into_iter().map(|harm| (act, harm)));
        }
    }

    fn next_state(&self, state: &S::State, (act, harm): (S::Act, Harm)) -> Option<S::State> {
        let stake = (self.subject.stake(state, act, self.depth), harm);
        let restless = self.restless.lock().expect("no thread panicked").get(&stake).cloned();
        let followed = restless.map_or_else(|| self.follow(state, act, harm), Err);
        Some(followed.map_or_else(|violation| S::broken(state, violation), |followed| followed.state))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("every invariant holds", |_, state: &S::State| S::violation(state).is_none())]
    }
}

impl<S: Subject> Way<S> {
    fn follow(&self, state: &S::State, act: S::Act, harm: Harm) -> Result<Followed<S::State>, String> {
        caught("an act", || self.subject.follow(state, act, harm))
    }

    /// The harms of an act that lead on from this state. The first time that so much is at stake all are tried.
    fn harms(&self, state: &S::State, act: S::Act) -> Vec<Harm> {
        let stake = self.subject.stake(state, act, self.depth);
        let known = |harms: &HashMap<S::Stake, Vec<Harm>>| harms.get(&stake).cloned();
        if let Some(harms) = known(&self.harms.lock().expect("no thread panicked")) {
            return harms;
        }
        let again = self.subject.again(state, act, self.depth);
        // None where it panics, which `follow` tells.
        let operations = catch_unwind(AssertUnwindSafe(|| self.subject.operations(state, act))).unwrap_or(0);
        let (mut outcomes, mut harms) = (HashSet::new(), Vec::new());
        for harm in (0..operations).flat_map(Harm::every) {
            let counter = if matches!(harm, Harm::Cut(..)) { &self.counts.cuts } else { &self.counts.faults };
            counter.fetch_add(1, Relaxed);
            let outcome = self.follow(state, act, harm).and_then(|Followed { state, torn }| {
                if let Some(torn) = torn.filter(|_| again > 0) {
                    let settles = caught("a start that is cut", || self.start_again(&torn, 0, again));
                    settles.inspect_err(|how| {
                        self.restless.lock().expect("no thread panicked").insert((stake.clone(), harm), how.clone());
                    })?;
                }
                Ok(state)
            });
            if outcomes.insert(outcome) {
                harms.push(harm);
            }
        }
        self.harms.lock().expect("no thread panicked").insert(stake, harms.clone());
        harms
    }

    /// A4: a start that is cut, wherever, ends in the next one as it would have ended at once; `again` levels deep.
    fn start_again(&self, torn: &Flash, level: usize, again: usize) -> Result<(), String> {
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
                if level + 1 < again {
                    self.start_again(&cut, level + 1, again)?;
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

/// R1: a panic is a violation too, the card's as well as that of a memory whose contract was broken.
fn caught<T>(what: &str, act: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(act))
        .unwrap_or_else(|_| Err(format!("R1: {what} panics, in the card or in its memory")))
}
