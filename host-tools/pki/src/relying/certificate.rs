//! A certificate as it comes from outside: parsed under limits, every extension that a path is judged by decoded once.

use super::NotBelieved;
use der::{Decode, Encode, asn1::ObjectIdentifier};
use rsa::{PublicKey, pkcs8::DecodePublicKey, traits::PublicKeyParts};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::{
    Version,
    certificate::{CertificateInner, Raw, TbsCertificateInner},
    ext::{
        Extension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage, InhibitAnyPolicy,
            KeyUsage, NameConstraints, PolicyConstraints, PolicyMappings, SubjectAltName, SubjectKeyIdentifier,
        },
    },
    name::Name,
};

/// Most bytes of a certificate. The longest of the service has fewer than 3072.
pub const BYTES_MAX: usize = 16 * 1024;
/// Most extensions.
const EXTENSIONS_MAX: usize = 32;
/// Most entries of any list in an extension.
const ENTRIES_MAX: usize = 64;
/// Most bytes of a serial number. (RFC 5280 §4.1.2.2)
const SERIAL_MAX: usize = 20;
/// Bits of a modulus.
const MODULUS: std::ops::RangeInclusive<u32> = 2048..=4096;
const EXPONENT_MIN: u32 = 65_537;

const SHA256_WITH_RSA: ObjectIdentifier = der::oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION;
/// Those that say nothing a path must obey: issuerAltName, cRLDistributionPoints (the revocation's), authorityInfoAccess.
const WITHOUT_RULES: [&str; 3] = ["2.5.29.18", "2.5.29.31", "1.3.6.1.5.5.7.1.1"];

/// Dates stay in the form in which they came, so that what was signed can be written again.
type X509 = CertificateInner<Raw>;

/// Why bytes are no certificate that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`BYTES_MAX`].
    #[error("the certificate has {0} bytes, more than {BYTES_MAX}")]
    Size(usize),
    /// Not DER, or not a certificate.
    #[error("not a certificate in DER: {0}")]
    Der(#[from] der::Error),
    /// DER has one form for everything; this is another.
    #[error("the certificate is not encoded as DER wants it")]
    NotCanonical,
    /// One of the limits.
    #[error("the certificate has too many {0}")]
    Limit(&'static str),
    /// An extension that stands there twice.
    #[error("the extension {0} stands there twice")]
    Twice(ObjectIdentifier),
    /// The two algorithm fields differ. (RFC 5280 §4.1.1.2)
    #[error("the certificate names two signature algorithms")]
    Algorithms,
    /// Extensions, and not version 3.
    #[error("extensions in a certificate that is not version 3")]
    Version,
}

/// A certificate, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: X509,
    extensions: Extensions,
}

/// The extensions that a path is judged by, where they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// basicConstraints
    pub basic_constraints: Option<BasicConstraints>,
    /// keyUsage
    pub key_usage: Option<KeyUsage>,
    /// extKeyUsage
    pub extended_key_usage: Option<ExtendedKeyUsage>,
    /// certificatePolicies
    pub policies: Option<CertificatePolicies>,
    /// policyMappings
    pub policy_mappings: Option<PolicyMappings>,
    /// policyConstraints
    pub policy_constraints: Option<PolicyConstraints>,
    /// inhibitAnyPolicy
    pub inhibit_any_policy: Option<InhibitAnyPolicy>,
    /// nameConstraints
    pub name_constraints: Option<NameConstraints>,
    /// subjectAltName
    pub subject_alternative_name: Option<SubjectAltName>,
    /// authorityKeyIdentifier
    pub authority_key_identifier: Option<AuthorityKeyIdentifier>,
    /// subjectKeyIdentifier
    pub subject_key_identifier: Option<SubjectKeyIdentifier>,
    /// Critical ones that this side does not know.
    pub unknown_critical: Vec<ObjectIdentifier>,
}

impl Certificate {
    /// Out of DER, and nothing behind it.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        if der.len() > BYTES_MAX {
            return Err(Malformed::Size(der.len()));
        }
        let parsed = X509::from_der(der)?;
        if parsed.to_der()? != der {
            return Err(Malformed::NotCanonical);
        }
        let tbs = parsed.tbs_certificate();
        if tbs.signature() != parsed.signature_algorithm() {
            return Err(Malformed::Algorithms);
        }
        if tbs.serial_number().as_bytes().len() > SERIAL_MAX {
            return Err(Malformed::Limit("bytes of serial number"));
        }
        let all = tbs.extensions().map_or(&[][..], Vec::as_slice);
        if !all.is_empty() && tbs.version() != Version::V3 {
            return Err(Malformed::Version);
        }
        let extensions = Extensions::of(all)?;
        Ok(Certificate { der: der.to_vec(), parsed, extensions })
    }

    /// DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Every field.
    #[must_use]
    pub fn fields(&self) -> &TbsCertificateInner<Raw> {
        self.parsed.tbs_certificate()
    }

    /// The extensions.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.fields().subject()
    }

    /// Issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        self.fields().issuer()
    }

    /// 発行番号, hexadecimal.
    #[must_use]
    pub fn serial(&self) -> String {
        hex::encode_upper(self.fields().serial_number().as_bytes())
    }

    /// SHA-256 over the DER, hexadecimal. (service.md §18)
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode_upper(Sha256::digest(&self.der))
    }

    /// First and last moment.
    #[must_use]
    pub fn validity(&self) -> [OffsetDateTime; 2] {
        let validity = self.fields().validity();
        [&validity.not_before, &validity.not_after].map(|time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
            OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
        })
    }

    /// Its RSA key, of 2048 to 4096 bits and with an exponent from 65537 on: smaller ones forgive forgers too much.
    ///
    /// # Errors
    /// [`NotBelieved::Key`] for any other key.
    pub fn key(&self) -> Result<PublicKey, NotBelieved> {
        let key = PublicKey::from_public_key_der(&self.fields().subject_public_key_info().to_der()?)?;
        let fits = MODULUS.contains(&key.n().bit_width_vartime()) && *key.e() >= rsa::BoxedUint::from(EXPONENT_MIN);
        if fits { Ok(key) } else { Err(rsa::pkcs8::spki::Error::KeyMalformed.into()) }
    }

    /// Whether it is signed with this key by the one algorithm of the service, sha256WithRSAEncryption.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let algorithm = self.parsed.signature_algorithm();
        let known = algorithm.oid == SHA256_WITH_RSA
            && algorithm.parameters.as_ref().is_some_and(|parameters| parameters == &der::Any::null());
        // What was parsed encodes to what came, so this is what was signed.
        let (Ok(signed), Some(signature)) = (self.fields().to_der(), self.parsed.signature().as_bytes()) else {
            return false;
        };
        known && super::opens(key, 0x03, &signed, signature).is_ok()
    }

    /// Whether it was signed by an algorithm that this side believes at all.
    #[must_use]
    pub fn has_known_algorithm(&self) -> bool {
        self.parsed.signature_algorithm().oid == SHA256_WITH_RSA
    }
}

impl Extensions {
    fn of(all: &[Extension]) -> Result<Self, Malformed> {
        if all.len() > EXTENSIONS_MAX {
            return Err(Malformed::Limit("extensions"));
        }
        let mut known = Extensions::default();
        for (index, extension) in all.iter().enumerate() {
            if all[..index].iter().any(|before| before.extn_id == extension.extn_id) {
                return Err(Malformed::Twice(extension.extn_id));
            }
            known.take(extension)?;
        }
        known.within_limits()
    }

    fn take(&mut self, extension: &Extension) -> der::Result<()> {
        fn decode<'a, T: Decode<'a, Error = der::Error>>(extension: &'a Extension) -> der::Result<Option<T>> {
            T::from_der(extension.extn_value.as_bytes()).map(Some)
        }
        match extension.extn_id.to_string().as_str() {
            "2.5.29.19" => self.basic_constraints = decode(extension)?,
            "2.5.29.15" => self.key_usage = decode(extension)?,
            "2.5.29.37" => self.extended_key_usage = decode(extension)?,
            "2.5.29.32" => self.policies = decode(extension)?,
            "2.5.29.33" => self.policy_mappings = decode(extension)?,
            "2.5.29.36" => self.policy_constraints = decode(extension)?,
            "2.5.29.54" => self.inhibit_any_policy = decode(extension)?,
            "2.5.29.30" => self.name_constraints = decode(extension)?,
            "2.5.29.17" => self.subject_alternative_name = decode(extension)?,
            "2.5.29.35" => self.authority_key_identifier = decode(extension)?,
            "2.5.29.14" => self.subject_key_identifier = decode(extension)?,
            other if extension.critical && !WITHOUT_RULES.contains(&other) => {
                self.unknown_critical.push(extension.extn_id);
            }
            _ => {}
        }
        Ok(())
    }

    fn within_limits(self) -> Result<Self, Malformed> {
        let constraints = self.name_constraints.iter();
        let subtrees = constraints.flat_map(|one| [&one.permitted_subtrees, &one.excluded_subtrees]).flatten();
        let lists = [
            ("policies", self.policies.as_ref().map_or(0, |list| list.0.len())),
            ("policy mappings", self.policy_mappings.as_ref().map_or(0, |list| list.0.len())),
            ("purposes", self.extended_key_usage.as_ref().map_or(0, |list| list.0.len())),
            ("alternative names", self.subject_alternative_name.as_ref().map_or(0, |list| list.0.len())),
            ("name constraints", subtrees.map(Vec::len).sum()),
        ];
        match lists.iter().find(|(_, entries)| *entries > ENTRIES_MAX) {
            Some((name, _)) => Err(Malformed::Limit(name)),
            None => Ok(self),
        }
    }

    /// Whether it may sign certificates: a CA of version 3 whose keyUsage, if there is one, says so. (RFC 5280 §6.1.4 k, n)
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca) && self.signs_certificates()
    }

    /// Whether keyUsage leaves signing certificates to it.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.key_usage.as_ref().is_none_or(KeyUsage::key_cert_sign)
    }

    /// Its subjectKeyIdentifier.
    #[must_use]
    pub fn key_identifier(&self) -> Option<&[u8]> {
        self.subject_key_identifier.as_ref().map(|identifier| identifier.0.as_bytes())
    }

    /// The key identifier of its issuer, as its authorityKeyIdentifier names it.
    #[must_use]
    pub fn issuer_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key_identifier.as_ref()?.key_identifier.as_ref().map(|identifier| identifier.as_bytes())
    }
}
