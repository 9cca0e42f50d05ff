//! RSA that was done before: so a key costs the card what its own checks cost, and no more.

use card_os::{
    platform::{Engine, EngineFault, MODULUS, PrivateKey},
    public, sign,
};
use rand_core::TryCryptoRng;
use sim::{engine::RsaEngine, sample};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

/// What was answered before, by modulus and input.
type Answers = LazyLock<Mutex<HashMap<[[u8; MODULUS]; 2], Option<[u8; MODULUS]>>>>;

static PRIVATE: Answers = LazyLock::new(Mutex::default);
static PUBLIC: Answers = LazyLock::new(Mutex::default);

/// An engine that does each operation once, and whose new key is always the same one.
#[derive(Debug, Clone)]
pub(crate) struct Rehearsed;

impl Engine for Rehearsed {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        let mut answers = PRIVATE.lock().expect("no thread panicked");
        let answer = answers.entry([key.n, *input]).or_insert_with(|| {
            let mut answer = [0; MODULUS];
            RsaEngine::default().private(key, input, &mut answer, rng).is_ok().then_some(answer)
        });
        *output = answer.ok_or(EngineFault)?;
        Ok(())
    }

    fn public(&mut self, n: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
        let mut answers = PUBLIC.lock().expect("no thread panicked");
        *answers.entry([*n, *base]).or_insert_with(|| public::power(n, base))
    }

    fn generate<R: TryCryptoRng>(&mut self, _: &mut R) -> Result<PrivateKey, EngineFault> {
        Ok(sign::from_bytes(&sign::to_bytes(&sample::keys()[1])))
    }
}
