//! Issue of a card 交付: taken out of the box, personalised over any reader, handed out. What was interrupted is taken up again.

mod beside;

use crate::{
    card::{self, Card},
    certificate::{self, Certificate},
    error::WorldError,
    half::{self, Wanted},
    ledger::{self, Actor, Note},
    register::{self, Registered},
    status::{CardStatus, CertificateStatus, Reason, ResidentStatus, Step},
    store::Tx,
    world::World,
};
use card_os::{
    identity::DIVERSIFICATION,
    profile::{Model, Phase},
    scp03::{KeySet, Level},
};
use der::DecodePem;
use pki::{
    birthday,
    card_record::{CardRecord, KeyOrigin},
    folder::{self, FolderError},
    kind::CardProfile,
    my_number::MyNumber,
    person::Person,
    personalise::{self, Halves, Pins},
    profile::{Hierarchy, MUNICIPALITY_CODE},
    reference::SecurityCode,
    resident::Resident,
};
use rand_core::Rng;
use sim::{
    card::{self as simulated, Simulated, StoredCard},
    issuer::{Issuer, IssuerError},
    reader::Reader,
    rng::SimRng,
};
use time::{Date, Duration, OffsetDateTime};

/// Security level that the counter works at: everything.
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

/// What somebody asks for at the counter 個人番号カード交付申請書.
#[derive(Debug, Clone)]
pub struct Application {
    /// Who, and the security code of the card if it is to have a certain one.
    pub resident: Resident,
    /// Last day of the stay of a foreign resident who is not on the register yet.
    pub stay_ends: Option<Date>,
    /// What kind of card.
    pub profile: CardProfile,
    /// Where its keys are made, unless its kind decides that.
    pub keys: KeyOrigin,
    /// Which certificates; the applicant may have blackened the boxes "not wanted".
    pub halves: Halves,
}

impl Application {
    /// Everything that a kind of card has, for somebody without a limited stay.
    #[must_use]
    pub fn new(resident: Resident, profile: CardProfile, keys: KeyOrigin) -> Self {
        let halves = Halves { signature: true, authentication: true };
        Application { resident, stay_ends: None, profile, keys, halves }
    }

    /// What the holder gets: what is wanted, what the kind of card has, and what the holder is old enough for.
    fn granted(&self, today: Date) -> Halves {
        let (profile, wanted) = (&self.profile, self.halves);
        let old_enough = birthday::may_sign(self.resident.person.birth, today);
        Halves {
            signature: wanted.signature && profile.signature && old_enough,
            authentication: wanted.authentication && profile.authentication,
        }
    }
}

/// Takes a blank card out of the box for somebody, who is put on the register where they are not.
///
/// # Errors
/// [`WorldError`]; where the image could not be made, the card is on record and [`take_up`] makes it.
pub fn prepare(
    world: &mut World,
    application: &Application,
    now: OffsetDateTime,
) -> Result<(Card, StoredCard), WorldError> {
    make_ready(world, application, now)?;
    let number = world.next("card")?;
    let card = world.transaction(async |tx| {
        let holder = holder(tx, now, application, &mut random(world, number)?).await?;
        let record = begun(world, application, &holder, number, now)?;
        let card = Card { resident: holder.id, status: CardStatus::Issuing, record };
        card::insert(tx, &card, None).await?;
        let note = Note::new(Actor::Counter, "card-begun").resident(&card.resident).card(&card.record.id);
        ledger::note(tx, now, note.detail(&card.record.profile.name)).await?;
        Ok(card)
    })?;
    let stored = into_box(world, &card.record.id, manufacture(world, &card.record)?)?;
    Ok((card, stored))
}

/// Sees to it that whoever signs is there, and that there is something to issue.
pub(crate) fn make_ready(world: &mut World, application: &Application, now: OffsetDateTime) -> Result<(), WorldError> {
    let today = birthday::jst_date(now);
    application.resident.person.validate(today)?;
    if now < world.created() {
        return Err(WorldError::Rule(
            "the clock stands before the authorities were made; `jitsuin clock` sets it".into(),
        ));
    }
    let profile = &application.profile;
    let Halves { signature, authentication } = application.granted(today);
    if !signature && !authentication && !profile.authentication {
        return Err(WorldError::Rule(format!(
            "a card of profile {:?} has a signature certificate alone, and holders under 15 get none",
            profile.name
        )));
    }
    if profile.is_juki_card() { world.make_prefecture() } else { world.make_verifiable() }
}

fn random(world: &World, number: u32) -> Result<SimRng, WorldError> {
    world.random(number | 1 << 19, 0)
}

/// The holder as the register has them, with a My Number where the card shows one.
pub(crate) async fn holder(
    tx: &mut Tx,
    now: OffsetDateTime,
    application: &Application,
    rng: &mut SimRng,
) -> Result<Registered, WorldError> {
    let person = application.resident.person.clone();
    let mut holder = match register::find(tx, &person).await? {
        // Who comes without a My Number is known by the attributes.
        Some(known) if (Person { my_number: person.my_number.clone(), ..known.person.clone() }) == person => known,
        Some(known) => return Err(WorldError::Differs(known.id)),
        None => register::register(tx, now, person, application.stay_ends).await?,
    };
    holder = register::hold_registered(tx, &holder.id).await?;
    while application.profile.has_face() && holder.person.my_number.is_none() {
        let number = MyNumber::invent(rng);
        if register::is_free(tx, &number).await? {
            register::number(tx, &mut holder, number).await?;
        }
    }
    Ok(holder)
}

/// Record of a card that is begun.
pub(crate) fn begun(
    world: &World,
    application: &Application,
    holder: &Registered,
    number: u32,
    now: OffsetDateTime,
) -> Result<CardRecord, WorldError> {
    let (today, profile) = (birthday::jst_date(now), application.profile.clone());
    let mut rng = random(world, number)?;
    let drawn = SecurityCode::draw(&mut rng);
    Ok(CardRecord {
        id: format!("card-{number:04}"),
        // The simulator's serial numbers begin with 8. (card.md D-52)
        serial: format!("80000{number:010}"),
        person: holder.person.clone(),
        keys: profile.keys.unwrap_or(application.keys),
        issued: today,
        expires: birthday::card_expiry(holder.person.birth, today, holder.stay_ends),
        authenticity_key: None,
        security_code: profile.has_face().then(|| application.resident.security_code.clone().unwrap_or(drawn)),
        photo_seed: profile.has_face().then(|| rng.next_u32()),
        halves: Some(application.granted(today)),
        signature: None,
        authentication: None,
        profile,
    })
}

/// Opens a card whose issue was interrupted.
///
/// # Errors
/// [`WorldError::Rule`] where there is nothing to resume.
pub fn take_up(world: &World, id: &str) -> Result<(Card, StoredCard), WorldError> {
    let card = world.card(id)?;
    if card.status != CardStatus::Issuing {
        return Err(WorldError::Rule(format!("{id} is issued already; there is nothing to resume")));
    }
    let path = world.image(id);
    // It may have stopped before the card was even made.
    let stored = if path.exists() {
        StoredCard::open(&path, os_random()?)?
    } else {
        into_box(world, id, manufacture(world, &card.record)?)?
    };
    Ok((card, stored))
}

/// Puts a card into its folder.
pub(crate) fn into_box(world: &World, id: &str, card: Simulated) -> Result<StoredCard, WorldError> {
    folder::make(&world.card_folder(id))?;
    Ok(StoredCard::create(&world.image(id), card)?)
}

/// A blank card.
pub(crate) fn manufacture(world: &World, record: &CardRecord) -> Result<Simulated, WorldError> {
    let (keys, rng) = (issuer_keys(world, record), world.random(number(record), world.round()?)?);
    let (profile, atr) = (&record.profile, record.profile.atr());
    let (model, behaviour) = (profile.model(), profile.behaviour());
    let options = simulated::Options { model, atr: &atr, behaviour, ..simulated::Options::default() };
    Ok(simulated::blank(diversification(record), &keys, options, rng)?)
}

pub(crate) fn os_random() -> Result<SimRng, WorldError> {
    SimRng::from_os().map_err(|error| WorldError::Randomness(error.to_string()))
}

fn number(record: &CardRecord) -> u32 {
    record.id.trim_start_matches("card-").parse().unwrap_or(0)
}

/// Personalises the card in the reader and hands it out. `step` hears what is being done.
///
/// # Errors
/// [`WorldError`]; the card stays unusable for its holder and [`take_up`] goes on with it.
pub fn issue(
    world: &World,
    card: &mut Card,
    reader: &mut dyn Reader,
    pins: &Pins,
    now: OffsetDateTime,
    step: &mut dyn FnMut(&str),
) -> Result<(), WorldError> {
    // Before any key is made. (service.md §4.8, §14)
    let holder = register::get(world, &card.resident)?;
    if holder.status == ResidentStatus::Deceased {
        return Err(WorldError::ResidentStatus { resident: holder.id, status: holder.status });
    }
    step("identity check: the applicant is on the register 本人確認");
    // What stops after the card's last step can be finished with what is kept before it.
    personalise(world, &mut card.record, reader, pins, now, step, &|record, certificates| {
        for certificate in certificates {
            world.keep_certificate(&record.id, certificate.hierarchy, &certificate.pem)?;
        }
        world.transaction(async |tx| card::keep(tx, record).await)
    })?;
    let certificates = kept_certificates(world, &card.record)?;
    world.transaction(async |tx| {
        register::hold(tx, &card.resident).await?;
        let begun = card::hold(tx, &card.record.id).await?;
        hand_out(tx, now, &begun, &certificates).await
    })?;
    card.status = CardStatus::Issued;
    reader.power_off().map_err(IssuerError::from)?;
    Ok(())
}

/// Keeps what is on a card before it is handed out.
pub(crate) type Keep<'a> = dyn Fn(&CardRecord, &[Certificate]) -> Result<(), WorldError> + 'a;

/// Writes everything onto the card; `keep` is called before its last step. Gives its certificates, none where it was handed out
/// before.
pub(crate) fn personalise(
    world: &World,
    record: &mut CardRecord,
    reader: &mut dyn Reader,
    pins: &Pins,
    now: OffsetDateTime,
    step: &mut dyn FnMut(&str),
    keep: &Keep<'_>,
) -> Result<Vec<Certificate>, WorldError> {
    let mut rng = world.random(number(record) | 1 << 20, world.round()?)?;
    let halves = record.halves();
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
            return Ok(Vec::new());
        }
        Phase::Invalid => {
            return Err(WorldError::Invalid(record.id.clone()));
        }
    }
    for (grouping, value) in personalise::fixed(record, halves, &world.authorities) {
        if !status.is_stored(grouping) {
            step(&format!("storing {grouping:04X}, {} bytes", value.len()));
            issuer.store(grouping, &value)?;
        }
    }
    let mut certificates = Vec::new();
    for wanted in wanted(world, record, halves, now) {
        let certificate = half::make(world, record, &record.person, &mut issuer, wanted, &mut rng, step)?;
        record.set_certificate(wanted.hierarchy, certificate.serial);
        certificates.push(certificate);
        if record.profile.pins {
            let pin =
                if wanted.hierarchy == Hierarchy::Authentication { &pins.authentication } else { &pins.signature };
            issuer.store(half::pin(wanted.hierarchy), pin.as_bytes())?;
        }
    }
    if let Some(verifiable) = &world.authorities.verifiable {
        beside::issue(verifiable, record, &mut issuer, pins, &mut rng, step)?;
    }
    keep(record, &certificates)?;
    step("handing the card out (life cycle: issued)");
    issuer.hand_out()?;
    Ok(certificates)
}

/// The halves of a new card. The authentication certificate comes first, the signature certificate seconds later (pki.md P-14). The
/// later one begins now, so that both are valid when the holder leaves; no certificate is older than its authority. Both have one
/// day of issue, although they begin some seconds apart: else one could outlive the other at midnight.
fn wanted(world: &World, record: &CardRecord, halves: Halves, now: OffsetDateTime) -> Vec<Wanted> {
    let (born, day, card) = (record.person.birth, birthday::jst_date(now), record.expires);
    let authentication = birthday::authentication_expiry(born, day, None, card);
    let mut all = Vec::new();
    if halves.authentication {
        let begins = (now - Duration::seconds(2)).max(world.created());
        all.push(Wanted { hierarchy: Hierarchy::Authentication, applied: now, begins, last_day: authentication });
    }
    if halves.signature {
        let (hierarchy, last_day) = if record.profile.is_juki_card() {
            (Hierarchy::Prefecture, birthday::juki_expiry(day))
        } else {
            let beside = halves.authentication.then_some(authentication);
            (Hierarchy::Signature, birthday::signature_expiry(born, day, None, beside, card))
        };
        all.push(Wanted { hierarchy, applied: now, begins: now, last_day });
    }
    all
}

/// Certificates that were kept beside a card before it left.
fn kept_certificates(world: &World, record: &CardRecord) -> Result<Vec<Certificate>, WorldError> {
    let mut all = Vec::new();
    for (hierarchy, serial) in record.certificates() {
        let path = world.card_folder(&record.id).join(format!("{}.pem", hierarchy.name()));
        let certificate = from_pem(&record.id, hierarchy, &folder::read(&path)?);
        let certificate = certificate.filter(|certificate| certificate.serial == serial);
        all.push(certificate.ok_or_else(|| FolderError::damaged(&path, "not the certificate on the card"))?);
    }
    Ok(all)
}

/// A certificate on record, out of a PEM file.
pub(crate) fn from_pem(card: &str, hierarchy: Hierarchy, pem: &[u8]) -> Option<Certificate> {
    let certificate = x509_cert::Certificate::from_pem(pem).ok()?;
    let tbs = certificate.tbs_certificate();
    let moment = |time: x509_cert::time::Time| {
        OffsetDateTime::from_unix_timestamp(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
    };
    let serial = tbs
        .serial_number()
        .as_bytes()
        .iter()
        .try_fold(0_u32, |sum, byte| sum.checked_mul(256).map(|sum| sum + u32::from(*byte)))?;
    Some(Certificate {
        hierarchy,
        serial,
        card: card.into(),
        resident: String::new(),
        municipality: MUNICIPALITY_CODE.into(),
        begins: moment(tbs.validity().not_before)?,
        ends: moment(tbs.validity().not_after)?,
        status: CertificateStatus::Valid,
        since: None,
        pem: String::from_utf8(pem.to_vec()).ok()?,
    })
}

/// Notes that the holder has the card, puts its certificates on record, and takes back the card that it replaces.
pub(crate) async fn hand_out(
    tx: &mut Tx,
    now: OffsetDateTime,
    card: &Card,
    certificates: &[Certificate],
) -> Result<(), WorldError> {
    for old in card::of_resident(tx, &card.resident).await? {
        if old.record.id != card.record.id && old.is_out() && replaces(&card.record.profile, &old.record.profile) {
            give_back(tx, now, &old).await?;
        }
    }
    card::set_status(tx, now, Actor::Counter, card, CardStatus::Issued).await?;
    for certificate in certificates {
        let certificate = Certificate { resident: card.resident.clone(), ..certificate.clone() };
        put_on_record(tx, now, &certificate).await?;
    }
    Ok(())
}

/// Puts a new certificate on record.
pub(crate) async fn put_on_record(tx: &mut Tx, now: OffsetDateTime, new: &Certificate) -> Result<(), WorldError> {
    certificate::insert(tx, new).await?;
    let note = Note::new(Actor::Authority, "certificate-issued").resident(&new.resident).card(&new.card);
    Ok(ledger::note(tx, now, note.certificate(new.hierarchy, new.serial)).await?)
}

/// A resident has one card that can be held in hand, and one token a kind of smartphone. (service.md §3: the Juki card is given back
/// when the new card is received)
fn replaces(new: &CardProfile, old: &CardProfile) -> bool {
    let in_hand = |profile: &CardProfile| [Model::CARD, Model::JPKI_ONLY, Model::JUKI_CARD].contains(&profile.model());
    new.model() == old.model() || (in_hand(new) && in_hand(old))
}

/// Takes a card back, which ends its certificates.
pub(crate) async fn give_back(tx: &mut Tx, now: OffsetDateTime, card: &Card) -> Result<Vec<Certificate>, WorldError> {
    card::set_status(tx, now, Actor::Counter, card, CardStatus::Returned).await?;
    let certificates = certificate::of_card(tx, &card.record.id).await?;
    let step = Step::Revoke(Reason::CessationOfOperation);
    certificate::step_all(tx, now, Actor::Counter, certificates, step, |_| true).await
}
