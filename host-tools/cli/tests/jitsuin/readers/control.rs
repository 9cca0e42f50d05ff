//! The control channel: what a hand does, and that clients see it at once.

use super::{DONE, FIRST, RIGHT, Readers, SELECT, TRIES, WRONG, tries};
use crate::support::{AUTH_PIN, mode, until};
use sim::{
    pcsc::list_readers,
    reader::{Reader, ReaderError},
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

#[test]
fn cards_go_in_and_out_and_clients_see_it_at_once() {
    let readers = Readers::new(&[]);
    let [first, second] = &readers.cards[..] else { panic!("two cards") };
    assert_eq!(list_readers(&readers.socket).expect("lists"), [FIRST, "Second", "Empty"]);
    assert_eq!(mode(&readers.socket), 0o600);
    assert_eq!(mode(&PathBuf::from(format!("{}.ctl", readers.socket.display()))), 0o600);
    let (mut one, mut two, mut three) = (readers.reader(FIRST), readers.reader("Second"), readers.reader("Empty"));
    assert_eq!((tries(&mut one), tries(&mut two)), (3, 3));
    assert!(matches!(three.transmit(SELECT), Err(ReaderError::NoCard)));
    assert_eq!(one.transmit(WRONG).expect("answers"), [0x63, 0xC2]);
    // The same card in another reader has spent the same try.
    readers.ctl(&["remove", "--reader", FIRST]).succeeded();
    assert!(matches!(one.transmit(TRIES), Err(ReaderError::NoCard)));
    readers.ctl(&["insert", first, "--reader", "Empty"]).succeeded();
    assert_eq!(tries(&mut three), 2);
    let said = readers.ctl(&["insert", first, "--reader", FIRST]);
    assert!(said.code == Some(1) && said.err.contains("another process has this card"), "{said:?}");
    readers.ctl(&["remove", "--reader", "Second"]).succeeded();
    readers.ctl(&["swap", second, "--reader", "Empty"]).succeeded();
    let mut three = readers.reader("Empty");
    assert_eq!(tries(&mut three), 3);
    // Power and reset, told to whoever is connected.
    readers.ctl(&["power", "off", "--reader", "Empty"]).succeeded();
    assert!(matches!(three.transmit(TRIES), Err(ReaderError::Reset)));
    three.power_on().expect("powers");
    assert_eq!(three.transmit(TRIES).expect("answers"), [0x6A, 0x88], "another session");
    readers.ctl(&["reset", "--reader", "Empty"]).succeeded();
    assert!(matches!(three.transmit(TRIES), Err(ReaderError::Reset)));
    let list = readers.list();
    assert_eq!(list[0]["card"], serde_json::Value::Null);
    assert_eq!((&list[2]["card"], &list[2]["powered"]), (&second.as_str().into(), &true.into()));
    assert_eq!(list[2]["pins"]["JPKI: user authentication PIN"], 3);
    for (arguments, words) in [
        (&["insert", "card-9999", "--reader", FIRST][..], "card-9999"),
        (&["remove", "--reader", FIRST], "is empty"),
        (&["remove", "--reader", "Nobody"], "no such reader"),
        (&["remove"], "which reader?"),
        (&["snapshot", "--reader", FIRST], "insert one"),
        (&["press", "1234", "--reader", FIRST], "--pin-pad"),
    ] {
        let said = readers.ctl(arguments);
        assert!(said.code != Some(0) && said.err.contains(words), "{arguments:?}: {said:?}");
    }
    // The end from afar.
    readers.ctl(&["stop"]).succeeded();
    let said = readers.serving.ended();
    assert!(said.err.contains("is out of the reader"), "{said:?}");
    assert!(!readers.socket.exists());
    readers.world.run(&["check", second]).succeeded();
}

#[test]
fn a_card_pulled_while_it_writes_has_spent_its_try_and_boots() {
    let readers = Readers::new(&[]);
    let first = &readers.cards[0];
    let mut spent = 0;
    for word in 0..40 {
        // The counter may come back full for the next round.
        let mut reader = readers.reader(FIRST);
        assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
        assert_eq!(reader.transmit(RIGHT).expect("answers"), DONE);
        let tear = ["before", "after", "first-half", "last-half", "bits"][word % 5];
        let at = (word / 5).to_string();
        readers.ctl(&["cut", &at, "--tear", tear, "--seed", "7", "--reader", FIRST]).succeeded();
        match reader.transmit(WRONG) {
            Err(ReaderError::NoCard) => {}
            // More operations than a VERIFY has: it was answered, and the cut is for a later one.
            Ok(answer) => assert_eq!(answer, [0x63, 0xC2]),
            other => panic!("{other:?}"),
        }
        if readers.list()[0]["present"] == true {
            readers.ctl(&["remove", "--reader", FIRST]).succeeded();
        }
        readers.ctl(&["insert", first, "--reader", FIRST]).succeeded();
        let left = tries(&mut readers.reader(FIRST));
        assert!(left == 2 || left == 3, "{left} tries after a cut at {at}");
        spent += u32::from(left == 2);
    }
    assert!(spent > 20, "{spent} of 40 cuts came after the try was spent");
    readers.ctl(&["stop"]).succeeded();
}

#[test]
fn a_snapshot_brings_tries_and_session_back() {
    let readers = Readers::new(&[]);
    let mut reader = readers.reader(FIRST);
    assert_eq!(tries(&mut reader), 3);
    assert_eq!(reader.transmit(RIGHT).expect("answers"), DONE);
    readers.ctl(&["snapshot", "--reader", FIRST]).succeeded();
    // A signature needs the PIN; afterwards it is locked away.
    let sign = b"\x80\x2A\x00\x97\x06abcdef\x00";
    assert_eq!(reader.transmit(sign).expect("answers").len(), 258);
    for left in [2, 1, 0] {
        let word = if left == 0 { 0xC0 } else { 0xC0 | left };
        assert_eq!(reader.transmit(WRONG).expect("answers"), [0x63, word]);
    }
    assert_eq!(reader.transmit(RIGHT).expect("answers"), [0x69, 0x84]);
    for _ in 0..2 {
        readers.ctl(&["restore", "--reader", FIRST]).succeeded();
        assert_eq!(reader.transmit(TRIES).expect("answers"), [0x63, 0xC3], "the same connection, the same session");
        assert_eq!(reader.transmit(sign).expect("answers").len(), 258, "the PIN is verified again");
        assert_eq!(reader.transmit(WRONG).expect("answers"), [0x63, 0xC2]);
    }
    let said = readers.ctl(&["restore", "other", "--reader", FIRST]);
    assert!(said.code == Some(1) && said.err.contains("\"last\""), "{said:?}");
    // What was restored is what is kept.
    readers.ctl(&["restore", "--reader", FIRST]).succeeded();
    readers.ctl(&["remove", "--reader", FIRST]).succeeded();
    readers.ctl(&["insert", &readers.cards[0], "--reader", FIRST]).succeeded();
    assert_eq!(tries(&mut readers.reader(FIRST)), 3);
}

#[test]
fn traces_can_be_switched_on_and_watched() {
    let readers = Readers::new(&[]);
    let file = readers.world.file("trace.jsonl");
    let mut reader = readers.reader(FIRST);
    assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
    readers.ctl(&["trace", &file.display().to_string()]).succeeded();
    let control = UnixStream::connect(format!("{}.ctl", readers.socket.display())).expect("connects");
    control.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
    (&control).write_all(b"{\"do\":\"watch\"}\n").expect("writes");
    let mut lines = BufReader::new(&control).lines();
    let mut next = || loop {
        let line = lines.next().expect("goes on").expect("reads");
        if !line.is_empty() {
            return serde_json::from_str::<serde_json::Value>(&line).expect("json");
        }
    };
    assert_eq!(next()["ok"], true);
    assert_eq!(reader.transmit(RIGHT).expect("answers"), DONE);
    let seen = next();
    assert_eq!(seen["command"], "VERIFY user authentication PIN", "{seen}");
    assert_eq!((seen["reader"].as_str(), seen["data"].as_str()), (Some(FIRST), Some("<4 secret bytes>")));
    assert!(seen["client"].as_str().is_some_and(|client| client.contains("pid ")), "{seen}");
    readers.ctl(&["trace", "off"]).succeeded();
    assert_eq!(reader.transmit(TRIES).expect("answers"), [0x63, 0xC3]);
    assert_eq!(next()["command"], "VERIFY user authentication PIN (try counter)");
    let kept = fs::read_to_string(&file).expect("reads");
    assert_eq!(kept.lines().count(), 1, "{kept}");
    assert!(!kept.contains(&hex::encode(AUTH_PIN)));
}

#[test]
fn odd_requests_are_refused_and_the_channel_goes_on() {
    let readers = Readers::new(&[]);
    let path = format!("{}.ctl", readers.socket.display());
    let control = UnixStream::connect(&path).expect("connects");
    control.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
    let mut answers = BufReader::new(&control).lines();
    for request in [
        "",
        "{}",
        "[]",
        "nonsense",
        "{\"do\":\"fly\"}",
        "{\"do\":\"insert\"}",
        "{\"do\":\"list\",\"more\":1}",
        "{\"do\":\"cut\",\"word\":-1}",
        "{\"do\":\"power\",\"on\":\"yes\"}",
        "\u{0}\u{1}",
        &"[".repeat(30_000),
    ] {
        (&control).write_all(format!("{request}\n").as_bytes()).expect("writes");
        let answer: serde_json::Value =
            serde_json::from_str(&answers.next().expect("goes on").expect("reads")).expect("json");
        assert_eq!(answer["ok"], false, "{request}");
        assert!(answer["error"].as_str().is_some_and(|error| error.contains("not a request")), "{answer}");
    }
    (&control).write_all(b"{\"do\":\"list\"}\n").expect("writes");
    assert!(answers.next().expect("goes on").expect("reads").contains("\"ok\":true"));
    // Longer than any request.
    let mut long = UnixStream::connect(&path).expect("connects");
    let _ = long.write_all(&vec![b'x'; 70_000]);
    let mut said = String::new();
    let _ = long.read_to_string(&mut said);
    assert!(said.is_empty() || said.contains("a request of more than"), "{said}");
    // Hands beyond the limit are sent away; those that leave make room.
    let crowd: Vec<UnixStream> = (0..100).map(|_| UnixStream::connect(&path).expect("connects")).collect();
    drop((crowd, long));
    until("there is room again", || readers.ctl(&["list"]).code == Some(0));
}
