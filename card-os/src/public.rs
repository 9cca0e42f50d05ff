//! The public half of RSA-2048: what the card needs to check itself.
//!
//! Nothing here is secret but the factors in [`is_consistent`], and that runs in constant time, and a base that was deciphered,
//! which is wiped: [`power`] gives back what everybody saw.

use crate::platform::{MODULUS, PRIME, PrivateKey};
use crypto_bigint::{
    NonZero, Odd, U1024, U2048,
    modular::{FixedMontyForm, FixedMontyParams},
};
use zeroize::Zeroizing;

/// Public exponent of every key of this card.
const EXPONENT: U1024 = U1024::from_u32(65_537);

/// `baseᵉ mod n` with e = 65537. `None` where n is even, too short, or not above the base.
#[must_use]
pub fn power(n: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
    let modulus = U2048::from_be_slice(n);
    let base = Zeroizing::new(U2048::from_be_slice(base));
    if modulus.bit_width_vartime() != U2048::BITS || *base >= modulus {
        return None;
    }
    let params = FixedMontyParams::new_vartime(Option::from(Odd::new(modulus))?);
    let base = Zeroizing::new(FixedMontyForm::new(&base, &params));
    let mut power = Zeroizing::new(*base);
    for _ in 0..16 {
        *power = power.square();
    }
    let mut out = [0; MODULUS];
    out.copy_from_slice(power.mul(&base).retrieve().to_be_bytes().as_ref());
    Some(out)
}

/// Whether the CRT values belong together: n = p·q, e·dP ≡ 1 (mod p − 1), e·dQ ≡ 1 (mod q − 1), q·qInv ≡ 1 (mod p).
#[must_use]
pub fn is_consistent(key: &PrivateKey) -> bool {
    let [p, q] = [&key.p, &key.q].map(|prime| Zeroizing::new(U1024::from_be_slice(prime)));
    let product: U2048 = p.concatenating_mul(&*q);
    product == U2048::from_be_slice(&key.n)
        && is_inverse(&key.dp, &EXPONENT, &Zeroizing::new(p.wrapping_sub(&U1024::ONE)))
        && is_inverse(&key.dq, &EXPONENT, &Zeroizing::new(q.wrapping_sub(&U1024::ONE)))
        && is_inverse(&key.qinv, &q, &p)
}

/// Whether value · other ≡ 1 (mod modulus), in time that depends on neither.
fn is_inverse(value: &[u8; PRIME], other: &U1024, modulus: &U1024) -> bool {
    let value = Zeroizing::new(U1024::from_be_slice(value));
    let product: Zeroizing<U2048> = Zeroizing::new(value.concatenating_mul(other));
    Option::from(NonZero::new(*modulus)).is_some_and(|modulus| product.rem(&modulus) == U1024::ONE)
}
