//! Whether the numbers of a key belong together, without division and in time that depends on none of them.

use crate::{
    arithmetic::Portable,
    key::{Components, joined},
    limb,
    modulus::Modulus,
    natural::{self, Natural},
    schoolbook,
};
use zeroize::Zeroizing;

/// Whether n = p · q, e · dP ≡ 1 (mod p − 1), e · dQ ≡ 1 (mod q − 1) and q · qInv ≡ 1 (mod p), for e = 65537, primes of N limbs and a
/// modulus of M = 2N that is odd and has its top bit set. Which of them does not hold may show in time.
#[inline(never)]
#[must_use]
pub fn is_consistent<const N: usize, const M: usize>(key: &Components<'_>) -> bool {
    consistent::<N, M>(key).is_some()
}

fn consistent<const N: usize, const M: usize>(key: &Components<'_>) -> Option<()> {
    const { assert!(M == 2 * N, "a modulus has twice the limbs of its primes") };
    let n = natural::from_be_bytes::<M>(key.n)?;
    let mut numbers = Zeroizing::new(const { [[0; N]; 5] });
    for (number, bytes) in numbers.iter_mut().zip([key.p, key.q, key.dp, key.dq, key.qinv]) {
        natural::read_be_bytes(number, bytes)?;
    }
    let [p, q, dp, dq, qinv] = &*numbers;
    let mut product = Zeroizing::new(const { [[0; N]; 2] });
    schoolbook::product(Portable, &mut product, p, q);
    // Where n is odd and has its top bit, so are and have both factors, since neither is longer than half of it.
    let proper = natural::lowest(&n) & (n.last()? >> (limb::BITS - 1));
    let whole = proper != 0 && natural::equal(&joined(&product), &n) != 0;
    (whole && inverts_e(dp, p) && inverts_e(dq, q)).then_some(())?;
    let modulus = Modulus::new(p)?;
    let mut one = Zeroizing::new(*qinv);
    modulus.enter_in_place(&mut one);
    modulus.scale(&mut one, q);
    modulus.reduce(&mut one);
    (natural::equal(&one, &natural::small(1)) != 0).then_some(())
}

/// Whether 65537 · value ≡ 1 modulo prime − 1, for an odd prime whose top bit is set: by sixteen doublings and a sum.
#[inline(never)]
fn inverts_e<const N: usize>(value: &Natural<N>, prime: &Natural<N>) -> bool {
    let mut order = Zeroizing::new(*prime);
    if let Some(first) = order.first_mut() {
        *first &= !1;
    }
    // Below twice the order, with the bit that fell off; so one subtraction is enough.
    let reduce = |number: &mut Natural<N>, carry| {
        let reaches = carry | (1 ^ natural::is_less(number, &order));
        natural::sub_masked(number, &order, limb::mask(reaches));
    };
    let mut least = Zeroizing::new(*value);
    reduce(&mut least, 0);
    let mut product = Zeroizing::new(*least);
    for _ in 0..16 {
        let carry = natural::double(&mut product);
        reduce(&mut product, carry);
    }
    let carry = natural::add_masked(&mut product, &least, limb::mask(1));
    reduce(&mut product, carry);
    natural::equal(&product, &natural::small(1)) != 0
}
