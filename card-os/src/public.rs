//! The public half of RSA-2048: what the card needs to check itself.
//!
//! Nothing here is secret but the factors in [`is_consistent`], and that runs in constant time, and a base that was deciphered,
//! which is wiped: [`power`] gives back what everybody saw. Both are computed by the portable arithmetic of the `engine` crate, whatever
//! the card's engine is.

use crate::platform::{MODULUS, PRIME, PrivateKey};
use engine::{Components, arithmetic::Portable, check, public};

/// Limbs of a prime and of a modulus.
const P: usize = engine::limbs(8 * PRIME);
const N: usize = engine::limbs(8 * MODULUS);

/// `baseᵉ mod n` with e = 65537. `None` where n is even, too short, or not above the base.
#[must_use]
pub fn power(n: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
    let mut out = [0; MODULUS];
    public::power::<N, _>(Portable, n, base, &mut out).ok().map(|()| out)
}

/// Whether the CRT values belong together: n = p·q, e·dP ≡ 1 (mod p − 1), e·dQ ≡ 1 (mod q − 1), q·qInv ≡ 1 (mod p), for an odd n with its
/// top bit set.
#[must_use]
pub fn is_consistent(key: &PrivateKey) -> bool {
    let PrivateKey { n, p, q, dp, dq, qinv } = key;
    check::is_consistent::<P, N>(&Components { n, p, q, dp, dq, qinv })
}
