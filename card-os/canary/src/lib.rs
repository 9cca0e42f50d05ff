//! The build canary: a card with seams that do nothing, on no operating system at all.
#![no_std]
#![forbid(unsafe_code)]

use apdu as _;
use card_os::{
    Card, Response,
    fixed::FixedEngine,
    platform::{Nvm, NvmFault},
};
use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

struct Nothing;

impl Nvm for Nothing {
    const PAGE: usize = 256;

    fn size(&self) -> usize {
        0
    }

    fn read(&self, _: usize, out: &mut [u8]) {
        out.fill(0xFF);
    }

    fn write(&mut self, _: usize, _: &[u8]) -> Result<(), NvmFault> {
        Err(NvmFault)
    }

    fn erase(&mut self, _: usize) -> Result<(), NvmFault> {
        Err(NvmFault)
    }
}

impl TryRng for Nothing {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for Nothing {}

/// Keeps the whole card reachable, so that it is compiled and not only checked.
pub fn transmit(command: &[u8], response: &mut Response) {
    if let Ok(mut card) = Card::mount(Nothing, FixedEngine::default(), Nothing) {
        card.transmit(command, response);
    }
}
