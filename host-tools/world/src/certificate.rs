//! Certificates as the authorities have them on record: issued, suspended, revoked.

use crate::{
    error::WorldError,
    ledger::{self, Actor, Note},
    status::{CertificateStatus, Reason, Step},
    store::{StoreError, Tx, column},
    world::World,
};
use pki::{birthday, profile::Hierarchy};
use serde::Serialize;
use sqlx::{Row, any::AnyRow};
use time::{Date, OffsetDateTime};

/// One certificate on record.
#[derive(Debug, Clone, Serialize)]
pub struct Certificate {
    /// Which authority's.
    #[serde(serialize_with = "by_name")]
    pub hierarchy: Hierarchy,
    /// 発行番号
    #[serde(serialize_with = "in_hexadecimal")]
    pub serial: u32,
    /// On which card.
    pub card: String,
    /// Whose.
    pub resident: String,
    /// Municipality code of its CRL distribution point.
    pub municipality: String,
    /// notBefore
    #[serde(with = "time::serde::rfc3339")]
    pub begins: OffsetDateTime,
    /// notAfter
    #[serde(with = "time::serde::rfc3339")]
    pub ends: OffsetDateTime,
    /// Its state.
    #[serde(flatten)]
    pub status: CertificateStatus,
    /// Since when it is held or revoked. A hold that becomes a revocation keeps its date. (pki.md §9.2)
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// The certificate.
    #[serde(skip)]
    pub pem: String,
}

fn by_name<S: serde::Serializer>(hierarchy: &Hierarchy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(hierarchy.name())
}

fn in_hexadecimal<S: serde::Serializer>(serial: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{serial:06X}"))
}

/// Name of the certificate for people.
#[must_use]
pub const fn title(hierarchy: Hierarchy) -> &'static str {
    match hierarchy {
        Hierarchy::Signature => "署名用電子証明書 (signature certificate)",
        Hierarchy::Authentication => "利用者証明用電子証明書 (user authentication certificate)",
        Hierarchy::Prefecture => "住基カードの電子証明書 (certificate of a Juki card)",
    }
}

impl Certificate {
    /// Whether it is over by its dates.
    #[must_use]
    pub fn expired(&self, now: OffsetDateTime) -> bool {
        now > self.ends
    }

    /// Its last day in Japan.
    #[must_use]
    pub fn last_day(&self) -> Date {
        birthday::jst_date(self.ends)
    }

    /// Whether it can be used now.
    #[must_use]
    pub fn usable(&self, now: OffsetDateTime) -> bool {
        self.status == CertificateStatus::Valid && !self.expired(now)
    }

    /// Which it is, for people.
    #[must_use]
    pub fn what(&self) -> String {
        format!("{} {:06X}", title(self.hierarchy), self.serial)
    }
}

const COLUMNS: &str = "authority, serial, card, resident, municipality, begins, ends, status, reason, since, pem";

/// Puts a new certificate on record.
pub(crate) async fn insert(tx: &mut Tx, certificate: &Certificate) -> Result<(), StoreError> {
    sqlx::query(&format!(
        "INSERT INTO certificates ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, 'valid', NULL, NULL, $8)"
    ))
    .bind(certificate.hierarchy.name())
    .bind(i64::from(certificate.serial))
    .bind(&certificate.card)
    .bind(&certificate.resident)
    .bind(&certificate.municipality)
    .bind(certificate.begins.unix_timestamp())
    .bind(certificate.ends.unix_timestamp())
    .bind(&certificate.pem)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Certificates of a card, in the order of their issue.
pub(crate) async fn of_card(tx: &mut Tx, card: &str) -> Result<Vec<Certificate>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM certificates WHERE card = $1 ORDER BY begins, serial");
    let rows = sqlx::query(&query).bind(card).fetch_all(&mut **tx).await?;
    rows.iter().map(read).collect()
}

/// Certificates of a resident, in the order of their issue.
pub(crate) async fn of_resident(tx: &mut Tx, resident: &str) -> Result<Vec<Certificate>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM certificates WHERE resident = $1 ORDER BY begins, serial");
    let rows = sqlx::query(&query).bind(resident).fetch_all(&mut **tx).await?;
    rows.iter().map(read).collect()
}

/// One certificate.
///
/// # Errors
/// [`StoreError`].
pub async fn get(
    on: impl sqlx::Executor<'_, Database = sqlx::Any>,
    hierarchy: Hierarchy,
    serial: u32,
) -> Result<Option<Certificate>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM certificates WHERE authority = $1 AND serial = $2");
    let row = sqlx::query(&query).bind(hierarchy.name()).bind(i64::from(serial)).fetch_optional(on).await?;
    row.as_ref().map(read).transpose()
}

/// As [`get`].
///
/// # Errors
/// [`StoreError`].
pub fn one(world: &World, hierarchy: Hierarchy, serial: u32) -> Result<Option<Certificate>, StoreError> {
    world.wait(get(world.store().pool(), hierarchy, serial))
}

/// What an authority's CRL lists: everything held or revoked that has not expired, by serial.
///
/// # Errors
/// [`StoreError`].
pub async fn revoked(
    on: impl sqlx::Executor<'_, Database = sqlx::Any>,
    hierarchy: Hierarchy,
    now: OffsetDateTime,
) -> Result<Vec<Certificate>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM certificates WHERE authority = $1 AND status <> 'valid' AND ends >= $2 ORDER BY serial"
    );
    let rows = sqlx::query(&query).bind(hierarchy.name()).bind(now.unix_timestamp()).fetch_all(on).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Certificate, StoreError> {
    const TABLE: &str = "certificates";
    let wrong = |what: &str| StoreError::Row { table: TABLE, what: what.into() };
    let moment = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| wrong("a moment"));
    let reason: Option<i64> = row.try_get("reason")?;
    Ok(Certificate {
        hierarchy: column(TABLE, row, "authority", Hierarchy::by_name)?,
        serial: u32::try_from(row.try_get::<i64, _>("serial")?).map_err(|_| wrong("column serial"))?,
        card: row.try_get("card")?,
        resident: row.try_get("resident")?,
        municipality: row.try_get("municipality")?,
        begins: moment(row.try_get("begins")?)?,
        ends: moment(row.try_get("ends")?)?,
        status: column(TABLE, row, "status", |name| CertificateStatus::from_row(name, reason))?,
        since: row.try_get::<Option<i64>, _>("since")?.map(moment).transpose()?,
        pem: row.try_get("pem")?,
    })
}

/// Takes a step with a certificate. Gives its state afterwards.
///
/// # Errors
/// [`WorldError::Step`] for what its state does not allow.
pub(crate) async fn step(
    tx: &mut Tx,
    now: OffsetDateTime,
    actor: Actor,
    certificate: &Certificate,
    step: Step,
) -> Result<CertificateStatus, WorldError> {
    let after = certificate.status.after(step, certificate.hierarchy, certificate.expired(now));
    let Some(status) = after.map_err(|error| WorldError::Step { what: certificate.what(), error })? else {
        return Ok(certificate.status);
    };
    let (reason, since, event) = match status {
        CertificateStatus::Valid => (None, None, "certificate-released"),
        CertificateStatus::Held => (None, Some(now), "certificate-suspended"),
        CertificateStatus::Revoked { reason } => (Some(reason), certificate.since.or(Some(now)), "certificate-revoked"),
    };
    // The state that was judged is named, so that nobody else's step is lost.
    let changed = sqlx::query(
        "UPDATE certificates SET status = $1, reason = $2, since = $3 WHERE authority = $4 AND serial = $5 AND status = $6",
    )
    .bind(status.name())
    .bind(reason.map(|reason| i64::from(reason.code())))
    .bind(since.map(OffsetDateTime::unix_timestamp))
    .bind(certificate.hierarchy.name())
    .bind(i64::from(certificate.serial))
    .bind(certificate.status.name())
    .execute(&mut **tx)
    .await?;
    if changed.rows_affected() != 1 {
        return Err(WorldError::Rule(format!("{}: changed by somebody else meanwhile; try again", certificate.what())));
    }
    let detail = reason.map_or("", Reason::name);
    let note = Note::new(actor, event).resident(&certificate.resident).card(&certificate.card);
    ledger::note(tx, now, note.certificate(certificate.hierarchy, certificate.serial).detail(detail)).await?;
    Ok(status)
}

/// Takes a step with each of these certificates that is neither revoked nor expired and that `which` wants. Gives those whose
/// state changed.
pub(crate) async fn step_all(
    tx: &mut Tx,
    now: OffsetDateTime,
    actor: Actor,
    certificates: Vec<Certificate>,
    what: Step,
    which: impl Fn(&Certificate) -> bool,
) -> Result<Vec<Certificate>, WorldError> {
    let mut changed = Vec::new();
    for mut certificate in certificates {
        let over = matches!(certificate.status, CertificateStatus::Revoked { .. }) || certificate.expired(now);
        if over || !which(&certificate) {
            continue;
        }
        let status = step(tx, now, actor, &certificate, what).await?;
        if status != certificate.status {
            certificate.status = status;
            changed.push(certificate);
        }
    }
    Ok(changed)
}
