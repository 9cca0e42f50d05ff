//! Who signs the face data of one 券面 application: a key certified by a root that verifiers hold. (card.md §9.0, §10)

use crate::{
    cvc::{Certificate, KeyId},
    keys,
};
use rand_core::CryptoRng;
use rsa::{Pkcs1v15Sign, PrivateKey, PublicKey};
use sha2::{Digest, Sha256};

/// For which application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// 券面事項確認AP
    Face,
    /// 券面事項入力補助AP
    Text,
}

impl Purpose {
    /// Both.
    pub const ALL: [Purpose; 2] = [Purpose::Face, Purpose::Text];

    /// Its name in folders.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Purpose::Face => "face-signer",
            Purpose::Text => "text-signer",
        }
    }

    /// Key ids of the root and of the certified key. (card.md D-52)
    #[must_use]
    pub fn ids(self) -> [KeyId; 2] {
        match self {
            Purpose::Face => [KeyId::new(b"8000023", b"001"), KeyId::new(b"9999921", b"000")],
            Purpose::Text => [KeyId::new(b"8000033", b"001"), KeyId::new(b"9999931", b"000")],
        }
    }
}

/// A key that signs files, its certificate, and the public half of the root above it.
pub struct Signer {
    /// The private key.
    pub key: PrivateKey,
    /// What EF 0004 holds.
    pub certificate: Certificate,
    /// What a verifier holds. The private half is forgotten when the certificate is made.
    pub root: PublicKey,
}

/// No key material.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.certificate.subject())
    }
}

impl Signer {
    /// Makes root, key and certificate.
    ///
    /// # Errors
    /// Of key generation or signing.
    pub fn create(purpose: Purpose, rng: &mut impl CryptoRng) -> Result<Self, rsa::Error> {
        let [issuer, subject] = purpose.ids();
        let root = keys::generate(rng)?;
        let key = keys::generate(rng)?;
        let certificate = Certificate::issue(&root, issuer, subject, key.as_public_key(), rng)?;
        Ok(Signer { key, certificate, root: root.as_public_key().clone() })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    /// Of signing.
    pub fn sign(&self, bytes: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, rsa::Error> {
        self.key.sign_with_rng(rng, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(bytes))
    }

    /// The same padding around several digests, told as one of SHA-256: what covers the card face. (card.md §9.4, 0002)
    ///
    /// # Errors
    /// Of signing.
    pub fn sign_digests(&self, parts: [&[u8]; 3], rng: &mut impl CryptoRng) -> Result<Vec<u8>, rsa::Error> {
        self.key.sign_with_rng(rng, Pkcs1v15Sign::new_unprefixed(), &face_digest_info(parts))
    }
}

/// DigestInfo over three parts: the identifier of SHA-256 and the 96 bytes of three digests. (card.md §9.4, 0002)
#[must_use]
pub fn face_digest_info(parts: [&[u8]; 3]) -> Vec<u8> {
    const HEAD: [u8; 19] = [
        0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
        0x60,
    ];
    let mut info = HEAD.to_vec();
    for part in parts {
        info.extend_from_slice(&Sha256::digest(part));
    }
    info
}
