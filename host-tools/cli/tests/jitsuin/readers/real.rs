//! Somebody's real card, as far as that can be played.

use super::{DONE, FIRST, RIGHT, Readers, tries};
use crate::{
    clients::pcscd::Pcscd,
    support::{AUTH_PIN, SIGN_PIN, World, binary, run, until},
};
use sim::{pcsc::PcscReader, reader::Reader};

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
