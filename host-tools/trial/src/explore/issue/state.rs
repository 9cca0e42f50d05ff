//! Where the issuer's side of a card can be, the card that is there, and the host at the other end of its channel.

use super::engine::Rehearsed;
use crate::{
    explore::log::Log,
    journal::Journal,
    model::Place,
    small::{SmallCard, bytes},
};
use card_os::{
    profile::{JPKI, Object},
    scp03::{CRYPTOGRAM, KEY, KeySet},
    sign,
};
use memchr::memmem;
use sim::{
    issuer::{self, Channel, test_keys},
    sample,
};
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::LazyLock,
};

/// EF identifiers of the objects that are written. (card.md §6)
pub(crate) const TOKEN: u8 = 0x06;
/// See [`TOKEN`].
pub(crate) const AVAILABILITY: u8 = 0x08;
/// See [`TOKEN`].
pub(crate) const CERTIFICATE: u8 = 0x0A;
/// See [`TOKEN`].
pub(crate) const PRIVATE_KEY: u8 = 0x17;
/// See [`TOKEN`].
pub(crate) const PIN: u8 = 0x18;

/// What the token information holds, once it is there.
pub(crate) const TOKEN_CONTENT: &[u8] = b"JPKIAPICCTOKEN2";
/// What stands for the certificate.
pub(crate) const CERTIFICATE_CONTENT: &[u8] = &[0x30, 0x03, 0x01, 0x01, 0xFF];
/// The values of the PIN.
pub(crate) const PINS: [&[u8]; 2] = [b"2850", b"7193"];
/// Life cycle phases, as they are coded. (card.md D-58)
pub(crate) const PHASES: [u8; 4] = [0x01, 0x07, 0x0F, 0x7F];
/// Wrong cryptograms that lock the key set. (card.md D-43)
pub(crate) const KEY_SET_TRIES: u8 = 10;

/// Records of the card itself in the journal, as the format's description numbers them.
pub(crate) mod record {
    pub(crate) const PHASE: u16 = 0;
    pub(crate) const KEY_SET: u16 = 1;
    pub(crate) const KEY_SET_TRIES: u16 = 2;
    pub(crate) const SEQUENCE: u16 = 3;
    pub(crate) const OPTIONS: u16 = 5;
}

/// The two keys as they are stored: one is imported, the other is what the card makes.
pub(crate) static KEYS: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| sample::keys().each_ref().map(|key| sign::to_bytes(key).to_vec()));

/// The key sets, number 0 and 1, with their versions.
pub(crate) fn key_set(number: usize) -> (KeySet, u8) {
    match number {
        0 => (test_keys(), 0x01),
        _ => (KeySet::from_bytes(&[0xB7; 3 * KEY]), 0x02),
    }
}

/// How far a secure channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Level {
    /// There is none.
    Closed,
    /// INITIALIZE UPDATE was answered.
    Pending,
    /// Open with MACs of commands alone: not enough for the issuer's acts.
    Weak,
    /// Open with everything.
    Full,
}

/// All that tells two states apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct At {
    /// Whether the JPKI application is current, and not the issuer security domain.
    pub(crate) jpki: bool,
    /// The channel.
    pub(crate) level: Level,
    /// Number of the next block of a private key that is under way; 0 where none is.
    pub(crate) block: u8,
    /// What the memory holds.
    pub(crate) stored: Stored,
    /// A secret is in the memory that is neither in use nor under way.
    pub(crate) leftover: bool,
    /// Wrong cryptograms about which somebody learned that they are wrong, since the tries were last given back. Counted from
    /// outside.
    pub(crate) guesses: u8,
    /// How the log ends.
    pub(crate) log: Log,
    /// What must not be, and is.
    pub(crate) violation: Option<String>,
}

/// What the memory holds, as somebody sees it who can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    /// Life cycle phase, coded.
    pub(crate) phase: u8,
    /// Which key set.
    pub(crate) set: usize,
    /// Its tries.
    pub(crate) tries: u8,
    /// Whether the token information is there.
    pub(crate) token: bool,
    /// Whether the authentication certificate is there.
    pub(crate) certificate: bool,
    /// The authentication key: none, the imported one, the one that the card made.
    pub(crate) key: usize,
    /// The authentication PIN: none, or one of two values.
    pub(crate) pin: usize,
}

impl Stored {
    /// Reads a memory.
    ///
    /// # Errors
    /// What is damaged, or holds what nobody gave it.
    pub(crate) fn of(journal: &Journal<'_>) -> Result<Self, String> {
        let pair = |key: u16| match journal.get(key) {
            Some(&[value, complement]) if value == !complement => Ok(value),
            _ => Err(format!("record {key} is damaged")),
        };
        let phase = pair(record::PHASE)?;
        let set = [0, 1].into_iter().find(|number| {
            let (keys, version) = key_set(*number);
            journal.get(record::KEY_SET).is_some_and(|stored| stored == [&keys.bytes()[..], &[version, 0x70]].concat())
        });
        let written = |number: u8, known: &[&[u8]]| match content(journal, file(number)) {
            None => Ok(0),
            Some(content) => match known.iter().position(|known| *known == content) {
                Some(place) => Ok(place + 1),
                None => Err(format!("EF 00{number:02X} holds what nobody wrote, {} bytes", content.len())),
            },
        };
        let [reference, tries] = [0x01, 0x02].map(|part| journal.get(file(PIN).key(part).0));
        let pin = match (reference, tries) {
            (None, None) => 0,
            (Some(value), Some([0x03, 0xFC])) => {
                1 + PINS.iter().position(|known| *known == value).ok_or("the PIN has a value that nobody gave it")?
            }
            _ => return Err("a PIN without its tries, or tries without a PIN".into()),
        };
        Ok(Stored {
            phase: Some(phase).filter(|phase| PHASES.contains(phase)).ok_or("a phase that does not exist")?,
            set: set.ok_or("a key set that nobody put there")?,
            tries: pair(record::KEY_SET_TRIES)?,
            token: written(TOKEN, &[TOKEN_CONTENT])? > 0,
            certificate: written(CERTIFICATE, &[CERTIFICATE_CONTENT])? > 0,
            key: written(PRIVATE_KEY, &[&KEYS[0], &KEYS[1]])?,
            pin,
        })
    }

    /// Whether holders' commands work.
    pub(crate) fn in_use(&self) -> bool {
        self.phase >= 0x0F
    }

    /// Whether the card may be handed out: the token information, each key with its certificate, no PIN without its key. (decision 3)
    pub(crate) fn is_whole(&self) -> bool {
        self.token && (self.key > 0) == self.certificate && (self.pin == 0 || self.key > 0)
    }
}

/// An object of the JPKI application.
pub(crate) fn file(number: u8) -> &'static Object {
    JPKI.file(u16::from(number)).expect("a row of the table")
}

/// What an object holds: its head names bank and length, the bank has blocks of 240 bytes.
fn content(journal: &Journal<'_>, object: &Object) -> Option<Vec<u8>> {
    let &[bank, high, low] = journal.get(object.key(0x00).0)? else { return Some(Vec::new()) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let mut content = Vec::with_capacity(length);
    for block in 0..length.div_ceil(240) as u8 {
        content.extend_from_slice(journal.get(object.key(bank | block).0).unwrap_or_default());
    }
    Some(content)
}

/// Whether a memory holds a secret that is not in use: a PIN of before, a key of before or one that was not finished, a value that
/// came and was not taken. `block` is where the imported key is, if it is under way.
fn leftover(memory: &[u8], stored: &Stored, block: u8) -> bool {
    let holds = |secret: &[u8]| memmem::find(memory, secret).is_some();
    // The first bytes of p: they are in the second block that comes, number 1.
    let mut keys = (1..=2).filter(|key| stored.key != *key && !(*key == 1 && block > 1));
    let mut pins = (1..=2).filter(|pin| stored.pin != *pin);
    keys.any(|key| holds(&KEYS[key - 1][256..272])) || pins.any(|pin| holds(PINS[pin - 1]))
}

/// The host's end.
#[derive(Debug)]
pub(crate) enum Host {
    /// Nothing agreed.
    Idle,
    /// The card has answered INITIALIZE UPDATE; with what to prove oneself.
    Agreed(Channel, [u8; CRYPTOGRAM]),
    /// Proved.
    Open(Channel),
}

impl Host {
    fn fork(&self) -> Self {
        match self {
            Host::Idle => Host::Idle,
            Host::Agreed(channel, proof) => Host::Agreed(channel.fork(), *proof),
            Host::Open(channel) => Host::Open(channel.fork()),
        }
    }
}

/// A card in a state. Two are the same where they differ in nothing that [`At`] has.
pub(crate) struct State {
    /// The card.
    pub(crate) card: SmallCard<Rehearsed>,
    /// The host.
    pub(crate) host: Host,
    /// Where they are.
    pub(crate) at: At,
}

impl State {
    /// A card in its slot, with power.
    ///
    /// # Errors
    /// What its memory lacks.
    pub(crate) fn started(card: SmallCard<Rehearsed>, guesses: u8) -> Result<Self, String> {
        let (level, block, host) = (Level::Closed, 0, Host::Idle);
        let at = At::of(&card, level, block, guesses)?;
        Ok(State { card, host, at })
    }

    /// The same, with what does not hold.
    pub(crate) fn broken(&self, violation: String) -> Self {
        let mut broken = self.clone();
        broken.at.violation = Some(violation);
        broken
    }

    /// The sequence counter.
    pub(crate) fn sequence(&self) -> Option<[u8; 3]> {
        sequence(&self.card)
    }
}

/// The sequence counter in the memory of a card.
pub(crate) fn sequence(card: &SmallCard<Rehearsed>) -> Option<[u8; 3]> {
    Journal::read(bytes(card))?.get(record::SEQUENCE)?.try_into().ok()
}

impl At {
    /// The state of a card whose channel, key under way and guesses are known.
    ///
    /// # Errors
    /// What its memory lacks.
    pub(crate) fn of(card: &SmallCard<Rehearsed>, level: Level, block: u8, guesses: u8) -> Result<Self, String> {
        let journal = Journal::read(bytes(card)).ok_or("no area of the memory has a header")?;
        if card.session().is_issuer() != (level == Level::Full) {
            return Err(format!(
                "P12: the issuer's acts are open to everybody, or to nobody: the channel is {level:?}"
            ));
        }
        let stored = Stored::of(&journal)?;
        Ok(At {
            jpki: Place::of(card).jpki,
            level,
            block,
            leftover: leftover(bytes(card), &stored, block),
            stored,
            guesses,
            log: Log::of(&journal),
            violation: None,
        })
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        State { card: self.card.fork(), host: self.host.fork(), at: self.at.clone() }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}

/// Data of a data grouping. (card.md D-44)
pub(crate) fn grouping(number: u8, value: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    issuer::grouping(u16::from_be_bytes([0x01, number]), value).expect("short")
}
