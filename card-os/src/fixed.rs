//! The card's own engine: the `engine` crate behind the [`Engine`] seam.
//!
//! It is the default. A chip with a co-processor leaves the feature `engine` off and brings an [`Engine`] of its own.

use crate::{
    platform::{Engine, EngineFault, MODULUS, PRIME, PrivateKey},
    public,
};
use engine::{
    Components, ComponentsMut, Generated,
    arithmetic::{Kernel, Portable},
};
use rand_core::TryCryptoRng;

/// Limbs of a prime and of a modulus.
const P: usize = engine::limbs(8 * PRIME);
const N: usize = engine::limbs(8 * MODULUS);

/// [`Engine`] on fixed limbs with the arithmetic A. Keeps the key it used last ready in RAM, with its blinding pair, until power goes;
/// the card's own store stays the only lasting place of the key.
#[derive(Debug)]
pub struct FixedEngine<A: Kernel<P, N> = Portable> {
    arithmetic: A,
    prepared: Option<engine::PrivateKey<P, N, A>>,
}

impl<A: Kernel<P, N>> FixedEngine<A> {
    /// An engine with the given arithmetic.
    #[must_use]
    pub fn with(arithmetic: A) -> Self {
        FixedEngine { arithmetic, prepared: None }
    }

    /// Has this key ready, and no other. In a frame of its own, so that an operation has the stack that this one took.
    #[inline(never)]
    fn prepare(&mut self, key: &PrivateKey) -> Result<(), EngineFault> {
        if self.prepared.as_ref().is_none_or(|ready| !ready.has_modulus(&key.n)) {
            self.prepared = None;
            let PrivateKey { n, p, q, dp, dq, qinv } = key;
            let components = Components { n, p, q, dp, dq, qinv };
            let ready = engine::PrivateKey::with(self.arithmetic, &components).map_err(|_| EngineFault)?;
            self.prepared = Some(ready);
        }
        Ok(())
    }
}

impl Default for FixedEngine {
    fn default() -> Self {
        FixedEngine::with(Portable)
    }
}

/// A clone keeps nothing: it prepares the key anew, with a pair of its own.
impl<A: Kernel<P, N>> Clone for FixedEngine<A> {
    fn clone(&self) -> Self {
        FixedEngine::with(self.arithmetic)
    }
}

impl<A: Kernel<P, N>> Engine for FixedEngine<A> {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        self.prepare(key)?;
        let ready = self.prepared.as_mut().ok_or(EngineFault)?;
        let result = ready.private(input, output, rng).map_err(|_| EngineFault);
        // A key that failed is not kept: what went wrong may have been it.
        if result.is_err() {
            self.prepared = None;
        }
        result
    }

    fn public(&mut self, n: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
        match self.prepared.as_ref().filter(|ready| ready.has_modulus(n)) {
            Some(ready) => {
                let mut out = [0; MODULUS];
                ready.public(base, &mut out).ok().map(|()| out)
            }
            None => public::power(n, base),
        }
    }

    #[inline(never)]
    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault> {
        // Used where it is: moved it would take its place twice.
        let made = engine::generate(self.arithmetic, rng);
        written(made.as_ref().map_err(|_| EngineFault)?)
    }

    fn power_off(&mut self) {
        self.prepared = None;
    }
}

/// A generated key as the card keeps it.
#[inline(never)]
fn written(key: &Generated<P, N>) -> Result<PrivateKey, EngineFault> {
    let mut out =
        PrivateKey { n: [0; MODULUS], p: [0; PRIME], q: [0; PRIME], dp: [0; PRIME], dq: [0; PRIME], qinv: [0; PRIME] };
    let PrivateKey { n, p, q, dp, dq, qinv } = &mut out;
    key.write(&mut ComponentsMut { n, p, q, dp, dq, qinv }).map_err(|_| EngineFault)?;
    Ok(out)
}
