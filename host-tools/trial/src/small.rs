//! An issued card in the smallest memory that holds it, so that a search can afford millions of them.

use crate::{
    card::{NoEngine, issued},
    journal::Journal,
};
use card_os::store::{Key, Store, Update};
use sim::{
    nvm::{Faulty, Flash, PAGE, Torn},
    rng::SimRng,
};

/// The card: real in everything but RSA, with probes that pull the power and that make writes fail.
pub type SmallCard = card_os::Card<Torn<Faulty<Flash>>, NoEngine, SimRng>;

/// Longest value that is taken over. Contents of files and keys are longer; they read as 00, and no rule looks at them.
const LONGEST: usize = 64;

/// The memory of an issued JPKI card: every record of the sample card but the contents of files and keys.
///
/// # Panics
/// Never, as long as the sample card is one.
#[must_use]
pub fn memory() -> Flash {
    let whole = issued();
    let journal = Journal::read(whole.bytes()).expect("an issued card");
    let kept: Vec<_> = journal.living().iter().filter(|(_, value)| value.len() <= LONGEST).collect();
    let need: usize = kept.iter().map(|(_, value)| 8 + value.len().next_multiple_of(4)).sum();
    // Room for a few commits: the log has to move after some, and both kinds of commit are met early.
    let area = (16 + need + 64).next_multiple_of(PAGE);
    let mut store = Store::format(Flash::new(2 * area)).expect("erased memory takes a journal");
    for (key, value) in kept {
        store.commit(&[Update::Put { key: Key(*key), value }]).expect("fits");
    }
    store.into_nvm()
}

/// Starts a card from a memory.
///
/// # Errors
/// What the card says, where it refuses the memory.
pub fn start(memory: Flash) -> Result<SmallCard, String> {
    let nvm = Torn::new(Faulty::new(memory));
    match card_os::Card::mount(nvm, NoEngine, SimRng::seeded(3)) {
        Ok(mut card) => {
            card.power_on();
            Ok(card)
        }
        Err((error, _)) => Err(format!("the memory does not mount: {error:?}")),
    }
}

/// What stands in the memory of a card.
#[must_use]
pub fn bytes(card: &SmallCard) -> &[u8] {
    card.nvm().inner().inner().bytes()
}

/// Takes the memory out of a card.
#[must_use]
pub fn memory_of(nvm: Torn<Faulty<Flash>>) -> Flash {
    nvm.into_inner().into_inner()
}
