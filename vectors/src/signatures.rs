//! NIST's signatures of `data/signatures.txt`: those to be made, and those to be judged.

use crate::blocks::{Block, blocks};

const FILE: &str = "signatures.txt";

/// A key with e = 65537, and the only PKCS#1 v1.5 signatures that it makes of some messages.
#[derive(Debug)]
pub struct Generation {
    /// Modulus, big-endian.
    pub n: Vec<u8>,
    /// Private exponent, as long as the modulus.
    pub d: Vec<u8>,
    /// What it signs.
    pub signatures: Vec<Signed>,
}

/// A message and its signature.
#[derive(Debug)]
pub struct Signed {
    /// `SHA-1`, `SHA-224`, `SHA-256`, `SHA-384` or `SHA-512`.
    pub hash: String,
    /// What is hashed.
    pub message: Vec<u8>,
    /// As long as the modulus.
    pub signature: Vec<u8>,
}

/// A signature, good or bad.
#[derive(Debug)]
pub struct Judged {
    /// Modulus, big-endian.
    pub n: Vec<u8>,
    /// Public exponent, big-endian.
    pub e: Vec<u8>,
    /// Message and signature.
    pub signed: Signed,
    /// What the file says: `P`, or `F` and what is wrong.
    pub result: String,
}

impl Judged {
    /// Whether the signature belongs to the message and the key.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.result == "P"
    }
}

/// Bytes of the salt of every PSS signature in the file.
pub const PSS_SALT: usize = 10;

/// The keys that sign with PKCS#1 v1.5.
///
/// # Panics
/// Where the file breaks the form.
#[must_use]
pub fn generation() -> Vec<Generation> {
    let generation = |block: &Block| Generation {
        n: block.get("n").to_vec(),
        d: block.get("d").to_vec(),
        signatures: block.fields[2..].chunks(2).map(signed).collect(),
    };
    blocks(FILE, "generation").iter().map(generation).collect()
}

/// The signatures to be judged: `pkcs1` or `pss`.
///
/// # Panics
/// Where the file breaks the form.
#[must_use]
pub fn verification(scheme: &str) -> Vec<Judged> {
    let judged = |block: &Block| -> Vec<Judged> {
        let judge = |fields: &[(String, Vec<u8>)]| Judged {
            n: block.get("n").to_vec(),
            e: fields[0].1.clone(),
            signed: signed(&fields[1..]),
            result: fields[2].0.clone(),
        };
        block.fields[1..].chunks(3).map(judge).collect()
    };
    blocks(FILE, scheme).iter().flat_map(judged).collect()
}

fn signed(fields: &[(String, Vec<u8>)]) -> Signed {
    let [(hash, message), (_, signature)] = fields else { panic!("a message and a signature") };
    Signed { hash: hash.clone(), message: message.clone(), signature: signature.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_whole() {
        let made: Vec<_> = generation().iter().map(|key| (key.n.len() * 8, key.signatures.len())).collect();
        assert_eq!(made, [(2048, 10), (3072, 5), (4096, 5)]);
        for (scheme, good, bad) in [("pkcs1", 6, 30), ("pss", 4, 20)] {
            let judged = verification(scheme);
            assert!(judged.iter().all(|judged| judged.is_good() || judged.result.starts_with("F (")));
            let counted = judged.iter().filter(|judged| judged.is_good()).count();
            assert_eq!((counted, judged.len() - counted), (good, bad), "{scheme}");
        }
    }
}
