//! Instructions of thirty-two bits. (ARMv7-M A5.3)

use super::{bits, literal_base, mode, register, signed};
use crate::op::{Alu, Flags, Mode, NOWHERE, Op, Shift, Turn, Width};

pub(super) fn decode(address: u32, a: u16, b: u16) -> Op {
    match (bits(a, 11, 2), bits(a, 4, 7)) {
        (1, op) if op & 0x64 == 0 => many(a, b),
        (1, op) if op & 0x64 == 4 => two(a, b),
        (1, op) if op & 0x60 == 0x20 => shifted(a, b),
        (2, _) if b & 0x8000 != 0 => branch(address, a, b),
        (2, op) if op & 0x20 == 0 => modified(a, b),
        (2, _) => plain(address, a, b),
        (3, op) if op & 0x60 == 0 => single(address, a, b),
        (3, op) if op & 0x70 == 0x20 => registers(a, b),
        (3, op) if op & 0x78 == 0x30 => multiply(a, b),
        (3, op) if op & 0x78 == 0x38 => multiply_long(a, b),
        // Coprocessors, of which there are none.
        _ => Op::Undefined,
    }
}

/// LDM, STM. (A5.3.5)
fn many(a: u16, b: u16) -> Op {
    let (n, moves, load) = (register(a, 0), a & 0x20 != 0, a & 0x10 != 0);
    let down = match bits(a, 7, 2) {
        1 => false,
        2 => true,
        _ => return Op::Undefined,
    };
    if n == 15 || b.count_ones() < 2 || b & 0x2000 != 0 || moves && b >> n & 1 != 0 || !load && b & 0x8000 != 0 {
        return Op::Undefined;
    }
    if load { Op::LoadMany { n, list: b, down, moves } } else { Op::StoreMany { n, list: b, down, moves } }
}

/// Two words, exclusive access, table branches. (A5.3.6)
fn two(a: u16, b: u16) -> Op {
    let (n, t, u) = (register(a, 0), register(b, 12), register(b, 8));
    let far = (bits(b, 0, 8) * 4) as i16;
    match (a & 0x100 != 0, a & 0x80 != 0, a & 0x20 != 0, a & 0x10 != 0) {
        (false, false, false, false) => Op::StoreExclusive { width: Width::Word, d: u, t, n, offset: far },
        (false, false, false, true) => Op::LoadExclusive { width: Width::Word, t, n, offset: far },
        (false, true, false, load) => {
            let width = match b >> 4 & 0xF {
                0 | 1 if load => return Op::TableBranch { n, m: register(b, 0), halves: b & 0x10 != 0 },
                4 => Width::Byte,
                5 => Width::Half,
                _ => return Op::Undefined,
            };
            if load {
                Op::LoadExclusive { width, t, n, offset: 0 }
            } else {
                Op::StoreExclusive { width, d: register(b, 0), t, n, offset: 0 }
            }
        }
        (before, up, moves, load) => {
            let offset = if up { far } else { -far };
            let mode = mode(before, moves);
            if load { Op::LoadTwo { t, u, n, offset, mode } } else { Op::StoreTwo { t, u, n, offset, mode } }
        }
    }
}

/// What bits 8 to 5 of data processing say, with what is compared, and what has no first operand.
fn alu(a: u16, d: u8) -> Option<(Alu, u8)> {
    let (n, sets) = (register(a, 0), a & 0x10 != 0);
    let nowhere = d == 15 && sets;
    let to = if nowhere { NOWHERE } else { d };
    let alu = match bits(a, 5, 4) {
        0 => Alu::And,
        1 => Alu::ClearBits,
        2 if n == 15 => Alu::Move,
        2 => Alu::Or,
        3 if n == 15 => Alu::MoveNot,
        3 => Alu::OrNot,
        4 => Alu::Xor,
        8 => Alu::Add,
        10 => Alu::AddCarry,
        11 => Alu::SubtractCarry,
        13 => Alu::Subtract,
        14 => Alu::ReverseSubtract,
        _ => return None,
    };
    // Nothing else than a comparison goes to PC.
    let compares = matches!(alu, Alu::And | Alu::Xor | Alu::Add | Alu::Subtract);
    (d != 15 || nowhere && compares).then_some((alu, to))
}

fn flags(a: u16) -> Flags {
    if a & 0x10 != 0 { Flags::Set } else { Flags::Kept }
}

/// Data processing with a shifted register. (A5.3.11)
fn shifted(a: u16, b: u16) -> Op {
    let Some((alu, d)) = alu(a, register(b, 8)) else { return Op::Undefined };
    let amount = (bits(b, 12, 3) << 2 | bits(b, 6, 2)) as u8;
    let (shift, amount) = immediate_shift(bits(b, 4, 2), amount);
    Op::Register { alu, flags: flags(a), d, n: register(a, 0), m: register(b, 0), shift, amount }
}

/// Kind and amount of a shift. (A7.4.2)
fn immediate_shift(kind: u32, amount: u8) -> (Shift, u8) {
    match (kind, amount) {
        (0, _) => (Shift::Left, amount),
        (1, 0) => (Shift::Right, 32),
        (1, _) => (Shift::Right, amount),
        (2, 0) => (Shift::Arithmetic, 32),
        (2, _) => (Shift::Arithmetic, amount),
        (_, 0) => (Shift::Extended, 1),
        _ => (Shift::Rotate, amount),
    }
}

/// Data processing with a constant that is spread. (A5.3.1, A5.3.2)
fn modified(a: u16, b: u16) -> Op {
    let Some((alu, d)) = alu(a, register(b, 8)) else { return Op::Undefined };
    let byte = bits(b, 0, 8);
    let twelve = twelve(a, b);
    let (value, carry) = match twelve >> 8 {
        0 => (byte, None),
        1 => (byte << 16 | byte, None),
        2 => (byte << 24 | byte << 8, None),
        3 => (byte * 0x0101_0101, None),
        _ => {
            let value = (0x80 | byte & 0x7F).rotate_right(twelve >> 7);
            (value, Some(value >> 31 != 0))
        }
    };
    Op::Immediate { alu, flags: flags(a), d, n: register(a, 0), carry, value }
}

/// The constant of twelve bits in its three places.
fn twelve(a: u16, b: u16) -> u32 {
    bits(a, 10, 1) << 11 | bits(b, 12, 3) << 8 | bits(b, 0, 8)
}

/// Data processing with a plain constant. (A5.3.3)
fn plain(address: u32, a: u16, b: u16) -> Op {
    let (n, d) = (register(a, 0), register(b, 8));
    let twelve = twelve(a, b);
    let sixteen = (u32::from(n) << 12 | twelve) as u16;
    let immediate = |alu, value| Op::Immediate { alu, flags: Flags::Kept, d, n, carry: None, value };
    let amount = (bits(b, 12, 3) << 2 | bits(b, 6, 2)) as u8;
    let five = bits(b, 0, 5) as u8;
    if d == 15 {
        return Op::Undefined;
    }
    match bits(a, 4, 5) {
        0x00 if n == 15 => immediate(Alu::Move, literal_base(address).wrapping_add(twelve)),
        0x00 => immediate(Alu::Add, twelve),
        0x04 => immediate(Alu::Move, sixteen.into()),
        0x0A if n == 15 => immediate(Alu::Move, literal_base(address).wrapping_sub(twelve)),
        0x0A => immediate(Alu::Subtract, twelve),
        0x0C => Op::MoveTop { d, value: sixteen },
        op @ (0x10 | 0x12 | 0x18 | 0x1A) => {
            let signed = op & 8 == 0;
            let (shift, amount) = if op & 2 == 0 { (Shift::Left, amount) } else { (Shift::Arithmetic, amount) };
            if op & 2 != 0 && amount == 0 {
                return Op::Undefined;
            }
            Op::Saturate { d, n, shift, amount, bits: five + u8::from(signed), signed }
        }
        op @ (0x14 | 0x1C) if amount + five < 32 => {
            Op::Extract { d, n, low: amount, width: five + 1, signed: op == 0x14 }
        }
        0x16 if five >= amount => Op::Insert { d, n, low: amount, width: five - amount + 1 },
        _ => Op::Undefined,
    }
}

/// Branches and what else there is. (A5.3.4)
fn branch(address: u32, a: u16, b: u16) -> Op {
    let base = address.wrapping_add(4);
    let (s, j1, j2) = (bits(a, 10, 1), bits(b, 13, 1), bits(b, 11, 1));
    let far = || {
        let value = s << 24 | (j1 ^ s ^ 1) << 23 | (j2 ^ s ^ 1) << 22 | bits(a, 0, 10) << 12 | bits(b, 0, 11) << 1;
        base.wrapping_add(signed(value, 25))
    };
    match b & 0x5000 {
        0x1000 => Op::Branch { condition: 14, target: far() },
        0x5000 => Op::BranchLink { target: far() },
        0x4000 => Op::Undefined,
        _ if a >> 6 & 0xE != 0xE => {
            let value = s << 20 | j2 << 19 | j1 << 18 | bits(a, 0, 6) << 12 | bits(b, 0, 11) << 1;
            Op::Branch { condition: register(a, 6), target: base.wrapping_add(signed(value, 21)) }
        }
        _ => control(a, b),
    }
}

/// Special registers, hints and barriers. (A5.3.4)
fn control(a: u16, b: u16) -> Op {
    match (a & 0x7F0, b >> 4 & 0xF) {
        (0x380 | 0x390, _) => Op::WriteSpecial { n: register(a, 0), special: (b & 0xFF) as u8 },
        (0x3A0, _) if b & 0x7FF == 3 => Op::WaitForInterrupt,
        (0x3A0, _) if b & 0x700 == 0 => Op::Nothing,
        (0x3B0, 2) => Op::ClearExclusive,
        (0x3B0, 4..=6) => Op::Nothing,
        (0x3E0 | 0x3F0, _) => Op::ReadSpecial { d: register(b, 8), special: (b & 0xFF) as u8 },
        _ => Op::Undefined,
    }
}

/// One load or store. (A5.3.7 to A5.3.10)
fn single(address: u32, a: u16, b: u16) -> Op {
    let (n, t, load, extends, up) = (register(a, 0), register(b, 12), a & 0x10 != 0, a & 0x100 != 0, a & 0x80 != 0);
    let width = match (bits(a, 5, 2), extends) {
        (0, false) => Width::Byte,
        (1, false) => Width::Half,
        (2, false) => Width::Word,
        (0, true) => Width::SignedByte,
        (1, true) => Width::SignedHalf,
        _ => return Op::Undefined,
    };
    if !load && (extends || n == 15 || t == 15) {
        return Op::Undefined;
    }
    // Hints that something will be loaded.
    let hint = load && t == 15 && width != Width::Word;
    let access = |offset, mode| {
        if hint {
            if mode == Mode::Offset { Op::Nothing } else { Op::Undefined }
        } else if load {
            Op::Load { width, t, n, offset, mode }
        } else {
            Op::Store { width, t, n, offset, mode }
        }
    };
    if n == 15 {
        let far = bits(b, 0, 12);
        let address = literal_base(address).wrapping_add(if up { far } else { far.wrapping_neg() });
        return if hint { Op::Nothing } else { Op::LoadLiteral { width, t, address } };
    }
    if up {
        return access(bits(b, 0, 12) as i16, Mode::Offset);
    }
    if b & 0x800 != 0 {
        let (before, up, moves) = (b & 0x400 != 0, b & 0x200 != 0, b & 0x100 != 0);
        let far = bits(b, 0, 8) as i16;
        if !before && !moves || moves && n == t {
            return Op::Undefined;
        }
        // The unprivileged form is the plain one here.
        return access(if up { far } else { -far }, mode(before, moves));
    }
    let (m, shift) = (register(b, 0), bits(b, 4, 2) as u8);
    match (bits(b, 6, 5), hint, load) {
        (0, true, _) => Op::Nothing,
        (0, _, true) => Op::LoadIndexed { width, t, n, m, shift },
        (0, _, false) => Op::StoreIndexed { width, t, n, m, shift },
        _ => Op::Undefined,
    }
}

/// Shifts by a register, extensions, turns. (A5.3.12 to A5.3.15)
fn registers(a: u16, b: u16) -> Op {
    let (n, d, m) = (register(a, 0), register(b, 8), register(b, 0));
    let rotate = (bits(b, 4, 2) * 8) as u8;
    if b & 0xF000 != 0xF000 {
        return Op::Undefined;
    }
    let by = |shift| Op::ShiftBy { flags: flags(a), d, n, m, shift };
    let extend = |width| if n == 15 { Op::Extend { width, d, m, rotate } } else { Op::Undefined };
    let turn = |turn| if n == m { Op::Turn { turn, d, m } } else { Op::Undefined };
    match (bits(a, 4, 4), bits(b, 4, 4)) {
        (0 | 1, 0) => by(Shift::Left),
        (2 | 3, 0) => by(Shift::Right),
        (4 | 5, 0) => by(Shift::Arithmetic),
        (6 | 7, 0) => by(Shift::Rotate),
        (0, 8..=11) => extend(Width::SignedHalf),
        (1, 8..=11) => extend(Width::Half),
        (4, 8..=11) => extend(Width::SignedByte),
        (5, 8..=11) => extend(Width::Byte),
        (9, 8) => turn(Turn::Bytes),
        (9, 9) => turn(Turn::BytesOfHalves),
        (9, 10) => turn(Turn::Bits),
        (9, 11) => turn(Turn::SignedHalf),
        (11, 8) => turn(Turn::LeadingZeros),
        _ => Op::Undefined,
    }
}

/// Products of one word. (A5.3.16)
fn multiply(a: u16, b: u16) -> Op {
    let (n, d, m, sum) = (register(a, 0), register(b, 8), register(b, 0), register(b, 12));
    match (bits(a, 4, 3), bits(b, 4, 4)) {
        (0, 0) if sum == 15 => Op::Multiply { flags: Flags::Kept, d, n, m },
        (0, 0) => Op::MultiplyAdd { d, n, m, a: sum, subtract: false },
        (0, 1) => Op::MultiplyAdd { d, n, m, a: sum, subtract: true },
        _ => Op::Undefined,
    }
}

/// Products of two words, and quotients. (A5.3.17)
fn multiply_long(a: u16, b: u16) -> Op {
    let (n, low, high, m) = (register(a, 0), register(b, 12), register(b, 8), register(b, 0));
    let long = |signed, accumulate| Op::MultiplyLong { low, high, n, m, signed, accumulate };
    match (bits(a, 4, 3), bits(b, 4, 4)) {
        (0, 0) => long(true, false),
        (2, 0) => long(false, false),
        (4, 0) => long(true, true),
        (6, 0) => long(false, true),
        (1, 15) => Op::Divide { d: high, n, m, signed: true },
        (3, 15) => Op::Divide { d: high, n, m, signed: false },
        _ => Op::Undefined,
    }
}
