//! Issue in bulk 一括交付: a batch of invented residents, worked off by any number of threads and processes, which may die.
//!
//! A batch is a plan and its items. A worker claims an item, makes its resident from the plan's seed, personalises a card in
//! memory, writes image and PEM files, and puts all of it on record in one transaction: resident, card, certificates, ledger, and
//! that the item is done. So there is no certificate on record without an issued card whose image holds it. Who dies before that
//! transaction leaves at most a folder of a card that is on no record, and numbers that are given to nobody: both harmless, for card
//! numbers and serials are given once. A dead worker's item is claimed anew after [`PATIENCE`], or at once after [`resume`].

use crate::{
    card::{self, Card},
    certificate::Certificate,
    error::WorldError,
    issue::{self, Application},
    ledger::{self, Actor, Note},
    register::{self, Registered},
    status::{CardStatus, ResidentStatus},
    store::{self, StoreError, Tx},
    world::World,
};
use pki::{
    birthday,
    card_record::{CardRecord, KeyOrigin},
    kind::CardProfile,
    my_number::MyNumber,
    personalise::{Halves, Pins},
    resident::{AGE_MAX, Form, Resident, Residents, Wanted},
};
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use sim::{
    card::{Direct, Simulated},
    rng::SimRng,
};
use sqlx::Row;
use std::fs;
use time::{Date, OffsetDateTime};

/// Most cards of one batch: as many as there are My Numbers for tests.
pub const MOST: u32 = MyNumber::TESTS;
/// Seconds of real time after which an item that was claimed and is not done belongs to nobody.
pub const PATIENCE: i64 = 60;
/// How many My Numbers are tried for one resident.
const DRAWS: u32 = 1000;
/// How often a card is made again because somebody else was faster.
const ATTEMPTS: u32 = 8;

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

/// What the cards of a batch are like. First PINs are not in it: whoever works gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The same residents each time, as far as their My Numbers are free.
    pub seed: u64,
    /// Least and greatest age of the residents, in completed years, up to [`AGE_MAX`].
    pub ages: (u8, u8),
    /// The day on which they are that old.
    #[serde(with = "iso_date")]
    pub on: Date,
    /// What kind of card.
    pub profile: CardProfile,
    /// Where keys are made, unless the kind of card decides that.
    pub keys: KeyOrigin,
    /// Which certificates.
    pub halves: Halves,
}

/// A batch on record.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its id: `batch-0001`.
    pub id: String,
    /// How many cards.
    pub size: u32,
    /// What they are like.
    pub plan: Plan,
}

impl Plan {
    /// The resident of an item, with a My Number that may be somebody's already.
    fn resident(&self, item: u32) -> Option<Resident> {
        // An odd factor gives each item a stream of its own.
        let seed = self.seed.wrapping_add(u64::from(item).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let wanted = Wanted { seed, ages: self.ages.0..=self.ages.1, today: self.on, form: Form::Any };
        let mut resident = Residents::new(wanted).next()?;
        resident.person.my_number = Some(self.number(item));
        // The card draws its own; whoever knows the plan need not know it.
        resident.security_code = None;
        Some(resident)
    }

    /// No two items of a batch have the same: the step has no factor in common with their count.
    fn number(&self, item: u32) -> MyNumber {
        let first = u64::from(SimRng::seeded(self.seed).next_u32());
        let number = (first + u64::from(item) * 618_033) % u64::from(MyNumber::TESTS);
        MyNumber::test(u32::try_from(number).unwrap_or(0))
    }

    fn application(&self, item: u32) -> Result<Application, WorldError> {
        let resident = self.resident(item).ok_or_else(|| WorldError::Rule("the plan gives nobody".into()))?;
        let application = Application::new(resident, self.profile.clone(), self.keys);
        Ok(Application { halves: self.halves, ..application })
    }

    /// Whether everybody in it could get a card, so that no item stands open for ever.
    fn check(&self) -> Result<(), WorldError> {
        let (least, most) = self.ages;
        if least > most || most > AGE_MAX {
            return Err(WorldError::Rule(format!("ages from {least} to {most}; give some from 0 to {AGE_MAX}")));
        }
        if !self.profile.authentication && least < 15 {
            return Err(WorldError::Rule(format!(
                "a card of profile {:?} has a signature certificate alone, and holders under 15 get none; give ages from 15 on",
                self.profile.name
            )));
        }
        Ok(())
    }
}

/// Begins a batch.
///
/// # Errors
/// [`WorldError::Rule`] for a plan that cannot be worked off.
pub fn begin(world: &mut World, now: OffsetDateTime, plan: Plan, size: u32) -> Result<Batch, WorldError> {
    plan.check()?;
    if !(1..=MOST).contains(&size) {
        return Err(WorldError::Rule(format!("{size} cards; a batch has 1 to {MOST}")));
    }
    issue::make_ready(world, &plan.application(1)?, now)?;
    let json = serde_json::to_string(&plan).map_err(|_| wrong("column plan"))?;
    let id = world.transaction(async |tx| {
        let id = format!("batch-{:04}", store::next(tx, "batch").await?);
        let query = sqlx::query("INSERT INTO batches (id, plan, size) VALUES ($1, $2, $3)");
        query.bind(&id).bind(&json).bind(i64::from(size)).execute(&mut **tx).await?;
        let items = "WITH RECURSIVE numbers (item) AS \
             (SELECT CAST(1 AS BIGINT) UNION ALL SELECT item + 1 FROM numbers WHERE item < $1) \
             INSERT INTO batch_items (batch, item) SELECT $2, item FROM numbers";
        sqlx::query(items).bind(i64::from(size)).bind(&id).execute(&mut **tx).await?;
        let detail = format!("{id}: {size} cards of profile {}", plan.profile.name);
        ledger::note(tx, now, Note::new(Actor::Operator, "batch-begun").detail(&detail)).await?;
        Ok(id)
    })?;
    Ok(Batch { id, size, plan })
}

/// Goes on with a batch: what others claimed and did not finish is open again. Where they live, a card may be made twice; one of
/// the two is handed out.
///
/// # Errors
/// [`WorldError::NoBatch`].
pub fn resume(world: &mut World, now: OffsetDateTime, id: &str) -> Result<Batch, WorldError> {
    let batch = get(world, id)?;
    issue::make_ready(world, &batch.plan.application(1)?, now)?;
    world.transaction(async |tx| {
        let query = "UPDATE batch_items SET claimed = NULL WHERE batch = $1 AND card IS NULL AND claimed IS NOT NULL";
        Ok(sqlx::query(query).bind(id).execute(&mut **tx).await?)
    })?;
    Ok(batch)
}

/// A batch on record.
///
/// # Errors
/// [`WorldError::NoBatch`].
pub fn get(world: &World, id: &str) -> Result<Batch, WorldError> {
    let query = sqlx::query("SELECT plan, size FROM batches WHERE id = $1").bind(id);
    let row = world.wait(query.fetch_optional(world.store().pool()))?;
    let row = row.ok_or_else(|| WorldError::NoBatch(id.into()))?;
    let plan: String = row.try_get("plan")?;
    let size: i64 = row.try_get("size")?;
    Ok(Batch {
        id: id.into(),
        size: u32::try_from(size).map_err(|_| wrong("column size"))?,
        plan: serde_json::from_str(&plan).map_err(|_| wrong("column plan"))?,
    })
}

/// How many cards of a batch are not issued yet.
///
/// # Errors
/// [`WorldError::Store`].
pub fn pending(world: &World, id: &str) -> Result<u32, WorldError> {
    let query = "SELECT COUNT(*) AS open FROM batch_items WHERE batch = $1 AND card IS NULL";
    let row = world.wait(sqlx::query(query).bind(id).fetch_one(world.store().pool()))?;
    u32::try_from(row.try_get::<i64, _>("open")?).map_err(|_| wrong("their count").into())
}

/// Issues one card of a batch. Gives its id, or `None` where every item is done or in somebody's hands.
///
/// # Errors
/// [`WorldError`]; the item is open again when its claim has run out.
pub fn work_one(world: &World, now: OffsetDateTime, batch: &Batch, pins: &Pins) -> Result<Option<String>, WorldError> {
    let mut taken = 0;
    while let Some((item, number)) = claim(world, &batch.id)? {
        loop {
            match make(world, now, batch, (item, number), pins) {
                Ok(Some(card)) => return Ok(Some(card)),
                // Somebody else finished it after our claim had run out.
                Ok(None) => break,
                // Somebody else got the My Number meanwhile; another is drawn.
                Err(error) if taken < ATTEMPTS && is_taken(&error) => {
                    taken += 1;
                    forget(world, &id(number));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}

fn id(number: u32) -> String {
    format!("card-{number:04}")
}

/// Claims the first open item: its number, and one for its card.
fn claim(world: &World, batch: &str) -> Result<Option<(u32, u32)>, WorldError> {
    world.transaction(async |tx| {
        // Claims are about workers, which live in real time whatever the world's clock says.
        let now = OffsetDateTime::now_utc().unix_timestamp();
        loop {
            let free = "batch = $1 AND card IS NULL AND (claimed IS NULL OR claimed < $2)";
            let query = format!("SELECT item FROM batch_items WHERE {free} ORDER BY item LIMIT 1");
            let query = sqlx::query(&query).bind(batch).bind(now - PATIENCE);
            let Some(row) = query.fetch_optional(&mut **tx).await? else { return Ok(None) };
            let item: i64 = row.try_get("item")?;
            // Two who saw the same item come one after the other here, and the second finds it taken.
            let query = format!("UPDATE batch_items SET claimed = $3 WHERE {free} AND item = $4");
            let query = sqlx::query(&query).bind(batch).bind(now - PATIENCE).bind(now).bind(item);
            if query.execute(&mut **tx).await?.rows_affected() == 1 {
                let item = u32::try_from(item).map_err(|_| wrong("column item"))?;
                return Ok(Some((item, store::next(tx, "card").await?)));
            }
        }
    })
}

/// Makes a card and hands it out. `None` where the item was done already.
fn make(
    world: &World,
    now: OffsetDateTime,
    batch: &Batch,
    (item, number): (u32, u32),
    pins: &Pins,
) -> Result<Option<String>, WorldError> {
    let mut application = batch.plan.application(item)?;
    let person = &mut application.resident.person;
    person.my_number = Some(free_number(world, batch.plan.number(item), item)?);
    person.validate(birthday::jst_date(now))?;
    let holder = Registered {
        id: String::new(),
        status: ResidentStatus::Registered,
        version: 1,
        person: person.clone(),
        stay_ends: None,
    };
    let mut record = issue::begun(world, &application, &holder, number, now)?;
    let mut reader = Direct(issue::manufacture(world, &record)?);
    let certificates = issue::personalise(world, &mut record, &mut reader, pins, now, &mut |_| {}, &|_, _| Ok(()))?;
    keep_files(world, &record, reader.0, &certificates)?;
    let handed_out = world.transaction(async |tx| hand_out(tx, now, batch, item, &record, &certificates).await)?;
    if !handed_out {
        forget(world, &record.id);
    }
    Ok(handed_out.then_some(record.id))
}

/// The planned My Number, or where it is somebody's, another.
fn free_number(world: &World, planned: MyNumber, item: u32) -> Result<MyNumber, WorldError> {
    world.transaction(async |tx| {
        if register::is_free(tx, &planned).await? {
            return Ok(planned.clone());
        }
        let mut rng = issue::os_random()?;
        for _ in 0..DRAWS {
            let drawn = MyNumber::invent(&mut rng);
            if register::is_free(tx, &drawn).await? {
                return Ok(drawn);
            }
        }
        Err(WorldError::Rule(format!("item {item}: no My Number for tests is free any more; begin another world")))
    })
}

/// Image and certificates of a card, on disk before anything is on record.
fn keep_files(
    world: &World,
    record: &CardRecord,
    mut card: Simulated,
    certificates: &[Certificate],
) -> Result<(), WorldError> {
    card.power_off();
    issue::into_box(world, &record.id, card)?;
    for certificate in certificates {
        world.keep_certificate(&record.id, certificate.hierarchy, &certificate.pem)?;
    }
    Ok(())
}

/// Puts everything on record; false, and nothing done, where somebody else finished the item.
async fn hand_out(
    tx: &mut Tx,
    now: OffsetDateTime,
    batch: &Batch,
    item: u32,
    record: &CardRecord,
    certificates: &[Certificate],
) -> Result<bool, WorldError> {
    // Taken first: whoever else works on this item waits here, and then finds it done.
    let query = "UPDATE batch_items SET claimed = claimed WHERE batch = $1 AND item = $2 AND card IS NULL";
    let open = sqlx::query(query).bind(&batch.id).bind(i64::from(item)).execute(&mut **tx).await?;
    if open.rows_affected() != 1 {
        return Ok(false);
    }
    let holder = register::register(tx, now, record.person.clone(), None).await?;
    let card = Card { resident: holder.id, status: CardStatus::Issuing, record: record.clone() };
    card::insert(tx, &card, Some(&batch.id)).await?;
    issue::hand_out(tx, now, &card, certificates).await?;
    let query = sqlx::query("UPDATE batch_items SET card = $1 WHERE batch = $2 AND item = $3 AND card IS NULL");
    let done = query.bind(&record.id).bind(&batch.id).bind(i64::from(item)).execute(&mut **tx).await?;
    if done.rows_affected() == 1 { Ok(true) } else { Err(wrong("an item that was held is done").into()) }
}

/// Removes the folder of a card that is on no record.
fn forget(world: &World, card: &str) {
    // What stays is harmless.
    let _ = fs::remove_dir_all(world.card_folder(card));
}

/// Whether the resident's My Number was given to somebody else while the card was made.
fn is_taken(error: &WorldError) -> bool {
    match error {
        WorldError::Differs(_) => true,
        WorldError::Store(StoreError::Database(error)) => {
            error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
        }
        _ => false,
    }
}

fn wrong(what: &str) -> StoreError {
    StoreError::Row { table: "batches", what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use time::macros::date;

    fn plan() -> Plan {
        Plan {
            seed: 7,
            ages: (0, 105),
            on: date!(2026 - 11 - 25),
            profile: CardProfile::default(),
            keys: KeyOrigin::Imported,
            halves: Halves { signature: true, authentication: true },
        }
    }

    #[test]
    fn an_item_is_always_the_same_resident_and_no_two_share_a_number() {
        let plan = plan();
        assert_eq!(plan.resident(3), plan.resident(3));
        let numbers: HashSet<String> = (1..=2000).map(|item| plan.number(item).digits().to_owned()).collect();
        assert_eq!(numbers.len(), 2000);
        let others: HashSet<_> =
            (1..=200).filter_map(|item| plan.resident(item)).map(|resident| resident.person.address).collect();
        assert!(others.len() > 190, "{}", others.len());
    }

    #[test]
    fn a_plan_comes_back_from_the_database_and_holds_no_pin() {
        let json = serde_json::to_string(&plan()).expect("json");
        assert_eq!(serde_json::from_str::<Plan>(&json).expect("a plan"), plan());
        assert!(json.contains(r#""on":"2026-11-25""#), "{json}");
    }

    #[test]
    fn a_plan_that_would_never_end_is_refused() {
        let nobody = Plan { ages: (30, 20), ..plan() };
        assert!(nobody.check().is_err());
        let juki = |ages| Plan { profile: CardProfile::by_name("juki-card").expect("is there"), ages, ..plan() };
        assert!(juki((0, 105)).check().is_err() && juki((15, 105)).check().is_ok());
    }
}
