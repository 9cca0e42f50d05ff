//! 証明書の失効申請の受付: revocations that holders apply for over the network, signed by the card. (service.md §4.6, row 13)
//!
//! | path | method | body | answer |
//! |---|---|---|---|
//! | `/revocations` | POST | the JSON envelope of `pki::client::revocation` | [`Accepted`] |
//!
//! 200 is revoked, at once and for good; 400 no request at all; 403 not believed, whatever the reason, so that nobody learns which
//! certificates there are; 409 believed, and the certificate is in no state for it.

use crate::problem::Problem;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::StatusCode,
    routing::post,
};
use pki::client::revocation::{BYTES_MAX, RequestError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Semaphore;
use world::{World, WorldError, counter::Done, online};

/// Requests at once, each on a thread of its own that waits for the database; others are told to come again.
const AT_ONCE: usize = 8;
/// Media type of a request.
pub const JSON: &str = "application/json";

/// Where holders apply. The last of its owners must not be in asynchronous code: a [`World`] waits when it goes.
pub struct Window {
    world: World,
    places: Arc<Semaphore>,
}

/// Of what world is its own business.
impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Window(..)")
    }
}

/// A certificate was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// 受付番号
    pub request: u32,
    /// Serial numbers of what was revoked, hexadecimal.
    pub revoked: Vec<String>,
}

impl From<Done> for Accepted {
    fn from(done: Done) -> Self {
        let revoked = done.certificates.iter().map(|one| format!("{:06X}", one.serial)).collect();
        Accepted { request: done.request, revoked }
    }
}

impl Window {
    /// A window of this world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Window { world, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The above, as a router.
    pub fn router(self: Arc<Self>) -> Router {
        let apply = post(apply).layer(DefaultBodyLimit::max(BYTES_MAX));
        Router::new().route("/revocations", apply).with_state(self)
    }
}

const BELIEVED: Problem = Problem::new(
    StatusCode::CONFLICT,
    "state",
    "the certificate is not valid any more, or is suspended; the counter helps",
    "この電子証明書は既に失効しているか、一時保留中です。窓口で手続してください",
);
const NOT_BELIEVED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "not-believed",
    "the request is not signed with the key of a certificate that is on record, is more than five minutes old, or came before",
    "申請の署名が確認できないか、申請が古いか、受付済みです",
);

const fn unreadable(status: StatusCode) -> Problem {
    Problem::new(status, "not-a-request", "not a revocation request", "失効申請のデータの形式が正しくありません")
}

async fn apply(
    State(window): State<Arc<Window>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Accepted>, Problem> {
    let body = body.map_err(|why| unreadable(why.status()))?;
    let place = Arc::clone(&window.places).try_acquire_owned().map_err(|_| Problem::BUSY)?;
    let revoke = move || {
        let done = window.world.now().and_then(|now| online::revoke(&window.world, now, &body));
        drop(place);
        done
    };
    let done = tokio::task::spawn_blocking(revoke).await.map_err(|error| {
        tracing::error!(%error, "a revocation request was dropped");
        Problem::BROKEN
    })?;
    done.map(|done| Json(done.into())).map_err(|error| problem(&error))
}

/// What is said of an error, and what is written down: never which certificate.
fn problem(error: &WorldError) -> Problem {
    let (problem, outcome) = match error {
        WorldError::Request(RequestError::Size(_) | RequestError::Json(_) | RequestError::Field(_)) => {
            (unreadable(StatusCode::BAD_REQUEST), "not-a-request")
        }
        WorldError::Request(_) | WorldError::Rule(_) => (NOT_BELIEVED, "not-believed"),
        WorldError::Step { .. } | WorldError::CardStatus { .. } => (BELIEVED, "state"),
        error => {
            tracing::error!(%error, "a revocation request was not worked off");
            (Problem::BROKEN, "broken")
        }
    };
    tracing::info!(outcome, "a revocation request was refused");
    problem
}
