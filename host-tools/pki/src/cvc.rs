//! Card-verifiable certificates: their forms, and the card manager's chain in GET DATA 00F7, 00F8 and 7F21. (card.md §10, §11)

use crate::keys;
use rand_core::CryptoRng;
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey, PublicKey, traits::PublicKeyParts};
use sha2::{Digest, Sha256};

/// Bytes of a key id.
pub const KEY_ID: usize = 16;
/// Bytes of a public key with its objects.
pub const PUBLIC_KEY: usize = PUBLIC_KEY_HEAD.len() + 256;
/// Bytes of a certificate body: issuer ‖ subject ‖ public key.
pub const BODY: usize = KEY_ID * 2 + PUBLIC_KEY;

const PUBLIC_KEY_HEAD: [u8; 9] = [0x90, 0x03, 0x01, 0x00, 0x01, 0x91, 0x82, 0x01, 0x00];
/// Header list of the body: issuer, subject, public key.
const HEADER_LIST: [u8; 12] = [0x4D, 0x0A, 0x42, 0x10, 0x5F, 0x20, 0x10, 0x5F, 0x49, 0x82, 0x01, 0x09];
/// Template around body and signature, as EF 0004 and terminal certificates have it.
const TEMPLATE: [u8; 5] = [0x7F, 0x21, 0x82, 0x02, 0x33];
const BODY_HEAD: [u8; 5] = [0x5F, 0x4E, 0x82, 0x01, 0x29];
const SIGNATURE_HEAD: [u8; 5] = [0x5F, 0x37, 0x82, 0x01, 0x00];

/// 証明者鍵ID and 被証明者鍵ID: seven digits, 08 05, three digits, four bytes. (card.md D-52)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; KEY_ID]);

impl KeyId {
    /// The key id with this number and version: the bytes between are what every known card has, and the four behind are 00.
    ///
    /// Any number is taken. Those of the simulator begin with 8 for keys of its chains and 99999 for the subjects of EF 0004, and so
    /// collide with no production (5), test (6) or terminal (9200…) id. (card.md D-52)
    #[must_use]
    pub fn new(number: &[u8; 7], version: &[u8; 3]) -> Self {
        let mut id = [0; KEY_ID];
        let bytes = number.iter().chain(&[0x08, 0x05]).chain(version);
        for (slot, byte) in id.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        KeyId(id)
    }
}

/// RSA public key as cards have it: `90 03 01 00 01 ‖ 91 82 01 00 ‖ n`, 265 bytes. (card.md §9.0)
#[must_use]
pub fn public_key(modulus: &[u8; 256]) -> Vec<u8> {
    [&PUBLIC_KEY_HEAD[..], modulus].concat()
}

/// Modulus of an RSA-2048 key.
///
/// # Errors
/// [`rsa::Error::InvalidModulus`] for a key of another size.
pub fn modulus(key: &PublicKey) -> Result<[u8; 256], rsa::Error> {
    let bytes = key.n().to_be_bytes();
    bytes.last_chunk().copied().filter(|_| key.size() == 256).ok_or(rsa::Error::InvalidModulus)
}

/// A card-verifiable certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    body: Vec<u8>,
    signature: Vec<u8>,
}

impl Certificate {
    /// Certifies a key: RSASSA-PKCS1-v1_5 with SHA-256 over the body.
    ///
    /// # Errors
    /// Of signing, or for a key that is not RSA-2048.
    pub fn issue(
        key: &PrivateKey,
        issuer: KeyId,
        subject: KeyId,
        public: &PublicKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, rsa::Error> {
        let body = [&issuer.0[..], &subject.0, &public_key(&modulus(public)?)].concat();
        let signature = key.sign_with_rng(rng, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&body))?;
        Ok(Certificate { body, signature })
    }

    /// As GET DATA gives it: a header list in front, 575 bytes.
    #[must_use]
    pub fn data_object(&self) -> Vec<u8> {
        [&HEADER_LIST[..], &BODY_HEAD, &self.body, &SIGNATURE_HEAD, &self.signature].concat()
    }

    /// As EF 0004 holds it: one template, 568 bytes.
    #[must_use]
    pub fn file(&self) -> Vec<u8> {
        [&TEMPLATE[..], &BODY_HEAD, &self.body, &SIGNATURE_HEAD, &self.signature].concat()
    }

    /// The data fields of the two steps of `80 A2`, 307 and 261 bytes. (card.md §12)
    #[must_use]
    pub fn terminal_steps(&self) -> [Vec<u8>; 2] {
        [[&TEMPLATE[..], &BODY_HEAD, &self.body].concat(), [&SIGNATURE_HEAD[..], &self.signature].concat()]
    }

    /// Takes either form apart.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&HEADER_LIST).or_else(|| bytes.strip_prefix(&TEMPLATE))?;
        let (body, rest) = rest.strip_prefix(&BODY_HEAD)?.split_at_checked(BODY)?;
        let signature = rest.strip_prefix(&SIGNATURE_HEAD).filter(|signature| signature.len() == 256)?;
        Some(Certificate { body: body.into(), signature: signature.into() })
    }

    /// 証明者鍵ID, who signed.
    #[must_use]
    pub fn issuer(&self) -> KeyId {
        KeyId(self.body.first_chunk().copied().unwrap_or_default())
    }

    /// 被証明者鍵ID, whose key it is.
    #[must_use]
    pub fn subject(&self) -> KeyId {
        KeyId(self.body.get(KEY_ID..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default())
    }

    /// The certified key, if the issuer's key made the signature.
    #[must_use]
    pub fn verify(&self, issuer: &PublicKey) -> Option<PublicKey> {
        issuer.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&self.body), &self.signature).ok()?;
        self.key()
    }

    /// The certified key, without asking who certified it.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        let key = self.body.get(KEY_ID * 2..)?.strip_prefix(&PUBLIC_KEY_HEAD)?;
        PublicKey::new(BoxedUint::from_be_slice_vartime(key), 65_537u64.into()).ok()
    }
}

impl std::fmt::Display for KeyId {
    /// As key ids are printed: `8000023/001`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        write!(f, "{}/{}", text(&self.0[..7]), text(&self.0[9..12]))
    }
}

/// What a card gets of the card manager's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// GET DATA 00F7: key id of the intermediate.
    pub intermediate: KeyId,
    /// GET DATA 00F8: root → intermediate.
    pub first: Vec<u8>,
    /// GET DATA 7F21: intermediate → next key.
    pub second: Vec<u8>,
    /// The root's public key, where the world still knows it: the first worlds did not keep it.
    pub root: Option<PublicKey>,
}

impl Chain {
    /// Makes three keys and the two certificates between them. The keys are forgotten: nothing else is signed with them.
    ///
    /// # Errors
    /// Of key generation or signing.
    pub fn create(rng: &mut impl CryptoRng) -> Result<Self, rsa::Error> {
        let ids = [KeyId::new(b"8000020", b"001"), KeyId::new(b"8999930", b"002"), KeyId::new(b"8000050", b"001")];
        let root = keys::generate(rng)?;
        let intermediate = keys::generate(rng)?;
        let next = keys::generate(rng)?;
        let first = Certificate::issue(&root, ids[0], ids[1], intermediate.as_public_key(), rng)?;
        let second = Certificate::issue(&intermediate, ids[1], ids[2], next.as_public_key(), rng)?;
        let (first, second) = (first.data_object(), second.data_object());
        Ok(Chain { intermediate: ids[1], first, second, root: Some(root.as_public_key().clone()) })
    }

    /// Whether both certificates hold under a root key.
    #[must_use]
    pub fn verifies(&self, root: &PublicKey) -> bool {
        let first = Certificate::parse(&self.first).and_then(|first| first.verify(root));
        first.is_some_and(|key| Certificate::parse(&self.second).is_some_and(|second| second.verify(&key).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::rng::SimRng;

    #[test]
    fn a_chain_has_the_measured_shape_and_holds() {
        let chain = Chain::create(&mut SimRng::seeded(11)).expect("keys");
        let root = chain.root.clone().expect("just made");
        assert_eq!((chain.first.len(), chain.second.len()), (575, 575), "card.md §10");
        assert!(chain.verifies(&root));
        assert_eq!(&chain.intermediate.0[..], b"8999930\x08\x05002\0\0\0\0");
        let mut bad = chain.clone();
        bad.second[100] ^= 1;
        assert!(!bad.verifies(&root));
        assert!(chain.intermediate.0.starts_with(b"8"), "collides with no production, test or terminal id");
        assert_eq!(chain.intermediate.to_string(), "8999930/002");
        let first = Certificate::parse(&chain.first).expect("parses");
        assert_eq!((first.file().len(), first.terminal_steps().map(|step| step.len())), (568, [307, 261]), "§10, §12");
        assert_eq!(Certificate::parse(&first.file()), Some(first));
    }
}
