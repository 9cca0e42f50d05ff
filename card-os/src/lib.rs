//! A My Number Card operating system.
#![cfg_attr(not(test), no_std)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

pub mod access;
pub mod card;
pub mod command;
pub mod data;
pub mod file;
pub mod identity;
pub mod perso;
pub mod pin;
pub mod platform;
pub mod profile;
pub mod public;
pub mod refusal;
pub mod scp03;
pub mod session;
pub mod sign;
pub mod store;

pub use card::{Card, RESPONSE_MAX, Response};
