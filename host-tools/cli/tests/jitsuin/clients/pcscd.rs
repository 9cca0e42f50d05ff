//! A pcscd of our own, listening at a socket of our own, with vpcd as its only reader. (pcsc.md §2)

use super::have;
use crate::support::Killed;
use sim::pcsc::list_readers;
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long it may take until its readers are there.
const PATIENCE: Duration = Duration::from_secs(10);

/// The daemon, until dropped.
pub(crate) struct Pcscd {
    /// Where vpcd waits for a card.
    pub(crate) address: String,
    _daemon: Killed,
    _folder: tempfile::TempDir,
}

impl Pcscd {
    /// The name of its first reader; there is a second, which stays empty.
    pub(crate) const READER: &str = "Virtual PCD 00 00";

    pub(crate) fn is_there() -> bool {
        have((&["pcscd", "python3"], "pcscd vsmartcard-vpcd python3"))
    }

    /// Starts it, on other ports where somebody took these meanwhile.
    pub(crate) fn start(socket: &Path) -> Pcscd {
        (0..5).find_map(|_| Pcscd::try_start(socket)).expect("pcscd has its reader")
    }

    fn try_start(socket: &Path) -> Option<Pcscd> {
        let folder = tempfile::tempdir().expect("folder");
        let port = two_ports();
        let _ = fs::remove_file(socket);
        let daemon = spawn(socket, folder.path(), port);
        // Asked of the daemon: a connection to vpcd would be a card that comes and goes.
        let has_readers = || list_readers(socket).is_ok_and(|names| names.len() == 2);
        let began = Instant::now();
        while !has_readers() {
            if began.elapsed() > PATIENCE {
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Some(Pcscd { address: format!("127.0.0.1:{port}"), _daemon: daemon, _folder: folder })
    }
}

/// A port that is free, as its neighbour is, for vpcd's second slot.
fn two_ports() -> u16 {
    loop {
        let one = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = one.local_addr().expect("its number").port();
        if port < u16::MAX && TcpListener::bind(("0.0.0.0", port + 1)).is_ok() {
            return port;
        }
    }
}

fn spawn(socket: &Path, folder: &Path, port: u16) -> Killed {
    let drivers =
        ["/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/lib/x86_64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so"];
    let driver = drivers.into_iter().find(|path| Path::new(path).exists()).expect("vsmartcard-vpcd has its driver");
    let readers = folder.join("readers");
    fs::create_dir(&readers).expect("folder");
    let text = format!(
        "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {driver}\nCHANNELID 0x{port:X}\n"
    );
    fs::write(readers.join("vpcd"), text).expect("writes");
    let _ = fs::create_dir("/run/pcscd");
    // The daemon takes its socket as descriptor 3 from whoever starts it, as systemd does.
    let start = "import os, socket, sys\n\
                 s = socket.socket(socket.AF_UNIX)\n\
                 s.bind(sys.argv[1]); s.listen(16)\n\
                 os.dup2(s.fileno(), 3); os.set_inheritable(3, True)\n\
                 os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n\
                 os.execvp('pcscd', ['pcscd', '--foreground', '-c', sys.argv[2]])\n";
    let log = fs::File::create(folder.join("pcscd.log")).expect("log");
    let child = Command::new("/usr/bin/python3")
        .args(["-c", start])
        .arg(socket)
        .arg(&readers)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("log"))
        .stderr(log)
        .spawn();
    Killed(child.expect("python3 starts"))
}
