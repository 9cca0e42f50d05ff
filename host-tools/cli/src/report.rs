//! What a relying party found, on the terminal. (`pki::relying::report`)

use crate::out::say;
use serde_json::Value;

/// A report, check by check. It may come from anybody; none of it moves a terminal.
pub(crate) fn tell(report: &Value) {
    let plain = |value: &Value| value.as_str().unwrap_or_default().replace(char::is_control, "\u{FFFD}");
    for check in report["checks"].as_array().into_iter().flatten() {
        let mark = match check["verdict"].as_str() {
            Some("passed") => "ok  ",
            Some("open") => "open",
            _ => "FAIL",
        };
        say!("{mark}  {}  {} ({})", check["number"], plain(&check["text_ja"]), plain(&check["text_en"]));
    }
}
