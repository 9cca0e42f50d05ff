//! Somebody's real card in a real reader, behind a guard.

use crate::{args::Real, failure::Failure};
use sim::{guard::Guarded, pcsc::PcscReader, reader::Reader};
use std::path::Path;

/// What readers of this project say of their maker.
const OWN: &str = "Jitsuin";

impl Real {
    /// Opens the reader.
    pub(crate) fn open(&self) -> Result<Box<dyn Reader>, Failure> {
        let Some(name) = &self.reader else {
            return Err(Failure::Usage("which card? WORLD CARD, or --reader NAME --real-card".into()));
        };
        let mut reader = Guarded::new(connect(&self.pcsc, Some(name))?);
        reader.power_on()?;
        Ok(Box::new(reader))
    }
}

/// Opens a reader for programs that would change a card too: behind the guard where that is asked for, and refused where the reader is
/// not one of ours and nobody said that they know.
pub(crate) fn own_or_guarded(socket: &Path, name: Option<&str>, real_card: bool) -> Result<Box<dyn Reader>, Failure> {
    let mut reader = connect(socket, name)?;
    if real_card {
        return Ok(Box::new(Guarded::new(reader)));
    }
    // Without a card there is nobody to ask, and nothing to guard.
    let vendor = reader.vendor().unwrap_or_else(|_| OWN.into());
    if vendor == OWN {
        return Ok(Box::new(reader));
    }
    let name = reader.name().replace(char::is_control, "\u{FFFD}");
    Err(Failure::Usage(format!(
        "{name:?} is not a reader of `jitsuin serve`: the card in it may be somebody's real one. With --real-card nothing is sent that \
         could change it, and no PIN where a wrong one could be the last"
    )))
}

/// Opens a reader without any guard.
pub(crate) fn connect(socket: &Path, name: Option<&str>) -> Result<PcscReader, Failure> {
    PcscReader::open(socket, name).map_err(|error| {
        Failure::Refused(format!("{}: {error}; is pcscd or `jitsuin serve --pcsc` running?", socket.display()))
    })
}
