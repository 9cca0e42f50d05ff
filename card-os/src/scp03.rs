//! GlobalPlatform Secure Channel Protocol 03 (Amendment D), AES-128, eight-byte cryptograms and MACs: the card's side.
//!
//! Session keys and cryptograms come from the key derivation of NIST SP 800-108 in counter mode with CMAC (§4.1.5). The
//! derivations are public, so the host uses the same; wrapping and unwrapping here is the card's alone.
//!
//! Claims and limits: MACs and cryptograms are compared in constant time; AES is the constant-time implementation of the
//! `aes` crate; every key is wiped when it goes. Padding errors and MAC errors end the channel alike.

use aes::{
    Aes128,
    cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use apdu::Form;
use cmac::{Cmac, Mac};
use subtle::ConstantTimeEq;
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

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Array::from(*block);
        Aes128::new(&Array::from(self.0)).encrypt_block(&mut block);
        block.into()
    }

    fn decrypt(&self, block: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Array::from(*block);
        Aes128::new(&Array::from(self.0)).decrypt_block(&mut block);
        block.into()
    }

    /// CMAC over some slices.
    #[must_use]
    pub fn cmac(&self, parts: &[&[u8]]) -> [u8; BLOCK] {
        let mut mac = <Cmac<Aes128> as KeyInit>::new(&Array::from(self.0));
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn fork(&self) -> Self {
        Secret16(self.0)
    }
}

impl AsRef<[u8]> for Secret16 {
    fn as_ref(&self) -> &[u8] {
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

/// Security level, P1 of EXTERNAL AUTHENTICATE. (Amendment D table 7-5)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// C-DECRYPTION, C-MAC, R-ENCRYPTION and R-MAC: everything.
    pub const FULL: Level = Level(0x33);
    /// C-DECRYPTION and C-MAC: the least that issuer acts need.
    pub const COMMANDS: Level = Level(0x03);

    /// Reads P1: 00, 01, 03, 11, 13 or 33.
    #[must_use]
    pub const fn from_p1(p1: u8) -> Option<Self> {
        match p1 {
            0x00 | 0x01 | 0x03 | 0x11 | 0x13 | 0x33 => Some(Level(p1)),
            _ => None,
        }
    }

    /// P1.
    #[must_use]
    pub const fn p1(self) -> u8 {
        self.0
    }

    /// Commands carry a MAC.
    #[must_use]
    pub const fn c_mac(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Command data is encrypted.
    #[must_use]
    pub const fn c_decryption(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Responses carry a MAC.
    #[must_use]
    pub const fn r_mac(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// Response data is encrypted.
    #[must_use]
    pub const fn r_encryption(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// The protection of a command did not hold, or there is no room for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScpError;

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
        truncate(derive(&self.mac, CARD_CRYPTOGRAM, 0x40, &[host, card]).as_ref())
    }

    /// What the host shows to the card. (Amendment D §6.2.2.3)
    #[must_use]
    pub fn host_cryptogram(&self, host: &[u8; CHALLENGE], card: &[u8; CHALLENGE]) -> [u8; CRYPTOGRAM] {
        truncate(derive(&self.mac, HOST_CRYPTOGRAM, 0x40, &[host, card]).as_ref())
    }

    fn fork(&self) -> Self {
        SessionKeys { enc: self.enc.fork(), mac: self.mac.fork(), rmac: self.rmac.fork() }
    }
}

/// The card challenge of i = 70, from the sequence counter and the ISD's AID. (Amendment D §6.2.2.1)
#[must_use]
pub fn pseudo_random_challenge(keys: &KeySet, counter: [u8; 3], aid: &[u8]) -> [u8; CHALLENGE] {
    truncate(derive(&keys.enc, CARD_CHALLENGE, 0x40, &[&counter, aid]).as_ref())
}

/// Decrypts a key sent with PUT KEY: one block of AES-CBC under the DEK with a zero IV. (Amendment D §7.2)
#[must_use]
pub fn decrypt_key(dek: &Secret16, cryptogram: &[u8; KEY]) -> Secret16 {
    Secret16(dek.decrypt(cryptogram))
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

/// Between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE.
#[derive(Debug)]
pub struct Pending {
    keys: SessionKeys,
    host: [u8; CHALLENGE],
    card: [u8; CHALLENGE],
}

impl Pending {
    /// Derives the session.
    #[must_use]
    pub fn new(keys: &KeySet, host: &[u8; CHALLENGE], card: &[u8; CHALLENGE]) -> Self {
        Pending { keys: SessionKeys::derive(keys, host, card), host: *host, card: *card }
    }

    /// What the card answers.
    #[must_use]
    pub fn card_cryptogram(&self) -> [u8; CRYPTOGRAM] {
        self.keys.card_cryptogram(&self.host, &self.card)
    }

    /// EXTERNAL AUTHENTICATE: `header` is CLA INS P1 P2 with the level in P1, `data` cryptogram ‖ MAC.
    ///
    /// # Errors
    /// [`ScpError`] where either is wrong; both are always compared.
    pub fn authenticate(self, header: [u8; 4], data: &[u8]) -> Result<Channel, ScpError> {
        let [_, _, p1, _] = header;
        let level = Level::from_p1(p1).ok_or(ScpError)?;
        let (cryptogram, mac) = data.split_last_chunk::<MAC>().ok_or(ScpError)?;
        let expected = self.keys.host_cryptogram(&self.host, &self.card);
        let length = [u8::try_from(data.len()).map_err(|_| ScpError)?];
        let chain = self.keys.mac.cmac(&[&[0; BLOCK], &header, &length, cryptogram]);
        let good = expected[..].ct_eq(cryptogram) & truncate::<MAC>(&chain).ct_eq(mac);
        if !bool::from(good) {
            return Err(ScpError);
        }
        Ok(Channel { keys: self.keys, level, chain, counter: 0 })
    }

    /// The sanctioned duplicate, for snapshots by the simulator.
    pub(crate) fn fork(&self) -> Self {
        Pending { keys: self.keys.fork(), host: self.host, card: self.card }
    }
}

/// An open channel.
pub struct Channel {
    keys: SessionKeys,
    level: Level,
    chain: [u8; BLOCK],
    counter: u32,
}

impl core::fmt::Debug for Channel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Channel({:?})", self.level)
    }
}

impl Channel {
    /// The security level agreed on.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Checks and removes the MAC of a command, and decrypts its data into `out`.
    ///
    /// # Errors
    /// [`ScpError`]; the caller then drops the channel.
    pub fn unwrap_command<const M: usize>(
        &mut self,
        header: [u8; 4],
        form: Form,
        data: &[u8],
        out: &mut heapless::Vec<u8, M>,
    ) -> Result<(), ScpError> {
        out.clear();
        let mut body = data;
        if self.level.c_mac() {
            let (rest, mac) = data.split_last_chunk::<MAC>().ok_or(ScpError)?;
            let [high, low] = u16::try_from(data.len()).map_err(|_| ScpError)?.to_be_bytes();
            let extended = [0, high, low];
            let length =
                if form == Form::Extended { &extended[..] } else { extended.last_chunk::<1>().ok_or(ScpError)? };
            self.chain = self.keys.mac.cmac(&[&self.chain, &header, length, rest]);
            if !bool::from(truncate::<MAC>(&self.chain).ct_eq(mac)) {
                return Err(ScpError);
            }
            body = rest;
        }
        self.counter = self.counter.checked_add(1).ok_or(ScpError)?;
        out.extend_from_slice(body).map_err(|_| ScpError)?;
        if self.level.c_decryption() && !out.is_empty() {
            self.decrypt(out)?;
        }
        Ok(())
    }

    /// AES-CBC and ISO/IEC 9797-1 padding method 2, backwards.
    fn decrypt<const M: usize>(&self, data: &mut heapless::Vec<u8, M>) -> Result<(), ScpError> {
        let mut previous = iv(&self.keys.enc, self.counter, false);
        let (blocks, rest) = data.as_chunks_mut::<BLOCK>();
        if !rest.is_empty() {
            return Err(ScpError);
        }
        for block in blocks {
            let cryptogram = *block;
            *block = xor(self.keys.enc.decrypt(block), &previous);
            previous = cryptogram;
        }
        let end = data.iter().rposition(|byte| *byte != 0).filter(|at| data.get(*at) == Some(&0x80)).ok_or(ScpError)?;
        if data.len() - end > BLOCK {
            return Err(ScpError);
        }
        data.truncate(end);
        Ok(())
    }

    /// Encrypts response data and appends the MAC, as the level asks. Error responses stay bare.
    ///
    /// # Errors
    /// [`ScpError`] where `data` has no room.
    pub fn wrap_response<const M: usize>(&mut self, data: &mut heapless::Vec<u8, M>, sw: u16) -> Result<(), ScpError> {
        let [sw1, sw2] = sw.to_be_bytes();
        if !matches!(sw1, 0x90 | 0x62 | 0x63) {
            return Ok(());
        }
        if self.level.r_encryption() && !data.is_empty() {
            data.push(0x80).map_err(|_| ScpError)?;
            data.resize(data.len().next_multiple_of(BLOCK), 0).map_err(|_| ScpError)?;
            let mut previous = iv(&self.keys.enc, self.counter, true);
            for block in data.as_chunks_mut::<BLOCK>().0 {
                *block = self.keys.enc.encrypt(&xor(*block, &previous));
                previous = *block;
            }
        }
        if self.level.r_mac() {
            let mac = self.keys.rmac.cmac(&[&self.chain, data, &[sw1, sw2]]);
            data.extend_from_slice(&truncate::<MAC>(&mac)).map_err(|_| ScpError)?;
        }
        Ok(())
    }

    /// The sanctioned duplicate, for snapshots by the simulator.
    pub(crate) fn fork(&self) -> Self {
        Channel { keys: self.keys.fork(), level: self.level, chain: self.chain, counter: self.counter }
    }
}

fn xor(mut block: [u8; BLOCK], other: &[u8; BLOCK]) -> [u8; BLOCK] {
    for (byte, mask) in block.iter_mut().zip(other) {
        *byte ^= mask;
    }
    block
}

/// The first bytes of a block.
#[must_use]
pub fn truncate<const L: usize>(block: &[u8]) -> [u8; L] {
    block.first_chunk().copied().unwrap_or([0; L])
}
