//! A world: two authorities and the cards they made, in a folder.
//!
//! ```text
//! world.json              what this folder is, and its counters
//! signature-ca/           key.pem (0600), root.der, root.pem
//! authentication-ca/      the same
//! prefecture-ca/          the same, since the first Juki card was taken out of the box
//! verifiable.json         the card manager's chain of card-verifiable certificates
//! verifiable/             who signs face data and certifies terminals, since the first card that is no Juki card
//! issuer.key              master of the cards' own issuer keys (0600), where the world has one
//! cards/card-0001/        card.json, card.img (0600), signature.pem, authentication.pem
//! ```
//!
//! Files are replaced as a whole. Who changes the world holds `world.lock`.

use crate::{
    ca::{Authority, CaError},
    cvc::{Chain, KeyId},
    keys::{self, KeyError},
    profile::Hierarchy,
    verifiable::Verifiable,
};

pub use crate::card_record::{CardRecord, KeyOrigin, Progress};

use card_os::{
    identity::DIVERSIFICATION,
    scp03::{KeySet, Secret16},
};
use rand_core::{CryptoRng, Rng};
use rsa::{
    PublicKey,
    pkcs8::{DecodePublicKey, EncodePublicKey},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sim::{
    image::replace,
    issuer::{diversify, test_keys},
    rng::SimRng,
};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Version of the folder's format.
pub const VERSION: u32 = 1;
/// Largest JSON file that is read, in bytes.
const JSON_MAX: u64 = 1 << 20;

/// Why a world cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The operating system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// There is something at the place of a new world.
    #[error("{}: exists already; name a folder that does not", .0.display())]
    Exists(PathBuf),
    /// Not a world.
    #[error("{}: no world here (world.json is missing); make one with `jitsuin new`", .0.display())]
    Missing(PathBuf),
    /// Another version's.
    #[error("{}: a world of format {found}, this program reads format {VERSION}; use the version that made it, or make a new world", path.display())]
    Version {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A file that does not make sense.
    #[error("{}: damaged ({what}); put back a copy of it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Somebody else is changing it.
    #[error("{}: another process is changing this world; try again when it is done", .0.display())]
    Busy(PathBuf),
    /// No such card.
    #[error("no card {0:?} in this world; `jitsuin show WORLD` lists them")]
    NoCard(String),
    /// An authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
}

impl WorldError {
    pub(crate) fn io(path: impl Into<PathBuf>, error: io::Error) -> Self {
        WorldError::Io { path: path.into(), error }
    }
}

/// world.json
#[derive(Debug, Serialize, Deserialize)]
struct Index {
    format: String,
    version: u32,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default)]
    issuer: IssuerKeys,
    signature_serial: u32,
    authentication_serial: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefecture_serial: Option<u32>,
    next_card: u32,
}

const FORMAT: &str = "jitsuin world";

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
}

const MASTER: &str = "issuer.key";

// Purposes of the world's own randomness; cards have those below 2²¹.
const VERIFIABLE: u32 = 1 << 21;
const PREFECTURE: u32 = 1 << 22;

/// verifiable.json
#[derive(Debug, Serialize, Deserialize)]
struct ManagerChain {
    intermediate: String,
    first: String,
    second: String,
    /// SubjectPublicKeyInfo of the root; worlds of the first days did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
}

/// A world, open.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    index: Index,
    /// The signature CA.
    pub signature: Authority,
    /// The user authentication CA.
    pub authentication: Authority,
    /// The prefectural CA of Juki cards, once it was needed.
    pub prefecture: Option<Authority>,
    /// Who signs face data and certifies terminals, once a card was begun that is no Juki card.
    pub verifiable: Option<Verifiable>,
    /// The card manager's chain.
    pub chain: Chain,
    /// Master of the cards' issuer keys.
    master: Option<Secret16>,
    /// Encrypts keys that are made later.
    passphrase: Option<Zeroizing<String>>,
}

/// Holds the world's lock.
#[derive(Debug)]
pub struct Changing {
    _file: File,
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
        fs::create_dir_all(folder).map_err(|error| WorldError::io(folder, error))?;
        Self::fill(folder, options, now).inspect_err(|_| drop(fs::remove_dir_all(folder)))
    }

    fn fill(folder: &Path, options: Options<'_>, now: OffsetDateTime) -> Result<Self, WorldError> {
        let Options { seed, passphrase, issuer } = options;
        let mut rng = random(seed, 0, 0)?;
        let now = now.replace_nanosecond(0).unwrap_or(now);
        let signature = Authority::create(Hierarchy::Signature, now, &mut rng)?;
        let authentication = Authority::create(Hierarchy::Authentication, now, &mut rng)?;
        let chain = Chain::create(&mut rng).map_err(CaError::Key)?;
        let index = Index {
            format: FORMAT.into(),
            version: VERSION,
            created: now,
            seed,
            issuer,
            signature_serial: signature.next_serial(),
            authentication_serial: authentication.next_serial(),
            prefecture_serial: None,
            next_card: 1,
        };
        for authority in [&signature, &authentication] {
            keep_authority(folder, authority, passphrase)?;
        }
        let mut master = None;
        if issuer == IssuerKeys::Diversified {
            let mut bytes = Zeroizing::new([0; 16]);
            rng.fill_bytes(bytes.as_mut());
            write(&folder.join(MASTER), Zeroizing::new(hex::encode_upper(bytes.as_ref())).as_bytes())?;
            master = Some(Secret16::new(*bytes));
        }
        let written = ManagerChain {
            intermediate: hex::encode(chain.intermediate.0),
            first: hex::encode(&chain.first),
            second: hex::encode(&chain.second),
            root: chain
                .root
                .as_ref()
                .and_then(|root| root.to_public_key_der().ok())
                .map(|der| hex::encode(der.as_bytes())),
        };
        write_json(&folder.join("verifiable.json"), &written)?;
        let cards = folder.join("cards");
        fs::create_dir(&cards).map_err(|error| WorldError::io(cards, error))?;
        // Last, because it is what makes the folder a world.
        write_json(&folder.join("world.json"), &index)?;
        let (prefecture, verifiable) = (None, None);
        let passphrase = passphrase.map(|passphrase| Zeroizing::new(passphrase.to_owned()));
        let folder = folder.into();
        Ok(World { folder, index, signature, authentication, prefecture, verifiable, chain, master, passphrase })
    }

    /// Opens a world. The passphrase also encrypts keys that are made later, if it encrypts those that are there.
    ///
    /// # Errors
    /// [`WorldError`] says what to do.
    pub fn open(folder: &Path, passphrase: Option<&str>) -> Result<Self, WorldError> {
        let path = folder.join("world.json");
        if !path.exists() {
            return Err(WorldError::Missing(folder.into()));
        }
        let damaged = |path: &Path, what: &str| WorldError::Damaged { path: path.into(), what: what.into() };
        let value: serde_json::Value = read_json(&path)?;
        if value.get("format").and_then(|format| format.as_str()) != Some(FORMAT) {
            return Err(damaged(&path, "not a jitsuin world"));
        }
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(found) if found == u64::from(VERSION) => {}
            Some(found) => {
                let found = u32::try_from(found).unwrap_or(u32::MAX);
                return Err(WorldError::Version { path: folder.into(), found });
            }
            None => return Err(damaged(&path, "no version")),
        }
        let index: Index = serde_json::from_value(value).map_err(|error| damaged(&path, &error.to_string()))?;
        let authority = |hierarchy: Hierarchy, serial| {
            let place = folder.join(format!("{}-ca", hierarchy.name()));
            let root = read(&place.join("root.der"))?;
            Ok::<_, WorldError>(Authority::open(
                hierarchy,
                keys::load(&place.join("key.pem"), passphrase)?,
                root,
                serial,
            )?)
        };
        let signature = authority(Hierarchy::Signature, index.signature_serial)?;
        let authentication = authority(Hierarchy::Authentication, index.authentication_serial)?;
        let prefecture = index.prefecture_serial.map(|serial| authority(Hierarchy::Prefecture, serial)).transpose()?;
        let verifiable = Verifiable::open(folder, passphrase)?;
        let path = folder.join("verifiable.json");
        let written: ManagerChain = read_json(&path)?;
        let bytes = |text: &str| hex::decode(text).map_err(|error| damaged(&path, &error.to_string()));
        let root = match &written.root {
            Some(root) => {
                let root = PublicKey::from_public_key_der(&bytes(root)?);
                Some(root.map_err(|error| damaged(&path, &error.to_string()))?)
            }
            None => None,
        };
        let intermediate = bytes(&written.intermediate)?.try_into().map_err(|_| damaged(&path, "key id"))?;
        let chain = Chain {
            intermediate: KeyId(intermediate),
            first: bytes(&written.first)?,
            second: bytes(&written.second)?,
            root,
        };
        let master = match index.issuer {
            IssuerKeys::Published => None,
            IssuerKeys::Diversified => {
                let path = folder.join(MASTER);
                let mut bytes = Zeroizing::new([0; 16]);
                hex::decode_to_slice(Zeroizing::new(read(&path)?).trim_ascii(), bytes.as_mut())
                    .map_err(|_| damaged(&path, "not 32 hexadecimal digits"))?;
                Some(Secret16::new(*bytes))
            }
        };
        // One that is set by chance must not become what a plain world needs.
        let encrypted = keys::is_encrypted(&folder.join("signature-ca/key.pem"))?;
        let passphrase = passphrase.filter(|_| encrypted).map(|passphrase| Zeroizing::new(passphrase.to_owned()));
        let folder = folder.into();
        Ok(World { folder, index, signature, authentication, prefecture, verifiable, chain, master, passphrase })
    }

    fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_ref().map(|passphrase| passphrase.as_str())
    }

    /// The signers of face data, made where there are none yet.
    ///
    /// # Errors
    /// [`WorldError`].
    pub fn make_verifiable(&mut self, _: &Changing) -> Result<(), WorldError> {
        if self.verifiable.is_none() {
            let mut rng = random(self.index.seed, VERIFIABLE, 0)?;
            self.verifiable = Some(Verifiable::create(&self.folder, self.passphrase(), &mut rng)?);
        }
        Ok(())
    }

    /// The prefectural CA, made where there is none yet.
    ///
    /// # Errors
    /// [`WorldError`].
    pub fn make_prefecture(&mut self, _: &Changing) -> Result<(), WorldError> {
        if self.prefecture.is_none() {
            let mut rng = random(self.index.seed, PREFECTURE, 0)?;
            let authority = Authority::create(Hierarchy::Prefecture, self.index.created, &mut rng)?;
            keep_authority(&self.folder, &authority, self.passphrase())?;
            self.prefecture = Some(authority);
            self.keep_counters()?;
        }
        Ok(())
    }

    /// Takes the right to change the world.
    ///
    /// # Errors
    /// [`WorldError::Busy`].
    pub fn change(folder: &Path) -> Result<Changing, WorldError> {
        let path = folder.join("world.lock");
        let io = |error| WorldError::io(path.clone(), error);
        if !folder.join("world.json").exists() {
            return Err(WorldError::Missing(folder.into()));
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Changing { _file: file }),
            Err(TryLockError::WouldBlock) => Err(WorldError::Busy(folder.into())),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
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

    /// Randomness for this purpose, from the world's seed or the operating system. A seeded world gives the same stream for a
    /// purpose until its next user authentication certificate, and then another: an issue that is taken up after one does not
    /// repeat numbers; one that stopped before, or that has none (a Juki card's), does.
    ///
    /// # Errors
    /// [`WorldError::Randomness`].
    pub fn random(&self, purpose: u32) -> Result<SimRng, WorldError> {
        random(self.index.seed, purpose, self.authentication.next_serial())
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

    /// Takes the next card number.
    ///
    /// # Errors
    /// [`WorldError`] of the disk.
    pub fn next_card(&mut self, _: &Changing) -> Result<(u32, String), WorldError> {
        let number = self.index.next_card;
        self.index.next_card += 1;
        self.keep_counters()?;
        Ok((number, format!("card-{number:04}")))
    }

    /// Writes the counters, before a certificate leaves.
    ///
    /// # Errors
    /// [`WorldError`] of the disk.
    pub fn keep_counters(&mut self) -> Result<(), WorldError> {
        self.index.signature_serial = self.signature.next_serial();
        self.index.authentication_serial = self.authentication.next_serial();
        self.index.prefecture_serial = self.prefecture.as_ref().map(Authority::next_serial);
        write_json(&self.folder.join("world.json"), &self.index)
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

    /// What is known about a card.
    ///
    /// # Errors
    /// [`WorldError::NoCard`], also for an id that is no plain name.
    pub fn card(&self, id: &str) -> Result<CardRecord, WorldError> {
        let plain = !id.is_empty() && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        let path = self.card_folder(id).join("card.json");
        if !plain || !path.exists() {
            return Err(WorldError::NoCard(id.into()));
        }
        read_json(&path)
    }

    /// Every card, by id.
    ///
    /// # Errors
    /// [`WorldError`] of the disk.
    pub fn cards(&self) -> Result<Vec<CardRecord>, WorldError> {
        let folder = self.folder.join("cards");
        let entries = fs::read_dir(&folder).map_err(|error| WorldError::io(folder, error))?;
        // A folder without a record is what a crash before the first one left.
        let entries = entries.flatten().filter(|entry| entry.path().join("card.json").exists());
        let mut ids: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        ids.sort();
        ids.iter().map(|id| self.card(id)).collect()
    }

    /// Keeps what is known about a card.
    ///
    /// # Errors
    /// [`WorldError`] of the disk.
    pub fn keep_card(&self, record: &CardRecord) -> Result<(), WorldError> {
        let folder = self.card_folder(&record.id);
        fs::create_dir_all(&folder).map_err(|error| WorldError::io(folder.clone(), error))?;
        write_json(&folder.join("card.json"), record)
    }

    /// Keeps a card's certificate as a PEM file.
    ///
    /// # Errors
    /// [`WorldError`] of the disk.
    pub fn keep_certificate(&self, id: &str, hierarchy: Hierarchy, der: &[u8]) -> Result<(), WorldError> {
        write(&self.card_folder(id).join(format!("{}.pem", hierarchy.name())), pem(der).as_bytes())
    }
}

fn random(seed: Option<u64>, purpose: u32, round: u32) -> Result<SimRng, WorldError> {
    match seed {
        // One stream a purpose and round, and one for the world itself.
        Some(seed) => Ok(SimRng::seeded(seed ^ (u64::from(purpose) << 40) ^ (u64::from(round) << 8))),
        None => SimRng::from_os().map_err(|error| WorldError::Randomness(error.to_string())),
    }
}

/// Writes an authority's key and root certificate.
fn keep_authority(folder: &Path, authority: &Authority, passphrase: Option<&str>) -> Result<(), WorldError> {
    let place = folder.join(format!("{}-ca", authority.hierarchy().name()));
    fs::create_dir_all(&place).map_err(|error| WorldError::io(place.clone(), error))?;
    keys::save(&place.join("key.pem"), authority.key(), passphrase)?;
    write(&place.join("root.der"), authority.root())?;
    write(&place.join("root.pem"), pem(authority.root()).as_bytes())
}

/// A certificate in PEM.
#[must_use]
pub fn pem(certificate: &[u8]) -> String {
    use der::pem::{LineEnding, encode_string};
    encode_string("CERTIFICATE", LineEnding::LF, certificate).unwrap_or_default()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), WorldError> {
    replace(path, bytes).map_err(|error| WorldError::io(path, error))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WorldError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| WorldError::Damaged { path: path.into(), what: error.to_string() })?;
    text.push(b'\n');
    write(path, &text)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, WorldError> {
    let io = |error| WorldError::io(path, error);
    if fs::metadata(path).map_err(io)?.len() > JSON_MAX {
        return Err(WorldError::Damaged { path: path.into(), what: "larger than any file of a world".into() });
    }
    fs::read(path).map_err(io)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, WorldError> {
    serde_json::from_slice(&read(path)?)
        .map_err(|error| WorldError::Damaged { path: path.into(), what: error.to_string() })
}

/// Common name of a signature certificate: time of application in Japan ‖ running number ‖ municipality ‖ 003A. (P-10)
#[must_use]
pub fn signature_common_name(now: OffsetDateTime, number: u32) -> String {
    let at = now.to_offset(time::UtcOffset::from_hms(9, 0, 0).unwrap_or(time::UtcOffset::UTC));
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:05}{}003A",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        number % 100_000,
        crate::profile::MUNICIPALITY_CODE
    )
}

/// Common name of a user authentication certificate: 14 random characters ‖ municipality ‖ 003A. (P-10)
#[must_use]
pub fn authentication_common_name(rng: &mut impl CryptoRng) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let random: String = (0..14).map(|_| char::from(ALPHABET[(rng.next_u32() % 36) as usize])).collect();
    format!("{random}{}003A", crate::profile::MUNICIPALITY_CODE)
}
