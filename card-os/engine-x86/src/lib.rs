//! Accelerators of the RSA engine for x86-64. `unsafe` is argued where it stands; one other crate has any, the IFD handler.
//!
//! # Design
//!
//! | module | what it is |
//! |---|---|
//! | [`adx`] | [`Adx`](adx::Adx): rows of a product with mulx, adcx and adox |
//! | [`ifma`] | [`Ifma`](ifma::Ifma): both primes of a key in one stream of AVX-512 IFMA vectors; constants and conversions |
//! | `montgomery` | the multiplication on lanes of 52 bits |
//! | `power` | exponentiation on lanes: a fixed window whose table is read whole |
//! | `vector` | the trait between those two and a processor |
//! | `zmm`, [`model`] | the processor, and a model of it in plain Rust |
//!
//! An accelerator is a value of a type that only its `detect` makes, and only where processor and operating system have what it
//! needs: holding one is the proof that its instructions exist. It is chosen when a key is loaded and stays with the key.
//!
//! Algorithms are written once over the trait. The model runs them on any machine and under tools that know no AVX-512, so
//! what is left to believe of the vectors is one instruction for each method of the trait; the script
//! `card-os/engine-x86/emulated` runs those in an emulator.
//!
//! # Side channels
//!
//! The claims of the `engine` crate hold here too, shown by `card-os/engine-x86/secrets` with valgrind: 0 reports with every secret
//! undefined, equal instruction counts. Vector registers are wiped after each exponentiation; general registers and what the
//! compiler spilled are not. The rows keep nothing beyond the engine's own scratch, which the engine wipes.
//!
//! # Limits
//!
//! 64-bit limbs only. A table of 32 entries makes 10 KB of stack for RSA-2048 and 20 KB for RSA-4096 on vectors: host programs
//! have that, chips use the portable code.
//!
//! # Sources
//!
//! Gueron and Krasnov, "Software implementation of modular exponentiation, using advanced vector instructions
//! architectures" (2012), for vectors of short digits; Intel's manual for mulx, adcx, adox (2014) and VPMADD52 (2019).
#![cfg_attr(not(test), no_std)]

#[cfg(target_arch = "x86_64")]
pub mod adx;
pub mod ifma;
pub mod model;
mod montgomery;
mod power;
#[cfg(target_arch = "x86_64")]
mod rows;
mod vector;
#[cfg(target_arch = "x86_64")]
mod zmm;
