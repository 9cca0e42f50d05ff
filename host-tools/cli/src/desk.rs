//! A desk with a reader on it: a card behind a PC/SC socket of this process, in a private temporary folder.

use crate::failure::Failure;
use sim::{
    pcsc::{PcscReader, Server},
    slot::{Slot, VirtualCard},
};
use std::sync::Arc;
use tempfile::TempDir;

/// Name of the reader, as PC/SC programs see it.
pub(crate) const READER: &str = "Jitsuin Virtual Reader 00 00";

/// The desk; the card is taken off it with [`Desk::clear`].
pub(crate) struct Desk {
    slot: Arc<Slot>,
    server: Server,
    // Removed with the desk.
    _folder: TempDir,
}

impl Desk {
    /// Puts a card into a reader and opens the reader's socket.
    pub(crate) fn new(card: Box<dyn VirtualCard>) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("jitsuin-").tempdir()?;
        let slot = Slot::new(READER);
        slot.insert(card);
        let server = Server::bind(&folder.path().join("pcsc"), vec![Arc::clone(&slot)])?;
        Ok(Desk { slot, server, _folder: folder })
    }

    /// A program's connection to the card.
    pub(crate) fn reader(&self) -> Result<PcscReader, Failure> {
        Ok(PcscReader::open(self.server.path(), Some(READER))?)
    }

    /// Takes the card away.
    pub(crate) fn clear(self) {
        self.slot.remove();
    }
}
