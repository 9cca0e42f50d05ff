//! 有効性確認: whether a certificate can be used now, by its dates and by what its authority tells. (service.md §5, row 15)

use super::viewer::Term;
use crate::revocation::{Reason, Status, certificate::Certificate, crl::Crl, ocsp::Query};
use serde::Serialize;
use time::OffsetDateTime;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// 有効
    Good,
    /// 一時保留
    Held {
        /// Since when.
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
    /// 失効
    Revoked {
        /// Since when.
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
        /// Why.
        reason: Reason,
    },
    /// 期間満了
    Expired,
    /// Before its first moment.
    NotYet,
    /// Nobody can tell, and why.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// English and Japanese.
    #[must_use]
    pub const fn names(&self) -> [&'static str; 2] {
        match self {
            Verdict::Good => ["good", "有効"],
            Verdict::Held { .. } => ["held", "一時保留"],
            Verdict::Revoked { .. } => ["revoked", "失効"],
            Verdict::Expired => ["expired", "期間満了"],
            Verdict::NotYet => ["not valid yet", "有効期間前"],
            Verdict::Unknown { .. } => ["unknown", "確認できません"],
        }
    }

    fn unknown(why: impl std::fmt::Display) -> Self {
        Verdict::Unknown { why: why.to_string() }
    }

    /// Dates come first: of a certificate that has expired nobody tells anything.
    fn of(term: Term, told: Result<Status, String>) -> Self {
        match (term, told) {
            (Term::Expired, _) => Verdict::Expired,
            (Term::NotYet, _) => Verdict::NotYet,
            (_, Ok(Status::Good)) => Verdict::Good,
            (_, Ok(Status::Revoked { at, reason: Reason::CertificateHold })) => Verdict::Held { since: at },
            (_, Ok(Status::Revoked { at, reason })) => Verdict::Revoked { since: at, reason },
            (_, Ok(Status::Unknown)) => Verdict::unknown("the authority does not know this certificate"),
            (_, Err(why)) => Verdict::unknown(why),
        }
    }
}

/// A certificate beside the one of its CA, both from the card.
#[derive(Debug)]
pub struct Checked {
    own: Certificate,
    authority: Certificate,
    term: Term,
}

impl Checked {
    /// Of two certificates in DER.
    ///
    /// # Errors
    /// Why they cannot be judged, for people.
    pub fn new(own: &[u8], authority: &[u8], term: Term) -> Result<Self, String> {
        let read = |bytes: &[u8]| Certificate::try_from(bytes).map_err(|error| error.to_string());
        let (own, authority) = (read(own)?, read(authority)?);
        if !own.is_issued_by(&authority) {
            return Err("the certificate is not issued by the CA whose certificate is on this card".into());
        }
        Ok(Checked { own, authority, term })
    }

    /// A question for an OCSP responder.
    ///
    /// # Errors
    /// Of the query.
    pub fn query(&self) -> Result<Query, crate::revocation::ocsp::OcspError> {
        Query::about(&self.authority, std::slice::from_ref(&self.own))
    }

    /// By an OCSP answer to this question.
    #[must_use]
    pub fn by_ocsp(&self, query: &Query, answer: &[u8], now: OffsetDateTime) -> Verdict {
        let told = query.read(answer, now).map_err(|error| error.to_string());
        let first = |all: Vec<Status>| all.first().copied().ok_or_else(|| "an empty answer".to_owned());
        Verdict::of(self.term, told.and_then(first))
    }

    /// By a CRL in DER.
    #[must_use]
    pub fn by_crl(&self, list: &[u8], now: OffsetDateTime) -> Verdict {
        let told = Crl::parse(list).and_then(|list| list.verify(&self.authority)?.status(&self.own, now));
        Verdict::of(self.term, told.map_err(|error| error.to_string()))
    }

    /// By its dates alone, where they settle it.
    #[must_use]
    pub fn by_dates(&self) -> Option<Verdict> {
        match Verdict::of(self.term, Err(String::new())) {
            Verdict::Unknown { .. } => None,
            settled => Some(settled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const AT: OffsetDateTime = datetime!(2026-11-26 03:00 UTC);

    #[test]
    fn dates_come_before_what_an_authority_tells() {
        let revoked = || Ok(Status::Revoked { at: AT, reason: Reason::KeyCompromise });
        assert_eq!(Verdict::of(Term::Expired, revoked()), Verdict::Expired);
        assert_eq!(Verdict::of(Term::NotYet, Ok(Status::Good)), Verdict::NotYet);
        for term in [Term::Within, Term::Ending] {
            assert_eq!(Verdict::of(term, Ok(Status::Good)), Verdict::Good);
            assert_eq!(Verdict::of(term, revoked()), Verdict::Revoked { since: AT, reason: Reason::KeyCompromise });
            let held = Ok(Status::Revoked { at: AT, reason: Reason::CertificateHold });
            assert_eq!(Verdict::of(term, held), Verdict::Held { since: AT });
        }
    }

    #[test]
    fn who_cannot_tell_says_why_and_never_good() {
        let unknown = |told| match Verdict::of(Term::Within, told) {
            Verdict::Unknown { why } => why,
            verdict => panic!("{verdict:?}"),
        };
        assert!(unknown(Ok(Status::Unknown)).contains("does not know"));
        assert_eq!(unknown(Err("nobody answers".into())), "nobody answers");
    }
}
