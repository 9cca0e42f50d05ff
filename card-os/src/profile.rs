//! **The table**: which applications and objects a card has, and who may do what with them.
//!
//! SELECT, access checks, store keys, `docs/ACCESS.md` and the fuzz dictionary are all derived from these rows. What a row
//! does not list is [`Rule::Never`]. Each row names the section of the card specification it rests on. The rows of one
//! application stand in a file of their own; a [`Model`] says which applications one kind of card has.

mod check;
mod common;
mod face;
mod isd;
mod jpki;
mod juki;
mod model;
mod text;
mod words;

pub use common::COMMON;
pub use face::FACE;
pub use isd::ISD;
pub use jpki::{
    ANDROID_JPKI, AUTHENTICATION_PIN, AVAILABILITY, JPKI, JUKI_CARD_JPKI, SIGNATURE_KEY, SIGNATURE_PASSWORD,
    TOKEN_INFORMATION,
};
pub use juki::JUKI;
pub use model::Model;
pub use text::TEXT;
pub use words::Words;

use crate::store::Key;
use words::words;

/// What somebody may want to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// READ BINARY, READ RECORD, GET DATA.
    Read,
    /// VERIFY and the try-counter query.
    Verify,
    /// CHANGE REFERENCE DATA, CHANGE KEY.
    Change,
    /// COMPUTE DIGITAL SIGNATURE.
    Sign,
    /// INTERNAL AUTHENTICATE.
    Authenticate,
    /// SET SESSION KEY.
    Decipher,
    /// STORE DATA.
    Put,
    /// GENERATE ASYMMETRIC KEY PAIR.
    Generate,
    /// RESET RETRY COUNTER.
    Reset,
}

/// Who may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nobody.
    Never,
    /// Anybody.
    Free,
    /// Who has verified one of the PIN objects with these EF identifiers in this session.
    Pins(&'static [u8]),
    /// The issuer, inside a secure channel with C-MAC and C-DECRYPTION.
    Issuer,
}

/// The rules of one object in one phase; what is not listed is [`Rule::Never`].
pub type Rules = &'static [(Operation, Rule)];

/// Life cycle of the card, coded as GlobalPlatform codes the ISD's. It only goes forward, step by step. (card.md D-58)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// No holder: objects are being written.
    Blank = 0x01,
    /// Every object is there; not handed out yet.
    Personalised = 0x07,
    /// With its holder.
    Issued = 0x0F,
    /// Returned or declared invalid: still answers, can no longer be written.
    Invalid = 0x7F,
}

impl Phase {
    /// Reads the byte that stands in memory and in SET STATUS.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Phase::Blank, Phase::Personalised, Phase::Issued, Phase::Invalid]
            .into_iter()
            .find(|phase| *phase as u8 == byte)
    }

    /// The phase that follows.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Phase::Blank => Some(Phase::Personalised),
            Phase::Personalised => Some(Phase::Issued),
            Phase::Issued => Some(Phase::Invalid),
            Phase::Invalid => None,
        }
    }

    /// Whether the holder's commands work.
    #[must_use]
    pub const fn in_use(self) -> bool {
        matches!(self, Phase::Issued | Phase::Invalid)
    }
}

/// What values a PIN object takes in CHANGE, STORE DATA and RESET RETRY COUNTER. (card.md §7.1, D-29)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFormat {
    /// Exactly so many ASCII digits.
    Digits(usize),
    /// So many to sixteen ASCII characters of `0-9` and `A-Z`.
    Password {
        /// Least number of characters.
        least: usize,
    },
}

impl PinFormat {
    /// Whether `value` may become the reference data.
    #[must_use]
    pub fn accepts(self, value: &[u8]) -> bool {
        match self {
            PinFormat::Digits(count) => value.len() == count && value.iter().all(u8::is_ascii_digit),
            PinFormat::Password { least } => {
                (least..=16).contains(&value.len())
                    && value.iter().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            }
        }
    }
}

/// How large a transparent EF is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many bytes; those never written read as 00.
    Fixed(u16),
    /// As many bytes as the issuer wrote, at most so many.
    Written(u16),
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Transparent EF.
    File(Size),
    /// EF of simple-TLV records, at most so many bytes in all.
    Records(u16),
    /// Data object of the card manager, answered by GET DATA.
    DataObject {
        /// Its tag.
        tag: u16,
        /// Most bytes it can hold.
        capacity: u16,
    },
    /// RSA-2048 private key.
    PrivateKey {
        /// EF identifier of the certificate that belongs to it; one without the other is never issued.
        certificate: Option<u8>,
    },
    /// RSA-2048 public key that the card checks signatures with: `90 03 01 00 01 91 82 01 00 ‖ n`. To the outside it is
    /// internal.
    PublicKey,
    /// PIN object.
    Pin {
        /// Tries after issue, change, reset and every right value; 0 for one that arrives blocked and stays so.
        tries: u8,
        /// Values it takes.
        format: PinFormat,
    },
    /// Exists and can be selected; everything else is refused. (card.md D-20)
    Internal,
}

/// One object: an EF, key, PIN or data object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Number of its application.
    pub application: u8,
    /// Low byte of the EF identifier 0001–001E, which is also its SFI; a running number for data objects.
    pub number: u8,
    /// English name.
    pub name: Words,
    /// Japanese name where the service has one.
    pub japanese: Words,
    /// What it is.
    pub kind: Kind,
    /// Rules before issue.
    pub personalising: Rules,
    /// Rules from issue on.
    pub in_use: Rules,
    /// Section of the card specification.
    pub source: Words,
    /// Check value of all this but names and source.
    check: u32,
}

impl Object {
    /// A row without rules: nobody may do anything.
    const fn new(
        application: u8,
        number: u8,
        kind: Kind,
        (name, japanese): (&'static str, &'static str),
        source: &'static str,
    ) -> Self {
        let (name, japanese, source) = (words(name), words(japanese), words(source));
        let (personalising, in_use) = (NOTHING, NOTHING);
        Object { application, number, name, japanese, kind, personalising, in_use, source, check: 0 }.checked()
    }

    /// The row with these rules.
    const fn with(mut self, personalising: Rules, in_use: Rules) -> Self {
        self.personalising = personalising;
        self.in_use = in_use;
        self.checked()
    }

    /// The row with its check value.
    const fn checked(mut self) -> Self {
        self.check = self.sum();
        self
    }

    /// The rule for `operation` in `phase`.
    #[must_use]
    pub fn rule(&self, operation: Operation, phase: Phase) -> Rule {
        let rules = if phase.in_use() { self.in_use } else { self.personalising };
        let rule = rules.iter().find(|(listed, _)| *listed == operation).map_or(Rule::Never, |(_, rule)| *rule);
        match (rule, phase) {
            (Rule::Issuer, Phase::Invalid) => Rule::Never,
            (rule, _) => rule,
        }
    }

    /// Data grouping identifier, the object's name in the issuer channel: application ‖ EF identifier, or the tag.
    #[must_use]
    pub const fn grouping(&self) -> u16 {
        match self.kind {
            Kind::DataObject { tag, .. } => tag,
            _ => u16::from_be_bytes([self.application, self.number]),
        }
    }

    /// EF identifier of the certificate that belongs to this private key.
    #[must_use]
    pub const fn certificate(&self) -> Option<u8> {
        match self.kind {
            Kind::PrivateKey { certificate } => certificate,
            _ => None,
        }
    }

    /// Whether this PIN object compares what is printed on the face: nobody but the issuer gives it a value. (card.md §7.1)
    #[must_use]
    pub fn is_printed(&self) -> bool {
        matches!(self.kind, Kind::Pin { .. }) && self.rule(Operation::Change, Phase::Issued) == Rule::Never
    }

    /// Bit of this object in the session's security status.
    #[must_use]
    pub const fn bit(&self) -> u32 {
        1 << (self.number & 0x1F)
    }

    /// Store key of one part of this object.
    #[must_use]
    pub const fn key(&self, part: u8) -> Key {
        self.sibling_key(self.number, part)
    }

    /// Store key of one part of another object of its application: three bits application, five bits number, eight bits
    /// part.
    #[must_use]
    pub const fn sibling_key(&self, number: u8, part: u8) -> Key {
        Key(u16::from_be_bytes([(self.application << 5) | (number & 0x1F), part]))
    }
}

/// Which command gives a PIN of the application a new value; the other one is refused. (card.md §5.4, D-30)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// CHANGE REFERENCE DATA `00 24 01`.
    ReferenceData,
    /// CHANGE KEY `80 32 00`.
    Key,
}

/// What SET SESSION KEY does in an application. (card.md §13)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKey {
    /// No security status is enough for it.
    Refused,
    /// No key delivery is configured.
    Unconfigured,
    /// The key is delivered under the private key with this EF identifier.
    Delivered(u8),
}

/// One application.
#[derive(Debug)]
pub struct Application {
    /// Running number; 0 is the issuer security domain.
    pub number: u8,
    /// English name.
    pub name: Words,
    /// Japanese name.
    pub japanese: Words,
    /// DF name.
    pub aid: &'static [u8],
    /// How its PINs are changed.
    pub change: Change,
    /// EF identifier of the key that COMPUTE DIGITAL SIGNATURE takes with P2 = 00. (card.md §8.1)
    pub default_key: Option<u8>,
    /// What SET SESSION KEY does.
    pub session_key: SessionKey,
    /// Its objects.
    pub objects: &'static [Object],
}

impl Application {
    /// The EF with this identifier.
    #[must_use]
    pub fn file(&self, identifier: u16) -> Option<&'static Object> {
        self.objects
            .iter()
            .filter(|object| !matches!(object.kind, Kind::DataObject { .. }))
            .find(|object| u16::from(object.number) == identifier)
    }

    /// The data object with this tag.
    #[must_use]
    pub fn data_object(&self, wanted: u16) -> Option<&'static Object> {
        self.objects.iter().find(|object| matches!(object.kind, Kind::DataObject { tag, .. } if tag == wanted))
    }

    /// The private key that signs after this PIN object was verified.
    #[must_use]
    pub fn opened_key(&self, pin: u8) -> Option<&'static Object> {
        self.objects.iter().find(
            |object| matches!(object.rule(Operation::Sign, Phase::Issued), Rule::Pins(pins) if pins.contains(&pin)),
        )
    }
}

impl PartialEq for Application {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

const NOTHING: Rules = &[];
const WRITE: Rules = &[(Operation::Put, Rule::Issuer)];
const FREE: Rules = &[(Operation::Read, Rule::Free), (Operation::Put, Rule::Issuer)];
const KEY_WRITE: Rules = &[(Operation::Put, Rule::Issuer), (Operation::Generate, Rule::Issuer)];
const FREE_SIGNATURE: Rules =
    &[(Operation::Sign, Rule::Free), (Operation::Put, Rule::Issuer), (Operation::Generate, Rule::Issuer)];
const PIN_WRITE: Rules = &[(Operation::Put, Rule::Issuer), (Operation::Reset, Rule::Issuer)];

/// A PIN of the holder: anybody may try it, who has verified it may change it, the issuer may reset it.
const fn holders_pin<const NUMBER: u8>(
    application: u8,
    tries: u8,
    format: PinFormat,
    names: (&'static str, &'static str),
    source: &'static str,
) -> Object {
    let rules = const {
        &[
            (Operation::Verify, Rule::Free),
            (Operation::Change, Rule::Pins(&[NUMBER])),
            (Operation::Put, Rule::Issuer),
            (Operation::Reset, Rule::Issuer),
        ]
    };
    Object::new(application, NUMBER, Kind::Pin { tries, format }, names, source).with(PIN_WRITE, rules)
}

/// A value from the printed face as reference data: nobody but the issuer changes it. (card.md §7.1, D-30)
const fn printed(
    application: u8,
    number: u8,
    digits: usize,
    names: (&'static str, &'static str),
    source: &'static str,
) -> Object {
    Object::new(application, number, Kind::Pin { tries: 10, format: PinFormat::Digits(digits) }, names, source).with(
        PIN_WRITE,
        &[(Operation::Verify, Rule::Free), (Operation::Put, Rule::Issuer), (Operation::Reset, Rule::Issuer)],
    )
}

/// An EF whose purpose is unknown and that nothing opens. (card.md D-20)
const fn internal(application: u8, number: u8, source: &'static str) -> Object {
    Object::new(application, number, Kind::Internal, ("unknown", ""), source)
}

#[cfg(all(test, feature = "names"))]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn store_keys_and_groupings_are_unique() {
        for model in Model::ALL {
            let all: Vec<&Object> = model.objects().collect();
            for (i, one) in all.iter().enumerate() {
                assert!((0x01..=0x1E).contains(&one.number), "{}: SFI out of range", one.name);
                for other in &all[..i] {
                    assert_ne!(one.key(0), other.key(0));
                    assert_ne!(one.grouping(), other.grouping());
                }
            }
        }
    }

    #[test]
    fn rows_stand_in_the_application_they_name() {
        for application in Model::ALL.into_iter().flat_map(|model| model.applications) {
            assert!(application.objects.iter().all(|object| object.application == application.number));
            assert!(application.default_key.is_none_or(|key| application.file(u16::from(key)).is_some()));
        }
    }

    #[test]
    fn names_are_sorted_for_the_order_of_occurrence() {
        for model in Model::ALL {
            assert!(model.applications.windows(2).all(|pair| pair[0].aid < pair[1].aid));
        }
    }

    #[test]
    fn an_invalid_card_is_not_written() {
        for object in Model::ALL.into_iter().flat_map(Model::objects) {
            for operation in [Operation::Put, Operation::Generate, Operation::Reset] {
                assert_eq!(object.rule(operation, Phase::Invalid), Rule::Never);
            }
        }
    }
}
