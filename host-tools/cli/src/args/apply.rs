//! `jitsuin apply`

use super::{Now, OnCard};
use clap::{Args, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// `jitsuin apply`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "The way of an application: `form` fills one in with what the card says of its holder, `sign` has the card sign it, \
                        `send` takes it to an office. `serve` is the office, `list` and `show` what it received, `verify` its checks alone."
)]
pub(crate) enum Apply {
    /// List the procedures, or fill in the form of one from the signature certificate on a card.
    Form(ApplyForm),
    /// Sign a form, or any other document, on a card 電子署名: CMS SignedData, DER.
    Sign(ApplySign),
    /// Send a signed form to a reception office, and show its verdicts.
    Send(ApplySend),
    /// Ask an office about an application that was sent to it.
    Status(ApplyStatus),
    /// Judge a signed form or document as a relying party 署名検証者 does, check by check.
    Verify(ApplyVerify),
    /// Receive applications over HTTP until interrupted 受付システム.
    Serve(ApplyServe),
    /// List the applications that were received.
    List(ApplyList),
    /// Show one of them; with --out, write the message that was accepted.
    Show(ApplyShow),
}

/// `jitsuin apply form`
#[derive(Debug, Args)]
pub(crate) struct ApplyForm {
    /// Which procedure, by name [default: list them].
    #[arg(long, value_name = "NAME", requires = "out")]
    pub procedure: Option<String>,
    #[command(flatten)]
    pub on: OnCard,
    /// A field of the form.
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub fields: Vec<String>,
    /// Signature password 署名用暗証番号, which opens the certificate; - reads it from standard input.
    #[arg(long, value_name = "PASSWORD", default_value = "-")]
    pub sign_pin: String,
    /// File to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apply sign`
#[derive(Debug, Args)]
pub(crate) struct ApplySign {
    /// What is signed.
    #[arg(long, value_name = "FILE")]
    pub form: PathBuf,
    #[command(flatten)]
    pub on: OnCard,
    /// Signature password 署名用暗証番号; - reads it from standard input.
    #[arg(long, value_name = "PASSWORD", default_value = "-")]
    pub sign_pin: String,
    /// File to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Leave the content out of the message.
    #[arg(long)]
    pub detached: bool,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apply send`
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 where the office refuses. The receipt stands alone on the last line.")]
pub(crate) struct ApplySend {
    /// The office: http://HOST:PORT
    pub url: String,
    /// The signed message.
    pub message: PathBuf,
    /// Its content, where it was left out.
    #[arg(long, value_name = "FILE")]
    pub content: Option<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apply status`
#[derive(Debug, Args)]
pub(crate) struct ApplyStatus {
    /// The office: http://HOST:PORT
    pub url: String,
    /// 受付番号
    pub number: i64,
    /// What `send` printed on its last line; - reads it from standard input.
    #[arg(long, value_name = "RECEIPT", allow_hyphen_values = true, default_value = "-")]
    pub receipt: String,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apply verify`
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 where every check holds, 1 where one does not or nobody could be asked.")]
pub(crate) struct ApplyVerify {
    /// The signed message, CMS in DER.
    pub message: PathBuf,
    /// Its content, where it was left out.
    #[arg(long, value_name = "FILE")]
    pub content: Option<PathBuf>,
    /// A trusted root certificate, PEM or DER; may be given more than once.
    #[arg(long = "root", value_name = "FILE", required = true)]
    pub roots: Vec<PathBuf>,
    /// It is any document and no application form: its attributes are not compared.
    #[arg(long)]
    pub document: bool,
    /// Ask this OCSP responder whether the certificate is revoked: http://HOST/ocsp/signature.
    #[arg(long, value_name = "URL", required_unless_present = "crl", conflicts_with = "crl")]
    pub ocsp: Option<String>,
    /// Look into this CRL, a DER file.
    #[arg(long, value_name = "FILE")]
    pub crl: Option<PathBuf>,
    /// Token of a registered verifier, for the responder.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "JITSUIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apply serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Paths: POST /applications, GET /applications/NUMBER, GET /forms, GET /forms/NAME. Whether a certificate is revoked \
                        失効情報 is asked of --ocsp for every application; without an answer none is accepted."
)]
pub(crate) struct ApplyServe {
    /// World folder: its authorities are trusted, its database keeps the applications.
    pub world: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    pub http: SocketAddr,
    /// Let --http name another address than this machine's own.
    #[arg(long)]
    pub allow_remote: bool,
    /// OCSP responder: http://HOST/ocsp/signature of an authority.
    #[arg(long, value_name = "URL")]
    pub ocsp: String,
    /// Token of a registered verifier 署名検証者, for the responder.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "JITSUIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Tell on standard error what is answered.
    #[arg(long)]
    pub log: bool,
    #[command(flatten)]
    pub now: Now,
}

/// `jitsuin apply list`
#[derive(Debug, Args)]
pub(crate) struct ApplyList {
    /// World folder.
    pub world: PathBuf,
    /// Those after the one with this number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub after: i64,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apply show`
#[derive(Debug, Args)]
pub(crate) struct ApplyShow {
    /// World folder.
    pub world: PathBuf,
    /// 受付番号
    pub number: i64,
    /// File to write the message to, where it was accepted; readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
