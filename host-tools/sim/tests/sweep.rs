//! What probers do: every class and instruction, every EF identifier, every P1-P2. Nothing may be lost by it, and nothing may
//! answer that is not documented. (card.md §14, §19.3, §22 item 18)

use card_os::{Response, refusal::Refusal};
use sim::{card::Simulated, sample};
use std::collections::BTreeSet;

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const SELECT_ISD: &[u8] = b"\x00\xA4\x04\x0C\x07\xA0\x00\x00\x01\x51\x00\x00";

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

/// Sends a command and holds the answer against what every answer must be.
fn probe(card: &mut Simulated, command: &[u8], documented: &BTreeSet<u16>) -> u16 {
    let answer = transmit(card, command);
    let (data, sw) = answer.split_last_chunk::<2>().expect("a status word");
    let sw = u16::from_be_bytes(*sw);
    assert!(documented.contains(&sw), "{command:02X?} answers {sw:04X}");
    assert!(sw == 0x9000 || data.is_empty(), "{command:02X?}: an error with data");
    sw
}

/// The words of `docs/REFUSALS.md`, every number of tries, and success.
fn documented() -> BTreeSet<u16> {
    let words = Refusal::ALL.into_iter().map(|refusal| refusal.sw().0);
    words.chain(0x63C0..=0x63C5).chain([0x9000]).filter(|word| !matches!(word, 0x6581 | 0x6F00)).collect()
}

/// Both try counters, in a session of its own.
fn tries(card: &Simulated) -> [Vec<u8>; 2] {
    let mut card = card.fork();
    card.power_on();
    transmit(&mut card, SELECT);
    [b"\x00\x20\x00\x98", b"\x00\x20\x00\x9B"].map(|query| transmit(&mut card, query))
}

fn start(application: &[u8], verified: bool) -> Simulated {
    let mut card = sample::issued(true);
    card.power_on();
    transmit(&mut card, application);
    if verified {
        assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    }
    card
}

#[test]
fn every_class_and_instruction() {
    let words = documented();
    for (application, verified) in [(SELECT_ISD, false), (SELECT, false), (SELECT, true)] {
        let template = start(application, verified);
        let (memory, mut taken) = (template.nvm().bytes().to_vec(), BTreeSet::new());
        let mut card = template.fork();
        for cla in 0..=255 {
            for ins in 0..=255 {
                // Without data, with Le, with extended Le, with data: as probers send them.
                for tail in [&[][..], &[0], &[0, 0, 0], &[1, 0x41], &[1, 0x41, 0], &[0, 0, 1, 0x41, 0, 0]] {
                    let command = [&[cla, ins, 0, 0][..], tail].concat();
                    if probe(&mut card, &command, &words) == 0x9000 {
                        taken.insert((cla, ins));
                        card = template.fork();
                    }
                }
            }
        }
        // GET CHALLENGE everywhere; SELECT of the MF in an application alone. (card.md §5.5, D-10)
        let expected: &[(u8, u8)] = if application == SELECT { &[(0, 0x84), (0, 0xA4)] } else { &[(0, 0x84)] };
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(card.nvm().bytes(), memory, "something was written");
    }
}

#[test]
fn every_parameter_of_every_instruction() {
    let words = documented();
    let instructions: [(u8, u8); 17] = [
        (0x00, 0xA4),
        (0x00, 0xB0),
        (0x00, 0xB2),
        (0x00, 0x20),
        (0x00, 0x24),
        (0x00, 0x84),
        (0x00, 0x88),
        (0x00, 0x82),
        (0x80, 0x82),
        (0x00, 0xCA),
        (0x80, 0xCA),
        (0x80, 0x32),
        (0x80, 0xAE),
        (0x80, 0xA2),
        (0x80, 0xFC),
        (0x80, 0x8A),
        (0x80, 0x50),
    ];
    for application in [SELECT_ISD, SELECT] {
        let template = start(application, false);
        let before = tries(&template);
        let mut card = template.fork();
        for (cla, ins) in instructions {
            for (p1, p2) in (0..=255).flat_map(|p1| (0..=255).map(move |p2| (p1, p2))) {
                for tail in [&[][..], &[0]] {
                    probe(&mut card, &[&[cla, ins, p1, p2][..], tail].concat(), &words);
                }
            }
        }
        assert_eq!(tries(&card), before, "a probe without a value cost a try");
    }
}

#[test]
fn every_identifier() {
    let words = documented();
    let mut card = start(SELECT, false);
    let mut found = Vec::new();
    for identifier in 0..=u16::MAX {
        let [high, low] = identifier.to_be_bytes();
        match probe(&mut card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, high, low], &words) {
            0x9000 => found.push(identifier),
            other => assert_eq!(other, 0x6A82),
        }
    }
    // card.md §6
    assert_eq!(found, [1, 2, 5, 6, 8, 9, 10, 11, 16, 22, 23, 24, 25, 26, 27, 28, 30]);
    let before = tries(&card);
    for identifier in found {
        // readthecard's questions to each EF. (card.md §19.3)
        probe(&mut card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, u8::try_from(identifier).expect("small")], &words);
        let digest = [0x5A; 32];
        for command in [
            &b"\x00\xB0\x00\x00\x00"[..],
            b"\x00\xB0\x00\x00\x00\x00\x00",
            b"\x00\xB2\x01\x04\x00",
            b"\x00\x88\x00\x80\x01\x00\x00",
            b"\x80\x82\x00\x80\x00",
            b"\x00\x20\x00\x80",
            &[&b"\x80\x2A\x03\x80\x20"[..], &digest, &[0]].concat(),
            b"\x00\x2A\x9E\x9A\x01\x00\x00",
            b"\x80\xA2\x00\xC1\x01\x00",
        ] {
            probe(&mut card, command, &words);
        }
    }
    assert_eq!(tries(&card), before);
    let mut card = start(SELECT_ISD, false);
    for identifier in 0..=u16::MAX {
        let [high, low] = identifier.to_be_bytes();
        assert_eq!(probe(&mut card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, high, low], &words), 0x6A82, "{identifier:04X}");
    }
}

#[test]
fn every_length_of_a_value_and_of_a_signature_input() {
    let words = documented();
    let template = start(SELECT, false);
    for length in 0..=300usize {
        let mut card = template.fork();
        let size = u16::try_from(length).expect("short").to_be_bytes();
        let extended = [&[0x00, 0x20, 0x00, 0x98, 0x00][..], &size, &vec![b'7'; length]].concat();
        // One to sixteen bytes are compared and cost a try; more are a wrong length and cost none. (card.md D-23)
        let expected = match length {
            0 => 0x6700,
            1..=16 => 0x63C2,
            _ => 0x6700,
        };
        assert_eq!(probe(&mut card, &extended, &words), expected, "{length}");
        assert_eq!(tries(&card)[0], [0x63, if expected == 0x63C2 { 0xC2 } else { 0xC3 }]);
    }
    let template = start(SELECT, true);
    for scheme in 0..=5u8 {
        for length in [1usize, 31, 32, 33, 244, 245, 246, 255, 256, 2048, 4096, 4097] {
            let size = u16::try_from(length).expect("short").to_be_bytes();
            let command = [&[0x80, 0x2A, scheme, 0x97, 0x00][..], &size, &vec![0x41; length], &[0, 0]].concat();
            // card.md §8.1, D-13, D-33, D-35
            let expected = match (scheme, length) {
                (_, 4097) => 0x6700,
                (0x00, 1..=245) | (0x02 | 0x04, 32) | (0x01 | 0x03 | 0x05, _) => 0x9000,
                _ => 0x6985,
            };
            assert_eq!(probe(&mut template.fork(), &command, &words), expected, "scheme {scheme:02X}, {length} bytes");
        }
    }
}
