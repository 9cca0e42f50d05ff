//! A Cortex-M3 that runs the card's firmware: every instruction counted, every moment to come back to, every instruction to be hurt.
//!
//! # Design
//!
//! | module | what it is |
//! |---|---|
//! | [`program`] | the firmware's ELF: memory, names, and each halfword decoded once |
//! | `decode`, `op` | the Thumb instructions of ARMv7-M |
//! | `processor` | registers, flags, and what an instruction does |
//! | `board` | what can be reached: RAM, the serial line, the host with the file of the flash; power that goes at a word |
//! | `memory` | bytes that go back to a snapshot at the cost of what has changed |
//! | [`chip`] | all of it together, and glitches |
//!
//! The board is QEMU's `mps2-an385` as far as the firmware uses it: the same ELF runs in both, and answers and counts are compared
//! (docs/decisions/0034-chip.md). It is no emulator of boards: there are no interrupts (the firmware masks them), no timers, no
//! cycles, no caches; an instruction is an instruction.

mod board;
pub mod chip;
mod decode;
mod memory;
mod op;
mod processor;
pub mod program;
mod stop;

pub use board::{Cut, Torn, Written};
pub use chip::{Chip, Glitch, Snapshot};
pub use program::{Program, ProgramError};
pub use stop::{Fault, Stop};
