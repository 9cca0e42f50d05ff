//! MGF1 with SHA-256, by which PSS and OAEP mask. (RFC 8017 §B.2.1)

use sha2::{Digest, Sha256};

/// Adds the mask that `seed` gives to `target`.
pub fn mask(seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0u32..).zip(target.chunks_mut(32)) {
        let mask = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        for (slot, byte) in chunk.iter_mut().zip(mask) {
            *slot ^= byte;
        }
    }
}
