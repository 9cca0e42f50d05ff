//! Worlds of the first format: counters in world.json, one card.json a card. They are taken over into a database once.

use crate::{
    card::{self, Card},
    error::WorldError,
    issue,
    register::{self, Registered},
    status::CardStatus,
    store::{self, Tx},
    world::{self, Index, IssuerKeys, World},
};
use pki::{
    authorities::Authorities,
    card_record::CardRecord,
    folder::{self, FolderError},
    profile::Hierarchy,
};
use serde::Deserialize;
use std::{fs, path::Path};
use time::OffsetDateTime;

/// world.json of format 1.
#[derive(Deserialize)]
struct OldIndex {
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    seed: Option<u64>,
    #[serde(default)]
    issuer: IssuerKeys,
    signature_serial: u32,
    authentication_serial: u32,
    #[serde(default)]
    prefecture_serial: Option<u32>,
    next_card: u32,
}

/// What card.json had beside the record.
#[derive(Deserialize)]
struct OldCard {
    progress: Progress,
    #[serde(flatten)]
    record: CardRecord,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Progress {
    Issuing,
    Issued,
}

/// Moves a folder of the first format into a database. Its card.json files stay as they were.
pub(crate) fn take_over(folder: &Path, _: &Authorities, value: serde_json::Value) -> Result<(), WorldError> {
    let _alone = world::alone(folder, true)?;
    let path = folder.join(world::INDEX);
    // Somebody else may have done it meanwhile.
    if folder::read_json::<serde_json::Value>(&path)? != value {
        return Ok(());
    }
    let old: OldIndex = serde_json::from_value(value).map_err(|error| FolderError::damaged(&path, error))?;
    let cards = cards(folder)?;
    // What a crash left of an earlier attempt.
    world::remove_database(folder);
    let adopted = World::adopt(folder, Index::new(old.created, old.seed, old.issuer)?)?;
    adopted.fill(folder, async |tx| {
        for (name, next) in [
            (Hierarchy::Signature.name(), Some(old.signature_serial)),
            (Hierarchy::Authentication.name(), Some(old.authentication_serial)),
            (Hierarchy::Prefecture.name(), old.prefecture_serial),
            ("card", Some(old.next_card)),
        ] {
            if let Some(next) = next {
                store::set_counter(tx, name, next).await?;
            }
        }
        for card in &cards {
            take_card(tx, folder, card, old.created).await?;
        }
        Ok(())
    })
}

fn cards(folder: &Path) -> Result<Vec<OldCard>, WorldError> {
    let place = folder.join("cards");
    let entries = fs::read_dir(&place).map_err(|error| FolderError::io(&place, error))?;
    // A folder without a record is what a crash before the first one left.
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path().join("card.json")).collect();
    paths.retain(|path| path.exists());
    paths.sort();
    paths.iter().map(|path| Ok(folder::read_json(path)?)).collect()
}

async fn take_card(tx: &mut Tx, folder: &Path, old: &OldCard, since: OffsetDateTime) -> Result<(), WorldError> {
    let holder = match register::find(tx, &old.record.person).await? {
        // Nothing kept two cards of one My Number apart then; who has it first is the one on the register.
        Some(known) => known,
        None => register::register(tx, since, old.record.person.clone(), None).await?,
    };
    let Registered { id: resident, .. } = holder;
    let status = if old.progress == Progress::Issued { CardStatus::Issued } else { CardStatus::Issuing };
    let card = Card { resident, status, record: old.record.clone() };
    card::insert(tx, &card, None).await?;
    if status == CardStatus::Issuing {
        return Ok(());
    }
    for (hierarchy, serial) in card.record.certificates() {
        let path = folder.join("cards").join(&card.record.id).join(format!("{}.pem", hierarchy.name()));
        let certificate = issue::from_pem(&card.record.id, hierarchy, &folder::read(&path)?);
        let mut certificate = certificate
            .filter(|certificate| certificate.serial == serial)
            .ok_or_else(|| FolderError::damaged(&path, "not the certificate on the card"))?;
        certificate.resident.clone_from(&card.resident);
        crate::certificate::insert(tx, &certificate).await?;
    }
    Ok(())
}
