//! Certification paths: built by key identifier and signature, judged by RFC 5280 §6.1.
//!
//! All generations of an authority have the same name, so a name finds candidates and a signature decides. (pki.md §1)
//!
//! What depends on time or on other people stands apart from what does not: [`Path::check`] has the rules that always give the
//! same answer, [`Path::valid_at`] the calendar, [`Path::status`] revocation. [`validate`] asks all three.

mod constraints;
pub mod names;
mod policies;

pub use policies::{ANY, Policies};

use super::certificate::{Certificate, Extensions};
use crate::revocation::{self, Reason};
use der::asn1::ObjectIdentifier;
use policies::Place;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Most certificates between an anchor and nothing.
pub const LENGTH_MAX: usize = 8;
/// Most signatures that are tried to find paths.
const TRIES_MAX: usize = 64;

/// What a path must obey beside the RFC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The user-initial-policy-set; empty for any policy.
    pub policies: BTreeSet<ObjectIdentifier>,
    /// initial-explicit-policy
    pub require_explicit_policy: bool,
    /// initial-policy-mapping-inhibit
    pub inhibit_policy_mapping: bool,
    /// initial-any-policy-inhibit
    pub inhibit_any_policy: bool,
}

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody of this name is known.
    #[error("no certificate of the issuer {0:?} is known")]
    Issuer(String),
    /// Somebody of the issuer's name is known, and did not sign it.
    #[error("none of the known authorities named {0:?} signed the certificate")]
    Signature(String),
    /// A signature algorithm that is not believed.
    #[error("the certificate is not signed with sha256WithRSAEncryption")]
    Algorithm,
    /// No end in sight.
    #[error("no path of at most {LENGTH_MAX} certificates leads to a trusted root")]
    Length,
    /// A certificate of somebody who is no CA signed another.
    #[error("{0:?} signed a certificate and is no CA")]
    NotAuthority(String),
    /// keyCertSign is missing.
    #[error("the key of {0:?} is not for signing certificates")]
    KeyUsage(String),
    /// More CAs below one than it allows.
    #[error("more CAs follow {0:?} than it allows")]
    PathLength(String),
    /// An extension that must be understood.
    #[error("the critical extension {0} is not known")]
    UnknownCritical(ObjectIdentifier),
    /// No policy is left.
    #[error("the path is not valid for any accepted policy")]
    Policy,
    /// A mapping from or to anyPolicy.
    #[error("anyPolicy is mapped")]
    MappedAny,
    /// A name outside of what a CA may name.
    #[error("a name lies outside the name constraints of a CA above it")]
    NameConstraints,
    /// Constraints, or a name under them, of a form that is not judged here.
    #[error("name constraints of a form that cannot be judged")]
    NameConstraintsForm,
    /// Too early.
    #[error("the certificate of {subject:?} is valid from {from} on")]
    NotYet {
        /// Whose.
        subject: String,
        /// First moment.
        from: OffsetDateTime,
    },
    /// Too late.
    #[error("the certificate of {subject:?} was valid until {until}")]
    Expired {
        /// Whose.
        subject: String,
        /// Last moment.
        until: OffsetDateTime,
    },
    /// Not [`Status::Good`].
    #[error("the certificate of {subject:?} is {status}")]
    Status {
        /// Whose.
        subject: String,
        /// What was told.
        status: Status,
    },
}

/// What is known of a certificate's revocation 失効情報.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// 失効
    Revoked {
        /// Since when.
        at: OffsetDateTime,
        /// CRLReason, where one is told; certificateHold is [`Status::OnHold`].
        reason: Option<u8>,
    },
    /// 一時保留
    OnHold {
        /// Since when.
        at: OffsetDateTime,
    },
    /// The authority does not know it.
    Unknown,
    /// Nothing that could be believed was told, and why.
    Unavailable(String),
}

/// As an authority tells it.
impl From<revocation::Status> for Status {
    fn from(told: revocation::Status) -> Self {
        match told {
            revocation::Status::Good => Status::Good,
            revocation::Status::Revoked { at, reason: Reason::CertificateHold } => Status::OnHold { at },
            revocation::Status::Revoked { at, reason: Reason::Unspecified } => Status::Revoked { at, reason: None },
            revocation::Status::Revoked { at, reason } => Status::Revoked { at, reason: Some(reason.code()) },
            revocation::Status::Unknown => Status::Unknown,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Good => f.write_str("not revoked"),
            Status::Revoked { at, reason: None } => write!(f, "revoked since {at}"),
            Status::Revoked { at, reason: Some(reason) } => write!(f, "revoked since {at} (reason {reason})"),
            Status::OnHold { at } => write!(f, "on hold since {at}"),
            Status::Unknown => f.write_str("not known to its authority"),
            Status::Unavailable(why) => write!(f, "of unknown status: {why}"),
        }
    }
}

/// Who tells whether certificates are revoked: CRLs, an OCSP responder, a register.
pub trait Revocation {
    /// Of a certificate that `issuer` signed, at a moment.
    fn status(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Status;
}

impl<F: Fn(&Certificate, &Certificate, OffsetDateTime) -> Status> Revocation for F {
    fn status(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Status {
        self(certificate, issuer, at)
    }
}

/// A chain of signatures from a leaf to an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    /// The leaf first; the anchor is not among them.
    certificates: Vec<&'a Certificate>,
    anchor: &'a Certificate,
}

/// Every path from a leaf to an anchor.
///
/// # Errors
/// [`Refused`] says how far the best attempt came, where there is none.
pub fn paths<'a>(
    leaf: &'a Certificate,
    others: &'a [Certificate],
    anchors: &'a [Certificate],
) -> Result<Vec<Path<'a>>, Refused> {
    let mut search = Search { others, anchors, found: Vec::new(), why: None, tries: 0 };
    search.climb(&mut vec![leaf]);
    if search.found.is_empty() { Err(search.why.unwrap_or(Refused::Length)) } else { Ok(search.found) }
}

/// Whether a leaf is to be believed at a moment: the first path that obeys every rule.
///
/// # Errors
/// [`Refused`] of the first path, where none obeys.
pub fn validate(
    leaf: &Certificate,
    others: &[Certificate],
    anchors: &[Certificate],
    rules: &Rules,
    at: OffsetDateTime,
    revocation: &dyn Revocation,
) -> Result<Policies, Refused> {
    let mut why = None;
    for path in paths(leaf, others, anchors)? {
        let judged = path.check(rules).and_then(|policies| {
            path.valid_at(at)?;
            path.good(at, revocation)?;
            Ok(policies)
        });
        match judged {
            Ok(policies) => return Ok(policies),
            Err(refused) => why.get_or_insert(refused),
        };
    }
    Err(why.unwrap_or(Refused::Length))
}

struct Search<'a> {
    others: &'a [Certificate],
    anchors: &'a [Certificate],
    found: Vec<Path<'a>>,
    why: Option<Refused>,
    tries: usize,
}

impl<'a> Search<'a> {
    fn climb(&mut self, path: &mut Vec<&'a Certificate>) {
        let Some(&top) = path.last() else { return };
        if !top.has_known_algorithm() {
            self.why.get_or_insert(Refused::Algorithm);
            return;
        }
        let (anchors, others) = (self.anchors, self.others);
        let named = |issuer: &&Certificate| names::same(issuer.subject(), top.issuer());
        let mut candidates: Vec<(bool, &'a Certificate)> = anchors
            .iter()
            .filter(named)
            .map(|one| (true, one))
            .chain(others.iter().filter(named).map(|one| (false, one)))
            .collect();
        if candidates.is_empty() {
            self.why.get_or_insert(Refused::Issuer(top.issuer().to_string()));
            return;
        }
        let wanted = top.extensions().issuer_key_identifier();
        candidates.sort_by_key(|(_, issuer)| wanted != issuer.extensions().key_identifier());
        for (is_anchor, issuer) in candidates {
            if path.contains(&issuer) || !self.signed(top, issuer) {
                continue;
            }
            if is_anchor {
                self.found.push(Path { certificates: path.clone(), anchor: issuer });
            } else if path.len() < LENGTH_MAX {
                path.push(issuer);
                self.climb(path);
                path.pop();
            } else {
                self.why.get_or_insert(Refused::Length);
            }
        }
        self.why.get_or_insert(Refused::Signature(top.issuer().to_string()));
    }

    fn signed(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.tries += 1;
        self.tries <= TRIES_MAX && issuer.key().is_ok_and(|key| certificate.is_signed_by(&key))
    }
}

impl<'a> Path<'a> {
    /// The certificates, the leaf first, without the anchor.
    #[must_use]
    pub fn certificates(&self) -> &[&'a Certificate] {
        &self.certificates
    }

    /// The root that it ends at.
    #[must_use]
    pub fn anchor(&self) -> &'a Certificate {
        self.anchor
    }

    /// The rules that depend on nothing but the certificates. (RFC 5280 §6.1.2 to §6.1.5)
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(&self, rules: &Rules) -> Result<Policies, Refused> {
        let mut names = constraints::State::default();
        let mut policies = policies::State::new(rules, self.certificates.len());
        let mut left = authority(self.anchor, LENGTH_MAX)?;
        if let Some(constraints) = &self.anchor.extensions().name_constraints {
            names.take(constraints)?;
        }
        for (below, certificate) in self.certificates.iter().enumerate().rev() {
            let self_issued = names::same(certificate.subject(), certificate.issuer());
            let place = Place { last: below == 0, self_issued };
            let extensions = certificate.extensions();
            if place.last || !self_issued {
                names.check(certificate)?;
            }
            policies.take(extensions, place)?;
            if place.last {
                understood(extensions)?;
            } else {
                policies.prepare(extensions, place)?;
                if let Some(constraints) = &extensions.name_constraints {
                    names.take(constraints)?;
                }
                if !self_issued {
                    left = left.checked_sub(1).ok_or_else(|| Refused::PathLength(certificate.issuer().to_string()))?;
                }
                left = authority(certificate, left)?;
            }
        }
        let leaf = self.certificates.first().ok_or(Refused::Length)?;
        policies.finish(leaf.extensions(), rules)
    }

    /// Whether every certificate is valid at a moment, the anchor's too: a root whose time is over vouches for nothing.
    ///
    /// # Errors
    /// [`Refused::NotYet`], [`Refused::Expired`].
    pub fn valid_at(&self, at: OffsetDateTime) -> Result<(), Refused> {
        self.certificates.iter().chain([&self.anchor]).try_for_each(|certificate| valid_at(certificate, at))
    }

    /// What is told of the certificates: the first thing that is not good, from the anchor down.
    #[must_use]
    pub fn status(&self, at: OffsetDateTime, revocation: &dyn Revocation) -> (&'a Certificate, Status) {
        let mut issuer = self.anchor;
        for certificate in self.certificates.iter().rev() {
            let status = revocation.status(certificate, issuer, at);
            if status != Status::Good {
                return (certificate, status);
            }
            issuer = certificate;
        }
        (issuer, Status::Good)
    }

    fn good(&self, at: OffsetDateTime, revocation: &dyn Revocation) -> Result<(), Refused> {
        match self.status(at, revocation) {
            (_, Status::Good) => Ok(()),
            (certificate, status) => Err(Refused::Status { subject: certificate.subject().to_string(), status }),
        }
    }
}

/// Whether one certificate is valid at a moment.
pub(super) fn valid_at(certificate: &Certificate, at: OffsetDateTime) -> Result<(), Refused> {
    let [from, until] = certificate.validity();
    let subject = || certificate.subject().to_string();
    // Validity counts whole seconds, and the last one is part of it.
    match at.replace_nanosecond(0).unwrap_or(at) {
        early if early < from => Err(Refused::NotYet { subject: subject(), from }),
        late if late > until => Err(Refused::Expired { subject: subject(), until }),
        _ => Ok(()),
    }
}

/// Whether a certificate may stand above another, and how many CAs may follow it.
fn authority(certificate: &Certificate, left: usize) -> Result<usize, Refused> {
    let extensions = certificate.extensions();
    let subject = || certificate.subject().to_string();
    let constraints = extensions.basic_constraints.as_ref().filter(|constraints| constraints.ca);
    let constraints = constraints.ok_or_else(|| Refused::NotAuthority(subject()))?;
    if !extensions.signs_certificates() {
        return Err(Refused::KeyUsage(subject()));
    }
    understood(extensions)?;
    Ok(constraints.path_len_constraint.map_or(left, |limit| left.min(usize::from(limit))))
}

fn understood(extensions: &Extensions) -> Result<(), Refused> {
    extensions.unknown_critical.first().map_or(Ok(()), |unknown| Err(Refused::UnknownCritical(*unknown)))
}
