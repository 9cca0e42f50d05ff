//! A world in a temporary folder, the binary, and a card being served.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

pub(crate) const AUTH_PIN: &str = "1234";
pub(crate) const SIGN_PIN: &str = "ABC123";

/// The binary under test.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jitsuin"));
    command.env_remove("JITSUIN_PASSPHRASE").env_remove("PCSCLITE_CSOCK_NAME").stdin(Stdio::null());
    command
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Said {
    /// Both streams: other people's programs choose differently.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Said {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Ended with this exit code, in order, with these words on standard error.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &[&str]) -> Said {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in: {}", self.err);
        }
        self
    }
}

pub(crate) fn run(command: &mut Command) -> Said {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")).into()
}

/// Runs the binary.
pub(crate) fn jitsuin<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Said {
    run(binary().args(arguments))
}

/// Runs the binary with this on its standard input.
pub(crate) fn jitsuin_with_input(arguments: &[&str], input: &[u8]) -> Said {
    let mut command = binary();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    // A program that ends early closes its input; what it said is what counts.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("ends").into()
}

/// A world with its folder.
pub(crate) struct World {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

impl World {
    pub(crate) fn new() -> World {
        Self::with(&[])
    }

    /// A world made with these options.
    pub(crate) fn with(options: &[&str]) -> World {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("world");
        run(binary().arg("new").arg(&path).args(options)).succeeded();
        World { _folder: folder, path }
    }

    pub(crate) fn name(&self) -> &str {
        self.path.to_str().expect("a plain path")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Runs a command on this world: its name, then what follows the world.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        jitsuin([&arguments[..1], &[self.name()], &arguments[1..]].concat())
    }

    pub(crate) fn issue(&self, options: &[&str]) -> String {
        let said = self.run(&[&["issue"], options].concat()).succeeded();
        said.out.lines().last().expect("an id").to_owned()
    }

    /// What the world knows of a card, My Number and security code included.
    pub(crate) fn record(&self, card: &str) -> serde_json::Value {
        let said = self.run(&["show", "--json", "--reveal"]).succeeded();
        let all: Vec<serde_json::Value> = serde_json::from_str(&said.out).expect("json");
        all.into_iter().find(|one| one["id"] == card).expect("is on record")
    }

    /// Makes the folder one of the first format, without a database: counters in world.json, a card.json a card.
    pub(crate) fn make_first_format(&self, change: impl Fn(&mut serde_json::Value)) {
        let all = self.run(&["show", "--json", "--reveal"]).succeeded().out;
        let mut last = [0x10_0001; 2];
        let cards: Vec<serde_json::Value> = serde_json::from_str(&all).expect("json");
        for mut card in cards.iter().cloned() {
            let fields = card.as_object_mut().expect("an object");
            let progress = fields.remove("status").expect("a state");
            fields.remove("resident").expect("a holder");
            fields.remove("halves");
            fields.insert("progress".into(), progress);
            for (last, half) in last.iter_mut().zip(["signature", "authentication"]) {
                let serial = card[half].as_str().map(|serial| u32::from_str_radix(serial, 16).expect("hexadecimal"));
                *last = serial.unwrap_or(0).max(*last);
            }
            change(&mut card);
            let path = self.path.join("cards").join(card["id"].as_str().expect("an id")).join("card.json");
            fs::write(path, card.to_string()).expect("writes");
        }
        let path = self.file("world.json");
        let mut index: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).expect("reads")).expect("json");
        index["version"] = 1.into();
        index["signature_serial"] = (last[0] + 1).into();
        index["authentication_serial"] = (last[1] + 1).into();
        index["next_card"] = (cards.len() + 1).into();
        index.as_object_mut().expect("an object").remove("id");
        fs::write(path, index.to_string()).expect("writes");
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.file(&format!("world.db{end}")));
        }
    }

    pub(crate) fn image(&self, card: &str) -> PathBuf {
        self.path.join("cards").join(card).join("card.img")
    }

    /// Serves a card and waits until it is in the reader.
    pub(crate) fn serve(&self, card: &str, options: &[&str]) -> Serve {
        Serve::start(binary().args([&["serve", self.name(), card], options].concat()))
    }

    /// Serves a card and more readers, and waits for so many.
    pub(crate) fn serve_all(&self, card: &str, readers: usize, options: &[&str]) -> Serve {
        let mut command = binary();
        command.args([&["serve", self.name(), card], options].concat());
        Serve::when(&mut command, |said| said.matches("is in the reader").count() == readers)
    }

    /// The same without naming a card.
    pub(crate) fn serve_all_of(&self, readers: usize, options: &[&str]) -> Serve {
        let mut command = binary();
        command.args([&["serve", self.name()], options].concat());
        Serve::when(&mut command, |said| said.matches("is in the reader").count() == readers)
    }
}

/// A running `jitsuin serve`.
pub(crate) struct Serve {
    child: Child,
    /// What it said until the card was in the reader.
    pub(crate) said: String,
}

impl Serve {
    fn start(command: &mut Command) -> Serve {
        Self::until(command, "is in the reader")
    }

    /// Starts the binary and waits until it says this.
    pub(crate) fn start_for(arguments: &[&str], words: &str) -> Serve {
        Self::until(binary().args(arguments), words)
    }

    fn until(command: &mut Command, words: &str) -> Serve {
        Self::when(command, |said| said.contains(words))
    }

    fn when(command: &mut Command, is_ready: impl Fn(&str) -> bool) -> Serve {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut said = String::new();
        while !is_ready(&said) && out.read_line(&mut said).is_ok_and(|length| length > 0) {}
        if !is_ready(&said) {
            let mut err = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut err);
            panic!("serve ended: {said}{err}");
        }
        Serve { child, said }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Interrupts it as Ctrl-C does, and waits for its end.
    pub(crate) fn interrupt(self) -> Said {
        self.signal("INT");
        self.ended()
    }

    /// Kills it without a warning after so long.
    pub(crate) fn kill_after(mut self, time: Duration) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            std::thread::sleep(time);
            self.child.kill().and_then(|()| self.child.wait()).map(drop).expect("killed");
        })
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Said {
        let status = self.child.wait().expect("ends");
        let mut err = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut err);
        Said { code: status.code(), out: String::new(), err }
    }

    fn signal(&self, name: &str) {
        // The shell has `kill` built in; a machine with nothing but Rust may have no such program.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.expect("a shell").success(), "the signal was not sent");
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A child of another kind that must not outlive its test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}
