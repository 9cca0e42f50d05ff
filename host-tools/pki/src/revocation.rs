//! Revocation 失効: since when and why, told in lists ([`crl`]) and in answers ([`ocsp`]), and believed only after checks.
//! (pki.md §9, §10)
//!
//! Both sides are here, the authority's and the relying party's, and none of them reads a clock, a file or a socket. What is told
//! about a certificate is a [`Status`]; why nothing can be told is an error of the one who asked.

pub mod certificate;
pub mod crl;
pub mod ocsp;
mod signed;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use x509_cert::{ext::pkix::CrlReason, time::Time};

/// How far an authority's clock may be ahead of ours.
pub const SKEW: Duration = Duration::minutes(5);

/// Why a certificate was revoked: CRLReason of RFC 5280 §5.3.1. Which event has which is P-05. (pki.md §9.2)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Error in the record, other; told by telling no reason.
    Unspecified,
    /// Loss, theft, misuse, key compromise.
    KeyCompromise,
    /// The CA's own key.
    #[serde(rename = "cACompromise")]
    CaCompromise,
    /// A change of the four attributes.
    AffiliationChanged,
    /// Replaced by renewal or re-issue.
    Superseded,
    /// Application to stop, card broken or returned, death.
    CessationOfOperation,
    /// 一時保留
    CertificateHold,
    /// Never given here, read elsewhere.
    PrivilegeWithdrawn,
    /// Never given here, read elsewhere.
    #[serde(rename = "aACompromise")]
    AaCompromise,
}

impl Reason {
    /// All of them. 7 was never given out, and 8 (removeFromCRL) is for delta CRLs, of which there are none. (P-06)
    pub const ALL: [Reason; 9] = [
        Reason::Unspecified,
        Reason::KeyCompromise,
        Reason::CaCompromise,
        Reason::AffiliationChanged,
        Reason::Superseded,
        Reason::CessationOfOperation,
        Reason::CertificateHold,
        Reason::PrivilegeWithdrawn,
        Reason::AaCompromise,
    ];

    /// CRLReason.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Reason::Unspecified => 0,
            Reason::KeyCompromise => 1,
            Reason::CaCompromise => 2,
            Reason::AffiliationChanged => 3,
            Reason::Superseded => 4,
            Reason::CessationOfOperation => 5,
            Reason::CertificateHold => 6,
            Reason::PrivilegeWithdrawn => 9,
            Reason::AaCompromise => 10,
        }
    }

    /// From a CRLReason.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What is written of it: nothing for [`Reason::Unspecified`]. (RFC 5280 §5.3.1)
    fn told(self) -> Option<CrlReason> {
        Some(match self {
            Reason::Unspecified => return None,
            Reason::KeyCompromise => CrlReason::KeyCompromise,
            Reason::CaCompromise => CrlReason::CaCompromise,
            Reason::AffiliationChanged => CrlReason::AffiliationChanged,
            Reason::Superseded => CrlReason::Superseded,
            Reason::CessationOfOperation => CrlReason::CessationOfOperation,
            Reason::CertificateHold => CrlReason::CertificateHold,
            Reason::PrivilegeWithdrawn => CrlReason::PrivilegeWithdrawn,
            Reason::AaCompromise => CrlReason::AaCompromise,
        })
    }

    /// What was read; `None` for removeFromCRL.
    fn of(read: CrlReason) -> Option<Self> {
        u8::try_from(read as u32).ok().and_then(Reason::from_code)
    }

    /// Its ASN.1 name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Unspecified => "unspecified",
            Reason::KeyCompromise => "keyCompromise",
            Reason::CaCompromise => "cACompromise",
            Reason::AffiliationChanged => "affiliationChanged",
            Reason::Superseded => "superseded",
            Reason::CessationOfOperation => "cessationOfOperation",
            Reason::CertificateHold => "certificateHold",
            Reason::PrivilegeWithdrawn => "privilegeWithdrawn",
            Reason::AaCompromise => "aACompromise",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What an authority tells about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Status {
    /// 有効, or expired: of dates nothing is told.
    Good,
    /// 失効, or 一時保留 where the reason is [`Reason::CertificateHold`].
    Revoked {
        /// Since when.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// Why.
        reason: Reason,
    },
    /// The authority did not issue it.
    Unknown,
}

/// An entry of an authority's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// 発行番号
    pub serial: u32,
    /// Since when.
    pub at: OffsetDateTime,
    /// Why.
    pub reason: Reason,
}

fn seconds(at: OffsetDateTime) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0))
}

/// UTCTime before 2050, GeneralizedTime from then on. (P-15)
fn moment(at: OffsetDateTime) -> der::Result<Time> {
    use der::asn1::{GeneralizedTime, UtcTime};
    if at.year() < 2050 {
        UtcTime::from_unix_duration(seconds(at)).map(Time::UtcTime)
    } else {
        GeneralizedTime::from_unix_duration(seconds(at)).map(Time::GeneralTime)
    }
}

/// Any moment that DER can write, which all fit.
fn read_moment(since_1970: std::time::Duration) -> OffsetDateTime {
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn reasons_are_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert_eq!(serde_json::to_value(reason).expect("json"), reason.name());
        }
        assert_eq!([7, 8, 11, 255].map(Reason::from_code), [None; 4]);
    }

    #[test]
    fn dates_change_their_form_in_2050() {
        let (last, first) = (datetime!(2049-12-31 23:59:59 UTC), datetime!(2050-01-01 00:00:00 UTC));
        assert!(matches!(moment(last), Ok(Time::UtcTime(_))));
        assert!(matches!(moment(first), Ok(Time::GeneralTime(_))));
        for at in [last, first] {
            assert_eq!(read_moment(moment(at).expect("a date").to_unix_duration()), at);
        }
    }
}
