//! A signed message as it comes from outside: CMS SignedData of one signer, strictly DER, under limits.
//!
//! Nothing that the signature does not cover may ride along: unsigned attributes, revocation lists, a second signer.

use super::certificate::{Certificate, Malformed};
use crate::application::{
    CONTENT_MAX, DATA, SHA256, SHA256_WITH_RSA, SIGNED_DATA,
    attributes::{CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2, SIGNING_TIME, SigningCertificateV2},
};
use cms::{
    cert::CertificateChoices,
    content_info::{CmsVersion, ContentInfo},
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{
    Any, Decode, Encode,
    asn1::{ObjectIdentifier, OctetString},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::{attr::Attributes, ext::pkix::name::GeneralName, spki::AlgorithmIdentifierOwned, time::Time};

/// Most bytes of a message beside its content.
pub const BYTES_MAX: usize = 256 * 1024;
/// Most certificates in a message.
const CERTIFICATES_MAX: usize = 8;
/// Most signed attributes.
const ATTRIBUTES_MAX: usize = 16;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Why bytes are no message that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More bytes than a message has, or more elements in them.
    #[error("the message has too many bytes ({0}), or too many elements")]
    Size(usize),
    /// Not DER, or not CMS.
    #[error("not CMS SignedData in DER: {0}")]
    Der(#[from] der::Error),
    /// BER where DER has one form only.
    #[error("the message is not encoded as DER wants it")]
    NotCanonical,
    /// Another kind of CMS, of content, or of version.
    #[error("not SignedData over data")]
    Kind,
    /// Not one.
    #[error("{0} signers instead of one")]
    Signers(usize),
    /// Something that the signature does not cover.
    #[error("the message carries {0}, which no signature covers")]
    Uncovered(&'static str),
    /// Too many, or none that is the signer's.
    #[error("the message carries {0} certificates, and none that is the signer's or too many")]
    Certificates(usize),
    /// A certificate that cannot be read.
    #[error(transparent)]
    Certificate(#[from] Malformed),
    /// A signed attribute that is missing, stands there twice, or is not what it should be.
    #[error("the signed attribute {0} is missing, ambiguous or malformed")]
    Attribute(&'static str),
    /// Content in the message and beside it, or nowhere.
    #[error("the content must be either in the message or beside it")]
    Content,
}

/// Why a message's signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// Anything but SHA-256 and RSA with PKCS#1 v1.5 padding, the same everywhere in the message.
    #[error("the message is not signed with SHA-256 and RSA")]
    Algorithm,
    /// The signed attributes name another certificate, or none.
    #[error("the signature was not made for this certificate")]
    Certificate,
    /// It was not made with the certificate's key over these attributes.
    #[error("the signature does not belong to the message and the certificate")]
    Signature,
    /// Another content was signed.
    #[error("the content is not the one that was signed")]
    Content,
}

/// Whether signatures must name their certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Binding {
    /// By signingCertificateV2, as CAdES wants it.
    #[default]
    Required,
    /// Plain CMS will do; what is there must be right.
    Optional,
}

/// A message, parsed.
#[derive(Debug, Clone)]
pub struct Message {
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    signer: usize,
    algorithms: bool,
    /// DER of the set of signed attributes: what is signed.
    signed: Vec<u8>,
    attributes: Signed,
    signature: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Signed {
    content_type: ObjectIdentifier,
    digest: Vec<u8>,
    time: Option<OffsetDateTime>,
    certificate: Option<SigningCertificateV2>,
}

impl Message {
    /// Out of DER. `beside` is the content of a detached message.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn parse(bytes: &[u8], beside: Option<&[u8]>) -> Result<Self, Unreadable> {
        let most = BYTES_MAX + if beside.is_some() { 0 } else { CONTENT_MAX };
        let content = beside.map_or(0, <[u8]>::len);
        if bytes.len() > most || content > CONTENT_MAX {
            return Err(Unreadable::Size(bytes.len().max(content)));
        }
        if !super::size::is_bounded(bytes)? {
            return Err(Unreadable::Size(bytes.len()));
        }
        let outer = ContentInfo::from_der(bytes)?;
        if outer.content_type != SIGNED_DATA {
            return Err(Unreadable::Kind);
        }
        let data: SignedData = outer.content.decode_as()?;
        let again = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? };
        if again.to_der()? != bytes {
            return Err(Unreadable::NotCanonical);
        }
        Message::of(data, beside)
    }

    fn of(data: SignedData, beside: Option<&[u8]>) -> Result<Self, Unreadable> {
        if data.version != CmsVersion::V1 || data.encap_content_info.econtent_type != DATA {
            return Err(Unreadable::Kind);
        }
        if data.crls.is_some() {
            return Err(Unreadable::Uncovered("revocation lists"));
        }
        let [signer] = data.signer_infos.0.as_slice() else {
            return Err(Unreadable::Signers(data.signer_infos.0.len()));
        };
        if signer.unsigned_attrs.is_some() {
            return Err(Unreadable::Uncovered("unsigned attributes"));
        }
        let certificates = certificates(&data)?;
        let index = certificates.iter().position(|one| is_meant(&signer.sid, one));
        let index = index.ok_or(Unreadable::Certificates(certificates.len()))?;
        let attributes = signer.signed_attrs.as_ref().ok_or(Unreadable::Attribute("messageDigest"))?;
        Ok(Message {
            content: content(&data, beside)?,
            certificates,
            signer: index,
            algorithms: algorithms(&data, signer),
            signed: attributes.to_der()?,
            attributes: Signed::of(attributes)?,
            signature: signer.signature.as_bytes().to_vec(),
        })
    }

    /// The signer's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificates[self.signer]
    }

    /// Every certificate that came along.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The time of signing, as the signer tells it.
    #[must_use]
    pub fn signed_at(&self) -> Option<OffsetDateTime> {
        self.attributes.time
    }

    /// What was in the message, if it was there; a detached content is the caller's own.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// Whether the certificate's key signed this content. `beside` as in [`Message::parse`].
    ///
    /// # Errors
    /// [`Unsigned`].
    pub fn verify(&self, beside: Option<&[u8]>, binding: Binding) -> Result<(), Unsigned> {
        if !self.algorithms {
            return Err(Unsigned::Algorithm);
        }
        match &self.attributes.certificate {
            Some(meant) if names(meant, self.certificate()) => {}
            None if binding == Binding::Optional => {}
            _ => return Err(Unsigned::Certificate),
        }
        let key = self.certificate().key().map_err(|_| Unsigned::Algorithm)?;
        super::opens(&key, 0x03, &self.signed, &self.signature).map_err(|_| Unsigned::Signature)?;
        let content = self.content.as_deref().or(beside).ok_or(Unsigned::Content)?;
        let same = self.attributes.content_type == DATA && Sha256::digest(content)[..] == *self.attributes.digest;
        if same { Ok(()) } else { Err(Unsigned::Content) }
    }
}

fn certificates(data: &SignedData) -> Result<Vec<Certificate>, Unreadable> {
    let all = data.certificates.as_ref().map_or(&[][..], |set| set.0.as_slice());
    if all.len() > CERTIFICATES_MAX {
        return Err(Unreadable::Certificates(all.len()));
    }
    let parse = |choice: &CertificateChoices| match choice {
        CertificateChoices::Certificate(certificate) => Ok(Certificate::parse(&certificate.to_der()?)?),
        CertificateChoices::Other(_) => Err(Unreadable::Kind),
    };
    all.iter().map(parse).collect()
}

/// An attached message brings its content, a detached one has it brought.
fn content(data: &SignedData, beside: Option<&[u8]>) -> Result<Option<Vec<u8>>, Unreadable> {
    match (&data.encap_content_info.econtent, beside) {
        (Some(content), None) => Ok(Some(content.decode_as::<OctetString>()?.into_bytes().into())),
        (None, Some(_)) => Ok(None),
        _ => Err(Unreadable::Content),
    }
}

fn is_meant(identifier: &SignerIdentifier, certificate: &Certificate) -> bool {
    match identifier {
        SignerIdentifier::IssuerAndSerialNumber(meant) => {
            &meant.issuer == certificate.issuer()
                && meant.serial_number.as_bytes() == certificate.fields().serial_number().as_bytes()
        }
        // Version 3 of SignerInfo, and of SignedData with it. (RFC 5652 §5.1, §5.3)
        SignerIdentifier::SubjectKeyIdentifier(_) => false,
    }
}

/// SHA-256 in all three places, absent or NULL its parameters; RSA by one of its two names. (RFC 5754 §2.2, §3.2)
fn algorithms(data: &SignedData, signer: &SignerInfo) -> bool {
    let null = |algorithm: &AlgorithmIdentifierOwned| algorithm.parameters.as_ref().is_some_and(|p| *p == Any::null());
    let digest = |algorithm: &AlgorithmIdentifierOwned| {
        algorithm.oid == SHA256 && (algorithm.parameters.is_none() || null(algorithm))
    };
    let signature = &signer.signature_algorithm;
    data.digest_algorithms.as_slice().iter().all(digest)
        && data.digest_algorithms.len() == 1
        && digest(&signer.digest_alg)
        && signer.version == CmsVersion::V1
        && [SHA256_WITH_RSA, RSA].contains(&signature.oid)
        && null(signature)
}

/// Whether the first certificate that the attribute names is this one. (RFC 5035 §3)
fn names(meant: &SigningCertificateV2, certificate: &Certificate) -> bool {
    let Some(first) = meant.certificates.first() else { return false };
    let known = first.algorithm.as_ref().is_none_or(|algorithm| algorithm.oid == SHA256);
    let serial = first.issuer_serial.as_ref().is_none_or(|both| {
        both.serial.as_bytes() == certificate.fields().serial_number().as_bytes()
            && both.issuer == [GeneralName::DirectoryName(certificate.issuer().clone())]
    });
    known && serial && first.hash.as_bytes() == &Sha256::digest(certificate.der())[..]
}

impl Signed {
    fn of(attributes: &Attributes) -> Result<Self, Unreadable> {
        if attributes.len() > ATTRIBUTES_MAX {
            return Err(Unreadable::Size(attributes.len()));
        }
        let time: Option<Time> = one(attributes, SIGNING_TIME, "signingTime")?;
        let digest: Option<OctetString> = one(attributes, MESSAGE_DIGEST, "messageDigest")?;
        Ok(Signed {
            content_type: one(attributes, CONTENT_TYPE, "contentType")?.ok_or(Unreadable::Attribute("contentType"))?,
            digest: digest.ok_or(Unreadable::Attribute("messageDigest"))?.into_bytes().into(),
            time: time.map(|time| moment(&time)).transpose()?,
            certificate: one(attributes, SIGNING_CERTIFICATE_V2, "signingCertificateV2")?,
        })
    }
}

/// The one value of an attribute that stands there at most once.
fn one<T: for<'a> Decode<'a>>(
    attributes: &Attributes,
    oid: ObjectIdentifier,
    name: &'static str,
) -> Result<Option<T>, Unreadable> {
    let mut all = attributes.iter().filter(|attribute| attribute.oid == oid);
    let Some(attribute) = all.next() else { return Ok(None) };
    let ([value], None) = (attribute.values.as_slice(), all.next()) else { return Err(Unreadable::Attribute(name)) };
    let der = value.to_der()?;
    T::from_der(&der).map(Some).map_err(|_| Unreadable::Attribute(name))
}

fn moment(time: &Time) -> Result<OffsetDateTime, Unreadable> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
    let moment = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.ok_or(Unreadable::Attribute("signingTime"))
}
