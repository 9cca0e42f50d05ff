//! `jitsuin explore`

use clap::Args;

/// `jitsuin explore`
#[derive(Debug, Args)]
#[command(
    after_help = "From every state of both PINs of an issued card every command is done: as it is, with the power cut in every \
                  word and page, and with memory that fails or does nothing. The start after a cut in VERIFY is cut again.\n\n\
                  Exit codes: 0 every invariant holds, 1 one does not and the way there is told, 2 wrong usage."
)]
pub(crate) struct Explore {
    /// Cut the start after every cut again, and a third time after a wrong VERIFY: many millions of cuts, for a night.
    #[arg(long)]
    pub deep: bool,
    /// Print what was covered as JSON.
    #[arg(long)]
    pub json: bool,
}
