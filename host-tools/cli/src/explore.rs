//! `jitsuin explore`: everything that can become of a card.

use crate::{args, failure::Failure, out::say};
use indicatif::{ProgressBar, ProgressStyle};
use trial::explore::{Depth, Walk, explore};

/// `jitsuin explore`
pub(crate) fn run(args: &args::Explore) -> Result<(), Failure> {
    let style = ProgressStyle::with_template("{elapsed_precise} {spinner} {msg}")?;
    let depth = if args.deep { Depth::Third } else { Depth::Second };
    let mut seen = Vec::new();
    for walk in Walk::ALL.into_iter().filter(|walk| args.walk.is_empty() || args.walk.contains(walk)) {
        let progress = ProgressBar::new_spinner().with_style(style.clone());
        let coverage = explore(walk, depth, |so_far| {
            progress.set_message(so_far.to_string());
            progress.tick();
        });
        progress.finish_and_clear();
        if !args.json {
            say!("{coverage}");
        }
        seen.push(coverage);
    }
    if args.json {
        say!("{}", serde_json::to_string_pretty(&seen)?);
    }
    let violations: Vec<_> = seen
        .into_iter()
        .filter_map(|coverage| Some(format!("{}: {}", coverage.walk.name(), coverage.violation?)))
        .collect();
    if violations.is_empty() { Ok(()) } else { Err(Failure::Refused(violations.join("\n"))) }
}
