//! The authorities around the card: TEST certificate authorities, residents, the client software, the relying party.
//!
//! # Design
//!
//! A certificate profile is code: [`mod@profile`] writes the extensions of each kind of certificate in their order, and
//! [`ca::Authority`] signs what it wrote with a builder. Dates are the [`birthday`] arithmetic of the service, on calendar days
//! in Japan, and nothing here reads a clock: callers say what time it is.
//!
//! What signs in a world are its [`authorities`]; who gives serial numbers and keeps the record is the `world` crate. The
//! [`harness`] proves a card from outside with nothing but a reader, PINs and the roots; a [`survey`] reads whatever it can; the
//! [`client`] is the resident's software. An [`application`] is a form that a card signs; [`relying`] is the checking side, from
//! paths to a verdict for each check, which re-encodes and compares and never parses padding.
//!
//! [`revocation`] is both sides of CRLs and OCSP: an authority's lists and answers, and what makes a relying party believe them.
//!
//! Names, policies and addresses in certificates are this simulator's own and say TEST; none can be taken for the real service's.
//!
//! # Not supported
//!
//! **Delta and indirect CRLs**, **more than one municipality**.

pub mod application;
pub mod authorities;
pub mod birthday;
pub mod ca;
pub mod card_record;
pub mod client;
pub mod cvc;
mod digits;
pub mod era;
pub mod files;
pub mod folder;
pub mod harness;
pub mod keys;
pub mod kind;
pub mod my_number;
pub mod person;
pub mod personalise;
pub mod profile;
pub mod reference;
pub mod relying;
pub mod resident;
pub mod revocation;
pub mod signer;
pub mod survey;
pub mod verifiable;
