//! Two traces, held against each other. Times, readers and clients are left out, and what is random by its nature.

use super::lines;
use crate::{args::TraceDiff, failure::Failure, out::say};
use sim::trace::Line;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::path::Path;

/// `jitsuin trace diff`
pub(super) fn run(diff: &TraceDiff) -> Result<(), Failure> {
    let (one, other) = (told(&diff.one)?, told(&diff.other)?);
    let (one, other): (Vec<&str>, Vec<&str>) =
        (one.iter().map(String::as_str).collect(), other.iter().map(String::as_str).collect());
    let compared = TextDiff::configure().algorithm(Algorithm::Myers).diff_slices(&one, &other);
    let mut differences = 0;
    for group in compared.grouped_ops(2) {
        say!("@@");
        for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            differences += usize::from(change.tag() != ChangeTag::Equal);
            say!("{sign} {}", change.value());
        }
    }
    match differences {
        0 => Ok(()),
        count => Err(Failure::Refused(format!("{count} lines differ"))),
    }
}

fn told(path: &Path) -> Result<Vec<String>, Failure> {
    lines(path)?.map(|line| line.map(|line| essence(&line))).collect()
}

/// What two runs of the same program have in common.
fn essence(line: &Line) -> String {
    let Some(exchange) = &line.exchange else { return format!("-- {}", line.event.name()) };
    let random = ["GET CHALLENGE", "INITIALIZE UPDATE", "EXTERNAL AUTHENTICATE", "(secure messaging)"];
    let response = if random.iter().any(|name| exchange.command.contains(name)) {
        format!("{} bytes", exchange.response.count())
    } else {
        exchange.response.to_string()
    };
    format!("{} {} {} → {response} {}", exchange.command, exchange.header, exchange.data, exchange.sw)
}
