//! The online certificate status protocol. (RFC 6960, nonces of RFC 9654, P-07)
//!
//! The authority's side is a [`Responder`], whose keys the authority certified for nothing else, and [`Request::parse`]; a transport
//! carries DER both ways and answers a [`Failure`] where there is no answer. The relying side is a [`Query`], which believes an
//! answer only if its issuer, key, purpose, nonce, certificate and dates are right.

mod asn1;
mod hash;
mod key;
mod query;
mod request;
mod responder;

pub use hash::Digest;
pub use key::{KeyFault, KeyKind, ResponderKey};
pub use query::{ANSWER_MAX, OcspError, Query};
pub use request::{BYTES_MAX, Request, SINGLES_MAX};
pub use responder::{Responder, ResponderError};

use asn1::{OcspResponse, ResponseStatus};
use der::Encode;
use time::Duration;

/// How long an answer may be believed. (P-07)
pub const LIFE: Duration = Duration::hours(1);
/// Most bytes of a nonce; at least one. (RFC 9654 §2.1)
pub const NONCE_MAX: usize = 128;
/// Bytes of the nonces made here. (RFC 9654 §2.1)
pub const NONCE: usize = 32;

/// Why there is no answer: an OCSPResponseStatus, which nobody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not a request, or past its limits.
    #[error("malformedRequest: the responder could not read the request")]
    MalformedRequest,
    /// The responder is out of order.
    #[error("internalError: the responder is out of order")]
    InternalError,
    /// The responder is busy.
    #[error("tryLater: the responder is busy")]
    TryLater,
    /// The request must be signed. Never answered here.
    #[error("sigRequired: the responder wants signed requests")]
    SigRequired,
    /// The caller is not accredited.
    #[error("unauthorized: the responder answers accredited verifiers only")]
    Unauthorized,
}

impl Failure {
    /// DER of the OCSPResponse.
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        let response_status = match self {
            Failure::MalformedRequest => ResponseStatus::MalformedRequest,
            Failure::InternalError => ResponseStatus::InternalError,
            Failure::TryLater => ResponseStatus::TryLater,
            Failure::SigRequired => ResponseStatus::SigRequired,
            Failure::Unauthorized => ResponseStatus::Unauthorized,
        };
        OcspResponse { response_status, response_bytes: None }.to_der().unwrap_or_default()
    }
}
