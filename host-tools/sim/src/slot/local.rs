//! A reader in the same process, for tests, tools and benchmarks.

use super::{Disposition, Handle, Refused, Share, Slot};
use crate::reader::{Reader, ReaderError};
use std::sync::Arc;

/// Talks to the card of a slot without a socket, sharing it with whoever else is connected.
#[derive(Debug)]
pub struct LocalReader {
    slot: Arc<Slot>,
    handle: Option<Handle>,
}

impl LocalReader {
    /// A reader that connects at first use.
    pub fn new(slot: Arc<Slot>) -> LocalReader {
        LocalReader { slot, handle: None }
    }

    fn handle(&mut self) -> Result<&mut Handle, Refused> {
        match self.handle {
            Some(ref mut handle) => Ok(handle),
            None => Ok(self.handle.insert(self.slot.connect(Share::Shared)?)),
        }
    }

    fn restart(&mut self, how: Disposition) -> Result<Vec<u8>, ReaderError> {
        self.handle()?.reconnect(Share::Shared, how)?;
        Ok(self.slot.state().atr)
    }
}

impl Reader for LocalReader {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.restart(Disposition::Unpower)
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.restart(Disposition::Reset)
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        if let Some(handle) = &mut self.handle {
            handle.disconnect(Disposition::Unpower)?;
        }
        self.handle = None;
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        Ok(self.handle()?.transmit(command)?)
    }
}

impl From<Refused> for ReaderError {
    fn from(refused: Refused) -> ReaderError {
        match refused {
            Refused::NoCard | Refused::Removed => ReaderError::NoCard,
            Refused::Reset => ReaderError::Reset,
            Refused::Sharing => ReaderError::Busy,
            Refused::Mute => ReaderError::Mute,
            Refused::NotTransacted => ReaderError::Protocol(refused.to_string()),
        }
    }
}
