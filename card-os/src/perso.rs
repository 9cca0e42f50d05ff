//! The issuer's acts, inside a secure channel: writing objects, keys and PINs, resetting a PIN, moving the life cycle.
//! (card.md D-43, D-44, D-58; GlobalPlatform Card Specification 2.3 §11 for the command names)
//!
//! | Command | Data | Answer |
//! |---|---|---|
//! | STORE DATA `84 E2 08/88 <block>` | one data grouping, or a part of it: identifier (2), length (1, or `FF hh ll`), value | – |
//! | GENERATE ASYMMETRIC KEY PAIR `84 46 80 00` | `B6 04 83 02 <grouping>` | `7F49 82 01 09 {81 82 01 00 n, 82 03 01 00 01}` |
//! | RESET RETRY COUNTER `84 2C 02 00` | the PIN's data grouping with its new value | – |
//! | PUT KEY `84 D8 <version> 81` | new version, 3 × `88 11 10 <key under DEK> 03 <check value>` | version, check values |
//! | SET STATUS `84 F0 80 <phase>` | – | – |
//! | GET STATUS `84 F2 80 02` | `4F 00` | `E3 {4F, 9F70 phase, DF20 (grouping, stored)*}` |
//!
//! A data grouping names one object of the [table](crate::profile). It may span blocks; what is complete is committed at
//! once, so an interrupted personalisation goes on, or begins again, with any object.

use crate::{
    access::{self, Generate, Granted, Put, Reset, Writes},
    card::Chip,
    file::{self, Writing},
    identity,
    pin::Pin,
    platform::{Engine, MODULUS, Nvm, PrivateKey},
    profile::{AVAILABILITY, ISD, JPKI, Kind, Model, Object, Operation, Phase, Rule, Size, TOKEN_INFORMATION},
    refusal::Refusal,
    scp03,
    session::Session,
    sign,
    store::Store,
};
use apdu::{
    Header,
    tlv::{
        Rules,
        ber::{Tag, Writer},
    },
};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// What an act answers: a public key and the tags around it, at most.
pub type Answer = heapless::Vec<u8, { MODULUS + 14 }>;

/// A data grouping of which more blocks are to come.
#[derive(Debug)]
pub struct Incoming {
    writing: Writing,
    object: &'static Object,
    missing: usize,
    block: u8,
}

impl Incoming {
    /// The same in a duplicated card.
    pub(crate) fn fork(&self) -> Self {
        Incoming { writing: self.writing.fork(), object: self.object, missing: self.missing, block: self.block }
    }
}

/// Performs one issuer command whose channel protection has been removed.
///
/// # Errors
/// [`Refusal::SecurityStatus`] below C-MAC + C-DECRYPTION or where the table says no in this phase.
pub fn act<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    session: &mut Session,
    header: Header,
    data: &[u8],
    out: &mut Answer,
) -> Result<(), Refusal> {
    if !session.is_issuer() {
        return Err(Refusal::SecurityStatus);
    }
    // Anything but the next block ends a grouping that is under way.
    let incoming = session.incoming.take();
    match (header.ins, header.p1, header.p2) {
        (0xE2, 0x08 | 0x88, block) => store_data(chip, session, incoming, header.p1 == 0x88, block, data),
        (0x46, 0x80, 0x00) => generate(chip, session, data, out),
        (0x2C, 0x02, 0x00) => reset(chip, session, data),
        (0xD8, version, 0x81) => put_key(chip, version, data, out),
        (0xF0, 0x80, phase) => set_status(chip, phase, data),
        (0xF2, 0x80, 0x02) => get_status(chip, data, out),
        (0xE2 | 0x46 | 0x2C | 0xD8 | 0xF0 | 0xF2, _, _) => Err(Refusal::Parameters),
        _ => Err(Refusal::InstructionUnsupported),
    }
}

/// STORE DATA: the first block opens a grouping, the others continue it.
#[inline(never)]
fn store_data<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    session: &mut Session,
    incoming: Option<Incoming>,
    last: bool,
    block: u8,
    data: &[u8],
) -> Result<(), Refusal> {
    let (incoming, value) = match incoming {
        Some(incoming) if incoming.block == block => (incoming, data),
        _ if block == 0 => {
            let (object, length, value) = grouping(chip.model, data)?;
            let granted = access::grant::<Put, N>(object, session, identity::phase(&chip.store)?, &chip.store)?;
            if let Kind::Pin { .. } = object.kind {
                // A PIN is short: it comes in one piece.
                let whole = last && value.len() == length;
                return if whole { set_pin(chip, session, &granted, value) } else { Err(Refusal::Data) };
            }
            granted.confirm(session, &chip.store)?;
            (open(chip, &granted, length)?, value)
        }
        // A gap in the block numbers, or a block that continues nothing.
        _ => return Err(Refusal::Data),
    };
    session.incoming = proceed(chip, incoming, last, value)?;
    Ok(())
}

/// Prepares the place for a new content of `length` bytes.
fn open<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    granted: &Granted<Put>,
    length: usize,
) -> Result<Incoming, Refusal> {
    let object = granted.object();
    let fits = match object.kind {
        Kind::File(Size::Fixed(most) | Size::Written(most)) | Kind::Records(most) => {
            (1..=usize::from(most)).contains(&length)
        }
        Kind::DataObject { capacity, .. } => (1..=usize::from(capacity)).contains(&length),
        Kind::PrivateKey { .. } => length == sign::KEY,
        Kind::PublicKey => length == sign::PUBLIC_KEY,
        Kind::Pin { .. } | Kind::Internal => false,
    };
    if !fits {
        return Err(Refusal::Data);
    }
    Ok(Incoming { writing: Writing::begin(granted, &mut chip.store)?, object, missing: length, block: 0 })
}

/// Takes one block. `None` when the grouping is complete and committed.
fn proceed<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    mut incoming: Incoming,
    last: bool,
    value: &[u8],
) -> Result<Option<Incoming>, Refusal> {
    incoming.missing = incoming.missing.checked_sub(value.len()).ok_or(Refusal::Data)?;
    if last != (incoming.missing == 0) {
        return Err(Refusal::Data);
    }
    incoming.writing.append(&mut chip.store, value)?;
    if !last {
        incoming.block = incoming.block.wrapping_add(1);
        return Ok(Some(incoming));
    }
    let secret = matches!(incoming.object.kind, Kind::PrivateKey { .. });
    if secret {
        let key = written_key(&incoming.writing, &chip.store);
        if !sign::is_usable(&key, &mut chip.engine, &mut chip.rng) {
            incoming.writing.abandon(&mut chip.store)?;
            return Err(Refusal::Data);
        }
    }
    incoming.writing.finish(&mut chip.store)?;
    Ok(None)
}

/// Writes a key that the card made, in a frame of its own.
#[inline(never)]
fn write_key<N: Nvm>(granted: &Granted<Generate>, store: &mut Store<N>, key: &PrivateKey) -> Result<(), Refusal> {
    let mut writing = Writing::begin(granted, store)?;
    writing.append(store, sign::to_bytes(key).as_ref())?;
    writing.finish(store)?;
    Ok(())
}

/// The key that was written, in a frame of its own.
#[inline(never)]
fn written_key<N: Nvm>(writing: &Writing, store: &Store<N>) -> PrivateKey {
    let mut bytes = Zeroizing::new([0; sign::KEY]);
    writing.read_back(store, bytes.as_mut());
    sign::from_bytes(&bytes)
}

/// A new value for a PIN object. In use, one whose key is not there, or that was never set, stays blocked. (card.md D-19)
fn set_pin<N: Nvm, E: Engine, R: TryCryptoRng, Op: Writes>(
    chip: &mut Chip<N, E, R>,
    session: &Session,
    granted: &Granted<Op>,
    value: &[u8],
) -> Result<(), Refusal> {
    let pin = granted.object();
    let key = chip.model.application_of(pin).and_then(|application| application.opened_key(pin.number));
    let usable = match key {
        Some(key) => file::is_stored(&chip.store, key),
        None => Pin::of(pin).is_some_and(|pin| pin.is_set(&chip.store)),
    };
    if identity::phase(&chip.store)?.in_use() && !usable {
        return Err(Refusal::Conditions);
    }
    Pin::set(granted, session, &mut chip.store, value)
}

/// Splits a data grouping into the object it names, its length and the bytes that are here.
fn grouping<'d>(model: &Model, data: &'d [u8]) -> Result<(&'static Object, usize, &'d [u8]), Refusal> {
    let (identifier, length, value) = match data {
        [high, low, 0xFF, more, less, value @ ..] => {
            (u16::from_be_bytes([*high, *low]), usize::from(u16::from_be_bytes([*more, *less])), value)
        }
        [high, low, length, value @ ..] if *length != 0xFF => {
            (u16::from_be_bytes([*high, *low]), usize::from(*length), value)
        }
        _ => return Err(Refusal::Data),
    };
    Ok((model.by_grouping(identifier).ok_or(Refusal::ReferenceNotFound)?, length, value))
}

/// GENERATE ASYMMETRIC KEY PAIR: the private half never leaves.
#[inline(never)]
fn generate<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    session: &Session,
    data: &[u8],
    out: &mut Answer,
) -> Result<(), Refusal> {
    let &[0xB6, 0x04, 0x83, 0x02, high, low] = data else { return Err(Refusal::Data) };
    let object = chip.model.by_grouping(u16::from_be_bytes([high, low])).ok_or(Refusal::ReferenceNotFound)?;
    if !matches!(object.kind, Kind::PrivateKey { .. }) {
        return Err(Refusal::WrongKind);
    }
    let phase = identity::phase(&chip.store)?;
    let granted = access::grant::<Generate, N>(object, session, phase, &chip.store)?;
    // Used where it is: the key is large, and moved it would take its place twice.
    let made = chip.engine.generate(&mut chip.rng);
    let key = made.as_ref().map_err(|fault| Refusal::from(*fault))?;
    if !sign::is_usable(key, &mut chip.engine, &mut chip.rng) {
        return Err(Refusal::NoDiagnosis);
    }
    granted.confirm(session, &chip.store)?;
    write_key(&granted, &mut chip.store, key)?;
    let length = (MODULUS + 9).to_be_bytes();
    let [.., high, low] = length;
    put(out, &[0x7F, 0x49, 0x82, high, low, 0x81, 0x82, 0x01, 0x00])?;
    put(out, &key.n)?;
    put(out, &[0x82, 0x03, 0x01, 0x00, 0x01])
}

/// RESET RETRY COUNTER: one PIN object gets a new value and all its tries.
fn reset<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    session: &mut Session,
    data: &[u8],
) -> Result<(), Refusal> {
    let (object, length, value) = grouping(chip.model, data)?;
    let granted = access::grant::<Reset, N>(object, session, identity::phase(&chip.store)?, &chip.store)?;
    if value.len() != length {
        return Err(Refusal::Data);
    }
    set_pin(chip, session, &granted, value)?;
    session.lower(granted.object());
    Ok(())
}

/// PUT KEY: replaces the issuer key set. (GlobalPlatform Amendment D §7.2)
#[inline(never)]
fn put_key<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    version: u8,
    data: &[u8],
    out: &mut Answer,
) -> Result<(), Refusal> {
    if identity::phase(&chip.store)? == Phase::Invalid {
        return Err(Refusal::SecurityStatus);
    }
    let old = identity::issuer_keys(&chip.store)?;
    if version != old.version {
        return Err(Refusal::ReferenceNotFound);
    }
    let (new_version, blocks) = data.split_first().ok_or(Refusal::Data)?;
    if !(0x01..=0x7F).contains(new_version) || blocks.len() != 3 * 23 {
        return Err(Refusal::Data);
    }
    put(out, &[*new_version])?;
    let mut keys = Zeroizing::new([0; 3 * scp03::KEY]);
    for (block, slot) in blocks.chunks_exact(23).zip(keys.chunks_exact_mut(scp03::KEY)) {
        let (&[0x88, 0x11, 0x10], [key @ .., 0x03, a, b, c]) = block.split_first_chunk().ok_or(Refusal::Data)? else {
            return Err(Refusal::Data);
        };
        let key = scp03::decrypt_key(&old.keys.dek, key.try_into().map_err(|_| Refusal::Data)?);
        let check = scp03::key_check_value(&key);
        if check != [*a, *b, *c] {
            return Err(Refusal::Data);
        }
        slot.copy_from_slice(key.as_ref());
        put(out, &check)?;
    }
    let new =
        identity::IssuerKeys { keys: scp03::KeySet::from_bytes(&keys), version: *new_version, options: old.options };
    identity::replace_issuer_keys(&mut chip.store, &new)?;
    Ok(())
}

/// SET STATUS: one step forward at a time, and only a whole card leaves personalisation.
fn set_status<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &mut Chip<N, E, R>,
    phase: u8,
    data: &[u8],
) -> Result<(), Refusal> {
    if !data.is_empty() {
        return Err(Refusal::Length);
    }
    let to = Phase::from_byte(phase).ok_or(Refusal::Parameters)?;
    if !identity::phase(&chip.store)?.in_use() && !is_whole(chip) {
        return Err(Refusal::Conditions);
    }
    identity::advance(&mut chip.store, to)
}

/// Token information, availability flags, every key with its certificate, what is printed on the face as reference data, no PIN for
/// a key that is not there, the key that judges terminals, and all of the applications beside JPKI. (decision 3)
fn is_whole<N: Nvm, E, R>(chip: &Chip<N, E, R>) -> bool {
    let Chip { store, model, .. } = chip;
    model.objects().all(|object| match object.kind {
        Kind::PrivateKey { certificate: Some(_) } => {
            file::is_stored(store, object) == file::is_certified(store, object)
        }
        Kind::File(_) if object.application == JPKI.number => {
            !matches!(object.number, TOKEN_INFORMATION | AVAILABILITY) || file::is_stored(store, object)
        }
        Kind::File(_) | Kind::Records(_) | Kind::PrivateKey { certificate: None } => file::is_stored(store, object),
        Kind::Pin { .. } if object.is_printed() => Pin::of(object).is_some_and(|pin| pin.is_set(store)),
        Kind::Pin { .. } => {
            let set = Pin::of(object).is_some_and(|pin| pin.is_set(store));
            let key = model.application_of(object).and_then(|application| application.opened_key(object.number));
            !set || key.is_none_or(|key| file::is_stored(store, key))
        }
        // Cards of the first model were issued without it.
        Kind::PublicKey => **model == *Model::JPKI_ONLY || file::is_stored(store, object),
        Kind::DataObject { .. } | Kind::Internal => true,
    })
}

/// GET STATUS: the phase, and which objects are there, so that an interrupted personalisation can be taken up.
#[inline(never)]
fn get_status<N: Nvm, E: Engine, R: TryCryptoRng>(
    chip: &Chip<N, E, R>,
    data: &[u8],
    out: &mut Answer,
) -> Result<(), Refusal> {
    if data != [0x4F, 0x00] {
        return Err(Refusal::Data);
    }
    let phase = identity::phase(&chip.store)?;
    let writable = |object: &&'static Object| object.rule(Operation::Put, Phase::Blank) == Rule::Issuer;
    let mut objects: heapless::Vec<u8, 192> = heapless::Vec::new();
    for object in chip.model.objects().filter(writable) {
        let [high, low] = object.grouping().to_be_bytes();
        let stored = match Pin::of(object) {
            Some(pin) => pin.is_set(&chip.store),
            None => file::is_stored(&chip.store, object),
        };
        objects.extend_from_slice(&[high, low, u8::from(stored)]).map_err(|_| Refusal::NoDiagnosis)?;
    }
    let mut answer = [0; 256];
    let mut writer = Writer::new(&mut answer, Rules::Strict);
    let written = writer.nest(Tag(0xE3), |entry| {
        entry.put(Tag(0x4F), ISD.aid)?;
        entry.put(Tag(0x9F70), &[phase as u8])?;
        entry.put(Tag(0xDF20), &objects)
    });
    written.map_err(|_| Refusal::NoDiagnosis)?;
    put(out, writer.finish())
}

fn put(out: &mut Answer, bytes: &[u8]) -> Result<(), Refusal> {
    out.extend_from_slice(bytes).map_err(|_| Refusal::NoDiagnosis)
}
