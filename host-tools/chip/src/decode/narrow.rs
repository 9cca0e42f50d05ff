//! Instructions of sixteen bits. (ARMv7-M A5.2)

use super::{bits, literal_base, low_register, register, signed};
use crate::op::{Alu, Flags, Mode, NOWHERE, Op, Shift, Turn, Width};

const S: Flags = Flags::SetOutsideIt;

pub(super) fn decode(address: u32, half: u16) -> Op {
    let (d, n, m) = (low_register(half, 0), low_register(half, 3), low_register(half, 6));
    let (wide, byte) = (low_register(half, 8), bits(half, 0, 8));
    match half >> 11 {
        0 => shifted(half, Shift::Left, bits(half, 6, 5)),
        1 => shifted(half, Shift::Right, nought_is_32(bits(half, 6, 5))),
        2 => shifted(half, Shift::Arithmetic, nought_is_32(bits(half, 6, 5))),
        3 => {
            let alu = if half & 0x200 == 0 { Alu::Add } else { Alu::Subtract };
            if half & 0x400 == 0 {
                plain(alu, S, d, n, m)
            } else {
                Op::Immediate { alu, flags: S, d, n, carry: None, value: bits(half, 6, 3) }
            }
        }
        4 => Op::Immediate { alu: Alu::Move, flags: S, d: wide, n: 0, carry: None, value: byte },
        5 => Op::Immediate { alu: Alu::Subtract, flags: Flags::Set, d: NOWHERE, n: wide, carry: None, value: byte },
        6 => Op::Immediate { alu: Alu::Add, flags: S, d: wide, n: wide, carry: None, value: byte },
        7 => Op::Immediate { alu: Alu::Subtract, flags: S, d: wide, n: wide, carry: None, value: byte },
        8 if half & 0x400 == 0 => data(half),
        8 => special(half),
        9 => Op::LoadLiteral { width: Width::Word, t: wide, address: literal_base(address).wrapping_add(byte * 4) },
        10 | 11 => indexed(half),
        12 => store(Width::Word, d, n, bits(half, 6, 5) * 4),
        13 => load(Width::Word, d, n, bits(half, 6, 5) * 4),
        14 => store(Width::Byte, d, n, bits(half, 6, 5)),
        15 => load(Width::Byte, d, n, bits(half, 6, 5)),
        16 => store(Width::Half, d, n, bits(half, 6, 5) * 2),
        17 => load(Width::Half, d, n, bits(half, 6, 5) * 2),
        18 => store(Width::Word, wide, 13, byte * 4),
        19 => load(Width::Word, wide, 13, byte * 4),
        20 => Op::Immediate {
            alu: Alu::Move,
            flags: Flags::Kept,
            d: wide,
            n: 0,
            carry: None,
            value: literal_base(address).wrapping_add(byte * 4),
        },
        21 => Op::Immediate { alu: Alu::Add, flags: Flags::Kept, d: wide, n: 13, carry: None, value: byte * 4 },
        22 | 23 => miscellaneous(address, half),
        24 if byte != 0 => Op::StoreMany { n: wide, list: half & 0xFF, down: false, moves: true },
        25 if byte != 0 => Op::LoadMany { n: wide, list: half & 0xFF, down: false, moves: half >> wide & 1 == 0 },
        26 | 27 if bits(half, 8, 4) < 14 => {
            let target = address.wrapping_add(4).wrapping_add(signed(byte << 1, 9));
            Op::Branch { condition: register(half, 8), target }
        }
        28 => {
            let target = address.wrapping_add(4).wrapping_add(signed(bits(half, 0, 11) << 1, 12));
            Op::Branch { condition: 14, target }
        }
        // SVC has no handler here.
        _ => Op::Undefined,
    }
}

fn nought_is_32(amount: u32) -> u32 {
    if amount == 0 { 32 } else { amount }
}

fn shifted(half: u16, shift: Shift, amount: u32) -> Op {
    let (d, m) = (low_register(half, 0), low_register(half, 3));
    Op::Register { alu: Alu::Move, flags: S, d, n: 0, m, shift, amount: amount as u8 }
}

fn plain(alu: Alu, flags: Flags, d: u8, n: u8, m: u8) -> Op {
    Op::Register { alu, flags, d, n, m, shift: Shift::Left, amount: 0 }
}

fn load(width: Width, t: u8, n: u8, offset: u32) -> Op {
    Op::Load { width, t, n, offset: offset as i16, mode: Mode::Offset }
}

fn store(width: Width, t: u8, n: u8, offset: u32) -> Op {
    Op::Store { width, t, n, offset: offset as i16, mode: Mode::Offset }
}

/// Data processing. (A5.2.2)
fn data(half: u16) -> Op {
    let (d, m) = (low_register(half, 0), low_register(half, 3));
    let by = |shift| Op::ShiftBy { flags: S, d, n: d, m, shift };
    match bits(half, 6, 4) {
        0 => plain(Alu::And, S, d, d, m),
        1 => plain(Alu::Xor, S, d, d, m),
        2 => by(Shift::Left),
        3 => by(Shift::Right),
        4 => by(Shift::Arithmetic),
        5 => plain(Alu::AddCarry, S, d, d, m),
        6 => plain(Alu::SubtractCarry, S, d, d, m),
        7 => by(Shift::Rotate),
        8 => plain(Alu::And, Flags::Set, NOWHERE, d, m),
        9 => Op::Immediate { alu: Alu::ReverseSubtract, flags: S, d, n: m, carry: None, value: 0 },
        10 => plain(Alu::Subtract, Flags::Set, NOWHERE, d, m),
        11 => plain(Alu::Add, Flags::Set, NOWHERE, d, m),
        12 => plain(Alu::Or, S, d, d, m),
        13 => Op::Multiply { flags: S, d, n: m, m: d },
        14 => plain(Alu::ClearBits, S, d, d, m),
        _ => plain(Alu::MoveNot, S, d, d, m),
    }
}

/// Any register, and branches. (A5.2.3)
fn special(half: u16) -> Op {
    let d = low_register(half, 0) | (half >> 4 & 8) as u8;
    let m = register(half, 3);
    match bits(half, 8, 2) {
        0 => plain(Alu::Add, Flags::Kept, d, d, m),
        1 => plain(Alu::Subtract, Flags::Set, NOWHERE, d, m),
        2 => plain(Alu::Move, Flags::Kept, d, 0, m),
        _ if half & 7 != 0 => Op::Undefined,
        _ => Op::BranchExchange { m, link: half & 0x80 != 0 },
    }
}

/// Loads and stores with a register as offset. (A5.2.4)
fn indexed(half: u16) -> Op {
    let (t, n, m, shift) = (low_register(half, 0), low_register(half, 3), low_register(half, 6), 0);
    let load = |width| Op::LoadIndexed { width, t, n, m, shift };
    let store = |width| Op::StoreIndexed { width, t, n, m, shift };
    match bits(half, 9, 3) {
        0 => store(Width::Word),
        1 => store(Width::Half),
        2 => store(Width::Byte),
        3 => load(Width::SignedByte),
        4 => load(Width::Word),
        5 => load(Width::Half),
        6 => load(Width::Byte),
        _ => load(Width::SignedHalf),
    }
}

/// The rest. (A5.2.5)
fn miscellaneous(address: u32, half: u16) -> Op {
    let (d, m) = (low_register(half, 0), low_register(half, 3));
    if half & 0xF500 == 0xB100 {
        let far = (half >> 3 & 0x40) | (half >> 2 & 0x3E);
        let target = address.wrapping_add(4).wrapping_add(u32::from(far));
        return Op::CompareBranch { n: d, nonzero: half & 0x800 != 0, target };
    }
    let turn = |turn| Op::Turn { turn, d, m };
    let extend = |width| Op::Extend { width, d, m, rotate: 0 };
    let stack = |alu| Op::Immediate { alu, flags: Flags::Kept, d: 13, n: 13, carry: None, value: bits(half, 0, 7) * 4 };
    match (half >> 8 & 0xF, half >> 6 & 3) {
        (0, 0 | 1) => stack(Alu::Add),
        (0, _) => stack(Alu::Subtract),
        (2, 0) => extend(Width::SignedHalf),
        (2, 1) => extend(Width::SignedByte),
        (2, 2) => extend(Width::Half),
        (2, _) => extend(Width::Byte),
        (4 | 5, _) => match (half & 0xFF) | (half & 0x100) << 6 {
            0 => Op::Undefined,
            list => Op::StoreMany { n: 13, list, down: true, moves: true },
        },
        (6, 1) if half & 0x28 == 0x20 => Op::Mask { on: half & 0x10 != 0 },
        (10, 0) => turn(Turn::Bytes),
        (10, 1) => turn(Turn::BytesOfHalves),
        (10, 3) => turn(Turn::SignedHalf),
        (12 | 13, _) => match (half & 0xFF) | (half & 0x100) << 7 {
            0 => Op::Undefined,
            list => Op::LoadMany { n: 13, list, down: false, moves: true },
        },
        (14, _) => Op::Breakpoint { value: (half & 0xFF) as u8 },
        (15, _) if half & 0xF != 0 => Op::IfThen { state: (half & 0xFF) as u8 },
        (15, _) if half & 0xF0 == 0x30 => Op::WaitForInterrupt,
        (15, _) => Op::Nothing,
        _ => Op::Undefined,
    }
}
