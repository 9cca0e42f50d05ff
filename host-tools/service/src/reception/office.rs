//! The other end: an applicant's program.

use super::{CMS, JSON, Received, Submission};
use crate::{
    http::{self, HttpError},
    problem,
};

/// Most bytes of an answer.
const ANSWER_MAX: usize = 256 * 1024;

/// An office at a URL. It blocks.
#[derive(Debug, Clone)]
pub struct Office {
    base: String,
}

/// Why an office cannot be applied to.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// Nobody there.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Its own words.
    #[error("{0}")]
    Problem(String),
    /// An answer of another form.
    #[error("{0}: no reception office answers so")]
    Strange(String),
}

impl Office {
    /// The office at `http://HOST[:PORT]`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Office { base: url.trim_end_matches('/').to_owned() }
    }

    /// Sends an application. One that is refused comes as [`Received`] too.
    ///
    /// # Errors
    /// [`OfficeError`].
    pub fn send(&self, application: &Submission) -> Result<Received, OfficeError> {
        let url = format!("{}/applications", self.base);
        let strange = || OfficeError::Strange(self.base.clone());
        let answer = match application.content {
            None => http::post(&url, None, CMS, &application.message, ANSWER_MAX)?,
            Some(_) => {
                let body = serde_json::to_vec(application).map_err(|_| strange())?;
                http::post(&url, None, JSON, &body, ANSWER_MAX)?
            }
        };
        if let Ok(received) = serde_json::from_slice(&answer.body) {
            return Ok(received);
        }
        Err(match problem::said(&answer.body) {
            Some(said) => OfficeError::Problem(said),
            None if answer.status != 200 => HttpError::Status(self.base.clone(), answer.status).into(),
            None => strange(),
        })
    }

    /// What became of an application, JSON of the office.
    ///
    /// # Errors
    /// [`OfficeError`].
    pub fn status(&self, number: i64, receipt: &str) -> Result<serde_json::Value, OfficeError> {
        let answer = http::get(&format!("{}/applications/{number}", self.base), Some(receipt), ANSWER_MAX);
        let body = answer.map_err(|error| match error {
            HttpError::Status(_, 404) => {
                OfficeError::Problem("there is no such application, or this is not its receipt".into())
            }
            error => error.into(),
        })?;
        serde_json::from_slice(&body).map_err(|_| OfficeError::Strange(self.base.clone()))
    }
}
