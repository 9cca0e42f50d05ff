//! A key from another implementation, as numbers.

use crypto_bigint::BoxedUint;
use engine::{Components, PrivateKey, arithmetic::Kernel, limb};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use std::sync::LazyLock;

/// Limbs of an RSA-2048 key.
pub(crate) const PRIME: usize = 1024 / limb::BITS as usize;
pub(crate) const MODULUS: usize = 2 * PRIME;

/// A key's numbers as bytes.
pub(crate) struct Numbers {
    pub(crate) n: Vec<u8>,
    pub(crate) p: Vec<u8>,
    pub(crate) q: Vec<u8>,
    pub(crate) dp: Vec<u8>,
    pub(crate) dq: Vec<u8>,
    pub(crate) qinv: Vec<u8>,
}

impl Numbers {
    pub(crate) fn of(key: &rsa::PrivateKey) -> Numbers {
        let size = key.size();
        let bytes = |number: &BoxedUint, size: usize| {
            let bytes = number.to_be_bytes();
            let mut out = vec![0; size.saturating_sub(bytes.len())];
            out.extend_from_slice(&bytes[bytes.len().saturating_sub(size)..]);
            out
        };
        let [p, q] = key.primes() else { panic!("two primes") };
        Numbers {
            n: bytes(key.n().as_ref(), size),
            p: bytes(p.as_ref(), size / 2),
            q: bytes(q.as_ref(), size / 2),
            dp: bytes(key.dp().expect("precomputed"), size / 2),
            dq: bytes(key.dq().expect("precomputed"), size / 2),
            qinv: bytes(&key.qinv().expect("precomputed").retrieve(), size / 2),
        }
    }

    pub(crate) fn components(&self) -> Components<'_> {
        let Numbers { n, p, q, dp, dq, qinv } = self;
        Components { n, p, q, dp, dq, qinv }
    }

    pub(crate) fn prepared<const N: usize, const M: usize, A: Kernel<N, M>>(
        &self,
        arithmetic: A,
    ) -> PrivateKey<N, M, A> {
        PrivateKey::with(arithmetic, &self.components()).expect("a key")
    }
}

pub(crate) static KEY: LazyLock<rsa::PrivateKey> =
    LazyLock::new(|| rsa::PrivateKey::new(&mut ChaCha20Rng::seed_from_u64(11), 2048).expect("a key"));
