//! A shadow of the card: what an issued one must answer about its two PINs, and what it must never answer at all.
//!
//! card.md §4.2, §7 and §14 are written down here a second time, on purpose and without the card's table, so that a mistake
//! has to be made twice to stay unseen. A counter watched from outside is not enough: a blocked PIN that is compared once
//! more reads 0 before and after.
//!
//! The shadow takes two things from the card: where it stands ([`Place`]), because SELECT is not modelled, and whether
//! memory was written.

use crate::card::{FuzzCard, mount, transmit};
use apdu::Command;
use card_os::{
    Card,
    platform::{Engine, Nvm},
};
use rand_core::TryCryptoRng;
use sim::sample;
use std::sync::LazyLock;

/// Every EF of the JPKI application. (card.md §6)
pub const FILES: [u8; 17] = [1, 2, 5, 6, 8, 9, 0x0A, 0x0B, 0x10, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E];
/// Those that are neither file, key nor PIN. (card.md D-20)
const INTERNAL: [u8; 5] = [0x10, 0x16, 0x19, 0x1C, 0x1E];
/// The signature certificate, the one EF that a PIN opens for reading.
const SIGNATURE_CERTIFICATE: u8 = 0x01;
/// Most bytes of command data. (card.md D-13)
const DATA_MAX: usize = 4096;

/// Status words that card.md §14 lists as sent by a card whose memory is sound, less 63Cx, which has a check of its own.
const DOCUMENTED: [u16; 22] = [
    0x66F1, 0x6700, 0x6881, 0x6882, 0x6981, 0x6982, 0x6984, 0x6985, 0x6986, 0x6987, 0x6988, 0x69FC, 0x6A80, 0x6A82,
    0x6A83, 0x6A86, 0x6A88, 0x6B00, 0x6D00, 0x6E00, 0x6F00, 0x9000,
];

/// What no response may hold: the password, and the beginning of each prime factor.
static SECRETS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let primes = sample::keys().iter().flat_map(|key| [&key.p[..16], &key.q[..16]]);
    primes.chain([sample::SIGNATURE_PASSWORD.as_bytes()]).collect()
});

/// Where the card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The JPKI application is current, and not the issuer security domain.
    pub jpki: bool,
    /// The current EF.
    pub file: Option<u8>,
}

impl Place {
    /// Cold start.
    pub const START: Place = Place { jpki: false, file: None };

    /// Where a card stands.
    pub fn of<N: Nvm, E: Engine, R: TryCryptoRng>(card: &Card<N, E, R>) -> Self {
        let session = card.session();
        Place { jpki: !session.at_isd(), file: session.file().map(|file| file.number) }
    }

    /// The object that P2 of VERIFY and its relatives names. (card.md D-24, D-25)
    fn named(self, p2: u8) -> Result<u8, u16> {
        match p2 {
            0x80 => self.file.ok_or(0x6986),
            0x81..=0x9E => Some(p2 & 0x1F).filter(|sfi| self.jpki && FILES.contains(sfi)).ok_or(0x6A88),
            _ => Err(0x6A86),
        }
    }
}

/// One PIN object.
#[derive(Debug)]
struct Pin {
    file: u8,
    key: u8,
    value: Vec<u8>,
    tries: u8,
    max: u8,
    verified: bool,
}

impl Pin {
    fn new(file: u8, key: u8, value: &str, max: u8) -> Self {
        Pin { file, key, value: value.into(), tries: max, max, verified: false }
    }

    /// Query and VERIFY. (card.md §7.2, D-23, D-26)
    fn verify(&mut self, value: &[u8]) -> u16 {
        if value.is_empty() {
            return 0x63C0 + u16::from(self.tries);
        }
        if self.tries == 0 {
            return 0x6984;
        }
        self.verified = value == self.value;
        self.tries = if self.verified { self.max } else { self.tries - 1 };
        if self.verified { 0x9000 } else { 0x63C0 + u16::from(self.tries) }
    }

    /// CHANGE REFERENCE DATA. (card.md §5.4, D-29)
    fn change(&mut self, value: &[u8]) -> u16 {
        let sound = match self.max {
            3 => value.len() == 4 && value.iter().all(u8::is_ascii_digit),
            _ => value.len() >= 6 && value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z')),
        };
        match self.usable() {
            Ok(()) if sound => {
                self.value = value.into();
                self.tries = self.max;
                0x9000
            }
            Ok(()) => 0x6A80,
            Err(refused) => refused,
        }
    }

    /// Whether what it protects may be used. (card.md D-32)
    fn usable(&self) -> Result<(), u16> {
        match (self.tries, self.verified) {
            (0, _) => Err(0x6984),
            (_, false) => Err(0x6982),
            (_, true) => Ok(()),
        }
    }
}

/// What a command that the model understands does.
#[derive(Debug)]
pub struct Expected {
    /// Status word.
    pub sw: u16,
    /// The EF it makes current, where it gets so far.
    pub file: Option<u8>,
    /// Whether memory is written.
    pub writes: bool,
}

impl Expected {
    fn refused(sw: u16) -> Self {
        Expected { sw, file: None, writes: false }
    }
}

/// The shadow of one card.
#[derive(Debug)]
pub struct Model {
    pins: [Pin; 2],
}

impl Default for Model {
    /// A sample card as it is issued. (card.md §7.1)
    fn default() -> Self {
        Model {
            pins: [
                Pin::new(0x18, 0x17, sample::AUTHENTICATION_PIN, 3),
                Pin::new(0x1B, 0x1A, sample::SIGNATURE_PASSWORD, 5),
            ],
        }
    }
}

impl Model {
    /// A card whose PINs, authentication and signature, have these values, tries and states.
    #[must_use]
    pub fn with(pins: [(&[u8], u8, bool); 2]) -> Self {
        let mut model = Model::default();
        for (pin, (value, tries, verified)) in model.pins.iter_mut().zip(pins) {
            (pin.value, pin.tries, pin.verified) = (value.to_vec(), tries, verified);
        }
        model
    }

    /// Tries left of the PINs and whether they are verified.
    #[must_use]
    pub fn pins(&self) -> [(&[u8], u8, bool); 2] {
        self.pins.each_ref().map(|pin| (&pin.value[..], pin.tries, pin.verified))
    }

    /// Sends one command and judges what becomes of it.
    ///
    /// # Panics
    /// Where the card does not do what it must: that is a finding.
    pub fn command(&mut self, card: &mut FuzzCard, command: &[u8]) {
        let (before, wear) = (Place::of(card), card.nvm().wear());
        let expected = self.expect(before, command);
        let response = transmit(card, command);
        let (after, wrote) = (Place::of(card), card.nvm().wear() != wear);

        let sw = plausible(command, &response);
        if let Some(expected) = &expected {
            assert_eq!(sw, expected.sw, "status word of {command:02X?} (left) and of the model (right)");
            assert_eq!(wrote, expected.writes, "memory was written by {command:02X?} (left), in the model (right)");
            assert_eq!(after, Place { file: expected.file.or(before.file), ..before }, "after {command:02X?}");
        }
        let instruction = command.get(..2).unwrap_or_default();
        let knows = expected.is_some() || instruction == [0x84, 0x82];
        assert!(knows || !wrote, "{command:02X?} wrote to memory");
        assert!(before.jpki == after.jpki || (instruction == [0x00, 0xA4] && sw == 0x9000), "{command:02X?} moved");
        // card.md D-05
        assert!(before == after || instruction != [0x00, 0xA4] || sw == 0x9000, "a failed SELECT changed something");
        if before.jpki != after.jpki {
            self.forget();
        }
        if instruction == [0x00, 0xB0] && sw == 0x9000 && after.file == Some(SIGNATURE_CERTIFICATE) {
            assert!(self.pins[1].verified, "the signature certificate was read without its password");
        }
        assert!(!card.session().is_issuer(), "{command:02X?} opened the issuer channel without its keys");
        self.check_status(card);
        if wrote {
            self.check_counters(card.fork());
        }
    }

    /// Warm reset: application and security status stay, no EF is current. (card.md D-28)
    ///
    /// # Panics
    /// As [`Model::command`].
    pub fn warm_reset(&mut self, card: &mut FuzzCard) {
        let before = Place::of(card);
        card.reset();
        assert_eq!(Place::of(card), Place { file: None, ..before }, "after a warm reset");
        self.check_status(card);
    }

    /// Power off and on. (card.md §2.4)
    ///
    /// # Panics
    /// As [`Model::command`].
    pub fn power_cycle(&mut self, card: &mut FuzzCard) {
        card.power_off();
        self.forget();
        self.check_status(card);
        card.power_on();
        assert_eq!(Place::of(card), Place::START, "after power on");
        self.check_status(card);
    }

    /// Power off, and another chip with the same memory.
    ///
    /// # Panics
    /// As [`Model::command`].
    #[must_use]
    pub fn remount(&mut self, card: FuzzCard) -> FuzzCard {
        let card = mount(card.into_nvm());
        self.forget();
        assert_eq!(Place::of(&card), Place::START, "after a start from memory");
        self.check_status(&card);
        self.check_counters(card.fork());
        card
    }

    /// What becomes of VERIFY, CHANGE REFERENCE DATA and COMPUTE DIGITAL SIGNATURE; `None` for any other command.
    pub fn expect(&mut self, place: Place, command: &[u8]) -> Option<Expected> {
        let &[cla, ins, p1, p2, ..] = command else { return Some(Expected::refused(0x6700)) };
        let outcome = match (cla, ins) {
            (0x00, 0x20) => self.expect_pin(place, (p1, p2), 0x00, command, Pin::verify),
            (0x00, 0x24) => self.expect_pin(place, (p1, p2), 0x01, command, Pin::change),
            (0x80, 0x2A) => self.expect_signature(place, (p1, p2), command),
            _ => return None,
        };
        Some(outcome.unwrap_or_else(Expected::refused))
    }

    fn expect_pin(
        &mut self,
        place: Place,
        (p1, p2): (u8, u8),
        p1_wanted: u8,
        command: &[u8],
        act: fn(&mut Pin, &[u8]) -> u16,
    ) -> Result<Expected, u16> {
        if p1 != p1_wanted || !(0x80..=0x9E).contains(&p2) {
            return Err(0x6A86);
        }
        let body = Command::parse(command).map_err(|_| 0x6700u16)?;
        // Only VERIFY has a form without data: the query.
        if body.ne.is_some() || body.data.len() > 16 || (body.data.is_empty() && p1 == 0x01) {
            return Err(0x6700);
        }
        let file = place.named(p2)?;
        let Some(pin) = self.pins.iter_mut().find(|pin| pin.file == file) else {
            return Ok(Expected { file: Some(file), ..Expected::refused(0x6981) });
        };
        let could_compare = pin.tries > 0 && !body.data.is_empty();
        let sw = act(pin, body.data);
        let writes = if p1 == 0x01 { sw == 0x9000 } else { could_compare };
        Ok(Expected { sw, file: Some(file), writes })
    }

    /// The engine is a stub, so a signature that everything allows ends in 6F00, and only such a one.
    fn expect_signature(&self, place: Place, (p1, p2): (u8, u8), command: &[u8]) -> Result<Expected, u16> {
        if p1 > 0x05 || !(p2 == 0x00 || (0x80..=0x9E).contains(&p2)) {
            return Err(0x6A86);
        }
        let body = Command::parse(command).map_err(|_| 0x6700u16)?;
        if !(1..=DATA_MAX).contains(&body.data.len()) || body.ne.is_none_or(|ne| ne.get() < 256) {
            return Err(0x6700);
        }
        if p2 == 0x00 {
            return Err(0x6A88);
        }
        let file = place.named(p2)?;
        let fits = match p1 {
            0x00 => body.data.len() <= 245,
            0x02 | 0x04 => body.data.len() == 32,
            _ => true,
        };
        let sw = match self.pins.iter().find(|pin| pin.key == file).map(Pin::usable) {
            Some(Err(refused)) => refused,
            Some(Ok(())) if fits => 0x6F00,
            Some(Ok(())) => 0x6985,
            None if INTERNAL.contains(&file) => 0x6985,
            None => 0x6981,
        };
        Ok(Expected { file: Some(file), ..Expected::refused(sw) })
    }

    /// The security status is gone.
    fn forget(&mut self) {
        for pin in &mut self.pins {
            pin.verified = false;
        }
    }

    fn check_status(&self, card: &FuzzCard) {
        for pin in &self.pins {
            let verified = card.session().is_verified(pin.file);
            assert_eq!(
                verified, pin.verified,
                "status of {:02X} in the card (left) and in the model (right)",
                pin.file
            );
        }
    }

    /// Asks a duplicate for both counters, after a cold start.
    fn check_counters(&self, mut card: FuzzCard) {
        card.power_on();
        assert_eq!(transmit(&mut card, b"\x00\xA4\x04\x0C\x05\xD3\x92\xF0\x00\x26"), [0x90, 0x00]);
        for pin in &self.pins {
            let answer = transmit(&mut card, &[0x00, 0x20, 0x00, 0x80 | pin.file]);
            assert_eq!(answer, [0x63, 0xC0 | pin.tries], "tries of {:02X}, in the model (right)", pin.file);
        }
    }
}

/// What holds for every response; gives its status word.
///
/// # Panics
/// Where it does not hold.
pub fn plausible(command: &[u8], response: &[u8]) -> u16 {
    let (data, sw) = response.split_last_chunk::<2>().expect("every response ends in a status word");
    let sw = u16::from_be_bytes(*sw);
    let tries = (0x63C0..=0x63CA).contains(&sw) && matches!(command, [0x00 | 0x08, 0x20, ..]);
    assert!(tries || DOCUMENTED.contains(&sw), "{command:02X?} answers {sw:04X}, which is not in card.md §14");
    assert!(sw == 0x9000 || data.is_empty(), "{command:02X?} answers {sw:04X} with {} bytes of data", data.len());
    assert!(!SECRETS.iter().any(|secret| contains(data, secret)), "the answer to {command:02X?} holds a secret");
    sw
}

/// Whether `bytes` hold `part`. By its first byte: nearly every response is searched and found clean.
fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return true };
    bytes.iter().enumerate().any(|(at, byte)| byte == first && bytes[at..].starts_with(part))
}
