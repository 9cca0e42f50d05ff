//! Many cards in many readers, and the hand at them: `jitsuin serve` and `jitsuin ctl`.

mod control;
mod doors;
mod killed;
mod real;

use crate::support::{Said, Serve, World, binary, run};
use sim::{pcsc::PcscReader, reader::Reader};
use std::path::PathBuf;

const FIRST: &str = "Jitsuin Virtual Reader 00 00";
const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const TRIES: &[u8] = b"\x00\x20\x00\x98";
const WRONG: &[u8] = b"\x00\x20\x00\x98\x040000";
const RIGHT: &[u8] = b"\x00\x20\x00\x98\x041234";
const DONE: &[u8] = &[0x90, 0x00];

struct Readers {
    world: World,
    cards: Vec<String>,
    serving: Serve,
    socket: PathBuf,
}

impl Readers {
    fn new(options: &[&str]) -> Readers {
        let world = World::new();
        let cards = vec![world.issue(&[]), world.issue(&["--person", "sample-2"])];
        let socket = world.file("pcsc");
        let path = socket.display().to_string();
        let second = format!("Second={}", cards[1]);
        let common = ["--reader", &second, "--reader", "Empty", "--pcsc", &path];
        let serving = world.serve_all(&cards[0], 3, &[&common[..], options].concat());
        Readers { world, cards, serving, socket }
    }

    fn ctl(&self, arguments: &[&str]) -> Said {
        let control = format!("{}.ctl", self.socket.display());
        run(binary().args(["ctl", "--control", &control]).args(arguments))
    }

    fn list(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.ctl(&["list", "--json"]).succeeded().out).expect("json")
    }

    fn reader(&self, name: &str) -> PcscReader {
        PcscReader::open(&self.socket, Some(name)).expect("opens")
    }
}

fn tries(reader: &mut PcscReader) -> u8 {
    assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
    let answer = reader.transmit(TRIES).expect("answers");
    assert_eq!(answer[0], 0x63, "{answer:02X?}");
    answer[1] & 0x0F
}
