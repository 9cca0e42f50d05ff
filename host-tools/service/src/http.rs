//! HTTP/1.1 as a small client: one question, one answer, under limits. Plain HTTP alone: what comes is signed, or public.

use std::time::Duration;
use ureq::{Agent, Body, config::Config, http::Response};

/// As long as anybody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of an answer's head.
const HEAD_MAX: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Another scheme than `http`.
    #[error("{0}: only http:// is spoken here")]
    Scheme(String),
    /// 401
    #[error("{0}: answers registered verifiers alone; `--token TOKEN` says who asks")]
    Unaccredited(String),
    /// Any other status than one of success.
    #[error("{0}: HTTP status {1}")]
    Status(String, u16),
    /// Nobody there, too late, or too long.
    #[error("{0}: {1}")]
    Transport(String, Box<ureq::Error>),
}

/// An answer to [`post`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Whether a place is an address on the network and not a file.
#[must_use]
pub fn is_url(place: &str) -> bool {
    place.contains("://")
}

/// Fetches something of at most so many bytes.
///
/// # Errors
/// [`HttpError`].
pub fn get(url: &str, token: Option<&str>, most: usize) -> Result<Vec<u8>, HttpError> {
    let mut request = agent(url)?.get(url);
    if let Some(token) = token {
        request = request.header("Authorization", bearer(token));
    }
    let answer = request.call().map_err(|error| said(url, error))?;
    match answer.status().as_u16() {
        200 => body(url, answer, most),
        401 => Err(HttpError::Unaccredited(url.into())),
        status => Err(HttpError::Status(url.into(), status)),
    }
}

/// Sends something, and takes an answer of at most so many bytes, whatever its status.
///
/// # Errors
/// [`HttpError::Scheme`], [`HttpError::Transport`].
pub fn post(
    url: &str,
    token: Option<&str>,
    content_type: &str,
    question: &[u8],
    most: usize,
) -> Result<Answer, HttpError> {
    let mut request = agent(url)?.post(url).header("Content-Type", content_type);
    if let Some(token) = token {
        request = request.header("Authorization", bearer(token));
    }
    let answer = request.send(question).map_err(|error| said(url, error))?;
    Ok(Answer { status: answer.status().as_u16(), body: body(url, answer, most)? })
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn agent(url: &str) -> Result<Agent, HttpError> {
    if !url.to_ascii_lowercase().starts_with("http://") {
        return Err(HttpError::Scheme(url.into()));
    }
    let config = Config::builder()
        .timeout_global(Some(PATIENCE))
        .max_response_header_size(HEAD_MAX)
        .http_status_as_error(false)
        // A token goes where it was meant to go.
        .max_redirects(0)
        .proxy(None)
        .build();
    Ok(config.new_agent())
}

fn body(url: &str, mut answer: Response<Body>, most: usize) -> Result<Vec<u8>, HttpError> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    answer.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| said(url, error))
}

fn said(url: &str, error: ureq::Error) -> HttpError {
    HttpError::Transport(url.into(), Box::new(error))
}
