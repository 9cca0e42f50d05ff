//! GlobalPlatform Secure Channel Protocol 03 (Amendment D), AES-128, eight-byte cryptograms and MACs: the card's side.
//!
//! Session keys and cryptograms come from the key derivation of NIST SP 800-108 in counter mode with CMAC (§4.1.5). The
//! derivations are public, so the host uses the same; wrapping and unwrapping here is the card's alone.
//!
//! Claims and limits: MACs and cryptograms are compared in constant time; AES is the constant-time implementation of the
//! `aes` crate; every key is wiped when it goes. Padding errors and MAC errors end the channel alike.

mod channel;

pub use channel::{Channel, Level, Pending, ScpError};

use aes::{
    Aes128,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use cmac::{Cmac, Mac};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key.
pub const KEY: usize = 16;
/// Bytes of a challenge.
pub const CHALLENGE: usize = 8;
/// Bytes of a cryptogram.
pub const CRYPTOGRAM: usize = 8;
/// Bytes of a MAC on the wire.
pub const MAC: usize = 8;

const BLOCK: usize = 16;

/// Derivation constants. (Amendment D table 4-1)
const CARD_CRYPTOGRAM: u8 = 0x00;
const HOST_CRYPTOGRAM: u8 = 0x01;
const CARD_CHALLENGE: u8 = 0x02;
const S_ENC: u8 = 0x04;
const S_MAC: u8 = 0x06;
const S_RMAC: u8 = 0x07;

/// An AES-128 key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret16([u8; KEY]);

impl Secret16 {
    /// Takes the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; KEY]) -> Self {
        Secret16(bytes)
    }

    /// Takes a copy of the bytes; what they are copied from is the caller's to wipe.
    #[must_use]
    pub fn copied(bytes: &[u8; KEY]) -> Self {
        let mut key = Secret16([0; KEY]);
        key.set(bytes);
        key
    }

    /// Becomes another key, where it is.
    pub fn set(&mut self, bytes: &[u8; KEY]) {
        self.0.copy_from_slice(bytes);
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = *block;
        self.encrypt_in_place(&mut block);
        block
    }

    /// Encrypts one block where it is, so that no copy of it stays.
    pub fn encrypt_in_place(&self, block: &mut [u8; BLOCK]) {
        self.cipher().encrypt_block(block.into());
    }

    /// Decrypts one block. The result is the caller's to wipe.
    #[must_use]
    pub fn decrypt(&self, block: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = *block;
        self.decrypt_in_place(&mut block);
        block
    }

    /// Decrypts one block where it is, so that no copy of it stays.
    pub fn decrypt_in_place(&self, block: &mut [u8; BLOCK]) {
        self.cipher().decrypt_block(block.into());
    }

    fn cipher(&self) -> Aes128 {
        Aes128::new((&self.0).into())
    }

    /// CMAC over some slices.
    #[must_use]
    pub fn cmac(&self, parts: &[&[u8]]) -> [u8; BLOCK] {
        let mut mac = <Cmac<Aes128> as KeyInit>::new((&self.0).into());
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn fork(&self) -> Self {
        Secret16::copied(&self.0)
    }
}

impl AsRef<[u8; KEY]> for Secret16 {
    fn as_ref(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl core::fmt::Debug for Secret16 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret16(..)")
    }
}

/// The three static keys of an issuer.
#[derive(Debug)]
pub struct KeySet {
    /// Key-ENC.
    pub enc: Secret16,
    /// Key-MAC.
    pub mac: Secret16,
    /// Key-DEK.
    pub dek: Secret16,
}

impl KeySet {
    /// Reads ENC ‖ MAC ‖ DEK.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 3 * KEY]) -> Self {
        let mut keys = [[0; KEY]; 3];
        keys.as_flattened_mut().copy_from_slice(bytes);
        let [enc, mac, dek] = keys.map(Secret16);
        keys.zeroize();
        KeySet { enc, mac, dek }
    }

    /// ENC ‖ MAC ‖ DEK, for keeping.
    #[must_use]
    pub fn bytes(&self) -> Zeroizing<[u8; 3 * KEY]> {
        let mut bytes = Zeroizing::new([0; 3 * KEY]);
        let keys = [&self.enc, &self.mac, &self.dek];
        for (slot, key) in bytes.chunks_exact_mut(KEY).zip(keys) {
            slot.copy_from_slice(&key.0);
        }
        bytes
    }
}

/// NIST SP 800-108 counter mode with CMAC: `length` bits, at most one block, are of interest to the caller.
#[must_use]
pub fn derive(key: &Secret16, constant: u8, length: u16, context: &[&[u8]; 2]) -> Secret16 {
    let [high, low] = length.to_be_bytes();
    let mut label = [0; 16];
    let [.., kind, _, l0, l1, counter] = &mut label;
    (*kind, *l0, *l1, *counter) = (constant, high, low, 1);
    let [first, second] = context;
    Secret16(key.cmac(&[&label, first, second]))
}

/// Keys of one session, as both sides derive them.
#[derive(Debug)]
pub struct SessionKeys {
    /// S-ENC.
    pub enc: Secret16,
    /// S-MAC.
    pub mac: Secret16,
    /// S-RMAC.
    pub rmac: Secret16,
}

impl SessionKeys {
    /// Derives them from the static keys and both challenges. (Amendment D §6.2.1)
    #[must_use]
    pub fn derive(keys: &KeySet, host: &[u8; CHALLENGE], card: &[u8; CHALLENGE]) -> Self {
        let context: [&[u8]; 2] = [host, card];
        SessionKeys {
            enc: derive(&keys.enc, S_ENC, 0x80, &context),
            mac: derive(&keys.mac, S_MAC, 0x80, &context),
            rmac: derive(&keys.mac, S_RMAC, 0x80, &context),
        }
    }

    /// What the card shows to the host. (Amendment D §6.2.2.2)
    #[must_use]
    pub fn card_cryptogram(&self, host: &[u8; CHALLENGE], card: &[u8; CHALLENGE]) -> [u8; CRYPTOGRAM] {
        truncate(&derive(&self.mac, CARD_CRYPTOGRAM, 0x40, &[host, card]).0)
    }

    /// What the host shows to the card. (Amendment D §6.2.2.3)
    #[must_use]
    pub fn host_cryptogram(&self, host: &[u8; CHALLENGE], card: &[u8; CHALLENGE]) -> [u8; CRYPTOGRAM] {
        truncate(&derive(&self.mac, HOST_CRYPTOGRAM, 0x40, &[host, card]).0)
    }

    fn fork(&self) -> Self {
        SessionKeys { enc: self.enc.fork(), mac: self.mac.fork(), rmac: self.rmac.fork() }
    }
}

/// The card challenge of i = 70, from the sequence counter and the ISD's AID. (Amendment D §6.2.2.1)
#[must_use]
pub fn pseudo_random_challenge(keys: &KeySet, counter: [u8; 3], aid: &[u8]) -> [u8; CHALLENGE] {
    truncate(&derive(&keys.enc, CARD_CHALLENGE, 0x40, &[&counter, aid]).0)
}

/// Decrypts a key sent with PUT KEY: one block of AES-CBC under the DEK with a zero IV. (Amendment D §7.2)
#[must_use]
pub fn decrypt_key(dek: &Secret16, cryptogram: &[u8; KEY]) -> Secret16 {
    let mut key = Secret16::copied(cryptogram);
    dek.decrypt_in_place(&mut key.0);
    key
}

/// Encrypts a key for PUT KEY, so that [`decrypt_key`] gives it back.
#[must_use]
pub fn encrypt_key(dek: &Secret16, key: &Secret16) -> [u8; KEY] {
    dek.encrypt(&key.0)
}

/// Check value of a key: the first three bytes of sixteen bytes 01 encrypted with it. (Amendment D §4.1.4)
#[must_use]
pub fn key_check_value(key: &Secret16) -> [u8; 3] {
    truncate(&key.encrypt(&[0x01; BLOCK]))
}

/// IV of a command or response: the counter, with bit 80 of its first byte for responses. (Amendment D §6.2.6, §6.2.7)
#[must_use]
pub fn iv(enc: &Secret16, counter: u32, response: bool) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let [first, .., c0, c1, c2, c3] = &mut block;
    *first = if response { 0x80 } else { 0x00 };
    [*c0, *c1, *c2, *c3] = counter.to_be_bytes();
    enc.encrypt(&block)
}

/// The first bytes of a block: MACs, cryptograms, challenges and check values are cut to size so.
#[must_use]
pub fn truncate<const L: usize>(block: &[u8; BLOCK]) -> [u8; L] {
    const { assert!(L <= BLOCK, "a block has sixteen bytes") };
    let mut first = [0; L];
    for (byte, source) in first.iter_mut().zip(block) {
        *byte = *source;
    }
    first
}
