//! Accounts of services that log their users in with a card: which certificate is whose, sessions, and how an account outlives a
//! certificate. (service.md §7, row 25)
//!
//! The user authentication certificate names nobody, so a service knows its users by issuer and serial number alone, and a renewed
//! certificate is a stranger. Whoever is logged in draws a transfer code beforehand, and gives it with the first login of the new
//! certificate. (docs/decisions/0023)

use crate::store::{Store, StoreError, Tx};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use time::{Duration, OffsetDateTime};

/// How long a session lasts.
pub const SESSION: Duration = Duration::minutes(15);
/// How long a transfer code waits: as long as the window of renewal.
pub const TRANSFER: Duration = Duration::days(92);
/// Most sessions of one account at once; the one that would end first gives way.
const SESSIONS_MAX: i64 = 8;
/// Random bytes of an account's number.
const ID: usize = 8;

/// SHA-256 of a token; the token itself is kept nowhere.
pub type Hash = [u8; 32];

/// A certificate as a service knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented<'a> {
    /// The service's host name: each has accounts of its own.
    pub service: &'a str,
    /// Distinguished name of the issuer. All generations of an authority share it and one row of serial numbers. (pki.md §1)
    pub issuer: &'a str,
    /// 発行番号, hexadecimal.
    pub serial: &'a str,
}

/// How a certificate came to its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// It had one.
    Known,
    /// Its first login made one.
    Registered,
    /// A transfer code brought it to an account of before.
    Transferred,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number at the service, random.
    pub id: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// How many certificates have led to it.
    pub certificates: u32,
}

/// Why an account is not given.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No such code, used, or too old.
    #[error("the transfer code is not known here, was used, or has ended; log in without it, or draw a new one")]
    Code,
    /// It would have two.
    #[error("this certificate has an account already; a transfer code is for the first login of a new certificate")]
    Taken,
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        AccountError::Store(error.into())
    }
}

/// Logs a certificate in that was checked: finds its account, or makes one, or brings it to the one of the transfer code, and
/// opens a session. All or nothing.
///
/// # Errors
/// [`AccountError`].
pub async fn log_in(
    store: &Store,
    now: OffsetDateTime,
    presented: Presented<'_>,
    transfer: Option<&Hash>,
    session: &Hash,
) -> Result<(Account, Entry), AccountError> {
    let mut tx = store.begin().await?;
    sweep(&mut tx, now).await?;
    let (id, entry) = match (known(&mut tx, presented).await?, transfer) {
        (Some(_), Some(_)) => return Err(AccountError::Taken),
        (Some(id), None) => (id, Entry::Known),
        (None, Some(code)) => {
            let id = take(&mut tx, now, presented.service, code).await?;
            (id.ok_or(AccountError::Code)?, Entry::Transferred)
        }
        (None, None) => (register(&mut tx, now, presented.service).await?, Entry::Registered),
    };
    if entry != Entry::Known {
        attach(&mut tx, now, presented, &id).await?;
    }
    make_room(&mut tx, &id).await?;
    keep(&mut tx, session, "session", &id, now + SESSION).await?;
    let account = account(&mut tx, &id).await?;
    tx.commit().await?;
    Ok((account, entry))
}

/// The account of a session that has not ended.
///
/// # Errors
/// [`StoreError`].
pub async fn of_session(
    store: &Store,
    now: OffsetDateTime,
    service: &str,
    session: &Hash,
) -> Result<Option<Account>, StoreError> {
    let query = format!("{ACCOUNT} JOIN account_tokens t ON t.account = a.id {SESSION_IS}");
    let row = sqlx::query(&query).bind(hex::encode(session)).bind(now.unix_timestamp()).bind(service);
    row.fetch_optional(store.pool()).await?.as_ref().map(read).transpose()
}

/// Ends a session. Whether there was one.
///
/// # Errors
/// [`StoreError`].
pub async fn log_out(store: &Store, session: &Hash) -> Result<bool, StoreError> {
    let query = sqlx::query("DELETE FROM account_tokens WHERE token = $1 AND purpose = 'session'");
    Ok(query.bind(hex::encode(session)).execute(store.pool()).await?.rows_affected() == 1)
}

/// Keeps a transfer code for the account of a session; one that was drawn before ends. `None` without a session.
///
/// # Errors
/// [`StoreError`].
pub async fn draw_transfer(
    store: &Store,
    now: OffsetDateTime,
    service: &str,
    session: &Hash,
    code: &Hash,
) -> Result<Option<OffsetDateTime>, StoreError> {
    let Some(account) = of_session(store, now, service, session).await? else { return Ok(None) };
    let mut tx = store.begin().await?;
    let query = sqlx::query("DELETE FROM account_tokens WHERE account = $1 AND purpose = 'transfer'");
    query.bind(&account.id).execute(&mut *tx).await?;
    keep(&mut tx, code, "transfer", &account.id, now + TRANSFER).await?;
    tx.commit().await?;
    Ok(Some(now + TRANSFER))
}

const ACCOUNT: &str = "SELECT a.id AS id, a.since AS since, \
                       (SELECT COUNT(*) FROM account_certificates c WHERE c.account = a.id) AS certificates FROM accounts a";
const SESSION_IS: &str = "WHERE t.token = $1 AND t.purpose = 'session' AND t.ends > $2 AND a.service = $3";

fn read(row: &sqlx::any::AnyRow) -> Result<Account, StoreError> {
    let wrong = |what: &str| StoreError::Row { table: "accounts", what: format!("column {what}") };
    Ok(Account {
        id: row.try_get("id")?,
        since: OffsetDateTime::from_unix_timestamp(row.try_get("since")?).map_err(|_| wrong("since"))?,
        certificates: u32::try_from(row.try_get::<i64, _>("certificates")?).map_err(|_| wrong("certificates"))?,
    })
}

async fn account(tx: &mut Tx, id: &str) -> Result<Account, StoreError> {
    read(&sqlx::query(&format!("{ACCOUNT} WHERE a.id = $1")).bind(id).fetch_one(&mut **tx).await?)
}

/// Forgets what has ended.
async fn sweep(tx: &mut Tx, now: OffsetDateTime) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM account_tokens WHERE ends <= $1");
    query.bind(now.unix_timestamp()).execute(&mut **tx).await?;
    Ok(())
}

/// Ends the oldest sessions of an account, so that one more is not one too many.
async fn make_room(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    // Holds the account's row, so that two logins count its sessions one after the other.
    sqlx::query("UPDATE accounts SET since = since WHERE id = $1").bind(id).execute(&mut **tx).await?;
    sqlx::query(
        "DELETE FROM account_tokens WHERE token IN (SELECT token FROM account_tokens WHERE account = $1 \
         AND purpose = 'session' ORDER BY ends DESC LIMIT 1000 OFFSET $2)",
    )
    .bind(id)
    .bind(SESSIONS_MAX - 1)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn known(tx: &mut Tx, presented: Presented<'_>) -> Result<Option<String>, StoreError> {
    let query =
        sqlx::query("SELECT account FROM account_certificates WHERE service = $1 AND issuer = $2 AND serial = $3");
    let query = query.bind(presented.service).bind(presented.issuer).bind(presented.serial);
    let row = query.fetch_optional(&mut **tx).await?;
    Ok(row.map(|row| row.try_get("account")).transpose()?)
}

/// The account of a transfer code, which is used up.
async fn take(tx: &mut Tx, now: OffsetDateTime, service: &str, code: &Hash) -> Result<Option<String>, StoreError> {
    let query = sqlx::query(
        "DELETE FROM account_tokens WHERE token = $1 AND purpose = 'transfer' AND ends > $2 \
         AND account IN (SELECT id FROM accounts WHERE service = $3) RETURNING account",
    );
    let query = query.bind(hex::encode(code)).bind(now.unix_timestamp()).bind(service);
    let row = query.fetch_optional(&mut **tx).await?;
    Ok(row.map(|row| row.try_get("account")).transpose()?)
}

async fn register(tx: &mut Tx, now: OffsetDateTime, service: &str) -> Result<String, AccountError> {
    let mut id = [0; ID];
    getrandom::fill(&mut id).map_err(|error| AccountError::Randomness(error.to_string()))?;
    let id = format!("account-{}", hex::encode(id));
    let query = sqlx::query("INSERT INTO accounts (id, service, since) VALUES ($1, $2, $3)");
    query.bind(&id).bind(service).bind(now.unix_timestamp()).execute(&mut **tx).await?;
    Ok(id)
}

async fn attach(tx: &mut Tx, now: OffsetDateTime, presented: Presented<'_>, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO account_certificates (service, issuer, serial, account, since) VALUES ($1, $2, $3, $4, $5)",
    );
    let query = query.bind(presented.service).bind(presented.issuer).bind(presented.serial);
    query.bind(id).bind(now.unix_timestamp()).execute(&mut **tx).await?;
    Ok(())
}

async fn keep(tx: &mut Tx, token: &Hash, purpose: &str, account: &str, ends: OffsetDateTime) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO account_tokens (token, purpose, account, ends) VALUES ($1, $2, $3, $4)");
    let query = query.bind(hex::encode(token)).bind(purpose).bind(account).bind(ends.unix_timestamp());
    query.execute(&mut **tx).await?;
    Ok(())
}
