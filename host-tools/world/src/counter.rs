//! The municipal counter 市区町村窓口: certificates issued, renewed, released and revoked; cards taken back; PINs reset.
//! (service.md §4)

pub use crate::paper::Form;
use crate::{
    card::{self, Card},
    certificate::{self, Certificate, title},
    error::WorldError,
    fee::{self, Fee},
    half::{self, Wanted},
    issue::{give_back, issuer_keys, level, os_random, put_on_record},
    ledger::{self, Actor, Note},
    paper,
    register::{self, Registered},
    request,
    status::{CardStatus, CertificateStatus, Reason, ResidentStatus, Step},
    store::Tx,
    world::World,
};
use pki::{
    birthday,
    card_record::CardRecord,
    personalise::{self, Halves, Pins},
    profile::Hierarchy,
};
use serde::Serialize;
use sim::{
    issuer::{Issuer, IssuerError},
    reader::Reader,
};
use time::OffsetDateTime;

/// What a procedure did.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// Number of the request.
    pub request: u32,
    /// Certificates that were issued, or whose state changed.
    pub certificates: Vec<Certificate>,
    /// What it costs.
    pub fee: Fee,
    /// What the counter hands out, in Japanese and English.
    pub paper: String,
}

/// Which procedure of the form 新規発行 / 更新申請書.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Procedure {
    /// 新規発行: there is none, or it is revoked or expired.
    Issue,
    /// 更新: there is one in its last three months.
    Renew,
}

/// Why certificates are revoked at the counter. (service.md §4.6)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// 失効申請: the holder does not want it any more.
    StopUsing,
    /// 紛失
    Lost,
    /// 盗難
    Stolen,
    /// 損壊・故障
    Broken,
    /// 不正使用, or suspected.
    Misused,
    /// 秘密鍵漏えい
    KeyLeaked,
}

impl Cause {
    /// CRLReason. (pki.md P-05)
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Cause::StopUsing | Cause::Broken => Reason::CessationOfOperation,
            Cause::Lost | Cause::Stolen | Cause::Misused | Cause::KeyLeaked => Reason::KeyCompromise,
        }
    }

    /// As the form has it.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Cause::StopUsing => "利用の取りやめ",
            Cause::Lost => "紛失",
            Cause::Stolen => "盗難",
            Cause::Broken => "損壊・故障",
            Cause::Misused => "不正使用（その疑いを含む）",
            Cause::KeyLeaked => "秘密鍵の漏えい（その疑いを含む）",
        }
    }
}

/// A card of somebody who is alive, held until the transaction ends.
pub(crate) async fn held(tx: &mut Tx, id: &str) -> Result<(Registered, Card), WorldError> {
    let known = card::get(&mut **tx, id).await?;
    let holder = register::hold(tx, &known.resident).await?;
    Ok((holder, card::hold(tx, id).await?))
}

pub(crate) fn with_status(card: &Card, advice: &'static str) -> WorldError {
    WorldError::CardStatus { card: card.record.id.clone(), status: card.status, advice }
}

/// What the counter finds before it writes on a card.
struct Judged {
    holder: Registered,
    card: Card,
    halves: Vec<Wanted>,
    present: Halves,
}

/// Issues or renews certificates on a card that its holder has. (service.md §4.2, §4.3)
///
/// # Errors
/// [`WorldError`]. Where the card was written and the record could not be, doing it again heals that.
pub fn certify(
    world: &World,
    now: OffsetDateTime,
    card: &str,
    (procedure, wanted): (Procedure, Halves),
    pins: Option<&Pins>,
    reader: &mut dyn Reader,
    step: &mut dyn FnMut(&str),
) -> Result<Done, WorldError> {
    let judged = world.transaction(async |tx| judge(world, tx, now, card, (procedure, wanted)).await)?;
    let made = write(world, &judged, pins, reader, step)?;
    let done = world.transaction(async |tx| {
        let (holder, mut card) = held(tx, card).await?;
        if holder.version != judged.holder.version || card.status != CardStatus::Issued {
            return Err(WorldError::Rule("the register changed meanwhile; do it again".into()));
        }
        let old = certificate::of_card(tx, &card.record.id).await?;
        for new in &made {
            let same = |one: &Certificate| one.hierarchy == new.hierarchy;
            let step = Step::Revoke(Reason::Superseded);
            certificate::step_all(tx, now, Actor::Counter, old.clone(), step, same).await?;
            put_on_record(tx, now, &Certificate { resident: holder.id.clone(), ..new.clone() }).await?;
            card.record.set_certificate(new.hierarchy, new.serial);
        }
        card.record.halves = Some(judged.present);
        card::keep(tx, &card.record).await?;
        let fee = fee::certificates(&card.record.profile, false);
        let paper = paper::certificates(&holder, &card, &made, now);
        request::file(tx, now, "certify", (&holder.id, &card.record.id), fee, made.clone(), paper).await
    })?;
    for new in &made {
        world.keep_certificate(card, new.hierarchy, &new.pem)?;
    }
    Ok(done)
}

async fn judge(
    world: &World,
    tx: &mut Tx,
    now: OffsetDateTime,
    id: &str,
    (procedure, wanted): (Procedure, Halves),
) -> Result<Judged, WorldError> {
    let (holder, card) = held(tx, id).await?;
    if holder.status == ResidentStatus::Deceased {
        return Err(WorldError::ResidentStatus { resident: holder.id, status: holder.status });
    }
    if card.status != CardStatus::Issued {
        return Err(with_status(
            &card,
            "certificates are issued on a card that its holder has and that is not stopped",
        ));
    }
    let today = birthday::jst_date(now);
    if card.expired(today) {
        return Err(WorldError::CardExpired { card: id.into(), on: card.record.expires });
    }
    if card.record.profile.is_juki_card() {
        return Err(WorldError::Rule(
            "certificates in Juki cards are neither issued nor renewed since 2016; give it back for a new card".into(),
        ));
    }
    let old = certificate::of_card(tx, id).await?;
    let latest = |hierarchy| old.iter().rfind(|one| one.hierarchy == hierarchy);
    let (born, expires) = (holder.person.birth, card.record.expires);
    let mut halves = Vec::new();
    let mut authentication_end =
        latest(Hierarchy::Authentication).filter(|one| one.usable(now)).map(Certificate::last_day);
    if wanted.authentication {
        let old = renewable(procedure, latest(Hierarchy::Authentication), now)?;
        let last_day = birthday::authentication_expiry(born, today, old, expires);
        let begins = (now - time::Duration::seconds(2)).max(world.created());
        halves.push(Wanted { hierarchy: Hierarchy::Authentication, applied: now, begins, last_day });
        authentication_end = Some(last_day);
    }
    if wanted.signature {
        if !birthday::may_sign(born, today) {
            return Err(WorldError::Rule("holders under 15 get no signature certificate 署名用電子証明書".into()));
        }
        let old = renewable(procedure, latest(Hierarchy::Signature), now)?;
        let last_day = birthday::signature_expiry(born, today, old, authentication_end, expires);
        halves.push(Wanted { hierarchy: Hierarchy::Signature, applied: now, begins: now, last_day });
    }
    let before = card.record.halves();
    let present = Halves {
        signature: before.signature || wanted.signature,
        authentication: before.authentication || wanted.authentication,
    };
    Ok(Judged { holder, card, halves, present })
}

/// The last day of a certificate that is renewed; `None` for a new issue.
fn renewable(
    procedure: Procedure,
    old: Option<&Certificate>,
    now: OffsetDateTime,
) -> Result<Option<time::Date>, WorldError> {
    let over = |one: &&Certificate| !matches!(one.status, CertificateStatus::Revoked { .. }) && !one.expired(now);
    let Some(old) = old.filter(over) else {
        return match procedure {
            Procedure::Issue => Ok(None),
            Procedure::Renew => Err(WorldError::Rule("there is nothing to renew; a new one is issued instead".into())),
        };
    };
    let (today, until) = (birthday::jst_date(now), old.last_day());
    match old.status {
        CertificateStatus::Held => Err(WorldError::Rule(format!(
            "{} is suspended; {}",
            old.what(),
            if old.hierarchy == Hierarchy::Authentication { "release it first" } else { "revoke it first" }
        ))),
        CertificateStatus::Valid if birthday::may_renew(today, until) && procedure == Procedure::Renew => {
            Ok(Some(until))
        }
        CertificateStatus::Valid | CertificateStatus::Revoked { .. } => {
            Err(WorldError::TooEarly { what: old.what(), until, from: birthday::renewal_opens(until) })
        }
    }
}

fn write(
    world: &World,
    judged: &Judged,
    pins: Option<&Pins>,
    reader: &mut dyn Reader,
    step: &mut dyn FnMut(&str),
) -> Result<Vec<Certificate>, WorldError> {
    let record = &judged.card.record;
    let mut rng = os_random()?;
    reader.power_on().map_err(IssuerError::from)?;
    let mut issuer = Issuer::open(reader, &issuer_keys(world, record), level(), &mut rng)?;
    let status = issuer.status()?;
    // A half that the card never had has no PIN yet.
    let mut first = Vec::new();
    for wanted in &judged.halves {
        let object = half::pin(wanted.hierarchy);
        if record.profile.pins && !status.is_stored(object) {
            let pins = pins.ok_or_else(|| {
                WorldError::Rule(format!("{}: the card has no PIN for it yet; give one", title(wanted.hierarchy)))
            })?;
            let pin =
                if wanted.hierarchy == Hierarchy::Authentication { &pins.authentication } else { &pins.signature };
            first.push((object, pin));
        }
    }
    let mut made = Vec::new();
    for wanted in &judged.halves {
        made.push(half::make(world, record, &judged.holder.person, &mut issuer, *wanted, &mut rng, step)?);
    }
    for (object, pin) in first {
        issuer.store(object, pin.as_bytes())?;
    }
    issuer.store(0x0108, &personalise::availability(judged.present))?;
    reader.power_off().map_err(IssuerError::from)?;
    Ok(made)
}

/// Releases a card that was stopped by telephone 一時停止解除. The authentication certificate is good again; a signature certificate
/// stays suspended, has to be revoked and issued anew. (service.md §4.5)
///
/// # Errors
/// [`WorldError::CardStatus`] where the card is not stopped.
pub fn release(world: &World, now: OffsetDateTime, card: &str) -> Result<Done, WorldError> {
    world.transaction(async |tx| {
        let (holder, card) = held(tx, card).await?;
        if card.status != CardStatus::Stopped {
            return Err(with_status(&card, "only a card that was stopped is released"));
        }
        card::set_status(tx, now, Actor::Counter, &card, CardStatus::Issued).await?;
        let certificates = certificate::of_card(tx, &card.record.id).await?;
        let released = certificate::step_all(tx, now, Actor::Counter, certificates, Step::Release, |one| {
            one.hierarchy == Hierarchy::Authentication && one.status == CertificateStatus::Held
        })
        .await?;
        let paper = paper::release(&holder, &card, &released, now);
        request::file(tx, now, "release", (&holder.id, &card.record.id), Fee::FREE, released, paper).await
    })
}

/// Revokes certificates of a card 失効申請／秘密鍵漏えい等届出. Who stops using one names which; loss, theft, damage and misuse end
/// both, and loss and theft the card. (service.md §4.6)
///
/// # Errors
/// [`WorldError`]; also where nothing is left to revoke.
pub fn revoke(world: &World, now: OffsetDateTime, card: &str, cause: Cause, which: Halves) -> Result<Done, WorldError> {
    world.transaction(async |tx| {
        let (holder, card) = held(tx, card).await?;
        let certificates = certificate::of_card(tx, &card.record.id).await?;
        let step = Step::Revoke(cause.reason());
        let revoked = certificate::step_all(tx, now, Actor::Counter, certificates, step, |one| {
            let named = if one.hierarchy == Hierarchy::Authentication { which.authentication } else { which.signature };
            named || cause != Cause::StopUsing
        })
        .await?;
        let gone = matches!(cause, Cause::Lost | Cause::Stolen);
        if gone && card.is_out() {
            card::set_status(tx, now, Actor::Counter, &card, CardStatus::Lost).await?;
        } else if revoked.is_empty() {
            return Err(WorldError::Rule(format!("{}: no certificate is left to revoke", card.record.id)));
        }
        let paper = paper::revocation(&holder, &card, &revoked, cause, now);
        request::file(tx, now, "revoke", (&holder.id, &card.record.id), Fee::FREE, revoked, paper).await
    })
}

/// Takes a card back 返納, which ends its certificates.
///
/// # Errors
/// [`WorldError::CardStatus`] where its holder does not have it.
pub fn take_back(world: &World, now: OffsetDateTime, card: &str) -> Result<Done, WorldError> {
    world.transaction(async |tx| {
        let (holder, card) = held(tx, card).await?;
        if !card.is_out() {
            return Err(with_status(&card, "only a card that its holder has is given back"));
        }
        let revoked = give_back(tx, now, &card).await?;
        let paper = paper::card_return(&holder, &card, &revoked, now);
        request::file(tx, now, "return", (&holder.id, &card.record.id), Fee::FREE, revoked, paper).await
    })
}

/// A form that the holder of a card fills in before a procedure. (service.md row 35)
///
/// # Errors
/// [`WorldError`] for a card that is not on record.
pub fn form(world: &World, now: OffsetDateTime, card: &str, form: Form) -> Result<String, WorldError> {
    let card = world.card(card)?;
    Ok(paper::form(form, &register::get(world, &card.resident)?, &card, now))
}

/// Gives PIN objects new values and all their tries 暗証番号初期化, through the issuer channel, after the clerk saw who it is.
///
/// # Errors
/// [`WorldError::CardStatus`] for a card that is over; [`WorldError::Issuer`].
pub fn reset_pin(
    world: &World,
    now: OffsetDateTime,
    card: &str,
    reader: &mut dyn Reader,
    groupings: &[u16],
    value: &str,
) -> Result<Done, WorldError> {
    let known = world.card(card)?;
    if matches!(known.status, CardStatus::Returned | CardStatus::Lost) {
        return Err(with_status(&known, "it is over; nothing on it is reset"));
    }
    write_pins(world, &known.record, reader, groupings, value)?;
    file_reset(world, now, card, Actor::Counter)
}

/// Writes PIN objects through the issuer channel.
pub(crate) fn write_pins(
    world: &World,
    record: &CardRecord,
    reader: &mut dyn Reader,
    groupings: &[u16],
    value: &str,
) -> Result<(), WorldError> {
    let mut rng = os_random()?;
    reader.power_on().map_err(IssuerError::from)?;
    let mut issuer = Issuer::open(reader, &issuer_keys(world, record), level(), &mut rng)?;
    for grouping in groupings {
        issuer.reset_retry_counter(*grouping, value.as_bytes())?;
    }
    reader.power_off().map_err(IssuerError::from)?;
    Ok(())
}

/// Puts a reset on record.
pub(crate) fn file_reset(world: &World, now: OffsetDateTime, card: &str, by: Actor) -> Result<Done, WorldError> {
    world.transaction(async |tx| {
        let (holder, card) = held(tx, card).await?;
        let note = Note::new(by, "pin-reset").resident(&holder.id).card(&card.record.id);
        ledger::note(tx, now, note).await?;
        let paper = paper::pin_reset(&holder, &card, now);
        request::file(tx, now, "reset-pin", (&holder.id, &card.record.id), Fee::FREE, Vec::new(), paper).await
    })
}
