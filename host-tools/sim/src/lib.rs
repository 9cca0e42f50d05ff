//! Everything around the card that is not an authority: memory, engine, slot, sockets, traces.
//!
//! # Design
//!
//! A [`card`] is put into a [`slot`], and whoever wants to talk to it, through whatever door, does so through the slot: the
//! [PC/SC socket](pcsc), the [vpcd peer](vpcd) and [`slot::LocalReader`] share one card, one set of sharing rules and one
//! observer for [traces](trace). Host programs see all of them as a [`reader::Reader`], and stand behind a [`guard`] where the card
//! may be somebody's real one. A slot may hold a card of this process, one that came over [vpcd's wire](vpcd::Listener), or one
//! that runs as [firmware] in an emulator.
//!
//! Probes wrap the card's seams from outside and stack: [`nvm::Torn`] pulls the power at one word, [`nvm::Faulty`] fails or
//! lies. The card knows none of them.
//!
//! A [`session::Session`] is one card for programs that try millions of things with it: snapshots, cuts, no slot and no image.
//!
//! A [`card::StoredCard`] answers only after what it changed is on disk ([`image`]), so a killed process is a power cut and
//! nothing worse.
//!
//! # Not supported
//!
//! **Readers that come and go** while a server runs, **T=0**, **escape commands**, PIN pads for other than ASCII PINs; **Windows**. Images are
//! **not encrypted**: they are private by file mode.

pub mod atr;
pub mod backend;
pub mod card;
pub mod engine;
pub mod explain;
#[cfg(unix)]
pub mod firmware;
pub mod guard;
pub mod hostile;
pub mod image;
pub mod issuer;
pub mod nvm;
pub mod pcsc;
pub mod reader;
pub mod rng;
pub mod sample;
pub mod session;
pub mod slot;
pub mod trace;
pub mod vpcd;
