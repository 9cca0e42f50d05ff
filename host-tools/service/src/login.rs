//! Online login with the user authentication certificate 利用者証明用電子証明書, in place of ID and password. (service.md §7, row 25)
//!
//! | path | method | body | answer |
//! |---|---|---|---|
//! | `/challenges` | POST | – | [`Challenged`]: a challenge, to be answered once and within five minutes |
//! | `/logins` | POST | [`Answered`] | [`LoggedIn`] with the verdict of every check; 403 where one does not hold |
//! | `/me` | GET | – | the account of the session |
//! | `/transfers` | POST | – | [`Drawn`]: a code that brings another certificate to this account |
//! | `/logout` | POST | – | 204; the session is over |
//!
//! A session is a bearer token. Everything else that is refused comes as [`Problem`], in English and Japanese.
//!
//! A challenge names the service, and the card signs nothing else: who relays it to another service is found out there, and
//! [`Site`], the other end, signs for nobody but the host that it calls. What is presented is used up, whatever becomes of it.
//! Whether the certificate is revoked is asked at every login, and an authority that does not answer opens no door.

mod messages;
mod outstanding;
mod site;

pub use messages::{Answered, Challenged, Drawn, LoggedIn};
pub use outstanding::{OUTSTANDING_MAX, Outstanding, Unknown};
pub use site::{Site, SiteError};

use crate::{
    authority::{Token, TokenHash, bearer},
    problem::Problem,
};
use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use pki::{
    profile::Hierarchy,
    relying::{
        certificate::Certificate,
        challenge::Challenge,
        message::Binding,
        path::Revocation,
        report::{Report, Verdict},
        verdict::Verifier,
    },
};
use sim::rng::SimRng;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use world::{
    account::{self, AccountError, Presented},
    clock,
    store::Store,
};
use zeroize::Zeroize;

/// Logins that are checked at once, each on a thread of its own that waits for the authority; others are told to come again.
const CHECKS_MAX: usize = 32;

/// A service that people log in to.
pub struct Login {
    name: String,
    anchors: Vec<Certificate>,
    revocation: Arc<dyn Revocation + Send + Sync>,
    store: Store,
    now: Option<OffsetDateTime>,
    outstanding: Outstanding,
    checks: Arc<Semaphore>,
}

/// Whom it asks and where it keeps its accounts stays out.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({}, {} roots)", self.name, self.anchors.len())
    }
}

impl Login {
    /// A service of this host name, which trusts these roots of the user authentication CA, asks there whether certificates are
    /// revoked, and keeps its accounts in this database. `now` stands for the world's clock where it is given.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        anchors: Vec<Certificate>,
        revocation: Arc<dyn Revocation + Send + Sync>,
        store: Store,
        now: Option<OffsetDateTime>,
    ) -> Self {
        let (outstanding, checks) = (Outstanding::default(), Arc::new(Semaphore::new(CHECKS_MAX)));
        Login { name: name.into(), anchors, revocation, store, now, outstanding, checks }
    }

    /// Everything above, as a router.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/challenges", post(challenge))
            .route("/logins", post(log_in))
            .route("/me", get(me))
            .route("/transfers", post(transfer))
            .route("/logout", post(log_out))
            .with_state(self)
    }

    async fn now(&self) -> Result<OffsetDateTime, Problem> {
        match self.now {
            Some(now) => Ok(now),
            None => clock::now(&self.store).await.map_err(|error| broken(&error)),
        }
    }

    /// Every check, with the authority asked on a thread that may wait.
    async fn checked(self: &Arc<Self>, challenge: Challenge, answered: &Answered) -> Result<Report, Problem> {
        let place = Arc::clone(&self.checks).try_acquire_owned().map_err(|_| Problem::BUSY)?;
        let (login, now) = (Arc::clone(self), self.now().await?);
        let (certificate, signature) = (answered.certificate.clone(), answered.signature.clone());
        let judge = move || {
            let verifier = Verifier {
                anchors: &login.anchors,
                policy: Hierarchy::Authentication.policy(),
                revocation: &*login.revocation,
                binding: Binding::Required,
            };
            let report = verifier.login(&challenge, &certificate, &signature, now);
            drop(place);
            report
        };
        tokio::task::spawn_blocking(judge).await.map_err(|error| broken(&error))
    }
}

type Shared = State<Arc<Login>>;

/// What went wrong on this side, in the log and nowhere else.
fn broken(error: &impl std::error::Error) -> Problem {
    tracing::error!(%error, "a login service did not do what it was asked");
    Problem::BROKEN
}

async fn challenge(State(login): Shared) -> Result<Json<Challenged>, Problem> {
    let now = login.now().await?;
    let mut rng = SimRng::from_os().map_err(|error| broken(&error))?;
    let challenge = Challenge::new(&login.name, now, &mut rng).ok_or(Problem::BROKEN)?;
    login.outstanding.add(challenge.clone(), now);
    Ok(Json(Challenged { challenge, ends: now + pki::relying::challenge::LIFE }))
}

async fn log_in(State(login): Shared, body: Result<Json<Answered>, JsonRejection>) -> Result<Response, Problem> {
    // What the parser says would quote what came.
    let Json(mut answered) = body.map_err(|why| Problem::unreadable(why.status()))?;
    let challenge = login.outstanding.take(&answered.challenge).map_err(Problem::from)?;
    let transfer = answered.transfer.as_mut().map(|code| {
        let hash = TokenHash::of(code);
        code.zeroize();
        hash
    });
    let report = login.checked(challenge, &answered).await?;
    let failed = report.checks.iter().find(|check| check.verdict != Verdict::Passed);
    let (true, Some(signer)) = (report.accepted, &report.signer) else {
        tracing::info!(why = failed.map_or("", |check| check.finding), "a login was refused");
        return Ok((StatusCode::FORBIDDEN, Json(messages::Judged::refused(&report))).into_response());
    };
    let now = login.now().await?;
    let session = Token::generate(&mut SimRng::from_os().map_err(|error| broken(&error))?);
    let presented = Presented { service: &login.name, issuer: &signer.issuer, serial: &signer.serial };
    let code = transfer.as_ref().map(|hash| &hash.0);
    let done = account::log_in(&login.store, now, presented, code, &session.hash().0).await;
    let (account, entry) = done.map_err(|error| match error {
        AccountError::Code => Problem::CODE,
        AccountError::Taken => Problem::TAKEN,
        error => broken(&error),
    })?;
    tracing::info!(?entry, "a login was accepted");
    Ok(Json(messages::Judged::accepted(&report, account, entry, &session, now + account::SESSION)).into_response())
}

async fn me(State(login): Shared, headers: HeaderMap) -> Result<Json<account::Account>, Problem> {
    let session = bearer(&headers).ok_or(Problem::NO_SESSION)?;
    let now = login.now().await?;
    let account = account::of_session(&login.store, now, &login.name, &session.0).await;
    account.map_err(|error| broken(&error))?.map(Json).ok_or(Problem::NO_SESSION)
}

async fn transfer(State(login): Shared, headers: HeaderMap) -> Result<Json<Drawn>, Problem> {
    let session = bearer(&headers).ok_or(Problem::NO_SESSION)?;
    let now = login.now().await?;
    let code = Token::generate(&mut SimRng::from_os().map_err(|error| broken(&error))?);
    let drawn = account::draw_transfer(&login.store, now, &login.name, &session.0, &code.hash().0).await;
    let ends = drawn.map_err(|error| broken(&error))?.ok_or(Problem::NO_SESSION)?;
    Ok(Json(Drawn { code: code.reveal().to_owned(), ends }))
}

async fn log_out(State(login): Shared, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let session = bearer(&headers).ok_or(Problem::NO_SESSION)?;
    let ended = account::log_out(&login.store, &session.0).await.map_err(|error| broken(&error))?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NO_SESSION) }
}
