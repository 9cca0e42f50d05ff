//! `jitsuin fuzz`

use clap::Args;
use std::path::PathBuf;

/// `jitsuin fuzz`
#[derive(Debug, Args)]
#[command(
    after_help = "Builds the targets of the project's fuzz folder with the compiler that is there, nothing else, and runs them under \
                  libFuzzer. A finding is made small and kept in fuzz/findings; where its input is the life of a card there is also \
                  a script beside it, which `jitsuin apdu WORLD CARD < SCRIPT` replays. docs/FUZZING.md has the targets.\n\n\
                  Exit codes: 0 nothing found, 1 something found or a target that does not run, 2 wrong usage, 130 interrupted."
)]
pub(crate) struct Fuzz {
    /// Run this target; may be repeated [default: all].
    #[arg(long, value_name = "NAME")]
    pub target: Vec<String>,
    /// Seconds for each target.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    pub time: u32,
    /// How many targets run at a time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
    /// The project's fuzz folder [default: the one here or above].
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Name the targets and end.
    #[arg(long)]
    pub list: bool,
    /// Print an input of a target as a script for `jitsuin apdu` and end.
    #[arg(long, value_name = "INPUT", requires = "target", conflicts_with = "list")]
    pub script: Option<PathBuf>,
    /// Print what came of it as JSON.
    #[arg(long)]
    pub json: bool,
}
