//! Numbers of a fixed number of limbs, least significant first. Time depends on the number of limbs alone.

use crate::limb::{self, BITS, BYTES, Limb};

/// A number.
pub type Natural<const N: usize> = [Limb; N];

/// Reads big-endian bytes. `None` where there are not exactly as many as the number has.
#[must_use]
pub fn from_be_bytes<const N: usize>(bytes: &[u8]) -> Option<Natural<N>> {
    let mut number = [0; N];
    read_be_bytes(&mut number, bytes).map(|()| number)
}

/// The same into a number of the caller's, who wipes it.
#[must_use]
pub fn read_be_bytes<const N: usize>(number: &mut Natural<N>, bytes: &[u8]) -> Option<()> {
    if bytes.len() != N * BYTES {
        return None;
    }
    for (slot, chunk) in number.iter_mut().rev().zip(bytes.chunks_exact(BYTES)) {
        *slot = Limb::from_be_bytes(chunk.try_into().ok()?);
    }
    Some(())
}

/// Writes big-endian bytes. `None` where there is not exactly as much room as the number takes.
#[must_use]
pub fn to_be_bytes<const N: usize>(number: &Natural<N>, out: &mut [u8]) -> Option<()> {
    if out.len() != N * BYTES {
        return None;
    }
    for (chunk, value) in out.chunks_exact_mut(BYTES).zip(number.iter().rev()) {
        chunk.copy_from_slice(&value.to_be_bytes());
    }
    Some(())
}

/// Adds `b & mask`; gives the carry.
#[cfg_attr(not(feature = "compact"), inline(always))]
pub fn add_masked<const N: usize>(a: &mut Natural<N>, b: &Natural<N>, mask: Limb) -> Limb {
    let mut carry = 0;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, carry) = limb::add(*a, *b & mask, carry);
    }
    carry
}

/// Subtracts `b & mask`; gives the borrow.
#[cfg_attr(not(feature = "compact"), inline(always))]
pub fn sub_masked<const N: usize>(a: &mut Natural<N>, b: &Natural<N>, mask: Limb) -> Limb {
    let mut borrow = 0;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, borrow) = limb::sub(*a, *b & mask, borrow);
    }
    borrow
}

/// Doubles; gives the bit that fell off.
#[cfg_attr(not(feature = "compact"), inline(always))]
pub fn double<const N: usize>(a: &mut Natural<N>) -> Limb {
    let mut carry = 0;
    for a in a {
        let next = *a >> (limb::BITS - 1);
        *a = (*a << 1) | carry;
        carry = next;
    }
    carry
}

/// Halves where the mask says so, rounding down.
#[cfg_attr(not(feature = "compact"), inline(always))]
pub fn halve_masked<const N: usize>(a: &mut Natural<N>, mask: Limb) {
    let mut fallen = 0;
    for a in a.iter_mut().rev() {
        let half = (*a >> 1) | fallen;
        fallen = *a << (BITS - 1);
        *a ^= (*a ^ half) & mask;
    }
}

/// Swaps both where the mask says so.
#[cfg_attr(not(feature = "compact"), inline(always))]
pub fn swap_masked<const N: usize>(a: &mut Natural<N>, b: &mut Natural<N>, mask: Limb) {
    for (a, b) in a.iter_mut().zip(b) {
        let difference = (*a ^ *b) & mask;
        (*a, *b) = (*a ^ difference, *b ^ difference);
    }
}

/// A small number: one limb, and nothing above.
#[must_use]
pub fn small<const N: usize>(value: Limb) -> Natural<N> {
    let mut number = [0; N];
    if let Some(first) = number.first_mut() {
        *first = value;
    }
    number
}

/// The lowest limb: all that divisibility by two and by R asks for.
#[must_use]
pub fn lowest<const N: usize>(number: &Natural<N>) -> Limb {
    number.first().copied().unwrap_or(0)
}

/// 1 where a < b, else 0.
#[must_use]
pub fn is_less<const N: usize>(a: &Natural<N>, b: &Natural<N>) -> Limb {
    a.iter().zip(b).fold(0, |borrow, (a, b)| limb::sub(*a, *b, borrow).1)
}

/// All ones where both are equal, else zero.
#[must_use]
pub fn equal<const N: usize>(a: &Natural<N>, b: &Natural<N>) -> Limb {
    limb::equal(a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b)), 0)
}

/// The bits `at .. at + width` of a number, at most a limb of them; what lies above the number reads as zero. `at` is public.
#[must_use]
pub fn bits(number: &[Limb], at: usize, width: u32) -> Limb {
    let (index, shift) = (at / limb::BITS as usize, u32::try_from(at % limb::BITS as usize).unwrap_or(0));
    let low = number.get(index).copied().unwrap_or(0) >> shift;
    let high = match shift {
        0 => 0,
        _ => number.get(index + 1).copied().unwrap_or(0) << (limb::BITS - shift),
    };
    (low | high) & ((1 << width) - 1)
}
