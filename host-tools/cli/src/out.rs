//! Standard output. A reader that has seen enough (`| head`) ends the program quietly instead of with a panic.

use std::{fmt, io, io::Write};

/// Prints one line.
macro_rules! say {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// What [`say!`] does. Output that cannot be delivered ends the program with exit code 1: nobody may take an unfinished
/// report for a good one.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("jitsuin: standard output: {error}");
        }
        std::process::exit(1);
    }
}
