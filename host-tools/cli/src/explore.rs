//! `jitsuin explore`: everything that can become of the PINs of an issued card.

use crate::{args, failure::Failure, out::say};
use indicatif::{ProgressBar, ProgressStyle};
use trial::explore::{Depth, explore};

/// `jitsuin explore`
pub(crate) fn run(args: &args::Explore) -> Result<(), Failure> {
    let style = ProgressStyle::with_template("{elapsed_precise} {spinner} {msg}")?;
    let progress = ProgressBar::new_spinner().with_style(style);
    let coverage = explore(if args.deep { Depth::Third } else { Depth::Second }, |so_far| {
        progress.set_message(so_far.to_string());
        progress.tick();
    });
    progress.finish_and_clear();
    if args.json {
        say!("{}", serde_json::to_string_pretty(&coverage)?);
    } else {
        say!("{coverage}");
    }
    match coverage.violation {
        Some(violation) => Err(Failure::Refused(violation)),
        None => Ok(()),
    }
}
