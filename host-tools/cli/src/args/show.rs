//! `jitsuin show`, `card`

use super::Real;
use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

/// Values that open what is closed on a card. Wrong ones cost nothing.
#[derive(Debug, Args)]
pub(crate) struct Opening {
    /// User authentication PIN 利用者証明用暗証番号.
    #[arg(long, value_name = "PIN", requires = "which")]
    pub auth_pin: Option<String>,
    /// Signature password 署名用暗証番号.
    #[arg(long, value_name = "PASSWORD", requires = "which")]
    pub sign_pin: Option<String>,
    /// 券面事項入力補助用暗証番号: opens My Number and the four attributes.
    #[arg(long, value_name = "PIN", requires = "which")]
    pub form_pin: Option<String>,
    /// 照合番号A: the twelve digits of the My Number.
    #[arg(long, value_name = "DIGITS", requires = "which")]
    pub number_a: Option<String>,
    /// 照合番号B: birth (era YYMMDD), year of expiry, security code; fourteen digits.
    #[arg(long, value_name = "DIGITS", requires = "which")]
    pub number_b: Option<String>,
    /// 生年月日: date of birth as its key, era YYMMDD.
    #[arg(long, value_name = "DIGITS", requires = "which")]
    pub birth: Option<String>,
}

/// `jitsuin show`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").args(["card", "reader"])))]
#[command(
    after_help = "Of a card of a world everything happens on a copy in memory: the card itself is never asked, so no value given here \
                        costs one of its tries, and nothing on it changes. Of a card in a reader a wrong value costs a try, but never \
                        the last one. My Number and 照合番号 stay hidden without --reveal."
)]
pub(crate) struct Show {
    /// World folder.
    #[arg(required_unless_present = "reader", conflicts_with = "reader")]
    pub world: Option<PathBuf>,
    /// Card id; without one, the world's cards are listed.
    pub card: Option<String>,
    #[command(flatten)]
    pub real: Real,
    #[command(flatten)]
    pub opening: Opening,
    /// Take 照合番号A, 照合番号B and date of birth from the world's own record, as somebody does who sees the printed face.
    #[arg(long, requires = "card")]
    pub holder: bool,
    /// Read 券面事項入力補助AP through secure messaging; needs --form-pin.
    #[arg(long, requires_all = ["which", "form_pin"])]
    pub secure_messaging: bool,
    /// Show My Number, 照合番号A and B and the security code, and let --export write what holds them.
    #[arg(long)]
    pub reveal: bool,
    /// Write certificates (PEM), images (PNG, JP2), texts (JSON) and raw EFs (BIN) into this folder, readable by you alone.
    #[arg(long, value_name = "DIR", requires = "which")]
    pub export: Option<PathBuf>,
    /// Let --export overwrite files.
    #[arg(long, requires = "export")]
    pub force: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin card`
#[derive(Debug, Subcommand)]
pub(crate) enum Card {
    /// Draw a card as its holder sees it, with everything around it, in one HTML page.
    Report(CardReport),
}

/// `jitsuin card report`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").args(["card"])))]
#[command(
    after_help = "What is printed on the face opens the face data, out of the world's own record. Everything happens on a copy of \
                        the card in memory: no try is ever spent. The page needs no network and runs no program."
)]
pub(crate) struct CardReport {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Page to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    #[command(flatten)]
    pub opening: Opening,
    /// Show My Number on the back and the security code on the front.
    #[arg(long)]
    pub reveal: bool,
    /// Overwrite the page.
    #[arg(long)]
    pub force: bool,
}
