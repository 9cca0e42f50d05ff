//! The ways to a card, each opened by starting some processes.

use super::{process::Process, workshop::Workshop};
use crate::error::Trouble;
use sim::pcsc::list_readers;
use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a process may take until it can be used.
const PATIENCE: Duration = Duration::from_secs(10);

/// pcscd takes a socket of ours as descriptor 3 if it believes that systemd started it; its own socket is everybody's.
const START: &str = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec pcscd --foreground -c \"$0\"";

/// A socket for libpcsclite with a card behind it.
pub(super) struct Door {
    pub(super) socket: PathBuf,
    // Killed with the door, the card first.
    _processes: Vec<Process>,
}

impl Door {
    /// `jitsuin serve --pcsc`
    pub(super) fn socket(workshop: &Workshop) -> Result<Door, Trouble> {
        let socket = workshop.folder()?.join("pcsc");
        let card = served(workshop.serve()?.arg("--pcsc").arg(&socket))?;
        Ok(Door { socket, _processes: vec![card] })
    }

    /// `benches/rivals/server.c`
    pub(super) fn minimal_socket(workshop: &Workshop) -> Result<Door, Trouble> {
        let socket = workshop.folder()?.join("pcsc");
        let mut server = Process::start(quiet(workshop.built("server").arg(&socket)))?;
        until(&mut server, || UnixStream::connect(&socket).is_ok())?;
        Ok(Door { socket, _processes: vec![server] })
    }

    /// pcscd and vpcd with `jitsuin serve --vpcd`
    pub(super) fn vpcd(workshop: &Workshop) -> Result<Door, Trouble> {
        let (socket, daemon, port) = vpcd(workshop)?;
        let card = served(workshop.serve()?.args(["--vpcd", &format!("127.0.0.1:{port}")]))?;
        Ok(Door { socket, _processes: vec![card, daemon] })
    }

    /// pcscd and the IFD handler with `jitsuin serve --pcsc`
    pub(super) fn handler(workshop: &Workshop) -> Result<Door, Trouble> {
        let Door { socket: server, _processes: mut processes } = Self::socket(workshop)?;
        let (socket, daemon) = handled(workshop, &server)?;
        processes.push(daemon);
        Ok(Door { socket, _processes: processes })
    }

    /// pcscd and vpcd with `benches/rivals/card.c`
    pub(super) fn minimal_card(workshop: &Workshop) -> Result<Door, Trouble> {
        Self::card(workshop, "quick")
    }

    /// The same, waiting for delayed acknowledgements.
    pub(super) fn delayed_card(workshop: &Workshop) -> Result<Door, Trouble> {
        Self::card(workshop, "delayed")
    }

    fn card(workshop: &Workshop, how: &str) -> Result<Door, Trouble> {
        let (socket, daemon, port) = vpcd(workshop)?;
        let card = Process::start(quiet(workshop.built("card").args([&port.to_string(), how])))?;
        Ok(Door { socket, _processes: vec![card, daemon] })
    }
}

/// A daemon with vpcd for a reader, and the port where that waits for a card: on other ports where somebody took these
/// before the daemon could.
fn vpcd(workshop: &Workshop) -> Result<(PathBuf, Process, u16), Trouble> {
    let mut taken = Trouble::Failed("pcscd: no port for vpcd".into());
    for _ in 0..5 {
        let port = two_ports().map_err(Trouble::failed)?;
        let reader = format!(
            "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {}\nCHANNELID 0x{port:X}\n",
            workshop.vpcd
        );
        let (socket, mut daemon) = pcscd(&workshop.folder()?, &reader)?;
        // Asked of the daemon: whoever took a port lets connect to it too.
        match until(&mut daemon, || list_readers(&socket).is_ok_and(|names| names.len() == 2)) {
            Ok(()) => return Ok((socket, daemon, port)),
            Err(trouble) => taken = trouble,
        }
    }
    Err(taken)
}

/// A port that is free now, as its neighbour is, for vpcd's second slot.
fn two_ports() -> io::Result<u16> {
    loop {
        let one = TcpListener::bind("0.0.0.0:0")?;
        let port = one.local_addr()?.port();
        if port < u16::MAX && TcpListener::bind(("0.0.0.0", port + 1)).is_ok() {
            return Ok(port);
        }
    }
}

/// A daemon with the IFD handler for a reader, which is a client of this server.
pub(super) fn handled(workshop: &Workshop, server: &Path) -> Result<(PathBuf, Process), Trouble> {
    let handler = workshop.handler.as_deref().unwrap_or(Path::new("")).display();
    // The colon: pcscd shall not look for the path.
    let reader =
        format!("FRIENDLYNAME \"Jitsuin\"\nDEVICENAME \"{}:\"\nLIBPATH {handler}\nCHANNELID 0\n", server.display());
    pcscd(&workshop.folder()?, &reader)
}

/// A pcscd of our own with one reader.
fn pcscd(folder: &Path, reader: &str) -> Result<(PathBuf, Process), Trouble> {
    let (socket, readers) = (folder.join("pcscd"), folder.join("readers"));
    fs::create_dir(&readers).and_then(|()| fs::write(readers.join("reader"), reader)).map_err(Trouble::failed)?;
    // The daemon will not start without, and cannot be told to.
    let _ = fs::create_dir("/run/pcscd");
    let listener = UnixListener::bind(&socket).map_err(Trouble::failed)?;
    let mut start = Command::new("sh");
    start.args(["-c", START]).arg(&readers).stdin(OwnedFd::from(listener));
    start.stdout(Stdio::null()).stderr(Stdio::piped());
    Ok((socket, Process::start(&mut start)?))
}

/// Starts `jitsuin serve` and waits until the card is in the reader.
fn served(command: &mut Command) -> Result<Process, Trouble> {
    let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let lines = BufReader::new(process.output()?).lines();
    let inside = lines.map_while(Result::ok).any(|line| line.contains("is in the reader"));
    if inside { Ok(process) } else { Err(process.failed()) }
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped())
}

/// Waits until something is so, as long as the process runs.
fn until(process: &mut Process, mut holds: impl FnMut() -> bool) -> Result<(), Trouble> {
    let began = Instant::now();
    while !holds() {
        if process.is_over() || began.elapsed() > PATIENCE {
            return Err(process.failed());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
