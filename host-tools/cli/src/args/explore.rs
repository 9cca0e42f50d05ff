//! `jitsuin explore`

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use trial::explore::Walk;

/// `jitsuin explore`
#[derive(Debug, Args)]
#[command(
    after_help = "Three walks: `pins`, both PINs of an issued card; `key-set`, the issuer's keys and channel in every phase of the life \
                  cycle; `contents`, what the issuer writes from a blank card to an invalid one. From every state every command is \
                  done: as it is, with the power cut in every word and page, and with memory that fails or does nothing. The start \
                  after a cut in chosen commands is cut again.\n\n\
                  Exit codes: 0 every invariant holds, 1 one does not and the way there is told, 2 wrong usage."
)]
pub(crate) struct Explore {
    /// Take this walk alone; may be given more than once.
    #[arg(long, value_name = "WALK", value_parser = PossibleValuesParser::new(Walk::ALL.map(Walk::name)).map(by_name))]
    pub walk: Vec<Walk>,
    /// Cut the start after cuts in many more commands again, and a third time after a wrong VERIFY; harm everything in every state of what the issuer
    /// writes: many millions of cuts, for a night.
    #[arg(long)]
    pub deep: bool,
    /// Print what was covered as JSON: a list with one entry for each walk.
    #[arg(long)]
    pub json: bool,
}

fn by_name(name: String) -> Walk {
    Walk::ALL.into_iter().find(|walk| walk.name() == name).expect("one of the possible values")
}
