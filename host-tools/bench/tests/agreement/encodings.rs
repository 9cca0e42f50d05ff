//! What stands in a signature: the encodings of RFC 8017, written once more, for judges.

use sha2::Digest;

/// EMSA-PKCS1-v1_5; `None` for hashes that are not of the SHA-1 and SHA-2 families. Prefixes: RFC 8017 §9.2 note 1.
pub(crate) fn encode(hash: &str, message: &[u8], size: usize) -> Option<Vec<u8>> {
    let (prefix, digest) = match hash {
        "SHA-1" => ("3021300906052b0e03021a05000414", sha1::Sha1::digest(message).to_vec()),
        "SHA-224" => ("302d300d06096086480165030402040500041c", sha2::Sha224::digest(message).to_vec()),
        "SHA-256" => ("3031300d060960864801650304020105000420", sha2::Sha256::digest(message).to_vec()),
        "SHA-384" => ("3041300d060960864801650304020205000430", sha2::Sha384::digest(message).to_vec()),
        "SHA-512" => ("3051300d060960864801650304020305000440", sha2::Sha512::digest(message).to_vec()),
        _ => return None,
    };
    let info = [hex::decode(prefix).expect("hexadecimal"), digest].concat();
    Some([vec![0x00, 0x01], vec![0xFF; size - 3 - info.len()], vec![0x00], info].concat())
}

/// MGF1 with SHA-256. (RFC 8017 B.2.1)
fn mask(seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0u32..).map(|counter| sha2::Sha256::digest([seed, &counter.to_be_bytes()].concat()));
    blocks.take(length.div_ceil(32)).flatten().take(length).collect()
}

/// EMSA-PSS-VERIFY with SHA-256 for both hashes and keys of a whole number of bytes. (RFC 8017 §9.1.2)
pub(crate) fn is_pss(em: &[u8], message: &[u8], salt: usize) -> bool {
    let Some((0xBC, em)) = em.split_last() else { return false };
    let (masked, hash) = em.split_at(em.len() - 32);
    if masked[0] & 0x80 != 0 {
        return false;
    }
    let mut db: Vec<u8> = masked.iter().zip(mask(hash, masked.len())).map(|(a, b)| a ^ b).collect();
    db[0] &= 0x7F;
    let (padding, salt) = db.split_at(db.len() - salt);
    let whole = [&[0; 8][..], &sha2::Sha256::digest(message), salt].concat();
    matches!(padding.split_last(), Some((1, zeros)) if zeros.iter().all(|byte| *byte == 0))
        && sha2::Sha256::digest(whole)[..] == *hash
}
