//! Everything that a program can read from a card with what its holder has told it, as plain data; [`Findings`] judges it.
//!
//! A survey presents each value once, so a wrong one costs a try: survey a copy of the card where that matters.

mod card_number;
mod certificate;
mod credentials;
mod findings;
mod personal;
mod token;

pub use card_number::CardNumber;
pub use certificate::{Holder, Seen as SeenCertificate};
pub use credentials::{Credential, Credentials};
pub use findings::{Authorities, CertificateFile, CertificateState, Findings, Judged, Present, VerifiableCertificate};
pub use personal::{Age, Personal};
pub use token::TokenInformation;

use crate::client::{ClientError, Messaging, Selected, exchange};
use apdu::{Command, Sw};
use card_os::profile::{Application, COMMON, ISD, Kind, Model, Object, SessionKey};
use rand_core::CryptoRng;
use sim::reader::{Reader, ReaderError};

/// Largest data object that is asked for, in bytes.
const DATA_OBJECT_MAX: u32 = 4096;
/// Key of INTERNAL AUTHENTICATE in 共通カードAP. (card.md §5.6)
const AUTHENTICITY_KEY: u8 = 0x19;
/// Data objects that the card answers without having them in its table. (card.md §11)
const COMPUTED: [(u16, &str); 2] = [(0x0066, "card recognition data"), (0x5F51, "ATR without its first byte")];

/// What was read.
#[derive(Debug)]
pub struct Survey {
    /// Answer to reset.
    pub atr: Vec<u8>,
    /// Data objects of the card manager, by tag.
    pub data_objects: Vec<DataObject>,
    /// Every application, in the model's order.
    pub applications: Vec<Surveyed>,
}

/// A data object of the card manager.
#[derive(Debug)]
pub struct DataObject {
    /// Its tag.
    pub tag: u16,
    /// What it is.
    pub name: &'static str,
    /// What it holds, or the card's word.
    pub content: Result<Vec<u8>, Sw>,
}

/// An application.
#[derive(Debug)]
pub struct Surveyed {
    /// Which.
    pub application: &'static Application,
    /// What SELECT tells of it, `6F … { 84 … }`.
    pub control_information: Vec<u8>,
    /// Its EFs, keys and PIN objects.
    pub objects: Vec<Seen>,
    /// A challenge, and what its own key signed of it: the default key with P1 = 03, or in 共通カードAP INTERNAL AUTHENTICATE.
    pub proof: Option<(Vec<u8>, Vec<u8>)>,
}

/// One EF, key or PIN object.
#[derive(Debug)]
pub struct Seen {
    /// Its row of the table.
    pub object: &'static Object,
    /// What was seen of it.
    pub content: Content,
}

/// What can be seen of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A transparent EF, filler included.
    File(Vec<u8>),
    /// An EF of records, each with its header.
    Records(Vec<u8>),
    /// Tries left of a PIN object, before anything was presented.
    Tries(u8),
    /// Not read: the card's word.
    Closed(Sw),
    /// A key or an internal EF, of which there is nothing to read.
    Unseen,
}

/// Why a survey stopped.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// Between program and card, or an answer that makes no sense.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The reader.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// A value that is not the right one.
    #[error("{name}: wrong value, {left} tries left")]
    Wrong {
        /// Which.
        name: String,
        /// Tries left.
        left: u8,
    },
    /// No value is taken any more.
    #[error("{0}: blocked, so no value is taken; the issuer's channel unblocks it")]
    Blocked(String),
    /// A value for something that this kind of card does not have.
    #[error("{0}: this kind of card has no such value")]
    Absent(&'static str),
    /// Secure messaging without what it needs.
    #[error("secure messaging belongs to 券面事項入力補助AP and begins with its PIN: {0}")]
    Messaging(&'static str),
}

impl Survey {
    /// Reads a card of this model from power-up on.
    ///
    /// # Errors
    /// [`SurveyError`] for a credential that the card does not take, or a card that does not answer as one.
    pub fn take(
        reader: &mut dyn Reader,
        model: &Model,
        credentials: &Credentials,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SurveyError> {
        credentials.check(model)?;
        let atr = reader.power_on()?;
        let data_objects = data_objects(reader)?;
        let surveyed = model.applications.iter().map(|application| visit(reader, application, credentials, rng));
        Ok(Survey { atr, data_objects, applications: surveyed.collect::<Result<_, _>>()? })
    }

    /// What was seen of the object with this data grouping: application ‖ EF identifier.
    #[must_use]
    pub fn content(&self, grouping: u16) -> Option<&Content> {
        let mut all = self.applications.iter().flat_map(|surveyed| &surveyed.objects);
        all.find(|seen| seen.object.grouping() == grouping).map(|seen| &seen.content)
    }

    /// The bytes of a transparent EF that was read.
    #[must_use]
    pub fn file(&self, grouping: u16) -> Option<&[u8]> {
        match self.content(grouping)? {
            Content::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The DER object at the start of an EF that was read, without its filler.
    #[must_use]
    pub fn der(&self, grouping: u16) -> Option<&[u8]> {
        self.file(grouping).map(findings::without_filler)
    }

    /// A data object that was read.
    #[must_use]
    pub fn data_object(&self, tag: u16) -> Option<&[u8]> {
        self.data_objects.iter().find(|object| object.tag == tag)?.content.as_deref().ok()
    }
}

fn data_objects(reader: &mut dyn Reader) -> Result<Vec<DataObject>, SurveyError> {
    let rows = ISD.objects.iter().filter_map(|object| match object.kind {
        Kind::DataObject { tag, .. } => Some((tag, object.name)),
        _ => None,
    });
    let mut all: Vec<(u16, &str)> = rows.chain(COMPUTED).collect();
    all.sort_unstable();
    let read = |(tag, name): (u16, &'static str)| {
        let [high, low] = tag.to_be_bytes();
        // The extended form at once: an object beyond Le is a wrong length, never a shorter answer. (card.md §4.3)
        let command = Command::new(0x00, 0xCA, high, low).with_ne(DATA_OBJECT_MAX);
        let (data, sw) = exchange(reader, "GET DATA", &command)?;
        Ok(DataObject { tag, name, content: if sw.is_success() { Ok(data) } else { Err(sw) } })
    };
    all.into_iter().map(read).collect()
}

fn visit(
    reader: &mut dyn Reader,
    application: &'static Application,
    credentials: &Credentials,
    rng: &mut impl CryptoRng,
) -> Result<Surveyed, SurveyError> {
    let select = Command::new(0x00, 0xA4, 0x04, 0x00).with_data(application.aid).with_ne(256);
    let control_information = match exchange(reader, "SELECT", &select)? {
        (data, Sw::SUCCESS) => data,
        (_, sw) => return Err(ClientError::Refused { command: "SELECT", sw }.into()),
    };
    let mut selected = Selected::select(reader, application)?;
    // Before anything is presented: a right value gives the tries back.
    let mut tries = Vec::new();
    for object in application.objects.iter().filter(|object| matches!(object.kind, Kind::Pin { .. })) {
        tries.push((object.number, selected.tries(object.number)?));
    }
    let mut messaging = present(&mut selected, application, credentials, &tries, rng)?;
    let mut objects = Vec::new();
    for object in application.objects {
        let left = tries.iter().find(|(number, _)| *number == object.number);
        let content = match (object.kind, left) {
            (Kind::Pin { .. }, Some((_, left))) => Content::Tries(*left),
            (Kind::File(_), _) => {
                let read = match &mut messaging {
                    Some(session) => session.read(&mut selected, object.number, 0).map(|plain| plain.to_vec()),
                    None => selected.file(object.number),
                };
                opened(read)?.map_or_else(Content::Closed, Content::File)
            }
            (Kind::Records(_), _) => {
                opened(selected.record_file(object.number))?.map_or_else(Content::Closed, Content::Records)
            }
            _ => Content::Unseen,
        };
        objects.push(Seen { object, content });
    }
    let mut challenge = vec![0; 32];
    rng.fill_bytes(&mut challenge);
    let proof = match application.default_key {
        Some(_) => Some(selected.sign(0x03, &challenge)?),
        None if application == &COMMON => Some(selected.authenticate(AUTHENTICITY_KEY, &challenge)?),
        None => None,
    };
    let proof = proof.map(|signature| (challenge, signature));
    Ok(Surveyed { application, control_information, objects, proof })
}

/// What the card said no to, apart from what went wrong.
fn opened<T>(read: Result<T, ClientError>) -> Result<Result<T, Sw>, ClientError> {
    match read {
        Ok(content) => Ok(Ok(content)),
        Err(ClientError::Refused { sw, .. }) => Ok(Err(sw)),
        Err(error) => Err(error),
    }
}

/// Presents what belongs to this application; a session for secure messaging, where it was asked for.
fn present(
    selected: &mut Selected<'_>,
    application: &Application,
    credentials: &Credentials,
    tries: &[(u8, u8)],
    rng: &mut impl CryptoRng,
) -> Result<Option<Messaging>, SurveyError> {
    let mut messaging = None;
    // In the table's order the PIN, which travels in clear, comes before 照合番号, which need not. (card.md §13)
    for (number, left) in tries {
        let Some((object, credential)) =
            application.file(u16::from(*number)).and_then(|object| Some((object, credentials.of(object)?)))
        else {
            continue;
        };
        let name = format!("{} ({})", object.japanese, object.name);
        let verified = match (&mut messaging, left) {
            (_, 0) => Err(SurveyError::Blocked(name)),
            (Some(session), _) => judge(Messaging::verify(session, selected, *number, &credential.value), name),
            (None, _) => judge(selected.verify(*number, &credential.value), name),
        };
        match verified {
            Err(SurveyError::Blocked(_) | SurveyError::Wrong { .. }) if !credential.must_hold => continue,
            verified => verified?,
        }
        let delivers = matches!(application.session_key, SessionKey::Delivered(_));
        if delivers && credentials.secure_messaging && messaging.is_none() {
            messaging = Some(Messaging::deliver(selected, rng)?);
        }
    }
    Ok(messaging)
}

fn judge(verified: Result<(), ClientError>, name: String) -> Result<(), SurveyError> {
    match verified {
        Err(ClientError::Refused { sw: Sw::BLOCKED | Sw::AUTHENTICATION_METHOD_BLOCKED, .. }) => {
            Err(SurveyError::Blocked(name))
        }
        Err(ClientError::Refused { sw, .. }) if sw.retries().is_some() => {
            Err(SurveyError::Wrong { name, left: sw.retries().unwrap_or(0) })
        }
        other => Ok(other?),
    }
}
