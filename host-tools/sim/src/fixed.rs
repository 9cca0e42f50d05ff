//! The card's own engine: the private operation of the `engine` crate on fixed limbs. Key pairs are still made by the `rsa` crate.

use crate::engine::RsaEngine;
use card_os::platform::{Engine, EngineFault, MODULUS, PrivateKey};
use engine::{Components, Rsa2048};
use rand_core::TryCryptoRng;

/// [`Engine`] on fixed limbs. Keeps the key it used last ready, with its blinding pair; the card's own store stays the only
/// lasting place of the key. A clone keeps nothing: it prepares the key anew, with a pair of its own.
#[derive(Debug, Default)]
pub struct FixedEngine {
    prepared: Option<Box<Rsa2048>>,
}

impl Clone for FixedEngine {
    fn clone(&self) -> Self {
        FixedEngine::default()
    }
}

impl Engine for FixedEngine {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        let mut ready = match self.prepared.take().filter(|ready| ready.has_modulus(&key.n)) {
            Some(ready) => ready,
            None => {
                let PrivateKey { n, p, q, dp, dq, qinv } = key;
                Box::new(Rsa2048::new(&Components { n, p, q, dp, dq, qinv }).map_err(|_| EngineFault)?)
            }
        };
        ready.private(input, output, rng).map_err(|_| EngineFault)?;
        self.prepared = Some(ready);
        Ok(())
    }

    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault> {
        RsaEngine::default().generate(rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rng::SimRng, sample};

    /// Both engines, both keys in turn, inputs of every kind of length.
    #[test]
    fn it_agrees_with_the_rsa_crate() {
        let (mut fixed, mut rival, mut rng) = (FixedEngine::default(), RsaEngine::default(), SimRng::seeded(8));
        for round in 0..40u8 {
            let key = &sample::keys()[usize::from(round % 2)];
            let mut input = [round.wrapping_mul(0x3B); MODULUS];
            input[..usize::from(round) * 6 + 1].fill(0);
            let mut results = [[0; MODULUS]; 2];
            let [one, other] = &mut results;
            fixed.private(key, &input, one, &mut rng).expect("signs");
            rival.private(key, &input, other, &mut rng).expect("signs");
            assert_eq!(one, other, "round {round}");
        }
    }

    #[test]
    fn a_damaged_key_is_a_fault_and_the_next_one_works() {
        let (mut fixed, mut rng) = (FixedEngine::default(), SimRng::seeded(8));
        let good = &sample::keys()[0];
        let mut bad = card_os::sign::from_bytes(&card_os::sign::to_bytes(good));
        bad.dp[50] ^= 4;
        let (input, mut output) = ([7; MODULUS], [0xAA; MODULUS]);
        assert_eq!(fixed.private(&bad, &input, &mut output, &mut rng), Err(EngineFault));
        assert_eq!(output, [0xAA; MODULUS], "nothing of it leaves");
        fixed.private(good, &input, &mut output, &mut rng).expect("signs");
        assert_eq!(card_os::public::power(&good.n, &output), Some(input));
    }
}
