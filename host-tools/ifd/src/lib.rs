//! An IFD handler: a library by which pcscd takes a running `jitsuin serve --pcsc` for a reader.
//!
//! # Design
//!
//! | module | what it is |
//! |---|---|
//! | `ffi` | the functions of `ifdhandler.h`: pointers become slices, panics become error codes; all `unsafe` is there |
//! | [`reader`] | one reader: a client of the server's socket, and a thread that watches it |
//! | [`code`] | the numbers of `ifdhandler.h` |
//!
//! A thin proxy: the card, its state and who may use it are the server's affair. The server going away is a card that was
//! taken out; its coming back is one that was put in. An insertion is told to pcscd at once, by the polling function.
//!
//! # Not supported
//!
//! **Several slots in one reader** (name several readers), **T=0**, **PIN pads**, **channels by number**.

pub mod code;
mod ffi;
pub mod reader;

pub use ffi::*;
