//! Many cards in many readers, and the hand at them: `jitsuin serve` and `jitsuin ctl`.

use crate::{
    clients::{have, pcscd::Pcscd},
    support::{AUTH_PIN, SIGN_PIN, Said, Serve, World, binary, mode, run, until},
};
use sim::{
    pcsc::{PcscReader, list_readers},
    reader::{Reader, ReaderError},
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant},
};

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

#[test]
fn every_card_of_a_world_has_a_reader_of_its_own() {
    let world = World::new();
    let cards: Vec<String> = (0..2).map(|_| world.issue(&[])).collect();
    let socket = world.file("pcsc");
    let empty: Vec<String> = (0..16).map(|number| format!("Empty {number}")).collect();
    let mut options = vec!["--all", "--pcsc", socket.to_str().expect("plain")];
    empty.iter().for_each(|name| options.extend(["--reader", name]));
    let _serving = world.serve_all_of(18, &options);
    let names = list_readers(&socket).expect("lists");
    assert_eq!(names.len(), 16, "as many as every client can see");
    let second = PathBuf::from(format!("{}.1", socket.display()));
    assert_eq!(list_readers(&second).expect("lists"), ["Empty 14", "Empty 15"]);
    for name in &names[..cards.len()] {
        assert_eq!(tries(&mut PcscReader::open(&socket, Some(name)).expect("opens")), 3);
    }
    for (arguments, words) in [
        (&["--reader", "A=", "--reader", "A"][..], "two readers of one name"),
        (&[], "nothing to serve"),
        (&["--reader", ""], "no name"),
        (&["--vpcd-listen", "192.0.2.1:1", "--pcsc", "x"], "not on this machine"),
        (&["card-0001", "--vpcd", "127.0.0.1:1", "--vpcd", "127.0.0.1:2"], "more --vpcd than readers"),
        (&["--reader", "A"], "no place for the socket"),
    ] {
        let said = run(binary().args(["serve", world.name()]).args(arguments));
        assert!(said.code != Some(0) && said.err.contains(words), "{arguments:?}: {said:?}");
    }
}

/// A kill in the midst of writes leaves the image before or after, and never gives a try back.
#[test]
fn a_server_killed_while_it_writes_loses_nothing() {
    let rounds: u32 = std::env::var("JITSUIN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let path = socket.display().to_string();
    let began = Instant::now();
    let (mut presented, mut unanswered) = (0, 0);
    // What the last answer said, and what a try that was never answered may have left.
    let (mut least, mut most) = (3, 3);
    for round in 0..rounds {
        let serving = world.serve(&card, &["--pcsc", &path]);
        let mut reader = PcscReader::open(&socket, Some(FIRST)).expect("opens");
        assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
        let left = match reader.transmit(TRIES).expect("answers")[..] {
            [0x63, word] => word & 0x0F,
            ref other => panic!("{other:02X?}"),
        };
        assert!((least..=most).contains(&left), "round {round}: {left} tries, {least} to {most} expected");
        (least, most) = (left, left);
        let killer = serving.kill_after(Duration::from_micros(u64::from(round * 7919 % 4000)));
        // Wrong and right in turn: each writes.
        let ended = loop {
            let wrong = most > 1;
            // Spent before it is compared; a right one gives all back.
            (least, most) = if wrong { (least - 1, most) } else { (least.min(most - 1), 3) };
            match reader.transmit(if wrong { WRONG } else { RIGHT }) {
                Ok(answer) => {
                    let now = match answer[..] {
                        [0x63, word] => word & 0x0F,
                        [0x90, 0x00] => 3,
                        ref other => panic!("{other:02X?}"),
                    };
                    (least, most) = (now, now);
                    presented += 1;
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(ended, ReaderError::Io(_)), "{ended}");
        unanswered += 1;
        killer.join().expect("killed");
        fs::remove_file(&socket).expect("a killed server leaves its socket");
    }
    let serving = world.serve(&card, &["--pcsc", &path]);
    let mut reader = PcscReader::open(&socket, Some(FIRST)).expect("opens");
    assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
    assert_eq!(reader.transmit(RIGHT).expect("answers"), DONE);
    serving.interrupt();
    println!("{rounds} kills, {presented} PINs answered, {unanswered} not, in {:?}", began.elapsed());
    world.run(&["check", &card]).succeeded();
}

/// As it would be done with somebody's real card: nothing changes, and the last try stays.
#[test]
fn a_card_in_a_reader_is_looked_at_behind_a_guard() {
    let readers = Readers::new(&[]);
    let socket = readers.socket.display().to_string();
    let at = ["--pcsc", &socket, "--reader", FIRST, "--real-card"];
    let look = |arguments: &[&str]| run(binary().args([arguments, &at].concat()));
    let shown = look(&["show", "--auth-pin", AUTH_PIN, "--sign-pin", SIGN_PIN]).succeeded().out;
    assert!(shown.contains("a card in a reader") && shown.contains("user authentication certificate"), "{shown}");
    assert!(!shown.contains("NOT BELIEVED: chain") && shown.contains(" bytes, believed"), "{shown}");
    let checked = look(&["check", "--auth-pin", AUTH_PIN, "--sign-pin", SIGN_PIN]).succeeded().out;
    assert_eq!(checked.matches("a signature opens with the certificate's key: 256 bytes").count(), 2, "{checked}");
    assert!(checked.contains("7 of 7 checks passed"), "{checked}");
    look(&["check"]).succeeded();
    let said =
        look(&["apdu", "00A4040C0AD392F000260100000001", "002000980430303030", "002000980430303030", "00200098"]);
    assert!(said.succeeded().out.contains("63C1"));
    let said = look(&["apdu", "00A4040C0AD392F000260100000001", "002000980430303030"]);
    assert!(said.code == Some(1) && said.err.contains("1 tries are left"), "{said:?}");
    // Even the right one: nobody knows whether it is.
    let said = look(&["check", "--auth-pin", AUTH_PIN]);
    assert!(said.code == Some(1) && said.all().contains("1 tries are left"), "{said:?}");
    for command in [
        "00240198043132333435",
        "8050000008010203040506070800",
        "84E2000000",
        "08200098",
        "00D60000",
        "80320080043132333400",
    ] {
        let said = look(&["apdu", "00A4040C0AD392F000260100000001", command]);
        assert!(said.code == Some(1) && said.err.contains("change nothing"), "{command}: {said:?}");
    }
    let mut reader = readers.reader(FIRST);
    assert_eq!(tries(&mut reader), 1);
    assert_eq!(reader.transmit(RIGHT).expect("answers"), DONE);
    let at_home = |arguments: &[&str]| run(binary().args([&["client"], arguments, &["--pcsc", &socket]].concat()));
    at_home(&["status", "--real-card"]).succeeded();
    let change = ["change-pin", "--pin", "auth", "--old", AUTH_PIN, "--new", "4321"];
    let said = at_home(&[&change[..], &["--real-card"]].concat());
    assert!(said.code == Some(1) && said.err.contains("change nothing"), "{said:?}");
    for arguments in
        [&["show", "--reader", FIRST][..], &["check"], &["apdu"], &["show", "--reader", FIRST, "x"], &["check", "x"]]
    {
        let said = run(binary().args(arguments));
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
    }
    let said = look(&["show", "--form-pin", "9999"]);
    assert!(said.code == Some(1), "{said:?}");
}

/// A reader of somebody else's is not taken for one of ours.
#[test]
fn a_reader_of_pcscd_needs_the_word() {
    if !Pcscd::is_there() {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcscd");
    let pcscd = Pcscd::start(&socket);
    let _serving = world.serve(&card, &["--vpcd", &pcscd.address]);
    let atr = || PcscReader::open(&socket, Some(Pcscd::READER)).and_then(|mut reader| reader.atr());
    until("the card is seen", || atr().is_ok_and(|atr| !atr.is_empty()));
    let path = socket.display().to_string();
    let client = |arguments: &[&str]| run(binary().args([&["client"], arguments, &["--pcsc", &path]].concat()));
    let said = client(&["status"]);
    assert!(said.code == Some(2) && said.err.contains("--real-card") && said.err.contains(Pcscd::READER), "{said:?}");
    let said = client(&["status", "--real-card", "--reader", Pcscd::READER]).succeeded();
    assert!(said.out.contains('3'), "{said:?}");
    let at = ["--pcsc", &path, "--reader", Pcscd::READER, "--real-card"];
    let said = run(binary().args([&["check", "--auth-pin", AUTH_PIN, "--sign-pin", SIGN_PIN], &at[..]].concat()));
    assert!(said.succeeded().out.contains("7 of 7 checks passed"));
}

/// vpcd has two slots, the second one port further.
#[test]
fn both_slots_of_vpcd_have_a_card() {
    if !Pcscd::is_there() {
        return;
    }
    let world = World::new();
    let cards = [world.issue(&[]), world.issue(&["--person", "sample-2"])];
    let socket = world.file("pcscd");
    let pcscd = Pcscd::start(&socket);
    let (host, port) = pcscd.address.rsplit_once(':').expect("a port");
    let further = format!("{host}:{}", port.parse::<u16>().expect("a number") + 1);
    let second = format!("Second={}", cards[1]);
    let (own, path) = (world.file("pcsc"), world.file("pcsc").display().to_string());
    let options = ["--reader", &second, "--vpcd", &pcscd.address, "--vpcd", &further, "--pcsc", &path];
    let _serving = world.serve_all(&cards[0], 2, &options);
    for name in [Pcscd::READER, "Virtual PCD 00 01"] {
        let open = || PcscReader::open(&socket, Some(name));
        until("the card is seen", || open().and_then(|mut reader| reader.atr()).is_ok_and(|atr| !atr.is_empty()));
        let mut reader = open().expect("opens");
        assert_eq!(tries(&mut reader), 3);
        assert_eq!(reader.transmit(WRONG).expect("answers"), [0x63, 0xC2]);
    }
    // The same two cards at our own socket, at the same time.
    for name in [FIRST, "Second"] {
        assert_eq!(tries(&mut PcscReader::open(&own, Some(name)).expect("opens")), 2);
    }
    // A card that is taken out by hand is gone there too, and comes back.
    let control = format!("{path}.ctl");
    let ctl = |arguments: &[&str]| run(binary().args(["ctl", "--control", &control]).args(arguments)).succeeded();
    let is_seen = || {
        let reader = PcscReader::open(&socket, Some(Pcscd::READER));
        reader.and_then(|mut reader| reader.atr()).is_ok_and(|atr| !atr.is_empty())
    };
    ctl(&["remove", "--reader", FIRST]);
    until("pcscd sees it go", || !is_seen());
    ctl(&["insert", &cards[0], "--reader", FIRST]);
    until("pcscd sees it come", is_seen);
}

/// Programs that cannot be told of another socket look where libpcsclite was compiled to look.
#[test]
fn the_systems_own_path_is_answered() {
    if !have((&["opensc-tool"], "opensc")) {
        return;
    }
    let folder = PathBuf::from("/run/pcscd");
    let socket = folder.join("pcscd.comm");
    let may = fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)).is_ok();
    if !may || UnixStream::connect(&socket).is_ok() {
        println!("not tried: {} is not ours to open", socket.display());
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let serving = world.serve(&card, &["--system"]);
    assert_eq!(mode(&socket), 0o666, "for programs of every user");
    assert!(!folder.join("pcscd.comm.ctl").exists(), "and no hand at the readers for them");
    let said = run(std::process::Command::new("opensc-tool").arg("-n").env_remove("PCSCLITE_CSOCK_NAME"));
    assert_eq!(said.succeeded().out.trim(), "jpki");
    let second = run(binary().args(["serve", world.name(), "--reader", "Other", "--system"]));
    assert!(second.code == Some(1) && second.err.contains("another server answers there"), "{second:?}");
    serving.interrupt();
    assert!(!socket.exists());
}
