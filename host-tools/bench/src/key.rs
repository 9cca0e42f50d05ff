//! The keys that everybody signs with. They lie open in `host-tools/bench/keys` and protect nothing.

use crate::error::BenchError;
use rsa::{
    BoxedUint, Pkcs1v15Sign, PrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
    traits::{PrivateKeyParts, PublicKeyParts},
};
use sha2::{Digest, Sha256};
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
        // Made once by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:…`.
        let pem = match bits {
            2048 => include_str!("../keys/rsa-2048.pem"),
            3072 => include_str!("../keys/rsa-3072.pem"),
            4096 => include_str!("../keys/rsa-4096.pem"),
            _ => return Err(BenchError::Choice(format!("no key of {bits} bits; there are {SIZES:?}"))),
        };
        let unusable = |why: &str| BenchError::Choice(format!("the key of {bits} bits cannot be used: {why}"));
        let rsa = PrivateKey::from_pkcs8_pem(pem).map_err(|error| unusable(&error.to_string()))?;
        let pkcs8 = rsa.to_pkcs8_der().map_err(|error| unusable(&error.to_string()))?;
        let ([p, q], Some(dp), Some(dq), Some(qinv)) = (rsa.primes(), rsa.dp(), rsa.dq(), rsa.qinv()) else {
            return Err(unusable("not two primes"));
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
        let refused = Key::of(1024).expect_err("no such key").to_string();
        assert!(refused.contains("2048"), "{refused}");
    }
}
