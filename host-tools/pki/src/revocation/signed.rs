//! SIGNED{ }: what was signed, byte for byte, beside algorithm and signature. (RFC 5280 §4.1.1)

use der::{
    Any, AnyRef, Encode, Sequence,
    asn1::{BitStringRef, ObjectIdentifier},
    oid::db::rfc5912::{ECDSA_WITH_SHA_256, SHA_256_WITH_RSA_ENCRYPTION},
};
use p256::ecdsa::{self, signature::Verifier};
use rsa::{Pkcs1v15Sign, pkcs8::DecodePublicKey};
use sha2::{Digest, Sha256};
use x509_cert::{
    ext::Extension,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

/// The two that are believed.
pub(crate) const ALGORITHMS: [ObjectIdentifier; 2] = [SHA_256_WITH_RSA_ENCRYPTION, ECDSA_WITH_SHA_256];

/// A certificate or a CRL, taken apart only as far as its signature needs.
#[derive(Sequence)]
pub(crate) struct Signed<'a> {
    pub(crate) body: AnyRef<'a>,
    pub(crate) algorithm: AlgorithmIdentifierOwned,
    pub(crate) signature: BitStringRef<'a>,
}

/// Owned: body, algorithm, signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) body: Vec<u8>,
    pub(crate) algorithm: ObjectIdentifier,
    pub(crate) signature: Vec<u8>,
}

impl Evidence {
    /// A signature is whole bytes, and an algorithm has exactly its parameters, so that nothing beside what was signed can be
    /// changed without being refused.
    pub(crate) fn new(
        body: &AnyRef<'_>,
        algorithm: &AlgorithmIdentifierOwned,
        signature: Option<&[u8]>,
    ) -> der::Result<Self> {
        let parameters = algorithm.parameters.as_ref();
        let exact = match algorithm.oid {
            SHA_256_WITH_RSA_ENCRYPTION => parameters == Some(&Any::null()),
            ECDSA_WITH_SHA_256 => parameters.is_none(),
            _ => true,
        };
        let (true, Some(signature)) = (exact, signature) else {
            return Err(der::ErrorKind::Noncanonical { tag: der::Tag::BitString }.into());
        };
        Ok(Evidence { body: body.to_der()?, algorithm: algorithm.oid, signature: signature.to_vec() })
    }

    /// Whether this key signed it, by an algorithm that is believed.
    pub(crate) fn is_signed_by(&self, key: &SubjectPublicKeyInfoOwned) -> bool {
        let Ok(key) = key.to_der() else { return false };
        match self.algorithm {
            SHA_256_WITH_RSA_ENCRYPTION => rsa::PublicKey::from_public_key_der(&key).is_ok_and(|key| {
                let digest = Sha256::digest(&self.body);
                key.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, &self.signature).is_ok()
            }),
            ECDSA_WITH_SHA_256 => {
                let key = p256::PublicKey::from_public_key_der(&key).map(ecdsa::VerifyingKey::from);
                let signature = ecdsa::DerSignature::from_bytes(&self.signature);
                matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(&self.body, &signature).is_ok())
            }
            _ => false,
        }
    }
}

/// Most extensions of anything.
const EXTENSIONS_MAX: usize = 32;

/// No extension comes twice. (RFC 5280 §4.2)
pub(crate) fn each_once(extensions: &[Extension]) -> der::Result<()> {
    let twice = extensions
        .iter()
        .enumerate()
        .take(EXTENSIONS_MAX)
        .any(|(index, one)| extensions[..index].iter().any(|before| before.extn_id == one.extn_id));
    if twice || extensions.len() > EXTENSIONS_MAX {
        Err(der::ErrorKind::Noncanonical { tag: der::Tag::Sequence }.into())
    } else {
        Ok(())
    }
}
