//! PINs on the command line, and `jitsuin reset-pin`

use super::Now;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Which PIN of the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pin {
    /// User authentication PIN 利用者証明用暗証番号.
    Auth,
    /// Signature password 署名用暗証番号.
    Sign,
    /// 住民基本台帳用暗証番号, both times that the card holds it.
    Residents,
    /// 券面事項入力補助用暗証番号.
    Form,
}

impl Pin {
    /// Its name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Pin::Auth => "authentication",
            Pin::Sign => "signature",
            Pin::Residents => "residents",
            Pin::Form => "form",
        }
    }
}

/// PINs of a holder, as far as they are given.
#[derive(Debug, Args)]
pub(crate) struct Pins {
    /// User authentication PIN 利用者証明用暗証番号.
    #[arg(long, value_name = "PIN")]
    pub auth_pin: Option<String>,
    /// Signature password 署名用暗証番号.
    #[arg(long, value_name = "PASSWORD")]
    pub sign_pin: Option<String>,
    /// 券面事項入力補助用暗証番号.
    #[arg(long, value_name = "PIN")]
    pub form_pin: Option<String>,
}

/// `jitsuin reset-pin`
#[derive(Debug, Args)]
pub(crate) struct ResetPin {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Which PIN.
    pub pin: Pin,
    /// Its new value.
    pub value: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
