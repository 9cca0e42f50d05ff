//! What signs card-verifiable data in a world: one signer for each 券面 application, and the key that certifies terminals.
//! (card.md §10, §12)
//!
//! ```text
//! verifiable/face-signer/      key.pem (0600), certificate.cvc (EF 0004), root.der (public half, SubjectPublicKeyInfo)
//! verifiable/text-signer/      the same
//! verifiable/terminal-ca/      key.pem (0600)
//! ```

use crate::{
    cvc::{Certificate, KeyId},
    folder::{self, FolderError},
    keys,
    signer::{Purpose, Signer},
};
use rand_core::CryptoRng;
use rsa::{
    PrivateKey, PublicKey,
    pkcs8::{DecodePublicKey, EncodePublicKey},
};
use std::{fs, path::Path};

const FOLDER: &str = "verifiable";
const TERMINAL: &str = "terminal-ca";

/// The keys.
#[derive(Debug)]
pub struct Verifiable {
    /// For 券面事項確認AP.
    pub face: Signer,
    /// For 券面事項入力補助AP.
    pub text: Signer,
    terminal: PrivateKey,
}

impl Verifiable {
    /// Makes the keys and writes them into the world's folder; the folder appears when it is whole.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn create(world: &Path, passphrase: Option<&str>, rng: &mut impl CryptoRng) -> Result<Self, FolderError> {
        let make = |purpose, rng: &mut _| Signer::create(purpose, rng).map_err(crate::ca::CaError::Key);
        let (face, text) = (make(Purpose::Face, rng)?, make(Purpose::Text, rng)?);
        let terminal = keys::generate(rng).map_err(crate::ca::CaError::Key)?;
        let begun = world.join(format!("{FOLDER}.new"));
        // One left by a crash is not whole.
        let _ = fs::remove_dir_all(&begun);
        for (purpose, signer) in [(Purpose::Face, &face), (Purpose::Text, &text)] {
            let place = folder::make(&begun.join(purpose.name()))?;
            keys::save(&place.join("key.pem"), &signer.key, passphrase)?;
            folder::write(&place.join("certificate.cvc"), &signer.certificate.file())?;
            let root = signer.root.to_public_key_der().map_err(|error| FolderError::damaged(&place, error))?;
            folder::write(&place.join("root.der"), root.as_bytes())?;
        }
        keys::save(&folder::make(&begun.join(TERMINAL))?.join("key.pem"), &terminal, passphrase)?;
        let whole = world.join(FOLDER);
        fs::rename(&begun, &whole).map_err(|error| FolderError::io(whole, error))?;
        Ok(Verifiable { face, text, terminal })
    }

    /// Reads the keys of a world; `None` for a world that has begun nothing but Juki cards yet.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(world: &Path, passphrase: Option<&str>) -> Result<Option<Self>, FolderError> {
        let whole = world.join(FOLDER);
        if !whole.exists() {
            return Ok(None);
        }
        let signer = |purpose: Purpose| {
            let place = whole.join(purpose.name());
            let root = PublicKey::from_public_key_der(&folder::read(&place.join("root.der"))?)
                .map_err(|error| FolderError::damaged(place.join("root.der"), error))?;
            let path = place.join("certificate.cvc");
            let certificate = Certificate::parse(&folder::read(&path)?)
                .filter(|certificate| certificate.verify(&root).is_some())
                .ok_or_else(|| FolderError::damaged(&path, "not certified by root.der"))?;
            if [certificate.issuer(), certificate.subject()] != purpose.ids() {
                return Err(FolderError::damaged(&path, "its key ids are another signer's"));
            }
            Ok::<_, FolderError>(Signer { key: keys::load(&place.join("key.pem"), passphrase)?, certificate, root })
        };
        let terminal = keys::load(&whole.join(TERMINAL).join("key.pem"), passphrase)?;
        Ok(Some(Verifiable { face: signer(Purpose::Face)?, text: signer(Purpose::Text)?, terminal }))
    }

    /// Public half of the key that cards judge terminal certificates with.
    #[must_use]
    pub fn terminal_authority(&self) -> &PublicKey {
        self.terminal.as_public_key()
    }

    /// A terminal certificate that the cards of this world accept. (card.md §12, D-41)
    ///
    /// # Errors
    /// Of signing.
    pub fn certify_terminal(&self, terminal: &PublicKey, rng: &mut impl CryptoRng) -> Result<Certificate, rsa::Error> {
        let (issuer, subject) = (KeyId::new(b"8200073", b"001"), KeyId::new(b"8299774", b"001"));
        Certificate::issue(&self.terminal, issuer, subject, terminal, rng)
    }
}
