//! Rows of commands through the PC/SC socket server, whose other end is a thread of this process. Time on the wall.

use crate::{
    apdu::{self, Stored, Transmit, Who, acts, exchanges, reader},
    clock::Clock,
    contender::{Row, Side},
    error::BenchError,
};
use sim::{
    pcsc::{PcscReader, Server},
    slot::{LocalReader, Slot},
};
use std::{any::Any, rc::Rc, sync::Arc};

/// Begins the name of every row of these.
pub const PREFIX: &str = "socket-";

const READER: &str = "Jitsuin Bench Reader 00 00";

/// A socket's commands are rarer: so many times fewer in one run.
const SHARE: u32 = 16;

/// A card behind a socket in a folder of its own.
struct Desk {
    slot: Arc<Slot>,
    server: Server,
    // Removed with the desk.
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new(stored: &Stored) -> Result<Desk, BenchError> {
        let folder = folder()?;
        let slot = Slot::new(READER);
        slot.insert(Box::new(stored.card()?));
        let server = Server::bind(&folder.path().join("pcsc"), vec![Arc::clone(&slot)])
            .map_err(|error| BenchError::Choice(error.to_string()))?;
        Ok(Desk { slot, server, _folder: folder })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.slot.remove();
    }
}

/// Commands through a socket, with the same card without a socket and, for signatures, the bare engine beside it.
///
/// # Errors
/// [`BenchError`] where the card is no good or there is no place for a socket.
pub fn rows(stored: &Stored) -> Result<Vec<Row>, BenchError> {
    let desk = Rc::new(Desk::new(stored)?);
    let lost = |error: sim::reader::ReaderError| BenchError::Choice(error.to_string());
    let act = |act: &'static str| {
        let own = |name, about, transmit: Transmit| {
            let keep: Rc<dyn Any> = Rc::clone(&desk) as Rc<dyn Any>;
            exchanges(act, Who(name, about, Side::Own), transmit, stored, Some(keep), SHARE)
        };
        let client = PcscReader::open(desk.server.path(), Some(READER)).map_err(lost)?;
        let mut contenders = vec![own("socket", "through the PC/SC socket by this project's client", reader(client))?];
        #[cfg(feature = "pcsc")]
        contenders.push(own("libpcsclite", "through the PC/SC socket by libpcsclite", libpcsclite::connect()?)?);
        let slot = Slot::new(READER);
        slot.insert(Box::new(stored.card()?));
        let card = Who("card", "the same slot without a socket", Side::Rival);
        contenders.push(exchanges(act, card, reader(LocalReader::new(slot)), stored, None, SHARE)?);
        if apdu::signs(act) {
            contenders.push(stored.engine()?);
        }
        // What the server's thread does is counted by nobody.
        contenders.iter_mut().for_each(|contender| contender.countable = false);
        let title = format!("{}, through the socket", apdu::title(act));
        Ok(Row { name: format!("{PREFIX}{act}"), title, clock: Clock::Wall, processor: None, contenders })
    };
    acts().map(act).collect()
}

/// The folder of this process's socket. libpcsclite is told of it when the program starts, so its name follows from the
/// process id, which stays when a program starts itself again; whoever took that name before is an error.
fn folder() -> Result<tempfile::TempDir, BenchError> {
    let prefix = prefix();
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    if cfg!(feature = "pcsc") {
        builder.rand_bytes(0);
    }
    builder.tempdir().map_err(|error| BenchError::Io(prefix.clone(), error))
}

fn prefix() -> String {
    format!("jitsuin-bench-{}", std::process::id())
}

/// Sees to it that libpcsclite looks for its socket where [`rows`] puts one; to be called before anything else is done.
///
/// # Errors
/// [`BenchError::Io`] where the program cannot be started again.
pub fn prepare() -> Result<(), BenchError> {
    #[cfg(feature = "pcsc")]
    crate::again::with(sim::pcsc::SOCKET_VARIABLE, std::env::temp_dir().join(prefix()).join("pcsc").as_os_str())?;
    Ok(())
}

/// Everybody else's way to a card.
#[cfg(feature = "pcsc")]
mod libpcsclite {
    use super::READER;
    use crate::{
        apdu::Transmit,
        error::{BenchError, Trouble},
    };
    use pcsc::{Context, MAX_BUFFER_SIZE, Protocols, Scope, ShareMode};
    use std::ffi::CString;

    pub(super) fn connect() -> Result<Transmit, BenchError> {
        let lost = |what: &str, error: pcsc::Error| BenchError::Choice(format!("libpcsclite, {what}: {error}"));
        let name = CString::new(READER).map_err(|error| BenchError::Choice(error.to_string()))?;
        let context = Context::establish(Scope::User).map_err(|error| lost("context", error))?;
        let card = context.connect(&name, ShareMode::Shared, Protocols::T1).map_err(|error| lost("card", error))?;
        let mut answer = [0; MAX_BUFFER_SIZE];
        Ok(Box::new(move |command| card.transmit(command, &mut answer).map(<[u8]>::to_vec).map_err(Trouble::failed)))
    }
}
