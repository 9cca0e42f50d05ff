//! A certification authority: a self-signed root, a serial counter, and leaves signed directly by the root. (pki.md §1)

use crate::{
    birthday, keys,
    person::Person,
    profile::{self, Hierarchy, Issuer},
};
use der::{Decode, Encode, asn1::GeneralizedTime};
use rand_core::CryptoRng;
use rsa::{
    PrivateKey, PublicKey,
    pkcs1v15::{Signature, SigningKey},
};
use sha2::Sha256;
use time::{Date, Duration, OffsetDateTime};
use x509_cert::{
    Certificate, SubjectPublicKeyInfo, TbsCertificate,
    builder::{Builder, CertificateBuilder, profile::BuilderProfile},
    ext::Extension,
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoRef,
    time::{Time, Validity},
};

/// Serial number of a root: three bytes, as in real samples; its certificates go on from there. (pki.md P-04)
pub const ROOT_SERIAL: u32 = 0x10_0001;

/// How long the certificate of an OCSP responder is valid. Nothing revokes one, so it is not long. (P-07)
pub const RESPONDER_LIFE: Duration = Duration::days(7);

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The encoder.
    #[error("certificate encoding: {0}")]
    Der(#[from] der::Error),
    /// The builder.
    #[error("certificate building: {0}")]
    Builder(#[from] x509_cert::builder::Error),
    /// The key.
    #[error("key: {0}")]
    Key(#[from] rsa::Error),
    /// A key that is not RSA-2048 with e = 65537.
    #[error("only RSA-2048 keys with exponent 65537 are certified")]
    KeyKind,
    /// Nobody issues for the past.
    #[error("the certificate would end on {0}, before it begins")]
    Ended(Date),
    /// A list that contradicts itself.
    #[error("serial number {0:X} would stand on a CRL twice")]
    Twice(u32),
    /// Nothing was signed.
    #[error("the authority's key did not sign")]
    Signature,
    /// The certificate on disk is not this authority's.
    #[error("the authority's certificate and key do not belong together; restore the world folder")]
    Mismatch,
}

/// A certificate as it goes onto cards and disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// DER.
    pub der: Vec<u8>,
    /// Serial number.
    pub serial: u32,
}

/// One CA.
pub struct Authority {
    hierarchy: Hierarchy,
    key: PrivateKey,
    root: Vec<u8>,
    issuer: Issuer,
}

/// No key material.
impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.hierarchy.name())
    }
}

impl Authority {
    /// A new CA with a fresh root key.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn create(hierarchy: Hierarchy, now: OffsetDateTime, rng: &mut impl CryptoRng) -> Result<Self, CaError> {
        let key = keys::generate(rng)?;
        let info = subject_public_key_info(key.as_public_key())?;
        let key_identifier = profile::key_identifier(&info.subject_public_key);
        let name = hierarchy.authority()?;
        let filled =
            Filled { issuer: name.clone(), subject: name, extensions: profile::root(hierarchy, &key_identifier)? };
        let end = birthday::last_second(birthday::root_expiry(birthday::jst_date(now)));
        let root = build(filled, ROOT_SERIAL, now, end, info, &key)?;
        Self::open(hierarchy, key, root)
    }

    /// A CA from its parts.
    ///
    /// # Errors
    /// [`CaError::Mismatch`] where the certificate is not of this key or hierarchy.
    pub fn open(hierarchy: Hierarchy, key: PrivateKey, root: Vec<u8>) -> Result<Self, CaError> {
        let certificate = Certificate::from_der(&root)?;
        let tbs = certificate.tbs_certificate();
        let info = subject_public_key_info(key.as_public_key())?;
        if tbs.subject_public_key_info() != &info || tbs.subject() != &hierarchy.authority()? {
            return Err(CaError::Mismatch);
        }
        let key_identifier = profile::key_identifier(&info.subject_public_key);
        let issuer = Issuer { key_identifier, serial: tbs.serial_number().clone() };
        Ok(Authority { hierarchy, key, root, issuer })
    }

    /// Which one.
    #[must_use]
    pub fn hierarchy(&self) -> Hierarchy {
        self.hierarchy
    }

    /// DER of the root certificate.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// The root key, for keeping.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Issues a signature certificate that ends with `last_day`. Whoever calls sees to it that no serial number comes twice.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn issue_signature(
        &self,
        serial: u32,
        person: &Person,
        common_name: &str,
        key: &PublicKey,
        now: OffsetDateTime,
        last_day: Date,
    ) -> Result<Issued, CaError> {
        let info = subject_public_key_info(key)?;
        let key_identifier = profile::key_identifier(&info.subject_public_key);
        let extensions = profile::signature(self.hierarchy, person, &self.issuer, &key_identifier)?;
        self.issue(serial, profile::signature_subject(common_name)?, extensions, info, now, last_day)
    }

    /// Issues a user authentication certificate that ends with `last_day`. Whoever calls sees to it that no serial number comes
    /// twice.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn issue_authentication(
        &self,
        serial: u32,
        common_name: &str,
        key: &PublicKey,
        now: OffsetDateTime,
        last_day: Date,
    ) -> Result<Issued, CaError> {
        let info = subject_public_key_info(key)?;
        let key_identifier = profile::key_identifier(&info.subject_public_key);
        let extensions = profile::authentication(&self.issuer, &key_identifier)?;
        self.issue(serial, profile::authentication_subject(common_name)?, extensions, info, now, last_day)
    }

    /// Issues the certificate with which OCSP answers are signed, valid for [`RESPONDER_LIFE`] from now on. Whoever calls sees to it
    /// that no serial number comes twice. (P-07)
    ///
    /// # Errors
    /// [`CaError`].
    pub fn issue_responder(
        &self,
        serial: u32,
        info: SubjectPublicKeyInfo,
        now: OffsetDateTime,
    ) -> Result<Issued, CaError> {
        let key_identifier = profile::key_identifier(&info.subject_public_key);
        let extensions = profile::responder(self.hierarchy, &self.issuer, &key_identifier)?;
        let (issuer, subject) = (self.hierarchy.authority()?, self.hierarchy.responder()?);
        let filled = Filled { issuer, subject, extensions };
        let der = build(filled, serial, now, now + RESPONDER_LIFE, info, &self.key)?;
        Ok(Issued { der, serial })
    }

    /// How its certificates and CRLs name it.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// sha256WithRSAEncryption over DER: the signature of a CRL.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Signature, CaError> {
        use signature::Signer;
        SigningKey::<Sha256>::new(self.key.clone()).try_sign(bytes).map_err(|_| CaError::Signature)
    }

    fn issue(
        &self,
        serial: u32,
        subject: Name,
        extensions: Vec<Extension>,
        info: SubjectPublicKeyInfo,
        now: OffsetDateTime,
        last_day: Date,
    ) -> Result<Issued, CaError> {
        let end = birthday::last_second(last_day);
        if end <= now {
            return Err(CaError::Ended(last_day));
        }
        let filled = Filled { issuer: self.hierarchy.authority()?, subject, extensions };
        let der = build(filled, serial, now, end, info, &self.key)?;
        Ok(Issued { der, serial })
    }
}

/// The SubjectPublicKeyInfo of an RSA-2048 key.
fn subject_public_key_info(key: &PublicKey) -> Result<SubjectPublicKeyInfo, CaError> {
    use rsa::traits::PublicKeyParts;
    if key.n().bit_width_vartime() != 2048 || key.e() != &rsa::BoxedUint::from(65_537u64) {
        return Err(CaError::KeyKind);
    }
    SubjectPublicKeyInfo::from_key(key).map_err(|_| CaError::KeyKind)
}

/// A profile whose fields are decided already.
struct Filled {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Filled {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

fn build(
    filled: Filled,
    serial: u32,
    begin: OffsetDateTime,
    end: OffsetDateTime,
    info: SubjectPublicKeyInfo,
    key: &PrivateKey,
) -> Result<Vec<u8>, CaError> {
    // The builder turns dates before 2050 into UTCTime. (pki.md P-15)
    let moment = |at: OffsetDateTime| {
        let seconds = u64::try_from(at.unix_timestamp()).unwrap_or(0);
        GeneralizedTime::from_unix_duration(std::time::Duration::from_secs(seconds)).map(Time::GeneralTime)
    };
    let validity = Validity::new(moment(begin)?, moment(end)?);
    let builder = CertificateBuilder::new(filled, SerialNumber::from(serial), validity, info)?;
    let signer = SigningKey::<Sha256>::new(key.clone());
    Ok(builder.build::<_, Signature>(&signer)?.to_der()?)
}

/// A certificate in PEM.
#[must_use]
pub fn pem(certificate: &[u8]) -> String {
    use der::pem::{LineEnding, encode_string};
    encode_string("CERTIFICATE", LineEnding::LF, certificate).unwrap_or_default()
}
