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
            "stty rows 40 cols 150; was=$(stty -g); '{}' watch --control '{}'; code=$?; \
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

    /// All that was drawn, without what moves and colours, and without spaces: a space where one was before is not drawn.
    fn drawn(&self) -> String {
        let all = String::from_utf8_lossy(&self.screen.lock().expect("lock")).into_owned();
        let mut parts = all.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| part.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, text)| text));
        (first + &rest.collect::<String>()).replace(char::is_whitespace, "")
    }

    fn sees(&self, words: &str) {
        let wanted = words.replace(' ', "");
        until(words, || self.drawn().contains(&wanted));
    }

    fn ended(mut self) -> (ExitStatus, String) {
        let child = &mut self.child.0;
        until("it ends", || child.try_wait().expect("waits").is_some());
        let status = child.wait().expect("ends");
        // Left to the terminal as it was: the other screen, and its cursor.
        self.sees("given back");
        let all = String::from_utf8_lossy(&self.screen.lock().expect("lock")).into_owned();
        let (_, after) = all.rsplit_once("\u{1b}[?1049l").expect("the screen is given back");
        assert!(all.contains("\u{1b}[?1049h") && all.contains("\u{1b}[?25h"), "{all:?}");
        (status, after.to_owned())
    }
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
    // No other character of the line has changed.
    watch.sees("1 connected");
    watch.sees("/s, median");
    assert!(!watch.drawn().contains("9999"), "the PIN was drawn");
    watch.keys.write_all(b"q").expect("types");
    let (status, after) = watch.ended();
    assert_eq!((status.code(), after.contains("jitsuin:")), (Some(0), false), "{after:?}");
    // The server goes while somebody looks on.
    serving.interrupt();
    let (status, after) = other.ended();
    assert!(status.code() == Some(1) && after.contains("jitsuin: the server has gone: "), "{status:?} {after:?}");
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
