//! A card whose RSA is a mirror: what goes in comes out. Everything around the private operation runs, at no cost.

use card_os::{
    Card, Response,
    platform::{Engine, EngineFault, MODULUS, PrivateKey},
    sign,
};
use rand_core::TryCryptoRng;
use sim::{nvm::Flash, rng::SimRng, sample};

/// The engine.
#[derive(Debug, Clone, Copy)]
pub struct Mirror;

impl Engine for Mirror {
    fn private<R: TryCryptoRng>(
        &mut self,
        _: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        _: &mut R,
    ) -> Result<(), EngineFault> {
        output.copy_from_slice(input);
        Ok(())
    }

    fn public(&mut self, _: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
        Some(*base)
    }

    /// Always the same pair, so that generating costs nothing.
    fn generate<R: TryCryptoRng>(&mut self, _: &mut R) -> Result<PrivateKey, EngineFault> {
        let [key, _] = sample::keys();
        Ok(sign::from_bytes(&sign::to_bytes(key)))
    }
}

/// The card under test.
pub type MirrorCard = Card<Flash, Mirror, SimRng>;

/// Sends one command.
pub fn transmit(card: &mut MirrorCard, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}
