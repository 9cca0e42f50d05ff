//! The municipal counter 市区町村窓口: issues a card over any reader, and resets PINs.

mod beside;

use crate::{
    birthday,
    ca::CaError,
    files::FileError,
    keys::{self, KeyError},
    kind::CardProfile,
    person::PersonError,
    personalise::{self, Halves, Pins},
    profile::Hierarchy,
    reference::SecurityCode,
    resident::Resident,
    world::{self, CardRecord, Changing, KeyOrigin, Progress, World, WorldError},
};
use card_os::{
    identity::DIVERSIFICATION,
    profile::Phase,
    scp03::{KeySet, Level},
    sign,
};
use rand_core::{CryptoRng, Rng};
use sim::{
    card::{self, CardError, StoredCard},
    engine,
    issuer::{Issuer, IssuerError},
    reader::Reader,
    rng::SimRng,
};
use time::OffsetDateTime;

/// Why a card was not issued or changed. What was begun is kept and can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// The holder.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The channel.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// An authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Key generation.
    #[error("the key pair could not be made")]
    Generation,
    /// A file of the face.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing to put on the card.
    #[error("a card of profile {0:?} has a signature certificate alone, and holders under 15 get none")]
    NoCertificate(String),
    /// Nothing to resume.
    #[error("{0} is issued already; there is nothing to resume")]
    AlreadyIssued(String),
    /// Nothing can be written to it any more.
    #[error("{0} is declared invalid, so its issue cannot go on; issue another card with `jitsuin issue WORLD`")]
    Invalid(String),
    /// Needs to be finished first.
    #[error("the issue of {0} was interrupted; finish it with `jitsuin issue WORLD --resume {0}`")]
    Unfinished(String),
}

/// Security level that this counter works at: everything.
#[must_use]
pub fn level() -> Level {
    Level::FULL
}

/// Issuer keys of a card.
#[must_use]
pub fn issuer_keys(world: &World, record: &CardRecord) -> KeySet {
    world.issuer_keys(&diversification(record))
}

/// What a card tells to whoever opens its channel: the last ten digits of its serial number.
fn diversification(record: &CardRecord) -> [u8; DIVERSIFICATION] {
    record.serial.as_bytes().last_chunk().copied().unwrap_or([b'0'; DIVERSIFICATION])
}

/// What somebody asks for at the counter.
#[derive(Debug, Clone)]
pub struct Application {
    /// Who, and the security code of the card if it is to have a certain one.
    pub resident: Resident,
    /// What kind of card.
    pub profile: CardProfile,
    /// Where its keys are made, unless its kind decides that.
    pub keys: KeyOrigin,
}

/// Takes a blank card out of the box for somebody.
///
/// # Errors
/// [`CounterError`]. Who may not have such a card is refused before anything changes. Where the disk fails later, authorities that
/// were made and the card's number stay, and where its record was written already, [`take_up`] goes on with the card.
pub fn prepare(
    world: &mut World,
    changing: &Changing,
    application: Application,
    now: OffsetDateTime,
) -> Result<(CardRecord, StoredCard), CounterError> {
    let Application { resident: Resident { person, security_code }, profile, keys } = application;
    let today = birthday::jst_date(now);
    person.validate(today)?;
    let may_sign = profile.signature && birthday::may_sign(person.birth, today);
    if !may_sign && !profile.authentication {
        return Err(CounterError::NoCertificate(profile.name));
    }
    if profile.is_juki_card() {
        world.make_prefecture(changing)?;
    } else {
        world.make_verifiable(changing)?;
    }
    let (number, id) = world.next_card(changing)?;
    let mut rng = world.random(number | 1 << 19)?;
    // The simulator's serial numbers begin with 8. (card.md D-52)
    let serial = format!("80000{number:010}");
    let record = CardRecord {
        expires: birthday::card_expiry(person.birth, today, None),
        issued: today,
        progress: Progress::Issuing,
        signature: None,
        authentication: None,
        authenticity_key: None,
        id,
        serial,
        keys: profile.keys.unwrap_or(keys),
        security_code: profile.has_face().then(|| security_code.unwrap_or_else(|| SecurityCode::draw(&mut rng))),
        person: if profile.has_face() { person.with_my_number(&mut rng) } else { person },
        photo_seed: profile.has_face().then(|| rng.next_u32()),
        profile,
    };
    world.keep_card(&record)?;
    let stored = manufacture(world, &record)?;
    Ok((record, stored))
}

/// Opens a card whose issue was interrupted.
///
/// # Errors
/// [`CounterError::AlreadyIssued`].
pub fn take_up(world: &World, id: &str) -> Result<(CardRecord, StoredCard), CounterError> {
    let record = world.card(id)?;
    if record.progress == Progress::Issued {
        return Err(CounterError::AlreadyIssued(id.into()));
    }
    let path = world.image(id);
    // It may have stopped before the card was even made.
    let stored = if path.exists() { StoredCard::open(&path, os_random()?)? } else { manufacture(world, &record)? };
    Ok((record, stored))
}

fn manufacture(world: &World, record: &CardRecord) -> Result<StoredCard, CounterError> {
    let (keys, rng) = (issuer_keys(world, record), world.random(number(record))?);
    let (profile, atr) = (&record.profile, record.profile.atr());
    let (model, behaviour) = (profile.model(), profile.behaviour());
    let options = card::Options { model, atr: &atr, behaviour, ..card::Options::default() };
    let blank = card::blank(diversification(record), &keys, options, rng)?;
    Ok(StoredCard::create(&world.image(&record.id), blank)?)
}

fn os_random() -> Result<SimRng, CounterError> {
    SimRng::from_os().map_err(|error| WorldError::Randomness(error.to_string()).into())
}

fn number(record: &CardRecord) -> u32 {
    record.id.trim_start_matches("card-").parse().unwrap_or(0)
}

/// Personalises the card in the reader and hands it out. `step` hears what is being done.
///
/// # Errors
/// [`CounterError`]; the card stays unusable for its holder and [`take_up`] goes on with it.
pub fn issue(
    world: &mut World,
    _: &Changing,
    record: &mut CardRecord,
    reader: &mut dyn Reader,
    pins: &Pins,
    now: OffsetDateTime,
    step: &mut dyn FnMut(&str),
) -> Result<(), CounterError> {
    let mut rng = world.random(number(record) | 1 << 20)?;
    // What the holder may have was decided when the card was taken out of the box, however long its issue takes.
    let profile = record.profile.clone();
    let halves = Halves {
        signature: profile.signature && birthday::may_sign(record.person.birth, record.issued),
        authentication: profile.authentication,
    };
    step("opening the issuer channel (SCP03, C-MAC, C-DECRYPTION, R-MAC, R-ENCRYPTION)");
    reader.power_on().map_err(IssuerError::from)?;
    let mut issuer = Issuer::open(reader, &issuer_keys(world, record), level(), &mut rng)?;
    let status = issuer.status()?;
    match status.phase {
        Phase::Blank | Phase::Personalised => {}
        // It stopped between the card's last step and the world's.
        Phase::Issued => {
            step(
                "the card was handed out before: its PINs stay what they were then; `jitsuin reset-pin` gives it others",
            );
            return finish(world, record, reader);
        }
        Phase::Invalid => return Err(CounterError::Invalid(record.id.clone())),
    }
    for (grouping, value) in personalise::fixed(record, halves, world) {
        if !status.is_stored(grouping) {
            step(&format!("storing {grouping:04X}, {} bytes", value.len()));
            issuer.store(grouping, &value)?;
        }
    }
    // The authentication certificate comes first, the signature certificate seconds later (pki.md P-14). The later one begins
    // now, so that both are valid when the holder leaves; no certificate is older than its authority.
    let early = (now - time::Duration::seconds(2)).max(world.created());
    let begins = Begins { issue: now, certificate: early };
    if halves.authentication {
        let half = issue_half(world, record, &mut issuer, Hierarchy::Authentication, begins, &mut rng, step)?;
        record.authentication = Some(half);
        if profile.pins {
            issuer.store(0x0118, pins.authentication.as_bytes())?;
        }
    }
    if halves.signature {
        let begins = Begins { issue: now, certificate: now };
        let hierarchy = if profile.is_juki_card() { Hierarchy::Prefecture } else { Hierarchy::Signature };
        record.signature = Some(issue_half(world, record, &mut issuer, hierarchy, begins, &mut rng, step)?);
        if profile.pins {
            issuer.store(0x011B, pins.signature.as_bytes())?;
        }
    }
    if let Some(verifiable) = &world.verifiable {
        beside::issue(verifiable, record, &mut issuer, pins, &mut rng, step)?;
    }
    world.keep_card(record)?;
    step("handing the card out (life cycle: issued)");
    issuer.hand_out()?;
    finish(world, record, reader)
}

/// Notes that the holder has the card.
fn finish(world: &World, record: &mut CardRecord, reader: &mut dyn Reader) -> Result<(), CounterError> {
    record.progress = Progress::Issued;
    world.keep_card(record)?;
    reader.power_off().map_err(IssuerError::from)?;
    Ok(())
}

/// The moment of an issue, and the one at which a certificate of it begins.
#[derive(Clone, Copy)]
struct Begins {
    issue: OffsetDateTime,
    certificate: OffsetDateTime,
}

/// One key pair and its certificate. Gives the certificate's serial number.
fn issue_half(
    world: &mut World,
    record: &CardRecord,
    issuer: &mut Issuer<'_>,
    hierarchy: Hierarchy,
    begins: Begins,
    rng: &mut impl CryptoRng,
    step: &mut dyn FnMut(&str),
) -> Result<String, CounterError> {
    let (key_object, certificate_object) = match hierarchy {
        Hierarchy::Signature | Hierarchy::Prefecture => (0x011A, 0x0101),
        Hierarchy::Authentication => (0x0117, 0x010A),
    };
    let public = match record.keys {
        KeyOrigin::OnCard => {
            step(&format!("{}: the card makes its key pair", hierarchy.name()));
            keys::public(&issuer.generate_key(key_object)?)?
        }
        KeyOrigin::Imported => {
            step(&format!("{}: making and importing the key pair", hierarchy.name()));
            let key = keys::generate(rng).map_err(CaError::Key)?;
            let crt = engine::crt(&key).map_err(|_| CounterError::Generation)?;
            issuer.store(key_object, sign::to_bytes(&crt).as_ref())?;
            key.as_public_key().clone()
        }
    };
    // One day for both certificates, although they begin some seconds apart: else one could outlive the other at midnight.
    let (day, born) = (birthday::jst_date(begins.issue), record.person.birth);
    let authentication_end = birthday::authentication_expiry(born, day, None, record.expires);
    let issued = match hierarchy {
        Hierarchy::Authentication => {
            let name = world::authentication_common_name(rng);
            world.authentication.issue_authentication(&name, &public, begins.certificate, authentication_end)?
        }
        Hierarchy::Signature => {
            let name = world::signature_common_name(begins.issue, number(record));
            let end = birthday::signature_expiry(born, day, None, Some(authentication_end), record.expires);
            world.signature.issue_signature(&record.person, &name, &public, begins.certificate, end)?
        }
        Hierarchy::Prefecture => {
            let name = world::signature_common_name(begins.issue, number(record));
            let authority = world.prefecture.as_mut().ok_or(CounterError::Generation)?;
            let end = birthday::juki_expiry(day);
            authority.issue_signature(&record.person, &name, &public, begins.certificate, end)?
        }
    };
    world.keep_counters()?;
    step(&format!("{}: storing certificate {:06X}, {} bytes", hierarchy.name(), issued.serial, issued.der.len()));
    issuer.store(certificate_object, &issued.der)?;
    world.keep_certificate(&record.id, hierarchy, &issued.der)?;
    Ok(format!("{:06X}", issued.serial))
}

/// Gives PIN objects new values and all their tries, through the issuer channel.
///
/// # Errors
/// [`CounterError::Issuer`].
pub fn reset_pin(reader: &mut dyn Reader, keys: &KeySet, groupings: &[u16], value: &str) -> Result<(), CounterError> {
    let mut rng = os_random()?;
    reader.power_on().map_err(IssuerError::from)?;
    let mut issuer = Issuer::open(reader, keys, level(), &mut rng)?;
    for grouping in groupings {
        issuer.reset_retry_counter(*grouping, value.as_bytes())?;
    }
    reader.power_off().map_err(IssuerError::from)?;
    Ok(())
}
