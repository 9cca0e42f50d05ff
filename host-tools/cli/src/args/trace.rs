//! `jitsuin trace`

use super::Pins;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `jitsuin trace`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A trace is what `jitsuin serve --trace FILE` and `jitsuin ctl watch` write: JSON lines, secrets blanked. - is \
                        standard input. Format: docs/CONTROL.md."
)]
pub(crate) enum Trace {
    /// Print a trace for people.
    Show(TraceShow),
    /// Count commands, status words and times, and name the faults of clients.
    Stats(TraceFile),
    /// Compare two traces; exit code 1 where they differ.
    Diff(TraceDiff),
    /// Send the commands once more to a copy of a card; exit code 1 where it answers otherwise.
    Replay(TraceReplay),
    /// Write a trace in the format of another program.
    Export(TraceExport),
}

/// `jitsuin trace show`
#[derive(Debug, Args)]
pub(crate) struct TraceShow {
    /// Trace.
    pub file: PathBuf,
    /// Only what happened in this reader.
    #[arg(long, value_name = "NAME")]
    pub reader: Option<String>,
    /// With the bytes, as far as they are no secrets.
    #[arg(long)]
    pub bytes: bool,
}

/// `jitsuin trace stats`
#[derive(Debug, Args)]
pub(crate) struct TraceFile {
    /// Trace.
    pub file: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin trace diff`
#[derive(Debug, Args)]
pub(crate) struct TraceDiff {
    /// Trace.
    pub one: PathBuf,
    /// The other one.
    pub other: PathBuf,
}

/// `jitsuin trace replay`
#[derive(Debug, Args)]
#[command(
    after_help = "PINs are not in a trace. Where a right one was presented the value given here is sent, where a wrong one was, a \
                        wrong one of the same length. The card itself is never asked: nothing on it changes."
)]
pub(crate) struct TraceReplay {
    /// Trace.
    pub file: PathBuf,
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Only what happened in this reader.
    #[arg(long, value_name = "NAME")]
    pub reader: Option<String>,
    #[command(flatten)]
    pub pins: Pins,
}

/// Formats of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text that apdu4j writes and replays.
    Apdu4j,
    /// An input for OpenSC's fuzz targets: the ATR and every response.
    Opensc,
    /// A capture for Wireshark: one GSMTAP datagram an exchange.
    Pcap,
}

/// `jitsuin trace export`
#[derive(Debug, Args)]
#[command(after_help = "What was blanked is written as zeros.")]
pub(crate) struct TraceExport {
    /// Trace.
    pub file: PathBuf,
    /// Format.
    #[arg(long, value_enum)]
    pub format: Format,
    /// File to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Only what happened in this reader.
    #[arg(long, value_name = "NAME")]
    pub reader: Option<String>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
}
