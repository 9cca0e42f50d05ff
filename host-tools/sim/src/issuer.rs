//! The issuer's end of the secure channel: what a card maker and a municipal counter do to a card.
//!
//! Derivations are those of [`card_os::scp03`]; protecting commands and checking responses is written here, apart from the
//! card, and both ends are held against another vendor's recorded exchanges.

mod channel;

pub use channel::{Agreed, Channel};

use crate::reader::{Reader, ReaderError};
use apdu::{
    Command, Response, Sw,
    tlv::{Rules, ber},
};
use card_os::{
    profile::{ISD, Phase},
    scp03::{self, CHALLENGE, KEY, KeySet, Level, Secret16},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// The test key set that GlobalPlatform examples use. **Published: it protects nothing.** A card that carries it can be
/// rewritten by anybody.
pub const TEST_KEY: [u8; KEY] =
    [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];

/// Bytes of a data grouping in one STORE DATA command: short APDU, MAC and padding leave room for it.
pub const CHUNK: usize = 224;

/// The published test key set, three times the same key.
#[must_use]
pub fn test_keys() -> KeySet {
    let mut bytes = [0; 3 * KEY];
    for (slot, byte) in bytes.iter_mut().zip(TEST_KEY.iter().cycle()) {
        *slot = *byte;
    }
    KeySet::from_bytes(&bytes)
}

/// A card's own key set from a master key and the key diversification data that the card tells in INITIALIZE UPDATE: the
/// SP 800-108 derivation of the channel itself, constants E1 to E3, which the protocol does not use.
#[must_use]
pub fn diversify(master: &Secret16, diversification: &[u8; 10]) -> KeySet {
    let mut bytes = Zeroizing::new([0; 3 * KEY]);
    for (constant, slot) in (0xE1..=0xE3).zip(bytes.chunks_exact_mut(KEY)) {
        slot.copy_from_slice(scp03::derive(master, constant, 0x80, &[diversification, b"JITSUIN TEST"]).as_ref());
    }
    KeySet::from_bytes(&bytes)
}

/// Why an issuer's act was not done.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// Between program and card.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card's own word.
    #[error("{command}: the card answered {sw}{}", hint(*sw))]
    Refused {
        /// What was asked.
        command: &'static str,
        /// The status word.
        sw: Sw,
    },
    /// The card did not prove that it knows the keys.
    #[error("the card does not know these issuer keys; no command was sent under them")]
    WrongKeys,
    /// A protected answer did not hold.
    #[error("{0}: the answer's protection is wrong; open the channel again")]
    Tampered(&'static str),
    /// Something that no card of this kind says.
    #[error("{command}: {what}")]
    Malformed {
        /// What was asked.
        command: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// What the words of the issuer channel ask for.
fn hint(sw: Sw) -> &'static str {
    match sw {
        Sw::SECURITY_STATUS_NOT_SATISFIED => "; the channel is not open, or this object is not written in this phase",
        Sw::BLOCKED => "; the issuer key set is locked for good after ten wrong cryptograms",
        Sw::CONDITIONS_NOT_SATISFIED => {
            "; the life cycle goes forward step by step, and only with every key beside its certificate"
        }
        Sw::WRONG_DATA => "; the content does not fit the object",
        Sw::MEMORY_FAILURE => "; the card's memory failed or is full",
        _ => "",
    }
}

fn malformed(command: &'static str, what: impl Into<String>) -> IssuerError {
    IssuerError::Malformed { command, what: what.into() }
}

/// What a card tells about its issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Life cycle phase.
    pub phase: Phase,
    /// Data grouping identifiers of the objects, and whether each is stored.
    pub objects: Vec<(u16, bool)>,
}

impl Status {
    /// Whether the object is there, whole.
    #[must_use]
    pub fn is_stored(&self, grouping: u16) -> bool {
        self.objects.contains(&(grouping, true))
    }
}

/// An open channel to the card in a reader.
pub struct Issuer<'r> {
    reader: &'r mut dyn Reader,
    channel: Channel,
    dek: Secret16,
    version: u8,
}

impl<'r> Issuer<'r> {
    /// Selects the ISD and opens a channel with mutual authentication.
    ///
    /// # Errors
    /// [`IssuerError::WrongKeys`] before anything was tried against the card's counter; [`IssuerError::Refused`].
    pub fn open(
        reader: &'r mut dyn Reader,
        keys: &KeySet,
        level: Level,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, IssuerError> {
        plain(reader, "SELECT ISD", &Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(ISD.aid))?;
        let mut host = [0; CHALLENGE];
        rng.fill_bytes(&mut host);
        let update = Command::new(0x80, 0x50, 0x00, 0x00).with_data(&host).with_ne(256);
        let answer = plain(reader, "INITIALIZE UPDATE", &update)?;
        let Agreed { channel, proof, version, .. } = Channel::agree(keys, &host, &answer)?;
        let mut issuer = Issuer { reader, channel, dek: Secret16::new(*keys.dek.as_ref()), version };
        issuer.transmit("EXTERNAL AUTHENTICATE", Command::new(0x84, 0x82, level.p1(), 0x00).with_data(&proof))?;
        issuer.channel.raise(level);
        Ok(issuer)
    }

    /// Sends one command under the channel's protection and opens the answer. CLA is taken as 84.
    ///
    /// # Errors
    /// [`IssuerError`]; after [`IssuerError::Tampered`] the channel is of no use.
    pub fn transmit(&mut self, name: &'static str, command: Command<'_>) -> Result<Vec<u8>, IssuerError> {
        let (mut answer, sw) = exchange(self.reader, name, &self.channel.wrap(command)?)?;
        if sw != Sw::SUCCESS {
            return Err(IssuerError::Refused { command: name, sw });
        }
        self.channel.open_answer(name, &mut answer, sw)?;
        Ok(answer)
    }

    /// Writes one object: a data grouping in as many STORE DATA commands as it takes.
    ///
    /// # Errors
    /// [`IssuerError::Refused`]; the object is then what it was.
    pub fn store(&mut self, grouping: u16, value: &[u8]) -> Result<(), IssuerError> {
        let bytes = self::grouping(grouping, value)?;
        let mut blocks = (0u8..=255).cycle().zip(bytes.chunks(CHUNK)).peekable();
        while let Some((block, chunk)) = blocks.next() {
            let p1 = if blocks.peek().is_some() { 0x08 } else { 0x88 };
            self.transmit("STORE DATA", Command::new(0x84, 0xE2, p1, block).with_data(chunk))?;
        }
        Ok(())
    }

    /// Lets the card make a key pair. Gives the modulus, 256 bytes.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn generate_key(&mut self, grouping: u16) -> Result<[u8; 256], IssuerError> {
        const NAME: &str = "GENERATE ASYMMETRIC KEY PAIR";
        let [high, low] = grouping.to_be_bytes();
        let data = [0xB6, 0x04, 0x83, 0x02, high, low];
        let answer = self.transmit(NAME, Command::new(0x84, 0x46, 0x80, 0x00).with_data(&data).with_ne(65_536))?;
        let key = find(NAME, &answer, 0x7F49)?;
        if find(NAME, key, 0x82)? != [0x01, 0x00, 0x01] {
            return Err(malformed(NAME, "the public exponent is not 65537"));
        }
        find(NAME, key, 0x81)?.try_into().map_err(|_| malformed(NAME, "the modulus has not 2048 bits"))
    }

    /// Gives a PIN object a new value and all its tries.
    ///
    /// # Errors
    /// [`IssuerError::Refused`] with `6A80` for a value that breaks the object's format.
    pub fn reset_retry_counter(&mut self, grouping: u16, value: &[u8]) -> Result<(), IssuerError> {
        let data = self::grouping(grouping, value)?;
        self.transmit("RESET RETRY COUNTER", Command::new(0x84, 0x2C, 0x02, 0x00).with_data(&data)).map(drop)
    }

    /// Replaces the issuer key set. The channel goes on under the old session keys.
    ///
    /// # Errors
    /// [`IssuerError`]; the card's own check values are compared.
    pub fn put_key(&mut self, version: u8, new: &KeySet) -> Result<(), IssuerError> {
        const NAME: &str = "PUT KEY";
        let (data, expected) = key_data(&self.dek, version, new);
        let command = Command::new(0x84, 0xD8, self.version, 0x81).with_data(&data).with_ne(256);
        if self.transmit(NAME, command)? != expected {
            return Err(malformed(NAME, "the card answers other key check values"));
        }
        self.version = version;
        self.dek = Secret16::new(*new.dek.as_ref());
        Ok(())
    }

    /// Takes the life cycle from where it is to *issued*: the card is its holder's.
    ///
    /// # Errors
    /// As [`Issuer::set_status`].
    pub fn hand_out(&mut self) -> Result<(), IssuerError> {
        if self.status()?.phase == Phase::Blank {
            self.set_status(Phase::Personalised)?;
        }
        self.set_status(Phase::Issued)
    }

    /// Moves the life cycle to its next phase.
    ///
    /// # Errors
    /// [`IssuerError::Refused`] with `6985` for any other phase, or a card that is not whole.
    pub fn set_status(&mut self, phase: Phase) -> Result<(), IssuerError> {
        self.transmit("SET STATUS", Command::new(0x84, 0xF0, 0x80, phase as u8)).map(drop)
    }

    /// Phase and stored objects.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn status(&mut self) -> Result<Status, IssuerError> {
        const NAME: &str = "GET STATUS";
        let command = Command::new(0x84, 0xF2, 0x80, 0x02).with_data(&[0x4F, 0x00]).with_ne(256);
        let answer = self.transmit(NAME, command)?;
        let entry = find(NAME, &answer, 0xE3)?;
        let phase = match find(NAME, entry, 0x9F70)? {
            &[phase] => Phase::from_byte(phase),
            _ => None,
        };
        let objects = find(NAME, entry, 0xDF20)?;
        let (objects, []) = objects.as_chunks::<3>() else {
            return Err(malformed(NAME, "the object list is cut off"));
        };
        let objects =
            objects.iter().map(|&[high, low, stored]| (u16::from_be_bytes([high, low]), stored == 1)).collect();
        Ok(Status { phase: phase.ok_or_else(|| malformed(NAME, "unknown life cycle phase"))?, objects })
    }
}

/// Data of PUT KEY, and what the card answers to it: version and key check values.
#[must_use]
pub fn key_data(dek: &Secret16, version: u8, new: &KeySet) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut expected) = (vec![version], vec![version]);
    for key in [&new.enc, &new.mac, &new.dek] {
        let check = scp03::key_check_value(key);
        data.extend_from_slice(&[0x88, 0x11, 0x10]);
        data.extend_from_slice(&scp03::encrypt_key(dek, key));
        data.push(0x03);
        data.extend_from_slice(&check);
        expected.extend_from_slice(&check);
    }
    (data, expected)
}

/// A data grouping: identifier, length and value.
///
/// # Errors
/// [`IssuerError::Malformed`] for a value that no length tells.
pub fn grouping(identifier: u16, value: &[u8]) -> Result<Zeroizing<Vec<u8>>, IssuerError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(5 + value.len()));
    bytes.extend_from_slice(&identifier.to_be_bytes());
    match u8::try_from(value.len()) {
        Ok(length) if length != 0xFF => bytes.push(length),
        _ => {
            let length = u16::try_from(value.len())
                .map_err(|_| malformed("STORE DATA", format!("{} bytes are too many for one object", value.len())))?;
            bytes.push(0xFF);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(value);
    Ok(bytes)
}

fn find<'a>(name: &'static str, bytes: &'a [u8], tag: u32) -> Result<&'a [u8], IssuerError> {
    match ber::find(bytes, ber::Tag(tag), Rules::Strict) {
        Ok(Some(object)) => Ok(object.value),
        Ok(None) => Err(malformed(name, format!("no data object {tag:X} in the answer"))),
        Err(error) => Err(malformed(name, error.to_string())),
    }
}

fn encode(name: &'static str, command: &Command<'_>) -> Result<Zeroizing<Vec<u8>>, IssuerError> {
    let mut bytes = Zeroizing::new(vec![0; command.encoded_len()]);
    command.encode(&mut bytes).map_err(|error| malformed(name, error.to_string()))?;
    Ok(bytes)
}

fn exchange(reader: &mut dyn Reader, name: &'static str, command: &[u8]) -> Result<(Vec<u8>, Sw), IssuerError> {
    let answer = reader.transmit(command)?;
    let response = Response::parse(&answer).map_err(|error| malformed(name, error.to_string()))?;
    Ok((response.data.to_vec(), response.sw))
}

fn plain(reader: &mut dyn Reader, name: &'static str, command: &Command<'_>) -> Result<Vec<u8>, IssuerError> {
    match exchange(reader, name, &encode(name, command)?)? {
        (data, Sw::SUCCESS) => Ok(data),
        (_, sw) => Err(IssuerError::Refused { command: name, sw }),
    }
}

#[cfg(test)]
mod tests;
