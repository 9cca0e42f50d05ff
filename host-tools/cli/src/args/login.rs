//! `jitsuin login`

use super::{Now, OnCard};
use clap::{Args, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// `jitsuin login`
#[derive(Debug, Subcommand)]
pub(crate) enum Login {
    /// Let people log in over HTTP until interrupted.
    Serve(LoginServe),
    /// Log in to a service with a card, and show its verdicts and the account.
    To(LoginTo),
}

/// `jitsuin login serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Paths: POST /challenges, POST /logins, GET /me, POST /transfers, POST /logout; JSON. Whether a certificate is \
                        revoked 失効情報 is asked of --ocsp at every login; without an answer nobody gets in."
)]
pub(crate) struct LoginServe {
    /// World folder: its user authentication CA 利用者証明用認証局 is trusted, its database keeps the accounts.
    pub world: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081")]
    pub http: SocketAddr,
    /// Let --http name another address than this machine's own.
    #[arg(long)]
    pub allow_remote: bool,
    /// OCSP responder: http://HOST/ocsp/authentication of an authority.
    #[arg(long, value_name = "URL")]
    pub ocsp: String,
    /// Token of a registered verifier 利用者証明検証者, for the responder.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "JITSUIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Host name that challenges carry and accounts belong to [default: HOST:PORT of --http].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Tell on standard error what is answered.
    #[arg(long)]
    pub log: bool,
    #[command(flatten)]
    pub now: Now,
}

/// `jitsuin login to`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1 where the service refuses. The session is closed again; with --json it stays open and its token is in \
                        the document.\nA renewed certificate 更新 has another serial number and would get another account: draw a code \
                        with --draw-transfer before, and give it with --transfer at the first login after."
)]
pub(crate) struct LoginTo {
    /// The service: http://HOST:PORT
    pub url: String,
    #[command(flatten)]
    pub on: OnCard,
    /// User authentication PIN 利用者証明用暗証番号; - reads it from standard input.
    #[arg(long, value_name = "PIN", default_value = "-")]
    pub pin: String,
    /// What the service calls itself in its challenges [default: the host of its URL].
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Transfer code 引継ぎコード of an account; - reads it from standard input, after the PIN.
    #[arg(long, value_name = "CODE", allow_hyphen_values = true)]
    pub transfer: Option<String>,
    /// Draw a transfer code, alone on the last line.
    #[arg(long)]
    pub draw_transfer: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
