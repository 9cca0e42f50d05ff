//! RSA private operations and key generation on fixed limbs, for 2048-, 3072- and 4096-bit keys of two primes and e = 65537. No `std`, no
//! allocation, no `unsafe`.
//!
//! # Design
//!
//! | module | what it is |
//! |---|---|
//! | [`limb`] | one machine word and its carries: 64 bits where the target has them, else 32 |
//! | [`natural`] | numbers of a fixed number of limbs, least significant first |
//! | [`schoolbook`] | product, square and reduction, row by row |
//! | [`arithmetic`] | the seam for accelerators, and [`Portable`](arithmetic::Portable), which needs none |
//! | [`modulus`] | Montgomery form, exponentiation with a fixed window |
//! | [`key`] | a private key: CRT, blinding, and the check without which nothing leaves |
//! | [`public`] | the public operation |
//! | [`check`] | whether the numbers of a key belong together |
//! | [`generate`](mod@generate) | key generation to FIPS 186-5 A.1.3, with the exponents |
//! | [`prime`] | tests of primality, two numbers at once, and the search for a prime |
//! | [`sieve`] | the numbers of an interval that no small prime divides |
//! | [`randomness`] | draws from a source that is not believed blindly |
//!
//! A key is prepared once ([`PrivateKey::new`]) and then used many times. Preparing divides nothing: constants come from
//! doubling and squaring, and inputs are brought below a prime by Montgomery reduction.
//!
//! # Side channels: claims and limits
//!
//! - No branch and no address of a private operation depends on a secret; of key generation, those of the sieve and the number
//!   of candidates do (see [`generate`](mod@generate)). Exponents are walked in windows of public width; table entries are
//!   selected by reading all of them; subtractions are masked, and the masks are hidden from the optimiser.
//! - Inputs are blinded with a fresh random pair when the key is prepared, squared after each use. Exponents are blinded on
//!   request ([`PrivateKey::blinding_exponents`]).
//! - A result is opened with the public exponent and compared before it leaves. One faulty CRT half would give the
//!   factors away (Boneh, DeMillo, Lipton 1997).
//! - Keys and intermediates are wiped when they go. Copies that the compiler made in registers or spilled are out of reach
//!   of safe code.
//! - Claimed for the source and for compilers that do not turn masks into branches. Power and electromagnetic leakage are
//!   outside of what a host program can claim.
//!
//! # Size
//!
//! RSA-2048 in the small configuration (features `limb32`, `window4` and `compact`, built for size): below 8 KiB of stack for a signature,
//! the key (2 KB) apart, and 11 KB of x86-64 code, 28 KB with key generation; with 64-bit limbs and a window of five, built for speed, 10 KB
//! of stack. Measured and limited by `card-os/engine/stack`.
//!
//! # Sources
//!
//! Montgomery 1985; Koç, Acar and Kaliski 1996 (product and reduction apart: "SOS"); RFC 8017 §5 for the primitives; FIPS 186-5
//! A.1.3 and B.3.1 for key generation; Jebelean 1993 (exact division); Brandt and Damgård 1993 (incremental search).
//!
//! # Not supported
//!
//! **Other public exponents**, **more than two primes**, **primes of different lengths**, **decryption** (there is no padding
//! here, and none may be parsed).
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

pub mod arithmetic;
pub mod check;
mod exponent;
pub mod generate;
pub mod key;
pub mod limb;
pub mod modulus;
pub mod natural;
pub mod prime;
pub mod public;
pub mod randomness;
pub mod schoolbook;
pub mod sieve;

pub use generate::{ComponentsMut, Generated, generate};
pub use key::{Components, EngineError, PrivateKey};

/// Limbs in so many bits.
#[must_use]
pub const fn limbs(bits: usize) -> usize {
    bits / limb::BITS as usize
}

/// RSA-2048: primes of 1024 bits.
pub type Rsa2048 = PrivateKey<{ limbs(1024) }, { limbs(2048) }>;
/// RSA-3072: primes of 1536 bits.
pub type Rsa3072 = PrivateKey<{ limbs(1536) }, { limbs(3072) }>;
/// RSA-4096: primes of 2048 bits.
pub type Rsa4096 = PrivateKey<{ limbs(2048) }, { limbs(4096) }>;
