//! The private exponents that belong to e = 65537, without division by anything secret.

use crate::{
    arithmetic::Portable,
    limb::{self, Limb},
    modulus::Wide,
    natural::{self, Natural},
    schoolbook,
};
use zeroize::Zeroizing;

/// The public exponent, 2¹⁶ + 1.
const E: u64 = 65537;

/// Twos that two numbers have in common, at most. Primes with more in p − 1 do not pass ([`crate::prime`]).
const TWOS: u32 = 64;

/// value mod e, for a value up to 2³²: 2¹⁶ is −1.
fn fold(value: u64) -> u64 {
    let sum = (value & 0xFFFF) + E - (value >> 16);
    let (less, borrow) = sum.overflowing_sub(E);
    less.wrapping_add(E & u64::from(borrow).wrapping_neg())
}

/// number mod e.
#[allow(clippy::useless_conversion, reason = "limbs have 64 bits on some targets only")]
fn residue(number: &[Limb]) -> u64 {
    let (mut plus, mut minus) = (0, 0);
    for limb in number {
        for shift in (0..limb::BITS).step_by(32) {
            plus += u64::from(limb >> shift) & 0xFFFF;
            minus += u64::from(limb >> shift >> 16) & 0xFFFF;
        }
    }
    // Both are below 2³², since numbers have fewer than 2¹⁶ limbs.
    fold(fold(plus) + E - fold(minus))
}

/// e⁻¹ modulo `order`, as (1 + order · t) / e with t = −order⁻¹ mod e: what is divided by e is a multiple of it. (FIPS 186-5
/// A.1.3 asks for the number, not for the way.) The order must not be one.
///
/// `None` where e divides the order.
pub(crate) fn inverse_of_e(order: &mut [Limb]) -> Option<()> {
    let order_mod_e = residue(order);
    if order_mod_e == 0 {
        return None;
    }
    // x^(e − 2) for the prime e, whose binary form is fifteen ones and a first.
    let inverse = (0..15).fold(order_mod_e, |power, _| fold(fold(power * power) * order_mod_e));
    let t = Limb::try_from(E - inverse).ok()?;
    let e = Limb::try_from(E).ok()?;
    let e_inverse = limb::negated_inverse(e).wrapping_neg();
    let (mut carry, mut above) = (1, 0);
    for limb in order {
        let (product, next) = limb::mul_add(*limb, t, carry, 0);
        let (difference, borrow) = limb::sub(product, above, 0);
        *limb = difference.wrapping_mul(e_inverse);
        (carry, above) = (next, limb::multiply(*limb, e).1 + borrow);
    }
    Some(())
}

/// The greatest common divisor of two numbers that have at most [`TWOS`] twos in common, without those twos; and the first
/// number without them. (Stein's algorithm in a fixed number of steps) `None` where they have more.
fn odd_gcd<const N: usize>(a: &Natural<N>, b: &Natural<N>) -> Option<Zeroizing<[Natural<N>; 2]>> {
    let mut numbers = Zeroizing::new([*a, *b]);
    let [a, b] = &mut *numbers;
    for _ in 0..TWOS {
        let even = limb::mask(1 ^ ((natural::lowest(a) | natural::lowest(b)) & 1));
        natural::halve_masked(a, even);
        natural::halve_masked(b, even);
    }
    if (natural::lowest(a) | natural::lowest(b)) & 1 == 0 {
        return None;
    }
    let first = Zeroizing::new(*a);
    natural::swap_masked(a, b, limb::mask(1 ^ (natural::lowest(a) & 1)));
    // From here on a is odd. Each step takes at least a bit from one of both, until b is zero.
    for _ in 0..2 * N * limb::BITS as usize {
        let odd = natural::lowest(b) & 1;
        natural::swap_masked(a, b, limb::mask(odd & natural::is_less(b, a)));
        natural::sub_masked(b, a, limb::mask(odd));
        natural::halve_masked(b, limb::mask(1));
    }
    *b = *first;
    Some(numbers)
}

/// a / b for an odd b that divides a, from the lowest limb up. (Jebelean's exact division)
fn exact_quotient<const N: usize>(a: &Natural<N>, b: &Natural<N>) -> Zeroizing<Natural<N>> {
    let inverse = limb::negated_inverse(natural::lowest(b)).wrapping_neg();
    let mut rest = Zeroizing::new(*a);
    let mut places = rest.as_mut_slice();
    while let Some(first) = places.first() {
        let digit = first.wrapping_mul(inverse);
        let (mut carry, mut borrow) = (0, 0);
        for (place, limb) in places.iter_mut().zip(b) {
            let (product, next) = limb::mul_add(*limb, digit, carry, 0);
            (*place, borrow) = limb::sub(*place, product, borrow);
            carry = next;
        }
        // What became zero makes room for the digit.
        let Some((first, later)) = places.split_first_mut() else { break };
        *first = digit;
        places = later;
    }
    rest
}

/// The least common multiple of two numbers; `None` where they have more than [`TWOS`] twos in common.
pub(crate) fn lcm<const N: usize>(a: &Natural<N>, b: &Natural<N>) -> Option<Zeroizing<Wide<N>>> {
    let parts = odd_gcd(a, b)?;
    let [gcd, without_twos] = &*parts;
    let mut multiple = Zeroizing::new(const { [[0; N]; 2] });
    schoolbook::product(Portable, &mut multiple, &exact_quotient(without_twos, gcd), b);
    Some(multiple)
}
