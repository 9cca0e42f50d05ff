//! A world, open: its folder, its authorities, its database.

use crate::{
    card::{self, Card},
    certificate::{self, Certificate},
    clock,
    error::WorldError,
    old,
    store::{self, Store, StoreError, Tx},
};
use card_os::{identity::DIVERSIFICATION, scp03::KeySet, scp03::Secret16};
use pki::{
    authorities::Authorities,
    ca,
    folder::{self, FolderError},
    profile::Hierarchy,
};
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use sim::{
    issuer::{diversify, test_keys},
    rng::SimRng,
};
use sqlx::Row;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// Version of the folder's format.
pub const VERSION: u32 = 2;
pub(crate) const INDEX: &str = "world.json";
const FORMAT: &str = "jitsuin world";
const MASTER: &str = "issuer.key";
const DATABASE: &str = "world.db";
/// How often a transaction is begun again that met another.
const ATTEMPTS: u32 = 8;

// Purposes of the world's own randomness; cards have those below 2²¹.
const VERIFIABLE: u32 = 1 << 21;
const PREFECTURE: u32 = 1 << 22;

/// Which issuer keys a world's cards get. (card.md D-44)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerKeys {
    /// The published GlobalPlatform test key set, which protects nothing.
    #[default]
    Published,
    /// Keys of each card's own, derived from a master key of the world.
    Diversified,
}

/// How a world is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Makes the same keys each time; whoever knows it knows every key.
    pub seed: Option<u64>,
    /// Encrypts the authorities' keys on disk.
    pub passphrase: Option<&'a str>,
    /// Issuer keys of its cards.
    pub issuer: IssuerKeys,
    /// URL of a PostgreSQL database; without it the world has a file of its own.
    pub database: Option<&'a str>,
}

/// world.json
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Index {
    format: String,
    version: u32,
    /// Stands in the database too.
    id: String,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default)]
    issuer: IssuerKeys,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
}

impl Index {
    pub(crate) fn new(created: OffsetDateTime, seed: Option<u64>, issuer: IssuerKeys) -> Result<Self, WorldError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| WorldError::Randomness(error.to_string()))?;
        let (format, database) = (FORMAT.into(), None);
        Ok(Index { format, version: VERSION, id: hex::encode(id), created, seed, issuer, database })
    }
}

/// A world, open.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    index: Index,
    /// Everything that signs.
    pub authorities: Authorities,
    /// Master of the cards' issuer keys.
    master: Option<Secret16>,
    store: Store,
    runtime: Runtime,
    now: Option<OffsetDateTime>,
}

impl World {
    /// Makes a world in a folder that does not exist.
    ///
    /// # Errors
    /// [`WorldError`]; a folder that was begun is removed.
    pub fn create(folder: &Path, options: Options<'_>, now: OffsetDateTime) -> Result<Self, WorldError> {
        if folder.exists() {
            return Err(WorldError::Exists(folder.into()));
        }
        folder::make(folder)?;
        Self::fill(folder, options, now).inspect_err(|_| drop(fs::remove_dir_all(folder)))
    }

    fn fill(folder: &Path, options: Options<'_>, now: OffsetDateTime) -> Result<Self, WorldError> {
        let Options { seed, passphrase, issuer, database } = options;
        let mut rng = random(seed, 0, 0)?;
        let now = now.replace_nanosecond(0).unwrap_or(now);
        let authorities = Authorities::create(folder, passphrase, now, &mut rng)?;
        let mut index = Index::new(now, seed, issuer)?;
        index.database = database.map(str::to_owned);
        let mut master = None;
        if issuer == IssuerKeys::Diversified {
            let mut bytes = Zeroizing::new([0; 16]);
            rng.fill_bytes(bytes.as_mut());
            folder::write(&folder.join(MASTER), Zeroizing::new(hex::encode_upper(bytes.as_ref())).as_bytes())?;
            master = Some(Secret16::new(*bytes));
        }
        folder::make(&folder.join("cards"))?;
        let (runtime, store) = connect(folder, &index)?;
        let world = World { folder: folder.into(), index, authorities, master, store, runtime, now: None };
        world.claim()?;
        // Last, because it is what makes the folder a world.
        world.keep_index()?;
        Ok(world)
    }

    /// Opens a world; one of the first format is taken over.
    ///
    /// # Errors
    /// [`WorldError`] says what to do.
    pub fn open(folder: &Path, passphrase: Option<&str>) -> Result<Self, WorldError> {
        let path = folder.join(INDEX);
        if !path.exists() {
            return Err(WorldError::Missing(folder.into()));
        }
        let mut value: serde_json::Value = folder::read_json(&path)?;
        if value.get("format").and_then(|format| format.as_str()) != Some(FORMAT) {
            return Err(FolderError::damaged(&path, "not a jitsuin world").into());
        }
        let authorities = Authorities::open(folder, passphrase)?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(1) => {
                old::take_over(folder, &authorities, value)?;
                value = folder::read_json(&path)?;
            }
            Some(found) if found == u64::from(VERSION) => {}
            Some(found) => {
                let found = u32::try_from(found).unwrap_or(u32::MAX);
                return Err(WorldError::Version { path: folder.into(), found, ours: VERSION });
            }
            None => return Err(FolderError::damaged(&path, "no version").into()),
        }
        let index: Index = serde_json::from_value(value).map_err(|error| FolderError::damaged(&path, error))?;
        let master = match index.issuer {
            IssuerKeys::Published => None,
            IssuerKeys::Diversified => Some(master(&folder.join(MASTER))?),
        };
        let (runtime, store) = connect(folder, &index)?;
        let world = World { folder: folder.into(), index, authorities, master, store, runtime, now: None };
        world.check_id()?;
        Ok(world)
    }

    /// Opens a database for a folder that is becoming a world of this format.
    pub(crate) fn adopt(folder: &Path, index: Index) -> Result<Adopted, WorldError> {
        let (runtime, store) = connect(folder, &index)?;
        Ok(Adopted { index, store, runtime })
    }

    /// Makes the database this world's.
    fn claim(&self) -> Result<(), WorldError> {
        self.transaction(async |tx| {
            if sqlx::query("SELECT id FROM world").fetch_optional(&mut **tx).await?.is_some() {
                return Err(WorldError::OtherWorld(self.folder.clone()));
            }
            claim(tx, &self.index.id).await
        })
    }

    fn check_id(&self) -> Result<(), WorldError> {
        let row = self.wait(async {
            sqlx::query("SELECT id FROM world").fetch_optional(self.store.pool()).await.map_err(StoreError::from)
        })?;
        let id: Option<String> = row.map(|row| row.try_get("id")).transpose()?;
        if id.as_ref() == Some(&self.index.id) { Ok(()) } else { Err(WorldError::OtherWorld(self.folder.clone())) }
    }

    fn keep_index(&self) -> Result<(), WorldError> {
        Ok(folder::write_json(&self.folder.join(INDEX), &self.index)?)
    }

    /// Says what time it is, for as long as this value lives, instead of the world's clock.
    pub fn set_now(&mut self, now: OffsetDateTime) {
        self.now = Some(now);
    }

    /// What time it is here.
    ///
    /// # Errors
    /// [`WorldError::Store`].
    pub fn now(&self) -> Result<OffsetDateTime, WorldError> {
        match self.now {
            Some(now) => Ok(now),
            None => Ok(self.wait(clock::now(&self.store))?),
        }
    }

    /// Waits for something of the database.
    pub(crate) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// The database, for servers.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// URL of the database.
    #[must_use]
    pub fn database(&self) -> String {
        url(&self.folder, &self.index)
    }

    /// Does all of something, or nothing; again where somebody else was in the way.
    pub(crate) fn transaction<T>(&self, act: impl AsyncFn(&mut Tx) -> Result<T, WorldError>) -> Result<T, WorldError> {
        self.wait(transaction(&self.store, act))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> OffsetDateTime {
        self.index.created
    }

    /// Randomness for a purpose: a seeded world gives the same stream for the same purpose and round, any other one takes it from
    /// the operating system.
    ///
    /// # Errors
    /// [`WorldError::Randomness`].
    pub fn random(&self, purpose: u32, round: u32) -> Result<SimRng, WorldError> {
        random(self.index.seed, purpose, round)
    }

    /// Which issuer keys the cards have.
    #[must_use]
    pub fn issuer(&self) -> IssuerKeys {
        self.index.issuer
    }

    /// Issuer keys of the card with this key diversification data.
    #[must_use]
    pub fn issuer_keys(&self, diversification: &[u8; DIVERSIFICATION]) -> KeySet {
        match &self.master {
            None => test_keys(),
            Some(master) => diversify(master, diversification),
        }
    }

    /// Whether this world is reproducible, and therefore holds no secret.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.index.seed
    }

    /// Gives a number once: `card`, `resident`, or a name of a hierarchy for a serial number.
    ///
    /// # Errors
    /// [`WorldError::Store`].
    pub fn next(&self, name: &str) -> Result<u32, WorldError> {
        self.transaction(async |tx| Ok(store::next(tx, name).await?))
    }

    /// Changes with each user authentication certificate, so that an issue that is taken up after one does not repeat numbers.
    pub(crate) fn round(&self) -> Result<u32, WorldError> {
        let row = self.wait(async {
            sqlx::query("SELECT next FROM counters WHERE name = 'authentication'").fetch_one(self.store.pool()).await
        })?;
        Ok(u32::try_from(row.try_get::<i64, _>("next")?).unwrap_or(0))
    }

    /// A card on record.
    ///
    /// # Errors
    /// [`WorldError::NoCard`].
    pub fn card(&self, id: &str) -> Result<Card, WorldError> {
        self.wait(card::get(self.store.pool(), id))
    }

    /// Every card, by id.
    ///
    /// # Errors
    /// [`WorldError::Store`].
    pub fn cards(&self) -> Result<Vec<Card>, WorldError> {
        self.wait(card::all(self.store.pool()))
    }

    /// Certificates of a card, in the order of their issue.
    ///
    /// # Errors
    /// [`WorldError::Store`].
    pub fn certificates(&self, card: &str) -> Result<Vec<Certificate>, WorldError> {
        self.transaction(async |tx| Ok(certificate::of_card(tx, card).await?))
    }

    /// The signers of face data, made where there are none yet.
    ///
    /// # Errors
    /// [`WorldError`].
    pub fn make_verifiable(&mut self) -> Result<(), WorldError> {
        if self.authorities.verifiable.is_none() {
            let _alone = alone(&self.folder, true)?;
            self.authorities.make_verifiable(&mut random(self.index.seed, VERIFIABLE, 0)?)?;
        }
        Ok(())
    }

    /// The prefectural CA, made where there is none yet.
    ///
    /// # Errors
    /// [`WorldError`].
    pub fn make_prefecture(&mut self) -> Result<(), WorldError> {
        if self.authorities.prefecture.is_none() {
            let _alone = alone(&self.folder, true)?;
            self.authorities.make_prefecture(self.index.created, &mut random(self.index.seed, PREFECTURE, 0)?)?;
        }
        Ok(())
    }

    /// Folder of a card.
    #[must_use]
    pub fn card_folder(&self, id: &str) -> PathBuf {
        self.folder.join("cards").join(id)
    }

    /// Image of a card.
    #[must_use]
    pub fn image(&self, id: &str) -> PathBuf {
        self.card_folder(id).join("card.img")
    }

    /// Keeps a card's certificate as a PEM file, for other people's programs.
    ///
    /// # Errors
    /// [`WorldError`] of the disk.
    pub fn keep_certificate(&self, id: &str, hierarchy: Hierarchy, pem: &str) -> Result<(), WorldError> {
        let place = folder::make(&self.card_folder(id))?;
        Ok(folder::write(&place.join(format!("{}.pem", hierarchy.name())), pem.as_bytes())?)
    }
}

/// A database that a folder of the first format is being moved to.
pub(crate) struct Adopted {
    index: Index,
    store: Store,
    runtime: Runtime,
}

impl Adopted {
    /// Fills the database; the folder is of this format when all is there.
    pub(crate) fn fill(
        self,
        folder: &Path,
        act: impl AsyncFn(&mut Tx) -> Result<(), WorldError>,
    ) -> Result<(), WorldError> {
        let id = &self.index.id;
        self.runtime.block_on(transaction(&self.store, async |tx| {
            claim(tx, id).await?;
            act(tx).await
        }))?;
        Ok(folder::write_json(&folder.join(INDEX), &self.index)?)
    }
}

/// Removes the database of a folder that is no world of this format yet.
pub(crate) fn remove_database(folder: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("{DATABASE}{end}")));
    }
}

/// Makes an empty database a world's.
async fn claim(tx: &mut Tx, id: &str) -> Result<(), WorldError> {
    sqlx::query("INSERT INTO world (id, clock) VALUES ($1, NULL)").bind(id).execute(&mut **tx).await?;
    let first = ca::ROOT_SERIAL + 1;
    for (name, first) in [
        (Hierarchy::Signature.name(), first),
        (Hierarchy::Authentication.name(), first),
        (Hierarchy::Prefecture.name(), first),
        ("crl-signature", 1),
        ("crl-authentication", 1),
        ("crl-prefecture", 1),
        ("card", 1),
        ("resident", 1),
        ("request", 1),
        ("event", 1),
        ("batch", 1),
    ] {
        store::begin_counter(tx, name, first).await?;
    }
    Ok(())
}

/// Begins, acts, commits; again where somebody else was in the way.
async fn transaction<T>(store: &Store, act: impl AsyncFn(&mut Tx) -> Result<T, WorldError>) -> Result<T, WorldError> {
    let mut attempt = 1;
    loop {
        let done = async {
            let mut tx = store.begin().await?;
            let value = act(&mut tx).await?;
            tx.commit().await?;
            Ok(value)
        }
        .await;
        match done {
            Err(WorldError::Store(StoreError::Database(error))) if attempt < ATTEMPTS && is_collision(&error) => {
                tokio::time::sleep(Duration::from_millis(u64::from(10 * attempt))).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// Whether two transactions met: busy (SQLite), serialization failure or deadlock (PostgreSQL).
fn is_collision(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("5" | "517" | "40001" | "40P01"))
}

fn url(folder: &Path, index: &Index) -> String {
    index.database.clone().unwrap_or_else(|| store::file_url(&folder.join(DATABASE)))
}

fn connect(folder: &Path, index: &Index) -> Result<(Runtime, Store), WorldError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(WorldError::Runtime)?;
    let store = runtime.block_on(Store::connect(&url(folder, index)))?;
    if index.database.is_none() {
        private(&folder.join(DATABASE))?;
    }
    Ok((runtime, store))
}

/// The database names residents: nobody else reads it. SQLite gives its other files the same mode.
fn private(path: &Path) -> Result<(), WorldError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| FolderError::io(path, error))?;
    }
    Ok(())
}

fn master(path: &Path) -> Result<Secret16, WorldError> {
    let mut bytes = Zeroizing::new([0; 16]);
    hex::decode_to_slice(Zeroizing::new(folder::read(path)?).trim_ascii(), bytes.as_mut())
        .map_err(|_| FolderError::damaged(path, "not 32 hexadecimal digits"))?;
    Ok(Secret16::new(*bytes))
}

/// The right to make what a world has once.
pub(crate) fn alone(folder: &Path, wait: bool) -> Result<File, WorldError> {
    let path = folder.join("world.lock");
    let io = |error| WorldError::from(FolderError::io(path.clone(), error));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    if wait {
        file.lock().map_err(io)?;
        return Ok(file);
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WorldError::Busy(folder.into())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

fn random(seed: Option<u64>, purpose: u32, round: u32) -> Result<SimRng, WorldError> {
    match seed {
        // One stream a purpose and round, and one for the world itself.
        Some(seed) => Ok(SimRng::seeded(seed ^ (u64::from(purpose) << 40) ^ (u64::from(round) << 8))),
        None => SimRng::from_os().map_err(|error| WorldError::Randomness(error.to_string())),
    }
}
