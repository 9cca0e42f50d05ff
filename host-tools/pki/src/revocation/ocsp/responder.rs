//! The authority's side: certified keys, and answers signed with them.

use super::{
    Failure, LIFE, Request,
    asn1::{
        BASIC, Basic, CertId, CertStatus, OcspResponse, ResponderId, ResponseBytes, ResponseData, ResponseStatus,
        RevokedInfo, SingleResponse, nonce_extension,
    },
    hash::{Digest, IssuerHashes},
    key::{KeyFault, KeyKind, ResponderKey},
};
use crate::{
    ca::{Authority, CaError, Issued, RESPONDER_LIFE},
    profile::Hierarchy,
    revocation::{SKEW, Status, certificate::Certificate, seconds},
};
use der::{
    Any, Decode, Encode,
    asn1::{BitString, GeneralizedTime, Null, OctetString},
};
use time::{Duration, OffsetDateTime};
use x509_cert::Version;

/// How long before its end a responder's certificate is to be replaced, so that no answer outlives it.
const RENEWED_BEFORE: Duration = Duration::days(1);

/// Answers for one authority, with keys that the authority certified for nothing else.
#[derive(Debug)]
pub struct Responder {
    hierarchy: Hierarchy,
    issuer: IssuerHashes,
    delegates: Vec<Delegate>,
    since: OffsetDateTime,
}

/// A key and its certificate.
#[derive(Debug)]
struct Delegate {
    key: ResponderKey,
    certificate: Any,
    id: OctetString,
}

/// Why there is no responder.
#[derive(Debug, thiserror::Error)]
pub enum ResponderError {
    /// The certificate.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The encoder.
    #[error("certificate encoding: {0}")]
    Der(#[from] der::Error),
}

impl Responder {
    /// A responder whose keys get certificates from now on, dated back by [`SKEW`] for clients whose clocks are behind. With the first of them it answers whoever prefers none.
    ///
    /// # Errors
    /// [`ResponderError`].
    pub fn new(
        authority: &Authority,
        keys: impl IntoIterator<Item = (ResponderKey, u32)>,
        now: OffsetDateTime,
    ) -> Result<Self, ResponderError> {
        let since = now.saturating_sub(SKEW);
        let issuer = IssuerHashes::of(&Certificate::parse(authority.root())?)?;
        let mut delegates = Vec::new();
        for (key, serial) in keys {
            let Issued { der, .. } = authority.issue_responder(serial, key.info()?, since)?;
            let id = Digest::Sha1.of(key.info()?.subject_public_key.raw_bytes());
            let (certificate, id) = (Any::from_der(&der)?, OctetString::new(id)?);
            delegates.push(Delegate { key, certificate, id });
        }
        if delegates.is_empty() {
            return Err(KeyFault.into());
        }
        Ok(Responder { hierarchy: authority.hierarchy(), issuer, delegates, since })
    }

    /// For which authority.
    #[must_use]
    pub fn hierarchy(&self) -> Hierarchy {
        self.hierarchy
    }

    /// Whether its certificates cover this moment and the life of an answer.
    #[must_use]
    pub fn is_current(&self, now: OffsetDateTime) -> bool {
        self.since <= now && now < self.since.saturating_add(RESPONDER_LIFE - RENEWED_BEFORE)
    }

    /// Serial numbers that a request asks about, in order; `None` where the CertID is not of this authority, by name and key, or
    /// no number that it ever gives.
    #[must_use]
    pub fn asked(&self, request: &Request) -> Vec<Option<u32>> {
        let serial = |id: &CertId| {
            let mut bytes = [0; 4];
            let given = id.serial_number.as_bytes();
            bytes.get_mut(4usize.checked_sub(given.len())?..)?.copy_from_slice(given);
            Some(u32::from_be_bytes(bytes))
        };
        request.ids.iter().map(|id| self.issuer.are_in(id).then(|| serial(id)).flatten()).collect()
    }

    /// The kind of key with which a request is answered: the first that the client prefers and that is there, else the first.
    #[must_use]
    pub fn kind(&self, request: &Request) -> KeyKind {
        self.delegate(request).map_or(KeyKind::Rsa, |delegate| delegate.key.kind())
    }

    /// The answer to a request: DER of an OCSPResponse. Statuses are in the order of [`Responder::asked`].
    ///
    /// # Errors
    /// [`Failure::InternalError`].
    pub fn answer(&self, request: &Request, statuses: &[Status], now: OffsetDateTime) -> Result<Vec<u8>, Failure> {
        if statuses.len() != request.ids.len() {
            return Err(Failure::InternalError);
        }
        self.signed(request, statuses, now).ok().flatten().ok_or(Failure::InternalError)
    }

    /// From request to answer, errors included.
    #[must_use]
    pub fn respond(&self, request: &[u8], source: impl Fn(Hierarchy, u32) -> Status, now: OffsetDateTime) -> Vec<u8> {
        let told = |serial: Option<u32>| serial.map_or(Status::Unknown, |serial| source(self.hierarchy, serial));
        let answer = Request::parse(request).and_then(|request| {
            let statuses: Vec<Status> = self.asked(&request).into_iter().map(told).collect();
            self.answer(&request, &statuses, now)
        });
        answer.unwrap_or_else(Failure::to_der)
    }

    fn delegate(&self, request: &Request) -> Option<&Delegate> {
        let of = |algorithm| self.delegates.iter().find(|delegate| delegate.key.kind().algorithm() == algorithm);
        request.preferred.iter().find_map(|algorithm| of(*algorithm)).or(self.delegates.first())
    }

    fn signed(&self, request: &Request, statuses: &[Status], now: OffsetDateTime) -> der::Result<Option<Vec<u8>>> {
        let Some(delegate) = self.delegate(request) else { return Ok(None) };
        let produced_at = generalized(now)?;
        let next_update = Some(generalized(now.saturating_add(LIFE))?);
        let single = |(id, status): (&CertId, &Status)| {
            Ok(SingleResponse {
                cert_id: id.clone(),
                cert_status: cert_status(*status)?,
                this_update: produced_at,
                next_update,
                single_extensions: None,
            })
        };
        let extensions = request.nonce.as_deref().map(|nonce| nonce_extension(nonce).map(|nonce| vec![nonce]));
        let data = ResponseData {
            version: Version::V1,
            responder_id: ResponderId::ByKey(delegate.id.clone()),
            produced_at,
            responses: request.ids.iter().zip(statuses).map(single).collect::<der::Result<_>>()?,
            response_extensions: extensions.transpose()?,
        };
        let Ok(signature) = delegate.key.sign(&data.to_der()?) else { return Ok(None) };
        let basic = Basic {
            tbs_response_data: data,
            signature_algorithm: delegate.key.kind().identifier(),
            signature: BitString::from_bytes(&signature)?,
            certs: Some(vec![delegate.certificate.clone()]),
        };
        let response_bytes = Some(ResponseBytes { response_type: BASIC, response: OctetString::new(basic.to_der()?)? });
        OcspResponse { response_status: ResponseStatus::Successful, response_bytes }.to_der().map(Some)
    }
}

fn generalized(at: OffsetDateTime) -> der::Result<GeneralizedTime> {
    GeneralizedTime::from_unix_duration(seconds(at))
}

fn cert_status(status: Status) -> der::Result<CertStatus> {
    Ok(match status {
        Status::Good => CertStatus::Good(Null),
        Status::Unknown => CertStatus::Unknown(Null),
        Status::Revoked { at, reason } => {
            CertStatus::Revoked(RevokedInfo { revocation_time: generalized(at)?, revocation_reason: reason.told() })
        }
    })
}
