//! Montgomery multiplication on lanes of 52 bits.
//!
//! Product and reduction go together, two limbs of `b` a step, as others do on vectors, with three differences: two
//! moduli share the vectors, limbs in turns; both quotient digits of a step are computed from the lowest limbs alone; and
//! what a step adds at the three weights it touches is gathered apart, so that few additions wait for each other.
//!
//! Lanes carry up to 2^61 between normalisations: each step adds at most eight products of 52 bits to a lane, and a limb is
//! gone after as many steps as there are pairs of limbs, 40 at most.

use crate::vector::{Lanes, MASK, Vector};

/// The lowest limb (W = 0) or the one above it (W = 1), of both numbers or of the one, in all lanes.
#[inline(always)]
fn limb<V: Vector, const STRIDE: usize, const W: i32>(x: V) -> V {
    if STRIDE == 2 { x.repeat_pair::<W>() } else { x.repeat_lane::<W>() }
}

/// A limb in memory, in all lanes; nought above the last.
#[inline(always)]
fn broadcast<V: Vector, const STRIDE: usize>(lanes: &[u64], index: usize) -> V {
    match lanes.get(STRIDE * index..STRIDE * (index + 1)) {
        Some([even, odd]) => V::pairs(*even, *odd),
        Some([lane]) => V::splat(*lane),
        _ => V::zero(),
    }
}

/// `x` one limb down, with what follows in `next`.
#[inline(always)]
fn down_one<V: Vector, const STRIDE: usize>(x: V, next: V) -> V {
    if STRIDE == 2 { x.slide::<2>(next) } else { x.slide::<1>(next) }
}

#[inline(always)]
fn down_two<V: Vector, const STRIDE: usize>(x: V, next: V) -> V {
    if STRIDE == 2 { x.slide::<4>(next) } else { x.slide::<2>(next) }
}

/// a · b / S modulo m for L limbs, L even: below m + a · b / S. STRIDE numbers in turns.
#[inline(always)]
pub(crate) fn multiply<V: Vector, const STRIDE: usize, const NV: usize, const L: usize>(
    a: &Lanes<NV>,
    b: &Lanes<NV>,
    m: &Lanes<NV>,
    k: [u64; 2],
) -> Lanes<NV> {
    // Vectors whose additions at the lowest limbs of the next step are gathered apart.
    const EARLY: usize = 2;
    let zero = V::zero();
    let (mut av, mut mv) = ([zero; NV], [zero; NV]);
    for j in 0..NV {
        av[j] = V::load(&a.0[j]);
        mv[j] = V::load(&m.0[j]);
    }
    let (b, flat_m) = (b.0.as_flattened(), m.0.as_flattened());
    let (m0, m1) = (broadcast::<V, STRIDE>(flat_m, 0), broadcast::<V, STRIDE>(flat_m, 1));
    let (k, mask) = (V::pairs(k[0], k[1]), V::splat(MASK));
    // The carry of a step enters at its lowest limb, once a number.
    let lowest = if STRIDE == 2 { 0b11 } else { 0b01 };

    let mut x = [zero; NV];
    let mut b0 = broadcast::<V, STRIDE>(b, 0);
    for j in 0..EARLY {
        x[j] = x[j].add_low_product(av[j], b0);
    }
    for step in 0..L / 2 {
        let b1 = broadcast::<V, STRIDE>(b, 2 * step + 1);
        let b2 = if step + 1 < L / 2 { broadcast::<V, STRIDE>(b, 2 * step + 2) } else { zero };
        // Weights: x as it stands, y one limb above, early (and the last lines) two limbs above.
        let mut y = [zero; NV];
        for j in 0..NV {
            if j >= EARLY {
                x[j] = x[j].add_low_product(av[j], b0);
            }
            y[j] = y[j].add_high_product(av[j], b0).add_low_product(av[j], b1);
        }
        // The quotient digits that make the two lowest limbs multiples of 2^52, and what these carry. A multiple of 2^52 plus
        // its low part rounds up to the same as the low part alone, so the digit's own product is not needed.
        let x0 = limb::<V, STRIDE, 0>(x[0]);
        let x1 = limb::<V, STRIDE, 1>(x[0]).plus(limb::<V, STRIDE, 0>(y[0]));
        let q0 = zero.add_low_product(x0, k);
        let x1 = x1.plus(x0.plus(mask).carry()).add_low_product(m1, q0).plus(zero.add_high_product(m0, q0));
        let q1 = zero.add_low_product(x1, k);
        let carry = zero.or_where(lowest, x1.plus(mask).carry());
        let mut early = [zero; EARLY];
        for j in 0..EARLY {
            early[j] = early[j].add_high_product(av[j], b1).add_low_product(av[j], b2).add_high_product(mv[j], q1);
        }
        early[0] = early[0].plus(carry);
        for j in 0..NV {
            x[j] = x[j].add_low_product(mv[j], q0);
            y[j] = y[j].add_high_product(mv[j], q0).add_low_product(mv[j], q1);
        }
        for j in 0..NV {
            let (next_x, next_y) = if j + 1 < NV { (x[j + 1], y[j + 1]) } else { (zero, zero) };
            let moved = down_two::<V, STRIDE>(x[j], next_x);
            let moved = if j < EARLY { moved.plus(early[j]) } else { moved };
            x[j] = moved.plus(down_one::<V, STRIDE>(y[j], next_y));
        }
        for j in EARLY..NV {
            x[j] = x[j].add_high_product(av[j], b1).add_high_product(mv[j], q1);
        }
        b0 = b2;
    }
    normalised::<V, STRIDE, NV>(x)
}

/// Brings every lane below 2^52.
#[inline(always)]
fn normalised<V: Vector, const STRIDE: usize, const NV: usize>(mut x: [V; NV]) -> Lanes<NV> {
    // One addition of the carries leaves lanes below 2^52 + 2^9 ...
    let mut below = V::zero();
    for x in &mut x {
        let carry = x.carry();
        *x = x.low().plus(if STRIDE == 2 { below.slide::<6>(carry) } else { below.slide::<7>(carry) });
        below = carry;
    }
    // ... which carry one at most, found for all lanes at once.
    let mask = V::splat(MASK);
    let (mut makes, mut passes) = (0u128, 0u128);
    for (j, x) in x.iter().enumerate() {
        makes |= u128::from(x.over()) << (8 * j);
        passes |= u128::from(x.equal(mask)) << (8 * j);
    }
    let receives = ripple::<STRIDE, NV>(makes, passes);
    let mut out = Lanes::ZERO;
    for (j, x) in x.into_iter().enumerate() {
        x.increment_where((receives >> (8 * j)) as u8).low().store(&mut out.0[j]);
    }
    out
}

/// The lanes that receive a carry, given those that make one and those that pass one on: an addition does what carries do.
#[inline(always)]
fn ripple<const STRIDE: usize, const NV: usize>(makes: u128, passes: u128) -> u128 {
    const EVEN: u128 = u128::MAX / 3;
    let run = |makes: u128, passes: u128| {
        if NV <= 8 {
            // The whole of it fits a register.
            u128::from(((makes as u64) << STRIDE).wrapping_add(passes as u64) ^ passes as u64)
        } else {
            (makes << STRIDE).wrapping_add(passes) ^ passes
        }
    };
    if STRIDE == 2 {
        // Lanes of the other number let everything pass.
        let even = run(makes & EVEN, passes | !EVEN) & EVEN;
        even | (run(makes & !EVEN, passes | EVEN) & !EVEN)
    } else {
        run(makes, passes)
    }
}
