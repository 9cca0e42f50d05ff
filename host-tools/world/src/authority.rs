//! What the authorities ask of the record beside certificates: numbers, and who may verify. (service.md §13, rows 33 and 37)

use crate::{
    error::WorldError,
    ledger::{self, Actor, Note},
    store::{self, Store, StoreError},
    world::World,
};
use serde::Serialize;
use sqlx::Row;
use time::OffsetDateTime;

/// A registered verifier 署名検証者・利用者証明検証者.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verifier {
    /// Under which it is registered.
    pub name: String,
    /// Its category, 1 to 8.
    pub category: u8,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Whether it may still ask.
    pub registered: bool,
}

/// A number that grows with every event.
///
/// # Errors
/// [`StoreError`].
pub async fn revision(store: &Store) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT next FROM counters WHERE name = 'event'").fetch_one(store.pool()).await?;
    Ok(u64::try_from(row.try_get::<i64, _>("next")?).unwrap_or(0))
}

/// Gives a number of this name once.
///
/// # Errors
/// [`StoreError`].
pub async fn next(store: &Store, name: &str) -> Result<u32, StoreError> {
    let mut tx = store.begin().await?;
    let number = store::next(&mut tx, name).await?;
    tx.commit().await?;
    Ok(number)
}

/// Name and category of the verifier whose token has this SHA-256, if its registration has not ended.
///
/// # Errors
/// [`StoreError`].
pub async fn verifier(store: &Store, token: &[u8; 32]) -> Result<Option<(String, u8)>, StoreError> {
    // The database compares hashes: what its time tells is of no use to who does not have the token.
    let query = sqlx::query("SELECT name, category FROM verifiers WHERE token = $1 AND ended IS NULL");
    let Some(row) = query.bind(hex::encode(token)).fetch_optional(store.pool()).await? else { return Ok(None) };
    let category = u8::try_from(row.try_get::<i64, _>("category")?);
    let wrong = |_| StoreError::Row { table: "verifiers", what: "column category".into() };
    Ok(Some((row.try_get("name")?, category.map_err(wrong)?)))
}

/// Registers a verifier, whose token is kept as its SHA-256 alone.
///
/// # Errors
/// [`WorldError::Rule`] for a name that is taken.
pub fn register(
    world: &World,
    now: OffsetDateTime,
    name: &str,
    category: u8,
    token: &[u8; 32],
) -> Result<(), WorldError> {
    if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        return Err(WorldError::Rule("a verifier has a name of at most 200 bytes".into()));
    }
    world.transaction(async |tx| {
        let done = sqlx::query(
            "INSERT INTO verifiers (name, category, token, since, ended) VALUES ($1, $2, $3, $4, NULL) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(i64::from(category))
        .bind(hex::encode(token))
        .bind(now.unix_timestamp())
        .execute(&mut **tx)
        .await?;
        if done.rows_affected() != 1 {
            return Err(WorldError::Rule(format!("{name:?} is registered already")));
        }
        Ok(ledger::note(tx, now, Note::new(Actor::Authority, "verifier-registered").detail(name)).await?)
    })
}

/// Ends a verifier's registration.
///
/// # Errors
/// [`WorldError::Rule`] where there is none.
pub fn end(world: &World, now: OffsetDateTime, name: &str) -> Result<(), WorldError> {
    world.transaction(async |tx| {
        let done = sqlx::query("UPDATE verifiers SET ended = $1 WHERE name = $2 AND ended IS NULL")
            .bind(now.unix_timestamp())
            .bind(name)
            .execute(&mut **tx)
            .await?;
        if done.rows_affected() != 1 {
            return Err(WorldError::Rule(format!("no verifier {name:?} is registered")));
        }
        Ok(ledger::note(tx, now, Note::new(Actor::Authority, "verifier-ended").detail(name)).await?)
    })
}

/// Every verifier, by name.
///
/// # Errors
/// [`WorldError::Store`].
pub fn verifiers(world: &World) -> Result<Vec<Verifier>, WorldError> {
    let query = sqlx::query("SELECT name, category, since, ended FROM verifiers ORDER BY name");
    let rows = world.wait(query.fetch_all(world.store().pool()))?;
    let wrong = |what: &str| StoreError::Row { table: "verifiers", what: format!("column {what}") };
    let read = |row: &sqlx::any::AnyRow| {
        Ok::<_, StoreError>(Verifier {
            name: row.try_get("name")?,
            category: u8::try_from(row.try_get::<i64, _>("category")?).map_err(|_| wrong("category"))?,
            since: OffsetDateTime::from_unix_timestamp(row.try_get("since")?).map_err(|_| wrong("since"))?,
            registered: row.try_get::<Option<i64>, _>("ended")?.is_none(),
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}
