//! `jitsuin show`: what a world and its cards hold.

mod access;
mod export;
mod text;
mod view;

pub(crate) use view::{CertificateView, PinState, PinView, View, record};

use crate::{args, failure::Failure, out::say};
use card_os::profile::{Model, Phase};
use pki::{
    card_record::CardRecord,
    survey::{Authorities, Credential, Credentials, Findings, Survey, SurveyError},
};
use sim::{card::Direct, reader::Reader, rng::SimRng};
use std::ops::Deref;
use world::World;

/// `jitsuin show`
pub(crate) fn run(show: &args::Show) -> Result<(), Failure> {
    let mut credentials = credentials(&show.opening);
    credentials.secure_messaging = show.secure_messaging;
    let (mut read, record) = match (&show.world, &show.card) {
        (Some(folder), Some(id)) => {
            let printed =
                |record: &CardRecord| if show.holder { credentials.with_printed(record) } else { credentials };
            let Examined { record, read } = Examined::new(&crate::world(folder)?, id, printed)?;
            (read, Some(record))
        }
        (Some(folder), None) => return list(&crate::world(folder)?, show.json, show.reveal),
        (None, _) => (Read::from_reader(&mut *show.real.open()?, &credentials)?, None),
    };
    read.reveal = show.reveal;
    let view = View::of(&read, record.as_ref());
    let exported = show.export.as_ref().map(|folder| export::write(&read, &view, folder, show.force)).transpose()?;
    if show.json {
        return crate::print_json(&view);
    }
    text::print(&view);
    if let (Some(folder), Some(names)) = (&show.export, exported) {
        say!("exported into {}: {}", folder.display(), names.join(" "));
    }
    Ok(())
}

fn list(world: &World, json: bool, reveal: bool) -> Result<(), Failure> {
    let cards = world.cards()?;
    if json {
        let cards: Vec<_> = cards.iter().map(|card| listed(card, reveal)).collect();
        return crate::print_json(&cards);
    }
    let made = world.created().format(&time::format_description::well_known::Rfc3339)?;
    say!("{}: made {made}, {} cards", world.folder().display(), cards.len());
    for world::Card { resident, status, record } in cards {
        let CardRecord { id, person, profile, keys, expires, .. } = record;
        let (status, profile) = (status.name(), profile.name);
        say!("{id}  {resident}  {}  {status}, {profile}, keys {keys:?}, expires {expires}", person.name);
    }
    Ok(())
}

/// A card with its holder and state.
pub(crate) fn listed(card: &world::Card, reveal: bool) -> serde_json::Value {
    let mut value = record(&card.record, reveal);
    value["resident"] = card.resident.clone().into();
    value["status"] = card.status.name().into();
    value
}

/// The values of the command line.
pub(crate) fn credentials(opening: &args::Opening) -> Credentials {
    let given = |value: &Option<String>| value.as_deref().map(Credential::given);
    Credentials {
        authentication: given(&opening.auth_pin),
        // As clients do. (card.md §7.1)
        signature: opening.sign_pin.as_deref().map(|password| Credential::given(&password.to_ascii_uppercase())),
        form: given(&opening.form_pin),
        number_a: given(&opening.number_a),
        number_b: given(&opening.number_b),
        birth: given(&opening.birth),
        secure_messaging: false,
    }
}

/// A copy of a card of a world, with what the authorities know of it.
pub(crate) struct Examined {
    pub(crate) record: CardRecord,
    pub(crate) read: Read,
}

impl Deref for Examined {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

/// A card, read as far as it opens, and judged.
pub(crate) struct Read {
    /// `None` where it is damaged.
    pub(crate) phase: Option<Phase>,
    pub(crate) survey: Survey,
    pub(crate) findings: Findings,
    /// Whether My Number and what follows from it may be shown.
    pub(crate) reveal: bool,
}

impl Examined {
    /// Reads a copy of the card; the card itself is not asked.
    pub(crate) fn new(
        world: &World,
        id: &str,
        credentials: impl FnOnce(&CardRecord) -> Credentials,
    ) -> Result<Self, Failure> {
        let (record, stored) = crate::card(world, id)?;
        let phase = stored.card().phase();
        let mut copy = Direct(stored.fork());
        let credentials = credentials(&record);
        let survey = Survey::take(&mut copy, stored.card().model(), &credentials, &mut SimRng::from_os()?)
            .map_err(|error| told(error, id, &record))?;
        let prefecture = world.authorities.prefecture.as_ref().filter(|_| record.profile.is_juki_card());
        let authorities = Authorities {
            signature: prefecture.unwrap_or(&world.authorities.signature).root(),
            authentication: world.authorities.authentication.root(),
            verifiable: world.authorities.verifiable.as_ref(),
            chain: Some(&world.authorities.chain),
        };
        let findings = Findings::of(&survey, authorities);
        Ok(Examined { record, read: Read { phase, survey, findings, reveal: false } })
    }
}

impl Read {
    /// Reads anybody's card. Who issued it is not known: its certificates are held against those of the CAs that lie on the card
    /// itself, and nothing else of it is believed.
    pub(crate) fn from_reader(reader: &mut dyn Reader, credentials: &Credentials) -> Result<Self, Failure> {
        let survey = Survey::take(reader, Model::CARD, credentials, &mut SimRng::from_os()?)
            .map_err(|error| Failure::Refused(error.to_string()))?;
        // A session that was opened here is not left to the next program.
        reader.power_off()?;
        let authority = |grouping| survey.der(grouping).unwrap_or_default();
        let authorities = Authorities {
            signature: authority(0x0102),
            authentication: authority(0x010B),
            verifiable: None,
            chain: None,
        };
        let findings = Findings::of(&survey, authorities);
        Ok(Read { phase: Some(Phase::Issued), survey, findings, reveal: false })
    }
}

/// What stopped a survey, for somebody at a command line.
fn told(error: SurveyError, id: &str, record: &CardRecord) -> Failure {
    let hint = match &error {
        SurveyError::Wrong { .. } => {
            "this was a copy, so the card itself still has the tries that it had; give the right value, or leave the option out"
        }
        SurveyError::Blocked(_) => "leave the option out, or see `jitsuin reset-pin --help`",
        SurveyError::Absent(_) | SurveyError::Messaging(_) => {
            return Failure::Refused(format!("{id}: profile {:?}: {error}; leave the option out", record.profile.name));
        }
        SurveyError::Client(_) | SurveyError::Reader(_) => return Failure::Refused(format!("{id}: {error}")),
    };
    Failure::Refused(format!("{id}: {error}\n{hint}"))
}
