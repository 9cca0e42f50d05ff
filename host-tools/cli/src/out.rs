//! Standard output. A reader that has seen enough (`| head`) ends the program quietly instead of with a panic.

use std::{fmt, io, io::Write};

/// Prints one line.
macro_rules! say {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// Prints what stands on one line whatever is in it: nothing that a card holds begins another one.
macro_rules! say_line {
    ($($text:tt)*) => { $crate::out::line(format_args!("{}", $crate::out::plain(&format!($($text)*)))) };
}
pub(crate) use say_line;

/// Text for one line: what moves a terminal's cursor or turns its writing round is shown as U+FFFD.
pub(crate) fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() || is_direction(c), "\u{FFFD}")
}

/// The same where lines and tabs stay.
pub(crate) fn lines(text: &str) -> String {
    text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t') || is_direction(c), "\u{FFFD}")
}

/// Embeddings, overrides and isolates of the bidirectional algorithm. (Unicode UAX #9 §2)
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// JSON in which those are escapes: it says the same.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => out.push(c),
            _ if c.is_control() || is_direction(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

/// What [`say!`] does. Somebody's card has no way to the terminal but as text. Output that cannot be delivered ends the program with exit code 1: nobody may take an unfinished
/// report for a good one.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{}", lines(&text.to_string())).and_then(|()| out.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("jitsuin: standard output: {error}");
        }
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "\u{1B}[2J\u{9B}31m\u{202E}x\r\n日本\t";

    #[test]
    fn nothing_but_text_comes_to_a_terminal() {
        assert_eq!(plain(NAME), "\u{FFFD}[2J\u{FFFD}31m\u{FFFD}x\u{FFFD}\u{FFFD}日本\u{FFFD}");
        assert_eq!(lines(NAME), "\u{FFFD}[2J\u{FFFD}31m\u{FFFD}x\u{FFFD}\n日本\t");
    }

    #[test]
    fn json_says_the_same() {
        let json = serde_json::to_string_pretty(&[NAME]).expect("json");
        let escaped = escaped(&json);
        assert!(!escaped.contains(['\u{9B}', '\u{202E}']) && escaped.contains("\\u009b"));
        assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).expect("json"), [NAME]);
    }
}
