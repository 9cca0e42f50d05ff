//! The keys that everybody signs with: made anew from seeds that everybody can read, so they protect nothing.

use crate::error::BenchError;
use engine::{Generated, arithmetic::Portable, natural};
use rsa::{
    BoxedUint, Pkcs1v15Sign, PrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
    traits::{PrivateKeyParts, PublicKeyParts},
};
use sha2::{Digest, Sha256};
use sim::rng::SimRng;
use std::{fs, path::Path};
use zeroize::Zeroizing;

/// Sizes of modulus that can be measured, in bits.
pub const SIZES: [usize; 3] = [2048, 3072, 4096];

/// A key in every form that a library may want.
pub struct Key {
    /// Length of the modulus in bits.
    pub bits: usize,
    /// As PKCS#8 DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// As the `rsa` crate has it.
    pub rsa: PrivateKey,
    /// n, as long as the modulus; then p, q, dP, dQ, qInv, half as long. Big-endian.
    pub numbers: [Zeroizing<Vec<u8>>; 6],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({} bits)", self.bits)
    }
}

impl Key {
    /// The key of this size.
    ///
    /// # Errors
    /// [`BenchError::Choice`] for a size that is not one of [`SIZES`].
    pub fn of(bits: usize) -> Result<Key, BenchError> {
        // Seeds whose first candidates are nearly primes: a key in a tenth of the usual time.
        let rsa = match bits {
            2048 => generated::<16, 32>(53),
            3072 => generated::<24, 48>(95),
            4096 => generated::<32, 64>(25),
            _ => return Err(BenchError::Choice(format!("no key of {bits} bits; there are {SIZES:?}"))),
        };
        Key::from_rsa(bits, rsa?)
    }

    /// A key that [`Key::write`] kept.
    ///
    /// # Errors
    /// [`BenchError`] for a file that is none, or a key of another size.
    pub fn read(bits: usize, path: &Path) -> Result<Key, BenchError> {
        let der = fs::read(path).map(Zeroizing::new);
        let der = der.map_err(|error| BenchError::Io(path.display().to_string(), error))?;
        let rsa = PrivateKey::from_pkcs8_der(&der).map_err(|error| unusable(bits, &error.to_string()))?;
        if rsa.n().bit_width() as usize != bits {
            return Err(unusable(bits, "it has another size"));
        }
        Key::from_rsa(bits, rsa)
    }

    /// Keeps the key, for a process that shall not take the time to make it.
    ///
    /// # Errors
    /// [`BenchError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        fs::write(path, &self.pkcs8).map_err(|error| BenchError::Io(path.display().to_string(), error))
    }

    /// A key of the `rsa` crate.
    ///
    /// # Errors
    /// [`BenchError::Choice`] where it has not two primes.
    pub fn from_rsa(bits: usize, rsa: PrivateKey) -> Result<Key, BenchError> {
        let pkcs8 = rsa.to_pkcs8_der().map_err(|error| unusable(bits, &error.to_string()))?;
        let ([p, q], Some(dp), Some(dq), Some(qinv)) = (rsa.primes(), rsa.dp(), rsa.dq(), rsa.qinv()) else {
            return Err(unusable(bits, "not two primes"));
        };
        let qinv = Zeroizing::new(qinv.retrieve());
        let half = |number: &BoxedUint| padded(number, bits / 16);
        let numbers = [padded(rsa.n().as_ref(), bits / 8), half(p), half(q), half(dp), half(dq), half(&qinv)];
        Ok(Key { bits, pkcs8: Zeroizing::new(pkcs8.as_bytes().to_vec()), numbers, rsa })
    }

    /// The signature of a message by the `rsa` crate: what all others must give too.
    ///
    /// # Errors
    /// [`BenchError::Choice`] where the crate refuses its own key.
    pub fn expected(&self, message: &[u8]) -> Result<Vec<u8>, BenchError> {
        let refused = |error: rsa::Error| BenchError::Choice(format!("the rsa crate refuses its key: {error}"));
        let (digest, scheme) = (Sha256::digest(message), Pkcs1v15Sign::new::<Sha256>);
        let signature = self.rsa.sign(scheme(), &digest).map_err(refused)?;
        self.rsa.to_public_key().verify(scheme(), &digest, &signature).map_err(refused)?;
        Ok(signature)
    }
}

fn unusable(bits: usize, why: &str) -> BenchError {
    BenchError::Choice(format!("the key of {bits} bits cannot be used: {why}"))
}

/// A key of the engine's making, as the `rsa` crate has it.
fn generated<const N: usize, const M: usize>(seed: u64) -> Result<PrivateKey, BenchError> {
    let made = engine::generate(Portable, &mut SimRng::seeded(seed));
    let made: Generated<N, M> = made.map_err(|error| unusable(8 * 8 * M, &format!("{error:?}")))?;
    let [p, q] = [&made.p, &made.q].map(|prime| {
        let mut bytes = Zeroizing::new(vec![0; 8 * N]);
        // Eight bytes a limb: there is room.
        let _ = natural::to_be_bytes(prime, &mut bytes);
        BoxedUint::from_be_slice_vartime(&bytes)
    });
    PrivateKey::from_p_q(p, q, 65_537u64.into()).map_err(|error| unusable(8 * 8 * M, &error.to_string()))
}

/// The last `length` bytes of a number, with noughts before it where it is shorter.
fn padded(number: &BoxedUint, length: usize) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(number.to_be_bytes().to_vec());
    let mut out = Zeroizing::new(vec![0; length]);
    for (slot, byte) in out.iter_mut().rev().zip(bytes.iter().rev()) {
        *slot = *byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{MESSAGE, encode};

    #[test]
    fn every_size_has_its_key_and_no_other() {
        for bits in SIZES {
            let key = Key::of(bits).expect("a key");
            assert_eq!((key.rsa.n().bit_width() as usize, key.numbers[0].len()), (bits, bits / 8));
            // What `encode` makes is what the crate signs.
            let signature = BoxedUint::from_be_slice_vartime(&key.expected(MESSAGE).expect("signs"));
            let mut em = vec![0; bits / 8];
            encode(MESSAGE, &mut em);
            let opened = rsa::hazmat::rsa_encrypt(&key.rsa.to_public_key(), &signature).expect("opens");
            assert_eq!(*padded(&opened, bits / 8), em);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (path, key) = (folder.path().join("key"), Key::of(2048).expect("a key"));
        key.write(&path).expect("writes");
        assert_eq!(Key::read(2048, &path).expect("reads").numbers, key.numbers);
        assert!(Key::read(3072, &path).expect_err("another size").to_string().contains("another size"));
        let refused = Key::of(1024).expect_err("no such key").to_string();
        assert!(refused.contains("2048"), "{refused}");
    }
}
