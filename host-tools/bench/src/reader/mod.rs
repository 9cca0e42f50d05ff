//! Rows of both doors of `jitsuin serve` beside minimal servers in C, for a client in C on libpcsclite.
//!
//! Everybody is a process of its own, as in life; only the rates and latencies that the client took come back. Every row
//! is measured with the processes where the kernel puts them, with all of them on one processor, where nobody has to wake a
//! sleeping one, and where it depends on that with the client on a processor of its own. Sources of what is written in C are in
//! `benches/rivals`.

mod door;
mod insertion;
mod process;
mod workshop;

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side, Work},
    error::{BenchError, Trouble},
    place::{self, Pinned},
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
    let mut places = vec![Place::Anywhere];
    if let (Some(client), Some(others)) = (place::first(), place::last()) {
        places.extend([Place::Together(others), Place::Apart { client, others }]);
    }
    Ok(places.into_iter().flat_map(|place| rows_in(&workshop, place)).collect())
}

/// Where the processes of a row run.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    Together(usize),
    /// What the kernel's choice comes to sometimes, and sometimes not.
    Apart {
        client: usize,
        others: usize,
    },
}

impl Place {
    /// End of a row's name, and of its title.
    fn told(self) -> (&'static str, String) {
        match self {
            Place::Anywhere => ("", String::new()),
            Place::Together(all) => ("-pinned", format!(", all on processor {all}")),
            Place::Apart { client, others } => {
                ("-apart", format!(", client on processor {client}, others on {others}"))
            }
        }
    }

    /// Of the row.
    fn processor(self) -> Option<usize> {
        match self {
            Place::Anywhere => None,
            Place::Together(all) => Some(all),
            Place::Apart { others, .. } => Some(others),
        }
    }

    /// Of the client, where that is another.
    fn client(self) -> Option<usize> {
        match self {
            Place::Apart { client, .. } => Some(client),
            _ => None,
        }
    }
}

/// The rows in one place.
fn rows_in(workshop: &Rc<Workshop>, place: Place) -> Vec<Row> {
    let row = |name: &str, title: &str, contenders| {
        let (end, place_name) = place.told();
        let (name, title) = (format!("{PREFIX}{name}{end}"), format!("{title}{place_name}"));
        Row { name, title, clock: Clock::Wall, processor: place.processor(), contenders }
    };
    let sends = |name: &str, about: &str, side, batch, open: Open| {
        contender(
            name,
            about,
            side,
            Commands {
                open,
                batch,
                seen: Vec::new(),
                client: None,
                workshop: Rc::clone(workshop),
                apart: place.client(),
            },
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
    let mut rows = vec![
        row("socket", "A 4-byte command through the PC/SC socket", socket),
        row("vpcd", "A 4-byte command through pcscd, by vpcd or by the IFD handler", vpcd),
    ];
    // Nobody is in a hurry there: two places tell enough.
    if place.client().is_none() {
        rows.push(row("insert", "A card inserted until a waiting client has said so", insert));
    }
    rows
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
    /// Processor of the client alone.
    apart: Option<usize>,
}

impl Work for Commands {
    fn run(&mut self) -> Result<(), Trouble> {
        let (client, _) = match &mut self.client {
            Some(open) => open,
            none => {
                let door = (self.open)(&self.workshop)?;
                // It inherits where this thread may run now.
                let _apart = self.apart.map(Pinned::to).transpose().map_err(Trouble::failed)?;
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
