//! A card for fuzzers: real in everything but RSA, which is stubbed so that a run costs microseconds.

use card_os::{
    Card,
    platform::{Engine, EngineFault, MODULUS, PrivateKey},
    profile::Model,
};
use rand_core::TryCryptoRng;
use sim::{
    nvm::{Flash, Torn},
    rng::SimRng,
    sample, session,
};
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

/// The memory of the issued card: making it takes seconds, because issuing does need RSA.
static ISSUED: LazyLock<Flash> = LazyLock::new(|| sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner());

/// The memory of an issued JPKI card.
#[must_use]
pub fn issued() -> Flash {
    ISSUED.clone()
}

/// Boots a card from its memory.
///
/// # Panics
/// Where the memory does not mount.
#[must_use]
pub fn mount(memory: Flash) -> session::Card<NoEngine> {
    match Card::mount(Torn::new(memory), NoEngine, SimRng::seeded(3)) {
        Ok(card) => card,
        Err((error, _)) => panic!("the memory of a card that was switched off in order does not mount: {error:?}"),
    }
}
