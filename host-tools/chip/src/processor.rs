//! Registers, flags, and what each instruction does with them. (ARMv7-M A7.7)

use crate::{
    board::Board,
    op::{Alu, Flags, Mode, Op, Shift, Turn, Width},
    program::Program,
    stop::{Fault, Stop},
};

const SP: u8 = 13;
const LR: u8 = 14;
const PC: u8 = 15;

/// The processor.
#[derive(Debug, Clone)]
pub(crate) struct Processor {
    /// R0 to R15, and what is written to nowhere. R15 is what an instruction reads as PC.
    registers: [u32; 32],
    /// The instruction to come.
    pub(crate) pc: u32,
    n: bool,
    z: bool,
    c: bool,
    v: bool,
    /// ITSTATE.
    it: u8,
    primask: bool,
    exclusive: bool,
    /// Instructions so far, those that IT skips among them.
    pub(crate) count: u64,
    /// Least value of SP since it was last set to it.
    pub(crate) lowest: u32,
}

impl Processor {
    /// As after reset, with stack pointer and entry of the program's vector table.
    pub(crate) fn new(stack: u32, entry: u32) -> Self {
        let mut registers = [0; 32];
        registers[usize::from(SP)] = stack;
        registers[usize::from(LR)] = u32::MAX;
        Processor {
            registers,
            pc: entry & !1,
            n: false,
            z: false,
            c: false,
            v: false,
            it: 0,
            primask: false,
            exclusive: false,
            count: 0,
            lowest: stack,
        }
    }

    #[inline]
    fn get(&self, register: u8) -> u32 {
        self.registers[usize::from(register & 31)]
    }

    #[inline]
    fn set(&mut self, register: u8, value: u32) {
        self.registers[usize::from(register & 31)] = value;
    }

    /// A register, of sixteen.
    pub(crate) fn register(&self, number: u8) -> u32 {
        if number == PC { self.pc } else { self.get(number & 15) }
    }

    /// N, Z, C, V, ITSTATE.
    pub(crate) fn flags(&self) -> (bool, bool, bool, bool, u8) {
        (self.n, self.z, self.c, self.v, self.it)
    }

    /// Turns one bit of a register around.
    pub(crate) fn flip(&mut self, number: u8, bit: u8) {
        let bit = 1 << (bit & 31);
        if number == PC {
            self.pc ^= bit & !1;
        } else {
            self.set(number & 15, self.get(number & 15) ^ bit);
        }
    }

    /// Turns Z around.
    pub(crate) fn flip_zero(&mut self) {
        self.z = !self.z;
    }

    /// Passes over the instruction to come.
    pub(crate) fn skip(&mut self, program: &Program, board: &mut Board) -> Result<(), Stop> {
        let (_, size) = fetch(program, board, self.pc)?;
        if self.it != 0 {
            self.advance_it();
        }
        self.pc = self.pc.wrapping_add(size);
        Ok(())
    }

    /// Runs the instruction to come.
    #[inline]
    pub(crate) fn step(&mut self, program: &Program, board: &mut Board) -> Result<(), Stop> {
        let (op, size) = fetch(program, board, self.pc)?;
        self.run(op, size, board)
    }

    /// Runs an instruction as if it stood there.
    #[inline]
    pub(crate) fn run(&mut self, op: Op, size: u32, board: &mut Board) -> Result<(), Stop> {
        self.count += 1;
        let behind_it = self.it != 0;
        if behind_it {
            let passes = self.passes(self.it >> 4);
            self.advance_it();
            if !passes {
                self.pc = self.pc.wrapping_add(size);
                return Ok(());
            }
        }
        self.registers[usize::from(PC)] = self.pc.wrapping_add(4);
        let next = self.execute(op, behind_it, board)?;
        let sp = self.get(SP) & !3;
        self.set(SP, sp);
        if sp < self.lowest {
            self.lowest = sp;
        }
        self.pc = match next {
            Some(next) => next,
            None => self.pc.wrapping_add(size),
        };
        Ok(())
    }

    fn advance_it(&mut self) {
        self.it = if self.it & 7 == 0 { 0 } else { self.it & 0xE0 | self.it << 1 & 0x1F };
    }

    /// Whether a condition holds. (A7.3)
    fn passes(&self, condition: u8) -> bool {
        let holds = match condition >> 1 {
            0 => self.z,
            1 => self.c,
            2 => self.n,
            3 => self.v,
            4 => self.c && !self.z,
            5 => self.n == self.v,
            6 => self.n == self.v && !self.z,
            _ => return true,
        };
        holds != (condition & 1 != 0)
    }

    /// Does it. Gives where the program goes on, where that is not behind it.
    #[inline]
    fn execute(&mut self, op: Op, behind_it: bool, board: &mut Board) -> Result<Option<u32>, Stop> {
        let sets = |flags| match flags {
            Flags::Kept => false,
            Flags::Set => true,
            Flags::SetOutsideIt => !behind_it,
        };
        match op {
            Op::Register { alu, flags, d, n, m, shift, amount } => {
                let (value, carry) = shifted(self.get(m), shift, amount, self.c);
                self.alu(alu, sets(flags), d, self.get(n), value, carry);
                if d == PC {
                    return Ok(Some(self.get(PC) & !1));
                }
            }
            Op::Immediate { alu, flags, d, n, carry, value } => {
                self.alu(alu, sets(flags), d, self.get(n), value, carry.unwrap_or(self.c));
            }
            Op::ShiftBy { flags, d, n, m, shift } => {
                let (value, carry) = shifted(self.get(n), shift, (self.get(m) & 0xFF) as u8, self.c);
                self.alu(Alu::Move, sets(flags), d, 0, value, carry);
            }
            Op::MoveTop { d, value } => self.set(d, self.get(d) & 0xFFFF | u32::from(value) << 16),
            Op::Load { width, t, n, offset, mode } => {
                let (at, moved) = self.place(n, offset, mode);
                let value = board.load(at, width)?;
                if mode != Mode::Offset {
                    self.set(n, moved);
                }
                return self.loaded(t, value);
            }
            Op::LoadIndexed { width, t, n, m, shift } => {
                let value = board.load(self.get(n).wrapping_add(self.get(m) << shift), width)?;
                return self.loaded(t, value);
            }
            Op::LoadLiteral { width, t, address } => {
                let value = board.load(address, width)?;
                return self.loaded(t, value);
            }
            Op::Store { width, t, n, offset, mode } => {
                let (at, moved) = self.place(n, offset, mode);
                board.store(at, width, self.get(t))?;
                if mode != Mode::Offset {
                    self.set(n, moved);
                }
            }
            Op::StoreIndexed { width, t, n, m, shift } => {
                board.store(self.get(n).wrapping_add(self.get(m) << shift), width, self.get(t))?;
            }
            Op::LoadTwo { t, u, n, offset, mode } => {
                let (at, moved) = self.place(n, offset, mode);
                let at = if n == PC { at & !3 } else { aligned(at)? };
                let (first, second) = (board.load(at, Width::Word)?, board.load(at.wrapping_add(4), Width::Word)?);
                if mode != Mode::Offset {
                    self.set(n, moved);
                }
                self.set(t, first);
                self.set(u, second);
            }
            Op::StoreTwo { t, u, n, offset, mode } => {
                let (at, moved) = self.place(n, offset, mode);
                let at = aligned(at)?;
                board.store(at, Width::Word, self.get(t))?;
                board.store(at.wrapping_add(4), Width::Word, self.get(u))?;
                if mode != Mode::Offset {
                    self.set(n, moved);
                }
            }
            Op::LoadMany { n, list, down, moves } => {
                let length = list.count_ones() * 4;
                let base = self.get(n);
                let (mut at, moved) = span(base, length, down);
                aligned(at)?;
                let mut next = None;
                for register in 0..16 {
                    if list >> register & 1 != 0 {
                        let value = board.load(at, Width::Word)?;
                        match register {
                            PC => next = Some(thumb(value)?),
                            _ => self.set(register, value),
                        }
                        at = at.wrapping_add(4);
                    }
                }
                if moves {
                    self.set(n, moved);
                }
                return Ok(next);
            }
            Op::StoreMany { n, list, down, moves } => {
                let length = list.count_ones() * 4;
                let (mut at, moved) = span(self.get(n), length, down);
                aligned(at)?;
                for register in 0..16 {
                    if list >> register & 1 != 0 {
                        board.store(at, Width::Word, self.get(register))?;
                        at = at.wrapping_add(4);
                    }
                }
                if moves {
                    self.set(n, moved);
                }
            }
            Op::LoadExclusive { width, t, n, offset } => {
                let (at, _) = self.place(n, offset, Mode::Offset);
                let value = board.load(at, width)?;
                self.set(t, value);
                self.exclusive = true;
            }
            Op::StoreExclusive { width, d, t, n, offset } => {
                if self.exclusive {
                    let (at, _) = self.place(n, offset, Mode::Offset);
                    board.store(at, width, self.get(t))?;
                }
                self.set(d, u32::from(!self.exclusive));
                self.exclusive = false;
            }
            Op::ClearExclusive => self.exclusive = false,
            Op::Branch { condition, target } => {
                if condition == 14 || self.passes(condition) {
                    return Ok(Some(target));
                }
            }
            Op::BranchLink { target } => {
                self.set(LR, self.pc.wrapping_add(4) | 1);
                return Ok(Some(target));
            }
            Op::BranchExchange { m, link } => {
                let target = thumb(self.get(m))?;
                if link {
                    self.set(LR, self.pc.wrapping_add(2) | 1);
                }
                return Ok(Some(target));
            }
            Op::CompareBranch { n, nonzero, target } => {
                if (self.get(n) != 0) == nonzero {
                    return Ok(Some(target));
                }
            }
            Op::TableBranch { n, m, halves } => {
                let (shift, width) = if halves { (1, Width::Half) } else { (0, Width::Byte) };
                let far = board.load(self.get(n).wrapping_add(self.get(m) << shift), width)?;
                return Ok(Some(self.get(PC).wrapping_add(2 * far)));
            }
            Op::IfThen { state } => self.it = state,
            Op::Extend { width, d, m, rotate } => {
                let value = self.get(m).rotate_right(rotate.into());
                self.set(d, extended(value, width));
            }
            Op::Turn { turn, d, m } => self.set(d, turned(self.get(m), turn)),
            Op::Multiply { flags, d, n, m } => {
                let value = self.get(n).wrapping_mul(self.get(m));
                self.set(d, value);
                if sets(flags) {
                    (self.n, self.z) = (value >> 31 != 0, value == 0);
                }
            }
            Op::MultiplyAdd { d, n, m, a, subtract } => {
                let product = self.get(n).wrapping_mul(self.get(m));
                let sum = self.get(a);
                self.set(d, if subtract { sum.wrapping_sub(product) } else { sum.wrapping_add(product) });
            }
            Op::MultiplyLong { low, high, n, m, signed, accumulate } => {
                let (n, m) = (self.get(n), self.get(m));
                let mut product = if signed {
                    (i64::from(n.cast_signed()) * i64::from(m.cast_signed())).cast_unsigned()
                } else {
                    u64::from(n) * u64::from(m)
                };
                if accumulate {
                    product = product.wrapping_add(u64::from(self.get(high)) << 32 | u64::from(self.get(low)));
                }
                self.set(low, product as u32);
                self.set(high, (product >> 32) as u32);
            }
            Op::Divide { d, n, m, signed } => {
                let (n, m) = (self.get(n), self.get(m));
                // By nought it is nought, unless a trap is asked for, which nobody does.
                let quotient = match (m, signed) {
                    (0, _) => 0,
                    (_, false) => n / m,
                    (_, true) => n.cast_signed().wrapping_div(m.cast_signed()).cast_unsigned(),
                };
                self.set(d, quotient);
            }
            Op::Extract { d, n, low, width, signed } => {
                let value = self.get(n) << (32 - u32::from(width) - u32::from(low));
                let rest = 32 - u32::from(width);
                self.set(d, if signed { (value.cast_signed() >> rest).cast_unsigned() } else { value >> rest });
            }
            Op::Insert { d, n, low, width } => {
                let mask = (u32::MAX >> (32 - u32::from(width))) << low;
                let value = if n == PC { 0 } else { self.get(n) << low };
                self.set(d, self.get(d) & !mask | value & mask);
            }
            Op::Saturate { d, n, shift, amount, bits, signed } => {
                let (value, _) = shifted(self.get(n), shift, amount, self.c);
                let value = i64::from(value.cast_signed());
                let (least, most) =
                    if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1i64 << bits) - 1) };
                self.set(d, value.clamp(least, most) as u32);
            }
            // Flags are the only part that counts; the stack pointer in use is the main one.
            Op::ReadSpecial { d, special } => {
                let value = match special {
                    0..=3 => {
                        [self.n, self.z, self.c, self.v].iter().fold(0, |all, bit| all << 1 | u32::from(*bit)) << 28
                    }
                    8 => self.get(SP),
                    16 => self.primask.into(),
                    _ => 0,
                };
                self.set(d, value);
            }
            Op::WriteSpecial { n, special } => {
                let value = self.get(n);
                match special {
                    0..=3 => [self.n, self.z, self.c, self.v] = [31, 30, 29, 28].map(|bit| value >> bit & 1 != 0),
                    8 => self.set(SP, value),
                    16 => self.primask = value & 1 != 0,
                    _ => {}
                }
            }
            Op::Mask { on } => self.primask = on,
            Op::Nothing => {}
            Op::WaitForInterrupt => {
                if board.input.is_empty() {
                    // It is not done: it goes on there when something has come.
                    self.count -= 1;
                    return Err(Stop::Idle);
                }
            }
            Op::Breakpoint { value: 0xAB } => {
                let answer = board.call(self.get(0), self.get(1))?;
                self.set(0, answer);
            }
            Op::Breakpoint { .. } | Op::Undefined => return Err(Stop::Fault(Fault::Undefined(self.pc))),
        }
        Ok(None)
    }

    /// Address of an access, and what the base becomes.
    #[inline]
    fn place(&self, n: u8, offset: i16, mode: Mode) -> (u32, u32) {
        let base = self.get(n);
        let moved = base.wrapping_add_signed(offset.into());
        (if mode == Mode::After { base } else { moved }, moved)
    }

    /// A loaded value goes to its register, or the program to it.
    #[inline]
    fn loaded(&mut self, t: u8, value: u32) -> Result<Option<u32>, Stop> {
        if t == PC {
            return thumb(value).map(Some);
        }
        self.set(t, value);
        Ok(None)
    }

    #[inline]
    fn alu(&mut self, alu: Alu, sets: bool, d: u8, a: u32, b: u32, carry: bool) {
        let logical = match alu {
            Alu::And => a & b,
            Alu::ClearBits => a & !b,
            Alu::Or => a | b,
            Alu::OrNot => a | !b,
            Alu::Xor => a ^ b,
            Alu::Move => b,
            Alu::MoveNot => !b,
            Alu::Add => return self.sum(sets, d, a, b, false),
            Alu::AddCarry => return self.sum(sets, d, a, b, self.c),
            Alu::SubtractCarry => return self.sum(sets, d, a, !b, self.c),
            Alu::Subtract => return self.sum(sets, d, a, !b, true),
            Alu::ReverseSubtract => return self.sum(sets, d, !a, b, true),
        };
        self.set(d, logical);
        if sets {
            (self.n, self.z, self.c) = (logical >> 31 != 0, logical == 0, carry);
        }
    }

    /// AddWithCarry. (A2.2.1)
    #[inline]
    fn sum(&mut self, sets: bool, d: u8, a: u32, b: u32, carry: bool) {
        let wide = u64::from(a) + u64::from(b) + u64::from(carry);
        let sum = wide as u32;
        self.set(d, sum);
        if sets {
            (self.n, self.z, self.c) = (sum >> 31 != 0, sum == 0, wide >> 32 != 0);
            self.v = (a ^ sum) & (b ^ sum) & 0x8000_0000 != 0;
        }
    }
}

/// The instruction at an address, and its bytes.
#[inline]
fn fetch(program: &Program, board: &mut Board, address: u32) -> Result<(Op, u32), Stop> {
    match program.decoded(address) {
        Some(found) => Ok(found),
        None => fetch_elsewhere(board, address),
    }
}

#[cold]
fn fetch_elsewhere(board: &mut Board, address: u32) -> Result<(Op, u32), Stop> {
    let first = board.halfword(address)?;
    let wide = crate::decode::is_wide(first);
    let second = if wide { board.halfword(address.wrapping_add(2))? } else { 0 };
    Ok((crate::decode::decode(address, first, second), if wide { 4 } else { 2 }))
}

/// Where many words begin, and what the base becomes.
fn span(base: u32, length: u32, down: bool) -> (u32, u32) {
    if down {
        let low = base.wrapping_sub(length);
        (low, low)
    } else {
        (base, base.wrapping_add(length))
    }
}

fn aligned(address: u32) -> Result<u32, Stop> {
    if address & 3 == 0 { Ok(address) } else { Err(Stop::Fault(Fault::Unaligned(address))) }
}

/// Where a jump through a register goes.
fn thumb(target: u32) -> Result<u32, Stop> {
    if target & 1 == 0 || target >= 0xF000_0000 {
        return Err(Stop::Fault(Fault::State(target)));
    }
    Ok(target & !1)
}

/// Shift_C. (A2.2.1)
#[inline]
fn shifted(value: u32, shift: Shift, amount: u8, carry: bool) -> (u32, bool) {
    let by = u32::from(amount);
    match (shift, amount) {
        (Shift::Extended, _) => (u32::from(carry) << 31 | value >> 1, value & 1 != 0),
        (_, 0) => (value, carry),
        (Shift::Left, 1..=31) => (value << by, value >> (32 - by) & 1 != 0),
        (Shift::Left, 32) => (0, value & 1 != 0),
        (Shift::Right, 1..=31) => (value >> by, value >> (by - 1) & 1 != 0),
        (Shift::Right, 32) => (0, value >> 31 != 0),
        (Shift::Left | Shift::Right, _) => (0, false),
        (Shift::Arithmetic, 1..=31) => ((value.cast_signed() >> by).cast_unsigned(), value >> (by - 1) & 1 != 0),
        (Shift::Arithmetic, _) => ((value.cast_signed() >> 31).cast_unsigned(), value >> 31 != 0),
        (Shift::Rotate, _) => {
            let turned = value.rotate_right(by);
            (turned, turned >> 31 != 0)
        }
    }
}

fn extended(value: u32, width: Width) -> u32 {
    match width {
        Width::Byte => value & 0xFF,
        Width::Half => value & 0xFFFF,
        Width::Word => value,
        Width::SignedByte => i32::from((value as u8).cast_signed()).cast_unsigned(),
        Width::SignedHalf => i32::from((value as u16).cast_signed()).cast_unsigned(),
    }
}

fn turned(value: u32, turn: Turn) -> u32 {
    match turn {
        Turn::Bytes => value.swap_bytes(),
        Turn::BytesOfHalves => value.swap_bytes().rotate_right(16),
        Turn::SignedHalf => i32::from((value as u16).swap_bytes().cast_signed()).cast_unsigned(),
        Turn::Bits => value.reverse_bits(),
        Turn::LeadingZeros => value.leading_zeros(),
    }
}
