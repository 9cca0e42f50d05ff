//! `jitsuin bench`

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What `jitsuin bench` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measured {
    /// RSA signatures, PKCS#1 v1.5 with SHA-256, beside other libraries.
    Sign,
    /// RSA key pairs, beside other libraries.
    Keygen,
    /// Commands to a card, signatures beside the bare engine.
    Apdu,
    /// Commands through the PC/SC socket, beside the card without it and the bare engine.
    Socket,
    /// Commands of a client in C through both doors of `serve`, beside minimal servers in C.
    Reader,
}

/// `jitsuin bench`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 an operation failed, 2 wrong usage, a rival that was not compiled in or a program that is not here, \
                        3 A RESULT WAS WRONG, 4 worse than the baseline by more than --fail-over allows, \
                        5 not comparable with the baseline, 130 interrupted."
)]
pub(crate) struct Bench {
    /// What to measure.
    #[arg(default_value = "sign")]
    pub what: Measured,
    /// Rivals: rsa, and openssl, aws-lc, ring, graviola where compiled in; all of them when none is named.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub against: Vec<String>,
    /// Back ends of the engine; all that run on this processor when none is named.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub backend: Vec<String>,
    /// Sizes of key: 2048, 3072, 4096.
    #[arg(long, value_name = "BITS,...", value_delimiter = ',')]
    pub bits: Vec<usize>,
    /// Rounds, in each of which everybody has one turn [default: 9; 15 for keygen].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: Option<u32>,
    /// Seconds of each contender in each row, divided among the rounds [default: 0.5; 3 for keygen].
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Write the report as JSON; - writes it to standard output in place of the text.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the report.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Keep ratios and instruction counts for --compare.
    #[arg(long, value_name = "BASE")]
    pub save: Option<PathBuf>,
    /// Compare ratios and instruction counts with a file of --save.
    #[arg(long, value_name = "BASE")]
    pub compare: Option<PathBuf>,
    /// Fail where something got worse than the baseline by more than this.
    #[arg(long, value_name = "PERCENT", requires = "compare", value_parser = percent)]
    pub fail_over: Option<f64>,
    /// Keep OpenSSL and AWS-LC from AVX512-IFMA: starts the program again with OPENSSL_ia32cap=:~0x200000.
    #[arg(long)]
    pub mask_ifma: bool,
    /// Do not count instructions, even where valgrind is installed.
    #[arg(long)]
    pub no_instructions: bool,
}

/// `jitsuin bench-once`
#[derive(Debug, Args)]
pub(crate) struct BenchOnce {
    /// Short name of a row.
    pub row: String,
    /// Short name of a contender.
    pub contender: String,
    /// How often, after once to make everything ready.
    pub times: u64,
    /// A key or a card that the benchmark wrote.
    pub made: PathBuf,
}

/// A time that somebody is willing to wait.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "give seconds from 0.001 to 3600".into())
}

/// `5%` or `5` as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').parse().ok().filter(|percent| (0.0..100.0).contains(percent));
    percent.map(|percent: f64| percent / 100.0).ok_or_else(|| "give a percentage from 0 to 100, such as 5%".into())
}
