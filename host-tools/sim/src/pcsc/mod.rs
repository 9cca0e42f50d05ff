//! libpcsclite's own socket protocol: a server that unmodified PC/SC programs connect to, and a small client.
//!
//! With `PCSCLITE_CSOCK_NAME` set to the server's path, programs that use libpcsclite talk to this process instead of pcscd;
//! nothing needs to be installed as root. The message formats are those of pcsc.md §3.
//!
//! Bytes become messages in [`Inbox`], messages are worked off by [`Session`], and both know nothing of sockets, so that a
//! fuzzer can drive them; the hub behind [`Server`] reads, writes and lends its threads.

mod client;
mod connection;
mod control;
mod frame;
mod hub;
mod pin_pad;
mod proto;
mod readers;
mod server;
mod session;
mod watch;

pub use client::{PcscReader, list_readers};
pub use frame::{FRAME_MAX, Frame, Inbox, Malformed};
pub use pin_pad::{PinPad, Pressed};
pub use readers::{Port, Readers, Sink};
pub use server::{BindError, PATH_MAX, SYSTEM_PATH, Server, Socket, private_listener};
pub use session::{Session, Taken};
pub use watch::{Inside, Watch};

/// Environment variable in which libpcsclite looks for its socket.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
