//! The output side: fields appended to a caller's buffer.

use crate::{Error, ErrorKind};

/// A buffer and how much of it is written.
pub(crate) struct Sink<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Sink { out, len: 0 }
    }

    /// A sink only if `size` bytes fit, so that an encoder writes all or nothing.
    pub(crate) fn sized(out: &'a mut [u8], size: usize) -> Result<Self, Error> {
        if size > out.len() {
            return Err(Error { kind: ErrorKind::BufferTooSmall, position: out.len() });
        }
        Ok(Sink::new(out))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends `bytes`, or nothing.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.insert(self.len, bytes)
    }

    /// Inserts `bytes` at `at`, moving what was written from there on; or changes nothing.
    pub(crate) fn insert(&mut self, at: usize, bytes: &[u8]) -> Result<(), Error> {
        let tail = self.len.saturating_sub(at);
        let gap = self
            .len
            .checked_add(bytes.len())
            .and_then(|end| self.out.get_mut(at..end))
            .ok_or(Error { kind: ErrorKind::BufferTooSmall, position: self.len })?;
        gap.copy_within(..tail, bytes.len());
        for (place, byte) in gap.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.len += bytes.len();
        Ok(())
    }

    /// Forgets what was written from `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(crate) fn written(self) -> &'a [u8] {
        self.out.get(..self.len).unwrap_or_default()
    }
}
