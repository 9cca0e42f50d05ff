//! ring. It makes no RSA keys.

use super::Library;
use crate::{contender::Signer, error::Trouble, key::Key, versions};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};

pub(super) const LIBRARY: Library = Library {
    version: || format!("ring {}", versions::of("ring")),
    protection: "checked, not blinded",
    signer,
    generator: None,
};

fn signer(key: &Key) -> Result<Box<dyn Signer>, Trouble> {
    Ok(Box::new(Ready(RsaKeyPair::from_pkcs8(&key.pkcs8).map_err(Trouble::failed)?, SystemRandom::new())))
}

struct Ready(RsaKeyPair, SystemRandom);

impl Signer for Ready {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        self.0.sign(&RSA_PKCS1_SHA256, &self.1, message, signature).map_err(Trouble::failed)
    }
}
