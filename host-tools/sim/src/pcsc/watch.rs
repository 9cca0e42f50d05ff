//! A client that only looks: which card is in a reader, and when that changes.

use super::{
    client::{ask, check, open, send},
    proto::{self as p, In, Out},
};
use crate::reader::ReaderError;
use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    path::Path,
};

/// A connection that waits for changes of one reader.
#[derive(Debug)]
pub struct Watch {
    stream: UnixStream,
    reader: Option<String>,
    waiting: bool,
}

/// A card in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Its ATR.
    pub atr: Vec<u8>,
    /// Insertions and removals so far, by which two cards that look the same are told apart.
    pub events: u32,
}

impl Watch {
    /// Watches the reader with this name, or the first one.
    ///
    /// # Errors
    /// [`ReaderError`] of the connection.
    pub fn open(path: &Path, reader: Option<&str>) -> Result<Watch, ReaderError> {
        let mut stream = open(path)?;
        let answer = ask(&mut stream, p::ESTABLISH, Out::default().u32(2).u32(0).u32(0))?;
        check(In(&answer[8..]).u32())?;
        // Nothing may happen for days.
        stream.set_read_timeout(None)?;
        Ok(Watch { stream, reader: reader.map(str::to_owned), waiting: false })
    }

    /// Something that ends a wait from another thread: by shutting it down.
    ///
    /// # Errors
    /// Where the operating system has no descriptor left.
    pub fn stream(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }

    /// The card in the reader: at the first call what is there, from then on after the next change of anything. The same
    /// card may come again, because it was powered or somebody connected.
    ///
    /// # Errors
    /// [`ReaderError`]; the server is gone, or the stream was shut down.
    pub fn look(&mut self) -> Result<Option<Inside>, ReaderError> {
        if self.waiting {
            let mut record = [0; 8];
            self.stream.read_exact(&mut record)?;
            check(In(&record[4..]).u32())?;
        }
        // The server waits from before it looks, so nothing falls between.
        send(&mut self.stream, p::WAIT_CHANGE, 0, Out::default())?;
        let mut states = vec![0; p::READERS * p::READER_STATE];
        self.stream.read_exact(&mut states)?;
        self.waiting = true;
        let mut named = states.chunks_exact(p::READER_STATE).map(|state| (In(state).name(), state));
        let found = match &self.reader {
            Some(reader) => named.find(|(name, _)| name == reader),
            None => named.next(),
        };
        Ok(found.and_then(|(_, state)| inside(state)))
    }
}

fn inside(state: &[u8]) -> Option<Inside> {
    let mut fields = In(state);
    let (_, events, flags, _) = (fields.bytes(p::NAME), fields.u32(), fields.u32(), fields.u32());
    let (atr, length) = (fields.bytes(36), fields.u32());
    let atr = atr.get(..usize::try_from(length).ok()?)?;
    (flags & p::STATE_PRESENT != 0).then(|| Inside { atr: atr.to_vec(), events })
}
