//! The ISO/IEC 7816-3 and 7816-4 codec: command and response APDUs, status words, BER-TLV and simple-TLV, for either side
//! of the reader. No `std`, no allocation, no `unsafe`; every parsed value borrows from its input.
//!
//! # Design
//!
//! *A view, not a judgement.* [`Command::parse`] tells what bytes say; whether a card supports them is the card's business.
//! It is total: any input gives a command or an [`Error`], a kind and the offset of the field that is wrong. A card that
//! checks CLA and INS before lengths reads [`Header::parse`] first, which needs four bytes and ignores the rest.
//!
//! *Open numbers.* What travels as a number stays one: [`Cla`], [`Sw`] and [`tlv::ber::Tag`] hold every value there is, and
//! meaning is asked of them ([`Cla::decode`], [`Sw::name`]), so nothing is lost between reading and writing.
//!
//! *One encoding for one value.* What [`Command::parse`], [`Response::parse`] and the TLV readers under
//! [`tlv::Rules::Strict`] accept, `encode` and the writers give back byte for byte.
//!
//! *Data fields stay out of logs.* They carry PINs and keys, so `Debug` of everything that borrows one prints its size only.
//!
//! ```
//! use apdu::{Command, Encoding, Response, Sw};
//!
//! let mut buffer = [0; 261];
//! let verify = Command::new(0x00, 0x20, 0x00, 0x80).with_data(b"1234");
//! let len = verify.encode(&mut buffer)?;
//! assert_eq!(buffer[..len], *b"\x00\x20\x00\x80\x041234");
//!
//! let seen = Command::parse(&buffer[..len])?;
//! assert_eq!((seen.ins, seen.data, seen.encoding()), (0x20, &b"1234"[..], Encoding::Case3S));
//!
//! let answer = Response::parse(&[0x63, 0xC2])?;
//! assert_eq!(answer.sw, Sw::tries_left(2));
//! assert_eq!(answer.sw.to_string(), "63C2 (wrong value, 2 tries left)");
//! # Ok::<(), apdu::Error>(())
//! ```
//!
//! # Not supported
//!
//! - **Protocols below the APDU**: no T=0 mapping (`61xx` and `6Cxx` are named, not acted on), no T=1 or ISO/IEC 14443-4 blocks.
//! - **Command chaining**: the bit of CLA is decoded, blocks are not joined.
//! - **Secure messaging**: its indication in CLA is decoded, its data objects are plain BER-TLV here.
//! - **BER**: **no indefinite lengths, no tags over three bytes, no lengths over three bytes** after the first (16 MiB).
//! - **COMPACT-TLV** (historical bytes of an ATR), **file control parameters and data object lists**: not decoded.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod cla;
mod command;
mod error;
mod response;
mod sink;
mod sw;
pub mod tlv;

pub use cla::{Cla, Class, Indications, SecureMessaging};
pub use command::{Command, Encoding, Form, Header, Ne};
pub use error::{Error, ErrorKind};
pub use response::Response;
pub use sw::{Category, Sw};
