//! The `rsa` crate, which is always there.

use super::Library;
use crate::{
    contender::Signer,
    error::Trouble,
    key::Key,
    keygen::{self, Generator},
    versions,
};
use rsa::{Pkcs1v15Sign, PrivateKey};
use sha2::{Digest, Sha256};
use sim::rng::SimRng;

pub(super) const LIBRARY: Library = Library {
    version: || format!("rsa crate {}", versions::of("rsa")),
    protection: "blinded and checked",
    signer,
    generator: Some(generator),
};

fn signer(key: &Key) -> Result<Box<dyn Signer>, Trouble> {
    Ok(Box::new(Ready(key.rsa.clone(), SimRng::from_os().map_err(Trouble::failed)?)))
}

struct Ready(PrivateKey, SimRng);

impl Signer for Ready {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        let made = self.0.sign_with_rng(&mut self.1, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message));
        let made = made.map_err(Trouble::failed)?;
        if made.len() != signature.len() {
            return Err(Trouble::Wrong(format!("a signature of {} bytes", made.len())));
        }
        signature.copy_from_slice(&made);
        Ok(())
    }
}

fn generator(bits: usize) -> Result<Box<dyn Generator>, Trouble> {
    Ok(Box::new(Keys { bits, rng: keygen::rng(), made: None }))
}

struct Keys {
    bits: usize,
    rng: SimRng,
    made: Option<PrivateKey>,
}

impl Generator for Keys {
    fn generate(&mut self) -> Result<(), Trouble> {
        self.made = Some(PrivateKey::new(&mut self.rng, self.bits).map_err(Trouble::failed)?);
        Ok(())
    }

    fn take(&mut self) -> Result<PrivateKey, Trouble> {
        self.made.take().ok_or_else(keygen::none)
    }
}
