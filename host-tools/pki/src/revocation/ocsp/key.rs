//! The responder's own keys: RSA by the engine of the cards, and P-256.

use card_os::platform::{Engine, MODULUS, PrivateKey};
use der::{
    asn1::ObjectIdentifier,
    oid::db::rfc5912::{ECDSA_WITH_SHA_256, SHA_256_WITH_RSA_ENCRYPTION},
};
use p256::ecdsa::{self, signature::Signer};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use sim::{backend::AnyEngine, rng::SimRng};
use std::sync::{Mutex, PoisonError};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// DigestInfo header of SHA-256. (RFC 8017 §9.2 note 1)
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// Why there is no key, or no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the responder's key cannot be made or used")]
pub struct KeyFault;

/// Which kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA-2048: sha256WithRSAEncryption, which every client knows. (RFC 6960 §4.3)
    Rsa,
    /// ecdsa-with-SHA256 on P-256, for clients that prefer it: some twenty times as fast.
    P256,
}

impl KeyKind {
    /// Its signature algorithm.
    #[must_use]
    pub const fn algorithm(self) -> ObjectIdentifier {
        match self {
            KeyKind::Rsa => SHA_256_WITH_RSA_ENCRYPTION,
            KeyKind::P256 => ECDSA_WITH_SHA_256,
        }
    }

    pub(super) fn identifier(self) -> AlgorithmIdentifierOwned {
        // ECDSA has no parameters, and RSA those that say so. (RFC 5758 §3.2, RFC 4055 §5)
        let parameters = (self == KeyKind::Rsa).then(der::Any::null);
        AlgorithmIdentifierOwned { oid: self.algorithm(), parameters }
    }
}

/// A key that signs answers. It lives in memory alone.
pub struct ResponderKey(Inner);

enum Inner {
    Rsa(Box<Rsa>),
    P256(Box<ecdsa::SigningKey>),
}

struct Rsa {
    key: PrivateKey,
    info: SubjectPublicKeyInfoOwned,
    /// Engines with the key ready, as many as ever signed at once.
    ready: Mutex<Vec<(AnyEngine, SimRng)>>,
}

/// No key material.
impl std::fmt::Debug for ResponderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResponderKey({:?})", self.kind())
    }
}

impl ResponderKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`KeyFault`] where randomness fails.
    pub fn generate(kind: KeyKind, rng: &mut impl CryptoRng) -> Result<Self, KeyFault> {
        use p256::elliptic_curve::Generate;
        Ok(ResponderKey(match kind {
            KeyKind::Rsa => {
                let key = crate::keys::generate(rng).map_err(|_| KeyFault)?;
                let info = SubjectPublicKeyInfoOwned::from_key(key.as_public_key()).map_err(|_| KeyFault)?;
                let key = sim::engine::crt(&key).map_err(|_| KeyFault)?;
                Inner::Rsa(Box::new(Rsa { key, info, ready: Mutex::default() }))
            }
            KeyKind::P256 => Inner::P256(Box::new(ecdsa::SigningKey::generate_from_rng(rng))),
        }))
    }

    /// Which kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.0 {
            Inner::Rsa(_) => KeyKind::Rsa,
            Inner::P256(_) => KeyKind::P256,
        }
    }

    /// The public half, for its certificate.
    ///
    /// # Errors
    /// [`KeyFault`] of the encoder.
    pub fn info(&self) -> Result<SubjectPublicKeyInfoOwned, KeyFault> {
        match &self.0 {
            Inner::Rsa(rsa) => Ok(rsa.info.clone()),
            Inner::P256(key) => {
                SubjectPublicKeyInfoOwned::from_key(&p256::PublicKey::from(key.verifying_key())).map_err(|_| KeyFault)
            }
        }
    }

    /// Signs.
    ///
    /// # Errors
    /// [`KeyFault`]; nothing of a faulty signature leaves.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyFault> {
        match &self.0 {
            Inner::Rsa(rsa) => rsa.sign(bytes),
            Inner::P256(key) => {
                let signature: ecdsa::DerSignature = key.try_sign(bytes).map_err(|_| KeyFault)?;
                Ok(signature.as_bytes().to_vec())
            }
        }
    }
}

impl Rsa {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let mut encoded = [0xFF; MODULUS];
        let (head, digest) = encoded.split_at_mut(MODULUS - 32);
        digest.copy_from_slice(&Sha256::digest(bytes));
        let info = head.len() - SHA256_INFO.len();
        head[info..].copy_from_slice(&SHA256_INFO);
        (head[0], head[1], head[info - 1]) = (0, 1, 0);
        let idle = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut engine, mut rng) = match idle {
            Some(ready) => ready,
            None => (AnyEngine::default(), SimRng::from_os().map_err(|_| KeyFault)?),
        };
        let mut signature = [0; MODULUS];
        engine.private(&self.key, &encoded, &mut signature, &mut rng).map_err(|_| KeyFault)?;
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push((engine, rng));
        Ok(signature.to_vec())
    }
}
