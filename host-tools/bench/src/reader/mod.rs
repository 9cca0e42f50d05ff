//! Rows of both doors of `jitsuin serve` beside minimal servers in C, for a client in C on libpcsclite.
//!
//! Everybody is a process of its own, as in life; only the rates and latencies that the client took come back. Every row
//! is measured twice: with the processes where the kernel puts them, and all of them on one processor, where nobody has to
//! wake a sleeping one. Sources of what is written in C are in `benches/rivals`.

mod door;
mod insertion;
mod process;
mod workshop;

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side, Work},
    error::{BenchError, Trouble},
    place,
    statistics::Latency,
};
use door::Door;
use process::Client;
use std::{path::Path, rc::Rc};
use workshop::Workshop;

/// Begins the name of every row of these.
pub const PREFIX: &str = "reader-";

/// Commands in one run: some hundredths of a second.
const BATCH: u32 = 2000;
/// The same for a card that takes 44 ms for one.
const SLOW_BATCH: u32 = 2;

/// What is left out where there is no IFD handler.
const NO_HANDLER: &str = "pcscd with the IFD handler was not measured: cargo build --release -p ifd makes libjitsuin_ifd.so, which has to lie \
     beside the program";

/// Both doors, and how soon an insertion is noticed. `program` is `jitsuin`; what is left out is noted.
///
/// # Errors
/// [`BenchError::Missing`] where a compiler, a header or a daemon is not here.
pub fn rows(program: &Path, notes: &mut Vec<String>) -> Result<Vec<Row>, BenchError> {
    let workshop = Rc::new(Workshop::new(program)?);
    if workshop.handler.is_none() {
        notes.push(NO_HANDLER.into());
    }
    let alone = place::last();
    let places = [None, alone].into_iter().filter(|place| place.is_none() || alone.is_some());
    Ok(places.flat_map(|processor| both(&workshop, processor)).collect())
}

/// The rows in one place.
fn both(workshop: &Rc<Workshop>, processor: Option<usize>) -> [Row; 3] {
    let row = |name: &str, title: &str, contenders| {
        let (end, place) = match processor {
            None => ("", String::new()),
            Some(processor) => ("-pinned", format!(", all on processor {processor}")),
        };
        let (name, title) = (format!("{PREFIX}{name}{end}"), format!("{title}{place}"));
        Row { name, title, clock: Clock::Wall, processor, contenders }
    };
    let sends = |name: &str, about: &str, side, batch, open: Open| {
        contender(
            name,
            about,
            side,
            Commands { open, batch, seen: Vec::new(), client: None, workshop: Rc::clone(workshop) },
        )
    };
    let (own, rival) = (Side::Own, Side::Rival);
    let socket = vec![
        sends("jitsuin", "jitsuin serve --pcsc", own, BATCH, Door::socket),
        sends("c-server", "a minimal server in C", rival, BATCH, Door::minimal_socket),
    ];
    let mut vpcd = vec![
        sends("jitsuin", "pcscd, vpcd and jitsuin serve --vpcd", own, BATCH, Door::vpcd),
        sends("c-card", "the same with a minimal card in C", rival, BATCH, Door::minimal_card),
        sends("c-delayed", "the same without quick-ACK", rival, SLOW_BATCH, Door::delayed_card),
    ];
    let inserts = |name: &str, about: &str, open: insertion::Open| {
        contender(name, about, own, insertion::Insertions::new(workshop, open))
    };
    let mut insert = vec![inserts("jitsuin", "own socket, client in SCardGetStatusChange", insertion::at_once)];
    if workshop.handler.is_some() {
        vpcd.insert(
            1,
            sends("jitsuin-ifd", "pcscd, the IFD handler and jitsuin serve --pcsc", own, BATCH, Door::handler),
        );
        insert.push(inserts("jitsuin-ifd", "the same through pcscd and the IFD handler", insertion::through_pcscd));
    }
    [
        row("socket", "A 4-byte command through the PC/SC socket", socket),
        row("vpcd", "A 4-byte command through pcscd, by vpcd or by the IFD handler", vpcd),
        row("insert", "A card inserted until a waiting client has said so", insert),
    ]
}

fn contender(name: &str, about: &str, side: Side, work: impl Work + 'static) -> Contender {
    Contender { name: name.into(), about: about.into(), side, countable: false, work: Box::new(work) }
}

/// Starts the processes of a door.
type Open = fn(&Workshop) -> Result<Door, Trouble>;

/// Commands by the client through a door, which is opened at the first run: in the place of its row.
struct Commands {
    open: Open,
    batch: u32,
    seen: Vec<Latency>,
    // The client leaves before the door closes, and the folder goes last.
    client: Option<(Client, Door)>,
    workshop: Rc<Workshop>,
}

impl Work for Commands {
    fn run(&mut self) -> Result<(), Trouble> {
        let (client, _) = match &mut self.client {
            Some(open) => open,
            none => {
                let door = (self.open)(&self.workshop)?;
                none.insert((Client::start(self.workshop.built("client"), &door.socket)?, door))
            }
        };
        self.seen.push(client.send(self.batch)?);
        Ok(())
    }

    /// The client itself judges each answer.
    fn check(&mut self) -> Result<(), Trouble> {
        Ok(())
    }

    fn operations(&self) -> u32 {
        self.batch
    }

    fn latency(&mut self) -> Option<Latency> {
        Latency::middle(&self.seen)
    }

    fn rest(&mut self) {
        self.client = None;
    }
}
