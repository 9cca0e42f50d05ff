//! What is signed.

use sha2::{Digest, Sha256};

/// The message of every signature.
pub const MESSAGE: &[u8] = b"jitsuin bench: RSASSA-PKCS1-v1_5 with SHA-256";

/// DER of a DigestInfo for SHA-256 up to the digest. (RFC 8017 §9.2 note 1)
const INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// EMSA-PKCS1-v1_5 of a message's SHA-256: `00 01 FF… 00 ‖ DigestInfo`, filling `em`. (RFC 8017 §9.2)
///
/// `em` is as long as a modulus of at least 2048 bits; in one too short for the padding the result means nothing.
pub fn encode(message: &[u8], em: &mut [u8]) {
    let digest = Sha256::digest(message);
    let padding = em.len().saturating_sub(3 + INFO.len() + digest.len());
    let bytes = [0x00, 0x01].into_iter().chain(std::iter::repeat_n(0xFF, padding)).chain([0x00]);
    for (slot, byte) in em.iter_mut().zip(bytes.chain(INFO).chain(digest)) {
        *slot = byte;
    }
}
