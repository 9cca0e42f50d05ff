//! The PC/SC socket and vpcd, byte by byte, with a card that answers at once.

mod clients;
mod hostile;
mod many;
mod support;
mod vpcd;
