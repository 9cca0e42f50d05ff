//! What may happen to the card under exploration.

use super::state::Abstract;
use crate::{explore::walk::Harm, small::SmallCard};
use card_os::{Response, scp03::Level};
use sim::{
    issuer::{Issuer, test_keys},
    reader::{Reader, ReaderError},
    rng::SimRng,
};

/// One of the two PINs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Which {
    /// User authentication PIN, 利用者証明用パスワード.
    Authentication,
    /// Signature password, 署名用パスワード.
    Signature,
}

impl Which {
    /// Both.
    pub(crate) const BOTH: [Which; 2] = [Which::Authentication, Which::Signature];

    /// EF identifier of the PIN object. (card.md §6)
    #[must_use]
    pub(crate) fn file(self) -> u8 {
        [0x18, 0x1B][self as usize]
    }

    /// EF identifier of the key that it opens.
    #[must_use]
    pub(crate) fn key(self) -> u8 {
        [0x17, 0x1A][self as usize]
    }

    /// Tries after issue. (card.md §7.1)
    #[must_use]
    pub(crate) fn max(self) -> u8 {
        [3, 5][self as usize]
    }

    /// The value of an issued card, and one to change it to.
    #[must_use]
    pub(crate) fn values(self) -> [&'static [u8]; 2] {
        [[&b"1234"[..], b"5678"], [b"ABC123", b"XYZ789"]][self as usize]
    }

    /// What never opens it.
    #[must_use]
    pub(crate) fn wrong(self) -> &'static [u8] {
        [&b"0000"[..], b"WRONG0"][self as usize]
    }
}

/// What is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Candidate {
    /// The value in use.
    Right,
    /// Another one.
    Wrong,
    /// The beginning of the value in use.
    Short,
    /// Seventeen bytes.
    Long,
    /// None: the query.
    Empty,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// SELECT of the JPKI application.
    SelectJpki,
    /// SELECT of the issuer security domain.
    SelectDomain,
    /// VERIFY by short EF identifier.
    Verify(Which, Candidate),
    /// VERIFY of a wrong value on whatever EF is current.
    VerifyCurrent,
    /// CHANGE REFERENCE DATA to the value that is not in use.
    Change(Which),
    /// CHANGE REFERENCE DATA to a value of a wrong form.
    ChangeBadly(Which),
    /// COMPUTE DIGITAL SIGNATURE.
    Sign(Which),
    /// READ BINARY of the signature certificate.
    ReadCertificate,
    /// RESET RETRY COUNTER inside the issuer's channel, to the value that is not in use.
    Reset(Which),
    /// Warm reset.
    WarmReset,
    /// Power off and on.
    PowerCycle,
}

impl Act {
    /// Everything.
    pub(crate) fn all() -> impl Iterator<Item = Act> {
        use Candidate::{Empty, Long, Right, Short, Wrong};
        let of_pins = Which::BOTH.into_iter().flat_map(|pin| {
            let verify = [Right, Wrong, Short, Long, Empty].map(|candidate| Act::Verify(pin, candidate));
            verify.into_iter().chain([Act::Change(pin), Act::ChangeBadly(pin), Act::Sign(pin), Act::Reset(pin)])
        });
        let others = [Act::SelectJpki, Act::SelectDomain, Act::VerifyCurrent, Act::ReadCertificate];
        others.into_iter().chain([Act::WarmReset, Act::PowerCycle]).chain(of_pins)
    }

    /// The PIN that may be another one afterwards.
    #[must_use]
    pub(crate) fn pin(self, state: &Abstract) -> Option<Which> {
        match self {
            Act::Verify(pin, _) | Act::Change(pin) | Act::ChangeBadly(pin) | Act::Reset(pin) => Some(pin),
            Act::VerifyCurrent => Which::BOTH.into_iter().find(|pin| state.place.file == Some(pin.file())),
            _ => None,
        }
    }

    /// The command; empty for what is none, or is more than one.
    #[must_use]
    pub(crate) fn command(self, state: &Abstract) -> Vec<u8> {
        let with = |header: [u8; 4], data: &[u8]| [&header[..], &[data.len() as u8], data].concat();
        let sfi = |pin: Which| 0x80 | pin.file();
        match self {
            Act::SelectJpki => with([0x00, 0xA4, 0x04, 0x0C], b"\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01"),
            Act::SelectDomain => vec![0x00, 0xA4, 0x04, 0x0C],
            Act::Verify(pin, Candidate::Empty) => vec![0x00, 0x20, 0x00, sfi(pin)],
            Act::Verify(pin, candidate) => {
                let right = state.value(pin);
                let value = match candidate {
                    Candidate::Right => right,
                    Candidate::Wrong => pin.wrong(),
                    Candidate::Short => &right[..right.len() - 1],
                    Candidate::Long | Candidate::Empty => &[b'1'; 17],
                };
                with([0x00, 0x20, 0x00, sfi(pin)], value)
            }
            Act::VerifyCurrent => with([0x00, 0x20, 0x00, 0x80], b"0000"),
            Act::Change(pin) => with([0x00, 0x24, 0x01, sfi(pin)], state.other_value(pin)),
            Act::ChangeBadly(pin) => with([0x00, 0x24, 0x01, sfi(pin)], b"12*"),
            Act::Sign(pin) => [&with([0x80, 0x2A, 0x00, 0x80 | pin.key()], &[0x30; 51])[..], &[0x00]].concat(),
            Act::ReadCertificate => vec![0x00, 0xB0, 0x81, 0x00, 0x10],
            Act::Reset(_) | Act::WarmReset | Act::PowerCycle => Vec::new(),
        }
    }
}

/// Lets it happen. Gives the card, the status word where there was an answer, and the words written and pages erased.
pub(crate) fn run(act: Act, state: &Abstract, card: SmallCard, harm: Harm) -> (SmallCard, Option<u16>, u64) {
    let mut harmed = Harmed { card, harm, at: if matches!(act, Act::Reset(_)) { 0x2C } else { 0 }, answer: None };
    harmed.card.nvm_mut().disarm();
    harmed.arm(0);
    match act {
        Act::WarmReset => drop(harmed.card.reset()),
        Act::PowerCycle => drop(harmed.card.power_on()),
        Act::Reset(pin) => reset(&mut harmed, pin, state),
        _ => drop(harmed.transmit(&act.command(state))),
    }
    let Harmed { mut card, answer, .. } = harmed;
    let (operations, dead) = (card.nvm().operations(), card.nvm().is_dead());
    if let Harm::Fault(..) = harm {
        card.nvm_mut().inner_mut().set(None);
    }
    (card, answer.filter(|_| !dead), operations)
}

/// What is asked for happens at the counter of a municipality; an answer is the one to RESET RETRY COUNTER.
fn reset(card: &mut Harmed, pin: Which, state: &Abstract) {
    let mut rng = SimRng::seeded(5);
    if let Ok(mut issuer) = Issuer::open(card, &test_keys(), Level::FULL, &mut rng) {
        let _ = issuer.reset_retry_counter(u16::from_be_bytes([0x01, pin.file()]), state.other_value(pin));
    }
}

/// A card whose memory comes to harm during commands with one instruction byte, or during the first.
struct Harmed {
    card: SmallCard,
    harm: Harm,
    /// The instruction byte, 0 for the first command.
    at: u8,
    answer: Option<u16>,
}

impl Harmed {
    fn arm(&mut self, instruction: u8) {
        if instruction != self.at {
            return;
        }
        self.harm.arm(&mut self.card);
    }
}

impl Reader for Harmed {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(self.card.power_on().to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(self.card.reset().to_vec())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.card.power_off();
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        if let Some(instruction) = command.get(1) {
            self.arm(*instruction);
        }
        let mut response = Response::new();
        self.card.transmit(command, &mut response);
        self.answer = response.last_chunk().map(|sw| u16::from_be_bytes(*sw));
        Ok(response.to_vec())
    }
}
