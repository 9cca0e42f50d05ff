//! Product, square and Montgomery reduction, row by row as on paper.
//!
//! The three are written apart, since a square needs little more than half the products. Rows are walked four limbs at a
//! time ([`limb::mul_add_four`]), so numbers have a multiple of eight limbs.

use crate::{
    limb::{self, Limb},
    modulus::Wide,
    natural::{self, Natural},
};

/// Adds q · a + carry to the first limbs of `t`, as many as `a` has; gives the limb above them.
#[inline(always)]
fn row(t: &mut [Limb], a: &[Limb], q: Limb, mut carry: Limb) -> Limb {
    // Eight at a time, so that the loop itself costs little.
    for (t, a) in t.as_chunks_mut::<8>().0.iter_mut().zip(a.as_chunks::<8>().0) {
        for (t, a) in t.as_chunks_mut::<4>().0.iter_mut().zip(a.as_chunks::<4>().0) {
            carry = limb::mul_add_four(t, a, q, carry);
        }
    }
    carry
}

/// What follows the first limb: where the next row begins.
#[inline(always)]
fn next(t: &mut [Limb]) -> &mut [Limb] {
    t.split_first_mut().map_or(&mut [], |(_, rest)| rest)
}

/// `wide` = a · b.
#[inline(always)]
pub fn product<const N: usize>(wide: &mut Wide<N>, a: &Natural<N>, b: &Natural<N>) {
    const { assert!(N.is_multiple_of(8), "rows are walked eight limbs at a time") };
    let [low, _] = wide;
    low.fill(0);
    let mut rest = wide.as_flattened_mut();
    for q in b {
        let carry = row(rest, a, *q, 0);
        // Never read before: every row reaches one limb further than the last.
        if let Some(above) = rest.get_mut(N) {
            *above = carry;
        }
        rest = next(rest);
    }
}

/// The residue of `wide` / R modulo m, below R; `wide` is used up.
#[inline(always)]
pub fn reduce<const N: usize>(wide: &mut Wide<N>, m: &Natural<N>, k: Limb) -> Natural<N> {
    let mut rest = wide.as_flattened_mut();
    let mut top = 0;
    for _ in 0..N {
        let Some(first) = rest.first() else { break };
        let q = first.wrapping_mul(k);
        let carry = row(rest, m, q, 0);
        if let Some(above) = rest.get_mut(N) {
            (*above, top) = limb::add(*above, carry, top);
        }
        rest = next(rest);
    }
    let [_, mut high] = *wide;
    natural::sub_masked(&mut high, m, limb::mask(top));
    high
}

/// The residue of a · `factor` / 2^BITS modulo m, below R: a sixteenth of a multiplication where numbers have sixteen limbs.
#[inline(always)]
pub fn scale<const N: usize>(wide: &mut Wide<N>, a: &Natural<N>, factor: Limb, m: &Natural<N>, k: Limb) -> Natural<N> {
    let [low, _] = wide;
    low.fill(0);
    let limbs = wide.as_flattened_mut();
    let high = row(limbs, a, factor, 0);
    let q = limbs.first().copied().unwrap_or(0).wrapping_mul(k);
    let carry = row(limbs, m, q, 0);
    let (above, top) = limb::add(high, carry, 0);
    if let Some(place) = limbs.get_mut(N) {
        *place = above;
    }
    let mut out = [0; N];
    for (slot, limb) in out.iter_mut().zip(next(limbs)) {
        *slot = *limb;
    }
    natural::sub_masked(&mut out, m, limb::mask(top));
    out
}

/// `wide` = a²: products of different limbs once, doubled, and the squares of the limbs.
#[inline(always)]
pub fn square<const N: usize>(wide: &mut Wide<N>, a: &Natural<N>) {
    const { assert!(N.is_multiple_of(8), "rows are walked eight limbs at a time") };
    let [low, _] = wide;
    low.fill(0);
    let mut left = wide.as_flattened_mut();
    let (blocks, _) = a.as_chunks::<8>();
    let mut others = blocks;
    while let Some((block, later)) = others.split_first() {
        let later_limbs = later.as_flattened();
        left = triangle_row::<7>(left, block, later_limbs);
        left = triangle_row::<6>(left, block, later_limbs);
        left = triangle_row::<5>(left, block, later_limbs);
        left = triangle_row::<4>(left, block, later_limbs);
        left = triangle_row::<3>(left, block, later_limbs);
        left = triangle_row::<2>(left, block, later_limbs);
        left = triangle_row::<1>(left, block, later_limbs);
        left = triangle_row::<0>(left, block, later_limbs);
        others = later;
    }
    let (mut fallen, mut carry) = (0, false);
    for (pair, value) in wide.as_flattened_mut().as_chunks_mut::<2>().0.iter_mut().zip(a) {
        let [low, high] = *pair;
        let (square_low, square_high) = limb::multiply(*value, *value);
        let doubled = [(low << 1) | fallen, (high << 1) | (low >> (limb::BITS - 1))];
        fallen = high >> (limb::BITS - 1);
        let [low, high] = doubled;
        let (low, over) = low.carrying_add(square_low, carry);
        let (high, over) = high.carrying_add(square_high, over);
        *pair = [low, high];
        carry = over;
    }
}

/// One row of a square: the limb that has L others after it in its block, times those and all of `later`. `t` begins at the place
/// of its own square; what begins two limbs further, where the next row does, is given back.
#[inline(always)]
fn triangle_row<'t, const L: usize>(t: &'t mut [Limb], block: &[Limb; 8], later: &[Limb]) -> &'t mut [Limb] {
    let [.., q] = block.split_at(8 - L).0 else { return &mut [] };
    let (odd, fours) = block.split_at(8 - L).1.split_at(L % 4);
    let mut carry = 0;
    {
        let (places, rest) = next(t).split_at_mut(L % 4);
        for (place, other) in places.iter_mut().zip(odd) {
            (*place, carry) = limb::mul_add(*other, *q, *place, carry);
        }
        let (places, rest) = rest.split_at_mut(L / 4 * 4);
        for (places, others) in places.as_chunks_mut::<4>().0.iter_mut().zip(fours.as_chunks::<4>().0) {
            carry = limb::mul_add_four(places, others, *q, carry);
        }
        carry = row(rest, later, *q, carry);
        if let Some(above) = rest.get_mut(later.len()) {
            *above = carry;
        }
    }
    next(next(t))
}
