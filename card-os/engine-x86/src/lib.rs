//! x
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
