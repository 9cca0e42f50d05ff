//! Why a world did not do what it was asked. Nothing was changed, unless the error says so.

use crate::{
    status::{CardStatus, ResidentStatus, StepError},
    store::StoreError,
};
use pki::{ca::CaError, folder::FolderError, person::PersonError};
use sim::{card::CardError, issuer::IssuerError};
use std::path::PathBuf;
use time::Date;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// There is something at the place of a new world.
    #[error("{}: exists already; name a folder that does not", .0.display())]
    Exists(PathBuf),
    /// Not a world.
    #[error("{}: no world here (world.json is missing); make one with `jitsuin new`", .0.display())]
    Missing(PathBuf),
    /// Another version's.
    #[error("{}: a world of format {found}, this program reads formats 1 and {ours}; use the version that made it, or make a new world", path.display())]
    Version {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The one written here.
        ours: u32,
    },
    /// The database is not this folder's.
    #[error("{}: the database holds another world; give each world a database of its own", .0.display())]
    OtherWorld(PathBuf),
    /// A folder of the first format is being changed.
    #[error("{}: another process is changing this world; try again when it is done", .0.display())]
    Busy(PathBuf),
    /// No such card.
    #[error("no card {0:?} in this world; `jitsuin show WORLD` lists them")]
    NoCard(String),
    /// No such batch.
    #[error("no batch {0:?} in this world; `jitsuin issue WORLD --count N` begins one")]
    NoBatch(String),
    /// No such resident.
    #[error("no resident {0:?} in this world; `jitsuin resident list WORLD` lists them")]
    NoResident(String),
    /// Registered otherwise.
    #[error("{0} has this My Number and other attributes; record a change with `jitsuin resident change`")]
    Differs(String),
    /// What the state of somebody does not allow.
    #[error("{resident} is {}: no procedure is open to them", status.name())]
    ResidentStatus {
        /// Who.
        resident: String,
        /// Their state.
        status: ResidentStatus,
    },
    /// What the state of a card does not allow.
    #[error("{card} is {}: {advice}", status.name())]
    CardStatus {
        /// Which.
        card: String,
        /// Its state.
        status: CardStatus,
        /// What to do.
        advice: &'static str,
    },
    /// The card itself is over.
    #[error("{0} was made invalid for good and cannot be handed out; issue another card")]
    Invalid(String),
    /// The card is over.
    #[error("{card} expired on {on}; a new card is applied for")]
    CardExpired {
        /// Which.
        card: String,
        /// Its last day.
        on: Date,
    },
    /// What the state of a certificate does not allow.
    #[error("{what}: {error}")]
    Step {
        /// Which certificate.
        what: String,
        /// Why not.
        error: StepError,
    },
    /// Too early.
    #[error("{what} is valid until {until}; it can be renewed from {from} on")]
    TooEarly {
        /// Which certificate.
        what: String,
        /// Its last day.
        until: Date,
        /// First day of the window.
        from: Date,
    },
    /// The rules of the service say no.
    #[error("{0}")]
    Rule(String),
    /// A request over the network that is not believed.
    #[error(transparent)]
    Request(#[from] pki::client::revocation::RequestError),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The holder.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The channel to it.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// An authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// A key.
    #[error(transparent)]
    Key(#[from] pki::keys::KeyError),
    /// A file of the face.
    #[error(transparent)]
    File(#[from] pki::files::FileError),
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// No runtime.
    #[error("the database cannot be waited for: {0}")]
    Runtime(std::io::Error),
}

impl From<sqlx::Error> for WorldError {
    fn from(error: sqlx::Error) -> Self {
        WorldError::Store(error.into())
    }
}
