//! Secure messaging between two ends that share no code: a whole session over the PC/SC socket, and each error word.
//! (card.md §13)

use apdu::{
    Command, Sw,
    tlv::{Rules, ber::Tlv},
};
use card_os::{
    identity::Behaviour,
    profile::{FACE, TEXT},
    scp03::Secret16,
};
use pki::client::{ClientError, Messaging, Selected, exchange};
use rand_core::Rng;
use sim::{
    card::{Direct, Simulated},
    pcsc::{PcscReader, Server},
    reader::Reader,
    rng::SimRng,
    sample::{self, AUTHENTICATION_PIN, FACE_NUMBER_A, FACE_NUMBER_B},
    slot::Slot,
};
use zeroize::Zeroizing;

const PIN: u8 = 0x11;
const A: u8 = 0x14;
const B: u8 = 0x15;

fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>) -> u16 {
    result.expect_err("is refused").sw().expect("the card said so").0
}

/// A session on a card of its own; `test` gets the selected application and the session.
fn session(test: impl FnOnce(&mut Selected<'_>, &mut Messaging)) {
    session_on(sample::issued(true), test);
}

fn session_on(card: Simulated, test: impl FnOnce(&mut Selected<'_>, &mut Messaging)) {
    let mut reader = Direct(card);
    reader.power_on().expect("powers");
    let mut text = Selected::select(&mut reader, &TEXT).expect("selects");
    text.verify(PIN, AUTHENTICATION_PIN).expect("the PIN is right");
    let mut messaging = Messaging::deliver(&mut text, &mut SimRng::seeded(4)).expect("delivers");
    test(&mut text, &mut messaging);
}

/// One command of class 08 with this data field.
fn raw(text: &mut Selected<'_>, header: [u8; 4], field: &[u8], ne: Option<u32>) -> (Vec<u8>, u16) {
    let mut command = Command::new(header[0], header[1], header[2], header[3]).with_data(field);
    command.ne = ne.and_then(apdu::Ne::new);
    let (data, sw) = exchange(text.reader(), "raw", &command).expect("answers");
    (data, sw.0)
}

#[test]
fn a_whole_session_through_the_socket() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("pcscd.comm");
    let slot = Slot::new("Jitsuin 00 00");
    slot.insert(Box::new(sample::issued(true)));
    let _server = Server::bind(&path, vec![slot]).expect("binds");
    let mut reader = PcscReader::open(&path, None).expect("connects");
    reader.power_on().expect("powers");
    let mut text = Selected::select(&mut reader, &TEXT).expect("selects");
    text.verify(PIN, AUTHENTICATION_PIN).expect("the PIN is right");
    let mut messaging = Messaging::deliver(&mut text, &mut SimRng::seeded(4)).expect("delivers");
    messaging.verify(&mut text, A, FACE_NUMBER_A).expect("A is right");
    messaging.verify(&mut text, B, FACE_NUMBER_B).expect("B is right");
    // Wiped when it goes.
    let number: Zeroizing<Vec<u8>> = messaging.read(&mut text, 0x01, 17).expect("reads");
    assert_eq!(*number, [b"\xFF\x10\x0C", FACE_NUMBER_A.as_bytes(), b"\xFF\xFF"].concat());
    messaging.select_file(&mut text, 0x03).expect("selects");
    for (file, length) in [(0x01, 17), (0x02, 256), (0x03, 336), (0x04, 568), (0x06, 269), (0x07, 536)] {
        let plain = text.file(file).expect("in clear");
        assert_eq!(plain.len(), length, "EF {file:04X}");
        assert_eq!(*messaging.read(&mut text, file, 0).expect("enciphered"), plain, "EF {file:04X}");
        let few = u16::try_from(length - 1).expect("small");
        assert_eq!(*messaging.read(&mut text, file, few).expect("enciphered"), plain[..length - 1], "EF {file:04X}");
    }
}

#[test]
fn lengths_are_those_of_the_measurement() {
    session(|text, messaging| {
        // `08 20 00 91 13 86 11 01 <16>` and `08 B0 00 00 … 96 03 00 00 11` → `86 21 01 <32>`
        let field = messaging.encipher(b"1234").expect("enciphers");
        assert_eq!((field.len(), &field[..3]), (0x13, &[0x86, 0x11, 0x01][..]));
        assert_eq!(raw(text, [0x08, 0x20, 0x00, 0x91], &field, None), (vec![], 0x9000));
        let field = messaging.encipher(&[0x00, 0x01]).expect("enciphers");
        assert_eq!(raw(text, [0x08, 0xA4, 0x02, 0x0C], &field, None), (vec![], 0x9000));
        let (data, sw) = raw(text, [0x08, 0xB0, 0x00, 0x00], &[0x96, 0x03, 0x00, 0x00, 0x11], Some(0x1_0000));
        assert_eq!((data.len(), &data[..3], sw), (35, &[0x86, 0x21, 0x01][..], 0x9000));
    });
}

#[test]
fn what_a_wrong_object_does() {
    let sound = |messaging: &mut Messaging| messaging.encipher(b"1234").expect("enciphers");
    let verify = [0x08, 0x20, 0x00, 0x91];
    type Spoil = fn(Vec<u8>) -> Vec<u8>;
    let wrong: [(&str, Spoil); 7] = [
        ("tag", |mut field| {
            field[0] = 0x87;
            field
        }),
        ("second object", |field| [field, vec![0x8E, 0x00]].concat()),
        ("indicator", |mut field| {
            field[2] = 0x02;
            field
        }),
        ("padding", |mut field| {
            *field.last_mut().expect("bytes") ^= 1;
            field
        }),
        ("no whole block", |mut field| {
            field[1] -= 1;
            field.pop();
            field
        }),
        ("cut off", |mut field| {
            field.pop();
            field
        }),
        ("Le object for a value", |_| vec![0x96, 0x03, 0x00, 0x00, 0x11]),
    ];
    for (what, spoil) in wrong {
        session(|text, messaging| {
            let field = spoil(sound(messaging));
            assert_eq!(raw(text, verify, &field, None), (vec![], 0x6988), "{what}");
            let field = sound(messaging);
            assert_eq!(raw(text, verify, &field, None), (vec![], 0x69FC), "{what}: the session is gone");
            text.file(0x03).expect("the security status is not");
            let mut again = Messaging::deliver(text, &mut SimRng::seeded(5)).expect("delivers again");
            again.verify(text, PIN, AUTHENTICATION_PIN).expect("a new session works");
        });
    }
}

/// One command of class 08 whose object does not hold: the word that it gets, and whether the session goes on.
fn asked(header: [u8; 4], field: &[u8], ne: Option<u32>, blocked: bool) -> (u16, bool) {
    let mut seen = (0, false);
    session(|text, messaging| {
        if blocked {
            for left in (0..3).rev() {
                assert_eq!(refused(text.verify(PIN, "9999").map(drop)), 0x63C0 + left);
            }
        }
        let (data, word) = raw(text, header, field, ne);
        assert!(data.is_empty());
        let _ = messaging.encipher(b"").expect("counts it");
        seen = (word, messaging.verify(text, A, FACE_NUMBER_A).is_ok());
    });
    seen
}

/// card.md §4.2: P1–P2, lengths, EF, lock and status, content, and errors of secure messaging at the very end.
#[test]
fn an_object_is_opened_after_everything_else() {
    const BAD: &[u8] = &[0x87, 0x01, 0x00];
    let lives = |word| (word, true);
    for (what, header, field, ne, expected) in [
        ("P1", [0x08, 0x20, 0x01, 0x91], BAD, None, lives(0x6A86)),
        ("P2", [0x08, 0x20, 0x00, 0x00], BAD, Some(256), lives(0x6A86)),
        ("P1 of SELECT", [0x08, 0xA4, 0x09, 0x0C], BAD, None, lives(0x6A86)),
        ("P2 of SELECT", [0x08, 0xA4, 0x02, 0x04], BAD, None, lives(0x6A86)),
        ("P1 of READ", [0x08, 0xB0, 0x9F, 0x00], BAD, None, lives(0x6A86)),
        ("Le of VERIFY", [0x08, 0x20, 0x00, 0x9D], BAD, Some(256), lives(0x6700)),
        ("no Le of READ", [0x08, 0xB0, 0x9D, 0x00], BAD, None, lives(0x6700)),
        ("Le below any object", [0x08, 0xB0, 0x81, 0x00], BAD, Some(18), lives(0x6700)),
        ("too long", [0x08, 0x20, 0x00, 0x9D], &[0x87; 4097], None, lives(0x6700)),
        ("no key there", [0x08, 0x20, 0x00, 0x9D], BAD, None, lives(0x6A88)),
        ("no PIN", [0x08, 0x20, 0x00, 0x81], BAD, None, lives(0x6981)),
        ("no EF there", [0x08, 0xB0, 0x9D, 0x00], BAD, Some(256), lives(0x6A82)),
        ("no file", [0x08, 0xB0, 0x91, 0x00], BAD, Some(256), lives(0x6981)),
        ("no try left", [0x08, 0x20, 0x00, 0x92], BAD, None, lives(0x6984)),
        ("behind the end", [0x08, 0xB0, 0x81, 0x11], BAD, Some(256), lives(0x6B00)),
        ("no object", [0x08, 0xB0, 0x81, 0x00], &[], Some(256), lives(0x6987)),
        ("no object, no PIN", [0x08, 0x20, 0x00, 0x81], &[], None, lives(0x6981)),
        ("the object", [0x08, 0x20, 0x00, 0x91], BAD, None, (0x6988, false)),
        ("the object of READ", [0x08, 0xB0, 0x81, 0x00], BAD, Some(256), (0x6988, false)),
        ("the object of SELECT", [0x08, 0xA4, 0x02, 0x0C], BAD, Some(256), (0x6988, false)),
    ] {
        assert_eq!(asked(header, field, ne, false), expected, "{what}");
    }
    assert_eq!(asked([0x08, 0x20, 0x00, 0x91], BAD, None, true), lives(0x6984), "a blocked PIN");
    assert_eq!(asked([0x08, 0xB0, 0x82, 0x00], BAD, Some(256), true), lives(0x6982), "and what it opened");
}

/// The data of an answer to the command with this counter, under the seed that [`session`] delivers.
fn deciphered(counter: u128, answer: &[u8]) -> Vec<u8> {
    let mut seed = [0; 32];
    SimRng::seeded(4).fill_bytes(&mut seed);
    let key = Secret16::new(*seed.first_chunk().expect("sixteen"));
    let (object, rest) = Tlv::parse(answer, Rules::Strict).expect("an object");
    assert_eq!((object.tag.0, object.value[0], rest.len()), (0x86, 0x01, 0));
    let mut before = key.encrypt(&counter.to_be_bytes());
    let mut plain = Vec::new();
    for block in object.value[1..].as_chunks::<16>().0 {
        plain.extend(key.decrypt(block).iter().zip(before).map(|(byte, mask)| byte ^ mask));
        before = *block;
    }
    plain.truncate(plain.iter().rposition(|byte| *byte == 0x80).expect("padding"));
    plain
}

/// The object of an answer is never longer than what the command itself asked for. (card.md D-42)
#[test]
fn an_answer_has_room_in_le() {
    session(|text, _| {
        let whole = text.file(0x03).expect("in clear");
        // Header, and sixteen bytes more for each sixteen of data.
        let expected = [(19, 15, 19), (34, 15, 19), (35, 31, 35), (256, 239, 244), (0x1_0000, 336, 357)];
        for (counter, (ne, plain, answer)) in (1..).zip(expected) {
            let (data, sw) = raw(text, [0x08, 0xB0, 0x83, 0x00], &[0x96, 0x03, 0x00, 0x00, 0x00], Some(ne));
            assert_eq!((sw, data.len()), (0x9000, answer), "Le {ne}");
            assert_eq!(deciphered(counter, &data), whole[..plain], "Le {ne}");
        }
    });
}

/// A value is deciphered and then measured; none of these costs a try.
#[test]
fn enciphered_values_have_lengths_too() {
    session(|text, messaging| {
        for (header, value) in [
            ([0x08, 0x20, 0x00, 0x91], &b""[..]),
            ([0x08, 0x20, 0x00, 0x91], &[b'1'; 17]),
            ([0x08, 0xA4, 0x02, 0x0C], &[0x00]),
            ([0x08, 0xA4, 0x02, 0x0C], &[0x00, 0x01, 0x00]),
        ] {
            let field = messaging.encipher(value).expect("enciphers");
            assert_eq!(raw(text, header, &field, None).1, 0x6700, "{value:02X?}");
        }
        assert_eq!(text.tries(PIN).expect("tells"), 3);
        messaging.verify(text, PIN, AUTHENTICATION_PIN).expect("and the session lives");
    });
}

#[test]
fn what_ends_no_session() {
    session(|text, messaging| {
        let field = messaging.encipher(b"1234").expect("enciphers");
        assert_eq!(raw(text, [0x0C, 0x20, 0x00, 0x91], &field, None).1, 0x6987, "integrity does not exist");
        // Class 0C was no command of the session: the counter stands where the card has it.
        assert_eq!(raw(text, [0x08, 0x20, 0x00, 0x91], &field, None).1, 0x9000);
        assert_eq!(refused(messaging.verify(text, PIN, "9999")), 0x63C2, "a wrong value costs a try, as in clear");
        assert_eq!(text.tries(PIN).expect("tells"), 2, "commands in clear go on beside it");
        messaging.verify(text, PIN, AUTHENTICATION_PIN).expect("right");
        assert_eq!(refused(messaging.verify(text, 0x12, "1234")), 0x6984, "a refusal of the command itself counts");
        assert_eq!(refused(messaging.read(text, 0x03, 0).map(drop).and(messaging.read(text, 0x11, 0))), 0x6981);
        messaging.read(text, 0x01, 17).expect("and the session lives");
        assert_eq!(raw(text, [0x08, 0xB0, 0x7F, 0xFF], &[0x96, 0x03, 0x00, 0x00, 0x11], Some(256)).1, 0x6B00);
        let _ = messaging.encipher(b"").expect("counts that one");
        let field = messaging.encipher(TEXT.aid).expect("enciphers");
        assert_eq!(raw(text, [0x08, 0xA4, 0x04, 0x0C], &field, None).1, 0x6882, "applications are selected in clear");
        let field = messaging.encipher(b"x").expect("enciphers");
        assert_eq!(raw(text, [0x08, 0x84, 0x00, 0x00], &field, Some(8)).1, 0x6882, "other instructions");
        assert_eq!(raw(text, [0x08, 0x20, 0x00, 0x91], &[], None).1, 0x6987, "no object at all");
        let _ = messaging.encipher(b"").expect("counts that one");
        messaging.verify(text, PIN, AUTHENTICATION_PIN).expect("and the session lives");
        text.reader().reset().expect("resets");
        messaging.verify(text, PIN, AUTHENTICATION_PIN).expect("it outlives a warm reset (D-28)");
    });
}

#[test]
fn what_ends_a_session() {
    for (what, name) in [("another application", FACE.aid), ("the same application", TEXT.aid)] {
        session(|text, messaging| {
            text.send("SELECT", &Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(name)).expect("selects");
            assert_eq!(refused(messaging.verify(text, PIN, AUTHENTICATION_PIN)), 0x69FC, "{what}");
        });
    }
    session(|text, messaging| {
        text.reader().power_off().expect("powers off");
        text.reader().power_on().expect("powers on");
        text.send("SELECT", &Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(TEXT.aid)).expect("selects");
        assert_eq!(refused(messaging.verify(text, PIN, AUTHENTICATION_PIN)), 0x69FC, "power loss");
    });
    let clears = Behaviour { clears_on_warm_reset: true, ..Behaviour::default() };
    session_on(sample::issued_with(clears), |text, messaging| {
        text.reader().reset().expect("resets");
        assert_eq!(refused(messaging.verify(text, PIN, AUTHENTICATION_PIN)), 0x69FC, "a warm reset that clears");
    });
    session(|text, messaging| {
        let missing = Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(b"nothing");
        assert_eq!(exchange(text.reader(), "SELECT", &missing).expect("answers").1, Sw::FILE_NOT_FOUND);
        messaging.verify(text, PIN, AUTHENTICATION_PIN).expect("a failed SELECT ends nothing (D-05)");
    });
}

#[test]
fn the_pin_alone_opens_the_delivery() {
    let mut reader = Direct(sample::issued(true));
    reader.power_on().expect("powers");
    let mut text = Selected::select(&mut reader, &TEXT).expect("selects");
    text.verify(A, FACE_NUMBER_A).expect("A is right");
    text.verify(B, FACE_NUMBER_B).expect("B is right");
    assert_eq!(refused(Messaging::deliver(&mut text, &mut SimRng::seeded(4)).map(drop)), 0x6982);
}
