//! What services say when they do not do what they are asked: a word for programs, a sentence in two languages for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// Why a service did not do what it was asked, apart from what its checks found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// For programs.
    pub error: &'static str,
    /// For people.
    pub text_en: &'static str,
    /// For people in Japan.
    pub text_ja: &'static str,
}

impl Problem {
    pub(crate) const fn new(
        status: StatusCode,
        error: &'static str,
        text_en: &'static str,
        text_ja: &'static str,
    ) -> Self {
        Problem { status, error, text_en, text_ja }
    }

    /// More at once than is worked off.
    pub(crate) const BUSY: Self = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "too many others are being served; try again",
        "混み合っています。しばらくしてからやり直してください",
    );
    /// The service's own fault.
    pub(crate) const BROKEN: Self = Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "broken",
        "the service did not do this; whoever runs it finds the reason in its log",
        "サービス側で処理できませんでした",
    );
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What a service said in an answer, for people; `None` where it said nothing of this form. A service may say anything; none of it
/// moves a terminal.
#[must_use]
pub fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        text_en: String,
        text_ja: String,
    }
    let Said { text_en, text_ja } = serde_json::from_slice(body).ok()?;
    Some(format!("{text_ja} ({text_en})").replace(char::is_control, "\u{FFFD}"))
}
