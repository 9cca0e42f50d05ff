//! What the authorities tell: whether certificates are revoked, and by what they are recognised themselves. (service.md §17, rows 15,
//! 33, 34 and 37)
//!
//! | path | method | answer | for |
//! |---|---|---|---|
//! | `/ocsp/{hierarchy}` | POST | OCSP (RFC 6960) | verifiers |
//! | `/ocsp/{hierarchy}/{base64}` | GET | the same, cacheable without nonce (RFC 5019) | verifiers |
//! | `/` | POST | OCSP of the user authentication CA, as its certificates name it | verifiers |
//! | `/crl/{hierarchy}.crl` | GET | the complete CRL | verifiers |
//! | `/crl/{hierarchy}/{municipality}.crl` | GET | the CRL of one distribution point | verifiers |
//! | `/fingerprints`, `/fingerprints.json` | GET | SHA-256 fingerprints of the roots | everybody |
//! | `/fingerprints/{hierarchy}.cer` | GET | a root, DER | everybody |
//! | `/terms` | GET | 利用者規約 | everybody |
//!
//! Revocation information is for accredited verifiers, who send their token as `Authorization: Bearer`; others are told
//! `unauthorized` in OCSP's own words, and 401 where a CRL was wanted. [`Options::open`] lets everybody ask. (pki.md §10)
//!
//! An OCSP answer is made for its request where that has a nonce. Others come from stock for up to [`STOCK`], as long as the
//! registry tells the same: what is revoked is told as revoked at once. A CRL is made anew when something changed, and twice in
//! its life.

mod access;
mod crl;
mod memory;
mod ocsp;
mod portal;
mod recorded;
mod registry;

pub(crate) use access::bearer;
pub use access::{Token, TokenHash};
pub use memory::Memory;
pub use ocsp::STOCK;
pub use recorded::{Recorded, status};
pub use registry::{Category, Registry, RegistryError, RevokedEntry, Verifier};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use pki::{ca::Authority, profile::Hierarchy, revocation::ocsp::KeyKind};
use std::sync::Arc;

/// How an authority answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether callers without accreditation are answered too.
    pub open: bool,
    /// The key that signs OCSP answers for clients without a preference.
    pub answers_with: KeyKind,
}

impl Default for Options {
    fn default() -> Self {
        Options { open: false, answers_with: KeyKind::Rsa }
    }
}

/// The authorities of a world, and who knows what is true.
#[derive(Debug)]
pub struct Authorities<R> {
    registry: R,
    served: Vec<Served>,
    options: Options,
}

#[derive(Debug)]
struct Served {
    authority: Arc<Authority>,
    responder: ocsp::Answering,
    lists: crl::Lists,
}

impl<R: Registry> Authorities<R> {
    /// These authorities, each with its keys.
    #[must_use]
    pub fn new(authorities: impl IntoIterator<Item = Authority>, registry: R, options: Options) -> Self {
        let served = authorities.into_iter().map(|authority| Served {
            authority: Arc::new(authority),
            responder: ocsp::Answering::default(),
            lists: crl::Lists::default(),
        });
        Authorities { registry, served: served.collect(), options }
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &R {
        &self.registry
    }

    /// Everything above, as a router.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/", post(ocsp::posted_to_root::<R>))
            .route("/ocsp/{hierarchy}", post(ocsp::posted::<R>))
            .route("/ocsp/{hierarchy}/{*request}", get(ocsp::gotten::<R>))
            .route("/crl/{hierarchy}", get(crl::complete::<R>))
            .route("/crl/{hierarchy}/{municipality}", get(crl::of_municipality::<R>))
            .route("/fingerprints", get(portal::fingerprints::<R>))
            .route("/fingerprints.json", get(portal::fingerprints_json::<R>))
            .route("/fingerprints/{hierarchy}", get(portal::root::<R>))
            .route("/terms", get(portal::terms))
            .with_state(self)
    }

    fn served(&self, name: &str) -> Option<&Served> {
        self.served.iter().find(|served| served.authority.hierarchy().name() == name)
    }

    /// Who calls; `None` for nobody in particular, where that is allowed.
    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Verifier>, Denied> {
        let verifier = match access::bearer(headers) {
            Some(hash) => self.registry.verifier(hash).await?,
            None => None,
        };
        if verifier.is_none() && !self.options.open { Err(Denied::Unaccredited) } else { Ok(verifier) }
    }
}

/// Why a caller gets nothing.
#[derive(Debug)]
enum Denied {
    Unaccredited,
    Registry(RegistryError),
}

impl From<RegistryError> for Denied {
    fn from(error: RegistryError) -> Self {
        Denied::Registry(error)
    }
}

/// For logs: who called, by the name under which it is registered.
fn name(caller: Option<&Verifier>) -> &str {
    caller.map_or("-", |verifier| verifier.name.as_str())
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is no such thing here\n").into_response()
}

/// An answer that may be kept for some seconds, or 304 where the caller has it.
fn cacheable(asked: &HeaderMap, kind: &'static str, etag: &str, cache: &str, body: impl IntoResponse) -> Response {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
    });
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = response.headers_mut();
    for (name, value) in [(header::ETAG, etag), (header::CACHE_CONTROL, cache)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Whoever keeps an answer for accredited verifiers keeps it for itself.
fn cache_control(open: bool, seconds: i64) -> String {
    let who = if open { "public" } else { "private" };
    format!("max-age={}, {who}, no-transform, must-revalidate", seconds.max(0))
}

type Shared<R> = State<Arc<Authorities<R>>>;
type Name = Path<String>;

fn etag(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]))
}

/// A file's name without its ending.
fn without<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    name.strip_suffix(ending)
}

/// OCSP is offered for the certificates of the card, not for those of the Juki card. (P-07, P-09)
fn has_ocsp(hierarchy: Hierarchy) -> bool {
    matches!(hierarchy, Hierarchy::Signature | Hierarchy::Authentication)
}
