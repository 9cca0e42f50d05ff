//! The authorities around the card: TEST certificate authorities, residents, the municipal counter, the relying party.

pub mod birthday;
pub mod ca;
pub mod client;
pub mod counter;
pub mod cvc;
pub mod harness;
pub mod keys;
pub mod person;
pub mod personalise;
pub mod profile;
pub mod relying;
pub mod world;
