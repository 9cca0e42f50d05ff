//! The kiosk in a shop: コンビニ交付, and PINs that are reset there. (service.md §7, §15, rows 22 and 26)
//!
//! A kiosk knows its customer by the certificate alone: whoever presented it has proved to hold its key (`pki::relying`).

use crate::{
    card::{self, Card},
    certificate::{self, Certificate},
    counter::{self, Done, with_status, write_pins},
    error::WorldError,
    fee, half,
    ledger::{self, Actor, Note},
    paper,
    register::{self, Registered},
    request,
    residence::Copy,
    status::{CardStatus, ResidentStatus},
    store::{self, Tx},
    world::World,
};
use der::{DecodePem, Encode};
use pki::{birthday, profile::Hierarchy, relying};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use sim::reader::Reader;
use sqlx::Row;
use time::{Duration, OffsetDateTime};

/// How long a reservation waits for its card. (service.md §15)
pub const RESERVED: Duration = Duration::hours(24);
/// How far a reservation's time may be from the clock.
const FRESH: Duration = Duration::minutes(5);
/// P1 of a signature with DigestInfo of SHA-256 over a digest. (card.md §8.1)
const SCHEME: u8 = 0x02;

/// A copy of the resident record, printed.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The request, with the receipt.
    pub done: Done,
    /// PDF.
    pub document: Vec<u8>,
}

/// Prints the resident record 住民票の写し of whoever proved to hold the user authentication certificate with this serial number.
///
/// # Errors
/// [`WorldError::Rule`] where the certificate cannot be used now; [`WorldError::ResidentStatus`] for who does not live here any
/// more.
pub fn residence(world: &World, now: OffsetDateTime, serial: u32, with_my_number: bool) -> Result<Printed, WorldError> {
    world.transaction(async |tx| {
        let one = usable(tx, now, Hierarchy::Authentication, serial).await?;
        let (holder, card) = at_home(tx, &one).await?;
        let since = register::on_record_since(tx, &holder.id).await?;
        let fee = fee::KIOSK;
        let paper = paper::kiosk(&holder, &card, fee, now);
        let note = Note::new(Actor::Kiosk, "residence-copy-issued").resident(&holder.id).card(&card.record.id);
        ledger::note(tx, now, note.certificate(one.hierarchy, one.serial)).await?;
        let who = (holder.id.as_str(), card.record.id.as_str());
        let done = request::file(tx, now, "residence-copy", who, fee, Vec::new(), paper).await?;
        let document = Copy { holder: &holder, since, request: done.request, now, with_my_number }.to_pdf();
        Ok(Printed { done, document })
    })
}

/// A certificate that is on record, valid and not expired.
async fn usable(
    tx: &mut Tx,
    now: OffsetDateTime,
    hierarchy: Hierarchy,
    serial: u32,
) -> Result<Certificate, WorldError> {
    let unknown = || WorldError::Rule(format!("no {} certificate {serial:06X} is on record", hierarchy.name()));
    let one = certificate::get(&mut **tx, hierarchy, serial).await?.ok_or_else(unknown)?;
    if one.usable(now) { Ok(one) } else { Err(WorldError::Rule(format!("{} cannot be used now", one.what()))) }
}

/// The holder, who lives here, and the card, which they have.
async fn at_home(tx: &mut Tx, one: &Certificate) -> Result<(Registered, Card), WorldError> {
    let holder = register::hold(tx, &one.resident).await?;
    if holder.status != ResidentStatus::Registered {
        return Err(WorldError::ResidentStatus { resident: holder.id, status: holder.status });
    }
    Ok((holder, card::hold(tx, &one.card).await?))
}

/// A wish to have a PIN reset at a kiosk, signed by the card with the key of its other PIN.
#[derive(Debug, Clone)]
pub struct Reservation {
    card: String,
    pin: Hierarchy,
    at: OffsetDateTime,
    nonce: [u8; 16],
}

impl Reservation {
    /// Of the PIN of this half, signature or authentication.
    pub fn new(card: &str, pin: Hierarchy, now: OffsetDateTime, rng: &mut impl CryptoRng) -> Self {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        Reservation { card: card.into(), pin, at: now.replace_nanosecond(0).unwrap_or(now), nonce }
    }

    /// The half whose key signs it.
    #[must_use]
    pub fn signed_by(&self) -> Hierarchy {
        match self.pin {
            Hierarchy::Authentication => Hierarchy::Signature,
            _ => Hierarchy::Authentication,
        }
    }

    /// SHA-256 of what is signed: nothing else that a card signs begins so.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let (pin, at, nonce) = (self.pin.name(), self.at.unix_timestamp(), hex::encode(self.nonce));
        Sha256::digest(format!("jitsuin PIN reset reservation 1\n{}\n{pin}\n{at}\n{nonce}\n", self.card)).into()
    }
}

/// Puts a reservation on record, in place of an earlier one of the card. `face` says that the phone compared its owner's face with
/// that on the card.
///
/// # Errors
/// [`WorldError::Rule`] where the face was not compared, the signature is not of the other key, or its certificate cannot be used.
pub fn reserve(
    world: &World,
    now: OffsetDateTime,
    reservation: &Reservation,
    signature: &[u8],
    face: bool,
) -> Result<(), WorldError> {
    if !face {
        return Err(WorldError::Rule(
            "the face was not compared with that on the card; no PIN is reset without it".into(),
        ));
    }
    if (reservation.at - now).abs() > FRESH {
        return Err(WorldError::Rule("the reservation is more than five minutes old; make another".into()));
    }
    world.transaction(async |tx| {
        let other = reservation.signed_by();
        let all = certificate::of_card(tx, &reservation.card).await?;
        let none = || WorldError::Rule(format!("{}: no {} certificate is on record", reservation.card, other.name()));
        let serial = all.iter().rfind(|one| one.hierarchy == other).ok_or_else(none)?.serial;
        let one = usable(tx, now, other, serial).await?;
        let (holder, card) = at_home(tx, &one).await?;
        in_hand(&card, now)?;
        let unreadable = |_| WorldError::Rule(format!("{}: not readable on record", one.what()));
        let der = x509_cert::Certificate::from_pem(&one.pem).and_then(|one| one.to_der()).map_err(unreadable)?;
        relying::signature(&der, SCHEME, &reservation.digest(), signature)
            .map_err(|_| WorldError::Rule("the reservation is not signed with the key of the other PIN".into()))?;
        sqlx::query(
            "INSERT INTO pin_reservations (card, pin, at) VALUES ($1, $2, $3) \
             ON CONFLICT (card) DO UPDATE SET pin = excluded.pin, at = excluded.at",
        )
        .bind(&card.record.id)
        .bind(reservation.pin.name())
        .bind(now.unix_timestamp())
        .execute(&mut **tx)
        .await?;
        let note = Note::new(Actor::Holder, "pin-reset-reserved").resident(&holder.id).card(&card.record.id);
        Ok(ledger::note(tx, now, note.detail(reservation.pin.name())).await?)
    })
}

/// Resets the PIN that was reserved within [`RESERVED`], through the issuer channel. The reservation is used up by the attempt.
///
/// # Errors
/// [`WorldError::Rule`] without a reservation of this PIN; [`WorldError::Issuer`].
pub fn reset(
    world: &World,
    now: OffsetDateTime,
    id: &str,
    reader: &mut dyn Reader,
    pin: Hierarchy,
    value: &str,
) -> Result<Done, WorldError> {
    let record = world.transaction(async |tx| {
        let (_, card) = counter::held(tx, id).await?;
        in_hand(&card, now)?;
        let query = sqlx::query("DELETE FROM pin_reservations WHERE card = $1 AND pin = $2 RETURNING at");
        let row = query.bind(id).bind(pin.name()).fetch_optional(&mut **tx).await?;
        let at = row.map(|row| row.try_get::<i64, _>("at")).transpose().map_err(store::StoreError::from)?;
        let age = at.map(|at| now.unix_timestamp() - at);
        // One that is over stays away too.
        Ok(age.is_some_and(|age| (0..=RESERVED.whole_seconds()).contains(&age)).then_some(card.record))
    })?;
    let none = || {
        WorldError::Rule(format!(
            "{id}: nothing is reserved for this PIN, or it was more than 24 hours ago; `jitsuin kiosk reserve` does it"
        ))
    };
    let record = record.ok_or_else(none)?;
    write_pins(world, &record, reader, &[half::pin(pin)], value)?;
    counter::file_reset(world, now, id, Actor::Kiosk)
}

/// A kiosk takes a card that its holder has, and that is not over.
fn in_hand(card: &Card, now: OffsetDateTime) -> Result<(), WorldError> {
    if card.status != CardStatus::Issued {
        return Err(with_status(card, "a kiosk takes cards that their holders have and that are not stopped"));
    }
    if card.expired(birthday::jst_date(now)) {
        return Err(WorldError::CardExpired { card: card.record.id.clone(), on: card.record.expires });
    }
    Ok(())
}
