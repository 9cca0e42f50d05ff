//! The host's side of the secure messaging of 入力補助: key delivery and the cipher. (card.md §13)

use crate::function::public_key;
use aes::{
    Aes128,
    cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use rsa::Oaep;
use sha2::Sha256;
use sim::rng::SimRng;

const BLOCK: usize = 16;

type Answer = Result<Vec<u8>, String>;
type Block = [u8; BLOCK];

/// RSAES-OAEP with SHA-256 and MGF1-SHA-256, empty label.
pub(crate) fn deliver(modulus: &[u8], plain: &[u8]) -> Answer {
    let key = public_key(modulus)?;
    let mut rng = SimRng::from_os().map_err(|error| error.to_string())?;
    key.encrypt(&mut rng, Oaep::<Sha256>::new(), plain).map_err(|error| error.to_string())
}

/// Pads and encrypts: AES-128-CBC, the initial block made of the counter.
pub(crate) fn seal(seed: &[u8], counter: &[u8], plain: &[u8]) -> Answer {
    let (cipher, mut last) = session(seed, counter)?;
    let mut padded = plain.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(BLOCK), 0);
    let mut out = Vec::with_capacity(padded.len());
    for chunk in padded.chunks_exact(BLOCK) {
        let mut block: Block = std::array::from_fn(|at| chunk[at] ^ last[at]);
        cipher.encrypt_block((&mut block).into());
        out.extend_from_slice(&block);
        last = block;
    }
    Ok(out)
}

/// Decrypts and removes the padding.
pub(crate) fn open(seed: &[u8], counter: &[u8], sealed: &[u8]) -> Answer {
    let (cipher, mut last) = session(seed, counter)?;
    let (blocks, []) = sealed.as_chunks::<BLOCK>() else {
        return Err(format!("a cryptogram of {} bytes", sealed.len()));
    };
    let mut out = Vec::with_capacity(sealed.len());
    for sealed in blocks {
        let mut block = *sealed;
        cipher.decrypt_block((&mut block).into());
        out.extend(block.iter().zip(last).map(|(byte, last)| byte ^ last));
        last = *sealed;
    }
    let end = out.iter().rposition(|byte| *byte != 0).filter(|end| out[*end] == 0x80);
    match end {
        Some(end) if out.len() - end <= BLOCK => out.truncate(end),
        _ => return Err("the padding is not 80 00…".into()),
    }
    Ok(out)
}

/// The cipher and the first block: the counter, encrypted.
fn session(seed: &[u8], counter: &[u8]) -> Result<(Aes128, Block), String> {
    let key: Block = *seed.first_chunk().ok_or("a seed has 16 bytes or more")?;
    let cipher = Aes128::new(&Array::from(key));
    let mut block = [0; BLOCK];
    let place = BLOCK.checked_sub(counter.len()).ok_or("a counter has at most 16 bytes")?;
    block[place..].copy_from_slice(counter);
    cipher.encrypt_block((&mut block).into());
    Ok((cipher, block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_and_nothing_else() {
        for length in [0, 1, 15, 16, 17, 100] {
            let plain = vec![0x80; length];
            let sealed = seal(&[7; 32], &[0, 1], &plain).expect("seals");
            assert_eq!(sealed.len() % BLOCK, 0);
            assert_eq!(open(&[7; 32], &[1], &sealed).expect("opens"), plain);
            assert!(open(&[8; 32], &[1], &sealed).is_err_and(|_| true) || length == 0);
        }
        assert!(open(&[7; 32], &[1], &[0; 15]).is_err() && open(&[7; 32], &[1], &[]).is_err());
    }

    #[test]
    fn the_cipher_is_cbc_after_an_encrypted_counter() {
        // NIST SP 800-38A F.2.1: key, IV, first plaintext and first ciphertext block of CBC-AES128.
        let bytes = |text: &str| hex::decode(text).expect("hex");
        let key = bytes("2b7e151628aed2a6abf7158809cf4f3c");
        let iv: Block = bytes("000102030405060708090a0b0c0d0e0f").try_into().expect("a block");
        // The counter whose encryption is that IV.
        let mut counter = iv;
        Aes128::new(&Array::from(<Block>::try_from(&key[..]).expect("a key"))).decrypt_block((&mut counter).into());
        let sealed = seal(&key, &counter, &bytes("6bc1bee22e409f96e93d7e117393172a")).expect("seals");
        assert_eq!(sealed[..BLOCK], bytes("7649abac8119b246cee98e9b12e9197d"));
    }
}
