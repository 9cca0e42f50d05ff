//! The program's end of secure messaging with the 入力補助 application. (card.md §13)
//!
//! Written apart from the card's end: RSA-OAEP is the `rsa` crate's, the data objects go through the codec's writer.

use super::{ClientError, Selected, exchange};
use apdu::{
    Command, Sw,
    tlv::{
        Rules,
        ber::{Tag, Tlv, Writer},
    },
};
use card_os::scp03::Secret16;
use rand_core::CryptoRng;
use rsa::{BoxedUint, PublicKey, traits::PublicKeyParts};
use sha2::Sha256;
use zeroize::Zeroizing;

/// EF with the public key.
const PUBLIC_KEY_FILE: u8 = 0x06;
/// The EF's object around the key: exponent 65537, then the modulus.
const PUBLIC_KEY_HEAD: [u8; 13] = [0xA1, 0x82, 0x01, 0x09, 0x90, 0x03, 0x01, 0x00, 0x01, 0x91, 0x82, 0x01, 0x00];
const BLOCK: usize = 16;
const READ: &str = "READ BINARY (secure messaging)";

/// A session with the card.
pub struct Messaging {
    key: Secret16,
    counter: u128,
}

impl Messaging {
    /// Reads the card's public key and delivers a session key. The form-filling PIN must have been verified.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6982` before VERIFY; [`ClientError::Malformed`] for a key that is none.
    pub fn deliver(text: &mut Selected<'_>, rng: &mut impl CryptoRng) -> Result<Self, ClientError> {
        let file = text.file(PUBLIC_KEY_FILE)?;
        let no_key = || ClientError::Malformed { command: "READ BINARY", what: "EF 0006 holds no RSA-2048 key".into() };
        let modulus = file.strip_prefix(&PUBLIC_KEY_HEAD).filter(|n| n.len() == 256).ok_or_else(no_key)?;
        let modulus = BoxedUint::from_be_slice_vartime(modulus);
        let key = PublicKey::new(modulus, 65_537u64.into()).map_err(|_| no_key())?;
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        let mut block = Zeroizing::new(vec![0xA0, 0x22, 0x80, 0x20]);
        block.extend_from_slice(seed.as_ref());
        let cryptogram = key.oaep_encrypt_with_rng::<Sha256, _>(rng, &block).map_err(|_| no_key())?;
        debug_assert_eq!(cryptogram.len(), key.size());
        text.send("SET SESSION KEY", &Command::new(0x80, 0xAE, 0x00, 0x00).with_data(&cryptogram))?;
        Ok(Messaging::begin(&seed))
    }

    /// The session that a delivered seed makes.
    #[must_use]
    pub fn begin(seed: &[u8; 32]) -> Self {
        let mut key = Zeroizing::new([0; 16]);
        key.copy_from_slice(&seed[..16]);
        Messaging { key: Secret16::new(*key), counter: 1 }
    }

    /// Presents reference data enciphered.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the card's own word; `6988` and `69FC` mean that the session is gone.
    pub fn verify(&mut self, text: &mut Selected<'_>, pin: u8, value: &str) -> Result<(), ClientError> {
        let field = self.encipher(value.as_bytes())?;
        let command = Command::new(0x08, 0x20, 0x00, 0x80 | pin).with_data(&field);
        text.send("VERIFY (secure messaging)", &command).map(drop)
    }

    /// Makes an EF the current one, enciphered.
    ///
    /// # Errors
    /// As [`Messaging::verify`].
    pub fn select_file(&mut self, text: &mut Selected<'_>, number: u8) -> Result<(), ClientError> {
        let field = self.encipher(&[0x00, number])?;
        let command = Command::new(0x08, 0xA4, 0x02, 0x0C).with_data(&field);
        text.send("SELECT EF (secure messaging)", &command).map(drop)
    }

    /// Reads `ne` bytes of an EF from its start, everything where it is 0.
    ///
    /// # Errors
    /// As [`Messaging::verify`]; [`ClientError::Malformed`] for an answer that does not decipher.
    pub fn read(&mut self, text: &mut Selected<'_>, number: u8, ne: u16) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let [high, low] = ne.to_be_bytes();
        let mut iv = self.iv();
        let field = [0x96, 0x03, 0x00, high, low];
        let command = Command::new(0x08, 0xB0, 0x80 | number, 0).with_data(&field).with_ne(0x1_0000);
        let (answer, sw) = exchange(text.reader(), READ, &command)?;
        if sw != Sw::SUCCESS {
            return Err(ClientError::Refused { command: READ, sw });
        }
        let malformed = |what: &str| ClientError::Malformed { command: READ, what: what.into() };
        let (object, rest) = Tlv::parse(&answer, Rules::Card).map_err(|error| malformed(&error.to_string()))?;
        let (&[0x01, ref cryptogram @ ..], 0x86, []) = (object.value, object.tag.0, rest) else {
            return Err(malformed("not one cryptogram"));
        };
        let (blocks, []) = cryptogram.as_chunks::<BLOCK>() else { return Err(malformed("not whole blocks")) };
        let mut plain = Zeroizing::new(Vec::with_capacity(cryptogram.len()));
        for block in blocks {
            let masked = Zeroizing::new(self.key.decrypt(block));
            plain.extend(masked.iter().zip(iv).map(|(byte, mask)| byte ^ mask));
            iv = *block;
        }
        while plain.pop_if(|byte| *byte == 0).is_some() {}
        if plain.pop() != Some(0x80) {
            return Err(malformed("no padding"));
        }
        Ok(plain)
    }

    /// A data field with one enciphered value, under the next counter value. For tests that send commands of their own.
    ///
    /// # Errors
    /// [`ClientError::Malformed`] for a value that no command holds.
    pub fn encipher(&mut self, value: &[u8]) -> Result<Vec<u8>, ClientError> {
        let padded = padded(value);
        let (mut previous, mut cryptogram) = (self.iv(), vec![0x01]);
        for block in padded.as_chunks::<BLOCK>().0 {
            let mut mixed = Zeroizing::new(*block);
            mixed.iter_mut().zip(previous).for_each(|(byte, mask)| *byte ^= mask);
            previous = self.key.encrypt(&mixed);
            cryptogram.extend_from_slice(&previous);
        }
        let mut field = vec![0; cryptogram.len() + 5];
        let mut writer = Writer::new(&mut field, Rules::Strict);
        let written = writer.put(Tag(0x86), &cryptogram);
        written.map_err(|error| ClientError::Malformed { command: "secure messaging", what: error.to_string() })?;
        let length = writer.len();
        field.truncate(length);
        Ok(field)
    }

    /// The initialisation vector of the next command and its response: the enciphered counter.
    fn iv(&mut self) -> [u8; BLOCK] {
        let iv = self.key.encrypt(&self.counter.to_be_bytes());
        self.counter += 1;
        iv
    }
}

/// Whole blocks, in a buffer that never moves: what moves leaves an unwiped copy behind.
fn padded(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let whole = (value.len() + 1).next_multiple_of(BLOCK);
    let mut padded = Zeroizing::new(Vec::with_capacity(whole));
    padded.extend_from_slice(value);
    padded.push(0x80);
    padded.resize(whole, 0);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_takes_the_room_that_it_asked_for() {
        for length in 0..100 {
            let value = vec![0x5A; length];
            let padded = padded(&value);
            assert_eq!(padded.capacity(), padded.len(), "{length}: the buffer was moved");
            let (head, tail) = padded.split_at(length);
            assert!(head == value && tail[0] == 0x80 && tail[1..].iter().all(|byte| *byte == 0));
            assert!(padded.len().is_multiple_of(BLOCK) && tail.len() <= BLOCK, "ISO/IEC 9797-1, method 2");
        }
    }
}
