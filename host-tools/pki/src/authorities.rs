//! Everything that signs in a world, in its folder.
//!
//! ```text
//! signature-ca/           key.pem (0600), root.der, root.pem
//! authentication-ca/      the same
//! prefecture-ca/          the same, where a Juki card was issued
//! verifiable.json         the card manager's chain of card-verifiable certificates
//! verifiable/             who signs face data, where a card with a face was issued
//! ```

use crate::{
    ca::{Authority, CaError, pem},
    cvc::{Chain, KeyId},
    folder::{self, FolderError},
    keys,
    profile::Hierarchy,
    verifiable::Verifiable,
};
use rand_core::CryptoRng;
use rsa::{
    PublicKey,
    pkcs8::{DecodePublicKey, EncodePublicKey},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use zeroize::Zeroizing;

const MANAGER: &str = "verifiable.json";

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

/// The authorities.
#[derive(Debug)]
pub struct Authorities {
    folder: PathBuf,
    /// The signature CA 署名用認証局.
    pub signature: Authority,
    /// The user authentication CA 利用者証明用認証局.
    pub authentication: Authority,
    /// The prefectural CA of Juki cards, once it was needed.
    pub prefecture: Option<Authority>,
    /// Who signs face data, once it was needed.
    pub verifiable: Option<Verifiable>,
    /// The card manager's chain.
    pub chain: Chain,
    /// Encrypts keys that are made later.
    passphrase: Option<Zeroizing<String>>,
}

impl Authorities {
    /// Makes the two CAs and the card manager's chain, and writes them into a folder.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn create(
        folder: &Path,
        passphrase: Option<&str>,
        now: OffsetDateTime,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, FolderError> {
        let signature = Authority::create(Hierarchy::Signature, now, rng)?;
        let authentication = Authority::create(Hierarchy::Authentication, now, rng)?;
        let chain = Chain::create(rng).map_err(CaError::Key)?;
        for authority in [&signature, &authentication] {
            keep(folder, authority, passphrase)?;
        }
        let root = chain.root.as_ref().and_then(|root| root.to_public_key_der().ok());
        let written = ManagerChain {
            intermediate: hex::encode(chain.intermediate.0),
            first: hex::encode(&chain.first),
            second: hex::encode(&chain.second),
            root: root.map(|der| hex::encode(der.as_bytes())),
        };
        folder::write_json(&folder.join(MANAGER), &written)?;
        let passphrase = passphrase.map(|passphrase| Zeroizing::new(passphrase.to_owned()));
        let (prefecture, verifiable) = (None, None);
        Ok(Authorities { folder: folder.into(), signature, authentication, prefecture, verifiable, chain, passphrase })
    }

    /// Reads them.
    ///
    /// # Errors
    /// [`FolderError`] says what to do.
    pub fn open(folder: &Path, passphrase: Option<&str>) -> Result<Self, FolderError> {
        // A passphrase that is set by chance must not become what later keys of a plain world need.
        let path = place(folder, Hierarchy::Signature).join("key.pem");
        let encrypted = keys::is_encrypted(&path)?;
        Ok(Authorities {
            folder: folder.into(),
            signature: load(folder, Hierarchy::Signature, passphrase)?,
            authentication: load(folder, Hierarchy::Authentication, passphrase)?,
            prefecture: load_prefecture(folder, passphrase)?,
            verifiable: Verifiable::open(folder, passphrase)?,
            chain: chain(&folder.join(MANAGER))?,
            passphrase: passphrase.filter(|_| encrypted).map(|passphrase| Zeroizing::new(passphrase.to_owned())),
        })
    }

    /// The CA of a hierarchy, where the world has it.
    #[must_use]
    pub fn get(&self, hierarchy: Hierarchy) -> Option<&Authority> {
        match hierarchy {
            Hierarchy::Signature => Some(&self.signature),
            Hierarchy::Authentication => Some(&self.authentication),
            Hierarchy::Prefecture => self.prefecture.as_ref(),
        }
    }

    /// Makes the signers of face data. The caller sees to it that nobody else does.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn make_verifiable(&mut self, rng: &mut impl CryptoRng) -> Result<(), FolderError> {
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.as_str());
        self.verifiable = Some(match Verifiable::open(&self.folder, passphrase)? {
            Some(theirs) => theirs,
            None => Verifiable::create(&self.folder, passphrase, rng)?,
        });
        Ok(())
    }

    /// Makes the prefectural CA. The caller sees to it that nobody else does.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn make_prefecture(&mut self, now: OffsetDateTime, rng: &mut impl CryptoRng) -> Result<(), FolderError> {
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.as_str());
        self.prefecture = load_prefecture(&self.folder, passphrase)?;
        if self.prefecture.is_none() {
            let authority = Authority::create(Hierarchy::Prefecture, now, rng)?;
            keep(&self.folder, &authority, passphrase)?;
            self.prefecture = Some(authority);
        }
        Ok(())
    }
}

fn place(folder: &Path, hierarchy: Hierarchy) -> PathBuf {
    folder.join(format!("{}-ca", hierarchy.name()))
}

fn load(folder: &Path, hierarchy: Hierarchy, passphrase: Option<&str>) -> Result<Authority, FolderError> {
    let place = place(folder, hierarchy);
    let key = keys::load(&place.join("key.pem"), passphrase)?;
    Ok(Authority::open(hierarchy, key, folder::read(&place.join("root.der"))?)?)
}

/// The prefectural CA where there is a whole one: its root.pem is written last.
fn load_prefecture(folder: &Path, passphrase: Option<&str>) -> Result<Option<Authority>, FolderError> {
    let whole = place(folder, Hierarchy::Prefecture).join("root.pem").exists();
    whole.then(|| load(folder, Hierarchy::Prefecture, passphrase)).transpose()
}

/// Writes an authority's key and root certificate.
fn keep(folder: &Path, authority: &Authority, passphrase: Option<&str>) -> Result<(), FolderError> {
    let place = folder::make(&place(folder, authority.hierarchy()))?;
    keys::save(&place.join("key.pem"), authority.key(), passphrase)?;
    folder::write(&place.join("root.der"), authority.root())?;
    folder::write(&place.join("root.pem"), pem(authority.root()).as_bytes())
}

fn chain(path: &Path) -> Result<Chain, FolderError> {
    let written: ManagerChain = folder::read_json(path)?;
    let bytes = |text: &str| hex::decode(text).map_err(|error| FolderError::damaged(path, error));
    let root = match &written.root {
        Some(root) => {
            let root = PublicKey::from_public_key_der(&bytes(root)?);
            Some(root.map_err(|error| FolderError::damaged(path, error))?)
        }
        None => None,
    };
    let intermediate = bytes(&written.intermediate)?;
    Ok(Chain {
        intermediate: KeyId(intermediate.try_into().map_err(|_| FolderError::damaged(path, "key id"))?),
        first: bytes(&written.first)?,
        second: bytes(&written.second)?,
        root,
    })
}
