//! How a CertID names an issuer: hashes of name and key.

use super::asn1::CertId;
use crate::revocation::certificate::{Certificate, encoded};
use der::{
    asn1::{ObjectIdentifier, OctetString},
    oid::db::rfc5912::{ID_SHA_1, ID_SHA_256},
};
use x509_cert::{serial_number::SerialNumber, spki::AlgorithmIdentifierOwned};

/// A hash of CertIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// What RFC 5019 wants and everybody knows. Nothing rests on its strength.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Digest {
    /// Both.
    pub const ALL: [Digest; 2] = [Digest::Sha1, Digest::Sha256];

    const fn algorithm(self) -> ObjectIdentifier {
        match self {
            Digest::Sha1 => ID_SHA_1,
            Digest::Sha256 => ID_SHA_256,
        }
    }

    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        use sha2::Digest as _;
        match self {
            Digest::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Digest::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
        }
    }
}

/// Name and key of an issuer under every hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IssuerHashes([(OctetString, OctetString); 2]);

impl IssuerHashes {
    pub(super) fn of(issuer: &Certificate) -> der::Result<Self> {
        let (name, key) = (encoded(issuer.subject())?, issuer.key().subject_public_key.raw_bytes());
        let hash = |digest: Digest, bytes| OctetString::new(digest.of(bytes));
        let [one, other] = Digest::ALL.map(|digest| (hash(digest, &name), hash(digest, key)));
        Ok(IssuerHashes([(one.0?, one.1?), (other.0?, other.1?)]))
    }

    /// Whether a CertID names this issuer.
    pub(super) fn are_in(&self, id: &CertId) -> bool {
        let known =
            Digest::ALL.into_iter().zip(&self.0).find(|(digest, _)| digest.algorithm() == id.hash_algorithm.oid);
        known.is_some_and(|(_, (name, key))| *name == id.issuer_name_hash && *key == id.issuer_key_hash)
    }

    /// The CertID of a certificate of this issuer.
    pub(super) fn id(&self, digest: Digest, serial: SerialNumber) -> CertId {
        let [one, other] = &self.0;
        let (name, key) = if digest == Digest::Sha1 { one } else { other };
        CertId {
            hash_algorithm: AlgorithmIdentifierOwned { oid: digest.algorithm(), parameters: Some(der::Any::null()) },
            issuer_name_hash: name.clone(),
            issuer_key_hash: key.clone(),
            serial_number: serial,
        }
    }
}
