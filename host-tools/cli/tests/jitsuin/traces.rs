//! What is done with traces.

use crate::{
    clients::have,
    support::{AUTH_PIN, World, binary, mode, run},
};
use sim::{pcsc::PcscReader, reader::Reader};
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const WRONG: &[u8] = b"\x00\x20\x00\x98\x049999";
const RIGHT: &[u8] = b"\x00\x20\x00\x98\x041234";

struct Traced {
    world: World,
    card: String,
    file: String,
}

/// A dialogue with every kind of line, with a client that sends a wrong PIN twice.
fn traced() -> Traced {
    let world = World::new();
    let card = world.issue(&[]);
    let (socket, file) = (world.file("pcsc"), world.file("trace.jsonl").display().to_string());
    let serving = world.serve(&card, &["--pcsc", &socket.display().to_string(), "--trace", &file]);
    let mut reader = PcscReader::open(&socket, None).expect("opens");
    reader.power_on().expect("powers");
    for command in [
        SELECT,
        b"\x00\xB0\x8A\x00\x00\x00\x00",
        WRONG,
        WRONG,
        RIGHT,
        b"\x80\x2A\x00\x97\x06abcdef\x00",
        b"\x00\x84\x00\x00\x08",
        b"\x00\xFE\x00\x00",
    ] {
        reader.transmit(command).expect("answers");
    }
    reader.reset().expect("resets");
    reader.transmit(b"\x00\x20\x00\x98").expect("answers");
    reader.power_off().expect("powers off");
    serving.interrupt();
    Traced { world, card, file }
}

impl Traced {
    fn copy(&self, name: &str, change: impl Fn(&str) -> String) -> String {
        let path = self.world.file(name);
        fs::write(&path, change(&fs::read_to_string(&self.file).expect("reads"))).expect("writes");
        path.display().to_string()
    }
}

fn jitsuin(arguments: &[&str]) -> crate::support::Said {
    run(binary().args(arguments))
}

#[test]
fn a_trace_is_shown_counted_and_compared() {
    let traced = traced();
    let shown = jitsuin(&["trace", "show", &traced.file, "--bytes"]).succeeded().out;
    for words in [
        "# reader \"Jitsuin Virtual Reader 00 00\"",
        "# client jitsuin",
        "-- power on",
        "-- warm reset",
        "SELECT JPKI [10] → 9000",
        "VERIFY user authentication PIN [4] → 63C2",
        "    > 00200098 <4 secret bytes>",
        "-- removed",
    ] {
        assert!(shown.contains(words), "no {words:?} in {shown}");
    }
    // Not anywhere: the digits of a PIN are met by chance in keys, signatures and times.
    let mut sent = shown.lines().filter(|line| line.starts_with("    > 00200098"));
    assert!(sent.all(|line| line.ends_with(" secret bytes>")), "{shown}");
    let counted = jitsuin(&["trace", "stats", &traced.file, "--json"]).succeeded().out;
    let counted: serde_json::Value = serde_json::from_str(&counted).expect("json");
    assert_eq!((counted["exchanges"].as_u64(), counted["insertions"].as_u64()), (Some(9), Some(1)));
    let verify = &counted["commands"]["VERIFY user authentication PIN"];
    assert_eq!((verify["count"].as_u64(), verify["refused"].as_u64()), (Some(3), Some(2)));
    let remarks = counted["remarks"].to_string();
    assert!(remarks.contains("sent twice in a row") && remarks.contains("a wrong value (2 times)"), "{remarks}");
    let text = jitsuin(&["trace", "stats", &traced.file]).succeeded().out;
    assert!(text.contains("! VERIFY user authentication PIN: sent twice"), "{text}");
    // The same dialogue at another time is the same; one line less is not.
    let later = traced.copy("later.jsonl", |text| text.replace("\"time\":\"20", "\"time\":\"21"));
    jitsuin(&["trace", "diff", &traced.file, &later]).succeeded();
    let less = traced.copy("less.jsonl", |text| {
        text.lines().filter(|line| !line.contains("63C1")).map(|line| format!("{line}\n")).collect()
    });
    let said = jitsuin(&["trace", "diff", &traced.file, &less]);
    assert!(said.code == Some(1) && said.out.contains("- VERIFY user authentication PIN"), "{said:?}");
}

#[test]
fn a_trace_is_replayed_on_a_copy() {
    let Traced { world, card, file } = &traced();
    let replay = |file: &str, more: &[&str]| jitsuin(&[&["trace", "replay", file, world.name(), card], more].concat());
    let said = replay(file, &["--auth-pin", AUTH_PIN]).succeeded();
    assert!(said.out.contains("9 alike, 0 unlike, 0 left out"), "{said:?}");
    let said = replay(file, &[]);
    assert!(said.code == Some(1) && said.out.contains("3 left out") && said.err.contains("--auth-pin"), "{said:?}");
    let odd = fs::read_to_string(file).expect("reads").replace("\"sw\":\"6D00\"", "\"sw\":\"6E00\"");
    let path = world.file("odd.jsonl");
    fs::write(&path, odd).expect("writes");
    let said = replay(&path.display().to_string(), &["--auth-pin", AUTH_PIN]);
    assert!(said.code == Some(1) && said.out.contains("8 alike, 1 unlike"), "{said:?}");
    // It was a copy.
    world.run(&["check", card]).succeeded();
}

#[test]
fn a_trace_is_exported_for_others() {
    let traced = traced();
    let export = |format: &str| {
        let out = traced.world.file(&format!("out.{format}"));
        jitsuin(&["trace", "export", &traced.file, "--format", format, "--out", out.to_str().expect("plain")])
            .succeeded();
        assert_eq!(mode(&out), 0o600);
        (fs::read(&out).expect("reads"), out)
    };
    let (text, _) = export("apdu4j");
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("# ATR: 3BE000FF8131FE4514\n# PROTOCOL: T=1\n"), "{text}");
    assert!(text.contains("# Sent\n00A4040C0AD392F000260100000001\n# Received in 0ms\n9000\n"), "{text}");
    assert!(text.contains("# Sent\n002000980400000000\n"), "a PIN is written as zeros: {text}");
    let (blocks, _) = export("opensc");
    let mut left = &blocks[..];
    let mut count = 0;
    while let Some((length, rest)) = left.split_first_chunk::<2>() {
        left = &rest[usize::from(u16::from_le_bytes(*length))..];
        count += 1;
    }
    assert_eq!(
        (count, &blocks[..11]),
        (10, &b"\x09\x00\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x14"[..]),
        "the ATR and nine answers"
    );
    let said = jitsuin(&["trace", "export", &traced.file, "--format", "pcap", "--out", &traced.file]);
    assert!(said.code == Some(1) && said.err.contains("exists already"), "{said:?}");
    let (_, capture) = export("pcap");
    is_read_by_tcpdump(&capture);
}

fn is_read_by_tcpdump(capture: &Path) {
    if !have((&["tcpdump"], "tcpdump")) {
        return;
    }
    let said = run(Command::new("tcpdump").args(["-nn", "-vv", "-X", "-r"]).arg(capture)).succeeded();
    assert_eq!(said.out.matches("127.0.0.1.4729 > 127.0.0.1.4729").count(), 9, "{said:?}");
    assert!(!said.all().contains("bad cksum") && !said.all().contains("truncated"), "{said:?}");
    // GSMTAP 2, 16 bytes, SIM; then SELECT.
    assert!(said.out.contains("0204 0400") && said.out.contains("00a4 040c"), "{said:?}");
}

#[test]
fn odd_traces_are_refused_with_their_line() {
    let world = World::new();
    let path = |name: &str, content: &[u8]| {
        let path = world.file(name);
        fs::write(&path, content).expect("writes");
        path.display().to_string()
    };
    let good = r#"{"time":"2030-01-01T00:00:00Z","reader":"r","event":"power on"}"#;
    let long = vec![b'x'; 2 << 20];
    for (name, content, words) in [
        ("text", b"nonsense\n".to_vec(), "line 1: not a line of a trace"),
        ("second", format!("{good}\n{{}}\n").into_bytes(), "line 2: not a line of a trace"),
        ("long", long, "line 1: longer than any exchange"),
        ("bytes", vec![0xFF; 100], "line 1"),
        ("nested", [b"[".repeat(200_000), b"\n".to_vec()].concat(), "line 1"),
    ] {
        let file = path(name, &content);
        for act in ["show", "stats"] {
            let said = jitsuin(&["trace", act, &file]);
            assert!(said.code == Some(1) && said.err.contains(words), "{name}: {said:?}");
        }
    }
    assert_eq!(jitsuin(&["trace", "stats", &path("empty", b"")]).succeeded().out.lines().count(), 4);
    let said = jitsuin(&["trace", "show", "none/at/all"]);
    assert!(said.code == Some(1) && said.err.contains("none/at/all"), "{said:?}");
    // Standard input.
    let mut child =
        binary().args(["trace", "show", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    writeln!(child.stdin.take().expect("piped"), "\n{good}\n").expect("writes");
    let out = child.wait_with_output().expect("ends").stdout;
    assert!(String::from_utf8_lossy(&out).contains("-- power on"));
}
