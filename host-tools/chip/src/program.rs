//! The firmware: what lies in the chip's program memory, and what each place in it is called.

use crate::{
    board::RAM,
    decode::{decode, is_wide},
    memory::Memory,
    op::Op,
};
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, SymbolKind,
    elf::{EM_ARM, FileHeader32, PT_LOAD},
    read::elf::{ElfFile32, FileHeader as _, ProgramHeader as _},
};
use std::fmt;

/// Most bytes of program memory.
const FLASH: usize = 1 << 20;
/// Most bytes of RAM.
const RAM_MOST: u32 = 1 << 20;

/// Why a file is no firmware.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// No ELF that could be read.
    #[error("it is no ELF for Arm: {0}")]
    Elf(#[from] object::Error),
    /// An ELF for something else.
    #[error("it is an ELF, but not for a small Arm")]
    Machine,
    /// A segment beyond the memory that the chip has.
    #[error("it asks for memory at {0:#010x}, where the chip has none")]
    Place(u64),
    /// No vector table that points into RAM and program.
    #[error("it does not begin with a vector table")]
    Vectors,
}

/// A named piece of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name, mangling taken off.
    pub name: String,
    /// Where it begins.
    pub address: u32,
    /// Its bytes.
    pub size: u32,
    /// Whether it is code.
    pub is_code: bool,
}

/// A section that takes memory of the chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub address: u32,
    /// Its bytes.
    pub size: u32,
    /// Whether it lies in program memory: what is not nought at the start.
    pub in_flash: bool,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    op: Op,
    wide: bool,
}

/// The firmware, decoded.
pub struct Program {
    memory: Memory,
    code: Vec<Slot>,
    stack: u32,
    entry: u32,
    sections: Vec<Section>,
    /// By address.
    symbols: Vec<Symbol>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({} bytes)", self.memory.bytes().len())
    }
}

impl Program {
    /// Reads an ELF.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn parse(elf: &[u8]) -> Result<Self, ProgramError> {
        let file = ElfFile32::<LittleEndian>::parse(elf)?;
        let endian = LittleEndian;
        let header: &FileHeader32<LittleEndian> = file.elf_header();
        if header.e_machine(endian) != EM_ARM {
            return Err(ProgramError::Machine);
        }
        let mut bytes = Vec::new();
        for segment in header.program_headers(endian, elf)? {
            let data = segment.data(endian, elf).map_err(|()| ProgramError::Machine)?;
            if segment.p_type(endian) != PT_LOAD || data.is_empty() {
                continue;
            }
            let from = segment.p_paddr(endian);
            let (from, to) = (from as usize, from as usize + data.len());
            if to > FLASH {
                return Err(ProgramError::Place(from as u64));
            }
            if bytes.len() < to {
                bytes.resize(to, 0xFF);
            }
            bytes[from..to].copy_from_slice(data);
        }
        let word = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes);
        let (Some(stack), Some(entry)) = (word(0), word(4)) else { return Err(ProgramError::Vectors) };
        let fits = (RAM + 4..=RAM + RAM_MOST).contains(&stack) && stack & 3 == 0;
        if !fits || entry & 1 == 0 || entry as usize >= bytes.len() {
            return Err(ProgramError::Vectors);
        }
        let half = |at: usize| bytes.get(at..at + 2).map_or(0, |half| u16::from_le_bytes([half[0], half[1]]));
        let slot = |at: usize| {
            let first = half(at);
            Slot { op: decode(at as u32, first, half(at + 2)), wide: is_wide(first) }
        };
        let code = (0..bytes.len()).step_by(2).map(slot).collect();
        Ok(Program {
            code,
            stack,
            entry,
            sections: sections(&file),
            symbols: symbols(&file),
            memory: Memory::new(bytes),
        })
    }

    /// Initial stack pointer and entry.
    pub(crate) fn start(&self) -> (u32, u32) {
        (self.stack, self.entry)
    }

    /// Bytes of RAM: up to where the stack begins.
    #[must_use]
    pub fn ram(&self) -> usize {
        (self.stack - RAM) as usize
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The instruction at an even address, and its bytes.
    #[inline]
    pub(crate) fn decoded(&self, address: u32) -> Option<(Op, u32)> {
        self.code.get((address >> 1) as usize).map(|slot| (slot.op, if slot.wide { 4 } else { 2 }))
    }

    /// The two halfwords at an address.
    pub(crate) fn halves(&self, address: u32) -> [u16; 2] {
        [0, 2].map(|more| {
            let at = address.wrapping_add(more) as usize;
            self.memory.load(at, crate::op::Width::Half).map_or(0, |half| half as u16)
        })
    }

    /// Bytes of the instruction at an address.
    #[must_use]
    pub fn length(&self, address: u32) -> u32 {
        self.decoded(address).map_or(2, |(_, size)| size)
    }

    /// Every direct branch and call in named code: from where, and to where.
    pub fn branches(&self) -> impl Iterator<Item = (u32, u32)> {
        let inside = move |symbol: &Symbol| {
            let (mut at, end) = (symbol.address, symbol.address.saturating_add(symbol.size));
            std::iter::from_fn(move || {
                let (op, size) = self.decoded(at).filter(|_| at < end)?;
                let from = at;
                at += size;
                Some((from, op))
            })
        };
        self.symbols.iter().filter(|symbol| symbol.is_code).flat_map(inside).filter_map(|(from, op)| match op {
            Op::Branch { target, .. } | Op::BranchLink { target } | Op::CompareBranch { target, .. } => {
                Some((from, target))
            }
            _ => None,
        })
    }

    /// What takes memory.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Functions and constants that have names, by address.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// What is at an address.
    #[must_use]
    pub fn at(&self, address: u32) -> Option<&Symbol> {
        let behind = self.symbols.partition_point(|symbol| symbol.address <= address);
        let symbol = self.symbols.get(behind.checked_sub(1)?)?;
        (address - symbol.address < symbol.size.max(2)).then_some(symbol)
    }
}

fn sections(file: &ElfFile32<'_, LittleEndian>) -> Vec<Section> {
    let taken = |section: &object::read::elf::ElfSection32<'_, '_, LittleEndian>| {
        let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else { return None };
        let name = section.name().ok()?.to_owned();
        let (address, size) = (section.address() as u32, section.size() as u32);
        let in_flash = section.kind() != object::SectionKind::UninitializedData;
        (sh_flags.0 & object::elf::SHF_ALLOC.0 != 0 && size > 0).then_some(Section { name, address, size, in_flash })
    };
    file.sections().filter_map(|section| taken(&section)).collect()
}

fn symbols(file: &ElfFile32<'_, LittleEndian>) -> Vec<Symbol> {
    let mut all: Vec<Symbol> = file
        .symbols()
        .filter(|symbol| symbol.is_definition() && matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data))
        .filter_map(|symbol| {
            let is_code = symbol.kind() == SymbolKind::Text;
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?));
            let address = symbol.address() as u32 & if is_code { !1 } else { u32::MAX };
            Some(Symbol { name, address, size: symbol.size() as u32, is_code })
        })
        .filter(|symbol| symbol.size > 0)
        .collect();
    all.sort_by(|a, b| (a.address, a.size, &a.name).cmp(&(b.address, b.size, &b.name)));
    all.dedup_by_key(|symbol| symbol.address);
    all
}
