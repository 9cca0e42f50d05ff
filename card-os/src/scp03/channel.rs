//! The card's end: authentication of the host, then commands in and responses out.

use super::{BLOCK, CHALLENGE, CRYPTOGRAM, KeySet, MAC, SessionKeys, iv, truncate};
use crate::cbc;
use apdu::Form;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// Security level, P1 of EXTERNAL AUTHENTICATE. (Amendment D table 7-5)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// C-DECRYPTION, C-MAC, R-ENCRYPTION and R-MAC: everything.
    pub const FULL: Level = Level(0x33);
    /// C-DECRYPTION and C-MAC: the least that issuer acts need.
    pub const COMMANDS: Level = Level(0x03);
    /// C-MAC alone: how EXTERNAL AUTHENTICATE itself is protected, whatever level it asks for.
    pub const COMMAND_MAC: Level = Level(0x01);

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

    /// Whether EXTERNAL AUTHENTICATE comes from who has the keys: `header` is CLA INS P1 P2, `data` cryptogram ‖ MAC. Both are always compared.
    #[must_use]
    pub fn proves(&self, header: [u8; 4], data: &[u8]) -> Choice {
        self.judge(header, data).map_or(Choice::from(0), |(_, good)| good)
    }

    /// EXTERNAL AUTHENTICATE, with the level in P1.
    ///
    /// # Errors
    /// [`ScpError`] where it is not proved.
    pub fn authenticate(self, header: [u8; 4], data: &[u8]) -> Result<Channel, ScpError> {
        let [_, _, p1, _] = header;
        let level = Level::from_p1(p1).ok_or(ScpError)?;
        match self.judge(header, data) {
            Some((chain, good)) if bool::from(good) => Ok(Channel { keys: self.keys, level, chain, counter: 0 }),
            _ => Err(ScpError),
        }
    }

    /// The chain of MACs that begins with this command, and whether cryptogram and MAC are right.
    #[inline(never)]
    fn judge(&self, header: [u8; 4], data: &[u8]) -> Option<([u8; BLOCK], Choice)> {
        let (cryptogram, mac) = data.split_last_chunk::<MAC>()?;
        let expected = self.keys.host_cryptogram(&self.host, &self.card);
        let length = [u8::try_from(data.len()).ok()?];
        let chain = self.keys.mac.cmac(&[&[0; BLOCK], &header, &length, cryptogram]);
        let good = expected[..].ct_eq(cryptogram) & truncate::<MAC>(&chain).ct_eq(mac);
        Some((chain, good))
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

    /// Checks and removes the MAC of a command, and decrypts its data into `out`. The encryption counter goes up with every
    /// command, with or without data. (Amendment D §6.2.4, §6.2.6)
    ///
    /// # Errors
    /// [`ScpError`], and `out` is wiped; the caller then drops the channel.
    pub fn unwrap_command<const M: usize>(
        &mut self,
        header: [u8; 4],
        form: Form,
        data: &[u8],
        out: &mut heapless::Vec<u8, M>,
    ) -> Result<(), ScpError> {
        out.clear();
        let opened = self.open_command(header, form, data, out);
        if opened.is_err() {
            out.zeroize();
        }
        opened
    }

    fn open_command<const M: usize>(
        &mut self,
        header: [u8; 4],
        form: Form,
        data: &[u8],
        out: &mut heapless::Vec<u8, M>,
    ) -> Result<(), ScpError> {
        let body = if self.level.c_mac() { self.check_mac(header, form, data)? } else { data };
        self.counter = self.counter.checked_add(1).ok_or(ScpError)?;
        out.extend_from_slice(body).map_err(|_| ScpError)?;
        if self.level.c_decryption() && !out.is_empty() {
            cbc::decrypt(&self.keys.enc, iv(&self.keys.enc, self.counter, false), out).map_err(|_| ScpError)?;
        }
        Ok(())
    }

    /// The MAC covers the chaining value, the header, Lc as it is on the wire and the data; in full it is the next chaining
    /// value. Gives the data without it.
    fn check_mac<'d>(&mut self, header: [u8; 4], form: Form, data: &'d [u8]) -> Result<&'d [u8], ScpError> {
        let (body, mac) = data.split_last_chunk::<MAC>().ok_or(ScpError)?;
        let [high, low] = u16::try_from(data.len()).map_err(|_| ScpError)?.to_be_bytes();
        let length: &[u8] = match form {
            Form::Short => &[low],
            Form::Extended => &[0, high, low],
        };
        self.chain = self.keys.mac.cmac(&[&self.chain, &header, length, body]);
        if bool::from(truncate::<MAC>(&self.chain).ct_eq(mac)) { Ok(body) } else { Err(ScpError) }
    }

    /// Encrypts response data and appends the MAC, as the level asks. Error responses stay bare. (Amendment D §6.2.5, §6.2.7)
    ///
    /// # Errors
    /// [`ScpError`] where `data` has no room; `data` is then wiped, so that nothing leaves the card half protected.
    pub fn wrap_response<const M: usize>(&mut self, data: &mut heapless::Vec<u8, M>, sw: u16) -> Result<(), ScpError> {
        let wrapped = self.close_response(data, sw.to_be_bytes());
        if wrapped.is_err() {
            data.zeroize();
        }
        wrapped
    }

    fn close_response<const M: usize>(&self, data: &mut heapless::Vec<u8, M>, sw: [u8; 2]) -> Result<(), ScpError> {
        let [sw1, _] = sw;
        if !matches!(sw1, 0x90 | 0x62 | 0x63) {
            return Ok(());
        }
        if self.level.r_encryption() && !data.is_empty() {
            cbc::encrypt(&self.keys.enc, iv(&self.keys.enc, self.counter, true), data).map_err(|_| ScpError)?;
        }
        if self.level.r_mac() {
            let mac = self.keys.rmac.cmac(&[&self.chain, data, &sw]);
            data.extend_from_slice(&truncate::<MAC>(&mac)).map_err(|_| ScpError)?;
        }
        Ok(())
    }

    /// The sanctioned duplicate, for snapshots by the simulator.
    pub(crate) fn fork(&self) -> Self {
        Channel { keys: self.keys.fork(), level: self.level, chain: self.chain, counter: self.counter }
    }
}
