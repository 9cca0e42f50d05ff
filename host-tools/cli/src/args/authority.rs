//! `jitsuin authority`

use super::Now;
use clap::{Args, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// `jitsuin authority`
#[derive(Debug, Subcommand)]
pub(crate) enum Authority {
    /// Answer over HTTP until interrupted: OCSP, CRLs, fingerprints of the roots, terms.
    Serve(AuthorityServe),
    /// Register a verifier 署名検証者; its token stands alone on the last line, and nowhere else.
    Register(RegisterVerifier),
    /// End the registration of a verifier.
    End(EndVerifier),
    /// List the verifiers.
    Verifiers(ListVerifiers),
}

/// `jitsuin authority serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Paths: /ocsp/signature, /ocsp/authentication (POST and GET), /crl/signature.crl, /crl/signature/99999.crl, \
                        /fingerprints, /fingerprints.json, /terms; POST /revocations for holders. Verifiers send their token as `Authorization: Bearer TOKEN`.\n\
                        RUST_LOG is not read; --log tells what is answered, never to whom or about whom."
)]
pub(crate) struct AuthorityServe {
    /// World folder.
    pub world: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// Let --http name another address than this machine's own.
    #[arg(long)]
    pub allow_remote: bool,
    /// Answer everybody, not registered verifiers alone.
    #[arg(long)]
    pub open: bool,
    /// Sign OCSP answers with a P-256 key for clients without a preference, which takes a tenth of the time.
    #[arg(long)]
    pub ecdsa: bool,
    /// Tell on standard error what is answered.
    #[arg(long)]
    pub log: bool,
    #[command(flatten)]
    pub now: Now,
}

/// `jitsuin authority register`
#[derive(Debug, Args)]
pub(crate) struct RegisterVerifier {
    /// World folder.
    pub world: PathBuf,
    /// Its name.
    pub name: String,
    /// What it is, by number: 1 administrative body, 2 court, 3 designated body that receives attachments, 4 accredited
    /// certification business, 5 specified certification business, 6 provider of records, 7 professional association, 8 body of
    /// such providers.
    #[arg(long, value_name = "1..8", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub category: u8,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin authority end`
#[derive(Debug, Args)]
pub(crate) struct EndVerifier {
    /// World folder.
    pub world: PathBuf,
    /// Its name.
    pub name: String,
    #[command(flatten)]
    pub now: Now,
}

/// `jitsuin authority verifiers`
#[derive(Debug, Args)]
pub(crate) struct ListVerifiers {
    /// World folder.
    pub world: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}
