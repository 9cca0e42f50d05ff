//! A certificate as revocation looks at it: whose it is, who signed it, where its list is.

use super::{
    read_moment,
    signed::{Evidence, Signed, each_once},
};
use der::{Decode, Encode, asn1::ObjectIdentifier};
use time::OffsetDateTime;
use x509_cert::{
    certificate::TbsCertificate,
    ext::{
        Extension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
            SubjectKeyIdentifier,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoOwned,
};

/// Most bytes of a certificate. The longest of the service has fewer than 3072.
pub const BYTES_MAX: usize = 16 * 1024;

const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

/// A certificate, parsed. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    body: TbsCertificate,
    evidence: Evidence,
    extensions: Extensions,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Extensions {
    authority: bool,
    key_usage: Option<KeyUsage>,
    purposes: Vec<ObjectIdentifier>,
    issuer_key: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    points: Vec<GeneralName>,
    no_check: bool,
}

impl Certificate {
    /// Out of DER, and nothing behind it.
    ///
    /// # Errors
    /// Of the decoder, also for more than [`BYTES_MAX`].
    pub fn parse(bytes: &[u8]) -> der::Result<Self> {
        if bytes.len() > BYTES_MAX {
            return Err(der::ErrorKind::Overlength.into());
        }
        let signed = Signed::from_der(bytes)?;
        let evidence = Evidence::new(&signed.body, &signed.algorithm, signed.signature.as_bytes())?;
        let body = TbsCertificate::from_der(&evidence.body)?;
        let mut extensions = Extensions::default();
        let all = body.extensions().map_or(&[][..], Vec::as_slice);
        each_once(all)?;
        for extension in all {
            extensions.take(extension)?;
        }
        Ok(Certificate { body, evidence, extensions })
    }

    /// 発行番号
    #[must_use]
    pub fn serial(&self) -> &SerialNumber {
        self.body.serial_number()
    }

    /// Subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.body.subject()
    }

    /// Issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        self.body.issuer()
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &SubjectPublicKeyInfoOwned {
        self.body.subject_public_key_info()
    }

    /// Its subjectKeyIdentifier.
    #[must_use]
    pub fn key_identifier(&self) -> Option<&[u8]> {
        self.extensions.key.as_deref()
    }

    /// The key identifier of its issuer.
    #[must_use]
    pub fn issuer_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.issuer_key.as_deref()
    }

    /// Full names of its CRL distribution points.
    #[must_use]
    pub fn distribution_points(&self) -> &[GeneralName] {
        &self.extensions.points
    }

    /// Whether it is a CA's.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.extensions.authority
    }

    /// Whether its issuer says that nobody need ask for its own status. (RFC 6960 §4.2.2.2.1)
    #[must_use]
    pub fn is_not_checked(&self) -> bool {
        self.extensions.no_check
    }

    /// Whether its key may sign CRLs: a CA's whose keyUsage, if there is one, says so.
    #[must_use]
    pub fn signs_crls(&self) -> bool {
        self.is_authority() && self.extensions.key_usage.as_ref().is_none_or(KeyUsage::crl_sign)
    }

    /// Whether its key may sign OCSP answers for the one who issued it: id-kp-OCSPSigning, and nothing else instead.
    #[must_use]
    pub fn signs_answers(&self) -> bool {
        self.extensions.purposes.contains(&OCSP_SIGNING)
            && self.extensions.key_usage.as_ref().is_none_or(KeyUsage::digital_signature)
    }

    /// Whether a moment lies within its dates.
    #[must_use]
    pub fn is_valid_at(&self, at: OffsetDateTime) -> bool {
        let validity = self.body.validity();
        let [begin, end] = [validity.not_before, validity.not_after].map(|time| read_moment(time.to_unix_duration()));
        (begin..=end).contains(&at)
    }

    /// Whether `issuer` is a CA and issued it: by name, key identifier and signature, since every generation of an authority has
    /// the same name. (pki.md §1)
    #[must_use]
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        issuer.is_authority()
            && self.issuer() == issuer.subject()
            && self.issuer_key_identifier().is_some_and(|key| issuer.key_identifier() == Some(key))
            && self.evidence.is_signed_by(issuer.key())
    }
}

/// DER.
impl TryFrom<&[u8]> for Certificate {
    type Error = der::Error;

    fn try_from(bytes: &[u8]) -> der::Result<Self> {
        Certificate::parse(bytes)
    }
}

impl Extensions {
    fn take(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id.to_string().as_str() {
            "2.5.29.14" => self.key = Some(SubjectKeyIdentifier::from_der(value)?.0.into_bytes().into()),
            "2.5.29.15" => self.key_usage = Some(KeyUsage::from_der(value)?),
            "2.5.29.19" => self.authority = BasicConstraints::from_der(value)?.ca,
            "2.5.29.31" => self.points = full_names(CrlDistributionPoints::from_der(value)?),
            "2.5.29.35" => {
                self.issuer_key =
                    AuthorityKeyIdentifier::from_der(value)?.key_identifier.map(|key| key.into_bytes().into())
            }
            "2.5.29.37" => self.purposes = ExtendedKeyUsage::from_der(value)?.0,
            "1.3.6.1.5.5.7.48.1.5" => self.no_check = true,
            _ => {}
        }
        Ok(())
    }
}

/// Points whose lists leave out reasons, or are signed by somebody else, are not followed.
fn full_names(points: CrlDistributionPoints) -> Vec<GeneralName> {
    let whole = points.0.into_iter().filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
    let names = whole.filter_map(|point| match point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flatten().collect()
}

/// What was signed, as an authority names itself: DER.
pub(crate) fn encoded(name: &Name) -> der::Result<Vec<u8>> {
    name.to_der()
}
