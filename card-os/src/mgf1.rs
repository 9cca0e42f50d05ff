//! MGF1 with SHA-256, by which PSS and OAEP mask. (RFC 8017 §B.2.1)

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Adds the mask that `seed` gives to `target`.
pub fn mask(seed: &[u8], target: &mut [u8]) {
    // Both may be of a deciphered block; the hasher wipes itself, but not what it is moved from.
    let (mut hash, mut mask) = (Sha256::new(), Zeroizing::new([0; 32]));
    for (counter, chunk) in (0u32..).zip(target.chunks_mut(32)) {
        hash.update(seed);
        hash.update(counter.to_be_bytes());
        hash.finalize_into_reset((&mut *mask).into());
        for (slot, byte) in chunk.iter_mut().zip(mask.iter()) {
            *slot ^= byte;
        }
    }
}
