//! An instruction, decoded.

/// Register that takes what nobody wants: the result of a comparison.
pub(crate) const NOWHERE: u8 = 16;

/// Whether an instruction sets N, Z, C and V.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    Kept,
    Set,
    /// As most instructions of sixteen bits: not behind IT.
    SetOutsideIt,
}

/// What is done with the first and the second operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alu {
    And,
    ClearBits,
    Or,
    OrNot,
    Xor,
    Add,
    AddCarry,
    SubtractCarry,
    Subtract,
    ReverseSubtract,
    Move,
    MoveNot,
}

/// How the second operand is shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    Right,
    Arithmetic,
    Rotate,
    /// By one, through the carry.
    Extended,
}

/// What is loaded, stored or extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Byte,
    Half,
    Word,
    SignedByte,
    SignedHalf,
}

/// When the base register moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Never.
    Offset,
    /// Before the access.
    Before,
    /// After it.
    After,
}

/// Bits turned around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Bytes,
    BytesOfHalves,
    SignedHalf,
    Bits,
    /// Not turned, but counted: the noughts in front.
    LeadingZeros,
}

/// One instruction. Register numbers are 0 to 15, or [`NOWHERE`]; targets and addresses are absolute. (ARMv7-M A7.7)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// None of this processor.
    Undefined,
    Register {
        alu: Alu,
        flags: Flags,
        d: u8,
        n: u8,
        m: u8,
        shift: Shift,
        amount: u8,
    },
    /// The carry of the constant, where it has one.
    Immediate {
        alu: Alu,
        flags: Flags,
        d: u8,
        n: u8,
        carry: Option<bool>,
        value: u32,
    },
    /// Shifted by a register.
    ShiftBy {
        flags: Flags,
        d: u8,
        n: u8,
        m: u8,
        shift: Shift,
    },
    MoveTop {
        d: u8,
        value: u16,
    },
    Load {
        width: Width,
        t: u8,
        n: u8,
        offset: i16,
        mode: Mode,
    },
    LoadIndexed {
        width: Width,
        t: u8,
        n: u8,
        m: u8,
        shift: u8,
    },
    LoadLiteral {
        width: Width,
        t: u8,
        address: u32,
    },
    Store {
        width: Width,
        t: u8,
        n: u8,
        offset: i16,
        mode: Mode,
    },
    StoreIndexed {
        width: Width,
        t: u8,
        n: u8,
        m: u8,
        shift: u8,
    },
    LoadTwo {
        t: u8,
        u: u8,
        n: u8,
        offset: i16,
        mode: Mode,
    },
    StoreTwo {
        t: u8,
        u: u8,
        n: u8,
        offset: i16,
        mode: Mode,
    },
    LoadMany {
        n: u8,
        list: u16,
        down: bool,
        moves: bool,
    },
    StoreMany {
        n: u8,
        list: u16,
        down: bool,
        moves: bool,
    },
    LoadExclusive {
        width: Width,
        t: u8,
        n: u8,
        offset: i16,
    },
    StoreExclusive {
        width: Width,
        d: u8,
        t: u8,
        n: u8,
        offset: i16,
    },
    ClearExclusive,
    Branch {
        condition: u8,
        target: u32,
    },
    BranchLink {
        target: u32,
    },
    BranchExchange {
        m: u8,
        link: bool,
    },
    CompareBranch {
        n: u8,
        nonzero: bool,
        target: u32,
    },
    TableBranch {
        n: u8,
        m: u8,
        halves: bool,
    },
    IfThen {
        state: u8,
    },
    Extend {
        width: Width,
        d: u8,
        m: u8,
        rotate: u8,
    },
    Turn {
        turn: Turn,
        d: u8,
        m: u8,
    },
    Multiply {
        flags: Flags,
        d: u8,
        n: u8,
        m: u8,
    },
    MultiplyAdd {
        d: u8,
        n: u8,
        m: u8,
        a: u8,
        subtract: bool,
    },
    MultiplyLong {
        low: u8,
        high: u8,
        n: u8,
        m: u8,
        signed: bool,
        accumulate: bool,
    },
    Divide {
        d: u8,
        n: u8,
        m: u8,
        signed: bool,
    },
    Extract {
        d: u8,
        n: u8,
        low: u8,
        width: u8,
        signed: bool,
    },
    /// Of register 15: cleared.
    Insert {
        d: u8,
        n: u8,
        low: u8,
        width: u8,
    },
    Saturate {
        d: u8,
        n: u8,
        shift: Shift,
        amount: u8,
        bits: u8,
        signed: bool,
    },
    ReadSpecial {
        d: u8,
        special: u8,
    },
    WriteSpecial {
        n: u8,
        special: u8,
    },
    /// CPS: whether interrupts are masked from now on.
    Mask {
        on: bool,
    },
    /// Hints and barriers.
    Nothing,
    WaitForInterrupt,
    Breakpoint {
        value: u8,
    },
}
