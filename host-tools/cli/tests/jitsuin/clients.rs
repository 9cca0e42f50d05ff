//! Other people's programs as judges, unmodified, over both doors of `jitsuin serve`: its own PC/SC socket, and pcscd with vpcd.
//!
//! What a program needs is in Debian's packages; a missing one is said loudly, and is a failure where
//! `JITSUIN_REQUIRE_TOOLS` is set. (pcsc.md §5)

mod cms;
mod gnutls;
mod guests;
mod opensc;
mod openssl;
mod pcsc;
pub(crate) mod pcscd;
mod ssh;
mod tls;

use crate::support::{Said, Serve, World, run, until};
use pcscd::Pcscd;
use sim::pcsc::PcscReader;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// OpenSC's PKCS#11 module by its path: p11-kit, ssh and OpenSSL's engine look for no name.
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
/// The tokens in which OpenSC shows a card of this kind.
const AUTHENTICATION: &str = "pkcs11:token=JPKI%20(User%20Authentication%20PIN);id=%01";
const SIGNATURE: &str = "pkcs11:token=JPKI%20(Digital%20Signature%20PIN);id=%02";

/// Programs, and the packages they are in.
pub(crate) type Tools = (&'static [&'static str], &'static str);

/// Whether every program is there; says what to install where one is not.
pub(crate) fn have((programs, packages): Tools) -> bool {
    let missing =
        |program: &&&str| !Command::new("which").arg(program).output().is_ok_and(|found| found.status.success());
    let missing: Vec<&str> = programs.iter().filter(missing).copied().collect();
    if missing.is_empty() {
        return true;
    }
    vectors::skipped(&format!("{} not found; install Debian's packages {packages}", missing.join(", ")));
    false
}

/// How programs come to the card.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// They speak to `jitsuin serve` itself.
    Socket,
    /// They speak to pcscd, and that to `jitsuin serve` through vpcd.
    Pcscd,
}

impl Door {
    fn is_there(self) -> bool {
        self == Door::Socket || Pcscd::is_there()
    }
}

/// Programs that find their reader at a socket.
struct Clients {
    socket: PathBuf,
    folder: tempfile::TempDir,
}

impl Clients {
    fn new(socket: &Path) -> Clients {
        Clients { socket: socket.into(), folder: tempfile::tempdir().expect("folder") }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // A home of their own: OpenSC keeps caches, and every card of this kind has the same serial number for it.
        command.env("PCSCLITE_CSOCK_NAME", &self.socket).env("HOME", self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Said {
        run(self.command(program).args(arguments))
    }

    fn pkcs11(&self, arguments: &[&str]) -> Said {
        self.run("pkcs11-tool", &[&["--module", MODULE], arguments].concat())
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.file(name), text).expect("writes");
        self.file(name)
    }

    /// A file with a certificate's public key in it.
    fn public_key(&self, certificate: &str, name: &str) -> String {
        let key = run(Command::new("openssl").args(["x509", "-in", certificate, "-noout", "-pubkey"])).succeeded().out;
        self.write(name, &key)
    }
}

/// A reader that is empty at first, and the programs that look there.
struct Place {
    clients: Clients,
    /// `None` where the card comes with a socket of its own.
    pcscd: Option<Pcscd>,
}

impl Place {
    fn new(world: &World, door: Door) -> Place {
        let clients = Clients::new(&world.file("pcsc"));
        let pcscd = (door == Door::Pcscd).then(|| Pcscd::start(&clients.socket));
        Place { clients, pcscd }
    }

    /// Puts a card into the reader, until the answer is dropped.
    fn serve(&self, world: &World, card: &str) -> Serve {
        let Some(pcscd) = &self.pcscd else {
            return world.serve(card, &["--pcsc", &self.clients.socket.display().to_string()]);
        };
        // pcscd polls: the card of before must have gone first.
        until("the reader is empty", || !self.is_seen());
        let serving = world.serve(card, &["--vpcd", &pcscd.address]);
        until("the card is seen", || self.is_seen());
        serving
    }

    fn is_seen(&self) -> bool {
        PcscReader::open(&self.clients.socket, None)
            .and_then(|mut reader| reader.atr())
            .is_ok_and(|atr| !atr.is_empty())
    }
}

/// A card in a reader, and programs that look there.
struct Served {
    // The card goes before its reader does.
    _serving: Serve,
    place: Place,
    world: World,
    card: String,
}

impl Served {
    /// A card issued with these options; `None` where a program is missing.
    fn new(door: Door, options: &[&str], tools: Tools) -> Option<Served> {
        if !have(tools) || !door.is_there() {
            return None;
        }
        let world = World::new();
        let card = world.issue(options);
        let place = Place::new(&world, door);
        Some(Served { _serving: place.serve(&world, &card), place, world, card })
    }

    fn clients(&self) -> &Clients {
        &self.place.clients
    }

    /// A file of this card's in the world: what was issued, where programs tell what they read.
    fn issued(&self, name: &str) -> String {
        self.world.file(&format!("cards/{}/{name}", self.card)).display().to_string()
    }
}
