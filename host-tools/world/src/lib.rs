//! A world of TEST cards, and everybody who has a say in it: the residents' register, the municipal counter, the call centre.
//!
//! # Design
//!
//! A [`mod@world`] is a folder with keys and card images, and a database with everything else: by default an SQLite file in the
//! folder, or PostgreSQL for many workers. The schema and the queries are one text for both ([`store`]).
//!
//! A procedure is one function and one transaction: all of it happens, or nothing. It takes what it changes, judges by [`status`]
//! (the states of the service, and which step is allowed from which), and writes into the [`ledger`], which the database lets
//! nobody change. Whoever acts on somebody's certificates holds the resident's row first, so that two procedures for one resident
//! come one after the other. Serial numbers are given before they are used and never twice; a gap means that something stopped.
//!
//! A card is not in the database: it is an image in the folder, personalised over a reader. [`issue`] puts certificates on record
//! together with the hand-over; what stops before leaves a card that can be taken up, and no certificate. [`batch`] does it for many at once.
//!
//! Others keep their record here too: the office that receives applications ([`application`]), services that people log in to
//! ([`account`]), the kiosk in a shop ([`kiosk`]). Each knows a holder by a certificate alone.
//!
//! Nothing here reads the real time but [`clock`], which every world can set.
//!
//! # Not supported
//!
//! **More than one municipality**, **TLS to PostgreSQL**. A seed makes a world reproducible and thereby public.

pub mod account;
pub mod application;
pub mod authority;
pub mod batch;
pub mod callcentre;
pub mod card;
pub mod certificate;
pub mod clock;
pub mod counter;
pub mod error;
pub mod fee;
mod half;
pub mod issue;
pub mod kiosk;
pub mod ledger;
mod old;
pub mod online;
mod paper;
pub mod register;
mod request;
mod residence;
pub mod status;
pub mod store;
pub mod world;

pub use crate::{
    card::Card,
    certificate::Certificate,
    error::WorldError,
    world::{IssuerKeys, Options, World},
};
