//! The card's non-volatile memory: a memory of the board that is no RAM of the card, and a file of the host in which it lasts.
//!
//! A word is written once after its page was erased; whoever writes it again has failed. Each write and each erase is in
//! the file before it is done.
#![allow(unsafe_code)]

use super::host::{self, File};
use card_os::platform::{Nvm, NvmFault, WORD};
use core::slice;

/// PSRAM of the board.
const BASE: usize = 0x2100_0000;
/// Most bytes of it.
const MOST: usize = 256 * 1024;
/// Bytes erased together, as in the simulator.
const PAGE: usize = 512;

/// The memory.
pub(super) struct Flash {
    bytes: &'static mut [u8],
    file: File,
}

impl Flash {
    /// Takes the memory from a file: what stands there when the power comes.
    pub(super) fn load(path: &str) -> Self {
        let Some(file) = File::open(path) else { host::end(c"firmware: the file of the flash cannot be opened\n") };
        let size = file.length();
        if size == 0 || size > MOST || !size.is_multiple_of(2 * PAGE) {
            host::end(c"firmware: the file of the flash has no length of a flash\n");
        }
        // SAFETY: the board has sixteen megabytes there, no linker knows of them, and this is called once.
        let bytes = unsafe { slice::from_raw_parts_mut(BASE as *mut u8, size) };
        if !file.read(0, bytes) {
            host::end(c"firmware: the file of the flash cannot be read\n");
        }
        Flash { bytes, file }
    }
}

impl Nvm for Flash {
    const PAGE: usize = PAGE;

    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn read(&self, at: usize, out: &mut [u8]) {
        match self.bytes.get(at..).and_then(|rest| rest.get(..out.len())) {
            Some(bytes) => out.copy_from_slice(bytes),
            None => out.fill(0),
        }
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault> {
        let place = self.bytes.get_mut(at..).and_then(|rest| rest.get_mut(..data.len())).ok_or(NvmFault)?;
        if !at.is_multiple_of(WORD) || !data.len().is_multiple_of(WORD) || place.iter().any(|byte| *byte != 0xFF) {
            return Err(NvmFault);
        }
        // What stands in memory is what the file holds: it comes from there.
        if self.file.write(at, data) && self.file.read(at, place) { Ok(()) } else { Err(NvmFault) }
    }

    fn erase(&mut self, at: usize) -> Result<(), NvmFault> {
        let page = self.bytes.get_mut(at..).and_then(|rest| rest.get_mut(..PAGE)).ok_or(NvmFault)?;
        if !at.is_multiple_of(PAGE) {
            return Err(NvmFault);
        }
        page.fill(0xFF);
        if self.file.write(at, page) && self.file.read(at, page) { Ok(()) } else { Err(NvmFault) }
    }
}
