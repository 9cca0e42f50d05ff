//! libpcsclite's own socket protocol: a server that unmodified PC/SC programs connect to, and a small client.
//!
//! With `PCSCLITE_CSOCK_NAME` set to the server's path, programs that use libpcsclite talk to this process instead of pcscd;
//! nothing needs to be installed as root. The message formats are those of pcsc.md §3.

mod client;
mod control;
mod proto;
mod server;
mod watch;

pub use client::{PcscReader, list_readers};
pub use server::{BindError, PATH_MAX, Server};
pub use watch::{Inside, Watch};

/// Environment variable in which libpcsclite looks for its socket.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
