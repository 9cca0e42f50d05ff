//! `jitsuin learn`

use clap::{Args, value_parser};
use std::path::PathBuf;

/// `jitsuin learn`
#[derive(Debug, Args)]
#[command(
    override_usage = "jitsuin learn [OPTIONS] [WORLD CARD]\n       jitsuin learn [OPTIONS] --pcsc SOCKET [--reader NAME]\n       \
                      jitsuin learn [OPTIONS] --from FILE",
    after_help = "Without WORLD CARD or --pcsc: the sample card, PINs 1234 and ABC123. It and a world's card are asked as copies in \
                  memory that are made anew for every word; they sign without RSA, in no time. A card in a reader begins anew by \
                  a power cycle, which gives no try back, or with --control by a snapshot of `jitsuin serve`.\n\n\
                  An answer is its status word and length. Where one word is answered in two ways, the word is told and nothing \
                  is learned. The model of --diff knows an issued JPKI card: both PINs, the keys, SELECT, reading and challenges.\n\n\
                  Exit codes: 0 learned, and no difference where one was looked for; 1 a difference, or nothing learned; 2 wrong usage."
)]
pub(crate) struct Learn {
    /// World folder.
    #[arg(requires = "card", conflicts_with_all = ["pcsc", "from"])]
    pub world: Option<PathBuf>,
    /// Card id.
    pub card: Option<String>,
    /// A reader behind this PC/SC socket, such as /run/pcscd/pcscd.comm.
    #[arg(long, value_name = "SOCKET", conflicts_with = "from")]
    pub pcsc: Option<PathBuf>,
    /// Name of the reader [default: the first].
    #[arg(long, value_name = "NAME", requires = "pcsc")]
    pub reader: Option<String>,
    /// The card in that reader may be somebody's real one. Needed for every reader that is not one of `jitsuin serve`.
    #[arg(long, requires = "pcsc")]
    pub real_card: bool,
    /// Control channel of the `jitsuin serve` that has the reader: the card is restored before every word, and at the end.
    #[arg(long, value_name = "PATH", requires_all = ["pcsc", "reader"], conflicts_with = "real_card")]
    pub control: Option<PathBuf>,
    /// Send symbols that spend tries or change the card to one in a reader that does not restore it; with --real-card without a guard.
    #[arg(long, requires = "pcsc")]
    pub allow_destructive: bool,
    /// Take what was learned before from this JSON file, and ask no card.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["alphabet", "extra", "random", "seed"])]
    pub from: Option<PathBuf>,
    /// What the card is asked: a text of lines NAME COMMAND, or NAME COMMAND destructive [default: both PINs of JPKI].
    #[arg(long, value_name = "FILE")]
    pub alphabet: Option<PathBuf>,
    /// Print the alphabet, to make one's own from.
    #[arg(long)]
    pub print_alphabet: bool,
    /// Try every word that could show so many states beyond those that were found.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u8).range(0..=4))]
    pub extra: u8,
    /// Try so many random words before those.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub random: u32,
    /// Where the random words come from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Write the automaton to a file, readable by you alone: .json for --from and --diff, or .dot for Graphviz (`dot -Tsvg`).
    #[arg(long, value_name = "FILE")]
    pub out: Vec<PathBuf>,
    /// Overwrite files.
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Name the shortest word that tells it apart from the model of the specification, or from what is in this JSON file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "model")]
    pub diff: Option<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
