//! The residents' register 住民基本台帳: who lives here, with every change, and what a change does to certificates.

use crate::{
    card,
    certificate::{self, Certificate},
    error::WorldError,
    ledger::{self, Actor, Note},
    status::{CardStatus, Reason, ResidentStatus, Step},
    store::{self, StoreError, Tx, column},
    world::World,
};
use pki::{
    birthday,
    my_number::MyNumber,
    person::{Person, Sex},
    profile::Hierarchy,
};
use serde::Serialize;
use sqlx::{Row, any::AnyRow};
use time::{Date, OffsetDateTime, macros::format_description};

/// Somebody on the register.
#[derive(Debug, Clone, Serialize)]
pub struct Registered {
    /// Their id in this world.
    pub id: String,
    /// Their state.
    pub status: ResidentStatus,
    /// How often they were recorded.
    pub version: u32,
    /// The four attributes, and their My Number.
    pub person: Person,
    /// Last day of the stay of a foreign resident.
    pub stay_ends: Option<Date>,
}

/// One state of somebody in time.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// Its number, from 1.
    pub version: u32,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// What made it.
    pub cause: String,
    /// The state then.
    pub status: ResidentStatus,
    /// 氏名
    pub name: String,
    /// 住所
    pub address: String,
    /// 生年月日
    pub birth: String,
    /// 性別
    pub sex: String,
}

/// A change of the four attributes 基本4情報の変更: what is given replaces what was.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 氏名
    pub name: Option<String>,
    /// 住所
    pub address: Option<String>,
    /// 生年月日, corrected.
    pub birth: Option<Date>,
    /// 性別
    pub sex: Option<Sex>,
}

/// Puts somebody on the register 転入・出生.
///
/// # Errors
/// [`WorldError::Differs`] where the My Number is somebody's already.
pub fn enter(
    world: &World,
    now: OffsetDateTime,
    person: &Person,
    stay_ends: Option<Date>,
) -> Result<Registered, WorldError> {
    world.transaction(async |tx| register(tx, now, person.clone(), stay_ends).await)
}

/// Somebody on the register.
///
/// # Errors
/// [`WorldError::NoResident`].
pub fn get(world: &World, id: &str) -> Result<Registered, WorldError> {
    world.transaction(async |tx| hold(tx, id).await)
}

/// Everybody, by id.
///
/// # Errors
/// [`WorldError::Store`].
pub fn all(world: &World) -> Result<Vec<Registered>, WorldError> {
    world.wait(async {
        let query = format!("SELECT {COLUMNS} FROM residents ORDER BY length(id), id");
        let rows = sqlx::query(&query).fetch_all(world.store().pool()).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    })
}

/// Certificates of a resident, in the order of their issue.
///
/// # Errors
/// [`WorldError::Store`].
pub fn certificates(world: &World, id: &str) -> Result<Vec<Certificate>, WorldError> {
    world.transaction(async |tx| Ok(certificate::of_resident(tx, id).await?))
}

/// Records a change of the four attributes, and why: `moved`, `married`, `corrected`. Signature certificates, and those of Juki
/// cards, which carry them too, are revoked; the user authentication certificate stays. (service.md §4.4) Gives what was revoked.
///
/// # Errors
/// [`WorldError`]; also where nothing would change.
pub fn change(
    world: &World,
    now: OffsetDateTime,
    id: &str,
    change: &Change,
    cause: &str,
) -> Result<(Registered, Vec<Certificate>), WorldError> {
    world.transaction(async |tx| record_change(tx, now, id, change, cause).await)
}

/// Records a death 死亡 or a move abroad 国外転出. All certificates of the dead are revoked and their cards are over; who moves
/// abroad keeps the card since 2024-05-27, and loses the signature certificate with the address. (pki.md §9.1) Gives what was
/// revoked.
///
/// # Errors
/// [`WorldError`].
pub fn leave(
    world: &World,
    now: OffsetDateTime,
    id: &str,
    status: ResidentStatus,
) -> Result<(Registered, Vec<Certificate>), WorldError> {
    world.transaction(async |tx| record_leave(tx, now, id, status).await)
}

/// Every version of somebody, oldest first.
///
/// # Errors
/// [`WorldError::Store`].
pub fn history(world: &World, id: &str) -> Result<Vec<Version>, WorldError> {
    const TABLE: &str = "resident_history";
    let query = "SELECT version, since, cause, status, name, address, birth, sex FROM resident_history WHERE resident = $1 \
                 ORDER BY version";
    let rows = world.wait(sqlx::query(query).bind(id).fetch_all(world.store().pool()))?;
    let wrong = |what: &str| StoreError::Row { table: TABLE, what: format!("column {what}") };
    let version = |row: &AnyRow| {
        Ok::<_, StoreError>(Version {
            version: u32::try_from(row.try_get::<i64, _>("version")?).map_err(|_| wrong("version"))?,
            since: OffsetDateTime::from_unix_timestamp(row.try_get("since")?).map_err(|_| wrong("since"))?,
            cause: row.try_get("cause")?,
            status: column(TABLE, row, "status", ResidentStatus::from_name)?,
            name: row.try_get("name")?,
            address: row.try_get("address")?,
            birth: row.try_get("birth")?,
            sex: row.try_get("sex")?,
        })
    };
    Ok(rows.iter().map(version).collect::<Result<_, _>>()?)
}

/// Since when somebody has been on the register.
pub(crate) async fn on_record_since(tx: &mut Tx, id: &str) -> Result<OffsetDateTime, StoreError> {
    let query = sqlx::query("SELECT MIN(since) AS since FROM resident_history WHERE resident = $1").bind(id);
    let row = query.fetch_one(&mut **tx).await?;
    let wrong = |_| StoreError::Row { table: "resident_history", what: "column since".into() };
    OffsetDateTime::from_unix_timestamp(row.try_get("since")?).map_err(wrong)
}

/// How a day stands in the database.
pub(crate) fn day(date: Date) -> String {
    date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

pub(crate) fn parse_day(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
}

fn sex_name(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
        Sex::Unknown => "unknown",
        Sex::NotApplicable => "not-applicable",
    }
}

fn sex_of(name: &str) -> Option<Sex> {
    [Sex::Male, Sex::Female, Sex::Unknown, Sex::NotApplicable].into_iter().find(|sex| sex_name(*sex) == name)
}

const COLUMNS: &str = "id, status, version, name, address, birth, sex, my_number, stay_ends";

fn read(row: &AnyRow) -> Result<Registered, StoreError> {
    const TABLE: &str = "residents";
    let wrong = |what: &str| StoreError::Row { table: TABLE, what: format!("column {what}") };
    let number: Option<String> = row.try_get("my_number")?;
    let number = number.map(|digits| MyNumber::new(&digits).map_err(|_| wrong("my_number"))).transpose()?;
    let stay: Option<String> = row.try_get("stay_ends")?;
    Ok(Registered {
        id: row.try_get("id")?,
        status: column(TABLE, row, "status", ResidentStatus::from_name)?,
        version: u32::try_from(row.try_get::<i64, _>("version")?).map_err(|_| wrong("version"))?,
        person: Person {
            name: row.try_get("name")?,
            address: row.try_get("address")?,
            birth: column(TABLE, row, "birth", parse_day)?,
            sex: column(TABLE, row, "sex", sex_of)?,
            my_number: number,
        },
        stay_ends: stay.map(|text| parse_day(&text).ok_or_else(|| wrong("stay_ends"))).transpose()?,
    })
}

/// Somebody by id, held until the transaction ends, so that two procedures for one resident come one after the other.
///
/// # Errors
/// [`WorldError::NoResident`].
pub(crate) async fn hold(tx: &mut Tx, id: &str) -> Result<Registered, WorldError> {
    // Writing a row takes it in both databases.
    let query = format!("UPDATE residents SET version = version WHERE id = $1 RETURNING {COLUMNS}");
    let row = sqlx::query(&query).bind(id).fetch_optional(&mut **tx).await?;
    row.as_ref().map(read).transpose()?.ok_or_else(|| WorldError::NoResident(id.into()))
}

/// The same, of somebody who is alive and lives here.
pub(crate) async fn hold_registered(tx: &mut Tx, id: &str) -> Result<Registered, WorldError> {
    let registered = hold(tx, id).await?;
    match registered.status {
        // Residents who moved abroad keep their card. (service.md §15)
        ResidentStatus::Registered | ResidentStatus::MovedAbroad => Ok(registered),
        status => Err(WorldError::ResidentStatus { resident: registered.id, status }),
    }
}

/// The one who has this My Number, or where there is none, exactly these attributes.
pub(crate) async fn find(tx: &mut Tx, person: &Person) -> Result<Option<Registered>, WorldError> {
    let query = match &person.my_number {
        Some(_) => format!("SELECT {COLUMNS} FROM residents WHERE my_number = $1"),
        None => format!("SELECT {COLUMNS} FROM residents WHERE name = $1 AND address = $2 AND birth = $3 AND sex = $4"),
    };
    let query = match &person.my_number {
        Some(number) => sqlx::query(&query).bind(number.digits()),
        None => sqlx::query(&query)
            .bind(&person.name)
            .bind(&person.address)
            .bind(day(person.birth))
            .bind(sex_name(person.sex)),
    };
    let row = query.fetch_optional(&mut **tx).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// Puts somebody on the register.
///
/// # Errors
/// [`WorldError::Differs`] where the My Number is somebody's already.
pub(crate) async fn register(
    tx: &mut Tx,
    now: OffsetDateTime,
    person: Person,
    stay_ends: Option<Date>,
) -> Result<Registered, WorldError> {
    person.validate(birthday::jst_date(now))?;
    if person.my_number.is_some()
        && let Some(known) = find(tx, &person).await?
    {
        return Err(WorldError::Differs(known.id));
    }
    let id = format!("resident-{:04}", store::next(tx, "resident").await?);
    let registered = Registered { id, status: ResidentStatus::Registered, version: 1, person, stay_ends };
    sqlx::query(&format!("INSERT INTO residents ({COLUMNS}) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8)"))
        .bind(&registered.id)
        .bind(registered.status.name())
        .bind(&registered.person.name)
        .bind(&registered.person.address)
        .bind(day(registered.person.birth))
        .bind(sex_name(registered.person.sex))
        .bind(registered.person.my_number.as_ref().map(MyNumber::digits))
        .bind(stay_ends.map(day))
        .execute(&mut **tx)
        .await?;
    keep_version(tx, now, &registered, "registered").await?;
    ledger::note(tx, now, Note::new(Actor::Register, "resident-registered").resident(&registered.id)).await?;
    Ok(registered)
}

async fn keep_version(tx: &mut Tx, now: OffsetDateTime, of: &Registered, cause: &str) -> Result<(), WorldError> {
    sqlx::query(
        "INSERT INTO resident_history (resident, version, since, cause, status, name, address, birth, sex) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&of.id)
    .bind(i64::from(of.version))
    .bind(now.unix_timestamp())
    .bind(cause)
    .bind(of.status.name())
    .bind(&of.person.name)
    .bind(&of.person.address)
    .bind(day(of.person.birth))
    .bind(sex_name(of.person.sex))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn keep(tx: &mut Tx, now: OffsetDateTime, of: &mut Registered, cause: &str) -> Result<(), WorldError> {
    of.version += 1;
    sqlx::query(
        "UPDATE residents SET status = $1, version = $2, name = $3, address = $4, birth = $5, sex = $6, my_number = $7 \
         WHERE id = $8",
    )
    .bind(of.status.name())
    .bind(i64::from(of.version))
    .bind(&of.person.name)
    .bind(&of.person.address)
    .bind(day(of.person.birth))
    .bind(sex_name(of.person.sex))
    .bind(of.person.my_number.as_ref().map(MyNumber::digits))
    .bind(&of.id)
    .execute(&mut **tx)
    .await?;
    keep_version(tx, now, of, cause).await
}

/// Whether nobody has this My Number.
pub(crate) async fn is_free(tx: &mut Tx, number: &MyNumber) -> Result<bool, WorldError> {
    let row = sqlx::query("SELECT id FROM residents WHERE my_number = $1").bind(number.digits());
    Ok(row.fetch_optional(&mut **tx).await?.is_none())
}

/// Gives somebody who has none a My Number, which a card with a face needs.
pub(crate) async fn number(tx: &mut Tx, of: &mut Registered, number: MyNumber) -> Result<(), WorldError> {
    if of.person.my_number.is_none() {
        sqlx::query("UPDATE residents SET my_number = $1 WHERE id = $2")
            .bind(number.digits())
            .bind(&of.id)
            .execute(&mut **tx)
            .await?;
        of.person.my_number = Some(number);
    }
    Ok(())
}

async fn record_change(
    tx: &mut Tx,
    now: OffsetDateTime,
    id: &str,
    change: &Change,
    cause: &str,
) -> Result<(Registered, Vec<Certificate>), WorldError> {
    let mut of = hold_registered(tx, id).await?;
    let mut person = of.person.clone();
    if let Some(name) = &change.name {
        person.name.clone_from(name);
    }
    if let Some(address) = &change.address {
        person.address.clone_from(address);
    }
    person.birth = change.birth.unwrap_or(person.birth);
    person.sex = change.sex.unwrap_or(person.sex);
    if person == of.person {
        return Err(WorldError::Rule("nothing would change; give a new name, address, birth or sex".into()));
    }
    person.validate(birthday::jst_date(now))?;
    of.person = person;
    keep(tx, now, &mut of, cause).await?;
    ledger::note(tx, now, Note::new(Actor::Register, "resident-changed").resident(id).detail(cause)).await?;
    let certificates = certificate::of_resident(tx, id).await?;
    let revoked = certificate::step_all(
        tx,
        now,
        Actor::Register,
        certificates,
        Step::Revoke(Reason::AffiliationChanged),
        |one| one.hierarchy != Hierarchy::Authentication,
    )
    .await?;
    Ok((of, revoked))
}

/// The day from which residents who move abroad keep their card and its certificates. (service.md §15)
const KEEP_ABROAD: Date = time::macros::date!(2024 - 05 - 27);

async fn record_leave(
    tx: &mut Tx,
    now: OffsetDateTime,
    id: &str,
    status: ResidentStatus,
) -> Result<(Registered, Vec<Certificate>), WorldError> {
    let mut of = hold_registered(tx, id).await?;
    if of.status == status {
        return Err(WorldError::ResidentStatus { resident: of.id, status });
    }
    of.status = status;
    keep(tx, now, &mut of, status.name()).await?;
    ledger::note(tx, now, Note::new(Actor::Register, "resident-left").resident(id).detail(status.name())).await?;
    let keeps = status == ResidentStatus::MovedAbroad && birthday::jst_date(now) >= KEEP_ABROAD;
    let reason = if keeps { Reason::AffiliationChanged } else { Reason::CessationOfOperation };
    let certificates = certificate::of_resident(tx, id).await?;
    let revoked = certificate::step_all(tx, now, Actor::Register, certificates, Step::Revoke(reason), |one| {
        !keeps || one.hierarchy != Hierarchy::Authentication
    })
    .await?;
    if !keeps {
        for card in card::of_resident(tx, id).await? {
            if matches!(card.status, CardStatus::Issued | CardStatus::Stopped) {
                card::set_status(tx, now, Actor::Register, &card, CardStatus::Returned).await?;
            }
        }
    }
    Ok((of, revoked))
}
