//! OpenSSL through the `openssl` crate: the EVP interface, blinding as it does by itself.

use super::Library;
use crate::{
    contender::Signer,
    error::Trouble,
    key::Key,
    keygen::{self, Generator},
};
use openssl::{
    error::ErrorStack,
    md::Md,
    pkey::{PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::{Padding, Rsa},
    sha::sha256,
};
use rsa::pkcs8::DecodePrivateKey;

pub(super) const LIBRARY: Library = Library {
    version: || openssl::version::version().to_owned(),
    protection: "EVP, blinded and checked",
    signer,
    generator: Some(|bits| Ok(Box::new(Keys { bits, made: None }))),
};

fn signer(key: &Key) -> Result<Box<dyn Signer>, Trouble> {
    let ready = || -> Result<PkeyCtx<Private>, ErrorStack> {
        let mut context = PkeyCtx::new(&*PKey::private_key_from_pkcs8(&key.pkcs8)?)?;
        context.sign_init()?;
        context.set_rsa_padding(Padding::PKCS1)?;
        context.set_signature_md(Md::sha256())?;
        Ok(context)
    };
    Ok(Box::new(Ready(ready().map_err(Trouble::failed)?)))
}

struct Ready(PkeyCtx<Private>);

impl Signer for Ready {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        match self.0.sign(&sha256(message), Some(&mut *signature)) {
            Ok(length) if length == signature.len() => Ok(()),
            Ok(length) => Err(Trouble::Wrong(format!("a signature of {length} bytes"))),
            Err(error) => Err(Trouble::failed(error)),
        }
    }
}

struct Keys {
    bits: usize,
    made: Option<Rsa<Private>>,
}

impl Generator for Keys {
    fn generate(&mut self) -> Result<(), Trouble> {
        let bits = u32::try_from(self.bits).map_err(Trouble::failed)?;
        self.made = Some(Rsa::generate(bits).map_err(Trouble::failed)?);
        Ok(())
    }

    fn take(&mut self) -> Result<rsa::PrivateKey, Trouble> {
        let made = self.made.take().ok_or_else(keygen::none)?;
        let der = PKey::from_rsa(made).and_then(|key| key.private_key_to_pkcs8()).map_err(Trouble::failed)?;
        rsa::PrivateKey::from_pkcs8_der(&der).map_err(Trouble::failed)
    }
}
