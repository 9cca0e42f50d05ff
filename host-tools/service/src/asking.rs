//! A relying party that asks an authority whether a certificate is revoked, or looks into its list. (service.md §8, check 1; §9)

use crate::http::{self, HttpError};
use pki::{
    relying::{
        certificate::Certificate,
        path::{Revocation, Status},
    },
    revocation::{
        certificate::Certificate as Asked,
        crl::{Crl, CrlError},
        ocsp::{self, Query},
    },
};
use sim::rng::SimRng;
use time::OffsetDateTime;
use zeroize::Zeroizing;

const CONTENT_TYPE: &str = "application/ocsp-request";

/// An OCSP responder, and the token of the verifier who asks there. Every question has a nonce, so that no old answer is
/// believed. It blocks; whoever serves asks on a thread of its own.
pub struct Responder {
    url: String,
    token: Option<Zeroizing<String>>,
}

/// Without the token.
impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Responder({})", self.url)
    }
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum NotTold {
    /// Nobody there.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A question that cannot be asked, or an answer that is not believed.
    #[error(transparent)]
    Ocsp(#[from] ocsp::OcspError),
    /// A list that is not believed.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// Not DER.
    #[error("{0}")]
    Der(#[from] der::Error),
    /// No randomness for a nonce.
    #[error("no randomness: {0}")]
    Random(String),
}

impl Responder {
    /// The responder at `http://…`.
    #[must_use]
    pub fn new(url: impl Into<String>, token: Option<&str>) -> Self {
        Responder { url: url.into(), token: token.map(|token| Zeroizing::new(token.to_owned())) }
    }

    /// Asks with a fresh nonce; the answer is DER, for [`Query::read`].
    ///
    /// # Errors
    /// [`NotTold`].
    pub fn ask(&self, query: Query) -> Result<(Query, Vec<u8>), NotTold> {
        let mut rng = SimRng::from_os().map_err(|error| NotTold::Random(error.to_string()))?;
        let query = query.with_nonce(&mut rng);
        let token = self.token.as_ref().map(|token| token.as_str());
        let answer = http::post(&self.url, token, CONTENT_TYPE, &query.to_der()?, ocsp::ANSWER_MAX)?;
        // OCSP has its own words for refusals, whatever the status. (RFC 6960 A.1)
        let refused = answer.status != 200 && answer.body.first() != Some(&0x30);
        if refused { Err(HttpError::Status(self.url.clone(), answer.status).into()) } else { Ok((query, answer.body)) }
    }

    fn told(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Result<Status, NotTold> {
        let (certificate, issuer) = (Asked::parse(certificate.der())?, Asked::parse(issuer.der())?);
        let (query, answer) = self.ask(Query::about(&issuer, std::slice::from_ref(&certificate))?)?;
        let told = query.read(&answer, at)?;
        Ok(told.first().copied().map_or(Status::Unknown, Status::from))
    }
}

/// A CRL in DER that somebody fetched.
#[derive(Debug, Clone)]
pub struct List(pub Vec<u8>);

impl Revocation for List {
    fn status(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Status {
        let told = || -> Result<Status, NotTold> {
            let (certificate, issuer) = (Asked::parse(certificate.der())?, Asked::parse(issuer.der())?);
            Ok(Crl::parse(&self.0)?.verify(&issuer)?.status(&certificate, at)?.into())
        };
        told().unwrap_or_else(|why| Status::Unavailable(why.to_string()))
    }
}

impl Revocation for Responder {
    fn status(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Status {
        self.told(certificate, issuer, at).unwrap_or_else(|why| Status::Unavailable(why.to_string()))
    }
}
