//! Card-verifiable certificates: the card manager's chain in GET DATA 00F7, 00F8 and 7F21. (card.md §10, §11)

use rand_core::CryptoRng;
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey, PublicKey, traits::PublicKeyParts};
use sha2::{Digest, Sha256};

/// Bytes of a key id.
pub const KEY_ID: usize = 16;
/// Bytes of a certificate body: issuer ‖ subject ‖ public key.
pub const BODY: usize = KEY_ID * 2 + PUBLIC_KEY;
/// Bytes of a certificate as GET DATA gives it.
pub const CERTIFICATE: usize = HEADER_LIST.len() + 5 + BODY + 5 + 256;

const PUBLIC_KEY: usize = 265;
/// Header list of the body: issuer, subject, public key.
const HEADER_LIST: [u8; 12] = [0x4D, 0x0A, 0x42, 0x10, 0x5F, 0x20, 0x10, 0x5F, 0x49, 0x82, 0x01, 0x09];

/// 証明者鍵ID and 被証明者鍵ID: seven digits, 08 05, three digits, four bytes. (card.md D-52)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; KEY_ID]);

impl KeyId {
    /// A key id of the simulator: the number begins with 8, so it collides with no real one.
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

/// What a card gets of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// GET DATA 00F7: key id of the intermediate.
    pub intermediate: KeyId,
    /// GET DATA 00F8: root → intermediate.
    pub first: Vec<u8>,
    /// GET DATA 7F21: intermediate → next key.
    pub second: Vec<u8>,
}

impl Chain {
    /// Makes three keys and the two certificates between them. The keys are forgotten: nothing else is signed with them.
    ///
    /// # Errors
    /// Of key generation or signing.
    pub fn create(rng: &mut impl CryptoRng) -> Result<(Self, PublicKey), rsa::Error> {
        let ids = [KeyId::new(b"8000020", b"001"), KeyId::new(b"8999930", b"002"), KeyId::new(b"8000050", b"001")];
        let root = PrivateKey::new(rng, 2048)?;
        let intermediate = PrivateKey::new(rng, 2048)?;
        let next = PrivateKey::new(rng, 2048)?;
        let first = certify(&root, ids[0], ids[1], intermediate.as_public_key(), rng)?;
        let second = certify(&intermediate, ids[1], ids[2], next.as_public_key(), rng)?;
        Ok((Chain { intermediate: ids[1], first, second }, root.as_public_key().clone()))
    }

    /// Whether both certificates hold under a root key.
    #[must_use]
    pub fn verifies(&self, root: &PublicKey) -> bool {
        verify(&self.first, root).is_some_and(|key| verify(&self.second, &key).is_some())
    }
}

fn certify(
    key: &PrivateKey,
    issuer: KeyId,
    subject: KeyId,
    public: &PublicKey,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, rsa::Error> {
    let mut body = [issuer.0, subject.0].concat();
    body.extend_from_slice(&[0x90, 0x03, 0x01, 0x00, 0x01, 0x91, 0x82, 0x01, 0x00]);
    let modulus = public.n().to_be_bytes();
    body.extend_from_slice(&modulus[modulus.len().saturating_sub(256)..]);
    let signature = key.sign_with_rng(rng, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&body))?;
    let mut certificate = HEADER_LIST.to_vec();
    certificate.extend_from_slice(&[0x5F, 0x4E, 0x82, 0x01, 0x29]);
    certificate.extend_from_slice(&body);
    certificate.extend_from_slice(&[0x5F, 0x37, 0x82, 0x01, 0x00]);
    certificate.extend_from_slice(&signature);
    Ok(certificate)
}

/// The certified key, if the certificate is well formed and holds.
#[must_use]
pub fn verify(certificate: &[u8], issuer: &PublicKey) -> Option<PublicKey> {
    let rest = certificate.strip_prefix(&HEADER_LIST)?.strip_prefix(&[0x5F, 0x4E, 0x82, 0x01, 0x29])?;
    let (body, rest) = rest.split_at_checked(BODY)?;
    let signature = rest.strip_prefix(&[0x5F, 0x37, 0x82, 0x01, 0x00])?;
    issuer.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(body), signature).ok()?;
    let key = body.get(KEY_ID * 2..)?.strip_prefix(&[0x90, 0x03, 0x01, 0x00, 0x01, 0x91, 0x82, 0x01, 0x00])?;
    PublicKey::new(BoxedUint::from_be_slice_vartime(key), 65_537u64.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::rng::SimRng;

    #[test]
    fn a_chain_has_the_measured_shape_and_holds() {
        let (chain, root) = Chain::create(&mut SimRng::seeded(11)).expect("keys");
        assert_eq!((chain.first.len(), chain.second.len()), (575, 575), "card.md §10");
        assert!(chain.verifies(&root));
        assert_eq!(&chain.intermediate.0[..], b"8999930\x08\x05002\0\0\0\0");
        let mut bad = chain.clone();
        bad.second[100] ^= 1;
        assert!(!bad.verifies(&root));
        assert!(chain.intermediate.0.starts_with(b"8"), "collides with no production, test or terminal id");
    }
}
