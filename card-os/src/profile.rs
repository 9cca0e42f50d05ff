//! **The table**: which applications and objects the card has, and who may do what with them.
//!
//! SELECT, access checks, store keys, `docs/ACCESS.md` and the fuzz dictionary are all derived from these rows. What a row
//! does not list is [`Rule::Never`]. Each row names the section of the card specification it rests on.

use crate::store::Key;

/// What somebody may want to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// READ BINARY, GET DATA.
    Read,
    /// VERIFY and the try-counter query.
    Verify,
    /// CHANGE REFERENCE DATA.
    Change,
    /// COMPUTE DIGITAL SIGNATURE.
    Sign,
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
    /// Who has verified the PIN object with this EF identifier in this session.
    Pin(u8),
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
    /// Exactly four ASCII digits.
    FourDigits,
    /// Six to sixteen ASCII characters of `0-9` and `A-Z`.
    Password,
}

impl PinFormat {
    /// Whether `value` may become the reference data.
    #[must_use]
    pub fn accepts(self, value: &[u8]) -> bool {
        match self {
            PinFormat::FourDigits => value.len() == 4 && value.iter().all(u8::is_ascii_digit),
            PinFormat::Password => {
                (6..=16).contains(&value.len()) && value.iter().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            }
        }
    }
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Transparent EF of a fixed size; bytes never written read as 00.
    File {
        /// Size in bytes.
        capacity: u16,
    },
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
        certificate: u8,
    },
    /// PIN object.
    Pin {
        /// Tries after issue, change, reset and every right value.
        tries: u8,
        /// Values it takes.
        format: PinFormat,
    },
    /// Exists and can be selected; everything else is refused. (card.md D-20)
    Internal,
}

/// One object: an EF, key, PIN or data object.
#[derive(Debug, PartialEq, Eq)]
pub struct Object {
    /// Number of its application.
    pub application: u8,
    /// Low byte of the EF identifier 0001–001E, which is also its SFI; a running number for data objects.
    pub number: u8,
    /// English name.
    pub name: &'static str,
    /// Japanese name where the service has one.
    pub japanese: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Rules before issue.
    pub personalising: Rules,
    /// Rules from issue on.
    pub in_use: Rules,
    /// Section of the card specification.
    pub source: &'static str,
}

impl Object {
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

    /// The certificate that belongs to this private key.
    #[must_use]
    pub fn certificate(&self) -> Option<&'static Object> {
        match self.kind {
            Kind::PrivateKey { certificate } => by_grouping(u16::from_be_bytes([self.application, certificate])),
            _ => None,
        }
    }

    /// The private key that signs after this PIN object was verified.
    #[must_use]
    pub fn opened_key(&self) -> Option<&'static Object> {
        let opened = |object: &&'static Object| object.rule(Operation::Sign, Phase::Issued) == Rule::Pin(self.number);
        let own = APPLICATIONS.iter().find(|application| application.number == self.application)?;
        own.objects.iter().find(opened)
    }

    /// Bit of this object in the session's security status.
    #[must_use]
    pub const fn bit(&self) -> u32 {
        1 << (self.number & 0x1F)
    }

    /// Store key of one part of this object: three bits application, five bits number, eight bits part.
    #[must_use]
    pub const fn key(&self, part: u8) -> Key {
        Key(u16::from_be_bytes([(self.application << 5) | (self.number & 0x1F), part]))
    }
}

/// One application.
#[derive(Debug)]
pub struct Application {
    /// Running number; 0 is the issuer security domain.
    pub number: u8,
    /// English name.
    pub name: &'static str,
    /// Japanese name.
    pub japanese: &'static str,
    /// DF name.
    pub aid: &'static [u8],
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
}

impl PartialEq for Application {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Finds an object by its data grouping identifier.
#[must_use]
pub fn by_grouping(grouping: u16) -> Option<&'static Object> {
    APPLICATIONS.iter().flat_map(|application| application.objects).find(|object| object.grouping() == grouping)
}

/// The issuer security domain, current after power-up.
pub static ISD: Application = Application {
    number: 0,
    name: "issuer security domain",
    japanese: "カードマネージャ",
    aid: &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00],
    objects: ISD_OBJECTS,
};

/// The public certification application.
pub static JPKI: Application = Application {
    number: 1,
    name: "JPKI",
    japanese: "公的個人認証AP",
    aid: &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01],
    objects: JPKI_OBJECTS,
};

/// Every application in the order of occurrence: names sorted bytewise. (card.md D-04)
pub static APPLICATIONS: [&Application; 2] = [&ISD, &JPKI];

/// EF identifier of the user authentication PIN.
pub const AUTHENTICATION_PIN: u8 = 0x18;
/// EF identifier of the signature password.
pub const SIGNATURE_PASSWORD: u8 = 0x1B;

const WRITE: Rules = &[(Operation::Put, Rule::Issuer)];
const FREE: Rules = &[(Operation::Read, Rule::Free), (Operation::Put, Rule::Issuer)];
const AFTER_PASSWORD: Rules = &[(Operation::Read, Rule::Pin(SIGNATURE_PASSWORD)), (Operation::Put, Rule::Issuer)];
const KEY_WRITE: Rules = &[(Operation::Put, Rule::Issuer), (Operation::Generate, Rule::Issuer)];
const SIGNATURE_KEY: Rules = &[
    (Operation::Sign, Rule::Pin(SIGNATURE_PASSWORD)),
    (Operation::Put, Rule::Issuer),
    (Operation::Generate, Rule::Issuer),
];
const AUTHENTICATION_KEY: Rules = &[
    (Operation::Sign, Rule::Pin(AUTHENTICATION_PIN)),
    (Operation::Put, Rule::Issuer),
    (Operation::Generate, Rule::Issuer),
];
const PIN_WRITE: Rules = &[(Operation::Put, Rule::Issuer), (Operation::Reset, Rule::Issuer)];
const NOTHING: Rules = &[];

const fn file(
    number: u8,
    name: &'static str,
    japanese: &'static str,
    capacity: u16,
    in_use: Rules,
    source: &'static str,
) -> Object {
    let personalising = if in_use.is_empty() { NOTHING } else { WRITE };
    Object { application: 1, number, name, japanese, kind: Kind::File { capacity }, personalising, in_use, source }
}

const fn internal(number: u8, name: &'static str, source: &'static str) -> Object {
    Object {
        application: 1,
        number,
        name,
        japanese: "",
        kind: Kind::Internal,
        personalising: NOTHING,
        in_use: NOTHING,
        source,
    }
}

const fn data_object(number: u8, tag: u16, name: &'static str, capacity: u16) -> Object {
    Object {
        application: 0,
        number,
        name,
        japanese: "",
        kind: Kind::DataObject { tag, capacity },
        personalising: FREE,
        in_use: FREE,
        source: "§11, D-40",
    }
}

const ISD_OBJECTS: &[Object] = &[
    data_object(0x01, 0x0042, "issuer identification", 16),
    data_object(0x02, 0x0045, "card identification number", 15),
    data_object(0x03, 0x00F0, "municipality code", 5),
    data_object(0x04, 0x00F2, "card expiry", 8),
    data_object(0x05, 0x00F7, "key id of the intermediate", 16),
    data_object(0x06, 0x00F8, "card-verifiable certificate of the intermediate", 575),
    data_object(0x07, 0x7F21, "card-verifiable certificate of the next key", 575),
];

const JPKI_OBJECTS: &[Object] = &[
    file(0x01, "signature certificate", "署名用電子証明書", 3072, AFTER_PASSWORD, "§6, §6.3, D-18"),
    file(0x02, "signature CA certificate", "署名用認証局の自己署名証明書", 1900, FREE, "§6, §6.3, D-18"),
    file(0x05, "unknown file", "", 0, NOTHING, "§6, D-20"),
    file(0x06, "token information", "", 160, FREE, "§6.1, D-21"),
    file(0x08, "certificate availability", "", 3, FREE, "§6.2, D-22"),
    file(0x09, "unknown file", "", 0, NOTHING, "§6, D-20"),
    file(0x0A, "user authentication certificate", "利用者証明用電子証明書", 1900, FREE, "§6, §6.3, D-18"),
    file(
        0x0B,
        "user authentication CA certificate",
        "利用者証明用認証局の自己署名証明書",
        1900,
        FREE,
        "§6, §6.3, D-18",
    ),
    internal(0x10, "unknown key", "§6, D-20"),
    internal(0x16, "terminal CA key reference", "§6, §12, D-20"),
    Object {
        application: 1,
        number: 0x17,
        name: "user authentication private key",
        japanese: "利用者証明用秘密鍵",
        kind: Kind::PrivateKey { certificate: 0x0A },
        personalising: KEY_WRITE,
        in_use: AUTHENTICATION_KEY,
        source: "§6, §8",
    },
    Object {
        application: 1,
        number: AUTHENTICATION_PIN,
        name: "user authentication PIN",
        japanese: "利用者証明用暗証番号",
        kind: Kind::Pin { tries: 3, format: PinFormat::FourDigits },
        personalising: PIN_WRITE,
        in_use: &[
            (Operation::Verify, Rule::Free),
            (Operation::Change, Rule::Pin(AUTHENTICATION_PIN)),
            (Operation::Put, Rule::Issuer),
            (Operation::Reset, Rule::Issuer),
        ],
        source: "§6, §7.1",
    },
    internal(0x19, "unknown", "§6, D-20"),
    Object {
        application: 1,
        number: 0x1A,
        name: "signature private key",
        japanese: "署名用秘密鍵",
        kind: Kind::PrivateKey { certificate: 0x01 },
        personalising: KEY_WRITE,
        in_use: SIGNATURE_KEY,
        source: "§6, §8",
    },
    Object {
        application: 1,
        number: SIGNATURE_PASSWORD,
        name: "signature password",
        japanese: "署名用暗証番号",
        kind: Kind::Pin { tries: 5, format: PinFormat::Password },
        personalising: PIN_WRITE,
        in_use: &[
            (Operation::Verify, Rule::Free),
            (Operation::Change, Rule::Pin(SIGNATURE_PASSWORD)),
            (Operation::Put, Rule::Issuer),
            (Operation::Reset, Rule::Issuer),
        ],
        source: "§6, §7.1",
    },
    internal(0x1C, "unknown", "§6, D-20"),
    internal(0x1E, "unknown", "§6, D-20"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn store_keys_and_groupings_are_unique() {
        let all: Vec<&Object> = APPLICATIONS.iter().flat_map(|a| a.objects).collect();
        for (i, one) in all.iter().enumerate() {
            assert!((0x01..=0x1E).contains(&one.number), "{}: SFI out of range", one.name);
            for other in &all[..i] {
                assert_ne!(one.key(0), other.key(0));
                assert_ne!(one.grouping(), other.grouping());
            }
        }
    }

    #[test]
    fn names_are_sorted_for_the_order_of_occurrence() {
        assert!(APPLICATIONS.windows(2).all(|pair| pair[0].aid < pair[1].aid));
    }

    #[test]
    fn an_invalid_card_is_not_written() {
        for object in APPLICATIONS.iter().flat_map(|a| a.objects) {
            for operation in [Operation::Put, Operation::Generate, Operation::Reset] {
                assert_eq!(object.rule(operation, Phase::Invalid), Rule::Never);
            }
        }
    }
}
