//! A card for fuzzers: real in everything but RSA, which is stubbed so that a run costs microseconds.

use card_os::{
    Card, Response,
    platform::{Engine, EngineFault, MODULUS, PrivateKey},
    profile::Model,
};
use rand_core::TryCryptoRng;
use sim::{nvm::Flash, rng::SimRng, sample};
use std::sync::LazyLock;

/// An engine without keys: every signature is refused after all checks that come before it.
///
/// What it leaves as a result is above every modulus, so that the card's check of it with the public exponent ends at once.
#[derive(Debug, Clone)]
pub struct NoEngine;

impl Engine for NoEngine {
    fn private<R: TryCryptoRng>(
        &mut self,
        _: &PrivateKey,
        _: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        _: &mut R,
    ) -> Result<(), EngineFault> {
        output.fill(0xFF);
        Err(EngineFault)
    }

    fn generate<R: TryCryptoRng>(&mut self, _: &mut R) -> Result<PrivateKey, EngineFault> {
        Err(EngineFault)
    }
}

/// The card under test.
pub type FuzzCard = Card<Flash, NoEngine, SimRng>;

/// The issued card that every run forks: making it takes seconds, because issuing does need RSA.
pub static TEMPLATE: LazyLock<FuzzCard> =
    LazyLock::new(|| mount(sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner()));

/// Boots a card from its memory.
///
/// # Panics
/// Where the memory does not mount: these cards never lose power in the middle of a write.
#[must_use]
pub fn mount(memory: Flash) -> FuzzCard {
    match Card::mount(memory, NoEngine, SimRng::seeded(3)) {
        Ok(card) => card,
        Err((error, _)) => panic!("the memory of a card that was switched off in order does not mount: {error:?}"),
    }
}

/// Sends one command.
pub fn transmit(card: &mut FuzzCard, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}
