//! `jitsuin kiosk`

use super::Now;
use clap::{Args, Subcommand, ValueEnum};
use pki::profile::Hierarchy;
use std::path::PathBuf;

/// `jitsuin kiosk`
#[derive(Debug, Subcommand)]
pub(crate) enum Kiosk {
    /// Print a copy of the resident record 住民票の写し as PDF for the holder of a card.
    Issue(KioskIssue),
    /// Reserve the reset of a PIN from a phone, with the other PIN and a comparison of the face.
    Reserve(KioskReserve),
    /// Reset the PIN that was reserved within the last 24 hours 暗証番号初期化.
    Reset(KioskReset),
}

/// A PIN of the public certification application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Jpki {
    /// 利用者証明用暗証番号
    Auth,
    /// 署名用暗証番号
    Sign,
}

impl From<Jpki> for Hierarchy {
    fn from(pin: Jpki) -> Self {
        match pin {
            Jpki::Auth => Hierarchy::Authentication,
            Jpki::Sign => Hierarchy::Signature,
        }
    }
}

/// `jitsuin kiosk issue`
#[derive(Debug, Args)]
pub(crate) struct KioskIssue {
    /// World folder, whose register prints.
    pub world: PathBuf,
    /// Card id of a card of this world; with --pcsc, the card in the reader.
    #[arg(required_unless_present = "pcsc", conflicts_with = "pcsc")]
    pub card: Option<String>,
    /// A reader behind this PC/SC socket.
    #[arg(long, value_name = "SOCKET")]
    pub pcsc: Option<PathBuf>,
    /// Name of the reader [default: the first].
    #[arg(long, value_name = "NAME", requires = "pcsc")]
    pub reader: Option<String>,
    /// The card in that reader may be somebody's real one; see `jitsuin client show --help`.
    #[arg(long, requires = "pcsc")]
    pub real_card: bool,
    /// User authentication PIN 利用者証明用暗証番号; - reads it from standard input.
    #[arg(long, value_name = "PIN", default_value = "-")]
    pub pin: String,
    /// File to write, PDF, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the My Number 個人番号 on it.
    #[arg(long)]
    pub my_number: bool,
    /// Ask this OCSP responder whether the certificate is revoked [default: the world's own record].
    #[arg(long, value_name = "URL")]
    pub ocsp: Option<String>,
    /// Token of a registered verifier, for the responder.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "JITSUIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin kiosk reserve`
#[derive(Debug, Args)]
pub(crate) struct KioskReserve {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Which PIN is to be reset.
    #[arg(long)]
    pub reset: Jpki,
    /// The other PIN; - reads it from standard input.
    #[arg(long, value_name = "PIN", default_value = "-")]
    pub pin: String,
    /// The face was compared with that on the card; here somebody says so, there a phone does.
    #[arg(long)]
    pub face_compared: bool,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin kiosk reset`
#[derive(Debug, Args)]
pub(crate) struct KioskReset {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Which PIN.
    #[arg(long)]
    pub pin: Jpki,
    /// Its new value; - reads it from standard input.
    #[arg(long, value_name = "VALUE", default_value = "-")]
    pub new: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
