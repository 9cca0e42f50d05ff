//! Electronic applications 電子申請 as the reception office has them on record. (service.md §6, §8)

use crate::{
    ledger::{self, Actor, Note},
    store::{self, Store, StoreError},
    world::World,
};
use base64ct::{Base64, Encoding};
use pki::profile::Hierarchy;
use serde::Serialize;
use sqlx::{Row, any::AnyRow};
use time::OffsetDateTime;

/// Most applications that are listed at once.
pub const MOST: u32 = 10_000;
const COUNTER: &str = "application";
const COLUMNS: &str = "id, at, digest, receipt, accepted, authority, serial, procedure, report, message, content";

/// What was received and judged.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// SHA-256 of what was sent.
    pub digest: &'a [u8; 32],
    /// SHA-256 of the receipt.
    pub receipt: &'a [u8; 32],
    /// The signer's certificate.
    pub certificate: (Hierarchy, u32),
    /// Of the form; empty where it was refused.
    pub procedure: &'a str,
    /// The verdicts, JSON without personal attributes.
    pub report: &'a str,
    /// The message, and the content where it came beside it; `None` where it was refused.
    pub accepted: Option<(&'a [u8], Option<&'a [u8]>)>,
}

/// Where it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// 受付番号
    pub number: i64,
    /// Whether it had been accepted before; then nothing was added.
    pub before: bool,
}

/// An application on record.
#[derive(Clone, Serialize)]
pub struct Application {
    /// 受付番号
    pub number: i64,
    /// When it was received.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Whether every check held.
    pub accepted: bool,
    /// Whose certificate signed it.
    pub authority: String,
    /// Serial number of that certificate, hexadecimal.
    pub serial: String,
    /// Of the form; empty where it was refused.
    pub procedure: String,
    /// SHA-256 of what was sent, hexadecimal.
    pub digest: String,
    /// The verdicts.
    pub report: serde_json::Value,
    /// The message, CMS in DER, where it was accepted.
    #[serde(skip)]
    pub message: Option<Vec<u8>>,
    /// The content, where it came beside the message.
    #[serde(skip)]
    pub content: Option<Vec<u8>>,
    /// SHA-256 of the receipt.
    #[serde(skip)]
    pub receipt: [u8; 32],
}

/// Nothing of what was applied for.
impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Application({}, accepted: {})", self.number, self.accepted)
    }
}

/// Keeps an application, and notes it in the ledger. What was accepted before keeps its number.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(store: &Store, now: OffsetDateTime, judged: &Judged<'_>) -> Result<Kept, StoreError> {
    let mut tx = store.begin().await?;
    store::begin_counter(&mut tx, COUNTER, 1).await?;
    // The counter's row is held from here, so that two who send the same at once come one after the other.
    let number = i64::from(store::next(&mut tx, COUNTER).await?);
    let digest = hex::encode(judged.digest);
    let query = sqlx::query("SELECT id FROM applications WHERE digest = $1 AND accepted = 1").bind(&digest);
    if let Some(row) = query.fetch_optional(&mut *tx).await? {
        return Ok(Kept { number: row.try_get("id")?, before: true });
    }
    let (hierarchy, serial) = judged.certificate;
    let (message, content) = judged.accepted.unzip();
    sqlx::query(&format!("INSERT INTO applications ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"))
        .bind(number)
        .bind(now.unix_timestamp())
        .bind(&digest)
        .bind(hex::encode(judged.receipt))
        .bind(i64::from(judged.accepted.is_some()))
        .bind(hierarchy.name())
        .bind(i64::from(serial))
        .bind(judged.procedure)
        .bind(judged.report)
        .bind(message.map(Base64::encode_string))
        .bind(content.flatten().map(Base64::encode_string))
        .execute(&mut *tx)
        .await?;
    let event = if judged.accepted.is_some() { "application-accepted" } else { "application-refused" };
    let detail = number.to_string();
    ledger::note(&mut tx, now, Note::new(Actor::Verifier, event).certificate(hierarchy, serial).detail(&detail))
        .await?;
    tx.commit().await?;
    Ok(Kept { number, before: false })
}

/// The application of a number.
///
/// # Errors
/// [`StoreError`].
pub async fn get(store: &Store, number: i64) -> Result<Option<Application>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM applications WHERE id = $1");
    let row = sqlx::query(&query).bind(number).fetch_optional(store.pool()).await?;
    row.as_ref().map(read).transpose()
}

/// Applications after a number, oldest first, at most [`MOST`].
///
/// # Errors
/// [`StoreError`].
pub fn all(world: &World, after: i64) -> Result<Vec<Application>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM applications WHERE id > $1 ORDER BY id LIMIT $2");
    let query = sqlx::query(&query).bind(after).bind(i64::from(MOST));
    world.wait(query.fetch_all(world.store().pool()))?.iter().map(read).collect()
}

/// As [`get`].
///
/// # Errors
/// [`StoreError`].
pub fn one(world: &World, number: i64) -> Result<Option<Application>, StoreError> {
    world.wait(get(world.store(), number))
}

fn read(row: &AnyRow) -> Result<Application, StoreError> {
    let broken = |what: &str| StoreError::Row { table: "applications", what: format!("column {what}") };
    let bytes = |name: &str| -> Result<Option<Vec<u8>>, StoreError> {
        let text: Option<String> = row.try_get(name)?;
        text.map(|text| Base64::decode_vec(&text).map_err(|_| broken(name))).transpose()
    };
    let receipt = hex::decode(row.try_get::<String, _>("receipt")?).ok().and_then(|bytes| bytes.try_into().ok());
    Ok(Application {
        number: row.try_get("id")?,
        at: OffsetDateTime::from_unix_timestamp(row.try_get("at")?).map_err(|_| broken("at"))?,
        accepted: row.try_get::<i64, _>("accepted")? == 1,
        authority: row.try_get("authority")?,
        serial: format!("{:06X}", row.try_get::<i64, _>("serial")?),
        procedure: row.try_get("procedure")?,
        digest: row.try_get("digest")?,
        report: serde_json::from_str(&row.try_get::<String, _>("report")?).map_err(|_| broken("report"))?,
        message: bytes("message")?,
        content: bytes("content")?,
        receipt: receipt.ok_or_else(|| broken("receipt"))?,
    })
}
