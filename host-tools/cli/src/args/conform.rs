//! `jitsuin conform`

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What `jitsuin conform` may do to a card that is no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Allowed {
    /// Present wrong values; the right one follows.
    SpendsTries,
    /// Change PINs; they are changed back.
    ChangesCard,
    /// Lock PINs for good.
    Locks,
    /// Everything.
    All,
}

/// `jitsuin conform`
#[derive(Debug, Args)]
#[command(
    after_help = "The card: WORLD CARD (each case gets a copy of it), --pcsc, or --vpcd. What is not a world's card is told by \
                  --subject FILE, or by --trait and secrets; docs/CONFORMANCE.md shows the file and lists the traits.\n\n\
                  A card that contradicts a measured fact fails. One that does otherwise than an assumption (C) or a \
                  decision (D-nn) of the specification differs, which is no failure without --strict.\n\n\
                  Exit codes: 0 the card conforms, 1 it does not, 2 wrong usage."
)]
pub(crate) struct Conform {
    /// World folder.
    #[arg(requires = "card", conflicts_with_all = ["pcsc", "vpcd"])]
    pub world: Option<PathBuf>,
    /// Card id.
    pub card: Option<String>,
    /// A reader behind this PC/SC socket, such as /run/pcscd/pcscd.comm.
    #[arg(long, value_name = "SOCKET", conflicts_with = "vpcd")]
    pub pcsc: Option<PathBuf>,
    /// Name of the reader [default: the first].
    #[arg(long, value_name = "NAME", requires = "pcsc")]
    pub reader: Option<String>,
    /// Be a vpcd reader here, and wait for a card program to connect.
    #[arg(long, value_name = "HOST:PORT")]
    pub vpcd: Option<String>,
    /// How long to wait for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "vpcd")]
    pub wait: u64,
    /// What is known of the card: TOML or JSON.
    #[arg(long, value_name = "FILE")]
    pub subject: Option<PathBuf>,
    /// Traits of the card, beside those of --subject or of the world.
    #[arg(long = "trait", value_name = "NAME,...", value_delimiter = ',')]
    pub traits: Vec<String>,
    /// Take secrets from a file, - for standard input: one NAME=VALUE a line. The environment works too:
    /// JITSUIN_SECRET_AUTHENTICATION, _SIGNATURE, _COMMON, _JUKI, _TEXT, _A, _B, _BIRTH.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// User authentication PIN of a world's card.
    #[arg(long, value_name = "PIN", default_value = "1234", requires = "card")]
    pub auth_pin: String,
    /// Signature password of a world's card.
    #[arg(long, value_name = "PASSWORD", default_value = "ABC123", requires = "card")]
    pub sign_pin: String,
    /// 住民基本台帳用暗証番号 of a world's card [default: as the user authentication PIN].
    #[arg(long, value_name = "PIN", requires = "card")]
    pub residents_pin: Option<String>,
    /// 券面事項入力補助用暗証番号 of a world's card [default: as the user authentication PIN].
    #[arg(long, value_name = "PIN", requires = "card")]
    pub form_pin: Option<String>,
    /// Use a world's card itself, over a PC/SC socket, instead of a copy for each case.
    #[arg(long, requires = "card")]
    pub in_place: bool,
    /// What may be done to a card that is no copy.
    #[arg(long, value_name = "EFFECT,...", value_delimiter = ',')]
    pub allow: Vec<Allowed>,
    /// Run these cases alone: ids such as SEL-003, or chapters such as SEL.
    #[arg(long = "case", value_name = "ID,...", value_delimiter = ',')]
    pub cases: Vec<String>,
    /// Add the cases of a folder of your own.
    #[arg(long = "cases", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Leave out what takes thousands of commands.
    #[arg(long)]
    pub quick: bool,
    /// List the cases instead of running them.
    #[arg(long)]
    pub list: bool,
    /// Fail for what differs, too.
    #[arg(long)]
    pub strict: bool,
    /// Write the report as JSON; - writes it to standard output in place of the text.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the report as one page of HTML.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
