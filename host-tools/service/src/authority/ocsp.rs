//! OCSP over HTTP. (RFC 6960 appendix A, RFC 5019)

use super::{
    Authorities, Denied, Registry, RegistryError, Served, Shared, cache_control, cacheable, etag, has_ocsp, name,
    not_found,
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64ct::{Base64, Encoding};
use pki::{
    profile::Hierarchy,
    revocation::{
        Status,
        ocsp::{Failure, KeyKind, Request, Responder, ResponderKey},
    },
};
use sha2::{Digest, Sha256};
use sim::rng::SimRng;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::{
    sync::{RwLock, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

/// How long an answer without nonce stays in stock, on the world's clock.
pub const STOCK: time::Duration = time::Duration::minutes(1);
/// Most answers in stock: some 10 MB.
const STOCK_MAX: usize = 4096;
/// How long a request waits for its turn to be signed before it is told to try later.
const PATIENCE: Duration = Duration::from_secs(5);
const KIND: &str = "application/ocsp-response";

/// What an authority needs to answer: keys that it certified, and a stock.
#[derive(Debug)]
pub(super) struct Answering {
    responder: RwLock<Option<Arc<Responder>>>,
    stock: Mutex<HashMap<[u8; 32], Arc<Stocked>>>,
    /// As many sign at once as there are processors.
    turns: Semaphore,
}

/// An answer without nonce.
#[derive(Debug)]
struct Stocked {
    responder: Arc<Responder>,
    statuses: Vec<Status>,
    at: OffsetDateTime,
    answer: Bytes,
    etag: String,
}

impl Default for Answering {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Answering { responder: RwLock::default(), stock: Mutex::default(), turns: Semaphore::new(processors) }
    }
}

/// An answer, and what caches may do with it.
enum Answer {
    Made(Vec<u8>),
    Stocked(Arc<Stocked>, OffsetDateTime),
}

pub(super) async fn posted<R: Registry>(
    state: Shared<R>,
    Path(hierarchy): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    post(state, &hierarchy, &headers, &body).await
}

/// The path that user authentication certificates name. (pki.md §7.2)
pub(super) async fn posted_to_root<R: Registry>(state: Shared<R>, headers: HeaderMap, body: Bytes) -> Response {
    post(state, Hierarchy::Authentication.name(), &headers, &body).await
}

async fn post<R: Registry>(
    State(authorities): Shared<R>,
    hierarchy: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let Some(served) = authorities.answering(hierarchy) else { return not_found() };
    match authorities.answer(served, headers, body).await {
        Ok(Answer::Made(answer)) => uncached(answer),
        Ok(Answer::Stocked(stocked, _)) => uncached(stocked.answer.clone()),
        Err(failure) => uncached(failure.to_der()),
    }
}

pub(super) async fn gotten<R: Registry>(
    State(authorities): Shared<R>,
    Path((hierarchy, request)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(served) = authorities.answering(&hierarchy) else { return not_found() };
    let Ok(request) = Base64::decode_vec(&request) else { return uncached(Failure::MalformedRequest.to_der()) };
    match authorities.answer(served, &headers, &request).await {
        Ok(Answer::Made(answer)) => uncached(answer),
        Ok(Answer::Stocked(stocked, now)) => {
            let left = (stocked.at.saturating_add(STOCK) - now).whole_seconds();
            let cache = cache_control(authorities.options.open, left);
            cacheable(&headers, KIND, &stocked.etag, &cache, stocked.answer.clone())
        }
        Err(failure) => uncached(failure.to_der()),
    }
}

/// Failures are answers too, with status 200. (RFC 6960 appendix A.2)
fn uncached(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failure(error: RegistryError) -> Failure {
    match error {
        RegistryError::Busy => Failure::TryLater,
        RegistryError::Broken(what) => {
            tracing::error!(what, "the register cannot be read");
            Failure::InternalError
        }
    }
}

impl<R: Registry> Authorities<R> {
    fn answering(&self, hierarchy: &str) -> Option<&Served> {
        self.served(hierarchy).filter(|served| has_ocsp(served.authority.hierarchy()))
    }

    async fn answer(&self, served: &Served, headers: &HeaderMap, request: &[u8]) -> Result<Answer, Failure> {
        let hierarchy = served.authority.hierarchy().name();
        let caller = self.caller(headers).await.map_err(|denied| match denied {
            Denied::Unaccredited => Failure::Unauthorized,
            Denied::Registry(error) => failure(error),
        });
        let (answer, singles) = match &caller {
            Ok(_) => self.told(served, request).await,
            Err(failure) => (Err(*failure), 0),
        };
        let outcome = match &answer {
            Ok(Answer::Made(_)) => "made",
            Ok(Answer::Stocked(..)) => "stock",
            Err(Failure::MalformedRequest) => "malformed",
            Err(Failure::Unauthorized) => "unauthorized",
            Err(_) => "failed",
        };
        tracing::info!(hierarchy, verifier = name(caller.ok().flatten().as_ref()), singles, outcome, "ocsp");
        answer
    }

    /// And how many certificates were asked about.
    async fn told(&self, served: &Served, bytes: &[u8]) -> (Result<Answer, Failure>, usize) {
        match Request::parse(bytes) {
            Ok(request) => {
                let singles = request.singles();
                (self.looked_up(served, bytes, request).await, singles)
            }
            Err(failure) => (Err(failure), 0),
        }
    }

    async fn looked_up(&self, served: &Served, bytes: &[u8], request: Request) -> Result<Answer, Failure> {
        let hierarchy = served.authority.hierarchy();
        let now = self.registry.now().await.map_err(failure)?;
        let responder = self.responder(served, now).await?;
        let mut statuses = Vec::new();
        for serial in responder.asked(&request) {
            statuses.push(match serial {
                Some(serial) => self.registry.status(hierarchy, serial).await.map_err(failure)?,
                None => Status::Unknown,
            });
        }
        if request.has_nonce() {
            let (answer, _) = served.responder.signed(responder, request, statuses, now).await?;
            return Ok(Answer::Made(answer));
        }
        let key = Sha256::digest(bytes).into();
        if let Some(stocked) = served.responder.stocked(&key, &responder, &statuses, now) {
            return Ok(Answer::Stocked(stocked, now));
        }
        let (answer, statuses) = served.responder.signed(Arc::clone(&responder), request, statuses, now).await?;
        let etag = etag(&answer);
        let stocked = Arc::new(Stocked { responder, statuses, at: now, answer: answer.into(), etag });
        served.responder.keep(key, Arc::clone(&stocked));
        Ok(Answer::Stocked(stocked, now))
    }

    /// The responder of this moment; certified anew where the clock left its certificates' dates.
    async fn responder(&self, served: &Served, now: OffsetDateTime) -> Result<Arc<Responder>, Failure> {
        let current = |held: &Option<Arc<Responder>>| held.as_ref().filter(|held| held.is_current(now)).cloned();
        if let Some(responder) = current(&*served.responder.responder.read().await) {
            return Ok(responder);
        }
        let mut held = served.responder.responder.write().await;
        if let Some(responder) = current(&held) {
            return Ok(responder);
        }
        let kinds = match self.options.answers_with {
            KeyKind::Rsa => [KeyKind::Rsa, KeyKind::P256],
            KeyKind::P256 => [KeyKind::P256, KeyKind::Rsa],
        };
        let mut serials = Vec::new();
        for kind in kinds {
            let serial = self.registry.next_serial(served.authority.hierarchy()).await.map_err(failure)?;
            serials.push((kind, serial));
        }
        let authority = Arc::clone(&served.authority);
        let made = spawn_blocking(move || {
            let mut rng = SimRng::from_os().ok()?;
            let keys =
                serials.into_iter().map(|(kind, serial)| Some((ResponderKey::generate(kind, &mut rng).ok()?, serial)));
            Responder::new(&authority, keys.collect::<Option<Vec<_>>>()?, now).ok()
        });
        let Ok(Some(responder)) = made.await else {
            tracing::error!("no key for OCSP answers could be made");
            return Err(Failure::InternalError);
        };
        let responder = Arc::new(responder);
        *held = Some(Arc::clone(&responder));
        Ok(responder)
    }
}

impl Answering {
    /// Signs away from the threads that talk. Gives back what was told.
    async fn signed(
        &self,
        responder: Arc<Responder>,
        request: Request,
        statuses: Vec<Status>,
        now: OffsetDateTime,
    ) -> Result<(Vec<u8>, Vec<Status>), Failure> {
        let turn = timeout(PATIENCE, self.turns.acquire()).await.map_err(|_| Failure::TryLater)?;
        let signing =
            spawn_blocking(move || responder.answer(&request, &statuses, now).map(|answer| (answer, statuses)));
        let signed = signing.await.unwrap_or(Err(Failure::InternalError));
        drop(turn);
        signed
    }

    /// The same request, answered with the same statuses by the same responder, not long ago and not in the future.
    fn stocked(
        &self,
        key: &[u8; 32],
        responder: &Arc<Responder>,
        statuses: &[Status],
        now: OffsetDateTime,
    ) -> Option<Arc<Stocked>> {
        let stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        let stocked = stock.get(key)?;
        let fits = Arc::ptr_eq(&stocked.responder, responder)
            && stocked.statuses == statuses
            && stocked.at <= now
            && now < stocked.at.saturating_add(STOCK);
        fits.then(|| Arc::clone(stocked))
    }

    fn keep(&self, key: [u8; 32], stocked: Arc<Stocked>) {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        // Seldom, and all that is lost is work.
        if stock.len() >= STOCK_MAX {
            stock.clear();
        }
        stock.insert(key, stocked);
    }
}
