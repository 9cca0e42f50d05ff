//! What makes one card this card: its life cycle phase, ATR and issuer keys.

use crate::{
    pin::Counter,
    platform::Nvm,
    profile::{Model, Phase},
    refusal::Refusal,
    scp03::KeySet,
    store::{Key, Store, StoreError, Update},
};
use zeroize::Zeroizing;

/// Most bytes of an ATR. (ISO/IEC 7816-3 §8.1)
pub const ATR_MAX: usize = 33;
/// Bytes of key diversification data in the answer to INITIALIZE UPDATE.
pub const DIVERSIFICATION: usize = 10;
/// Wrong cryptograms in a row that lock the issuer key set. (card.md D-43)
pub const KEY_SET_TRIES: u8 = 10;

/// An ATR.
pub type Atr = heapless::Vec<u8, ATR_MAX>;

/// Where cards of the field differ, or are said to. Fixed when the chip is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// A warm reset clears the security status, and with it secure messaging; measured cards keep it. (card.md D-28)
    pub clears_on_warm_reset: bool,
    /// SELECT of the current application clears the security status; measured cards keep it. (card.md D-27)
    pub clears_on_select: bool,
    /// A blocked PIN is told as `6983` instead of the measured `6984`. (card.md §7.2, §21)
    pub blocked_as_iso: bool,
    /// The signature password opens the signature key for one signature; measured cards sign any number. (card.md §7.3)
    pub password_per_signature: bool,
}

impl Behaviour {
    fn to_byte(self) -> u8 {
        let bits = [self.clears_on_warm_reset, self.clears_on_select, self.blocked_as_iso, self.password_per_signature];
        bits.into_iter().rev().fold(0, |byte, bit| (byte << 1) | u8::from(bit))
    }

    fn from_byte(byte: u8) -> Self {
        let bit = |place: u8| byte & (1 << place) != 0;
        Behaviour {
            clears_on_warm_reset: bit(0),
            clears_on_select: bit(1),
            blocked_as_iso: bit(2),
            password_per_signature: bit(3),
        }
    }
}

// Records of the card itself live under application 0, number 0, which no object has.
const PHASE: Key = Key(0);
const KEY_SET: Key = Key(1);
const SEQUENCE: Key = Key(3);
const BIRTH: Key = Key(4);
const OPTIONS: Key = Key(5);

const KEY_BYTES: usize = 48;

/// Default contact ATR. (card.md §2.3, D-01)
pub const CONTACT_ATR: [u8; 9] = [0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];
/// How an ATR begins that a reader builds for a card over the air. (card.md §2.2)
const ATQB_ATR: [u8; 4] = [0x3B, 0x88, 0x80, 0x01];

/// Tries of the issuer key set.
pub const KEY_SET_COUNTER: Counter = Counter::new(Key(2), KEY_SET_TRIES);

/// What the card maker writes before anybody else sees the card.
#[derive(Debug)]
pub struct Manufacture<'a> {
    /// ATR, at most [`ATR_MAX`] bytes.
    pub atr: &'a [u8],
    /// Key diversification data, told to everybody who opens the channel.
    pub diversification: [u8; DIVERSIFICATION],
    /// Issuer keys.
    pub keys: &'a KeySet,
    /// Key version number, 01–7F.
    pub key_version: u8,
    /// SCP03 parameter i: 60 (random challenge) or 70 (challenge derived from the sequence counter).
    pub scp03_options: u8,
    /// Which applications it has.
    pub model: &'static Model,
    /// Where it differs from measured cards.
    pub behaviour: Behaviour,
}

/// The issuer key set as it is used.
#[derive(Debug)]
pub struct IssuerKeys {
    /// The three keys.
    pub keys: KeySet,
    /// Key version number.
    pub version: u8,
    /// SCP03 parameter i.
    pub options: u8,
}

/// Writes the records of a blank card.
///
/// # Errors
/// [`StoreError`] of the medium, or [`StoreError::Full`] for an ATR that is too long.
pub fn manufacture<N: Nvm>(store: &mut Store<N>, card: &Manufacture<'_>) -> Result<(), StoreError> {
    let mut birth: heapless::Vec<u8, { DIVERSIFICATION + ATR_MAX }> = heapless::Vec::new();
    birth.extend_from_slice(&card.diversification).map_err(|_| StoreError::Full)?;
    birth.extend_from_slice(card.atr).map_err(|_| StoreError::Full)?;
    store.commit(&[
        Update::Put { key: PHASE, value: &phase_record(Phase::Blank) },
        Update::Put { key: BIRTH, value: &birth },
        Update::Put { key: OPTIONS, value: &[card.behaviour.to_byte(), card.model.number] },
        Update::Put { key: SEQUENCE, value: &[0; 3] },
        Update::Put { key: KEY_SET, value: &*key_record(card.keys, card.key_version, card.scp03_options) },
        Update::Put { key: KEY_SET_COUNTER.key(), value: &KEY_SET_COUNTER.full() },
    ])
}

/// The life cycle phase.
///
/// # Errors
/// [`Refusal::Memory`] where the record is missing or damaged: such a card does nothing.
pub fn phase<N: Nvm>(store: &Store<N>) -> Result<Phase, Refusal> {
    match store.array(PHASE) {
        Some([byte, complement]) if byte == !complement => Phase::from_byte(byte).ok_or(Refusal::Memory),
        _ => Err(Refusal::Memory),
    }
}

/// Moves the life cycle to its next phase.
///
/// # Errors
/// [`Refusal::Conditions`] for any other; [`Refusal::Memory`].
pub fn advance<N: Nvm>(store: &mut Store<N>, to: Phase) -> Result<(), Refusal> {
    if phase(store)?.next() != Some(to) {
        return Err(Refusal::Conditions);
    }
    store.commit(&[Update::Put { key: PHASE, value: &phase_record(to) }])?;
    Ok(())
}

/// The ATR; empty where the record is missing.
pub fn atr<N: Nvm>(store: &Store<N>) -> Atr {
    store.get(BIRTH).and_then(|birth| Atr::from_slice(birth.get(DIVERSIFICATION..)?).ok()).unwrap_or_default()
}

/// The ATR that the card gives over its contacts: its own, or the default one where its own was built by a reader out of an
/// ATQB. (card.md §2.2, §11, D-01)
pub fn contact_atr<N: Nvm>(store: &Store<N>) -> Atr {
    let own = atr(store);
    if own.starts_with(&ATQB_ATR) { Atr::from_slice(&CONTACT_ATR).unwrap_or_default() } else { own }
}

/// The model, and where the card differs from measured ones. The first images say nothing about their model: they hold JPKI
/// alone.
///
/// # Errors
/// [`StoreError::Corrupt`] where the record is missing or of another form; [`StoreError::Version`] for a model that this
/// program does not know.
pub fn model<N: Nvm>(store: &Store<N>) -> Result<(&'static Model, Behaviour), StoreError> {
    match store.get(OPTIONS).as_deref() {
        Some(&[options]) => Ok((Model::JPKI_ONLY, Behaviour::from_byte(options))),
        Some(&[options, number]) => {
            let model = Model::by_number(number).ok_or(StoreError::Version(number))?;
            Ok((model, Behaviour::from_byte(options)))
        }
        _ => Err(StoreError::Corrupt),
    }
}

/// The key diversification data.
pub fn diversification<N: Nvm>(store: &Store<N>) -> [u8; DIVERSIFICATION] {
    store.get(BIRTH).and_then(|birth| birth.first_chunk().copied()).unwrap_or_default()
}

/// The issuer key set.
///
/// # Errors
/// [`Refusal::Memory`] where the record is missing or of another length.
pub fn issuer_keys<N: Nvm>(store: &Store<N>) -> Result<IssuerKeys, Refusal> {
    let read = |record: &[u8]| match record.split_first_chunk::<KEY_BYTES>() {
        Some((keys, &[version, options])) => Some(IssuerKeys { keys: KeySet::from_bytes(keys), version, options }),
        _ => None,
    };
    store.with(KEY_SET, read).flatten().ok_or(Refusal::Memory)
}

/// Replaces the issuer key set and leaves no copy of the old one.
///
/// # Errors
/// [`StoreError`] of the medium; then either set is whole.
pub fn replace_issuer_keys<N: Nvm>(store: &mut Store<N>, new: &IssuerKeys) -> Result<(), StoreError> {
    store.commit_scrubbed(&[
        Update::Put { key: KEY_SET, value: &*key_record(&new.keys, new.version, new.options) },
        Update::Put { key: KEY_SET_COUNTER.key(), value: &KEY_SET_COUNTER.full() },
    ])
}

/// Takes the next sequence counter value; a value is never given out twice.
///
/// # Errors
/// [`Refusal::Memory`] of the medium, or [`Refusal::Conditions`] after 2²⁴ − 1 sessions.
pub fn next_sequence<N: Nvm>(store: &mut Store<N>) -> Result<[u8; 3], Refusal> {
    let [high, middle, low] = store.array(SEQUENCE).ok_or(Refusal::Memory)?;
    let [carry, next @ ..] = (u32::from_be_bytes([0, high, middle, low]) + 1).to_be_bytes();
    if carry != 0 {
        return Err(Refusal::Conditions);
    }
    store.commit(&[Update::Put { key: SEQUENCE, value: &next }])?;
    Ok(next)
}

fn phase_record(phase: Phase) -> [u8; 2] {
    [phase as u8, !(phase as u8)]
}

fn key_record(keys: &KeySet, version: u8, options: u8) -> Zeroizing<[u8; KEY_BYTES + 2]> {
    let mut record = Zeroizing::new([0; KEY_BYTES + 2]);
    for (slot, byte) in record.iter_mut().zip(keys.bytes().iter().chain(&[version, options])) {
        *slot = *byte;
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_behaviour_is_read_as_it_was_written() {
        for byte in 0..16 {
            let [clears_on_warm_reset, clears_on_select, blocked_as_iso, password_per_signature] =
                [1, 2, 4, 8].map(|bit| byte & bit != 0);
            let behaviour =
                Behaviour { clears_on_warm_reset, clears_on_select, blocked_as_iso, password_per_signature };
            assert_eq!((behaviour.to_byte(), Behaviour::from_byte(byte)), (byte, behaviour));
        }
    }
}
