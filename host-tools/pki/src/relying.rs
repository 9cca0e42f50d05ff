//! The checking side: certificates against their CA, signatures against their certificate.
//!
//! It re-encodes and compares, as the `rsa` crate does; it never parses padding.

pub mod attributes;
pub mod certificate;
pub mod challenge;
pub mod face;
pub mod message;
pub mod path;
pub mod report;
mod size;
pub mod verdict;

use der::{Decode, Encode};
use rsa::{Pkcs1v15Sign, Pss, PublicKey, pkcs8::DecodePublicKey};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;

/// Why something is not believed.
#[derive(Debug, thiserror::Error)]
pub enum NotBelieved {
    /// No X.509 certificate.
    #[error("not a certificate: {0}")]
    Certificate(#[from] der::Error),
    /// The key in it is no RSA key that can be used.
    #[error("the certificate's key cannot be used: {0}")]
    Key(#[from] rsa::pkcs8::spki::Error),
    /// The certificate was not made by this CA.
    #[error("the certificate is not signed by this CA")]
    Chain,
    /// The certificate was made by this CA, for something else.
    #[error("the certificate names other keys (証明者鍵ID, 被証明者鍵ID) than those of this purpose")]
    KeyId,
    /// The signature does not belong to the message.
    #[error("the signature does not belong to this message and key")]
    Signature,
    /// A file of the card that is not built as it should be; where it went wrong.
    #[error("no object {0:X} where one belongs")]
    Form(u32),
    /// P1 names no scheme.
    #[error("no signature scheme {0:02X}")]
    Scheme(u8),
}

/// The RSA public key of a DER certificate.
///
/// # Errors
/// [`NotBelieved::Certificate`], [`NotBelieved::Key`].
pub fn public_key(certificate: &[u8]) -> Result<PublicKey, NotBelieved> {
    let certificate = Certificate::from_der(certificate)?;
    let key = certificate.tbs_certificate().subject_public_key_info().to_der()?;
    Ok(PublicKey::from_public_key_der(&key)?)
}

/// Whether `authority` signed `certificate`, both DER, with sha256WithRSAEncryption.
///
/// # Errors
/// [`NotBelieved`].
pub fn chain(certificate: &[u8], authority: &[u8]) -> Result<(), NotBelieved> {
    let parsed = Certificate::from_der(certificate)?;
    let digest = Sha256::digest(parsed.tbs_certificate().to_der()?);
    let signature = parsed.signature().as_bytes().ok_or(NotBelieved::Chain)?;
    let known = parsed.signature_algorithm().oid == der::oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION;
    let verified = public_key(authority)?.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature);
    if known && verified.is_ok() { Ok(()) } else { Err(NotBelieved::Chain) }
}

/// Whether a card's signature under one of the six schemes opens with the certificate's key. `input` is the data field that
/// the card was given. (card.md §8.1)
///
/// # Errors
/// [`NotBelieved`].
pub fn signature(certificate: &[u8], scheme: u8, input: &[u8], signature: &[u8]) -> Result<(), NotBelieved> {
    opens(&public_key(certificate)?, scheme, input, signature)
}

/// As [`signature()`], with the key itself.
///
/// # Errors
/// [`NotBelieved::Signature`], [`NotBelieved::Scheme`].
pub fn opens(key: &PublicKey, scheme: u8, input: &[u8], signature: &[u8]) -> Result<(), NotBelieved> {
    let hashed = Sha256::digest(input);
    let opened = match scheme {
        0x00 => key.verify(Pkcs1v15Sign::new_unprefixed(), input, signature),
        0x01 => key.verify(Pkcs1v15Sign::new_unprefixed(), &hashed, signature),
        0x02 => key.verify(Pkcs1v15Sign::new::<Sha256>(), input, signature),
        0x03 => key.verify(Pkcs1v15Sign::new::<Sha256>(), &hashed, signature),
        0x04 => key.verify(Pss::<Sha256>::new(), input, signature),
        0x05 => key.verify(Pss::<Sha256>::new(), &hashed, signature),
        _ => return Err(NotBelieved::Scheme(scheme)),
    };
    opened.map_err(|_| NotBelieved::Signature)
}
