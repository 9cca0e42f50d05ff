//! What cases compute and check that bytes alone cannot say: digests, signatures, certificates, TLV, secure messaging.
//!
//! Each function takes values and gives one; where a check does not hold, it says why.

use crate::{messaging, shape};
use pki::relying;
use rsa::{PublicKey, traits::PublicKeyParts};
use sha2::{Digest, Sha256};

/// The bytes of a 2048-bit modulus.
const MODULUS: usize = 256;

type Answer = Result<Vec<u8>, String>;
type Work = fn(&[&[u8]]) -> Answer;

/// Name, number of arguments, work.
const ALL: [(&str, usize, Work); 21] = [
    // Two values are the same, or are not.
    ("equal", 2, |a| holds(a[0] == a[1], "the two are not the same")),
    ("differ", 2, |a| holds(a[0] != a[1], "the two are the same")),
    // Decimal digits in ASCII, and nothing else.
    ("digits", 1, |a| holds(a[0].iter().all(u8::is_ascii_digit), "not all digits")),
    ("utf8", 1, |a| holds(std::str::from_utf8(a[0]).is_ok(), "not UTF-8")),
    ("sha256", 1, |a| Ok(Sha256::digest(a[0]).to_vec())),
    // An ATR that offers T=1, with its check byte right.
    ("atr", 1, |a| shape::atr(a[0])),
    // One of several values, each with its length in front: `one-of({x}, [01] [0203])`.
    ("one-of", 2, |a| shape::one_of(a[0], a[1])),
    // The DER object at the beginning of a certificate file whose rest is 00. (card.md §6.3)
    ("certificate", 1, |a| shape::certificate(a[0])),
    // The same without looking at the rest.
    ("der", 1, |a| shape::der(a[0]).map(|(object, _)| object.to_vec())),
    // That a certificate was signed by this CA.
    ("chain", 2, |a| relying::chain(a[0], a[1]).map(|()| Vec::new()).map_err(|error| error.to_string())),
    // The modulus of a certificate's key.
    ("modulus", 1, |a| modulus(a[0])),
    // That the key opens a signature: scheme (P1 of 80 2A), what the card was given, signature, modulus.
    ("signature", 4, |a| signature(a[0], a[1], a[2], a[3])),
    // The object at the beginning of a 券面 file: contents, its two-byte tag.
    ("object", 2, |a| shape::object(a[0], a[1])),
    // What is in an object.
    ("value", 1, |a| shape::value(a[0])),
    // The object with this tag among those one after another.
    ("member", 2, |a| shape::member(a[0], a[1])),
    // Everything behind the object with this tag.
    ("after", 2, |a| shape::after(a[0], a[1])),
    // That the table in the first object of a file's object names the offset of each that follows.
    ("offsets", 1, |a| shape::offsets(a[0])),
    // Everything behind an object of a 券面 file is FF.
    ("filler", 2, |a| shape::filler(a[0], a[1])),
    // Key delivery of secure messaging: modulus and plaintext, encrypted with OAEP.
    ("deliver", 2, |a| messaging::deliver(a[0], a[1])),
    // Secure messaging: seed, counter, plaintext; and back.
    ("seal", 3, |a| messaging::seal(a[0], a[1], a[2])),
    ("open", 3, |a| messaging::open(a[0], a[1], a[2])),
];

/// One of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Function(usize);

impl Function {
    pub(crate) fn named(name: &str) -> Option<Function> {
        ALL.iter().position(|(known, ..)| *known == name).map(Function)
    }

    /// All names, for messages.
    pub(crate) fn names() -> String {
        ALL.map(|(name, ..)| name).join(", ")
    }

    pub(crate) fn arity(self) -> usize {
        ALL[self.0].1
    }

    /// Its value; why it does not hold otherwise.
    pub(crate) fn work(self, arguments: &[&[u8]]) -> Answer {
        if arguments.len() != self.arity() {
            return Err(format!("{} arguments", arguments.len()));
        }
        ALL[self.0].2(arguments)
    }
}

fn holds(holds: bool, otherwise: &str) -> Answer {
    if holds { Ok(Vec::new()) } else { Err(otherwise.into()) }
}

fn modulus(certificate: &[u8]) -> Answer {
    let key = relying::public_key(certificate).map_err(|error| error.to_string())?;
    if *key.e_bytes() != [1, 0, 1] {
        return Err("the public exponent is not 65537".into());
    }
    let bytes = key.n_bytes();
    if bytes.len() == MODULUS { Ok(bytes.to_vec()) } else { Err(format!("a modulus of {} bytes", bytes.len())) }
}

fn signature(scheme: &[u8], input: &[u8], signature: &[u8], modulus: &[u8]) -> Answer {
    let &[scheme] = scheme else { return Err("a scheme is one byte".into()) };
    let key = public_key(modulus)?;
    relying::opens(&key, scheme, input, signature).map(|()| Vec::new()).map_err(|error| error.to_string())
}

/// A key with the exponent that every key of the card has.
pub(crate) fn public_key(modulus: &[u8]) -> Result<PublicKey, String> {
    let modulus: &[u8; MODULUS] =
        modulus.try_into().map_err(|_| format!("a modulus has {MODULUS} bytes, not {}", modulus.len()))?;
    pki::keys::public(modulus).map_err(|error| error.to_string())
}
