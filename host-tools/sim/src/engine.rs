//! The RSA engine on the `rsa` crate: blinded, heap-using, good enough to stand behind the card's `Engine` seam.

use card_os::platform::{Engine, EngineFault, MODULUS, PRIME, PrivateKey};
use rand_core::TryCryptoRng;
use rsa::{
    BoxedUint,
    hazmat::rsa_decrypt,
    traits::{PrivateKeyParts, PublicKeyParts},
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Public exponent of every key.
const EXPONENT: u64 = 65_537;

/// [`Engine`] on the `rsa` crate. Keeps the key it used last ready, because preparing one costs as much as a signature;
/// the card's own store stays the only lasting place of the key.
#[derive(Debug, Clone, Default)]
pub struct RsaEngine {
    prepared: Option<Arc<rsa::PrivateKey>>,
}

impl RsaEngine {
    fn prepare(&mut self, key: &PrivateKey) -> Result<Arc<rsa::PrivateKey>, EngineFault> {
        let [p, q] = [&key.p, &key.q].map(|prime| BoxedUint::from_be_slice_vartime(prime));
        if let Some(ready) = self.prepared.as_ref().filter(|ready| holds(ready, &p, &q)) {
            return Ok(Arc::clone(ready));
        }
        let fresh = rsa::PrivateKey::from_p_q(p, q, EXPONENT.into()).map_err(|_| EngineFault)?;
        let fresh = Arc::new(fresh);
        self.prepared = Some(Arc::clone(&fresh));
        Ok(fresh)
    }
}

/// Compares values, in constant time as the bignum library does.
fn holds(ready: &rsa::PrivateKey, p: &BoxedUint, q: &BoxedUint) -> bool {
    matches!(ready.primes(), [a, b] if a.as_ref() == p && b.as_ref() == q)
}

impl Engine for RsaEngine {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        let key = self.prepare(key)?;
        let input = BoxedUint::from_be_slice(input, key.n().bits_precision()).map_err(|_| EngineFault)?;
        let result = rsa_decrypt(Some(rng), key.as_ref(), &input).map_err(|_| EngineFault)?;
        copy(&result, output)
    }

    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault> {
        let key = rsa::PrivateKey::new(rng, MODULUS * 8).map_err(|_| EngineFault)?;
        crt(&key)
    }
}

/// The card's import form of a key of the `rsa` crate: RSA-2048, two primes, e = 65537.
///
/// # Errors
/// [`EngineFault`] for any other kind of key.
pub fn crt(key: &rsa::PrivateKey) -> Result<PrivateKey, EngineFault> {
    let [p, q] = key.primes() else { return Err(EngineFault) };
    let (dp, dq, qinv) = (
        key.dp().ok_or(EngineFault)?,
        key.dq().ok_or(EngineFault)?,
        Zeroizing::new(key.qinv().ok_or(EngineFault)?.retrieve()),
    );
    let mut out =
        PrivateKey { n: [0; MODULUS], p: [0; PRIME], q: [0; PRIME], dp: [0; PRIME], dq: [0; PRIME], qinv: [0; PRIME] };
    copy(key.n().as_ref(), &mut out.n)?;
    copy(p.as_ref(), &mut out.p)?;
    copy(q.as_ref(), &mut out.q)?;
    copy(dp, &mut out.dp)?;
    copy(dq, &mut out.dq)?;
    copy(&qinv, &mut out.qinv)?;
    Ok(out)
}

/// Writes a number right-aligned, refusing one that does not fit.
fn copy(number: &BoxedUint, out: &mut [u8]) -> Result<(), EngineFault> {
    let bytes = Zeroizing::new(number.to_be_bytes().to_vec());
    let excess = bytes.len().saturating_sub(out.len());
    let (above, value) = bytes.split_at(excess);
    if above.iter().any(|byte| *byte != 0) {
        return Err(EngineFault);
    }
    let (pad, place) = out.split_at_mut(out.len() - value.len());
    pad.fill(0);
    place.copy_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SimRng;

    #[test]
    fn a_generated_key_signs_and_opens() {
        let (mut engine, mut rng) = (RsaEngine::default(), SimRng::seeded(1));
        let key = engine.generate(&mut rng).expect("generates");
        let (mut input, mut output) = ([0x5A; MODULUS], [0; MODULUS]);
        input[0] = 0;
        engine.private(&key, &input, &mut output, &mut rng).expect("signs");
        assert_eq!(card_os::public::power(&key.n, &output), Some(input));
    }

    #[test]
    fn another_key_replaces_the_prepared_one() {
        let (mut engine, mut rng) = (RsaEngine::default(), SimRng::seeded(2));
        let keys = [engine.generate(&mut rng).expect("generates"), engine.generate(&mut rng).expect("generates")];
        for key in [&keys[0], &keys[1], &keys[0]] {
            let (input, mut output) = ([0x11; MODULUS], [0; MODULUS]);
            engine.private(key, &input, &mut output, &mut rng).expect("signs");
            assert_eq!(card_os::public::power(&key.n, &output), Some(input));
        }
    }
}
