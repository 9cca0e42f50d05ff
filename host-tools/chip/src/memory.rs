//! Bytes that know what has changed since a snapshot.

use crate::op::Width;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use zeroize::Zeroizing;

/// Bytes whose change is noted together.
const LINE: usize = 128;

/// A memory. Going back to a snapshot costs what has changed.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    bytes: Zeroizing<Vec<u8>>,
    /// The snapshot that `touched` counts from.
    base: u64,
    /// Lines that differ from it, at most; each once.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
}

/// What a memory held.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    name: u64,
}

impl Memory {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let lines = bytes.len().div_ceil(LINE);
        Memory { bytes: Zeroizing::new(bytes), base: 0, touched: Vec::new(), is_touched: vec![false; lines] }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn touch(&mut self, at: usize) {
        let line = at / LINE;
        if !self.is_touched[line] {
            self.is_touched[line] = true;
            self.touched.push(line as u32);
        }
    }

    /// One value, which lies inside.
    #[inline]
    pub(crate) fn load(&self, at: usize, width: Width) -> Option<u32> {
        Some(match width {
            Width::Byte | Width::SignedByte => u32::from(*self.bytes.get(at)?),
            Width::Half | Width::SignedHalf => {
                u32::from(u16::from_le_bytes(self.bytes.get(at..at + 2)?.try_into().ok()?))
            }
            Width::Word => u32::from_le_bytes(self.bytes.get(at..at + 4)?.try_into().ok()?),
        })
    }

    /// Tells whether it lies inside.
    #[inline]
    pub(crate) fn store(&mut self, at: usize, width: Width, value: u32) -> bool {
        let size = match width {
            Width::Byte | Width::SignedByte => 1,
            Width::Half | Width::SignedHalf => 2,
            Width::Word => 4,
        };
        let Some(place) = self.bytes.get_mut(at..at + size) else { return false };
        place.copy_from_slice(&value.to_le_bytes()[..size]);
        self.touch(at);
        self.touch(at + size - 1);
        true
    }

    /// Writes bytes that lie inside.
    pub(crate) fn write(&mut self, at: usize, data: &[u8]) -> bool {
        let Some(place) = at.checked_add(data.len()).and_then(|end| self.bytes.get_mut(at..end)) else { return false };
        place.copy_from_slice(data);
        for line in (at / LINE)..(at + data.len()).div_ceil(LINE) {
            self.touch(line * LINE);
        }
        true
    }

    /// What it holds now, to come back to.
    pub(crate) fn keep(&mut self) -> Kept {
        static NAMES: AtomicU64 = AtomicU64::new(1);
        let kept = Kept { bytes: Arc::new(self.bytes.clone()), name: NAMES.fetch_add(1, Ordering::Relaxed) };
        self.settle(kept.name);
        kept
    }

    /// Holds what it held then.
    pub(crate) fn restore(&mut self, kept: &Kept) {
        if self.base == kept.name {
            for line in &self.touched {
                let from = *line as usize * LINE;
                let to = (from + LINE).min(self.bytes.len());
                self.bytes[from..to].copy_from_slice(&kept.bytes[from..to]);
            }
        } else {
            self.bytes.clone_from(&kept.bytes);
            self.is_touched.resize(self.bytes.len().div_ceil(LINE), false);
        }
        self.settle(kept.name);
    }

    fn settle(&mut self, name: u64) {
        self.base = name;
        for line in self.touched.drain(..) {
            self.is_touched[line as usize] = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_goes_back_to_any_snapshot() {
        let mut memory = Memory::new(vec![0; 1000]);
        assert!(memory.store(126, Width::Word, 0x0403_0201));
        let first = memory.keep();
        assert!(memory.store(996, Width::Word, 7) && !memory.store(997, Width::Word, 7));
        assert!(memory.write(5, &[9; 300]) && !memory.write(900, &[0; 101]));
        let second = memory.keep();
        assert!(memory.store(0, Width::Byte, 0x1FF));
        assert_eq!(memory.load(0, Width::Half), Some(0xFF));
        let third = memory.bytes().to_vec();
        memory.restore(&second);
        assert_eq!(
            (memory.load(5, Width::Byte), memory.load(996, Width::Word), memory.load(0, Width::Byte)),
            (Some(9), Some(7), Some(0))
        );
        memory.restore(&first);
        assert_eq!(memory.load(126, Width::Word), Some(0x0403_0201));
        assert!(memory.bytes().iter().filter(|byte| **byte != 0).count() == 4);
        memory.restore(&second);
        assert!(memory.store(0, Width::Byte, 0xFF));
        assert_eq!(memory.bytes(), third);
    }
}
