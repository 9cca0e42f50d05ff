//! A pcscd of our own, listening at a socket of our own, with vpcd as its only reader. (pcsc.md §2)

use super::have;
use crate::support::{Killed, until};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

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

    pub(crate) fn start(socket: &Path) -> Pcscd {
        let folder = tempfile::tempdir().expect("folder");
        // A port that is free, and its neighbour is vpcd's second slot.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
        let daemon = spawn(socket, folder.path(), port);
        let address = format!("127.0.0.1:{port}");
        until("vpcd listens", || TcpStream::connect(&address).is_ok());
        Pcscd { address, _daemon: daemon, _folder: folder }
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
