//! The host's end of a secure channel, apart from any reader.

use super::{IssuerError, malformed};
use apdu::{Command, Form, Sw};
use card_os::scp03::{self, CHALLENGE, CRYPTOGRAM, KeySet, Level, MAC, Secret16, SessionKeys};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(super) const BLOCK: usize = 16;

/// Session keys, level, and how far the exchange has come.
pub struct Channel {
    pub(super) keys: SessionKeys,
    pub(super) level: Level,
    pub(super) chain: [u8; BLOCK],
    pub(super) counter: u32,
}

/// What both ends agree on before the host has proved itself.
pub struct Agreed {
    /// The channel, at the level of EXTERNAL AUTHENTICATE: that carries a MAC whatever comes after, and is not encrypted.
    pub channel: Channel,
    /// Data of EXTERNAL AUTHENTICATE.
    pub proof: [u8; CRYPTOGRAM],
    /// Key version number of the card's keys.
    pub version: u8,
    /// The card's sequence counter, where its challenge comes from that.
    pub sequence: Option<[u8; 3]>,
}

impl Channel {
    /// Derives the session from the host's challenge and the card's answer to INITIALIZE UPDATE.
    ///
    /// # Errors
    /// [`IssuerError::WrongKeys`] where the card's cryptogram is not right; [`IssuerError::Malformed`].
    pub fn agree(keys: &KeySet, host: &[u8; CHALLENGE], answer: &[u8]) -> Result<Agreed, IssuerError> {
        let wrong = |what: String| malformed("INITIALIZE UPDATE", what);
        let Some((&[.., version, protocol, options], rest)) = answer.split_first_chunk::<13>() else {
            return Err(wrong(format!("{} bytes instead of 29 or 32", answer.len())));
        };
        let (card, cryptogram, sequence) = match rest.split_first_chunk::<CHALLENGE>() {
            Some((card, rest)) if rest.len() >= CRYPTOGRAM => {
                let (cryptogram, sequence) = rest.split_at(CRYPTOGRAM);
                (card, cryptogram, sequence)
            }
            _ => return Err(wrong(format!("{} bytes instead of 29 or 32", answer.len()))),
        };
        if protocol != 0x03 || sequence.len() != if options & 0x10 == 0 { 0 } else { 3 } {
            return Err(wrong(format!("protocol {protocol:02X} i={options:02X} is not this SCP03")));
        }
        let keys = SessionKeys::derive(keys, host, card);
        if !bool::from(keys.card_cryptogram(host, card)[..].ct_eq(cryptogram)) {
            return Err(IssuerError::WrongKeys);
        }
        let proof = keys.host_cryptogram(host, card);
        let channel = Channel { keys, level: Level::COMMAND_MAC, chain: [0; BLOCK], counter: 0 };
        Ok(Agreed { channel, proof, version, sequence: sequence.try_into().ok() })
    }

    /// The card has accepted EXTERNAL AUTHENTICATE with this level.
    pub fn raise(&mut self, level: Level) {
        (self.level, self.counter) = (level, 0);
    }

    /// The next command as it goes to the card. CLA is taken as 84.
    ///
    /// # Errors
    /// [`IssuerError::Malformed`] for more data than one command takes.
    pub fn wrap(&mut self, command: Command<'_>) -> Result<Zeroizing<Vec<u8>>, IssuerError> {
        self.counter += 1;
        let data = self.protect(command)?;
        let mut protected = Command::new(0x84, command.ins, command.p1, command.p2).with_data(&data);
        protected.form = if data.len() > 255 { Form::Extended } else { command.form };
        protected.ne = command.ne;
        super::encode("secure channel", &protected)
    }

    pub(super) fn protect(&mut self, command: Command<'_>) -> Result<Vec<u8>, IssuerError> {
        let mut data = command.data.to_vec();
        if self.level.c_decryption() && !data.is_empty() {
            pad(&mut data);
            let mut previous = scp03::iv(&self.keys.enc, self.counter, false);
            for block in data.as_chunks_mut::<BLOCK>().0 {
                *block = self.keys.enc.encrypt(&xor(*block, previous));
                previous = *block;
            }
        }
        if self.level.c_mac() {
            let total = data.len() + MAC;
            let [high, low] = u16::try_from(total)
                .map_err(|_| malformed("secure channel", format!("{} bytes are too many for one command", data.len())))?
                .to_be_bytes();
            let extended = total > 255 || command.form == Form::Extended;
            let length = if extended { vec![0, high, low] } else { vec![low] };
            let header = [0x84, command.ins, command.p1, command.p2];
            self.chain = self.keys.mac.cmac(&[&self.chain, &header, &length, &data]);
            data.extend_from_slice(&scp03::truncate::<MAC>(&self.chain));
        }
        Ok(data)
    }

    /// Checks and removes the MAC of an answer and decrypts what stands before it.
    ///
    /// # Errors
    /// [`IssuerError::Tampered`]; the channel is of no use from then on.
    pub fn open_answer(&self, name: &'static str, answer: &mut Vec<u8>, sw: Sw) -> Result<(), IssuerError> {
        if self.level.r_mac() {
            let (data, mac) = answer.split_last_chunk::<MAC>().ok_or(IssuerError::Tampered(name))?;
            let expected = self.keys.rmac.cmac(&[&self.chain, data, &sw.to_bytes()]);
            if !bool::from(expected[..MAC].ct_eq(mac)) {
                return Err(IssuerError::Tampered(name));
            }
            answer.truncate(answer.len() - MAC);
        }
        if self.level.r_encryption() && !answer.is_empty() {
            let mut previous = scp03::iv(&self.keys.enc, self.counter, true);
            let (blocks, rest) = answer.as_chunks_mut::<BLOCK>();
            if !rest.is_empty() {
                return Err(IssuerError::Tampered(name));
            }
            for block in blocks {
                let cryptogram = *block;
                *block = xor(self.keys.enc.decrypt(block), previous);
                previous = cryptogram;
            }
            let end = answer.iter().rposition(|byte| *byte != 0).filter(|at| answer[*at] == 0x80);
            answer.truncate(end.ok_or(IssuerError::Tampered(name))?);
        }
        Ok(())
    }

    /// The same channel once more, for whoever goes back to where it was: snapshots of a card with its channel open.
    #[must_use]
    pub fn fork(&self) -> Self {
        let [enc, mac, rmac] =
            [&self.keys.enc, &self.keys.mac, &self.keys.rmac].map(|key| Secret16::copied(key.as_ref()));
        Channel { keys: SessionKeys { enc, mac, rmac }, level: self.level, chain: self.chain, counter: self.counter }
    }
}

/// The level alone: everything else is a secret.
impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channel({:?})", self.level)
    }
}

/// ISO/IEC 9797-1 padding method 2.
fn pad(data: &mut Vec<u8>) {
    data.push(0x80);
    data.resize(data.len().next_multiple_of(BLOCK), 0);
}

fn xor(mut block: [u8; BLOCK], other: [u8; BLOCK]) -> [u8; BLOCK] {
    for (byte, mask) in block.iter_mut().zip(other) {
        *byte ^= mask;
    }
    block
}
