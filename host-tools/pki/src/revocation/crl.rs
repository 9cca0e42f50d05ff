//! Certificate revocation lists 失効リスト: version 2, one for each distribution point and a complete one. (P-07, RFC 5280 §5)
//!
//! [`Authority::issue_crl`] makes them; [`Crl`] reads them and, once an authority's certificate has vouched for it, tells of
//! certificates.

mod read;

pub use read::{BYTES_MAX, Crl, CrlError, Verified};

use super::{Revoked, moment};
use crate::{
    ca::{Authority, CaError},
    profile::{Municipality, authority_key_identifier, directory, extension},
};
use der::{Encode, asn1::BitString};
use signature::SignatureEncoding;
use time::{Duration, OffsetDateTime};
use x509_cert::{
    Version,
    crl::{CertificateList, RevokedCert, TbsCertList},
    ext::{
        Extension,
        pkix::{CrlNumber, IssuingDistributionPoint, name::DistributionPointName},
    },
    serial_number::SerialNumber,
    spki::AlgorithmIdentifierOwned,
};

/// How long after a list the next one comes at the latest. (P-07)
pub const LIFE: Duration = Duration::hours(24);

/// Which certificates a list speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of the authority.
    Complete,
    /// Those of one municipality, whose entries alone belong on it.
    Point(Municipality),
}

impl Authority {
    /// Issues a CRL. Whoever calls sees to it that numbers rise.
    ///
    /// # Errors
    /// [`CaError::Twice`] where a serial number has two entries, else of encoder and key.
    pub fn issue_crl(
        &self,
        scope: Scope,
        number: u64,
        entries: &[Revoked],
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, CaError> {
        let algorithm = AlgorithmIdentifierOwned {
            oid: der::oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
            parameters: Some(der::Any::null()),
        };
        let entries = sorted(entries)?;
        let tbs_cert_list = TbsCertList {
            version: Version::V2,
            signature: algorithm.clone(),
            issuer: self.hierarchy().authority()?,
            this_update: moment(now)?,
            next_update: Some(moment(now.saturating_add(LIFE))?),
            // An empty list is left out. (RFC 5280 §5.1.2.6)
            revoked_certificates: Some(entries).filter(|entries| !entries.is_empty()),
            crl_extensions: Some(self.crl_extensions(scope, number)?),
        };
        let signature = BitString::from_bytes(&self.sign(&tbs_cert_list.to_der()?)?.to_vec())?;
        Ok(CertificateList { tbs_cert_list, signature_algorithm: algorithm, signature }.to_der()?)
    }

    fn crl_extensions(&self, scope: Scope, number: u64) -> der::Result<Vec<Extension>> {
        let mut extensions = vec![
            authority_key_identifier(self.hierarchy(), self.issuer())?,
            extension("2.5.29.20", false, &CrlNumber::try_from(number)?)?,
        ];
        if let Scope::Point(municipality) = scope {
            let name = directory(self.hierarchy().distribution_point(&municipality)?);
            let point = IssuingDistributionPoint {
                distribution_point: Some(DistributionPointName::FullName(name)),
                only_contains_user_certs: true,
                only_contains_ca_certs: false,
                only_some_reasons: None,
                indirect_crl: false,
                only_contains_attribute_certs: false,
            };
            extensions.push(extension("2.5.29.28", true, &point)?);
        }
        Ok(extensions)
    }
}

fn sorted(entries: &[Revoked]) -> Result<Vec<RevokedCert>, CaError> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.serial);
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].serial == pair[1].serial) {
        return Err(CaError::Twice(pair[0].serial));
    }
    Ok(entries.iter().map(entry).collect::<der::Result<_>>()?)
}

fn entry(revoked: &Revoked) -> der::Result<RevokedCert> {
    Ok(RevokedCert {
        serial_number: SerialNumber::from(revoked.serial),
        revocation_date: moment(revoked.at)?,
        crl_entry_extensions: revoked
            .reason
            .told()
            .map(|reason| extension("2.5.29.21", false, &reason).map(|reason| vec![reason]))
            .transpose()?,
    })
}
