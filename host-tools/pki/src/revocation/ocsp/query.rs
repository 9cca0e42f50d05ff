//! The relying party's side: what is asked, and when an answer is believed.

use super::{
    Failure, NONCE, SINGLES_MAX,
    asn1::{
        self, BASIC, BasicRef, CertId, CertStatus, OcspRequest, OcspResponse, PREFERRED, Preferred, ResponderId,
        ResponseData, ResponseStatus, SingleRequest, SingleResponse, TbsRequest, nonce_extension, nonce_of,
    },
    hash::{Digest, IssuerHashes},
    key::KeyKind,
};
use crate::revocation::{
    Reason, SKEW, Status,
    certificate::Certificate,
    read_moment,
    signed::{Evidence, each_once},
};
use der::{
    Any, Decode, Encode,
    asn1::{ObjectIdentifier, OctetString},
};
use rand_core::CryptoRng;
use time::OffsetDateTime;
use x509_cert::{Version, ext::Extension, serial_number::SerialNumber};

/// Most bytes of an answer.
pub const ANSWER_MAX: usize = 64 * 1024;
/// Most certificates that ride along.
const CERTIFICATES_MAX: usize = 8;

/// Why an answer tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// Nothing, or too much, to ask.
    #[error("a query is about 1 to {SINGLES_MAX} certificates")]
    Count,
    /// A certificate of somebody else.
    #[error("the certificate is not of this authority, or of another generation of its key")]
    NotIssued,
    /// Longer than [`ANSWER_MAX`].
    #[error("the answer has {0} bytes, more than {ANSWER_MAX}")]
    Size(usize),
    /// Not DER, or no OCSP answer.
    #[error("not an OCSP answer in DER: {0}")]
    Der(#[from] der::Error),
    /// The responder refused.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Successful, and empty or of another type.
    #[error("the answer is not a basic OCSP response of version 1")]
    Kind,
    /// An extension that must be understood.
    #[error("the critical extension {0} of the answer is not known")]
    UnknownCritical(ObjectIdentifier),
    /// Neither the authority nor a certificate that rides along has the key that the answer names.
    #[error("the answer names a responder whose certificate is not there")]
    NoResponder,
    /// Certified by somebody else.
    #[error("the responder's certificate is not of the authority that issued the certificate asked about")]
    NotDelegated,
    /// A certificate of the authority for something else.
    #[error("the responder's certificate is not for signing OCSP answers (id-kp-OCSPSigning)")]
    Purpose,
    /// A responder whose own status would have to be asked for.
    #[error("the responder's certificate lacks id-pkix-ocsp-nocheck, and nobody tells of its own status")]
    Unchecked,
    /// A responder of another time.
    #[error("the responder's certificate is not valid at this time")]
    ResponderValidity,
    /// Forged, damaged, or signed in a way that is not believed.
    #[error("the answer's signature is not the responder's")]
    Signature,
    /// The query had one.
    #[error("the answer has no nonce; it may be an old one")]
    NoNonce,
    /// The answer to another query.
    #[error("the answer has another nonce; it belongs to another query")]
    Nonce,
    /// The answer to another query.
    #[error("the answer does not speak of the certificate asked about")]
    NotAnswered,
    /// Speaks of it twice.
    #[error("the answer speaks of one certificate twice")]
    Twice,
    /// removeFromCRL, which means nothing here.
    #[error("the answer has a reason that no certificate is revoked for")]
    Reason,
    /// Too early.
    #[error("the answer is of {0}, which is still to come")]
    NotYet(OffsetDateTime),
    /// Too late.
    #[error("the answer ended {0}; ask again")]
    Stale(OffsetDateTime),
    /// An answer that says not how long it holds.
    #[error("the answer has no nextUpdate and no nonce; it may be an old one")]
    NoEnd,
}

/// A question about certificates of one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    issuer: Certificate,
    hashes: IssuerHashes,
    digest: Digest,
    serials: Vec<SerialNumber>,
    nonce: Option<Vec<u8>>,
    preferred: Vec<KeyKind>,
}

impl Query {
    /// A question about certificates of an authority, with SHA-1 CertIDs and without nonce: of the kind that is answered from stock.
    /// (RFC 5019)
    ///
    /// # Errors
    /// [`OcspError::Count`], [`OcspError::NotIssued`].
    pub fn about(issuer: &Certificate, certificates: &[Certificate]) -> Result<Self, OcspError> {
        if !(1..=SINGLES_MAX).contains(&certificates.len()) {
            return Err(OcspError::Count);
        }
        if !certificates.iter().all(|certificate| certificate.is_issued_by(issuer)) {
            return Err(OcspError::NotIssued);
        }
        Ok(Query {
            issuer: issuer.clone(),
            hashes: IssuerHashes::of(issuer)?,
            digest: Digest::Sha1,
            serials: certificates.iter().map(|certificate| certificate.serial().clone()).collect(),
            nonce: None,
            preferred: Vec::new(),
        })
    }

    /// With a fresh nonce, so that no old answer is believed.
    #[must_use]
    pub fn with_nonce(mut self, rng: &mut impl CryptoRng) -> Self {
        let mut nonce = vec![0; NONCE];
        rng.fill_bytes(&mut nonce);
        self.nonce = Some(nonce);
        self
    }

    /// With CertIDs of another hash.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// With a wish for these kinds of keys, the dearest first.
    #[must_use]
    pub fn preferring(mut self, kinds: &[KeyKind]) -> Self {
        self.preferred = kinds.to_vec();
        self
    }

    /// The request in DER.
    ///
    /// # Errors
    /// Of the encoder.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let single = |cert_id| SingleRequest { cert_id, single_request_extensions: None };
        let mut extensions = Vec::new();
        if let Some(nonce) = &self.nonce {
            extensions.push(nonce_extension(nonce)?);
        }
        if !self.preferred.is_empty() {
            let algorithm = |kind: &KeyKind| Preferred { sig_identifier: kind.identifier(), pub_key_algorithm: None };
            let preferred: Vec<Preferred> = self.preferred.iter().map(algorithm).collect();
            let extn_value = OctetString::new(preferred.to_der()?)?;
            extensions.push(Extension { extn_id: PREFERRED, critical: false, extn_value });
        }
        let tbs_request = TbsRequest {
            version: Version::V1,
            requestor_name: None,
            request_list: self.ids().map(single).collect(),
            request_extensions: Some(extensions).filter(|extensions| !extensions.is_empty()),
        };
        OcspRequest { tbs_request, optional_signature: None }.to_der()
    }

    /// What an answer tells, in the order in which certificates were asked about.
    ///
    /// # Errors
    /// [`OcspError`] says what is wrong with it.
    pub fn read(&self, answer: &[u8], now: OffsetDateTime) -> Result<Vec<Status>, OcspError> {
        if answer.len() > ANSWER_MAX {
            return Err(OcspError::Size(answer.len()));
        }
        let bytes = basic_response(OcspResponse::from_der(answer)?)?;
        let basic = BasicRef::from_der(&bytes)?;
        let evidence = Evidence::new(&basic.tbs_response_data, &basic.signature_algorithm, basic.signature.as_bytes())?;
        let data = ResponseData::from_der(&evidence.body)?;
        if data.version != Version::V1 {
            return Err(OcspError::Kind);
        }
        let certificates = basic.certs.unwrap_or_default();
        let signer = self.responder(&data.responder_id, &certificates, now)?;
        if !evidence.is_signed_by(signer.key()) {
            return Err(OcspError::Signature);
        }
        self.has_right_nonce(data.response_extensions.as_deref().unwrap_or_default())?;
        self.ids().map(|id| self.told(&id, &data.responses, now)).collect()
    }

    fn ids(&self) -> impl Iterator<Item = CertId> {
        self.serials.iter().map(|serial| self.hashes.id(self.digest, serial.clone()))
    }

    /// The authority itself, or somebody whom it certified for this. (RFC 6960 §4.2.2.2)
    fn responder(&self, id: &ResponderId, certificates: &[Any], now: OffsetDateTime) -> Result<Certificate, OcspError> {
        let is_meant = |certificate: &Certificate| match id {
            ResponderId::ByName(name) => certificate.subject() == name,
            ResponderId::ByKey(key) => {
                Digest::Sha1.of(certificate.key().subject_public_key.raw_bytes()) == key.as_bytes()
            }
        };
        if is_meant(&self.issuer) {
            return Ok(self.issuer.clone());
        }
        let parsed =
            certificates.iter().take(CERTIFICATES_MAX).filter_map(|one| Certificate::parse(&one.to_der().ok()?).ok());
        let responder = parsed.into_iter().find(is_meant).ok_or(OcspError::NoResponder)?;
        if !responder.is_issued_by(&self.issuer) {
            return Err(OcspError::NotDelegated);
        }
        if !responder.signs_answers() {
            return Err(OcspError::Purpose);
        }
        if !responder.is_not_checked() {
            return Err(OcspError::Unchecked);
        }
        if !responder.is_valid_at(now) {
            return Err(OcspError::ResponderValidity);
        }
        Ok(responder)
    }

    fn has_right_nonce(&self, extensions: &[Extension]) -> Result<(), OcspError> {
        each_once(extensions)?;
        let mut came = None;
        for extension in extensions {
            match extension.extn_id {
                asn1::NONCE => came = Some(nonce_of(extension)?),
                unknown if extension.critical => return Err(OcspError::UnknownCritical(unknown)),
                _ => {}
            }
        }
        match (&self.nonce, came) {
            (Some(_), None) => Err(OcspError::NoNonce),
            (Some(sent), Some(came)) if *sent != came => Err(OcspError::Nonce),
            _ => Ok(()),
        }
    }

    fn told(&self, id: &CertId, responses: &[SingleResponse], now: OffsetDateTime) -> Result<Status, OcspError> {
        // The parameters of a hash are absent or NULL, as a responder likes.
        let same = |other: &CertId| {
            other.hash_algorithm.oid == id.hash_algorithm.oid
                && other.issuer_name_hash == id.issuer_name_hash
                && other.issuer_key_hash == id.issuer_key_hash
                && other.serial_number == id.serial_number
        };
        let mut about = responses.iter().filter(|response| same(&response.cert_id));
        let (Some(response), None) = (about.next(), about.next()) else {
            return Err(if responses.iter().any(|response| same(&response.cert_id)) {
                OcspError::Twice
            } else {
                OcspError::NotAnswered
            });
        };
        if let Some(critical) = response.single_extensions.iter().flatten().find(|extension| extension.critical) {
            return Err(OcspError::UnknownCritical(critical.extn_id));
        }
        let this_update = read_moment(response.this_update.to_unix_duration());
        if this_update > now.saturating_add(SKEW) {
            return Err(OcspError::NotYet(this_update));
        }
        match response.next_update.map(|next| read_moment(next.to_unix_duration())) {
            Some(end) if end <= now => return Err(OcspError::Stale(end)),
            None if self.nonce.is_none() => return Err(OcspError::NoEnd),
            _ => {}
        }
        status(response.cert_status)
    }
}

fn basic_response(response: OcspResponse) -> Result<Vec<u8>, OcspError> {
    let failure = match response.response_status {
        ResponseStatus::Successful => match response.response_bytes {
            Some(bytes) if bytes.response_type == BASIC => return Ok(bytes.response.into_bytes().into()),
            _ => return Err(OcspError::Kind),
        },
        ResponseStatus::MalformedRequest => Failure::MalformedRequest,
        ResponseStatus::InternalError => Failure::InternalError,
        ResponseStatus::TryLater => Failure::TryLater,
        ResponseStatus::SigRequired => Failure::SigRequired,
        ResponseStatus::Unauthorized => Failure::Unauthorized,
    };
    Err(failure.into())
}

fn status(told: CertStatus) -> Result<Status, OcspError> {
    Ok(match told {
        CertStatus::Good(_) => Status::Good,
        CertStatus::Unknown(_) => Status::Unknown,
        CertStatus::Revoked(info) => {
            let at = read_moment(info.revocation_time.to_unix_duration());
            let reason = info.revocation_reason.map_or(Some(Reason::Unspecified), Reason::of);
            Status::Revoked { at, reason: reason.ok_or(OcspError::Reason)? }
        }
    })
}
