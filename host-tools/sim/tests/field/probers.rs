//! readthecard and sc-tools-myna, which try everything, and programs that send what is meant for other cards.
//! (card.md §3.3, §11, §19.3)

use super::*;
use std::collections::BTreeSet;

/// Every try counter that readthecard looks at; it starts only with new ones.
#[test]
fn readthecard_finds_all_tries_new() {
    let mut client = Client::new();
    for (application, pins) in [
        (JPKI, &[(0x18, 3), (0x1B, 5)][..]),
        (TEXT, &[(0x11, 3), (0x14, 10), (0x15, 10)]),
        (FACE, &[(0x11, 10), (0x12, 10), (0x13, 10)]),
    ] {
        client.select(application);
        for (pin, tries) in pins {
            client.file(*pin);
            assert_eq!(client.word("00200080"), 0x63C0 | tries, "{application}, EF {pin:04X}");
        }
    }
}

/// What an EF is, by what it answers to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Read without more.
    Open,
    /// Wants a credential first.
    Closed,
    /// Records.
    Records,
    /// So many tries.
    Pin(u8),
    /// Answers INTERNAL AUTHENTICATE.
    Authenticates,
    /// Signs without more.
    Signs,
    /// A key behind a PIN.
    Key,
    /// Answers nothing.
    Internal,
}
use Class::{Authenticates, Closed, Internal, Key, Open, Pin, Records, Signs};

/// readthecard's walk over one EF: every command it tries, and what follows from the answers.
fn classify(client: &mut Client) -> Class {
    let read = client.send("00B0000000 0000").1;
    let record = client.send("00B2010400").1;
    let authenticate = client.send("00880080 01 00 00").1;
    assert_ne!(client.word("8082008000") & 0xFF00, 0x6300, "no external key");
    let query = client.word("00200080");
    let sign = client.send(&format!("802A0380 20 {} 00", "5A".repeat(32))).1;
    for parameters in ["9E9A", "8086", "8084", "9086"] {
        assert_eq!(client.word(&format!("002A{parameters} 20 {} 00", "5A".repeat(32))), 0x6D00, "ISO's signs nothing");
    }
    let terminal = client.word("80A200C1 01 00 00");
    assert!(matches!(terminal, 0x6985 | 0x6986 | 0x6D00 | 0x6A80 | 0x6A86 | 0x6700), "80 A2: {terminal:04X}");
    match (read, record, authenticate, query, sign) {
        (0x9000, ..) => Open,
        (_, 0x9000, ..) => Records,
        (0x6982, ..) => Closed,
        (_, _, _, tries @ 0x63C0..=0x63CF, _) => Pin(tries as u8 & 0x0F),
        (_, _, 0x9000, ..) => Authenticates,
        (.., 0x9000) => Signs,
        (.., 0x6982) => Key,
        _ => Internal,
    }
}

/// Every EF of every application. (card.md §6, §9, D-20, D-49)
const CLASSES: [(&str, &[(u16, Class)]); 5] = [
    (
        JPKI,
        &[
            (0x01, Closed),
            (0x02, Open),
            (0x05, Closed),
            (0x06, Open),
            (0x08, Open),
            (0x09, Closed),
            (0x0A, Open),
            (0x0B, Open),
            (0x10, Internal),
            (0x16, Internal),
            (0x17, Key),
            (0x18, Pin(3)),
            (0x19, Internal),
            (0x1A, Key),
            (0x1B, Pin(5)),
            (0x1C, Internal),
            (0x1E, Internal),
        ],
    ),
    (COMMON, &[(0x01, Records), (0x02, Records), (0x19, Authenticates), (0x1C, Pin(3)), (0x1E, Internal)]),
    (JUKI, &[(0x02, Records), (0x1C, Pin(3))]),
    (
        FACE,
        &[
            (0x01, Closed),
            (0x02, Closed),
            (0x03, Open),
            (0x04, Open),
            (0x05, Closed),
            (0x06, Closed),
            (0x11, Pin(10)),
            (0x12, Pin(10)),
            (0x13, Pin(10)),
            (0x1A, Signs),
            (0x1C, Internal),
            (0x1E, Internal),
        ],
    ),
    (
        TEXT,
        &[
            (0x01, Closed),
            (0x02, Closed),
            (0x03, Closed),
            (0x04, Open),
            (0x05, Open),
            (0x06, Closed),
            (0x07, Closed),
            (0x08, Closed),
            (0x10, Internal),
            (0x11, Pin(3)),
            (0x12, Pin(0)),
            (0x13, Signs),
            (0x14, Pin(10)),
            (0x15, Pin(10)),
            (0x1C, Internal),
            (0x1E, Internal),
        ],
    ),
];

#[test]
fn readthecard_classifies_every_file() {
    for (application, expected) in CLASSES {
        let mut client = Client::with(application);
        let memory = client.card.nvm().bytes().to_vec();
        let mut found = Vec::new();
        for number in 0x00..=0x2F {
            match client.word(&format!("00A4020C 02 {number:04X}")) {
                0x9000 => found.push((number, classify(&mut client))),
                word => assert_eq!(word, 0x6A82, "{number:04X}"),
            }
        }
        assert_eq!(found, expected, "{application}");
        assert_eq!(client.card.nvm().bytes(), memory, "something was written");
    }
}

/// Every class and instruction with P1-P2 0000, once without and once with extended Le, with a PIN verified all the while.
#[test]
fn sc_tools_myna_walks_all_instructions() {
    for application in [None, Some(JPKI), Some(COMMON), Some(FACE)] {
        let mut client = application.map_or_else(Client::new, Client::with);
        client.open(application.unwrap_or(""));
        let before = client.state();
        let mut taken = BTreeSet::new();
        for (cla, ins) in (0..=255u8).flat_map(|cla| (0..=255u8).map(move |ins| (cla, ins))) {
            for tail in [&[][..], &[0, 0, 0]] {
                let (_, word) = client.transmit(&[&[cla, ins, 0, 0][..], tail].concat());
                assert_ne!(word & 0xFFF0, 0x63C0, "{cla:02X} {ins:02X}");
                if word == 0x9000 {
                    taken.insert((cla, ins));
                }
            }
        }
        // SELECT MF does nothing, and is refused at the card manager. (D-10)
        let expected: &[(u8, u8)] = if application.is_some() { &[(0x00, 0xA4)] } else { &[] };
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), expected, "{application:?}");
        assert!(client.state() == before, "{application:?}: memory, status, application or EF is another");
    }
}

/// After power: 42, 45, 66, then all tags of one and of two bytes, with extended Le; and again in an application.
#[test]
fn sc_tools_myna_asks_for_all_data_objects() {
    let manager = [0x0042, 0x0045, 0x0066, 0x00F0, 0x00F2, 0x00F7, 0x00F8, 0x5F51, 0x7F21];
    let places: [(Option<&str>, &[u16]); 2] = [(None, &manager), (Some(JPKI), &[0x5F51])];
    for (application, expected) in places {
        let mut client = application.map_or_else(Client::new, Client::with);
        let mut found = Vec::new();
        for tag in 0..=0xFFFFu16 {
            let [high, low] = tag.to_be_bytes();
            let short = client.transmit(&[0x00, 0xCA, high, low, 0x00]).1;
            match (short, client.transmit(&[0x00, 0xCA, high, low, 0, 0, 0]).1) {
                // Larger than 256 bytes: refused in the short form, never cut. (card.md §4.3)
                (0x9000 | 0x6700, 0x9000) => found.push(tag),
                words => assert_eq!(words, (0x6A88, 0x6A88), "{tag:04X}"),
            }
        }
        assert_eq!(found, expected, "{application:?}");
    }
    let mut client = Client::new();
    for tag in ["00F8", "7F21"] {
        assert_eq!(client.word(&format!("00CA{tag}00")), 0x6700);
        assert_eq!(client.data(&format!("00CA{tag}00 0000")).len(), 575);
    }
}

/// EFs 0000–002F and 2F00–2FFE at the card manager and in an application.
#[test]
fn sc_tools_myna_looks_for_files() {
    let identifiers = || (0x0000..=0x002F).chain(0x2F00..=0x2FFE);
    let mut client = Client::new();
    for number in identifiers() {
        assert_eq!(client.word(&format!("00A4020C 02 {number:04X}")), 0x6A82, "none at this level (D-09)");
    }
    client.select(JPKI);
    let found: Vec<u16> =
        identifiers().filter(|number| client.word(&format!("00A4020C 02 {number:04X}")) == 0x9000).collect();
    assert_eq!(found.len(), 17);
    assert!(found.iter().all(|number| *number < 0x1F));
}

/// 256 bytes in the short form; 257 can be asked for in the extended form alone, and must fail.
#[test]
fn sc_tools_myna_asks_for_challenges() {
    for application in [None, Some(JPKI), Some(COMMON), Some(JUKI), Some(FACE), Some(TEXT)] {
        let mut client = application.map_or_else(Client::new, Client::with);
        let challenge = client.data("0084000000");
        assert_eq!(challenge.len(), 256);
        assert_ne!(client.data("0084000000"), challenge, "another one");
        assert_eq!(client.word("00840000 000101"), 0x6985);
    }
}

/// The first is what the client sends; then all P1 and P2, which must sign where §8.1 says so and nowhere else.
#[test]
fn sc_tools_myna_signs_with_every_parameter() {
    let mut client = Client::with(JPKI);
    assert_eq!(client.verify(0x18, sample::AUTHENTICATION_PIN), 0x9000);
    client.file(0x17);
    let info = format!("{SHA256_INFO}{}", "5A".repeat(32));
    let signature = client.data(&format!("802A0080 000033 {info} 0000"));
    assert_eq!(opened(0, &signature), padded(&hex::decode(&info).expect("hexadecimal")));
    let mut signed = BTreeSet::new();
    for (p1, p2) in (0..=255u8).flat_map(|p1| (0..=255u8).map(move |p2| (p1, p2))) {
        client.transmit(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17]);
        let command = [&[0x80, 0x2A, p1, p2, 0x00, 0x00, 0x20][..], &[0x5A; 32], &[0x00, 0x00]].concat();
        match client.transmit(&command).1 {
            0x9000 => drop(signed.insert((p1, p2))),
            word => {
                assert!(matches!(word, 0x6A86 | 0x6A88 | 0x6981 | 0x6982 | 0x6985), "{p1:02X} {p2:02X}: {word:04X}")
            }
        }
    }
    let expected: Vec<_> = (0..=5).flat_map(|p1| [(p1, 0x80), (p1, 0x97)]).collect();
    assert_eq!(signed.into_iter().collect::<Vec<_>>(), expected);
}

/// Rising lengths up to what an APDU can say.
#[test]
fn sc_tools_myna_signs_every_length() {
    let mut client = Client::with(JPKI);
    assert_eq!(client.verify(0x18, sample::AUTHENTICATION_PIN), 0x9000);
    client.file(0x17);
    for length in (1..=260usize).step_by(13).chain([245, 246, 255, 256, 2048, 4096, 4097, 65_535]) {
        let size = u16::try_from(length).expect("fits").to_be_bytes();
        let command = [&[0x80, 0x2A, 0x00, 0x80, 0x00][..], &size, &vec![0x41; length], &[0x00, 0x00]].concat();
        let (data, word) = client.transmit(&command);
        match length {
            1..=245 => assert_eq!((opened(0, &data), word), (padded(&vec![0x41; length]), 0x9000), "{length}"),
            // What does not fit the scheme, and what does not fit the card. (D-13, D-33)
            246..=4096 => assert_eq!(word, 0x6985, "{length}"),
            _ => assert_eq!(word, 0x6700, "{length}"),
        }
    }
    assert_eq!(client.data("802A0080 01 41 00").len(), 256, "and it goes on signing");
}

/// A terminal certificate of somebody else, with and without Le: refused in the second step, and EF 0009 stays closed.
#[test]
fn sc_tools_myna_shows_a_terminal_certificate() {
    for le in ["", "0000"] {
        let mut client = Client::with(JPKI);
        client.file(0x16);
        let body = format!("7F21820233 5F4E820129 {}", "31".repeat(297));
        assert_eq!(client.word(&format!("80A206C1 000133 {body} {le}")), 0x9000);
        assert_eq!(client.word(&format!("80A200C1 000105 5F37820100 {} {le}", "01".repeat(256))), 0x6982);
        for parameters in ["0000", "00AE", "8000", "00B6"] {
            assert_eq!(client.word(&format!("80A2{parameters}")), 0x6A86);
        }
        client.file(0x09);
        assert_eq!(client.word("00B0000000"), 0x6982);
    }
}

/// Names under a prefix in the order of occurrence, asked for until the card refuses. (D-04)
fn occurrences(client: &mut Client, prefix: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut p2 = 0x00;
    loop {
        let length = u8::try_from(prefix.len()).expect("short");
        let (data, word) = client.transmit(&[&[0x00, 0xA4, 0x04, p2, length], prefix, &[0x00]].concat());
        if word != 0x9000 {
            assert_eq!((data.len(), word), (0, 0x6A82));
            return names;
        }
        // 6F len { 84 len <name> }
        let [0x6F, outer, 0x84, inner, name @ ..] = &data[..] else { panic!("no FCI: {data:02X?}") };
        assert_eq!((usize::from(*outer), usize::from(*inner)), (name.len() + 2, name.len()));
        names.push(hex::encode_upper(name));
        p2 = 0x02;
        assert!(names.len() < 100, "without end: {names:?}");
    }
}

#[test]
fn every_prefix_has_an_end() {
    let mut client = Client::new();
    let manager = "A0000001510000";
    let mut all = Vec::new();
    for first in 0..=255 {
        all.extend(occurrences(&mut client, &[first]));
    }
    assert_eq!(all, [manager, COMMON, JUKI, FACE, TEXT, JPKI]);
    for (prefix, expected) in [
        (&[0xD3, 0x92, 0xF0, 0x00, 0x26][..], &[JPKI][..]),
        (&[0xD3, 0x92, 0x10, 0x00, 0x31], &[COMMON, JUKI, FACE, TEXT]),
        (&[0xA0, 0x00, 0x00, 0x01, 0x51], &[manager]),
        (&[0xA0, 0x00, 0x00, 0x02, 0x31], &[]),
        (&[0xA0, 0x00, 0x00, 0x02, 0x77], &[]),
    ] {
        assert_eq!(occurrences(&mut client, prefix), expected, "{prefix:02X?}");
    }
}

/// Foreign classes with thousands of bytes, as any PC/SC program may send them.
#[test]
fn foreign_commands_are_refused_and_forgotten() {
    let mut client = Client::with(JPKI);
    client.open(JPKI);
    client.file(0x18);
    let before = client.state();
    for cla in [0x90, 0xA0, 0xB0, 0xD0, 0xFF, 0x10, 0x40] {
        for length in [0usize, 1, 255, 256, 3000, 65_535] {
            let size = u16::try_from(length).expect("fits").to_be_bytes();
            let command = match length {
                0 => vec![cla, 0x02, 0x10, 0x00],
                _ => [&[cla, 0x02, 0x10, 0x00, 0x00][..], &size, &vec![0x31; length]].concat(),
            };
            assert_eq!(client.transmit(&command), (vec![], 0x6E00), "class {cla:02X}, {length} bytes");
        }
    }
    assert!(client.state() == before, "memory, status, application or EF is another");
}
