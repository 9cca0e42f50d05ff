//! AWS-LC through `aws-lc-rs`.

use super::Library;
use crate::{
    contender::Signer,
    error::Trouble,
    key::Key,
    keygen::{self, Generator},
    versions,
};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};
use rsa::pkcs8::DecodePrivateKey;

pub(super) const LIBRARY: Library = Library {
    version: || {
        let (bindings, library) = (versions::of("aws-lc-rs"), versions::of("aws-lc-sys"));
        format!("aws-lc-rs {bindings} (aws-lc-sys {library})")
    },
    protection: "blinded and checked",
    signer,
    generator: Some(generator),
};

fn signer(key: &Key) -> Result<Box<dyn Signer>, Trouble> {
    Ok(Box::new(Ready(KeyPair::from_pkcs8(&key.pkcs8).map_err(Trouble::failed)?, SystemRandom::new())))
}

struct Ready(KeyPair, SystemRandom);

impl Signer for Ready {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        self.0.sign(&RSA_PKCS1_SHA256, &self.1, message, signature).map_err(Trouble::failed)
    }
}

fn generator(bits: usize) -> Result<Box<dyn Generator>, Trouble> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        _ => return Err(Trouble::Failed(format!("no keys of {bits} bits"))),
    };
    Ok(Box::new(Keys { size, made: None }))
}

struct Keys {
    size: KeySize,
    made: Option<KeyPair>,
}

impl Generator for Keys {
    fn generate(&mut self) -> Result<(), Trouble> {
        self.made = Some(KeyPair::generate(self.size).map_err(Trouble::failed)?);
        Ok(())
    }

    fn take(&mut self) -> Result<rsa::PrivateKey, Trouble> {
        let made = self.made.take().ok_or_else(keygen::none)?;
        let der: Pkcs8V1Der<'_> = made.as_der().map_err(Trouble::failed)?;
        rsa::PrivateKey::from_pkcs8_der(der.as_ref()).map_err(Trouble::failed)
    }
}
