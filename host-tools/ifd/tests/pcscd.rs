//! pcscd with this library, and OpenSC as its client.

use sim::{
    pcsc::{SOCKET_VARIABLE, Server},
    sample,
    slot::Slot,
};
use std::{
    fs,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// pcscd takes a socket as descriptor 3 from whoever starts it, as systemd does.
const START: &str = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec pcscd --foreground -c \"$0\"";

/// A daemon of our own, killed when dropped.
struct Daemon {
    child: Child,
    folder: PathBuf,
}

impl Daemon {
    fn start(folder: &Path, device: &str) -> Daemon {
        // Where cargo puts what it builds for this test.
        let library = std::env::current_exe().expect("a path").with_file_name("libjitsuin_ifd.so");
        assert!(library.exists(), "{} was not built", library.display());
        let readers = folder.join("readers");
        fs::create_dir(&readers).expect("a folder");
        let text =
            format!("FRIENDLYNAME \"Jitsuin\"\nDEVICENAME \"{device}\"\nLIBPATH {}\nCHANNELID 0\n", library.display());
        fs::write(readers.join("jitsuin"), text).expect("writes");
        let _ = fs::create_dir("/run/pcscd");
        let listener = UnixListener::bind(folder.join("pcscd")).expect("listens");
        let log = fs::File::create(folder.join("log")).expect("a log");
        let mut start = Command::new("sh");
        start.args(["-c", START]).arg(&readers).stdin(OwnedFd::from(listener));
        start.stdout(log.try_clone().expect("a log")).stderr(log);
        Daemon { child: start.spawn().expect("starts"), folder: folder.into() }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).env(SOCKET_VARIABLE, self.folder.join("pcscd")).env("HOME", &self.folder);
        let output = command.stdin(Stdio::null()).output().expect("starts");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Waits until OpenSC says so.
    #[track_caller]
    fn until(&self, words: &str) {
        let began = Instant::now();
        let mut said = String::new();
        while began.elapsed() < Duration::from_secs(20) {
            said = self.run("opensc-tool", &["-n"]);
            if said.contains(words) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no {words:?} in {said:?}; {}", fs::read_to_string(self.folder.join("log")).expect("a log"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_card_comes_and_goes() {
    let there = |name: &str| Command::new("which").arg(name).output().is_ok_and(|found| found.status.success());
    if !there("pcscd") || !there("opensc-tool") {
        vectors::skipped("pcscd or opensc-tool not found; install Debian's packages pcscd opensc");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("pcsc");
    let slot = Slot::new("A Reader 00 00");
    slot.insert(Box::new(sample::issued(true)));
    let serve = || Server::bind(&socket, vec![Arc::clone(&slot)]).expect("listens");
    let server = serve();
    let mut daemon = Daemon::start(folder.path(), &format!("{}:A Reader 00 00", socket.display()));

    daemon.until("jpki");
    assert!(daemon.run("opensc-tool", &["-l"]).contains("Jitsuin 00 00"));
    assert!(daemon.run("opensc-tool", &["-a"]).contains("3b:e0:00:ff:81:31:fe:45:14"));
    // VERIFY without data asks for the counter; extended APDUs are offered by the reader's features.
    let sent = daemon.run("opensc-tool", &["-s", "00A4040C0AD392F000260100000001", "-s", "00200098"]);
    assert!(sent.contains("SW1=0x90") && sent.contains("SW1=0x63, SW2=0xC3"), "{sent}");

    slot.remove();
    daemon.until("Card not present");
    slot.insert(Box::new(sample::issued(true)));
    daemon.until("jpki");

    // A server that goes is a card that goes.
    drop(server);
    daemon.until("Card not present");
    let server = serve();
    daemon.until("jpki");
    drop(server);

    // pcscd can still end: nothing of this library keeps it.
    let kill = Command::new("sh").args(["-c", &format!("kill -TERM {}", daemon.child.id())]).status();
    assert!(kill.expect("a shell").success());
    let began = Instant::now();
    while matches!(daemon.child.try_wait(), Ok(None)) {
        assert!(began.elapsed() < Duration::from_secs(20), "pcscd does not end");
        thread::sleep(Duration::from_millis(20));
    }
}
