//! The build canary: a card with seams that do nothing, on no operating system at all.
#![no_std]
#![forbid(unsafe_code)]

use apdu as _;
use card_os::{
    Card, Response,
    platform::{Engine, EngineFault, MODULUS, Nvm, NvmFault, PrivateKey},
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

impl Engine for Nothing {
    fn private<R: TryCryptoRng>(
        &mut self,
        _: &PrivateKey,
        _: &[u8; MODULUS],
        _: &mut [u8; MODULUS],
        _: &mut R,
    ) -> Result<(), EngineFault> {
        Err(EngineFault)
    }

    fn generate<R: TryCryptoRng>(&mut self, _: &mut R) -> Result<PrivateKey, EngineFault> {
        Err(EngineFault)
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

/// Keeps the engine reachable.
pub fn private(key: &engine::Components<'_>, input: &[u8], output: &mut [u8]) -> bool {
    let key = engine::Rsa2048::new(key);
    key.is_ok_and(|mut key| key.private(input, output, &mut Nothing).is_ok())
}

/// Keeps key generation reachable.
pub fn generate(out: &mut engine::ComponentsMut<'_>) -> bool {
    const PRIME: usize = 1024 / engine::limb::BITS as usize;
    let key = engine::generate::<PRIME, { 2 * PRIME }, _, _>(engine::arithmetic::Portable, &mut Nothing);
    key.is_ok_and(|key| key.write(out).is_ok())
}

/// Keeps the whole card reachable, so that it is compiled and not only checked.
pub fn transmit(command: &[u8], response: &mut Response) {
    if let Ok(mut card) = Card::mount(Nothing, Nothing, Nothing) {
        card.transmit(command, response);
    }
}
