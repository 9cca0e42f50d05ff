//! Secure messaging of the 入力補助 application: a session key under RSA-OAEP, then AES-CBC with a counter. (card.md §13)
//!
//! It hides what travels and proves nothing: there is no MAC. A command's data field is one data object, `86` with a
//! cryptogram or `96` with Le. Whatever is wrong with it ends the session; where there is none, nothing is wrong with it.
//!
//! Claims and limits: the delivered block has one length and so one form, which is compared as a whole and in constant
//! time; a wrong one is told from a right one (`6A80`), and nothing tells where it was wrong.

use crate::{cbc, mgf1, platform::MODULUS, refusal::Refusal, scp03::Secret16};
use apdu::tlv::{
    Rules,
    ber::{Tag, Tlv},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a hash, and of the seed of OAEP.
const HASH: usize = 32;
/// Bytes of the delivered seed.
const SEED: usize = 32;
/// What stands before the delivered seed.
const FORM: [u8; 4] = [0xA0, 0x22, 0x80, 0x20];
const BLOCK: usize = 16;

/// A cryptogram with its padding indicator.
const CRYPTOGRAM: Tag = Tag(0x86);
/// Le.
const LE: Tag = Tag(0x96);
const INDICATOR: u8 = 0x01;

/// A session.
#[derive(Debug)]
pub struct Messaging {
    key: Secret16,
    counter: u64,
    iv: [u8; BLOCK],
}

impl Messaging {
    /// Takes the session key out of a deciphered block: RSAES-OAEP (SHA-256, MGF1-SHA-256, empty label) of
    /// `A0 22 80 20 ‖ seed`, the first half of the seed being the key. The session begins in its place, whatever was there.
    ///
    /// # Errors
    /// [`Refusal::Data`] for any other form; what is there stays.
    pub fn begin(place: &mut Option<Self>, em: &mut Zeroizing<[u8; MODULUS]>) -> Result<(), Refusal> {
        let (first, rest) = em.split_at_mut(1);
        let (seed, db) = rest.split_at_mut(HASH);
        mgf1::mask(db, seed);
        mgf1::mask(seed, db);
        let (form, delivered) = db.split_at(db.len() - SEED);
        let mut expected = [0; MODULUS - 1 - HASH - SEED];
        let tail = [0x01].into_iter().chain(FORM);
        let start = expected.len() - 1 - FORM.len();
        for (slot, byte) in expected.iter_mut().zip(Sha256::digest(b"")) {
            *slot = byte;
        }
        for (slot, byte) in expected.iter_mut().skip(start).zip(tail) {
            *slot = byte;
        }
        let good = (*first).ct_eq(&[0x00]) & form.ct_eq(&expected);
        let key = delivered.first_chunk().ok_or(Refusal::Data)?;
        if !bool::from(good) {
            return Err(Refusal::Data);
        }
        // The key is copied into its place, and moved from nowhere.
        place.insert(Messaging { key: Secret16::new([0; BLOCK]), counter: 1, iv: [0; BLOCK] }).key.set(key);
        Ok(())
    }

    /// Counts one command. Command and response share the initialisation vector that this sets: the encrypted counter.
    pub fn advance(&mut self) {
        let mut block = [0; BLOCK];
        for (slot, byte) in block.iter_mut().rev().zip(self.counter.to_le_bytes()) {
            *slot = byte;
        }
        self.iv = self.key.encrypt(&block);
        self.counter = self.counter.wrapping_add(1);
    }

    /// Deciphers the cryptogram that a command's data field consists of.
    ///
    /// # Errors
    /// [`Refusal::MessagingObject`], and the caller ends the session; [`Refusal::MessagingObjectMissing`], and it lives on.
    pub fn data<const M: usize>(&self, field: &[u8], out: &mut heapless::Vec<u8, M>) -> Result<(), Refusal> {
        let (&indicator, cryptogram) = only(field, CRYPTOGRAM)?.split_first().ok_or(Refusal::MessagingObject)?;
        out.extend_from_slice(cryptogram).map_err(|_| Refusal::MessagingObject)?;
        if indicator != INDICATOR || cbc::decrypt(&self.key, self.iv, out).is_err() {
            return Err(Refusal::MessagingObject);
        }
        Ok(())
    }

    /// Ne out of the Le object that a command's data field consists of: `96 03 00 hh ll`, where 0000 is 65,536.
    ///
    /// # Errors
    /// As [`Messaging::data`].
    pub fn ne(field: &[u8]) -> Result<u32, Refusal> {
        let &[0x00, high, low] = only(field, LE)? else { return Err(Refusal::MessagingObject) };
        match u16::from_be_bytes([high, low]) {
            0 => Ok(apdu::Ne::MAX.get()),
            ne => Ok(u32::from(ne)),
        }
    }

    /// Enciphers response data into its object. A response without data stays bare.
    ///
    /// # Errors
    /// [`Refusal::NoDiagnosis`] where there is no room.
    pub fn wrap<const M: usize>(&self, data: &mut heapless::Vec<u8, M>) -> Result<(), Refusal> {
        if data.is_empty() {
            return Ok(());
        }
        cbc::encrypt(&self.key, self.iv, data).map_err(|_| Refusal::NoDiagnosis)?;
        let value = u16::try_from(data.len() + 1).map_err(|_| Refusal::NoDiagnosis)?;
        let mut head: heapless::Vec<u8, 5> = heapless::Vec::new();
        let [high, low] = value.to_be_bytes();
        let length: &[u8] = match value {
            0..=0x7F => &[low],
            0x80..=0xFF => &[0x81, low],
            _ => &[0x82, high, low],
        };
        // Five bytes at most.
        let _ = head.push(0x86);
        let _ = head.extend_from_slice(length);
        let _ = head.push(INDICATOR);
        data.extend_from_slice(&head).map_err(|_| Refusal::NoDiagnosis)?;
        data.rotate_right(head.len());
        Ok(())
    }

    /// The sanctioned duplicate, for snapshots by the simulator.
    pub(crate) fn fork(&self) -> Self {
        Messaging { key: Secret16::copied(self.key.as_ref()), counter: self.counter, iv: self.iv }
    }
}

/// Most bytes whose object, padding and header included, has `ne` bytes or fewer. `None` where there is no room for one.
#[must_use]
pub fn room(ne: u32) -> Option<u32> {
    const BLOCK: u32 = 16;
    // Bytes of tag and length, and the longest value behind them.
    let blocks = [(2, 0x7F), (3, 0xFF), (4, 0xFFFF)].map(|(head, longest)| {
        let value = ne.saturating_sub(head).min(longest);
        value.saturating_sub(1) / BLOCK
    });
    blocks.into_iter().max().and_then(|blocks| (blocks * BLOCK).checked_sub(1))
}

/// The value of the one object that `field` consists of.
fn only(field: &[u8], tag: Tag) -> Result<&[u8], Refusal> {
    if field.is_empty() {
        return Err(Refusal::MessagingObjectMissing);
    }
    match Tlv::parse(field, Rules::Card) {
        Ok((object, [])) if object.tag == tag => Ok(object.value),
        _ => Err(Refusal::MessagingObject),
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    /// card.md §13: the counter begins with 1 and goes up with every command; enciphered it is the initialisation vector.
    #[test]
    fn no_two_commands_share_an_initialisation_vector() {
        let mut messaging = Messaging { key: Secret16::new([7; BLOCK]), counter: 1, iv: [0; BLOCK] };
        for number in 1..=300u128 {
            messaging.advance();
            assert_eq!(messaging.iv, Secret16::new([7; BLOCK]).encrypt(&number.to_be_bytes()), "command {number}");
        }
    }

    #[test]
    fn what_has_room_fills_it() {
        let messaging = Messaging { key: Secret16::new([7; BLOCK]), counter: 1, iv: [0; BLOCK] };
        let size = |plain: u32| {
            let mut data: heapless::Vec<u8, 6000> = heapless::Vec::new();
            data.resize(usize::try_from(plain).expect("small"), 0x5A).expect("room");
            messaging.wrap(&mut data).expect("room");
            data.len()
        };
        for ne in 0..2000 {
            let limit = usize::try_from(ne).expect("small");
            match room(ne) {
                None => assert!(limit < size(1), "{ne}"),
                Some(most) => assert!(size(most) <= limit && size(most + 1) > limit, "{ne}: {most}"),
            }
        }
        assert_eq!((room(256), room(0x1_0000)), (Some(239), Some(65_519)));
    }
}
