//! The ledger: every event of a world, in order, never changed. (service.md row 38)

use crate::{
    store::{self, StoreError, Tx},
    world::World,
};
use pki::profile::Hierarchy;
use serde::Serialize;
use sqlx::{Row, any::AnyRow};
use time::OffsetDateTime;

/// Most events that are read at once.
pub const MOST: u32 = 100_000;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// 住民基本台帳
    Register,
    /// 市区町村窓口
    Counter,
    /// コールセンター
    CallCentre,
    /// The authorities.
    Authority,
    /// 利用者
    Holder,
    /// 署名検証者
    Verifier,
    /// コンビニ交付
    Kiosk,
    /// Whoever runs the simulator.
    Operator,
}

impl Actor {
    const fn name(self) -> &'static str {
        match self {
            Actor::Register => "register",
            Actor::Counter => "counter",
            Actor::CallCentre => "call-centre",
            Actor::Authority => "authority",
            Actor::Holder => "holder",
            Actor::Verifier => "verifier",
            Actor::Kiosk => "kiosk",
            Actor::Operator => "operator",
        }
    }
}

/// What happened, to be written down.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// By whom.
    pub actor: Actor,
    /// What, as a short name: `certificate-revoked`.
    pub event: &'a str,
    /// To whom.
    pub resident: Option<&'a str>,
    /// To which card.
    pub card: Option<&'a str>,
    /// To which certificate.
    pub certificate: Option<(Hierarchy, u32)>,
    /// More. Never a secret, a My Number or an attribute.
    pub detail: &'a str,
}

impl<'a> Note<'a> {
    /// A note about nobody yet.
    #[must_use]
    pub const fn new(actor: Actor, event: &'a str) -> Self {
        Note { actor, event, resident: None, card: None, certificate: None, detail: "" }
    }

    /// About this resident.
    #[must_use]
    pub const fn resident(self, resident: &'a str) -> Self {
        Note { resident: Some(resident), ..self }
    }

    /// About this card.
    #[must_use]
    pub const fn card(self, card: &'a str) -> Self {
        Note { card: Some(card), ..self }
    }

    /// About this certificate.
    #[must_use]
    pub const fn certificate(self, hierarchy: Hierarchy, serial: u32) -> Self {
        Note { certificate: Some((hierarchy, serial)), ..self }
    }

    /// More.
    #[must_use]
    pub const fn detail(self, detail: &'a str) -> Self {
        Note { detail, ..self }
    }
}

/// Writes a note at the end of the ledger.
///
/// # Errors
/// [`StoreError`].
pub async fn note(tx: &mut Tx, now: OffsetDateTime, note: Note<'_>) -> Result<(), StoreError> {
    let id = store::next(tx, "event").await?;
    sqlx::query(
        "INSERT INTO events (id, at, actor, event, resident, card, authority, serial, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(i64::from(id))
    .bind(now.unix_timestamp())
    .bind(note.actor.name())
    .bind(note.event)
    .bind(note.resident)
    .bind(note.card)
    .bind(note.certificate.map(|(hierarchy, _)| hierarchy.name()))
    .bind(note.certificate.map(|(_, serial)| i64::from(serial)))
    .bind(note.detail)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One event as it stands in the ledger.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Its number; they have no gaps.
    pub id: i64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// By whom.
    pub actor: String,
    /// What.
    pub event: String,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident: Option<String>,
    /// To which card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Of which authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Serial number of the certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// More.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this resident alone.
    pub resident: Option<String>,
    /// Of this card alone.
    pub card: Option<String>,
    /// After the event with this number.
    pub after: i64,
}

/// Reads the ledger, at most [`MOST`] events, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn events(world: &World, filter: &Filter) -> Result<Vec<Event>, StoreError> {
    let query = sqlx::query(
        "SELECT id, at, actor, event, resident, card, authority, serial, detail FROM events WHERE id > $1 \
         AND ($2 = '' OR resident = $2) AND ($3 = '' OR card = $3) ORDER BY id LIMIT $4",
    )
    .bind(filter.after)
    .bind(filter.resident.as_deref().unwrap_or(""))
    .bind(filter.card.as_deref().unwrap_or(""))
    .bind(i64::from(MOST));
    let rows = world.wait(query.fetch_all(world.store().pool()))?;
    rows.iter().map(event).collect()
}

fn event(row: &AnyRow) -> Result<Event, StoreError> {
    let what = |what: &str| StoreError::Row { table: "events", what: what.into() };
    Ok(Event {
        id: row.try_get("id")?,
        at: OffsetDateTime::from_unix_timestamp(row.try_get("at")?).map_err(|_| what("column at"))?,
        actor: row.try_get("actor")?,
        event: row.try_get("event")?,
        resident: row.try_get("resident")?,
        card: row.try_get("card")?,
        authority: row.try_get("authority")?,
        serial: row.try_get::<Option<i64>, _>("serial")?.map(|serial| format!("{serial:06X}")),
        detail: row.try_get("detail")?,
    })
}
