//! The database: SQLite in the world's folder, or PostgreSQL for many workers. One text of queries for both.

use sqlx::{
    Any, AnyPool, Row,
    any::{AnyPoolOptions, AnyRow},
    migrate::Migrator,
};
use std::{path::Path, time::Duration};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// Connections of one process.
const CONNECTIONS: u32 = 8;
/// How long to wait for others who are changing it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the database did not do something. A transaction that fails changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Its schema.
    #[error("database: {0}; use the version of jitsuin that made it, or a newer one")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Not a URL that is understood.
    #[error("{0:?} names no database; give postgres://USER@HOST/NAME, or nothing for a file in the world's folder")]
    Url(String),
    /// A row that makes no sense.
    #[error("database: a row of {table} makes no sense ({what}); restore a backup")]
    Row {
        /// Table.
        table: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Counters have an end.
    #[error("the numbers of {0} have run out")]
    Exhausted(String),
}

/// A transaction: all of it happens, or nothing.
pub type Tx = sqlx::Transaction<'static, Any>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// The database, connected.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    kind: Kind,
}

/// URL of a world's own database file.
#[must_use]
pub fn file_url(path: &Path) -> String {
    // Two characters would end the path in a URL.
    let path = path.display().to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{path}?mode=rwc")
}

impl Store {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let kind = match url.split_once(':') {
            Some(("sqlite", _)) => Kind::Sqlite,
            Some(("postgres" | "postgresql", _)) => Kind::Postgres,
            _ => return Err(StoreError::Url(without_password(url))),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    // WAL lets readers go on while somebody writes; FULL keeps what was committed when power goes.
                    let pragmas =
                        ["busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"];
                    for pragma in pragmas.iter().filter(|_| kind == Kind::Sqlite) {
                        sqlx::query(&format!("PRAGMA {pragma}")).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        let store = Store { pool, kind };
        MIGRATIONS.run(&store.pool).await?;
        let guards = match kind {
            Kind::Sqlite => include_str!("../guards/sqlite.sql"),
            Kind::Postgres => include_str!("../guards/postgres.sql"),
        };
        let mut tx = store.begin().await?;
        if kind == Kind::Postgres {
            // Two who replace one function at once would get in each other's way.
            sqlx::query("SELECT CAST(pg_advisory_xact_lock(7201) AS TEXT)").execute(&mut *tx).await?;
        }
        sqlx::raw_sql(guards).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(store)
    }

    /// Begins a transaction that will write.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self.kind {
            // A transaction that begins by reading could not write after somebody else did.
            Kind::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.pool.begin().await?,
        })
    }

    /// For reading without a transaction.
    #[must_use]
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }
}

/// A URL that can be shown.
#[must_use]
pub fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| rest.split_once('@').map(|(user, host)| (scheme, user, host)))
    {
        Some((scheme, user, host)) => format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

/// Gives a number of this name once.
///
/// # Errors
/// [`StoreError`].
pub async fn next(tx: &mut Tx, name: &str) -> Result<u32, StoreError> {
    let row = sqlx::query("UPDATE counters SET next = next + 1 WHERE name = $1 RETURNING next - 1 AS given")
        .bind(name)
        .fetch_one(&mut **tx)
        .await?;
    u32::try_from(row.try_get::<i64, _>("given")?).map_err(|_| StoreError::Exhausted(name.into()))
}

/// Makes a counter where there is none.
///
/// # Errors
/// [`StoreError`].
pub async fn begin_counter(tx: &mut Tx, name: &str, first: u32) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO counters (name, next) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(i64::from(first))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Lets a counter go on from a number.
pub(crate) async fn set_counter(tx: &mut Tx, name: &str, next: u32) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE counters SET next = $1 WHERE name = $2").bind(i64::from(next)).bind(name);
    query.execute(&mut **tx).await?;
    Ok(())
}

/// A column that has to make sense.
pub(crate) fn column<T>(
    table: &'static str,
    row: &AnyRow,
    name: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let text: String = row.try_get(name)?;
    // The value may be somebody's: it stays out of the message.
    read(&text).ok_or_else(|| StoreError::Row { table, what: format!("column {name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_stay_out_of_messages() {
        assert_eq!(without_password("postgres://jitsuin:secret@db.test/world"), "postgres://jitsuin@db.test/world");
        assert_eq!(without_password("mysql://db/world"), "mysql://db/world");
        assert_eq!(file_url(Path::new("/w/a?b#c%d.db")), "sqlite:///w/a%3Fb%23c%25d.db?mode=rwc");
    }
}
