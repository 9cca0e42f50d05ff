//! The relying side: a list is parsed under limits, then vouched for, and only then asked.

use crate::revocation::{
    Reason, SKEW, Status,
    certificate::Certificate,
    read_moment,
    signed::{ALGORITHMS, Evidence, Signed, each_once},
};
use der::{Decode, asn1::ObjectIdentifier};
use time::OffsetDateTime;
use x509_cert::{
    Version,
    crl::{RevokedCert, TbsCertList},
    ext::{
        Extension,
        pkix::{
            AuthorityKeyIdentifier, CrlNumber, CrlReason, IssuingDistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::Name,
    serial_number::SerialNumber,
};

/// Most bytes of a list: some 400,000 entries.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a list says nothing about a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Longer than [`BYTES_MAX`].
    #[error("the CRL has {0} bytes, more than {BYTES_MAX}")]
    Size(usize),
    /// Not DER, or no CRL.
    #[error("not a CRL in DER: {0}")]
    Der(#[from] der::Error),
    /// Not version 2.
    #[error("the CRL is not version 2")]
    Version,
    /// Inner and outer algorithm differ, or nobody here believes it.
    #[error("the CRL is signed with {0}; only sha256WithRSAEncryption and ecdsa-with-SHA256 are believed")]
    Algorithm(ObjectIdentifier),
    /// A field that RFC 5280 wants is missing.
    #[error("the CRL has no {0}")]
    Missing(&'static str),
    /// An extension that must be understood: of a delta CRL, an indirect one, or something new.
    #[error("the critical extension {0} of the CRL is not known")]
    UnknownCritical(ObjectIdentifier),
    /// An issuingDistributionPoint that says more than which certificates.
    #[error("the CRL's issuingDistributionPoint {0}; only whole and direct lists are read")]
    Point(&'static str),
    /// A serial number with two entries.
    #[error("the CRL lists serial number {0} twice")]
    Twice(SerialNumber),
    /// removeFromCRL, in a list that is no delta.
    #[error("the CRL removes an entry, and is no delta CRL")]
    Removed,
    /// Somebody else's: another name, or another generation's key.
    #[error("the CRL is of another authority, or of another generation of its key")]
    Issuer,
    /// A certificate that may not sign CRLs.
    #[error("the authority's certificate is not for signing CRLs")]
    KeyUsage,
    /// Forged or damaged.
    #[error("the CRL's signature is not the authority's")]
    Signature,
    /// Too early.
    #[error("the CRL is of {0}, which is still to come")]
    NotYet(OffsetDateTime),
    /// Too late.
    #[error("the CRL ended {0}; fetch the next one")]
    Stale(OffsetDateTime),
    /// A list of other certificates.
    #[error("the CRL does not speak of this certificate: it is of another distribution point or for another kind")]
    Scope,
}

/// A list, parsed. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    issuer: Name,
    issuer_key: Vec<u8>,
    number: Vec<u8>,
    this_update: OffsetDateTime,
    next_update: OffsetDateTime,
    point: Option<Point>,
    entries: Vec<Entry>,
    evidence: Evidence,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    serial: SerialNumber,
    at: OffsetDateTime,
    reason: Reason,
}

/// issuingDistributionPoint
#[derive(Debug, Clone, PartialEq, Eq)]
struct Point {
    /// Empty where it names none.
    names: Vec<GeneralName>,
    users_only: bool,
    authorities_only: bool,
}

/// A list that its authority signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified(Crl);

impl Crl {
    /// Out of DER, and nothing behind it.
    ///
    /// # Errors
    /// [`CrlError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CrlError> {
        if bytes.len() > BYTES_MAX {
            return Err(CrlError::Size(bytes.len()));
        }
        let signed = Signed::from_der(bytes)?;
        let algorithm = signed.algorithm.oid;
        let evidence = Evidence::new(&signed.body, &signed.algorithm, signed.signature.as_bytes())?;
        let body = TbsCertList::from_der(&evidence.body)?;
        if body.version != Version::V2 {
            return Err(CrlError::Version);
        }
        if body.signature != signed.algorithm || !ALGORITHMS.contains(&algorithm) {
            return Err(CrlError::Algorithm(algorithm));
        }
        let extensions = Extensions::of(body.crl_extensions.as_deref().unwrap_or_default())?;
        Ok(Crl {
            issuer: body.issuer,
            issuer_key: extensions.issuer_key.ok_or(CrlError::Missing("authorityKeyIdentifier"))?,
            number: extensions.number.ok_or(CrlError::Missing("cRLNumber"))?,
            this_update: read_moment(body.this_update.to_unix_duration()),
            next_update: read_moment(body.next_update.ok_or(CrlError::Missing("nextUpdate"))?.to_unix_duration()),
            point: extensions.point,
            entries: entries(body.revoked_certificates.unwrap_or_default())?,
            evidence,
        })
    }

    /// cRLNumber, big-endian without leading zeros.
    #[must_use]
    pub fn number(&self) -> &[u8] {
        &self.number
    }

    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> OffsetDateTime {
        self.this_update
    }

    /// When the next one will have come.
    #[must_use]
    pub fn next_update(&self) -> OffsetDateTime {
        self.next_update
    }

    /// How many certificates it lists.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The list, once it is known to be this authority's: by key identifier and signature, never by name alone.
    ///
    /// # Errors
    /// [`CrlError::Issuer`], [`CrlError::KeyUsage`], [`CrlError::Signature`].
    pub fn verify(self, authority: &Certificate) -> Result<Verified, CrlError> {
        if self.issuer != *authority.subject() || authority.key_identifier() != Some(&self.issuer_key) {
            return Err(CrlError::Issuer);
        }
        if !authority.signs_crls() {
            return Err(CrlError::KeyUsage);
        }
        if !self.evidence.is_signed_by(authority.key()) {
            return Err(CrlError::Signature);
        }
        Ok(Verified(self))
    }
}

impl Verified {
    /// The list.
    #[must_use]
    pub fn list(&self) -> &Crl {
        &self.0
    }

    /// What it tells of a certificate: [`Status::Good`] or [`Status::Revoked`].
    ///
    /// # Errors
    /// [`CrlError`] where it is stale, or speaks of other certificates.
    pub fn status(&self, certificate: &Certificate, now: OffsetDateTime) -> Result<Status, CrlError> {
        let list = &self.0;
        if list.this_update > now.saturating_add(SKEW) {
            return Err(CrlError::NotYet(list.this_update));
        }
        if list.next_update <= now {
            return Err(CrlError::Stale(list.next_update));
        }
        if list.issuer != *certificate.issuer() || certificate.issuer_key_identifier() != Some(&list.issuer_key) {
            return Err(CrlError::Issuer);
        }
        if list.point.as_ref().is_some_and(|point| !point.covers(certificate)) {
            return Err(CrlError::Scope);
        }
        Ok(match list.entries.binary_search_by(|entry| entry.serial.cmp(certificate.serial())) {
            Ok(index) => {
                let Entry { at, reason, .. } = list.entries[index];
                Status::Revoked { at, reason }
            }
            Err(_) => Status::Good,
        })
    }
}

impl Point {
    fn read(value: &[u8]) -> Result<Self, CrlError> {
        let point = IssuingDistributionPoint::from_der(value)?;
        if point.indirect_crl {
            return Err(CrlError::Point("makes it an indirect CRL"));
        }
        if point.only_some_reasons.is_some() {
            return Err(CrlError::Point("leaves out reasons"));
        }
        if point.only_contains_attribute_certs {
            return Err(CrlError::Point("is for attribute certificates"));
        }
        let names = match point.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => names,
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
                return Err(CrlError::Point("has a relative name"));
            }
        };
        let (users_only, authorities_only) = (point.only_contains_user_certs, point.only_contains_ca_certs);
        Ok(Point { names, users_only, authorities_only })
    }

    /// RFC 5280 §6.3.3 (b)(2).
    fn covers(&self, certificate: &Certificate) -> bool {
        let named =
            self.names.is_empty() || certificate.distribution_points().iter().any(|name| self.names.contains(name));
        let kind = if certificate.is_authority() { !self.users_only } else { !self.authorities_only };
        named && kind
    }
}

#[derive(Default)]
struct Extensions {
    issuer_key: Option<Vec<u8>>,
    number: Option<Vec<u8>>,
    point: Option<Point>,
}

impl Extensions {
    fn of(all: &[Extension]) -> Result<Self, CrlError> {
        each_once(all)?;
        let mut known = Extensions::default();
        for extension in all {
            let value = extension.extn_value.as_bytes();
            match extension.extn_id.to_string().as_str() {
                "2.5.29.35" => {
                    let identifier = AuthorityKeyIdentifier::from_der(value)?.key_identifier;
                    known.issuer_key = identifier.map(|key| key.as_bytes().to_vec());
                }
                "2.5.29.20" => known.number = Some(CrlNumber::from_der(value)?.0.as_bytes().to_vec()),
                "2.5.29.28" => known.point = Some(Point::read(value)?),
                _ if extension.critical => return Err(CrlError::UnknownCritical(extension.extn_id)),
                _ => {}
            }
        }
        Ok(known)
    }
}

fn entries(listed: Vec<RevokedCert>) -> Result<Vec<Entry>, CrlError> {
    let mut entries = listed.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable_by(|one, other| one.serial.cmp(&other.serial));
    match entries.windows(2).find(|pair| pair[0].serial == pair[1].serial) {
        Some(pair) => Err(CrlError::Twice(pair[0].serial.clone())),
        None => Ok(entries),
    }
}

fn entry(listed: RevokedCert) -> Result<Entry, CrlError> {
    let mut reason = Reason::Unspecified;
    let extensions = listed.crl_entry_extensions.unwrap_or_default();
    each_once(&extensions)?;
    for extension in &extensions {
        match extension.extn_id.to_string().as_str() {
            "2.5.29.21" => {
                let read = CrlReason::from_der(extension.extn_value.as_bytes())?;
                reason = Reason::of(read).ok_or(CrlError::Removed)?;
            }
            _ if extension.critical => return Err(CrlError::UnknownCritical(extension.extn_id)),
            _ => {}
        }
    }
    let at = read_moment(listed.revocation_date.to_unix_duration());
    Ok(Entry { serial: listed.serial_number, at, reason })
}
