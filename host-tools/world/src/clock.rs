//! What time it is in a world: the real time, or one that was set. (service.md row 36)

use crate::{
    error::WorldError,
    ledger::{self, Actor, Note},
    store::{Store, StoreError},
    world::World,
};
use sqlx::Row;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// What the world's clock says.
///
/// # Errors
/// [`StoreError`].
pub async fn now(store: &Store) -> Result<OffsetDateTime, StoreError> {
    Ok(standing(store).await?.unwrap_or_else(real))
}

fn real() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

/// The moment at which the clock was set to stand.
///
/// # Errors
/// [`StoreError`].
pub fn get(world: &World) -> Result<Option<OffsetDateTime>, StoreError> {
    world.wait(standing(world.store()))
}

async fn standing(store: &Store) -> Result<Option<OffsetDateTime>, StoreError> {
    let row = sqlx::query("SELECT clock FROM world").fetch_one(store.pool()).await?;
    let seconds: Option<i64> = row.try_get("clock")?;
    let wrong = |_| StoreError::Row { table: "world", what: "column clock".into() };
    seconds.map(|seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(wrong)).transpose()
}

/// Lets the clock stand at a moment, or go with the real time again. A set clock stands until it is set anew, so that a script
/// knows what it gets; it can be set back, which an authority of flesh and blood could not.
///
/// # Errors
/// [`WorldError::Store`].
pub fn set(world: &World, to: Option<OffsetDateTime>) -> Result<(), WorldError> {
    let detail = to.and_then(|to| to.format(&Rfc3339).ok()).unwrap_or_else(|| "real time".into());
    world.transaction(async |tx| {
        sqlx::query("UPDATE world SET clock = $1")
            .bind(to.map(OffsetDateTime::unix_timestamp))
            .execute(&mut **tx)
            .await?;
        let note = Note::new(Actor::Operator, "clock-set").detail(&detail);
        Ok(ledger::note(tx, to.unwrap_or_else(real), note).await?)
    })
}
