//! The simulated service 公的個人認証サービス as others reach it: over HTTP.
//!
//! # Design
//!
//! [`mod@authority`] is what the authorities tell: OCSP, CRLs, and the portal's pages of fingerprints and terms. What is true is
//! asked of a [`Registry`](authority::Registry) at every request, so nothing here can be out of date for longer than an answer's
//! own life; the certification authority's keys and formats are those of the `pki` crate.
//!
//! [`mod@revocations`] is where holders revoke their certificates from home.
//!
//! [`mod@reception`] is an office that takes signed applications, and the program that sends them.
//!
//! [`mod@login`] is a service that people log in to with their card, and the program that does it.
//!
//! [`mod@asking`] is the other end: a relying party that asks an authority, through the small client of [`mod@http`].
//!
//! [`mod@server`] carries a router over HTTP/1.1 under limits: connections, bytes, and times for everything that a peer could draw
//! out. It listens on loopback unless it is told otherwise.
//!
//! Logs go to `tracing` and have no token, no serial number and no person in them.
//!
//! # Not supported
//!
//! **TLS**: put a proxy in front of it where tokens leave the machine. **HTTP/2**.

pub mod asking;
pub mod authority;
pub mod http;
mod in_base64;
pub mod login;
pub mod problem;
pub mod reception;
pub mod revocations;
pub mod server;
