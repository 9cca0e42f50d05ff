//! Private keys: made, kept on disk, handed to cards.

use card_os::platform::Engine;
use rand_core::CryptoRng;
use rsa::{
    BoxedUint, PrivateKey, PublicKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use sim::{backend::AnyEngine, image::replace};
use std::{fs, io, path::Path};
use zeroize::Zeroizing;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The operating system.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// Not a PKCS#8 key, or a wrong passphrase.
    #[error(
        "{0}: no RSA key in PKCS#8 can be read from it ({1}); an encrypted one wants the world's passphrase in JITSUIN_PASSPHRASE"
    )]
    Format(String, rsa::pkcs8::Error),
    /// A modulus that is no RSA-2048 one.
    #[error("the card's public key cannot be used: {0}")]
    Public(rsa::Error),
}

/// Makes an RSA-2048 key with e = 65537, by the same engine as the cards' own.
///
/// # Errors
/// [`rsa::Error::Rng`] where the random source fails.
pub fn generate(rng: &mut impl CryptoRng) -> Result<PrivateKey, rsa::Error> {
    let key = AnyEngine::default().generate(rng).map_err(|_| rsa::Error::Rng)?;
    let [p, q] = [&key.p, &key.q].map(|prime| BoxedUint::from_be_slice_vartime(prime));
    PrivateKey::from_p_q(p, q, 65_537u64.into())
}

/// Writes a key as PKCS#8 PEM, mode 0600 from its first moment; encrypted (PBES2) where there is a passphrase.
///
/// # Errors
/// [`KeyError`].
pub fn save(path: &Path, key: &PrivateKey, passphrase: Option<&str>) -> Result<(), KeyError> {
    let name = || path.display().to_string();
    let pem = match passphrase {
        None => key.to_pkcs8_pem(LineEnding::LF),
        Some(passphrase) => key.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
    };
    let pem = pem.map_err(|error| KeyError::Format(name(), error))?;
    replace(path, pem.as_bytes()).map_err(|error| KeyError::Io(name(), error))
}

/// Whether a key on disk wants a passphrase.
///
/// # Errors
/// [`KeyError::Io`].
pub fn is_encrypted(path: &Path) -> Result<bool, KeyError> {
    read(path).map(|pem| encrypted(&pem))
}

/// Reads a key.
///
/// # Errors
/// [`KeyError`].
pub fn load(path: &Path, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    let pem = read(path)?;
    let key = match passphrase {
        Some(passphrase) if encrypted(&pem) => PrivateKey::from_pkcs8_encrypted_pem(&pem, passphrase),
        _ => PrivateKey::from_pkcs8_pem(&pem),
    };
    key.map_err(|error| KeyError::Format(path.display().to_string(), error))
}

fn read(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| KeyError::Io(path.display().to_string(), error))
}

fn encrypted(pem: &str) -> bool {
    pem.contains("ENCRYPTED")
}

/// The public key of a modulus that a card returned.
///
/// # Errors
/// [`KeyError::Public`].
pub fn public(modulus: &[u8; 256]) -> Result<PublicKey, KeyError> {
    PublicKey::new(BoxedUint::from_be_slice_vartime(modulus), 65_537u64.into()).map_err(KeyError::Public)
}
