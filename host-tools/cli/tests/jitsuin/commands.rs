//! The commands, their exit codes, and what they say to bad input.

use crate::support::{AUTH_PIN, SIGN_PIN, Said, World, binary, jitsuin, jitsuin_with_input, mode, run};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

/// One answer of `jitsuin apdu --json`: status word and data.
fn apdu(world: &World, card: &str, commands: &[&str]) -> Vec<(String, String)> {
    let said = world.run(&[&["apdu", card, "--json"], commands].concat()).succeeded();
    let lines = said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json"));
    lines
        .map(|line| (line["sw"].as_str().expect("sw").into(), line["response"].as_str().expect("data").into()))
        .collect()
}

fn words(world: &World, card: &str, commands: &[&str]) -> Vec<String> {
    apdu(world, card, commands).into_iter().map(|(sw, _)| sw).collect()
}

const SELECT: &str = "00A4040C0AD392F000260100000001";

#[test]
fn without_a_command_everything_is_shown() {
    let said = run(&mut binary()).succeeded();
    let last = said.out.lines().rev().find(|line| line.contains("checks passed")).expect("a summary");
    assert!(last.starts_with("34 of 34"), "{last}");
    assert!(!said.out.contains("FAIL") && said.out.contains("nothing is kept"));
    let json: serde_json::Value = serde_json::from_str(&jitsuin(["tour", "--json"]).succeeded().out).expect("json");
    assert_eq!(json["passed"], true);
    assert_eq!(json["checks"].as_array().expect("checks").len(), 34);
}

#[test]
fn a_kept_tour_is_a_world() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("kept").display().to_string();
    jitsuin(["tour", "--keep", &path]).succeeded();
    assert!(jitsuin(["check", &path, "card-0001"]).succeeded().out.contains("checks passed"));
    jitsuin(["tour", "--keep", &path]).failed(1, &["exists"]);
}

#[test]
fn every_command_explains_itself() {
    for command in ["tour", "new", "person", "issue", "serve", "check", "show", "card", "apdu", "reset-pin", "bench"] {
        let said = jitsuin([command, "--help"]).succeeded();
        assert!(said.out.contains("Usage: jitsuin"), "{command}: {}", said.out);
    }
    jitsuin(["nonsense"]).failed(2, &["unrecognized subcommand"]);
    jitsuin(["issue"]).failed(2, &["WORLD"]);
    jitsuin(["--version"]).succeeded();
}

#[test]
fn an_issued_card_is_proved_shown_and_kept_private() {
    let world = World::new();
    let said = world.run(&["issue"]).succeeded();
    assert_eq!(said.out, "card-0001\n", "the id stands alone");
    assert!(said.err.contains("published GlobalPlatform TEST key set"), "a warning about the keys");
    let on_card = world.issue(&["--on-card-keys", "--person", "sample-2"]);
    let child =
        ["--name", "試験　一郎", "--address", "模擬県試験市見本町３番", "--birth", "2015-07-01", "--sex", "male"];
    let child = world.issue(&child);
    for card in ["card-0001", &on_card, &child] {
        let said = world.run(&["check", card]).succeeded();
        assert!(!said.out.contains("FAIL") && said.out.contains("checks passed"), "{card}: {}", said.out);
    }
    assert!(world.run(&["show", &child]).succeeded().out.contains("never set"), "no signature half under 15");
    world.run(&["reset-pin", &child, "sign", "ABC123"]).failed(1, &["without a signature certificate"]);
    let list: serde_json::Value = serde_json::from_str(&world.run(&["show", "--json"]).succeeded().out).expect("json");
    assert_eq!(list.as_array().expect("cards").len(), 3);
    for private in ["signature-ca/key.pem", "authentication-ca/key.pem", "cards/card-0001/card.img"] {
        assert_eq!(mode(&world.file(private)), 0o600, "{private}");
    }
}

#[test]
fn a_seed_makes_the_same_keys() {
    let folder = tempfile::tempdir().expect("folder");
    let keys = ["a", "b"].map(|name| {
        let path = folder.path().join(name);
        jitsuin(["new", path.to_str().expect("plain"), "--seed", "5"]).succeeded();
        fs::read_to_string(path.join("signature-ca/key.pem")).expect("key")
    });
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn cards_may_have_issuer_keys_of_their_own() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("world");
    let path = path.to_str().expect("plain");
    jitsuin(["new", path, "--diversified-keys"]).succeeded();
    assert_eq!(mode(std::path::Path::new(&format!("{path}/issuer.key"))), 0o600);
    let said = jitsuin(["issue", path]).succeeded();
    assert!(!said.err.contains("TEST key set"), "nothing published is used");
    jitsuin(["check", path, "card-0001"]).succeeded();
    jitsuin(["reset-pin", path, "card-0001", "auth", "5678"]).succeeded();
    // Another master opens no card, and spends nothing of its key set.
    std::fs::write(format!("{path}/issuer.key"), "00".repeat(16)).expect("writes");
    jitsuin(["reset-pin", path, "card-0001", "auth", "9999"]).failed(1, &["does not know these issuer keys"]);
    std::fs::write(format!("{path}/issuer.key"), "short").expect("writes");
    jitsuin(["show", path]).failed(1, &["issuer.key", "damaged"]);
}

#[test]
fn encrypted_authorities_want_their_passphrase() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("world");
    let path = path.to_str().expect("plain");
    run(binary().args(["new", path]).env("JITSUIN_PASSPHRASE", "correct horse")).succeeded();
    let key = fs::read_to_string(format!("{path}/signature-ca/key.pem")).expect("key");
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    jitsuin(["issue", path]).failed(1, &["JITSUIN_PASSPHRASE"]);
    run(binary().args(["issue", path]).env("JITSUIN_PASSPHRASE", "wrong")).failed(1, &["JITSUIN_PASSPHRASE"]);
    run(binary().args(["issue", path]).env("JITSUIN_PASSPHRASE", "correct horse")).succeeded();
}

/// A passphrase in the environment is another world's, or a habit: one that was made without it goes on without it.
#[test]
fn a_plain_world_stays_plain() {
    let world = World::new();
    for profile in ["card", "juki-card"] {
        run(binary().args(["issue", world.name(), "--profile", profile]).env("JITSUIN_PASSPHRASE", "by chance"))
            .succeeded();
    }
    for key in ["verifiable/face-signer", "verifiable/text-signer", "verifiable/terminal-ca", "prefecture-ca"] {
        let key = fs::read_to_string(world.file(key).join("key.pem")).expect("key");
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "{}", key.lines().next().unwrap_or_default());
    }
    world.run(&["check", "card-0001"]).succeeded();
}

#[test]
fn bad_arguments_are_told_and_lose_nothing() {
    let world = World::new();
    jitsuin(["new", world.name()]).failed(1, &["exists"]);
    jitsuin(["issue", "/nonexistent/world"]).failed(1, &["jitsuin new"]);
    for (options, words) in [
        (&["--auth-pin", "12345"][..], "four digits"),
        (&["--auth-pin", "１２３４"], "four digits"),
        (&["--sign-pin", "ABCDEF"], "at least one letter and one digit"),
        (&["--sign-pin", "A1"], "6 to 16"),
        (&["--person", "nobody"], "sample-1"),
        (&["--name", "試験　花子"], "--address"),
    ] {
        world.run(&[&["issue"], options].concat()).failed(2, &[words]);
    }
    let person = |birth: &str, address: &str| {
        world.run(&["issue", "--name", "試験　花子", "--address", address, "--birth", birth, "--sex", "female"])
    };
    person("1980-02-30", "模擬県").failed(2, &["YYYY-MM-DD"]);
    person("2999-01-01", "模擬県").failed(2, &[]);
    person("1980-02-17", &"字".repeat(201)).failed(2, &["200"]);
    person("1980-02-17", "").failed(2, &[]);
    assert!(world.run(&["show"]).succeeded().out.contains(" 0 cards"), "nothing was begun");
    world.run(&["check", "card-0001"]).failed(1, &["no card", "jitsuin show"]);
    world.run(&["check", "../../etc"]).failed(1, &["no card"]);
    world.run(&["show", "card-9999"]).failed(1, &["no card"]);
}

#[test]
fn a_world_of_another_version_or_damaged_is_refused() {
    let world = World::new();
    let index = world.file("world.json");
    let good = fs::read_to_string(&index).expect("reads");
    fs::write(&index, good.replace("\"version\": 2", "\"version\": 99")).expect("writes");
    world.run(&["issue"]).failed(1, &["format 99", "make a new world"]);
    for bad in ["", "{", "[]", "{\"format\": \"jitsuin world\"}", "{\"format\": \"other\", \"version\": 1}"] {
        fs::write(&index, bad).expect("writes");
        world.run(&["show"]).failed(1, &["damaged"]);
    }
    fs::write(&index, "9".repeat(20 << 20)).expect("writes");
    world.run(&["show"]).failed(1, &["larger"]);
    fs::write(&index, good).expect("writes");
    world.run(&["issue"]).succeeded();
    fs::copy(world.file("signature-ca/root.der"), world.file("authentication-ca/root.der")).expect("copies");
    world.run(&["show"]).failed(1, &["do not belong together"]);
}

#[test]
fn a_damaged_image_is_refused_and_left_alone() {
    let world = World::new();
    let card = world.issue(&[]);
    let path = world.image(&card);
    let good = fs::read(&path).expect("reads");
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    for (bytes, word) in [
        (with(&|bytes| bytes[1000] ^= 1), "damaged"),
        (with(&|bytes| bytes.truncate(5000)), "damaged"),
        (with(&|bytes| bytes.clear()), "not a card image"),
        (with(&|bytes| bytes[0] = b'X'), "not a card image"),
        (with(&|bytes| bytes[15] = 9), "format 9"),
    ] {
        fs::write(&path, &bytes).expect("writes");
        for command in [&["check", &card][..], &["show", &card], &["apdu", &card, SELECT], &["serve", &card]] {
            world.run(command).failed(1, &[word]);
        }
        assert_eq!(fs::read(&path).expect("reads"), bytes, "left as it was");
    }
    fs::remove_file(&path).expect("removes");
    world.run(&["check", &card]).failed(1, &["card.img"]);
    fs::write(&path, &good).expect("writes");
    world.run(&["check", &card]).succeeded();
}

#[test]
fn odd_apdus_get_an_answer_and_odd_input_a_hint() {
    let world = World::new();
    let card = world.issue(&[]);
    // Truncated, oversized, malformed and unknown: each is answered, and only what was compared costs a try.
    let oversized = format!("802A0097001001{}0000", "5A".repeat(0x1001));
    let seventeen = format!("00200098 11 {}", "31".repeat(17));
    let exchanges = [
        (SELECT, "9000"),
        ("00", "6700"),
        ("00A4", "6700"),
        ("00A404000AD392", "6700"),
        ("00A4040C05A0000000FF", "6A82"),
        ("00B0000000", "6986"),
        ("FF00000000", "6E00"),
        ("00200098043132", "6700"),
        (&seventeen, "6700"),
        ("0020009800", "6700"),
        (&oversized, "6700"),
        ("00200098", "63C3"),
        ("002000980131", "63C2"),
        ("00200098", "63C2"),
    ];
    let answers = words(&world, &card, &exchanges.map(|(command, _)| command));
    assert_eq!(answers, exchanges.map(|(_, word)| word));
    world.run(&["apdu", &card, "00A4ZZ"]).failed(2, &["not hexadecimal"]);
    world.run(&["apdu", &card, "00A"]).failed(2, &["not hexadecimal"]);
    let said = jitsuin_with_input(
        &["apdu", world.name(), &card],
        format!("# a comment\n\n{SELECT}\n00200098 # query\nreset\npower\n00200098\n").as_bytes(),
    );
    let said = said.succeeded();
    assert!(said.out.contains("63C2") && said.out.contains("6A88"), "{}", said.out);
    jitsuin_with_input(&["apdu", world.name(), &card], b"00\nxyz\n").failed(2, &["line 2"]);
    jitsuin_with_input(&["apdu", world.name(), &card], &[0xFF, 0xFE, b'\n']).failed(1, &[]);
    jitsuin_with_input(&["apdu", world.name(), &card], "00".repeat(200_000).as_bytes()).failed(2, &["longer"]);
}

#[test]
fn a_locked_pin_is_opened_by_the_issuer_channel_alone() {
    let world = World::new();
    let card = world.issue(&[]);
    let wrong = "0020009804 39393939";
    let right = "0020009804 31323334";
    assert_eq!(words(&world, &card, &[SELECT, wrong, wrong, wrong, right]), ["9000", "63C2", "63C1", "63C0", "6984"]);
    assert_eq!(
        words(&world, &card, &[SELECT, right, "00240198 04 31323334", "00200098"]),
        ["9000", "6984", "6984", "63C0"]
    );
    assert!(world.run(&["show", &card]).succeeded().out.contains("0 of 3 tries left: locked"));
    world.run(&["check", &card]).failed(1, &["checks failed"]);
    world.run(&["reset-pin", &card, "auth", "12345"]).failed(2, &["four digits"]);
    world.run(&["reset-pin", &card, "auth", "5678"]).succeeded();
    assert_eq!(words(&world, &card, &[SELECT, "00200098", "0020009804 35363738"]), ["9000", "63C3", "9000"]);
    world.run(&["check", &card, "--auth-pin", "5678"]).succeeded();
    // A wrong PIN given to check costs one try and says so.
    world.run(&["check", &card, "--auth-pin", "0000"]).failed(1, &["checks failed"]);
    assert_eq!(words(&world, &card, &[SELECT, "00200098"]), ["9000", "63C2"]);
}

#[test]
fn sockets_that_cannot_be_opened_are_explained() {
    let world = World::new();
    let (one, two) = (world.issue(&[]), world.issue(&[]));
    let long = world.file(&"x".repeat(120)).display().to_string();
    world.run(&["serve", &one, "--pcsc", &long]).failed(1, &["too long", "shorter"]);
    world.run(&["serve", &one, "--pcsc", "/nonexistent/folder/pcsc"]).failed(1, &["folder"]);
    world.run(&["serve", &one, "--vpcd", "nonsense"]).failed(1, &["HOST:PORT", "35963"]);
    world.run(&["serve", &one, "--vpcd", "192.0.2.1:35963"]).failed(1, &["not on this machine"]);
    let socket = world.file("pcsc").display().to_string();
    let serving = world.serve(&one, &["--pcsc", &socket]);
    world.run(&["serve", &two, "--pcsc", &socket]).failed(1, &["another server answers there"]);
    world.run(&["serve", &one]).failed(1, &["another process has this card"]);
    world.run(&["check", &one]).failed(1, &["another process has this card"]);
    assert_eq!(mode(&world.file("pcsc")), 0o600);
    let said = serving.interrupt().succeeded();
    assert!(said.err.contains("out of the reader"));
    assert!(!world.file("pcsc").exists(), "the socket is removed");
    world.run(&["check", &one]).succeeded();
}

/// Every engine that runs here makes the one signature; one that does not is refused before the card is touched.
#[test]
fn a_card_is_served_by_any_engine() {
    use sim::{backend::Backend, pcsc::PcscReader, reader::Reader};
    let help = jitsuin(["serve", "--help"]).succeeded().out;
    assert!(Backend::ALL.into_iter().all(|backend| help.contains(backend.name())), "{help}");
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let path = socket.to_str().expect("plain");
    world.run(&["serve", &card, "--engine", "abacus"]).failed(2, &["abacus", "portable", "adx", "ifma", "rsa"]);
    let mut signatures = std::collections::BTreeSet::new();
    for backend in Backend::ALL {
        if !backend.is_available() {
            let words = ["cannot run here", "there are portable"];
            world.run(&["serve", &card, "--engine", backend.name()]).failed(2, &words);
            continue;
        }
        let serving = world.serve(&card, &["--pcsc", path, "--engine", backend.name()]);
        assert!(serving.said.contains(&format!("engine {backend}")), "{}", serving.said);
        let mut reader = PcscReader::open(&socket, None).expect("opens");
        reader.power_on().expect("powers");
        let mut answer = Vec::new();
        for command in [SELECT, "0020009804 31323334", "802A0397 07 6A69747375696E 00"] {
            answer = reader.transmit(&hex::decode(command.replace(' ', "")).expect("hex")).expect("answers");
            assert!(answer.ends_with(&[0x90, 0x00]), "{backend}: {answer:02X?}");
        }
        assert_eq!(answer.len(), 258);
        signatures.insert(answer);
        serving.interrupt().succeeded();
    }
    assert_eq!(signatures.len(), 1, "all engines sign alike");
}

#[test]
fn a_trace_tells_everything_but_secrets() {
    let world = World::new();
    let card = world.issue(&[]);
    let trace = world.file("trace.jsonl");
    fs::write(&trace, "").expect("writes");
    fs::set_permissions(&trace, fs::Permissions::from_mode(0o644)).expect("sets a mode");
    let socket = world.file("pcsc");
    let serving =
        world.serve(&card, &["--pcsc", socket.to_str().expect("plain"), "--trace", trace.to_str().expect("plain")]);
    use sim::reader::Reader;
    let mut reader = sim::pcsc::PcscReader::open(&socket, None).expect("opens");
    reader.power_on().expect("powers");
    for command in [SELECT, "0020009804 31323334", "002000 9B 06 414243313233"] {
        let bytes = hex::decode(command.replace(' ', "")).expect("hex");
        assert_eq!(reader.transmit(&bytes).expect("answers"), [0x90, 0x00]);
    }
    let mut read = Vec::new();
    for command in READ_MY_NUMBER {
        read = reader.transmit(&hex::decode(command).expect("hex")).expect("answers");
    }
    assert_eq!(read.len(), 19, "My Number, filler and status word");
    serving.interrupt().succeeded();
    let text = fs::read_to_string(&trace).expect("reads");
    assert!(text.contains("VERIFY user authentication PIN") && text.contains("VERIFY signature password"));
    for secret in [AUTH_PIN, SIGN_PIN, "31323334", "414243313233"] {
        assert!(!text.contains(&format!("\"{secret}")), "{secret} is in the trace");
    }
    assert!(!text.contains(&hex::encode_upper(&read[5..17])), "My Number is in the trace");
    assert!(text.contains("READ BINARY My Number at 0") && text.contains("<17 secret bytes>"));
    assert!(text.contains("<4 secret bytes>") && text.contains("<6 secret bytes>"));
    assert_eq!(mode(&trace), 0o600);
}

/// Application, form-filling PIN, EF 0001.
const READ_MY_NUMBER: [&str; 3] = ["00A4040C0AD3921000310001010408", "002000910431323334", "00B0810011"];

#[test]
fn my_number_is_shown_in_answers_to_whom_asks_for_it() {
    let world = World::new();
    let card = world.issue(&[]);
    // sample-1's, as the card has it and as people read it.
    let (bytes, digits) = ("303030303030303030303139", "000000000019");
    for json in [&[][..], &["--json"]] {
        let said = world.run(&[&["apdu", &card], &READ_MY_NUMBER[..], json].concat()).succeeded().out;
        assert!(said.contains("<17 secret bytes>") && !said.contains(bytes) && !said.contains(digits), "{said}");
        let said = world.run(&[&["apdu", &card, "--reveal"], &READ_MY_NUMBER[..], json].concat()).succeeded().out;
        assert!(said.contains(if json.is_empty() { digits } else { bytes }), "{said}");
        assert!(!said.contains("31323334"), "the PIN never: {said}");
    }
}

#[test]
fn an_interrupted_issue_is_resumed() {
    let world = World::new();
    let mut resumed = 0;
    // Killed after so many of the acts that it tells: objects of the card manager, JPKI's halves, the face, PINs, the end.
    for act in [0, 1, 5, 10, 13, 14, 15, 16, 17, 18, 21, 30, 38, 39, 40] {
        let mut issue = binary();
        issue.args(["issue", world.name()]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = issue.spawn().expect("starts");
        let told = BufReader::new(child.stderr.take().expect("is piped")).lines();
        drop(told.map_while(Result::ok).filter(|line| line.starts_with("  ")).nth(act));
        child.kill().expect("kills");
        child.wait().expect("ends");
        let cards: serde_json::Value =
            serde_json::from_str(&world.run(&["show", "--json"]).succeeded().out).expect("json");
        for card in cards.as_array().expect("cards").iter().filter(|card| card["status"] == "issuing") {
            let id = card["id"].as_str().expect("id");
            for command in [&["check", id][..], &["apdu", id, SELECT], &["serve", id]] {
                world.run(command).failed(1, &["was interrupted", "--resume"]);
            }
            assert_eq!(world.run(&["issue", "--resume", id]).succeeded().out.trim(), id);
            world.run(&["check", id]).succeeded();
            world.run(&["issue", "--resume", id]).failed(1, &["issued already"]);
            resumed += 1;
        }
    }
    println!("{resumed} interrupted issues were resumed");
    assert!(resumed > 8, "{resumed} kills came in time");
}

#[test]
fn the_last_step_of_an_issue_may_be_lost() {
    // The card is handed out, and the world did not hear of it any more.
    let world = World::new();
    let card = world.issue(&[]);
    let record = world.record(&card);
    world.make_first_format(|card| card["progress"] = "issuing".into());
    world.run(&["check", &card]).failed(1, &["--resume"]);
    let said = world.run(&["issue", "--resume", &card, "--auth-pin", "9876"]).succeeded();
    assert!(said.err.contains("its PINs stay") && said.err.contains("reset-pin"), "{}", said.err);
    let finished = world.record(&card);
    for field in ["signature", "authentication", "authenticity_key", "status"] {
        assert_eq!(finished[field], record[field], "{field}: certificates and keys are those of before");
    }
    world.run(&["check", &card]).succeeded();
}

#[test]
fn two_processes_issue_at_once() {
    let world = World::new();
    let issue = || binary().args(["issue", world.name()]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let both = [issue().expect("starts"), issue().expect("starts")];
    for child in both {
        let said: Said = child.wait_with_output().expect("ends").into();
        said.succeeded();
    }
    let cards: serde_json::Value = serde_json::from_str(&world.run(&["show", "--json"]).succeeded().out).expect("json");
    let cards = cards.as_array().expect("cards");
    assert_eq!(cards.len(), 2);
    assert_ne!(cards[0]["signature"], cards[1]["signature"], "no serial number twice");
    // One resident has one card: the first to be handed out was given back for the other.
    let returned = cards.iter().filter(|card| card["status"] == "returned").count();
    assert_eq!(returned, 1, "{cards:?}");
    for card in cards {
        world.run(&["check", card["id"].as_str().expect("id")]).succeeded();
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let world = World::new();
    for _ in 0..3 {
        world.issue(&[]);
    }
    let script = format!("'{}' check '{}' card-0001 | head -n 1", env!("CARGO_BIN_EXE_jitsuin"), world.name());
    let said: Said = Command::new("sh").args(["-c", &script]).output().expect("runs").into();
    assert!(said.err.is_empty(), "{}", said.err);
    world.run(&["check", "card-0001"]).succeeded();
}

/// A folder as the first program left it: its cards say nothing about their kind, nobody signs faces, the card manager's root is
/// not kept. (The memory of its cards: `first_format` in the tests of `sim`.)
#[test]
fn a_world_of_the_first_days_is_read_and_goes_on() {
    let world = World::new();
    let old = world.issue(&["--profile", "jpki-only"]);
    let edit = |path: std::path::PathBuf, fields: &[&str]| {
        let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
        let object = value.as_object_mut().expect("an object");
        fields.iter().for_each(|field| drop(object.remove(*field)));
        fs::write(&path, value.to_string()).expect("writes");
    };
    let folder = Path::new(world.name());
    let place = folder.join("cards").join(&old);
    world.make_first_format(|_| {});
    edit(place.join("card.json"), &["profile", "security_code", "authenticity_key", "photo_seed"]);
    edit(folder.join("verifiable.json"), &["root"]);
    fs::remove_dir_all(folder.join("verifiable")).expect("removes");
    assert!(world.run(&["show"]).succeeded().out.contains(&old));
    assert!(world.run(&["show", &old]).succeeded().out.contains("3 of 3 tries left"));
    world.run(&["check", &old]).succeeded();
    assert_eq!(words(&world, &old, &[SELECT, "00A4040C0AD3921000310001010100"]), ["9000", "6A82"]);
    world.run(&["reset-pin", &old, "form", "1234"]).failed(1, &["has no"]);
    let new = world.issue(&[]);
    assert!(folder.join("verifiable/face-signer/key.pem").exists());
    world.run(&["check", &new]).succeeded();
    world.run(&["check", &old]).succeeded();
}
