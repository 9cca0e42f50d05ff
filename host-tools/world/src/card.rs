//! Cards as the world has them on record.

use crate::{
    error::WorldError,
    ledger::{self, Actor, Note},
    register::day,
    status::CardStatus,
    store::{StoreError, Tx, column},
};
use pki::card_record::CardRecord;
use serde::Serialize;
use sqlx::{Row, any::AnyRow};
use time::{Date, OffsetDateTime};

/// Largest record that is read, in bytes.
const RECORD_MAX: usize = 1 << 16;

/// A card on record.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// Whose it is.
    pub resident: String,
    /// Its state.
    pub status: CardStatus,
    /// What was put on it.
    #[serde(flatten)]
    pub record: CardRecord,
}

impl Card {
    /// Whether it is over by its date.
    #[must_use]
    pub fn expired(&self, today: Date) -> bool {
        today > self.record.expires
    }

    /// Whether its holder has it.
    #[must_use]
    pub fn is_out(&self) -> bool {
        matches!(self.status, CardStatus::Issued | CardStatus::Stopped)
    }
}

const COLUMNS: &str = "id, resident, status, record";

fn read(row: &AnyRow) -> Result<Card, StoreError> {
    const TABLE: &str = "cards";
    let record: String = row.try_get("record")?;
    let wrong = |what: String| StoreError::Row { table: TABLE, what };
    if record.len() > RECORD_MAX {
        return Err(wrong("column record is too long".into()));
    }
    Ok(Card {
        resident: row.try_get("resident")?,
        status: column(TABLE, row, "status", CardStatus::from_name)?,
        // What serde says would quote the record, which is somebody's.
        record: serde_json::from_str(&record).map_err(|_| wrong("column record".into()))?,
    })
}

/// Puts a new card on record.
pub(crate) async fn insert(tx: &mut Tx, card: &Card, batch: Option<&str>) -> Result<(), WorldError> {
    sqlx::query(
        "INSERT INTO cards (id, serial, resident, profile, status, issued, expires, batch, record) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&card.record.id)
    .bind(&card.record.serial)
    .bind(&card.resident)
    .bind(&card.record.profile.name)
    .bind(card.status.name())
    .bind(day(card.record.issued))
    .bind(day(card.record.expires))
    .bind(batch)
    .bind(json(&card.record)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn json(record: &CardRecord) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|_| StoreError::Row { table: "cards", what: "column record".into() })
}

/// Keeps what changed on a card.
pub(crate) async fn keep(tx: &mut Tx, record: &CardRecord) -> Result<(), WorldError> {
    sqlx::query("UPDATE cards SET record = $1, expires = $2 WHERE id = $3")
        .bind(json(record)?)
        .bind(day(record.expires))
        .bind(&record.id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A card by id.
///
/// # Errors
/// [`WorldError::NoCard`].
pub(crate) async fn get(on: impl sqlx::Executor<'_, Database = sqlx::Any>, id: &str) -> Result<Card, WorldError> {
    let query = format!("SELECT {COLUMNS} FROM cards WHERE id = $1");
    let row = sqlx::query(&query).bind(id).fetch_optional(on).await?;
    row.as_ref().map(read).transpose()?.ok_or_else(|| WorldError::NoCard(id.into()))
}

/// A card by id, held until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, id: &str) -> Result<Card, WorldError> {
    sqlx::query("UPDATE cards SET status = status WHERE id = $1").bind(id).execute(&mut **tx).await?;
    get(&mut **tx, id).await
}

/// Every card, by id.
pub(crate) async fn all(on: impl sqlx::Executor<'_, Database = sqlx::Any>) -> Result<Vec<Card>, WorldError> {
    let query = format!("SELECT {COLUMNS} FROM cards ORDER BY length(id), id");
    let rows = sqlx::query(&query).fetch_all(on).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Cards of a resident, by id.
pub(crate) async fn of_resident(tx: &mut Tx, resident: &str) -> Result<Vec<Card>, WorldError> {
    let query = format!("SELECT {COLUMNS} FROM cards WHERE resident = $1 ORDER BY length(id), id");
    let rows = sqlx::query(&query).bind(resident).fetch_all(&mut **tx).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Gives a card another state, and writes it down.
pub(crate) async fn set_status(
    tx: &mut Tx,
    now: OffsetDateTime,
    actor: Actor,
    card: &Card,
    status: CardStatus,
) -> Result<(), WorldError> {
    let changed = sqlx::query("UPDATE cards SET status = $1 WHERE id = $2 AND status = $3")
        .bind(status.name())
        .bind(&card.record.id)
        .bind(card.status.name())
        .execute(&mut **tx)
        .await?;
    if changed.rows_affected() != 1 {
        return Err(WorldError::Rule(format!("{}: changed by somebody else meanwhile; try again", card.record.id)));
    }
    let event = match status {
        CardStatus::Issuing => "card-begun",
        CardStatus::Issued if card.status == CardStatus::Stopped => "card-released",
        CardStatus::Issued => "card-issued",
        CardStatus::Stopped => "card-stopped",
        CardStatus::Returned => "card-returned",
        CardStatus::Lost => "card-lost",
    };
    Ok(ledger::note(tx, now, Note::new(actor, event).resident(&card.resident).card(&card.record.id)).await?)
}
