//! The crate `myna`, as a program: it reads with Le FF, and its checks of certificates are its own.
//!
//! The crate cannot present the signature password (its check of passwords is not written), so the signature key is not tried.

use clients::{fail, show};
use myna::{
    card::{Apdu, KeyType},
    crypto,
};
use std::{fmt::Debug, fs};

const USAGE: &str = "myna card
       myna certificate
       myna tries auth|sign
       myna sign PIN HEX
       myna challenge LENGTH
       myna chain CERTIFICATE.der CA.der
       myna signature CERTIFICATE.der SHA256-HEX SIGNATURE-HEX";

/// The link that the crate leaves to its user.
struct Link(pcsc::Card);

impl Apdu for Link {
    type TransErr = pcsc::Error;

    fn transmit(&self, command: Vec<u8>) -> Result<Vec<u8>, pcsc::Error> {
        let mut answer = [0; pcsc::MAX_BUFFER_SIZE];
        self.0.transmit(&command, &mut answer).map(<[u8]>::to_vec)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Err(error) = run(&arguments) {
        fail(&error);
    }
}

/// The crate's errors are no standard errors, but they can be shown.
fn told<T>(result: Result<T, impl Debug>) -> Result<T, String> {
    result.map_err(|error| format!("{error:?}"))
}

fn card() -> Result<Link, String> {
    let context = told(pcsc::Context::establish(pcsc::Scope::User))?;
    let readers = told(context.list_readers_owned())?;
    let reader = readers.first().ok_or("no reader")?;
    told(context.connect(reader, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)).map(Link)
}

fn run(arguments: &[&str]) -> Result<(), String> {
    let file = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
    match arguments {
        ["card"] => show("card", &told(card()?.is_mynumber_card())?),
        ["certificate"] => show("certificate", &hex::encode(told(card()?.get_cert(KeyType::UserAuth))?)),
        ["tries", "auth"] => show("tries", &told(card()?.get_retry_counter(KeyType::UserAuth))?),
        ["tries", "sign"] => show("tries", &told(card()?.get_retry_counter(KeyType::DigitalSign))?),
        ["sign", pin, input] => {
            let signature = told(card()?.compute_sig(pin, &told(hex::decode(input))?, KeyType::UserAuth))?;
            show("signature", &hex::encode(signature));
        }
        ["challenge", length] => show("challenge", &hex::encode(told(card()?.get_challenge(told(length.parse())?))?)),
        ["chain", certificate, authority] => {
            told(crypto::verify_cert(&file(certificate)?, &file(authority)?))?;
            show("chain", &"good");
        }
        ["signature", certificate, digest, signature] => {
            let key = told(crypto::extract_pubkey(&file(certificate)?))?;
            told(crypto::verify(key, &told(hex::decode(digest))?, &told(hex::decode(signature))?))?;
            show("signature", &"good");
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}
