//! Signature schemes: what the card pads, and how it hands a signature out. (card.md §8)
//!
//! Every signature is checked with the public exponent before it leaves, whatever the engine: one faulty CRT half would
//! reveal the key. PKCS#1 is RFC 8017.

use crate::{
    access::{Authenticate, Decipher, Granted, Sign, UsesKey},
    file, mgf1,
    platform::{Engine, MODULUS, Nvm, PRIME, PrivateKey},
    public,
    refusal::Refusal,
    store::Store,
};
use rand_core::TryCryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a private key in the store: n ‖ p ‖ q ‖ dP ‖ dQ ‖ qInv.
pub const KEY: usize = MODULUS + 5 * PRIME;

/// Bytes of a public key as it is stored: `90 03 01 00 01 91 82 01 00 ‖ n`. (card.md §9.0)
pub const PUBLIC_KEY: usize = PUBLIC_KEY_HEAD.len() + MODULUS;
const PUBLIC_KEY_HEAD: &[u8; 9] = &[0x90, 0x03, 0x01, 0x00, 0x01, 0x91, 0x82, 0x01, 0x00];

/// DigestInfo header of SHA-256, RFC 8017 §9.2 note 1.
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// Bytes of a SHA-256 digest, and of the PSS salt.
const DIGEST: usize = 32;
/// Most bytes EMSA-PKCS1-v1_5 leaves room for.
const TYPE1_MAX: usize = MODULUS - 11;

/// What stands between the digest and the private operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// EMSA-PKCS1-v1_5 padding around the bytes as they are.
    Type1,
    /// EMSA-PKCS1-v1_5 with the SHA-256 DigestInfo in front.
    Type1Info,
    /// EMSA-PSS with SHA-256, MGF1-SHA-256 and 32 bytes of salt.
    Pss,
}

/// One of the six values of P1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    hashes: bool,
    encoding: Encoding,
}

impl Scheme {
    /// What INTERNAL AUTHENTICATE does with a challenge: RSASSA-PKCS1-v1_5 with SHA-256. (card.md §5.6)
    pub const CHALLENGE: Scheme = Scheme { hashes: true, encoding: Encoding::Type1Info };

    /// The scheme that P1 of COMPUTE DIGITAL SIGNATURE names. (card.md §8.1)
    #[must_use]
    pub const fn from_p1(p1: u8) -> Option<Self> {
        let (hashes, encoding) = match p1 {
            0x00 => (false, Encoding::Type1),
            0x01 => (true, Encoding::Type1),
            0x02 => (false, Encoding::Type1Info),
            0x03 => (true, Encoding::Type1Info),
            0x04 => (false, Encoding::Pss),
            0x05 => (true, Encoding::Pss),
            _ => return None,
        };
        Some(Scheme { hashes, encoding })
    }

    fn encode<R: TryCryptoRng>(self, input: &[u8], rng: &mut R, em: &mut [u8; MODULUS]) -> Result<(), Refusal> {
        let digest: [u8; DIGEST];
        let input = if self.hashes {
            digest = Sha256::digest(input).into();
            &digest[..]
        } else {
            input
        };
        match self.encoding {
            Encoding::Type1 if input.len() <= TYPE1_MAX => type1(&[], input, em),
            Encoding::Type1Info if input.len() == DIGEST => type1(&SHA256_INFO, input, em),
            Encoding::Pss if input.len() == DIGEST => {
                let mut salt = [0; DIGEST];
                rng.try_fill_bytes(&mut salt).map_err(|_| Refusal::NoDiagnosis)?;
                pss(input, &salt, em)
            }
            _ => Err(Refusal::Conditions),
        }
    }
}

/// Operations whose result is a signature.
pub trait Signs: UsesKey {}
impl Signs for Sign {}
impl Signs for Authenticate {}

/// COMPUTE DIGITAL SIGNATURE and INTERNAL AUTHENTICATE: pad, sign, check, release into `out`.
///
/// # Errors
/// [`Refusal::Conditions`] where the data does not fit the scheme or the key has no certificate yet; [`Refusal::NoDiagnosis`] where the engine failed or the
/// signature did not pass its check. Nothing of a failed signature is in `out`.
#[inline(never)]
pub fn sign<N: Nvm, E: Engine, R: TryCryptoRng, Op: Signs>(
    granted: &Granted<Op>,
    scheme: Scheme,
    input: &[u8],
    store: &Store<N>,
    engine: &mut E,
    rng: &mut R,
    out: &mut [u8; MODULUS],
) -> Result<(), Refusal> {
    if !is_ready(granted, store) {
        return Err(Refusal::Conditions);
    }
    let key = load(granted, store);
    let mut em = [0; MODULUS];
    scheme.encode(input, rng, &mut em)?;
    checked(&key, &em, engine, rng, out)
}

/// SET SESSION KEY: the block that was enciphered under the public half of this key, put where the caller wipes it.
///
/// # Errors
/// [`Refusal::Conditions`] for a key that is not there; [`Refusal::NoDiagnosis`] where the cryptogram is not below the modulus
/// or the engine failed.
#[inline(never)]
pub fn decipher<N: Nvm, E: Engine, R: TryCryptoRng>(
    granted: &Granted<Decipher>,
    cryptogram: &[u8; MODULUS],
    store: &Store<N>,
    engine: &mut E,
    rng: &mut R,
    block: &mut Zeroizing<[u8; MODULUS]>,
) -> Result<(), Refusal> {
    if !is_ready(granted, store) {
        return Err(Refusal::Conditions);
    }
    checked(&load(granted, store), cryptogram, engine, rng, block)
}

/// Whether `signature` is RSASSA-PKCS1-v1_5 with SHA-256 over something of this digest, under a public key as it is stored.
/// The padding is made anew and compared, never parsed.
#[inline(never)]
pub fn opens<E: Engine>(
    key: &[u8; PUBLIC_KEY],
    digest: &[u8; DIGEST],
    signature: &[u8; MODULUS],
    engine: &mut E,
) -> bool {
    let Some((PUBLIC_KEY_HEAD, n)) = key.split_first_chunk() else { return false };
    let Ok(n) = n.try_into() else { return false };
    let mut em = [0; MODULUS];
    type1(&SHA256_INFO, digest, &mut em).is_ok() && engine.public(n, signature).is_some_and(|opened| opened == em)
}

/// The private operation, and the check without which no signature leaves. The result is in `out` alone; a wrong one, and what it
/// opens to, would give the key away and is wiped.
fn checked<E: Engine, R: TryCryptoRng>(
    key: &PrivateKey,
    em: &[u8; MODULUS],
    engine: &mut E,
    rng: &mut R,
    out: &mut [u8; MODULUS],
) -> Result<(), Refusal> {
    let done = engine.private(key, em, out, rng);
    let opened = opens_to(&key.n, out, em, engine);
    if done.is_err() || !opened {
        out.zeroize();
        return Err(Refusal::NoDiagnosis);
    }
    Ok(())
}

/// Whether a signature opens to this message representative. Apart, so that the private operation has its stack.
#[inline(never)]
fn opens_to<E: Engine>(n: &[u8; MODULUS], signature: &[u8; MODULUS], em: &[u8; MODULUS], engine: &mut E) -> bool {
    let opened = Zeroizing::new(engine.public(n, signature));
    opened.as_ref().is_some_and(|opened| opened.ct_eq(em).into())
}

/// Whether a key pair is whole: its CRT values belong together, and the engine's result opens under e = 65537.
pub fn is_usable<E: Engine, R: TryCryptoRng>(key: &PrivateKey, engine: &mut E, rng: &mut R) -> bool {
    let (mut probe, mut signature) = ([0; MODULUS], [0; MODULUS]);
    public::is_consistent(key)
        && type1(&[], b"key pair check", &mut probe).is_ok()
        && checked(key, &probe, engine, rng, &mut signature).is_ok()
}

/// Whether the private key behind a grant is there, and not half of a pair: then its certificate would not be there yet.
fn is_ready<N: Nvm, Op: UsesKey>(granted: &Granted<Op>, store: &Store<N>) -> bool {
    file::is_certified(store, granted.object()) && file::length(store, granted.object()) == Some(KEY)
}

/// The private key behind a grant.
#[inline(never)]
fn load<N: Nvm, Op: UsesKey>(granted: &Granted<Op>, store: &Store<N>) -> PrivateKey {
    let mut bytes = Zeroizing::new([0; KEY]);
    file::read_key(granted, store, bytes.as_mut());
    from_bytes(&bytes)
}

/// Takes a stored key apart.
#[must_use]
pub fn from_bytes(bytes: &[u8; KEY]) -> PrivateKey {
    let mut key =
        PrivateKey { n: [0; MODULUS], p: [0; PRIME], q: [0; PRIME], dp: [0; PRIME], dq: [0; PRIME], qinv: [0; PRIME] };
    let mut rest = &bytes[..];
    for part in [&mut key.n[..], &mut key.p, &mut key.q, &mut key.dp, &mut key.dq, &mut key.qinv] {
        let (value, tail) = rest.split_at(part.len());
        part.copy_from_slice(value);
        rest = tail;
    }
    key
}

/// Puts a key together as it is stored.
#[must_use]
pub fn to_bytes(key: &PrivateKey) -> Zeroizing<[u8; KEY]> {
    let mut bytes = Zeroizing::new([0; KEY]);
    let mut rest = &mut bytes[..];
    for part in [&key.n[..], &key.p, &key.q, &key.dp, &key.dq, &key.qinv] {
        let (value, tail) = rest.split_at_mut(part.len());
        value.copy_from_slice(part);
        rest = tail;
    }
    bytes
}

/// EMSA-PKCS1-v1_5, RFC 8017 §9.2 steps 4–5: `00 01 FF… 00 ‖ info ‖ input`.
fn type1(info: &[u8], input: &[u8], em: &mut [u8; MODULUS]) -> Result<(), Refusal> {
    let padding = MODULUS.checked_sub(3 + info.len() + input.len()).ok_or(Refusal::Conditions)?;
    let bytes = [0x00, 0x01]
        .into_iter()
        .chain(core::iter::repeat_n(0xFF, padding))
        .chain([0x00])
        .chain(info.iter().copied())
        .chain(input.iter().copied());
    for (slot, byte) in em.iter_mut().zip(bytes) {
        *slot = byte;
    }
    Ok(())
}

/// EMSA-PSS, RFC 8017 §9.1.1, for a modulus of 2048 bits (emBits = 2047).
fn pss(digest: &[u8], salt: &[u8; DIGEST], em: &mut [u8; MODULUS]) -> Result<(), Refusal> {
    let hash: [u8; DIGEST] =
        Sha256::new().chain_update([0; 8]).chain_update(digest).chain_update(salt).finalize().into();
    let (db, tail) = em.split_at_mut(MODULUS - DIGEST - 1);
    db.fill(0);
    let (_, end) = db.split_at_mut(db.len() - DIGEST - 1);
    for (slot, byte) in end.iter_mut().zip([0x01].iter().chain(salt)) {
        *slot = *byte;
    }
    mgf1::mask(&hash, db);
    if let Some(first) = db.first_mut() {
        *first &= 0x7F;
    }
    for (slot, byte) in tail.iter_mut().zip(hash.iter().chain(&[0xBC])) {
        *slot = *byte;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// RFC 8017 §9.2: EM = 00 01 PS 00 T, PS all FF and at least eight bytes.
    #[test]
    fn type1_is_the_standards() {
        let mut em = [0; MODULUS];
        for (info, input) in [(&[][..], &[0x30; 51][..]), (&[], &[7; 245]), (&SHA256_INFO, &[9; 32]), (&[], &[])] {
            type1(info, input, &mut em).unwrap();
            let message = [info, input].concat();
            let padding = vec![0xFF; MODULUS - 3 - message.len()];
            assert_eq!(em[..], [&[0x00, 0x01][..], &padding, &[0x00], &message].concat());
        }
    }

    /// RFC 8017 §9.1.2, the way of who verifies; emBits = 2047.
    #[test]
    fn pss_is_the_standards() {
        let (digest, salt, mut em) = ([0x5A; DIGEST], [0xC3; DIGEST], [0xEE; MODULUS]);
        pss(&digest, &salt, &mut em).unwrap();
        let (masked, tail) = em.split_at(256 - 32 - 1);
        assert_eq!((masked[0] & 0x80, tail[32]), (0, 0xBC));
        let mut db = masked.to_vec();
        for (counter, chunk) in (0u32..).zip(db.chunks_mut(32)) {
            let mask = Sha256::new().chain_update(&tail[..32]).chain_update(counter.to_be_bytes()).finalize();
            chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
        db[0] &= 0x7F;
        assert_eq!(db, [&[0; 190][..], &[0x01], &salt].concat());
        let hash = Sha256::new().chain_update([0; 8]).chain_update(digest).chain_update(salt).finalize();
        assert_eq!(tail[..32], hash[..]);
    }
}
