//! Product, square and Montgomery reduction, row by row as on paper; who walks the rows is the [`Arithmetic`]'s business.
//!
//! The three are written apart, since a square needs little more than half the products. Numbers have a multiple of eight limbs,
//! so that rows can be walked in blocks.

use crate::{
    arithmetic::Arithmetic,
    limb::{self, Limb},
    modulus::Wide,
    natural::{self, Natural},
};

/// What follows the first `count` limbs.
#[inline(always)]
fn after(t: &mut [Limb], count: usize) -> &mut [Limb] {
    t.get_mut(count..).unwrap_or(&mut [])
}

/// Sets the limb above a row. Nobody read it before: every row of a product reaches one limb further than the last.
#[inline(always)]
fn set(t: &mut [Limb], at: usize, carry: Limb) {
    if let Some(above) = t.get_mut(at) {
        *above = carry;
    }
}

/// `wide` = a · b.
#[inline(always)]
pub fn product<const N: usize, A: Arithmetic>(arithmetic: A, wide: &mut Wide<N>, a: &Natural<N>, b: &Natural<N>) {
    const { assert!(N.is_multiple_of(8), "rows are walked in blocks of eight limbs") };
    let [low, _] = wide;
    low.fill(0);
    product_rows(arithmetic, wide.as_flattened_mut(), a, b);
}

#[cfg_attr(feature = "compact", inline(never))]
#[cfg_attr(not(feature = "compact"), inline(always))]
fn product_rows<A: Arithmetic>(arithmetic: A, wide: &mut [Limb], a: &[Limb], b: &[Limb]) {
    for (at, q) in b.iter().enumerate() {
        let Some((places, rest)) = after(wide, at).split_at_mut_checked(a.len()) else { break };
        let carry = arithmetic.row(places, a, *q, 0);
        set(rest, 0, carry);
    }
}

/// `out` = the residue of `wide` / R modulo m, below R; `wide` is used up.
#[inline(always)]
pub fn reduce<const N: usize, A: Arithmetic>(
    arithmetic: A,
    wide: &mut Wide<N>,
    out: &mut Natural<N>,
    m: &Natural<N>,
    k: Limb,
) {
    reduce_rows(arithmetic, wide.as_flattened_mut(), out, m, k);
}

#[cfg_attr(feature = "compact", inline(never))]
#[cfg_attr(not(feature = "compact"), inline(always))]
fn reduce_rows<A: Arithmetic>(arithmetic: A, wide: &mut [Limb], out: &mut [Limb], m: &[Limb], k: Limb) {
    let mut top = 0;
    for at in 0..m.len() {
        let Some((places, rest)) = after(wide, at).split_at_mut_checked(m.len()) else { break };
        let q = places.first().map_or(0, |first| first.wrapping_mul(k));
        let carry = arithmetic.row(places, m, q, 0);
        if let Some(above) = rest.first_mut() {
            (*above, top) = limb::add(*above, carry, top);
        }
    }
    // Limb by limb: whoever copies limbs in larger pieces soon after they were written, waits for them.
    let (mask, mut borrow) = (limb::mask(top), 0);
    for ((out, high), m) in out.iter_mut().zip(after(wide, m.len())).zip(m) {
        (*out, borrow) = limb::sub(*high, *m & mask, borrow);
    }
}

/// The residue of a · `factor` / 2^BITS modulo m, below R: a sixteenth of a multiplication where numbers have sixteen limbs.
#[inline(always)]
pub fn scale<const N: usize, A: Arithmetic>(
    arithmetic: A,
    wide: &mut Wide<N>,
    a: &Natural<N>,
    factor: Limb,
    m: &Natural<N>,
    k: Limb,
) -> Natural<N> {
    let [low, _] = wide;
    low.fill(0);
    let limbs = wide.as_flattened_mut();
    let high = arithmetic.row(limbs, a, factor, 0);
    let q = limbs.first().copied().unwrap_or(0).wrapping_mul(k);
    let carry = arithmetic.row(limbs, m, q, 0);
    let (above, top) = limb::add(high, carry, 0);
    if let Some(place) = limbs.get_mut(N) {
        *place = above;
    }
    let mut out = [0; N];
    for (slot, limb) in out.iter_mut().zip(after(limbs, 1)) {
        *slot = *limb;
    }
    natural::sub_masked(&mut out, m, limb::mask(top));
    out
}

/// `wide` = a²: products of different limbs once, doubled, and the squares of the limbs.
#[inline(always)]
pub fn square<const N: usize, A: Arithmetic>(arithmetic: A, wide: &mut Wide<N>, a: &Natural<N>) {
    const { assert!(N.is_multiple_of(8), "rows are walked in blocks of eight limbs") };
    let [low, _] = wide;
    low.fill(0);
    if cfg!(feature = "compact") {
        triangle(arithmetic, wide.as_flattened_mut(), a);
        return diagonal(wide.as_flattened_mut(), a);
    }
    /// The rows of one block after the other, by how many limbs of the block follow the own one.
    macro_rules! triangles {
        ($block:literal: $($after:literal)+) => {
            let (blocks, _) = a.as_chunks::<$block>();
            for (at, block) in blocks.iter().enumerate() {
                let t = after(wide.as_flattened_mut(), 2 * $block * at);
                let later = blocks.get(at + 1..).unwrap_or(&[]).as_flattened();
                $(triangle_row::<$block, $after, A>(arithmetic, t, block, later);)+
            }
        };
    }
    if N.is_multiple_of(16) {
        triangles!(16: 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0);
    } else {
        triangles!(8: 7 6 5 4 3 2 1 0);
    }
    diagonal(wide.as_flattened_mut(), a);
}

/// The rows of a square one after the other: each limb times all later ones. What is no multiple of eight comes first.
#[inline(never)]
fn triangle<A: Arithmetic>(arithmetic: A, mut t: &mut [Limb], mut a: &[Limb]) {
    while let Some((q, later)) = a.split_first() {
        let (few, blocks) = later.split_at(later.len() % 8);
        let Some((_, places)) = t.split_first_mut() else { break };
        let mut carry = 0;
        for (place, limb) in places.iter_mut().zip(few) {
            (*place, carry) = limb::mul_add(*limb, *q, *place, carry);
        }
        if let Some((places, rest)) = after(places, few.len()).split_at_mut_checked(blocks.len()) {
            let carry = arithmetic.row(places, blocks, *q, carry);
            set(rest, 0, carry);
        }
        (t, a) = (after(t, 2), later);
    }
}

/// One row of a square: the limb that has L others after it in its block of B, times those and all later limbs. `t` begins at
/// the place of the block's own square.
#[inline(always)]
fn triangle_row<const B: usize, const L: usize, A: Arithmetic>(
    arithmetic: A,
    t: &mut [Limb],
    block: &[Limb; B],
    later: &[Limb],
) {
    let at = B - 1 - L;
    if let Some((q, own)) = block.get(at..).and_then(|limbs| limbs.split_first())
        && let Some(own) = own.first_chunk::<L>()
        && let Some((places, rest)) = after(t, 2 * at + 1).split_first_chunk_mut::<L>()
        && let Some((places_later, rest)) = rest.split_at_mut_checked(later.len())
    {
        let carry = arithmetic.short_row(places, own, *q);
        let carry = arithmetic.row(places_later, later, *q, carry);
        set(rest, 0, carry);
    }
}

/// Doubles the products of different limbs and adds the squares of the limbs.
#[cfg_attr(feature = "compact", inline(never))]
#[cfg_attr(not(feature = "compact"), inline(always))]
fn diagonal(wide: &mut [Limb], a: &[Limb]) {
    const TOP: u32 = limb::BITS - 1;
    let (mut fallen, mut carry) = (0, false);
    for (places, values) in wide.as_chunks_mut::<4>().0.iter_mut().zip(a.as_chunks::<2>().0) {
        let ([t0, t1, t2, t3], [first, second]) = (*places, *values);
        let (low0, high0) = limb::multiply(first, first);
        let (low1, high1) = limb::multiply(second, second);
        let d0 = (t0 << 1) | fallen;
        let d1 = (t1 << 1) | (t0 >> TOP);
        let d2 = (t2 << 1) | (t1 >> TOP);
        let d3 = (t3 << 1) | (t2 >> TOP);
        let (d0, over) = d0.carrying_add(low0, carry);
        let (d1, over) = d1.carrying_add(high0, over);
        let (d2, over) = d2.carrying_add(low1, over);
        let (d3, over) = d3.carrying_add(high1, over);
        *places = [d0, d1, d2, d3];
        (fallen, carry) = (t3 >> TOP, over);
    }
}
