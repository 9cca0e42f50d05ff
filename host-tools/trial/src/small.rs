//! An issued card in the smallest memory that holds it, so that a search can afford millions of them.

use crate::{
    card::{NoEngine, issued},
    journal::Journal,
};
use card_os::{
    platform::Engine,
    store::{Key, Store, Update},
};
use sim::{
    nvm::{Faulty, Flash, PAGE, Torn},
    rng::SimRng,
};

/// The card: real in everything but RSA, with probes that pull the power and that make writes fail.
pub type SmallCard<E = NoEngine> = card_os::Card<Torn<Faulty<Flash>>, E, SimRng>;

/// Longest value that is taken over. Contents of files and keys are longer; they read as 00, and no rule looks at them.
const LONGEST: usize = 64;

/// The memory of an issued JPKI card: every record of the sample card but the contents of files and keys.
///
/// # Panics
/// Never, as long as the sample card is one.
#[must_use]
pub fn memory() -> Flash {
    memory_with(64, |key, value| (value.len() <= LONGEST).then(|| (key, value.to_vec())))
}

/// A memory with records of the sample card, as they are kept, and room for so many bytes.
///
/// # Panics
/// Never, as long as the sample card is one.
#[must_use]
pub fn memory_with(room: usize, keep: impl Fn(u16, &[u8]) -> Option<(u16, Vec<u8>)>) -> Flash {
    let whole = issued();
    let journal = Journal::read(whole.bytes()).expect("an issued card");
    let kept: Vec<_> = journal.living().iter().filter_map(|(key, value)| keep(*key, value)).collect();
    let need: usize = kept.iter().map(|(_, value)| 8 + value.len().next_multiple_of(4)).sum();
    // The log has to move after some commits, and both kinds of commit are met early.
    let area = (16 + need + room).next_multiple_of(PAGE);
    let mut store = Store::format(Flash::new(2 * area)).expect("erased memory takes a journal");
    for (key, value) in &kept {
        store.commit(&[Update::Put { key: Key(*key), value }]).expect("fits");
    }
    store.into_nvm()
}

/// Starts a card from a memory.
///
/// # Errors
/// What the card says, where it refuses the memory.
pub fn start(memory: Flash) -> Result<SmallCard, String> {
    start_with(memory, NoEngine)
}

/// The same with another engine.
///
/// # Errors
/// What the card says, where it refuses the memory.
pub fn start_with<E: Engine>(memory: Flash, engine: E) -> Result<SmallCard<E>, String> {
    let nvm = Torn::new(Faulty::new(memory));
    match card_os::Card::mount(nvm, engine, SimRng::seeded(3)) {
        Ok(mut card) => {
            card.power_on();
            Ok(card)
        }
        Err((error, _)) => Err(format!("the memory does not mount: {error:?}")),
    }
}

/// What stands in the memory of a card.
#[must_use]
pub fn bytes<E: Engine>(card: &SmallCard<E>) -> &[u8] {
    card.nvm().inner().inner().bytes()
}

/// Takes the memory out of a card.
#[must_use]
pub fn memory_of(nvm: Torn<Faulty<Flash>>) -> Flash {
    nvm.into_inner().into_inner()
}
