//! `jitsuin client`

use super::{Now, Pin, day};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use time::Date;

/// `jitsuin client`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "The card is one of a world (WORLD CARD) or anybody's in a reader (--pcsc SOCKET). It is the card itself, no copy: \
                        a wrong PIN costs a try. Values given as - are read from standard input, a line each, and never printed."
)]
pub(crate) enum Client {
    /// Check which readers are seen, and whether a card is in them カードリーダの確認.
    Readers(ClientReaders),
    /// Show the certificates on the card 自分の証明書, and those of the CAs.
    Show(ClientShow),
    /// Write a certificate on the card into a file ファイル出力, DER.
    Export(ClientExport),
    /// Show how many tries each PIN has left, without spending one.
    Status(ClientStatus),
    /// Give a PIN a new value 暗証番号変更.
    ChangePin(ClientChangePin),
    /// Compare the CA certificates on the card with their published fingerprints フィンガープリント.
    Fingerprint(ClientFingerprint),
    /// Ask whether a certificate can be used 有効性確認, by OCSP or a CRL.
    Validity(ClientValidity),
    /// Apply over the network for the revocation of a certificate 失効申請, signed by the card.
    Revoke(ClientRevoke),
}

/// Which card, and when.
#[derive(Debug, Args)]
pub(crate) struct OnCard {
    /// World folder.
    #[arg(requires = "card", conflicts_with = "pcsc")]
    pub world: Option<PathBuf>,
    /// Card id.
    pub card: Option<String>,
    /// A reader behind this PC/SC socket, such as /run/pcscd/pcscd.comm.
    #[arg(long, value_name = "SOCKET")]
    pub pcsc: Option<PathBuf>,
    /// Name of the reader [default: the first].
    #[arg(long, value_name = "NAME", requires = "pcsc")]
    pub reader: Option<String>,
    /// The card in that reader may be somebody's real one: commands that could change it are not sent, and no PIN where a wrong one could
    /// be the last. Needed for every reader that is not one of `jitsuin serve`.
    #[arg(long, requires = "pcsc")]
    pub real_card: bool,
    #[command(flatten)]
    pub now: Now,
}

/// `jitsuin client readers`
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 where no reader has a card with the public certification application.")]
pub(crate) struct ClientReaders {
    /// The PC/SC socket: that of pcscd, or of `jitsuin serve --pcsc`.
    #[arg(long, value_name = "SOCKET", default_value = "/run/pcscd/pcscd.comm")]
    pub pcsc: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// In which language certificates are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// 日本語
    Ja,
    /// English
    En,
    /// Both.
    Both,
}

/// A certificate on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Certificate {
    /// 利用者証明用電子証明書
    OwnAuthentication,
    /// 署名用電子証明書; needs --sign-pin.
    OwnSignature,
    /// 署名用認証局
    CaSignature,
    /// 利用者証明用認証局
    CaAuthentication,
}

/// `jitsuin client show`
#[derive(Debug, Args)]
#[command(after_help = "With less than three months left, a notice says so on standard error.")]
pub(crate) struct ClientShow {
    #[command(flatten)]
    pub on: OnCard,
    /// Signature password 署名用暗証番号, which opens the signature certificate; - reads it from standard input.
    #[arg(long, value_name = "PASSWORD")]
    pub sign_pin: Option<String>,
    /// Language of labels and names.
    #[arg(long, default_value = "both")]
    pub lang: Language,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin client export`
#[derive(Debug, Args)]
pub(crate) struct ClientExport {
    #[command(flatten)]
    pub on: OnCard,
    /// Which certificate.
    #[arg(long)]
    pub certificate: Certificate,
    /// File to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Signature password 署名用暗証番号, for own-signature; - reads it from standard input.
    #[arg(long, value_name = "PASSWORD")]
    pub sign_pin: Option<String>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
}

/// `jitsuin client status`
#[derive(Debug, Args)]
pub(crate) struct ClientStatus {
    #[command(flatten)]
    pub on: OnCard,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin client change-pin`
#[derive(Debug, Args)]
#[command(
    after_help = "The signature password has 6 to 16 letters and digits and is folded to upper case, the others have 4 digits. What \
                        is easy to guess is advised against, and taken."
)]
pub(crate) struct ClientChangePin {
    #[command(flatten)]
    pub on: OnCard,
    /// Which PIN.
    #[arg(long)]
    pub pin: Pin,
    /// Its value now; - reads it from standard input.
    #[arg(long, value_name = "VALUE", default_value = "-")]
    pub old: String,
    /// Its new value; - reads it from standard input, after the old one.
    #[arg(long, value_name = "VALUE", default_value = "-")]
    pub new: String,
    /// Date of birth, to advise against parts of it [default: what a world has on record].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub birth: Option<Date>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin client fingerprint`
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 where a CA certificate of the card is not on the list.")]
pub(crate) struct ClientFingerprint {
    #[command(flatten)]
    pub on: OnCard,
    /// Published list: a JSON file, or http://HOST/fingerprints.json of an authority.
    #[arg(long, value_name = "FILE|URL")]
    pub list: Option<String>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin client validity`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0 for a certificate that is good, 1 for one that is held, revoked, expired or unknown."
)]
pub(crate) struct ClientValidity {
    #[command(flatten)]
    pub on: OnCard,
    /// Which certificate.
    #[arg(long, default_value = "own-authentication")]
    pub certificate: Certificate,
    /// Signature password 署名用暗証番号, for own-signature; - reads it from standard input.
    #[arg(long, value_name = "PASSWORD")]
    pub sign_pin: Option<String>,
    /// Ask this OCSP responder: http://HOST/ocsp/authentication or http://HOST/ocsp/signature.
    #[arg(long, value_name = "URL", required_unless_present = "crl", conflicts_with = "crl")]
    pub ocsp: Option<String>,
    /// Look into this CRL: a DER file, or http://HOST/crl/authentication.crl.
    #[arg(long, value_name = "FILE|URL")]
    pub crl: Option<String>,
    /// Token of a registered verifier.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "JITSUIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin client revoke`
#[derive(Debug, Args)]
#[command(
    after_help = "The request is signed with the key of the certificate that is to be revoked, and ends it for good. A suspended \
                        certificate is revoked at the counter instead."
)]
pub(crate) struct ClientRevoke {
    #[command(flatten)]
    pub on: OnCard,
    /// Send the request to this authority: http://HOST:PORT [default: the authorities of WORLD take it].
    #[arg(long, value_name = "URL", required_unless_present = "world")]
    pub to: Option<String>,
    /// Which certificate: own-authentication or own-signature.
    #[arg(long)]
    pub certificate: Certificate,
    /// The PIN of its key; - reads it from standard input.
    #[arg(long, value_name = "PIN", default_value = "-")]
    pub pin: String,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
