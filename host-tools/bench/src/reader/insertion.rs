//! How soon an insertion is noticed.

use super::{process::Process, workshop::Workshop};
use crate::{error::Trouble, statistics::Latency};
use sim::{
    pcsc::{SOCKET_VARIABLE, Server},
    slot::{Silence, Slot, VirtualCard},
};
use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{ChildStdout, Stdio},
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// After a removal, until the client sleeps again for certain.
const PAUSE: Duration = Duration::from_millis(2);

/// Where the client looks, and what stands between it and our own socket, which is given.
pub(super) type Open = fn(&Workshop, &Path) -> Result<(PathBuf, Option<Process>), Trouble>;

/// At our own socket.
pub(super) fn at_once(_: &Workshop, server: &Path) -> Result<(PathBuf, Option<Process>), Trouble> {
    Ok((server.into(), None))
}

/// At a pcscd's, which has our socket for a reader.
pub(super) fn through_pcscd(workshop: &Workshop, server: &Path) -> Result<(PathBuf, Option<Process>), Trouble> {
    let (socket, daemon) = super::door::handled(workshop, server)?;
    Ok((socket, Some(daemon)))
}

/// Insertions into a slot of this process, whose socket a client in another process watches.
pub(super) struct Insertions {
    /// Nanoseconds of each.
    seen: Vec<f64>,
    desk: Option<Desk>,
    open: Open,
    workshop: Rc<Workshop>,
}

impl Insertions {
    pub(super) fn new(workshop: &Rc<Workshop>, open: Open) -> Insertions {
        Insertions { seen: Vec::new(), desk: None, open, workshop: Rc::clone(workshop) }
    }
}

impl crate::contender::Work for Insertions {
    fn run(&mut self) -> Result<(), Trouble> {
        let desk = match &mut self.desk {
            Some(desk) => desk,
            none => none.insert(Desk::new(&self.workshop, self.open)?),
        };
        let began = Instant::now();
        desk.slot.insert(Box::new(Blank));
        desk.hears(b'1')?;
        self.seen.push(began.elapsed().as_nanos() as f64);
        Ok(())
    }

    /// Makes room for the next.
    fn check(&mut self) -> Result<(), Trouble> {
        let Some(desk) = &mut self.desk else { return Ok(()) };
        desk.slot.remove();
        desk.hears(b'0')?;
        thread::sleep(PAUSE);
        Ok(())
    }

    fn latency(&mut self) -> Option<Latency> {
        Latency::of(&self.seen)
    }

    fn rest(&mut self) {
        self.desk = None;
    }
}

/// An empty slot, its socket, and `benches/rivals/watcher.c` at it.
struct Desk {
    slot: Arc<Slot>,
    output: ChildStdout,
    watcher: Process,
    _daemon: Option<Process>,
    _server: Server,
}

impl Desk {
    fn new(workshop: &Workshop, open: Open) -> Result<Desk, Trouble> {
        let slot = Slot::new("Jitsuin Bench Reader 00 00");
        let socket = workshop.folder()?.join("pcsc");
        let server = Server::bind(&socket, vec![Arc::clone(&slot)]).map_err(Trouble::failed)?;
        let (socket, daemon) = open(workshop, &socket)?;
        let mut watcher = workshop.built("watcher");
        watcher.env(SOCKET_VARIABLE, socket).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut watcher = Process::start(&mut watcher)?;
        let mut desk = Desk { slot, output: watcher.output()?, watcher, _daemon: daemon, _server: server };
        desk.hears(b'0')?;
        thread::sleep(PAUSE);
        Ok(desk)
    }

    /// Waits for the client's word.
    fn hears(&mut self, expected: u8) -> Result<(), Trouble> {
        let mut word = [0];
        match self.output.read_exact(&mut word) {
            Ok(()) if word[0] == expected => Ok(()),
            Ok(()) => Err(Trouble::Wrong(format!("the client says {:?}", char::from(word[0])))),
            Err(_) => Err(self.watcher.failed()),
        }
    }
}

/// A card that is only looked at.
struct Blank;

impl VirtualCard for Blank {
    fn atr(&self) -> Vec<u8> {
        vec![0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14]
    }

    fn power_on(&mut self) {}

    fn power_off(&mut self) {}

    fn reset(&mut self) {}

    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, Silence> {
        Ok(vec![0x6D, 0x00])
    }
}
