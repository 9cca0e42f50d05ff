//! From halfwords to instructions: the Thumb set of ARMv7-M, without the extensions for signals and fractions. (ARMv7-M A5)

mod narrow;
mod wide;

use crate::op::{Mode, Op};

/// Whether a halfword is the first of two.
pub(crate) fn is_wide(first: u16) -> bool {
    first >= 0xE800
}

/// The instruction at an address. `second` is used where the first halfword asks for it.
pub(crate) fn decode(address: u32, first: u16, second: u16) -> Op {
    if is_wide(first) { wide::decode(address, first, second) } else { narrow::decode(address, first) }
}

/// `count` bits of a halfword, from bit `low`.
fn bits(half: u16, low: u8, count: u8) -> u32 {
    (u32::from(half) >> low) & ((1 << count) - 1)
}

/// A register number of four bits.
fn register(half: u16, low: u8) -> u8 {
    (half >> low & 0xF) as u8
}

/// A register number of three bits.
fn low_register(half: u16, low: u8) -> u8 {
    (half >> low & 7) as u8
}

/// Sign extension from `count` bits.
fn signed(value: u32, count: u8) -> u32 {
    let rest = 32 - u32::from(count);
    ((value << rest).cast_signed() >> rest).cast_unsigned()
}

/// What PC reads as there, on a word's border.
fn literal_base(address: u32) -> u32 {
    address.wrapping_add(4) & !3
}

/// P and W of an access.
fn mode(before: bool, moves: bool) -> Mode {
    match (before, moves) {
        (true, false) => Mode::Offset,
        (true, true) => Mode::Before,
        (false, _) => Mode::After,
    }
}
