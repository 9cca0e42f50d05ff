//! What the processor reaches: program, memory, the serial line, and a host that keeps a file for it.
//!
//! QEMU's `mps2-an385` as far as the firmware uses it. Each place that is not there is a fault, as on a chip. (spec/firmware.md)

use crate::{
    memory::{Kept, Memory},
    op::Width,
    program::Program,
    stop::{Fault, Stop},
};
use std::{collections::VecDeque, sync::Arc};
use zeroize::{Zeroize, Zeroizing};

/// Where the board's RAM is.
pub(crate) const RAM: u32 = 0x2000_0000;
/// Where the memory is that the firmware keeps its flash in.
const STORE: u32 = 0x2100_0000;
/// UART 0, and the interrupt controller with what stands beside it.
const UART: u32 = 0x4000_4000;
const SYSTEM: u32 = 0xE000_E000;
/// Most bytes that one call of the host takes.
const CALL: u32 = 1 << 20;
/// The one file.
const HANDLE: u32 = 1;

/// Power that goes while the card writes. (docs/decisions/0009-power-loss.md)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Words of the file that are still written.
    pub words: u64,
    /// What the next one becomes.
    pub torn: Torn,
}

/// What becomes of the word under the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Torn {
    /// What it was.
    Old,
    /// What it should be: power goes right after it.
    New,
    /// Its first half of bits is written.
    Half,
    /// All its bits are programmed.
    Noughts,
}

impl Torn {
    /// All of them.
    pub const ALL: [Torn; 4] = [Torn::Old, Torn::New, Torn::Half, Torn::Noughts];

    fn word(self, old: [u8; 4], new: [u8; 4]) -> [u8; 4] {
        match self {
            Torn::Old => old,
            Torn::New => new,
            Torn::Half => [new[0], new[1], old[2], old[3]],
            Torn::Noughts => [0; 4],
        }
    }
}

/// The board.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    program: Arc<Program>,
    ram: Memory,
    store: Memory,
    file: Memory,
    /// Where the file is read or written next.
    position: u32,
    arguments: Zeroizing<String>,
    /// What the line brings, and what it takes.
    pub(crate) input: VecDeque<u8>,
    pub(crate) output: Vec<u8>,
    /// What the firmware said last.
    pub(crate) said: String,
    /// Words of the file that were written.
    pub(crate) words: u64,
    pub(crate) cut: Option<Cut>,
    /// Each of them, where somebody wants to know.
    pub(crate) written: Option<Vec<Written>>,
}

/// A word of the file that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub at: usize,
    /// What stood there.
    pub old: [u8; 4],
    /// What stands there now.
    pub new: [u8; 4],
}

impl Written {
    /// What power that goes in the midst of it leaves.
    #[must_use]
    pub fn torn(&self, torn: Torn) -> [u8; 4] {
        torn.word(self.old, self.new)
    }
}

/// What a board held.
#[derive(Debug, Clone)]
pub(crate) struct BoardKept {
    ram: Kept,
    store: Kept,
    file: Kept,
    position: u32,
    input: VecDeque<u8>,
    output: Vec<u8>,
    words: u64,
}

impl Board {
    pub(crate) fn new(program: Arc<Program>, file: Vec<u8>, arguments: String) -> Self {
        let ram = Memory::new(vec![0; program.ram()]);
        let store = Memory::new(vec![0; file.len()]);
        Board {
            program,
            ram,
            store,
            file: Memory::new(file),
            position: 0,
            arguments: Zeroizing::new(arguments),
            input: VecDeque::new(),
            output: Vec::new(),
            said: String::new(),
            words: 0,
            cut: None,
            written: None,
        }
    }

    pub(crate) fn ram(&self) -> &[u8] {
        self.ram.bytes()
    }

    pub(crate) fn file(&self) -> &[u8] {
        self.file.bytes()
    }

    pub(crate) fn keep(&mut self) -> BoardKept {
        BoardKept {
            ram: self.ram.keep(),
            store: self.store.keep(),
            file: self.file.keep(),
            position: self.position,
            input: self.input.clone(),
            output: self.output.clone(),
            words: self.words,
        }
    }

    pub(crate) fn restore(&mut self, kept: &BoardKept) {
        self.ram.restore(&kept.ram);
        self.store.restore(&kept.store);
        self.file.restore(&kept.file);
        self.position = kept.position;
        self.input.clone_from(&kept.input);
        self.output.zeroize();
        self.output.clone_from(&kept.output);
        self.words = kept.words;
        self.cut = None;
    }

    #[inline]
    pub(crate) fn load(&mut self, address: u32, width: Width) -> Result<u32, Stop> {
        let value = match self.ram.load(address.wrapping_sub(RAM) as usize, width) {
            Some(value) => value,
            None => self.load_elsewhere(address, width)?,
        };
        Ok(match width {
            Width::SignedByte => i32::from((value as u8).cast_signed()).cast_unsigned(),
            Width::SignedHalf => i32::from((value as u16).cast_signed()).cast_unsigned(),
            _ => value,
        })
    }

    fn load_elsewhere(&mut self, address: u32, width: Width) -> Result<u32, Stop> {
        let found = match address {
            UART.. if address < UART + 0x1000 => Some(match address - UART {
                0 => self.input.pop_front().unwrap_or_default().into(),
                4 => u32::from(!self.input.is_empty()) << 1,
                _ => 0,
            }),
            SYSTEM.. if address < SYSTEM + 0x1000 => Some(0),
            STORE..UART => self.store.load((address - STORE) as usize, width),
            _ => self.program.memory().load(address as usize, width),
        };
        found.ok_or(Stop::Fault(Fault::Load(address)))
    }

    #[inline]
    pub(crate) fn store(&mut self, address: u32, width: Width, value: u32) -> Result<(), Stop> {
        if self.ram.store(address.wrapping_sub(RAM) as usize, width, value) {
            return Ok(());
        }
        self.store_elsewhere(address, width, value)
    }

    fn store_elsewhere(&mut self, address: u32, width: Width, value: u32) -> Result<(), Stop> {
        let there = match address {
            UART.. if address < UART + 0x1000 => {
                if address == UART {
                    self.output.push(value as u8);
                }
                true
            }
            SYSTEM.. => address < SYSTEM + 0x1000,
            STORE..UART => self.store.store((address - STORE) as usize, width, value),
            // The program's own memory is not written to.
            _ => false,
        };
        if there { Ok(()) } else { Err(Stop::Fault(Fault::Store(address))) }
    }

    /// The halfword at an address, for a program that runs where none was decoded.
    pub(crate) fn halfword(&mut self, address: u32) -> Result<u16, Stop> {
        match address {
            STORE.. => Err(Stop::Fault(Fault::Fetch(address))),
            _ => {
                self.load(address, Width::Half).map(|half| half as u16).map_err(|_| Stop::Fault(Fault::Fetch(address)))
            }
        }
    }

    /// Bytes that the processor reads, for the host.
    fn bytes(&mut self, address: u32, length: u32) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let length = length.min(CALL);
        let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize));
        for at in 0..length {
            bytes.push(self.load(address.wrapping_add(at), Width::Byte)? as u8);
        }
        Ok(bytes)
    }

    /// One call of the host: its number, and the place of its parameters. Gives the answer. (Arm, Semihosting for AArch32)
    pub(crate) fn call(&mut self, number: u32, place: u32) -> Result<u32, Stop> {
        const FAILED: u32 = u32::MAX;
        let parameter = |board: &mut Board, k: u32| board.load(place.wrapping_add(4 * k), Width::Word);
        match number {
            // SYS_OPEN: there is one file, whatever its name.
            0x01 => {
                self.position = 0;
                Ok(HANDLE)
            }
            // SYS_WRITE0
            0x04 => {
                let mut said = Vec::new();
                for at in place..place.saturating_add(256) {
                    match self.load(at, Width::Byte)? {
                        0 => break,
                        byte => said.push(byte as u8),
                    }
                }
                self.said = String::from_utf8_lossy(&said).trim().to_owned();
                Ok(0)
            }
            // SYS_WRITE, which tells what was not written.
            0x05 => {
                let (data, length) = (parameter(self, 1)?, parameter(self, 2)?);
                let data = self.bytes(data, length)?;
                self.write(&data)?;
                Ok(length - data.len() as u32)
            }
            // SYS_READ
            0x06 => {
                let (mut to, length) = (parameter(self, 1)?, parameter(self, 2)?);
                let from = (self.position as usize).min(self.file().len());
                let bytes =
                    Zeroizing::new(self.file()[from..].iter().copied().take(length as usize).collect::<Vec<_>>());
                for byte in bytes.iter() {
                    self.store(to, Width::Byte, (*byte).into())?;
                    to = to.wrapping_add(1);
                }
                self.position = (from + bytes.len()) as u32;
                Ok(length - bytes.len() as u32)
            }
            // SYS_SEEK
            0x0A => {
                self.position = parameter(self, 1)?;
                Ok(0)
            }
            // SYS_FLEN
            0x0C => Ok(self.file().len() as u32),
            // SYS_GET_CMDLINE
            0x15 => {
                let (mut to, room) = (parameter(self, 0)?, parameter(self, 1)?);
                let arguments = self.arguments.clone();
                if arguments.len() >= room as usize {
                    return Ok(FAILED);
                }
                for byte in arguments.bytes().chain([0]) {
                    self.store(to, Width::Byte, byte.into())?;
                    to = to.wrapping_add(1);
                }
                self.store(place.wrapping_add(4), Width::Word, arguments.len() as u32)?;
                Ok(0)
            }
            // SYS_EXIT
            0x18 => Err(Stop::Exit),
            _ => Ok(FAILED),
        }
    }

    /// Writes to the file, word by word, until power goes.
    fn write(&mut self, data: &[u8]) -> Result<(), Stop> {
        for word in data.chunks(4) {
            let at = self.position as usize;
            if let (Ok(new), Some(old)) = (<[u8; 4]>::try_from(word), self.file.load(at, Width::Word)) {
                let written = Written { at, old: old.to_le_bytes(), new };
                if let Some(cut) = &mut self.cut {
                    if cut.words == 0 {
                        let torn = written.torn(cut.torn);
                        self.file.write(at, &torn);
                        return Err(Stop::Cut);
                    }
                    cut.words -= 1;
                }
                if let Some(all) = &mut self.written {
                    all.push(written);
                }
            }
            if !self.file.write(at, word) {
                return Err(Stop::Fault(Fault::File));
            }
            self.position = self.position.wrapping_add(word.len() as u32);
            self.words += 1;
        }
        Ok(())
    }
}
