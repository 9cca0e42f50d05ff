//! 証明書の失効申請: a request to revoke a certificate, signed by the card with the key of the same certificate. (service.md §5, row 13)
//!
//! The texts say that there is one and not how it looks. Here it is a JSON document in a JSON envelope: `{"request": TEXT,
//! "signature": HEX}`, where the text is what was signed, byte for byte, with sha256WithRSAEncryption.

use super::{ClientError, Half, Jpki};
use crate::{profile::Hierarchy, relying};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

/// Most bytes of a request.
pub const BYTES_MAX: usize = 4096;
/// How far a request's time may be from the authority's clock.
pub const FRESH: Duration = Duration::minutes(5);
/// Bytes of a nonce.
const NONCE: usize = 16;
/// Nothing else that a card signs begins so.
const PURPOSE: &str = "jitsuin certificate revocation request 1";
/// P1 of a signature with DigestInfo of SHA-256 over a digest. (card.md §8.1)
const SCHEME: u8 = 0x02;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    purpose: String,
    authority: String,
    serial: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    nonce: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    request: String,
    signature: String,
}

/// A request as it came, of which nothing is believed yet.
#[derive(Debug, Clone)]
pub struct Received {
    request: Request,
    hierarchy: Hierarchy,
    serial: u32,
    digest: [u8; 32],
    signature: Vec<u8>,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Longer than [`BYTES_MAX`].
    #[error("the request has {0} bytes, more than {BYTES_MAX}")]
    Size(usize),
    /// Not JSON of this form.
    #[error("not a revocation request: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that cannot be.
    #[error("not a revocation request: its {0} is wrong")]
    Field(&'static str),
    /// Too old, or of the future.
    #[error("the request is of {at}, more than five minutes from {now}; make another")]
    Stale {
        /// Its time.
        at: OffsetDateTime,
        /// The authority's.
        now: OffsetDateTime,
    },
    /// Forged, or signed with another key.
    #[error("the request is not signed with the key of its certificate")]
    Signature,
}

impl Request {
    /// About a certificate.
    pub fn new(hierarchy: Hierarchy, serial: u32, now: OffsetDateTime, rng: &mut impl CryptoRng) -> Self {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        Request {
            purpose: PURPOSE.into(),
            authority: hierarchy.name().into(),
            serial: format!("{serial:06X}"),
            at: now,
            nonce: hex::encode(nonce),
        }
    }

    /// The envelope, signed by a card whose PIN was presented.
    ///
    /// # Errors
    /// [`ClientError`] of the card.
    pub fn sign(&self, jpki: &mut Jpki<'_>, half: Half) -> Result<Vec<u8>, ClientError> {
        const COMMAND: &str = "COMPUTE DIGITAL SIGNATURE";
        let json = |error: serde_json::Error| ClientError::Malformed { command: COMMAND, what: error.to_string() };
        let request = serde_json::to_string(self).map_err(json)?;
        let signature = hex::encode(jpki.sign(half, SCHEME, &Sha256::digest(&request))?);
        serde_json::to_vec(&Envelope { request, signature }).map_err(json)
    }
}

impl Received {
    /// Out of an envelope, under limits.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > BYTES_MAX {
            return Err(RequestError::Size(bytes.len()));
        }
        let envelope: Envelope = serde_json::from_slice(bytes)?;
        let request: Request = serde_json::from_str(&envelope.request)?;
        if request.purpose != PURPOSE {
            return Err(RequestError::Field("purpose"));
        }
        if hex::decode(&request.nonce).map_or(0, |nonce| nonce.len()) != NONCE {
            return Err(RequestError::Field("nonce"));
        }
        let serial = Some(request.serial.as_str()).filter(|serial| serial.bytes().all(|c| c.is_ascii_hexdigit()));
        Ok(Received {
            hierarchy: Hierarchy::by_name(&request.authority).ok_or(RequestError::Field("authority"))?,
            serial: serial.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or(RequestError::Field("serial"))?,
            digest: Sha256::digest(&envelope.request).into(),
            signature: hex::decode(&envelope.signature).map_err(|_| RequestError::Field("signature"))?,
            request,
        })
    }

    /// Which authority's certificate it is about.
    #[must_use]
    pub fn hierarchy(&self) -> Hierarchy {
        self.hierarchy
    }

    /// Serial number of the certificate.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Its nonce, in one spelling.
    #[must_use]
    pub fn nonce(&self) -> String {
        self.request.nonce.to_ascii_lowercase()
    }

    /// Whether it is of now, and signed with the key of this certificate (DER).
    ///
    /// # Errors
    /// [`RequestError::Stale`], [`RequestError::Signature`].
    pub fn check(&self, certificate: &[u8], now: OffsetDateTime) -> Result<(), RequestError> {
        let at = self.request.at;
        if (at - now).abs() > FRESH {
            return Err(RequestError::Stale { at, now });
        }
        let signed = relying::signature(certificate, SCHEME, &self.digest, &self.signature);
        signed.map_err(|_| RequestError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_refused() {
        let inner = |purpose: &str, authority: &str, serial: &str, nonce: &str| {
            let request = format!(
                r#"{{"purpose":"{purpose}","authority":"{authority}","serial":"{serial}","at":"2026-11-26T00:00:00Z","nonce":"{nonce}"}}"#
            );
            serde_json::to_vec(&Envelope { request, signature: "00".into() }).expect("json")
        };
        let nonce = "00112233445566778899aabbccddeeff";
        let good = Received::parse(&inner(PURPOSE, "signature", "100002", nonce)).expect("parses");
        assert_eq!((good.hierarchy(), good.serial()), (Hierarchy::Signature, 0x10_0002));
        for (bad, field) in [
            (inner("something else", "signature", "100002", nonce), "purpose"),
            (inner(PURPOSE, "nobody", "100002", nonce), "authority"),
            (inner(PURPOSE, "signature", "+100002", nonce), "serial"),
            (inner(PURPOSE, "signature", "1000000002", nonce), "serial"),
            (inner(PURPOSE, "signature", "100002", "00"), "nonce"),
        ] {
            assert!(matches!(Received::parse(&bad), Err(RequestError::Field(name)) if name == field), "{field}");
        }
        for bad in [&b""[..], b"{}", b"[]", br#"{"request":"{}","signature":"00"}"#, br#"{"request":1,"signature":""}"#]
        {
            assert!(matches!(Received::parse(bad), Err(RequestError::Json(_))));
        }
        assert!(matches!(Received::parse(&[b' '; BYTES_MAX + 1]), Err(RequestError::Size(_))));
    }
}
