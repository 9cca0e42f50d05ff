//! 電子申請の受付: an office that takes applications signed by a card, judges them at once, and keeps them. (service.md §6, §8,
//! rows 23 and 24)
//!
//! | path | method | body | answer |
//! |---|---|---|---|
//! | `/applications` | POST | `application/pkcs7-mime`: CMS with its content; or `application/json`: [`Submission`] | [`Received`] |
//! | `/applications/{number}` | GET | – | the application, for who has its receipt |
//! | `/forms` | GET | – | the procedures |
//! | `/forms/{name}` | GET | – | a blank form |
//!
//! 200 is accepted; 422 refused, with the verdict of every check; 400 no signed message at all; 503 where nobody could be asked whether
//! the certificate is revoked: nothing is kept then, and the same message may come again.
//!
//! The receipt is a bearer token. What was accepted once keeps its number however often it comes. What is refused is kept, without
//! the application itself, where the key of a trusted certificate signed it: nobody else fills the record.

mod messages;
mod office;

pub use messages::{Received, Submission};
pub use office::{Office, OfficeError};

use crate::{
    authority::{Token, TokenHash, bearer},
    problem::Problem,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use messages::Judged;
use pki::{
    application::Procedure,
    profile::Hierarchy,
    relying::{
        certificate::Certificate,
        message::Binding,
        path::Revocation,
        report::{Report, Step, Verdict},
        verdict::Verifier,
    },
};
use sha2::{Digest, Sha256};
use sim::rng::SimRng;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use world::{application, clock, store::Store};

/// Media type of a CMS message. (RFC 8551 §3.2)
pub const CMS: &str = "application/pkcs7-mime";
/// Media type of [`Submission`].
pub const JSON: &str = "application/json";
/// Most bytes of a request's body: a form has 64 KiB at most, and base64 and CMS take their part.
pub const BODY_MAX: usize = 256 * 1024;
/// Applications that are judged at once, each on a thread of its own that waits for the authority; others are told to come again.
const JUDGED_MAX: usize = 32;

/// An office that receives applications.
pub struct Reception {
    anchors: Vec<(Hierarchy, Certificate)>,
    roots: Vec<Certificate>,
    revocation: Arc<dyn Revocation + Send + Sync>,
    store: Store,
    now: Option<OffsetDateTime>,
    judged: Arc<Semaphore>,
}

/// Whom it asks and where it keeps things stays out.
impl std::fmt::Debug for Reception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reception({} roots)", self.roots.len())
    }
}

impl Reception {
    /// An office that trusts these roots, asks there whether certificates are revoked, and keeps applications in this database. `now` stands
    /// for the world's clock where it is given.
    #[must_use]
    pub fn new(
        anchors: Vec<(Hierarchy, Certificate)>,
        revocation: Arc<dyn Revocation + Send + Sync>,
        store: Store,
        now: Option<OffsetDateTime>,
    ) -> Self {
        let roots = anchors.iter().map(|(_, root)| root.clone()).collect();
        Reception { anchors, roots, revocation, store, now, judged: Arc::new(Semaphore::new(JUDGED_MAX)) }
    }

    /// Everything above, as a router.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/applications", post(receive))
            .route("/applications/{number}", get(show))
            .route("/forms", get(forms))
            .route("/forms/{name}", get(form))
            .with_state(self)
    }

    async fn now(&self) -> Result<OffsetDateTime, Problem> {
        match self.now {
            Some(now) => Ok(now),
            None => clock::now(&self.store).await.map_err(|error| broken(&error)),
        }
    }

    /// Every check, with the authority asked on a thread that may wait.
    async fn judge(self: &Arc<Self>, sent: &Arc<Submission>, now: OffsetDateTime) -> Result<Report, Problem> {
        let place = Arc::clone(&self.judged).try_acquire_owned().map_err(|_| Problem::BUSY)?;
        let (office, sent) = (Arc::clone(self), Arc::clone(sent));
        let judge = move || {
            let verifier = Verifier {
                anchors: &office.roots,
                policy: Hierarchy::Signature.policy(),
                revocation: &*office.revocation,
                binding: Binding::Required,
            };
            let report = verifier.application(&sent.message, sent.content.as_deref(), now);
            drop(place);
            report
        };
        tokio::task::spawn_blocking(judge).await.map_err(|error| broken(&error))
    }

    /// The signer's certificate, where a trusted authority made it and its key signed this. A certificate alone anybody may have.
    fn certified(&self, report: &Report) -> Option<(Hierarchy, u32)> {
        let passed = |step| report.check(step).is_some_and(|check| check.verdict == Verdict::Passed);
        let signer = report.signer.as_ref().filter(|_| passed(Step::Chain) && passed(Step::Signature))?;
        let issuer = self.anchors.iter().find(|(_, root)| root.subject().to_string() == signer.issuer);
        Some((issuer?.0, u32::from_str_radix(&signer.serial, 16).ok()?))
    }
}

type Shared = State<Arc<Reception>>;

/// What went wrong on this side, in the log and nowhere else.
fn broken(error: &impl std::error::Error) -> Problem {
    tracing::error!(%error, "a reception office did not do what it was asked");
    Problem::BROKEN
}

async fn receive(
    State(office): Shared,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|why| messages::unreadable(why.status()))?;
    let sent = Arc::new(Submission::out_of(&headers, &body)?);
    let now = office.now().await?;
    let report = office.judge(&sent, now).await?;
    let status = outcome(&report);
    let why = report.checks.iter().find(|check| check.verdict != Verdict::Passed).map_or("", |check| check.finding);
    tracing::info!(status = status.as_u16(), why, "an application was judged");
    let certificate = office.certified(&report).filter(|_| status != StatusCode::SERVICE_UNAVAILABLE);
    let Some(certificate) = certificate else {
        return Ok((status, Json(Judged::turned_away(&report))).into_response());
    };
    let receipt = Token::generate(&mut SimRng::from_os().map_err(|error| broken(&error))?);
    let judged = application::Judged {
        digest: &Sha256::digest(&sent.message).into(),
        receipt: &receipt.hash().0,
        certificate,
        procedure: report.form.as_ref().map_or("", |form| &form.procedure),
        report: &serde_json::to_string(&report).map_err(|error| broken(&error))?,
        accepted: report.accepted.then_some((&sent.message, sent.content.as_deref())),
    };
    let kept = application::keep(&office.store, now, &judged).await.map_err(|error| broken(&error))?;
    Ok((status, Json(Judged::kept(&report, kept, &receipt))).into_response())
}

/// What a report is in HTTP.
fn outcome(report: &Report) -> StatusCode {
    let failed = |step| report.check(step).is_none_or(|check| check.verdict == Verdict::Failed);
    let any_failed = report.checks.iter().any(|check| check.verdict == Verdict::Failed);
    match () {
        () if report.accepted => StatusCode::OK,
        () if failed(Step::Form) => StatusCode::BAD_REQUEST,
        () if any_failed => StatusCode::UNPROCESSABLE_ENTITY,
        () => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn show(
    State(office): Shared,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Result<Json<application::Application>, Problem> {
    let receipt = bearer(&headers).ok_or(messages::NO_RECEIPT)?;
    // A number that is not there and one of somebody else are told alike.
    let number = number.parse().map_err(|_| messages::NO_RECEIPT)?;
    let found = application::get(&office.store, number).await.map_err(|error| broken(&error))?;
    found.filter(|found| TokenHash(found.receipt) == receipt).map(Json).ok_or(messages::NO_RECEIPT)
}

async fn forms() -> Json<[Procedure; 5]> {
    Json(Procedure::ALL)
}

async fn form(Path(name): Path<String>) -> Result<Response, Problem> {
    let procedure = Procedure::by_name(&name).ok_or(messages::NO_FORM)?;
    Ok(([(header::CACHE_CONTROL, "max-age=3600")], Json(procedure.blank())).into_response())
}
