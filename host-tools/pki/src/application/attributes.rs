//! The signed attributes of a message.

use super::DATA;
use crate::relying::certificate::Certificate;
use der::{
    Any, DateTime, Decode, Encode, Sequence,
    asn1::{GeneralizedTime, ObjectIdentifier, OctetString, SetOfVec, UtcTime},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::{
    attr::{Attribute, Attributes},
    ext::pkix::name::GeneralName,
    serial_number::SerialNumber,
    spki::AlgorithmIdentifierOwned,
    time::Time,
};

/// id-contentType
pub(crate) const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
/// id-messageDigest
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// id-signingTime
pub(crate) const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// id-aa-signingCertificateV2
pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// Which certificate is meant. (RFC 5035 §3)
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct SigningCertificateV2 {
    /// The signer's first.
    pub(crate) certificates: Vec<EssCertificate>,
    /// Policies under which it is meant.
    #[asn1(optional = "true")]
    pub(crate) policies: Option<Any>,
}

/// ESSCertIDv2
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct EssCertificate {
    /// None for SHA-256.
    #[asn1(optional = "true")]
    pub(crate) algorithm: Option<AlgorithmIdentifierOwned>,
    /// Over the whole certificate.
    pub(crate) hash: OctetString,
    /// Issuer and serial number.
    #[asn1(optional = "true")]
    pub(crate) issuer_serial: Option<IssuerSerial>,
}

/// IssuerSerial
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct IssuerSerial {
    /// One directoryName.
    pub(crate) issuer: Vec<GeneralName>,
    /// Serial number.
    pub(crate) serial: SerialNumber,
}

/// contentType, messageDigest, signingTime and signingCertificateV2.
pub(super) fn signed(content: &[u8], certificate: &Certificate, at: OffsetDateTime) -> der::Result<Attributes> {
    let meant = EssCertificate {
        algorithm: None,
        hash: OctetString::new(&Sha256::digest(certificate.der())[..])?,
        issuer_serial: None,
    };
    SetOfVec::try_from(vec![
        attribute(CONTENT_TYPE, &DATA)?,
        attribute(MESSAGE_DIGEST, &OctetString::new(&Sha256::digest(content)[..])?)?,
        attribute(SIGNING_TIME, &time(at)?)?,
        attribute(SIGNING_CERTIFICATE_V2, &SigningCertificateV2 { certificates: vec![meant], policies: None })?,
    ])
}

fn attribute(oid: ObjectIdentifier, value: &impl Encode) -> der::Result<Attribute> {
    let value = Any::from_der(&value.to_der()?)?;
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

/// UTCTime before 2050. (RFC 5652 §11.3)
fn time(at: OffsetDateTime) -> der::Result<Time> {
    let seconds = u64::try_from(at.unix_timestamp()).unwrap_or(0);
    let date = DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))?;
    Ok(match UtcTime::from_date_time(date) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_date_time(date)),
    })
}
