//! What clients of the PC/SC socket get for what they ask.

use crate::support::{ATR, Raw, fixture, until};
use sim::{
    pcsc::{BindError, PcscReader, Server, list_readers},
    reader::{Reader, ReaderError},
    slot::Usage,
};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

#[test]
fn the_rust_client_reaches_the_card() {
    let fixture = fixture();
    assert_eq!(list_readers(&fixture.path).expect("lists"), ["Test reader"]);
    let mut reader = PcscReader::open(&fixture.path, None).expect("opens");
    assert_eq!(reader.power_on().expect("powers"), ATR);
    assert_eq!(reader.transmit(&[1, 2, 3, 4]).expect("answers"), [1, 2, 3, 4, 0x90, 0x00]);
    let long = vec![7; 65_000];
    assert_eq!(reader.transmit(&long).expect("answers").len(), 65_002);
    assert_eq!(reader.reset().expect("resets"), ATR);
    assert_eq!(fixture.card.resets.load(Ordering::SeqCst), 1);
    reader.power_off().expect("powers off");
    assert!(PcscReader::open(&fixture.path, Some("another")).is_err());
    fixture.slot.remove();
    let mut reader = PcscReader::open(&fixture.path, None).expect("opens");
    assert!(matches!(reader.power_on(), Err(ReaderError::NoCard)));
    assert!(matches!(reader.transmit(&[0; 4]), Err(ReaderError::NoCard)));
}

#[test]
fn a_message_may_come_in_any_pieces() {
    let fixture = fixture();
    let mut raw = Raw::open(&fixture);
    let message: Vec<u8> = [12u32, 0x11, 4, 4, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
    for split in 1..message.len() {
        raw.0.write_all(&message[..split]).expect("writes");
        thread::sleep(Duration::from_millis(2));
        raw.0.write_all(&message[split..]).expect("writes");
        assert_eq!(raw.words(3), [4, 4, 0], "split at {split}");
    }
    // Two in one packet.
    raw.0.write_all(&[message.clone(), message].concat()).expect("writes");
    assert_eq!(raw.words(6), [4, 4, 0, 4, 4, 0]);
}

#[test]
fn malformed_messages_end_only_their_connection() {
    let fixture = fixture();
    let mut good = Raw::open(&fixture);
    let context = good.context();
    let (handle, code) = good.connect(context, 2);
    assert_eq!(code, 0);
    for (command, fields, size) in [
        (0x11u32, vec![4u32, 4], u32::MAX as usize),
        (0x11, vec![], 0),
        (0xFF, vec![0, 0, 0], 12),
        (0x00, vec![], 0),
        (0x09, vec![handle, 2, 16, u32::MAX, 2, 16, 100, 0], 32),
        (0x0A, vec![handle, 0, u32::MAX, 100, 0, 0], 24),
    ] {
        let mut bad = Raw::open(&fixture);
        bad.send(command, &fields, &[], size);
        assert!(bad.is_closed(), "{command:02X}");
    }
    let mut half = Raw::open(&fixture);
    half.0.write_all(&[12, 0, 0]).expect("writes");
    assert_eq!(good.transmit(handle, &[1]).1, [1, 0x90, 0x00], "the honest client goes on");
    drop(half);
}

#[test]
fn versions_follow_the_client_down() {
    let fixture = fixture();
    for (asked, told) in [(4, 4), (5, 5), (6, 6), (9, 6)] {
        assert_eq!(Raw::open(&fixture).version(asked), told);
    }
}

#[test]
fn sharing_transactions_and_resets() {
    let fixture = fixture();
    let (mut one, mut two) = (Raw::open(&fixture), Raw::open(&fixture));
    let (first, second) = (one.context(), two.context());
    let (a, code) = one.connect(first, 2);
    assert_eq!(code, 0);
    let (b, code) = two.connect(second, 2);
    assert_eq!(code, 0);
    assert_eq!(Raw::open(&fixture).connect(12345, 2).1, 0x8010_0003, "a context of nobody's");
    let mut third = Raw::open(&fixture);
    let context = third.context();
    assert_eq!(third.connect(context, 1).1, 0x8010_000B, "exclusive beside others");
    // A transaction holds others off.
    assert_eq!(one.simple(0x07, &[a, 0]), 0);
    assert_eq!(two.transmit(b, &[1]).0, 0x8010_000B);
    assert_eq!(two.simple(0x08, &[b, 0, 0]), 0x8010_000B);
    assert_eq!(one.transmit(a, &[1]).0, 0);
    // Ending it with a reset tells both.
    assert_eq!(one.simple(0x08, &[a, 1, 0]), 0);
    assert_eq!(fixture.card.resets.load(Ordering::SeqCst), 1);
    assert_eq!(one.transmit(a, &[1]).0, 0x8010_0068);
    assert_eq!(one.simple(0x05, &[a, 2, 2, 0, 0, 0]), 0);
    assert_eq!(one.transmit(a, &[1]).0, 0);
    assert_eq!(two.transmit(b, &[1]).0, 0x8010_0068);
    assert_eq!(two.simple(0x0B, &[b, 0]), 0x8010_0068);
    assert_eq!(two.simple(0x05, &[b, 2, 2, 0, 0, 0]), 0);
    assert_eq!(two.transmit(b, &[1]).0, 0);
    assert_eq!(two.simple(0x08, &[b, 0, 0]), 0x8010_0016, "no transaction");
    assert_eq!(two.simple(0x05, &[b, 2, 1, 0, 0, 0]), 0x8010_000F, "T=0 is not spoken");
    // Whoever disconnects with a reset waits for the end of another's transaction.
    let (other, code) = third.connect(context, 2);
    assert_eq!(code, 0);
    assert_eq!(one.simple(0x07, &[a, 0]), 0);
    let leaving = thread::spawn(move || third.simple(0x06, &[other, 1, 0]));
    thread::sleep(Duration::from_millis(100));
    assert!(!leaving.is_finished());
    assert_eq!(one.transmit(a, &[1]).0, 0, "the transaction is not disturbed");
    assert_eq!(one.simple(0x08, &[a, 0, 0]), 0);
    assert_eq!(leaving.join().expect("joins"), 0);
    assert_eq!(one.transmit(a, &[1]).0, 0x8010_0068);
    assert_eq!(one.simple(0x05, &[a, 2, 2, 0, 0, 0]), 0);
    assert_eq!(two.simple(0x05, &[b, 2, 2, 0, 0, 0]), 0);
    // A client that dies in a transaction releases it.
    assert_eq!(one.simple(0x07, &[a, 0]), 0);
    drop(one);
    let began = Instant::now();
    while two.simple(0x07, &[b, 0]) != 0 {
        two.simple(0x05, &[b, 2, 2, 0, 0, 0]);
        assert!(began.elapsed() < Duration::from_secs(5), "the dead client still holds the card");
    }
    // Removal.
    assert_eq!(two.simple(0x08, &[b, 0, 0]), 0);
    fixture.slot.remove();
    assert_eq!(two.transmit(b, &[1]).0, 0x8010_0069);
    fixture.slot.insert(Box::new(fixture.card.clone()));
    assert_eq!(two.transmit(b, &[1]).0, 0x8010_0069, "another card is not the one it was connected to");
    assert_eq!(two.simple(0x06, &[b, 0, 0]), 0);
    assert_eq!(two.transmit(b, &[1]).0, 0x8010_0003);
    let (c, code) = two.connect(second, 1);
    assert_eq!(code, 0, "exclusive, alone again");
    assert_eq!(two.simple(0x06, &[c, 2, 0]), 0);
}

#[test]
fn waiting_in_both_styles() {
    let fixture = fixture();
    // Until 4:5 the states come at once, a record later.
    let mut old = Raw::open(&fixture);
    old.version(4);
    let context = old.context();
    old.send(0x13, &[], &[], 0);
    let states = old.read(16 * 184);
    assert_eq!(&states[..11], b"Test reader");
    assert_eq!(states[132..136], 0x04u32.to_ne_bytes(), "present, without power");
    fixture.slot.remove();
    assert_eq!(old.words(2)[1], 0);
    // From 4:6 only the record.
    let mut new = Raw::open(&fixture);
    new.version(6);
    let waiting = new.context();
    new.send(0x16, &[], &[], 0);
    assert_eq!(new.words(1), [16]);
    new.send(0x13, &[], &[], 0);
    thread::sleep(Duration::from_millis(50));
    // Cancel from another connection.
    assert_eq!(old.simple(0x0D, &[waiting, 0]), 0);
    assert_eq!(new.words(2)[1], 0x8010_0002);
    // Stop waiting is answered only while waiting.
    old.send(0x13, &[], &[], 0);
    old.read(16 * 184);
    old.send(0x14, &[], &[], 0);
    assert_eq!(old.words(2)[1], 0);
    old.send(0x14, &[], &[], 0);
    old.send(0x15, &[], &[], 0);
    assert_eq!(old.words(2), [1, 0], "one reader, however often a card moved; no answer to the second stop");
    assert_eq!(old.simple(0x02, &[context, 0]), 0);
    assert_eq!(old.simple(0x02, &[context, 0]), 0x8010_0003);
}

#[test]
fn states_are_told_while_a_command_runs() {
    let fixture = fixture();
    let (mut busy, mut other) = (Raw::open(&fixture), Raw::open(&fixture));
    let context = busy.context();
    let (handle, _) = busy.connect(context, 2);
    let running = thread::spawn(move || busy.transmit(handle, &[0xFE]).1);
    thread::sleep(Duration::from_millis(100));
    let began = Instant::now();
    other.send(0x12, &[], &[], 0);
    other.read(16 * 184);
    assert!(began.elapsed() < Duration::from_millis(400), "the question waited for the command");
    assert_eq!(running.join().expect("joins"), [0xFE, 0x90, 0x00]);
}

#[test]
fn many_clients_at_once() {
    let fixture = fixture();
    thread::scope(|scope| {
        for number in 0..64u8 {
            let fixture = &fixture;
            scope.spawn(move || {
                let mut reader = PcscReader::open(&fixture.path, None).expect("opens");
                for round in 0..20 {
                    assert_eq!(reader.transmit(&[number, round]).expect("answers"), [number, round, 0x90, 0x00]);
                }
            });
        }
    });
}

#[test]
fn paths_that_do_not_work_are_told() {
    let fixture = fixture();
    assert_eq!(fs::metadata(&fixture.path).expect("socket").permissions().mode() & 0o777, 0o600);
    assert!(matches!(Server::bind(&fixture.path, vec![]), Err(BindError::InUse(_))));
    let folder = fixture.path.parent().expect("folder").to_owned();
    let long = folder.join("x".repeat(120));
    assert!(matches!(Server::bind(&long, vec![]), Err(BindError::TooLong { .. })));
    let file = folder.join("file");
    fs::write(&file, "precious").expect("writes");
    assert!(matches!(Server::bind(&file, vec![]), Err(BindError::NotASocket(_))));
    assert_eq!(fs::read_to_string(&file).expect("reads"), "precious");
    assert!(matches!(Server::bind(&folder.join("none/pcsc"), vec![]), Err(BindError::Io { .. })));
    // What a killed server leaves behind is replaced.
    let stale = folder.join("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).expect("binds"));
    let server = Server::bind(&stale, vec![]).expect("replaces a stale socket");
    drop(server);
    assert!(!stale.exists());
    drop(fixture.server);
    assert!(!fixture.path.exists());
}

#[test]
fn a_context_takes_its_handles_along_and_both_have_an_end() {
    let fixture = fixture();
    let mut client = Raw::open(&fixture);
    let (first, second) = (client.context(), client.context());
    let (a, _) = client.connect(first, 2);
    let (b, _) = client.connect(second, 2);
    assert_eq!(fixture.slot.state().usage, Usage::Shared(2));
    assert_eq!(client.simple(0x02, &[first, 0]), 0);
    assert_eq!(client.transmit(a, &[1]).0, 0x8010_0003, "gone with its context");
    assert_eq!(client.transmit(b, &[1]).0, 0, "the other one's is not");
    assert_eq!(fixture.slot.state().usage, Usage::Shared(1));
    // No more than so many of either.
    let contexts = (0..30).filter(|_| client.context() != 0).count();
    assert_eq!(contexts, 15, "beside the one that is left");
    let handles = (0..300).filter(|_| client.connect(second, 2).1 == 0).count();
    assert_eq!(handles, 199, "beside the one that is left");
    assert_eq!(client.connect(second, 2).1, 0x8010_0006);
    drop(client);
    until("all are released", || fixture.slot.state().usage == Usage::Shared(0));
}
