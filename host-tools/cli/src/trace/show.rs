//! A trace for people.

use super::lines;
use crate::{args::TraceShow, failure::Failure, out::say};
use sim::{explain::Shown, trace::Line};
use time::macros::format_description;

/// `jitsuin trace show`
pub(super) fn run(show: &TraceShow) -> Result<(), Failure> {
    let (mut reader, mut client) = (None, None);
    for line in lines(&show.file)? {
        let line = line?;
        if show.reader.as_ref().is_some_and(|wanted| *wanted != line.reader) {
            continue;
        }
        // Said where it changes, so that one card with one client reads like a dialogue.
        if reader.replace(line.reader.clone()).as_ref() != Some(&line.reader) {
            say!("# reader {:?}", line.reader);
        }
        if !line.client.is_empty() && client.replace(line.client.clone()).as_ref() != Some(&line.client) {
            say!("# client {}", line.client);
        }
        say!("{}", told(&line));
        for harm in &line.harm {
            say!("    ! {harm}");
        }
        if let (true, Some(exchange)) = (show.bytes, &line.exchange) {
            say!("    > {} {}{}", exchange.header, exchange.data, ne(exchange.ne));
            say!("    < {} {}", exchange.response, exchange.sw);
        }
    }
    Ok(())
}

fn ne(ne: Option<u32>) -> String {
    ne.map_or(String::new(), |ne| format!(" Ne {ne}"))
}

/// One line: when, what, what of it, how long.
pub(crate) fn told(line: &Line) -> String {
    let format = format_description!("[hour]:[minute]:[second].[subsecond digits:6]");
    let time = line.time.format(format).unwrap_or_default();
    let Some(exchange) = &line.exchange else { return format!("{time}  -- {}", line.event.name()) };
    let took = line.took.map_or(String::new(), |took| format!("  {took} µs"));
    let sent = match &exchange.data {
        Shown::Plain(data) if data.is_empty() => String::new(),
        data => format!(" [{}]", data.count()),
    };
    let came = match exchange.response.count() {
        0 => String::new(),
        count => format!(", {count} bytes"),
    };
    format!("{time}  {}{sent} → {} {}{came}{took}", exchange.command, exchange.sw, exchange.status)
}
