//! A card in a real reader.

use clap::Args;
use std::path::PathBuf;

/// Which reader of which PC/SC service, and that it is known to be in earnest.
#[derive(Debug, Args)]
pub(crate) struct Real {
    /// A card in the reader of this name, instead of one of a world.
    #[arg(long, value_name = "NAME", requires = "real_card")]
    pub reader: Option<String>,
    /// Socket of the PC/SC service that has the reader.
    #[arg(long, value_name = "SOCKET", env = sim::pcsc::SOCKET_VARIABLE, default_value = sim::pcsc::SYSTEM_PATH)]
    pub pcsc: PathBuf,
    /// The card may be somebody's real one: commands that could change it are not sent, and no PIN where a wrong one could be the
    /// last.
    #[arg(long)]
    pub real_card: bool,
}
