//! Everything around the card that is not an authority.

pub mod card;
pub mod engine;
pub mod explain;
pub mod image;
pub mod issuer;
pub mod nvm;
pub mod pcsc;
pub mod reader;
pub mod rng;
pub mod sample;
pub mod slot;
pub mod trace;
pub mod vpcd;
