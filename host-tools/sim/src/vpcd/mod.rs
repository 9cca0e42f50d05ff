//! vsmartcard's virtual reader, both sides of its wire.
//!
//! A reader listens, a card connects. Messages are a two-byte big-endian length and that many bytes; one byte is a control
//! (0 off, 1 on, 2 reset, 4 ATR), of which only 4 is answered; anything longer is a command APDU. (pcsc.md §1)
//!
//! The packaged reader writes length and body apart, so the kernel's delayed ACK costs 44 ms an APDU unless quick-ACK is armed
//! again before every read.

pub(crate) mod frame;
mod guest;
mod line;
pub mod message;
mod peer;

pub use guest::Listener;
pub use peer::Vpcd;

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
};

/// Why there is nobody to talk to.
#[derive(Debug, thiserror::Error)]
pub enum VpcdError {
    /// Not a host and port.
    #[error("{0}: not HOST:PORT ({1}); vpcd usually listens on 127.0.0.1:35963")]
    Address(String, io::Error),
    /// A host that is not this one.
    #[error(
        "{0}: not on this machine; vpcd knows no authentication, so name a loopback address or allow it explicitly"
    )]
    Remote(SocketAddr),
    /// Somebody else listens there, or nobody may.
    #[error("{0}: cannot listen there ({1}); is pcscd with vpcd running? choose another port")]
    Taken(SocketAddr, io::Error),
}

/// The address of this name, on this machine unless that is allowed.
fn address(name: &str, allow_remote: bool) -> Result<SocketAddr, VpcdError> {
    let found = name.to_socket_addrs().and_then(|mut all| all.next().ok_or(io::ErrorKind::NotFound.into()));
    let address = found.map_err(|error| VpcdError::Address(name.into(), error))?;
    if address.ip().is_loopback() || allow_remote { Ok(address) } else { Err(VpcdError::Remote(address)) }
}
