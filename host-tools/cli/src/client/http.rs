//! HTTP/1.1 as a small client: one question, one answer, under limits. Plain HTTP alone: what comes is signed, or public.

use crate::failure::Failure;
use std::time::Duration;
use ureq::{Agent, Body, config::Config, http::Response};

/// As long as anybody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of an answer's head.
const HEAD_MAX: usize = 16 * 1024;

/// Whether a place is an address on the network and not a file.
pub(super) fn is_url(place: &str) -> bool {
    place.contains("://")
}

/// Fetches something of at most so many bytes.
pub(super) fn get(url: &str, token: Option<&str>, most: usize) -> Result<Vec<u8>, Failure> {
    let mut request = agent(url)?.get(url);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let answer = request.call().map_err(|error| said(url, &error))?;
    match answer.status().as_u16() {
        200 => body(url, answer, most),
        401 => Err(Failure::Refused(format!("{url}: answers registered verifiers alone; --token TOKEN says who asks"))),
        status => Err(Failure::Refused(format!("{url}: HTTP status {status}"))),
    }
}

/// Asks something; the answer's body counts whatever its status, since OCSP has its own words for refusals. (RFC 6960 A.1)
pub(super) fn post(
    url: &str,
    token: Option<&str>,
    content_type: &str,
    question: &[u8],
    most: usize,
) -> Result<Vec<u8>, Failure> {
    let mut request = agent(url)?.post(url).header("Content-Type", content_type);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let answer = request.send(question).map_err(|error| said(url, &error))?;
    let (status, answer) = (answer.status().as_u16(), body(url, answer, most)?);
    if status != 200 && answer.first() != Some(&0x30) {
        return Err(Failure::Refused(format!("{url}: HTTP status {status}")));
    }
    Ok(answer)
}

fn agent(url: &str) -> Result<Agent, Failure> {
    if !url.to_ascii_lowercase().starts_with("http://") {
        return Err(Failure::Usage(format!("{url}: only http:// is spoken here")));
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

fn body(url: &str, mut answer: Response<Body>, most: usize) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    answer.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| said(url, &error))
}

fn said(url: &str, error: &ureq::Error) -> Failure {
    Failure::Refused(format!("{url}: {error}"))
}
