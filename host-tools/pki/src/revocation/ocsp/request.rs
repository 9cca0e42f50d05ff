//! A request as the responder reads it.

use super::{
    Failure, NONCE_MAX,
    asn1::{ACCEPTABLE, BASIC, CertId, NONCE, OcspRequest, PREFERRED, Preferred, SingleRequest, nonce_of},
};
use crate::revocation::signed::each_once;
use der::{Decode, asn1::ObjectIdentifier};
use x509_cert::{Version, ext::Extension};

/// Most bytes of a request.
pub const BYTES_MAX: usize = 64 * 1024;
/// Most certificates that one request asks about.
pub const SINGLES_MAX: usize = 32;
/// Most preferred algorithms that are looked at.
const PREFERRED_MAX: usize = 16;

/// A request, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(super) ids: Vec<CertId>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) preferred: Vec<ObjectIdentifier>,
}

impl Request {
    /// Out of DER, and nothing behind it. A signature of the request is not looked at.
    ///
    /// # Errors
    /// [`Failure::MalformedRequest`], which is all that a client is told.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        Self::read(bytes).ok().flatten().ok_or(Failure::MalformedRequest)
    }

    /// How many certificates it asks about: 1 to [`SINGLES_MAX`].
    #[must_use]
    pub fn singles(&self) -> usize {
        self.ids.len()
    }

    /// Whether the answer must be made for it.
    #[must_use]
    pub fn has_nonce(&self) -> bool {
        self.nonce.is_some()
    }

    fn read(bytes: &[u8]) -> der::Result<Option<Self>> {
        if bytes.len() > BYTES_MAX {
            return Ok(None);
        }
        let body = OcspRequest::from_der(bytes)?.tbs_request;
        if body.version != Version::V1 || !(1..=SINGLES_MAX).contains(&body.request_list.len()) {
            return Ok(None);
        }
        let mut request = Request { ids: Vec::new(), nonce: None, preferred: Vec::new() };
        for SingleRequest { cert_id, single_request_extensions } in body.request_list {
            if single_request_extensions.iter().flatten().any(|extension| extension.critical) {
                return Ok(None);
            }
            request.ids.push(cert_id);
        }
        let extensions = body.request_extensions.unwrap_or_default();
        each_once(&extensions)?;
        for extension in &extensions {
            if !request.take(extension)? {
                return Ok(None);
            }
        }
        Ok(Some(request))
    }

    /// Whether the request can be answered under this extension.
    fn take(&mut self, extension: &Extension) -> der::Result<bool> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            NONCE => {
                let nonce = nonce_of(extension)?;
                let fits = (1..=NONCE_MAX).contains(&nonce.len());
                self.nonce = Some(nonce);
                Ok(fits)
            }
            ACCEPTABLE => Ok(Vec::<ObjectIdentifier>::from_der(value)?.contains(&BASIC)),
            PREFERRED => {
                let preferred = Vec::<Preferred>::from_der(value)?;
                self.preferred = preferred.into_iter().take(PREFERRED_MAX).map(|one| one.sig_identifier.oid).collect();
                Ok(true)
            }
            _ => Ok(!extension.critical),
        }
    }
}
