//! 電子申請: an application form, and the signed message that carries it to an office. (service.md §6)
//!
//! The message is CMS SignedData (RFC 5652) of one signer, in DER, with the signer's certificate in it and the attributes of a
//! CAdES baseline signature: contentType, messageDigest, signingTime, signingCertificateV2 (RFC 5035), which binds the
//! certificate that is meant. The key stays in the card: [`sign`] hands out a DigestInfo and takes a signature.

pub(crate) mod attributes;
mod form;
mod procedure;

pub use form::{BYTES_MAX as FORM_MAX, Form, FormError};
pub use procedure::Procedure;

use crate::relying::{self, certificate::Certificate};
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos},
};
use der::{
    Any, Decode, Encode,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::{attr::Attributes, spki::AlgorithmIdentifierOwned};

/// id-data
pub const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// id-signedData
pub const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// id-sha256
pub const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// sha256WithRSAEncryption
pub const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// Most bytes of what is signed.
pub const CONTENT_MAX: usize = 16 * 1024 * 1024;

const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// Where the content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// In the message.
    Attached,
    /// Beside it.
    Detached,
}

/// Why nothing was signed. `E` is the signer's own error.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned<E> {
    /// More than [`CONTENT_MAX`].
    #[error("the content has {0} bytes, more than {CONTENT_MAX}")]
    Size(usize),
    /// The encoder.
    #[error("encoding the message: {0}")]
    Der(#[from] der::Error),
    /// The card, or whoever signs.
    #[error("{0}")]
    Signer(E),
    /// The signature is not of the certificate's key.
    #[error("the signer's key does not belong to the certificate; read the certificate from the card that signs")]
    Mismatch,
}

/// Signs a content. `signer` is given the DigestInfo of SHA-256, 51 bytes, and pads and signs it (RSASSA-PKCS1-v1_5): for a card
/// that is COMPUTE DIGITAL SIGNATURE with P1 = 00 after its password, see [`crate::client::Jpki::sign`]. The signature is
/// checked before anything leaves. `at` is told as the time of signing.
///
/// # Errors
/// [`NotSigned`].
pub fn sign<E>(
    content: &[u8],
    certificate: &Certificate,
    packing: Packing,
    at: OffsetDateTime,
    signer: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, NotSigned<E>> {
    if content.len() > CONTENT_MAX {
        return Err(NotSigned::Size(content.len()));
    }
    let signed = attributes::signed(content, certificate, at)?;
    let bytes = signed.to_der()?;
    let info = [&DIGEST_INFO[..], &Sha256::digest(&bytes)].concat();
    let signature = signer(&info).map_err(NotSigned::Signer)?;
    let key = certificate.key().map_err(|_| NotSigned::Mismatch)?;
    relying::opens(&key, 0x03, &bytes, &signature).map_err(|_| NotSigned::Mismatch)?;
    Ok(message(content, certificate, packing, signed, &signature)?)
}

fn message(
    content: &[u8],
    certificate: &Certificate,
    packing: Packing,
    signed: Attributes,
    signature: &[u8],
) -> der::Result<Vec<u8>> {
    let parsed = x509_cert::Certificate::from_der(certificate.der())?;
    let digest = AlgorithmIdentifierOwned { oid: SHA256, parameters: None };
    let identifier = IssuerAndSerialNumber {
        issuer: parsed.tbs_certificate().issuer().clone(),
        serial_number: parsed.tbs_certificate().serial_number().clone(),
    };
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(identifier),
        digest_alg: digest.clone(),
        signed_attrs: Some(signed),
        signature_algorithm: AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: Some(Any::null()) },
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let econtent = match packing {
        Packing::Attached => Some(Any::encode_from(&OctetString::new(content)?)?),
        Packing::Detached => None,
    };
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![digest])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: DATA, econtent },
        certificates: Some(CertificateSet::try_from(vec![CertificateChoices::Certificate(parsed)])?),
        crls: None,
        signer_infos: SignerInfos::try_from(vec![signer])?,
    };
    ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? }.to_der()
}
