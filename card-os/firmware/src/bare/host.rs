//! Semihosting: what the machine that emulates the chip does for it.
#![allow(unsafe_code)]

use core::{ffi::CStr, str};
use cortex_m_semihosting::{debug, nr, syscall, syscall1};

/// Most bytes of the arguments.
pub(super) const ARGUMENTS: usize = 512;

/// The file of the flash and the seed of the randomness: the second and third word of the command line.
pub(super) fn arguments(buffer: &mut [u8; ARGUMENTS]) -> (&str, u64) {
    const GET_CMDLINE: usize = 0x15;
    // SAFETY: the buffer is there for as long as the call takes, and it is told how long it is.
    let told = unsafe { cortex_m_semihosting::syscall(GET_CMDLINE, &[buffer.as_mut_ptr() as usize, ARGUMENTS]) };
    let nought = buffer.iter().position(|byte| *byte == 0).filter(|_| told == 0).unwrap_or(0);
    let text = buffer.get(..nought).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default();
    let mut words = text.split_ascii_whitespace().skip(1);
    let (path, seed) = (words.next(), words.next().and_then(|seed| seed.parse().ok()));
    let (Some(path), Some(seed)) = (path, seed) else {
        end(c"firmware: two arguments: the file of the flash, and the seed of the randomness\n")
    };
    (path, seed)
}

/// Ends the emulator, which ends with code 1.
pub(super) fn end(why: &CStr) -> ! {
    // SAFETY: a string with a nought behind it.
    unsafe { syscall1!(WRITE0, why.as_ptr()) };
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}

/// An open file of the host.
pub(super) struct File(usize);

impl File {
    /// Opens a file to read and to write.
    pub(super) fn open(path: &str) -> Option<Self> {
        // With a nought behind it, as C has it.
        let mut name = [0u8; ARGUMENTS];
        name.get_mut(..path.len())?.copy_from_slice(path.as_bytes());
        // SAFETY: name and length are right.
        let handle = unsafe { syscall!(OPEN, name.as_ptr(), nr::open::RW_BINARY, path.len()) };
        (handle != usize::MAX).then_some(File(handle))
    }

    /// Length of the file.
    pub(super) fn length(&self) -> usize {
        // SAFETY: an open file.
        unsafe { syscall!(FLEN, self.0) }
    }

    /// Reads from a place. Tells whether all of it was there.
    pub(super) fn read(&self, at: usize, out: &mut [u8]) -> bool {
        // SAFETY: an open file, and the place and its length are right. The call gives what is missing.
        unsafe { syscall!(SEEK, self.0, at) == 0 && syscall!(READ, self.0, out.as_mut_ptr(), out.len()) == 0 }
    }

    /// Writes at a place. Tells whether all of it was written.
    pub(super) fn write(&self, at: usize, bytes: &[u8]) -> bool {
        // SAFETY: as above.
        unsafe { syscall!(SEEK, self.0, at) == 0 && syscall!(WRITE, self.0, bytes.as_ptr(), bytes.len()) == 0 }
    }
}
