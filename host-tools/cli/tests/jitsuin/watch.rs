//! The live view, in a pseudo-terminal.

use crate::{
    clients::have,
    support::{Killed, World, binary, run, until},
};
use sim::{pcsc::PcscReader, reader::Reader};
use std::{
    io::{Read, Write},
    path::Path,
    process::{ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const WRONG: &[u8] = b"\x00\x20\x00\x98\x049999";

const ROWS: usize = 40;
const COLUMNS: usize = 150;

/// `jitsuin watch` in a terminal of its own.
struct Watch {
    child: Killed,
    keys: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Watch {
    fn start(control: &Path) -> Watch {
        // The terminal must be afterwards what it was before, whatever the end was.
        let shell = format!(
            "stty rows {ROWS} cols {COLUMNS}; was=$(stty -g); '{}' watch --control '{}'; code=$?; \
             test \"$was\" = \"$(stty -g)\" && echo given back; exit $code",
            env!("CARGO_BIN_EXE_jitsuin"),
            control.display()
        );
        let mut command = Command::new("script");
        command.args(["-qec", &shell, "/dev/null"]).env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        command.env_remove("NO_COLOR").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut out, drawn) = (child.stdout.take().expect("piped"), Arc::clone(&screen));
        thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut some) {
                drawn.lock().expect("lock").extend_from_slice(&some[..count]);
            }
        });
        Watch { keys: child.stdin.take().expect("piped"), child: Killed(child), screen }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("lock")).into_owned()
    }

    /// Waits until this stands on the screen.
    fn sees(&self, words: &str) {
        until(words, || standing(&self.said()).contains(words));
    }

    fn types(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("types");
    }

    fn ended(mut self) -> (ExitStatus, String) {
        let child = &mut self.child.0;
        until("it ends", || child.try_wait().expect("waits").is_some());
        let status = child.wait().expect("ends");
        // Left to the terminal as it was: the other screen, and its cursor.
        until("the terminal is as it was", || self.said().contains("given back"));
        let all = self.said();
        let (_, after) = all.rsplit_once("\u{1b}[?1049l").expect("the screen is given back");
        assert!(all.contains("\u{1b}[?1049h") && all.contains("\u{1b}[?25h"), "{all:?}");
        (status, after.to_owned())
    }
}

/// What stands on the screen after all this. Only what has changed is drawn, so that it takes a terminal to tell; of one, this
/// has as much as the program uses: the cursor put somewhere, and all cleared.
fn standing(said: &str) -> String {
    let mut rows = vec![[' '; COLUMNS]; ROWS];
    let (mut row, mut column) = (0, 0);
    let mut rest = said.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            if let Some(cell) = rows.get_mut(row).and_then(|row| row.get_mut(column)) {
                *cell = c;
            }
            column += 1;
            continue;
        }
        let mut parameters = String::new();
        let end = rest.find(|c| {
            parameters.push(*c);
            c.is_ascii_alphabetic()
        });
        match end {
            Some('H') => {
                let mut numbers = parameters.trim_matches(|c: char| !c.is_ascii_digit()).split(';').map(str::parse);
                let mut next = || numbers.next().and_then(Result::ok).unwrap_or(1_usize).saturating_sub(1);
                (row, column) = (next(), next());
            }
            Some('J') => rows.iter_mut().for_each(|row| row.fill(' ')),
            _ => {}
        }
    }
    rows.iter().map(|row| row.iter().collect::<String>() + "\n").collect()
}

#[test]
fn commands_are_seen_as_they_come() {
    if !have((&["script", "stty"], "bsdutils coreutils")) {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let serving = world.serve(&card, &["--pcsc", &socket.display().to_string()]);
    let control = world.file("pcsc.ctl");
    let (mut watch, other) = (Watch::start(&control), Watch::start(&control));
    for one in [&watch, &other] {
        one.sees("Readers: 1");
        one.sees(&card);
        one.sees("3 tries left JPKI: user authentication PIN");
        one.sees("q leave");
    }
    let mut reader = PcscReader::open(&socket, None).expect("opens");
    reader.transmit(SELECT).expect("answers");
    assert_eq!(reader.transmit(WRONG).expect("answers"), [0x63, 0xC2]);
    watch.sees("VERIFY user authentication PIN [4] → 63C2");
    watch.sees("2 tries left JPKI: user authentication PIN");
    watch.sees("powered  1 connected  1 inserted");
    watch.sees("/s, median");
    assert!(!watch.said().contains("9999"), "the PIN was drawn");
    watch.types(b" ");
    watch.sees("Traffic, paused");
    reader.transmit(b"\x00\x84\x00\x00\x08").expect("answers");
    watch.sees("Traffic, paused, 1 newer below");
    assert!(!standing(&watch.said()).contains("GET CHALLENGE"));
    watch.types(b" f");
    watch.sees("Traffic of Jitsuin Virtual Reader 00 00");
    watch.sees("GET CHALLENGE");
    watch.types(b"q");
    let (status, after) = watch.ended();
    assert_eq!((status.code(), after.contains("jitsuin:")), (Some(0), false), "{after:?}");
    // The server goes while somebody looks on.
    serving.interrupt();
    let (status, after) = other.ended();
    assert!(status.code() == Some(1) && after.contains("jitsuin: the server has gone: "), "{status:?} {after:?}");
}

/// A window that is closed: nobody is left to press a key, and nothing may run on.
#[test]
fn it_goes_with_its_terminal() {
    if !have((&["script", "stty"], "bsdutils coreutils")) {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let _serving = world.serve(&card, &["--pcsc", &world.file("pcsc").display().to_string()]);
    let control = world.file("pcsc.ctl");
    let watch = Watch::start(&control);
    watch.sees("Readers: 1");
    let asked = format!("watch\0--control\0{}\0", control.display());
    let runs = || {
        let all = std::fs::read_dir("/proc").expect("processes").flatten();
        let mut lines = all.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
        lines.any(|line| line.ends_with(&asked))
    };
    assert!(runs());
    // The terminal's owner is killed, and the terminal goes with it.
    drop(watch);
    until("it has ended", || !runs());
}

#[test]
fn without_a_terminal_or_a_server_it_says_what_to_do() {
    run(binary().arg("watch")).failed(2, &["no terminal", "jitsuin ctl watch"]);
    if !have((&["script"], "bsdutils")) {
        return;
    }
    let shell = format!("'{}' watch --control /none/at/all", env!("CARGO_BIN_EXE_jitsuin"));
    let said = run(Command::new("script").args(["-qec", &shell, "/dev/null"]).stdin(Stdio::null()));
    assert!(said.code == Some(1) && said.out.contains("is `jitsuin serve` running?"), "{said:?}");
    assert!(!said.out.contains('\u{1b}'), "the screen was taken: {said:?}");
}
