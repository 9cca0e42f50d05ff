//! What clients in the field do with a card, one behaviour a test: the card must cope with each. (card.md §19)
//!
//! Expected bytes are those that were stored into the sample card, expected words those of the specification.

mod opensc;
mod probers;
mod programs;
mod reading;

use card_os::{Response, profile::Model};
use sim::{card::Simulated, sample};

/// Applications by name, as clients have them. (card.md §3.1)
const JPKI: &str = "D392F000260100000001";
const COMMON: &str = "D3921000310001010100";
const JUKI: &str = "D3921000310001010401";
const FACE: &str = "D3921000310001010402";
const TEXT: &str = "D3921000310001010408";

/// DigestInfo of SHA-256 before a digest. (card.md §8.3)
const SHA256_INFO: &str = "3031300D060960864801650304020105000420";

/// A client with a sample card.
struct Client {
    card: Simulated,
}

impl Client {
    /// The card was powered a moment ago.
    fn new() -> Client {
        let mut card = sample::issued(true);
        card.power_on();
        Client { card }
    }

    /// The application is selected, without FCI as all clients do.
    fn with(application: &str) -> Client {
        let mut client = Client::new();
        client.select(application);
        client
    }

    fn transmit(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut response = Response::new();
        self.card.transmit(command, &mut response);
        let (data, word) = response.split_last_chunk::<2>().expect("a status word");
        (data.to_vec(), u16::from_be_bytes(*word))
    }

    #[track_caller]
    fn send(&mut self, command: &str) -> (Vec<u8>, u16) {
        self.transmit(&hex::decode(command.replace(' ', "")).expect("hexadecimal"))
    }

    /// The status word of a command that answers nothing else.
    #[track_caller]
    fn word(&mut self, command: &str) -> u16 {
        let (data, word) = self.send(command);
        assert!(data.is_empty(), "{command}: {data:02X?}");
        word
    }

    /// The data of a command that succeeds.
    #[track_caller]
    fn data(&mut self, command: &str) -> Vec<u8> {
        let (data, word) = self.send(command);
        assert_eq!(word, 0x9000, "{command}: {word:04X}");
        data
    }

    #[track_caller]
    fn select(&mut self, application: &str) {
        assert_eq!(self.word(&format!("00A4040C 0A {application}")), 0x9000);
    }

    #[track_caller]
    fn file(&mut self, number: u16) {
        assert_eq!(self.word(&format!("00A4020C 02 {number:04X}")), 0x9000, "EF {number:04X}");
    }

    /// Selects a PIN object and presents a value.
    #[track_caller]
    fn verify(&mut self, number: u16, value: &str) -> u16 {
        self.file(number);
        self.word(&format!("00200080 {:02X} {}", value.len(), hex::encode(value)))
    }

    /// Opens everything of an application that a value opens.
    #[track_caller]
    fn open(&mut self, application: &str) {
        let values: &[(u16, &str)] = match application {
            JPKI => &[(0x18, sample::AUTHENTICATION_PIN), (0x1B, sample::SIGNATURE_PASSWORD)],
            FACE => &[(0x11, sample::BIRTH), (0x12, sample::FACE_NUMBER_B), (0x13, sample::FACE_NUMBER_A)],
            TEXT => &[(0x11, sample::AUTHENTICATION_PIN)],
            _ => &[],
        };
        for (number, value) in values {
            assert_eq!(self.verify(*number, value), 0x9000, "{number:04X}");
        }
    }

    /// Everything that must outlive refused commands: memory, tries of both PINs, application, status, current EF.
    fn state(&self) -> (Vec<u8>, Vec<u16>) {
        let mut copy = Client { card: self.card.fork() };
        let words =
            ["00B0000001", "00200080", "00B0810001", "802A0397 01 41 00", "802A039A 01 41 00", "00200098", "0020009B"]
                .map(|command| copy.send(command).1);
        (self.card.nvm().bytes().to_vec(), words.to_vec())
    }
}

/// What was stored into the sample card, with the filler that its file has. (card.md D-18, D-47)
fn stored(application: &str, number: u8) -> Vec<u8> {
    let place = match application {
        JPKI => 1,
        COMMON => 2,
        JUKI => 3,
        FACE => 4,
        _ => 5,
    };
    let grouping = u16::from_be_bytes([place, number]);
    let (_, mut value) = sample::groupings(Model::CARD, true)
        .into_iter()
        .find(|(other, _)| *other == grouping)
        .unwrap_or_else(|| panic!("nothing stored under {grouping:04X}"));
    match (application, number) {
        (JPKI, 0x01) => value.resize(3072, 0),
        (JPKI, 0x02 | 0x0A | 0x0B) => value.resize(1900, 0),
        _ => {}
    }
    value
}

/// Opens a signature with the public half of a sample key: 0 authentication, 1 signature.
fn opened(key: usize, signature: &[u8]) -> Vec<u8> {
    let signature = signature.try_into().expect("256 bytes");
    card_os::public::power(&sample::keys()[key].n, &signature).expect("below the modulus").to_vec()
}

/// EMSA-PKCS1-v1_5 of what stands in it.
fn padded(inside: &[u8]) -> Vec<u8> {
    [&[0x00, 0x01][..], &vec![0xFF; 253 - inside.len()], &[0x00], inside].concat()
}
