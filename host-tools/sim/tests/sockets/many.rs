//! Many readers and many cards in one process, with a few threads.

use crate::support::{Echo, Raw};
use sim::{
    pcsc::{PcscReader, Port, Server, Socket, list_readers},
    reader::Reader,
    sample,
    slot::Slot,
};
use std::{fs, sync::Arc, time::Instant};

const CARDS: usize = 10_000;
const READERS: usize = 16;
/// What an idle card may cost beyond its memory.
const LIMIT: usize = 64 * 1024;
const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";

fn status(field: &str) -> usize {
    let text = fs::read_to_string("/proc/self/status").expect("status");
    let line = text.lines().find(|line| line.starts_with(field)).expect("field");
    line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).expect("number")
}

/// Ten thousand issued cards with every application, each in a reader, behind 625 sockets.
#[test]
fn ten_thousand_cards_lie_in_one_process() {
    let template = sample::issued(true);
    let image = template.nvm().bytes().len();
    let folder = tempfile::tempdir().expect("folder");
    let began = Instant::now();
    let before = status("VmRSS:") * 1024;
    let slots: Vec<Arc<Slot>> = (0..CARDS)
        .map(|number| {
            let slot = Slot::new(format!("Reader {number}"));
            slot.insert(Box::new(template.fork()));
            slot
        })
        .collect();
    let sockets = slots.chunks(READERS).enumerate().map(|(number, slots)| Socket {
        path: folder.path().join(number.to_string()),
        ports: slots.iter().cloned().map(Port::from).collect(),
        public: false,
    });
    let server = Server::open(sockets.collect()).expect("opens");
    let each = (status("VmRSS:") * 1024 - before) / CARDS;
    let made = began.elapsed();
    for number in [0, 1, 15, 16, 5_000, CARDS - 1] {
        let path = &server.paths()[number / READERS];
        let mut reader = PcscReader::open(path, Some(&format!("Reader {number}"))).expect("opens");
        assert_eq!(reader.transmit(SELECT).expect("answers"), [0x90, 0x00]);
        assert_eq!(list_readers(path).expect("lists").len(), READERS);
    }
    let threads = server.load().0;
    println!(
        "{CARDS} cards of {} KiB in {made:?}: {} KiB each beyond that, {} sockets, {threads} threads",
        image / 1024,
        each.saturating_sub(image) / 1024,
        server.paths().len(),
    );
    assert!(each <= image + LIMIT, "{each} bytes a card");
    assert!(threads <= 32, "{threads} threads");
}

/// Clients of protocol 4:6 see every reader, older ones the first sixteen; states, numbers and names agree.
#[test]
fn each_dialect_sees_as_many_readers_as_it_has_room_for() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("pcsc");
    let slots: Vec<Arc<Slot>> = (0..20).map(|number| Slot::new(format!("Reader {number}"))).collect();
    let _server = Server::bind(&path, slots.clone()).expect("binds");
    let name = |states: &[u8], number: usize| {
        let field = &states[number * 184..number * 184 + 128];
        String::from_utf8_lossy(field).trim_end_matches('\0').to_owned()
    };
    for minor in [4, 5, 6] {
        let mut client = Raw::connect_to(&path);
        assert_eq!(client.version(minor), minor);
        client.context();
        client.send(0x15, &[], &[], 0);
        assert_eq!(client.words(2), [if minor < 6 { 16 } else { 20 }, 0]);
        client.send(0x12, &[], &[], 0);
        let states = client.read(16 * 184);
        assert_eq!((name(&states, 0).as_str(), name(&states, 15).as_str()), ("Reader 0", "Reader 15"));
        // As a client of this version waits.
        let states = if minor < 6 {
            client.send(0x13, &[], &[], 0);
            client.read(16 * 184)
        } else {
            client.send(0x16, &[], &[], 0);
            let count = client.words(1)[0] as usize;
            assert_eq!(count, 20);
            client.send(0x13, &[], &[], 0);
            client.send(0x17, &[], &[], 0);
            let states = client.read(count * 184);
            assert_eq!(name(&states, 19), "Reader 19");
            states
        };
        assert_eq!(name(&states, 3), "Reader 3");
        let waited = std::thread::spawn({
            let slot = Arc::clone(&slots[3]);
            move || drop(slot.insert(Box::new(Echo::default())))
        });
        assert_eq!(client.words(2)[1], 0, "the change is told");
        waited.join().expect("joins");
        // Not waiting any more: the next change is not told.
        slots[3].remove();
        client.send(0x14, &[], &[], 0);
        client.send(0x15, &[], &[], 0);
        assert_eq!(client.words(2)[1], 0);
    }
}
