//! One machine word, and arithmetic that keeps its carries.

#![allow(clippy::cast_possible_truncation, reason = "splitting a double word into its halves is what this file is for")]

/// A limb: the word that the target multiplies fastest.
#[cfg(all(target_pointer_width = "64", not(feature = "limb32")))]
pub type Limb = u64;
/// Two limbs.
#[cfg(all(target_pointer_width = "64", not(feature = "limb32")))]
type Double = u128;

/// A limb: the word that the target multiplies fastest.
#[cfg(not(all(target_pointer_width = "64", not(feature = "limb32"))))]
pub type Limb = u32;
/// Two limbs.
#[cfg(not(all(target_pointer_width = "64", not(feature = "limb32"))))]
type Double = u64;

/// Bits in a limb.
pub const BITS: u32 = Limb::BITS;
/// Bytes in a limb.
pub const BYTES: usize = size_of::<Limb>();

/// a · b as low and high limb.
#[inline(always)]
#[must_use]
pub const fn multiply(a: Limb, b: Limb) -> (Limb, Limb) {
    let wide = (a as Double) * (b as Double);
    (wide as Limb, (wide >> BITS) as Limb)
}

/// a · b + c + d as low and high limb; it always fits.
#[inline(always)]
#[must_use]
pub const fn mul_add(a: Limb, b: Limb, c: Limb, d: Limb) -> (Limb, Limb) {
    let wide = (a as Double) * (b as Double) + (c as Double) + (d as Double);
    (wide as Limb, (wide >> BITS) as Limb)
}

/// Adds a · q + carry to four limbs; gives the limb above them. It always fits.
///
/// The same as four times [`mul_add`], with the low and the high halves of the products added in one run of carries each:
/// compilers keep such a run in the carry flag, and its steps wait one cycle for each other instead of three. With `compact` product by
/// product, for chips that have no registers for four.
#[inline(always)]
#[must_use]
pub fn mul_add_four(t: &mut [Limb; 4], a: &[Limb; 4], q: Limb, carry: Limb) -> Limb {
    let [a0, a1, a2, a3] = *a;
    let [t0, t1, t2, t3] = *t;
    if cfg!(feature = "compact") {
        let (t0, carry) = mul_add(a0, q, t0, carry);
        let (t1, carry) = mul_add(a1, q, t1, carry);
        let (t2, carry) = mul_add(a2, q, t2, carry);
        let (t3, carry) = mul_add(a3, q, t3, carry);
        *t = [t0, t1, t2, t3];
        return carry;
    }
    let (low0, high0) = multiply(a0, q);
    let (low1, high1) = multiply(a1, q);
    let (low2, high2) = multiply(a2, q);
    let (low3, high3) = multiply(a3, q);
    let (t0, over) = t0.carrying_add(low0, false);
    let (t1, over) = t1.carrying_add(low1, over);
    let (t2, over) = t2.carrying_add(low2, over);
    let (t3, over_low) = t3.carrying_add(low3, over);
    let (t0, over) = t0.carrying_add(carry, false);
    let (t1, over) = t1.carrying_add(high0, over);
    let (t2, over) = t2.carrying_add(high1, over);
    let (t3, over_high) = t3.carrying_add(high2, over);
    *t = [t0, t1, t2, t3];
    high3 + over_low as Limb + over_high as Limb
}

/// a + b + carry as sum and carry (0 or 1).
#[inline(always)]
#[must_use]
pub const fn add(a: Limb, b: Limb, carry: Limb) -> (Limb, Limb) {
    let wide = (a as Double) + (b as Double) + (carry as Double);
    (wide as Limb, (wide >> BITS) as Limb)
}

/// a − b − borrow as difference and borrow (0 or 1).
#[inline(always)]
#[must_use]
pub const fn sub(a: Limb, b: Limb, borrow: Limb) -> (Limb, Limb) {
    let wide = (a as Double).wrapping_sub(b as Double).wrapping_sub(borrow as Double);
    (wide as Limb, ((wide >> BITS) as Limb) & 1)
}

/// All ones for 1, zero for 0, in a way that the optimiser cannot turn into a branch.
#[inline(always)]
#[must_use]
pub fn mask(bit: Limb) -> Limb {
    core::hint::black_box((0 as Limb).wrapping_sub(bit))
}

/// All ones where both are equal, else zero.
#[inline(always)]
#[must_use]
pub fn equal(a: Limb, b: Limb) -> Limb {
    let difference = a ^ b;
    mask(1 ^ ((difference | difference.wrapping_neg()) >> (BITS - 1)))
}

/// −m⁻¹ modulo the limb, for odd m. (Newton's iteration doubles the right bits each time)
#[must_use]
pub const fn negated_inverse(m: Limb) -> Limb {
    let mut inverse: Limb = 1;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul((2 as Limb).wrapping_sub(m.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
}
