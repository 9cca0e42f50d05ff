//! Clients that mean no good, or have none left: the others go on, and nothing grows.

use crate::support::{Fixture, Raw, fixture, until};
use sim::slot::Usage;
use std::{
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Clients that have sent a part of a header and say no more.
const HALF_OPEN: usize = 1000;
/// Clients that do worse.
const HOSTILE: usize = 100;
/// What the honest one does meanwhile.
const COMMANDS: usize = 3000;

fn nobody_is_left(fixture: &Fixture) {
    until("the server forgets who is gone", || fixture.server.load().1 == 0);
    assert_eq!(fixture.slot.state().usage, Usage::Shared(0));
}

fn status(field: &str) -> usize {
    let text = fs::read_to_string("/proc/self/status").expect("status");
    let line = text.lines().find(|line| line.starts_with(field)).expect("field");
    line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).expect("number")
}

fn word(value: u32) -> [u8; 4] {
    value.to_ne_bytes()
}

/// Messages that a client may send, whole; `handle` is one of its own.
fn messages(context: u32, handle: u32) -> Vec<Vec<u8>> {
    let message = |command: u32, size: u32, fields: &[u32], tail: &[u8]| {
        let fields: Vec<u8> = fields.iter().flat_map(|field| word(*field)).collect();
        [&word(size)[..], &word(command), &fields, tail].concat()
    };
    let mut name = b"Test reader".to_vec();
    name.resize(128, 0);
    let connect: Vec<u8> = [2u32, 2, 0, 0, 0].iter().flat_map(|field| word(*field)).collect();
    vec![
        message(0x11, 12, &[4, 4, 0], &[]),
        message(0x01, 12, &[2, 0, 0], &[]),
        message(0x04, 152, &[context], &[name, connect].concat()),
        message(0x07, 8, &[handle, 0], &[]),
        message(0x09, 32, &[handle, 2, 16, 9, 2, 16, 258, 0], b"\x00\x20\x00\x80\x041234"),
        message(0x0A, 24, &[handle, 0x4200_0D48, 5, 64, 0, 0], b"\0\0\0\0\0"),
        message(0x08, 12, &[handle, 1, 0], &[]),
        message(0x12, 0, &[], &[]),
        message(0x13, 0, &[], &[]),
        message(0x06, 12, &[handle, 2, 0], &[]),
    ]
}

#[test]
fn a_client_may_go_at_every_byte() {
    let fixture = fixture();
    let mut honest = Raw::open(&fixture);
    let context = honest.context();
    let (handle, _) = honest.connect(context, 2);
    let sizes: Vec<usize> = messages(0, 0).iter().map(Vec::len).collect();
    for (number, size) in sizes.into_iter().enumerate() {
        for cut in 0..=size {
            let mut leaving = Raw::open(&fixture);
            let own = leaving.context();
            let (mine, code) = leaving.connect(own, 2);
            assert_eq!(code, 0);
            let message = &messages(own, mine)[number];
            leaving.0.write_all(&message[..cut]).expect("writes");
            if cut % 2 == 0 {
                // Half of it stays open: whoever reads no more may still be written to.
                leaving.0.shutdown(Shutdown::Write).expect("shuts down");
            }
        }
    }
    until("only the honest one is left", || fixture.server.load().1 == 1);
    until("its handle is the only one", || fixture.slot.state().usage == Usage::Shared(1));
    // Somebody's transaction ended with a reset: that is told, and everything goes on.
    assert!(matches!(honest.transmit(handle, &[1]).0, 0 | 0x8010_0068));
    assert_eq!(honest.simple(0x05, &[handle, 2, 2, 0, 0, 0]), 0);
    assert_eq!(honest.transmit(handle, &[1]).1, [1, 0x90, 0x00]);
    drop(honest);
    nobody_is_left(&fixture);
}

#[test]
fn every_split_of_every_message_is_answered_alike() {
    let fixture = fixture();
    for (number, whole) in messages(0, 0).into_iter().enumerate() {
        for split in 1..whole.len() {
            let mut client = Raw::open(&fixture);
            client.version(4);
            let context = client.context();
            let (handle, _) = client.connect(context, 2);
            let message = &messages(context, handle)[number];
            client.0.write_all(&message[..split]).expect("writes");
            thread::yield_now();
            client.0.write_all(&message[split..]).expect("writes");
            let size = match u32::from_ne_bytes(message[4..8].try_into().expect("four")) {
                0x09 => 32 + 11,
                0x0A => 24 + 6,
                0x12 | 0x13 => 16 * 184,
                _ => message.len() - 8,
            };
            let answer = client.read(size);
            let code = &answer[answer.len() - 4..];
            match number {
                4 => assert_eq!(answer[32..], *b"\x00\x20\x00\x80\x041234\x90\x00"),
                5 => assert_eq!(answer[24..], [0x12, 4, 0x42, 0x33, 0, 0x12], "no PIN pad"),
                6 => assert_eq!(code, word(0x8010_0016), "no transaction"),
                7 | 8 => assert_eq!(&answer[..11], b"Test reader"),
                _ => assert_eq!(code, word(0), "message {number}, split at {split}"),
            }
        }
    }
    nobody_is_left(&fixture);
}

/// One of those who mean no good: what it does depends on its number.
fn do_harm(number: usize, fixture: &Fixture, stop: &AtomicBool) {
    let path = &fixture.path;
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = UnixStream::connect(path) else { continue };
        let timeout = Some(Duration::from_millis(50));
        stream.set_read_timeout(timeout).and_then(|()| stream.set_write_timeout(timeout)).expect("timeouts");
        // Every one of these may fail: the server ends the connection.
        let _ = match number % 6 {
            0 => stream.write_all(&[0xFF; 64]),
            // 4 GiB of APDU, or of a message.
            1 => stream.write_all(&[&word(32)[..], &word(0x09), &[0xFF; 32]].concat()),
            2 => stream.write_all(&[&word(u32::MAX)[..], &word(0x09)].concat()),
            // Questions without end, answers never read.
            3 => (0..200).try_for_each(|_| stream.write_all(&[word(0), word(0x12)].concat())),
            // As long as allowed, and then nothing.
            4 => {
                stream.write_all(&[&word(32)[..], &word(0x09), &[0; 12], &word(65_000), &[0; 16], &[7; 9000]].concat())
            }
            _ => stream.write_all(&messages(1, 1)[number % 9]),
        };
        let _ = stream.read(&mut [0; 16]);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_honest_client_is_served_among_a_thousand_others() {
    let fixture = &fixture();
    let before = (status("Threads:"), status("VmRSS:"));
    let half_open: Vec<UnixStream> = (0..HALF_OPEN)
        .map(|number| {
            let mut stream = UnixStream::connect(&fixture.path).expect("connects");
            stream.write_all(&[12, 0, 0, 0, 0x11, 0, 0][..1 + number % 7]).expect("writes");
            stream
        })
        .collect();
    until("all are there", || fixture.server.load().1 == HALF_OPEN);
    let grown = status("VmRSS:") - before.1;
    let stop = AtomicBool::new(false);
    let (mut took, mut threads) = (Vec::with_capacity(COMMANDS), 0);
    thread::scope(|scope| {
        for number in 0..HOSTILE {
            let stop = &stop;
            scope.spawn(move || do_harm(number, fixture, stop));
        }
        let mut honest = Raw::open(fixture);
        let context = honest.context();
        let (handle, code) = honest.connect(context, 2);
        assert_eq!(code, 0);
        for round in 0..COMMANDS {
            let began = Instant::now();
            assert_eq!(honest.transmit(handle, &[1, 2, 3, 4]).1, [1, 2, 3, 4, 0x90, 0x00]);
            took.push(began.elapsed());
            threads = threads.max(fixture.server.load().0);
            if round % 8 == 0 {
                // Also as one who comes back after a while.
                thread::sleep(Duration::from_millis(1));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    took.sort();
    println!(
        "{HALF_OPEN} half-open and {HOSTILE} hostile clients: {COMMANDS} commands, median {:?}, 99 of 100 within {:?}, \
         longest {:?}; {threads} threads; {} KiB for the half-open ones",
        took[COMMANDS / 2],
        took[COMMANDS * 99 / 100],
        took[COMMANDS - 1],
        grown,
    );
    assert!(threads <= 32, "{threads} threads");
    assert!(grown <= 4 * HALF_OPEN, "{grown} KiB for {HALF_OPEN} clients");
    // Half a message is waited for so long and no longer.
    until("the half-open ones are dropped", || fixture.server.load().1 == 0);
    drop(half_open);
    nobody_is_left(fixture);
}

#[test]
fn too_many_make_room_for_those_who_come() {
    let fixture = fixture();
    let mut honest = Raw::open(&fixture);
    let context = honest.context();
    let (handle, _) = honest.connect(context, 2);
    let crowd: Vec<UnixStream> = (0..4500).map_while(|_| UnixStream::connect(&fixture.path).ok()).collect();
    assert!(crowd.len() == 4500 || crowd.len() > 400, "{} connections", crowd.len());
    until("no more than so many stay", || fixture.server.load().1 <= 4096);
    assert_eq!(honest.transmit(handle, &[1]).1, [1, 0x90, 0x00], "who holds a card is not sent away");
    let mut late = Raw::open(&fixture);
    assert_eq!(late.version(4), 4, "who comes late is served");
    drop((crowd, late, honest));
    nobody_is_left(&fixture);
}

#[test]
fn an_answer_that_nobody_takes_is_not_kept_for_ever() {
    let fixture = fixture();
    let mut deaf = Raw::open(&fixture);
    until("it is there", || fixture.server.load().1 == 1);
    deaf.0.set_nonblocking(true).expect("mode");
    let question = [word(0), word(0x12)].concat();
    let mut asked = 0;
    while deaf.0.write(&question).is_ok_and(|count| count == question.len()) && asked < 1_000_000 {
        asked += 1;
    }
    assert!(asked < 1_000_000, "the server reads on without being read");
    let began = Instant::now();
    until("it is dropped", || fixture.server.load().1 == 0);
    assert!(began.elapsed() > Duration::from_secs(5), "not before its time");
}
