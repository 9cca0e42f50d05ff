//! graviola.

use super::Library;
use crate::{
    contender::Signer,
    error::Trouble,
    key::Key,
    keygen::{self, Generator},
    versions,
};
use graviola::signing::rsa::{KeySize, SigningKey};
use rsa::pkcs8::DecodePrivateKey;

pub(super) const LIBRARY: Library = Library {
    version: || format!("graviola {}", versions::of("graviola")),
    protection: "checked, not blinded",
    signer,
    generator: Some(generator),
};

/// graviola's errors have no text for people.
fn failed(error: graviola::Error) -> Trouble {
    Trouble::Failed(format!("{error:?}"))
}

/// graviola panics where the processor lacks what it is written in. (its `verify_cpu_features`)
fn insist() -> Result<(), Trouble> {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        let there = [has!("adx"), has!("aes"), has!("avx"), has!("avx2"), has!("bmi1"), has!("pclmulqdq")];
        if there.contains(&false) {
            return Err(Trouble::failed("this processor lacks one of adx, aes, avx, avx2, bmi1, pclmulqdq"));
        }
    }
    Ok(())
}

fn signer(key: &Key) -> Result<Box<dyn Signer>, Trouble> {
    insist()?;
    Ok(Box::new(Ready(SigningKey::from_pkcs8_der(&key.pkcs8).map_err(failed)?)))
}

struct Ready(SigningKey);

impl Signer for Ready {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        let length = signature.len();
        match self.0.sign_pkcs1_sha256(signature, message).map_err(failed)?.len() {
            made if made == length => Ok(()),
            made => Err(Trouble::Wrong(format!("a signature of {made} bytes"))),
        }
    }
}

fn generator(bits: usize) -> Result<Box<dyn Generator>, Trouble> {
    insist()?;
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
    made: Option<SigningKey>,
}

impl Generator for Keys {
    fn generate(&mut self) -> Result<(), Trouble> {
        self.made = Some(SigningKey::generate(self.size).map_err(failed)?);
        Ok(())
    }

    fn take(&mut self) -> Result<rsa::PrivateKey, Trouble> {
        let made = self.made.take().ok_or_else(keygen::none)?;
        let mut der = zeroize::Zeroizing::new([0; 4096]);
        rsa::PrivateKey::from_pkcs8_der(made.to_pkcs8_der(&mut *der).map_err(failed)?).map_err(Trouble::failed)
    }
}
