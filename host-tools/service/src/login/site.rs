//! The other end: a user's program that logs in.

use super::{Answered, Challenged, Drawn, LoggedIn};
use crate::{
    http::{self, Answer, HttpError},
    problem,
};
use pki::relying::challenge::Challenge;
use serde::de::DeserializeOwned;

/// Most bytes of an answer.
const ANSWER_MAX: usize = 64 * 1024;
const JSON: &str = "application/json";

/// A login service at a URL. It blocks.
#[derive(Debug, Clone)]
pub struct Site {
    base: String,
    name: String,
}

/// Why a service cannot be logged in to.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Nobody there, or nobody who knows what a login is.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Its own words.
    #[error("{0}")]
    Problem(String),
    /// An answer of another form.
    #[error("{0}: no login service answers so")]
    Strange(String),
    /// It has the card sign for somebody else.
    #[error(
        "the challenge is of {found:?} and not of {wanted:?}: somebody may be relaying it, so nothing was signed; \
         `--service {found}` says that this is the one"
    )]
    Other {
        /// Whom it names.
        found: String,
        /// Who was called.
        wanted: String,
    },
}

impl Site {
    /// The service at `http://HOST[:PORT]`, which must call itself so, or by the name that is given.
    #[must_use]
    pub fn new(url: &str, name: Option<&str>) -> Self {
        let base = url.trim_end_matches('/').to_owned();
        let host = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default();
        let name = name.unwrap_or(host).to_owned();
        Site { base, name }
    }

    fn post(&self, path: &str, session: Option<&str>, body: &[u8]) -> Result<Answer, SiteError> {
        Ok(http::post(&format!("{}/{path}", self.base), session, JSON, body, ANSWER_MAX)?)
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, SiteError> {
        if let Ok(value) = serde_json::from_slice(&answer.body) {
            return Ok(value);
        }
        Err(match problem::said(&answer.body) {
            Some(said) => SiteError::Problem(said),
            None if answer.status != 200 => HttpError::Status(self.base.clone(), answer.status).into(),
            None => SiteError::Strange(self.base.clone()),
        })
    }

    /// Asks for a challenge of this service and of no other.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn challenge(&self) -> Result<Challenge, SiteError> {
        let Challenged { challenge, .. } = self.read(&self.post("challenges", None, b"")?)?;
        if !challenge.service().eq_ignore_ascii_case(&self.name) {
            let (found, wanted) = (challenge.service().to_owned(), self.name.clone());
            return Err(SiteError::Other { found: found.replace(char::is_control, "\u{FFFD}"), wanted });
        }
        Ok(challenge)
    }

    /// Answers a challenge. What is refused by a check comes as [`LoggedIn`] too.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn log_in(&self, answered: &Answered) -> Result<LoggedIn, SiteError> {
        let body = serde_json::to_vec(answered).map_err(|_| SiteError::Strange(self.base.clone()))?;
        self.read(&self.post("logins", None, &body)?)
    }

    /// Draws a transfer code for the account of a session.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn transfer(&self, session: &str) -> Result<Drawn, SiteError> {
        self.read(&self.post("transfers", Some(session), b"")?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn log_out(&self, session: &str) -> Result<(), SiteError> {
        let answer = self.post("logout", Some(session), b"")?;
        if answer.status == 204 { Ok(()) } else { self.read::<()>(&answer) }
    }
}
