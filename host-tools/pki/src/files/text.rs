//! Files of 券面事項入力補助AP: the face as text. (card.md §9.3)

use super::{FileError, UNKNOWN, filled, information_key, object, opaque, with_offsets};
use crate::{cvc::public_key, my_number::MyNumber, person::Person, reference::number_a, signer::Signer};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

/// Most bytes of the four attributes on a card.
const ATTRIBUTES_MAX: usize = 1536;

/// Public halves of the application's keys on one card.
#[derive(Debug, Clone, Copy)]
pub struct TextKeys<'a> {
    /// Modulus of key 0013.
    pub signing: &'a [u8; 256],
    /// Modulus of the key for session keys.
    pub delivery: &'a [u8; 256],
}

/// What the application of one card holds. Name, address and My Number are in it, so `Debug` shows how long each EF is and nothing else.
pub struct Text {
    /// EF number and content, in the order of their numbers.
    pub files: Vec<(u8, Vec<u8>)>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Text")?;
        f.debug_map().entries(self.files.iter().map(|(file, content)| (file, content.len()))).finish()
    }
}

impl Text {
    /// Makes every file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn new(
        person: &Person,
        my_number: &MyNumber,
        keys: TextKeys<'_>,
        signer: &Signer,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, FileError> {
        let number = [&object(0xFF10, number_a(my_number).as_bytes())[..], &[0xFF; 2]].concat();
        let attributes = [
            object(0xDF22, person.name.as_bytes()),
            object(0xDF23, person.address.as_bytes()),
            object(0xDF24, super::digits(person.birth).as_bytes()),
            object(0xDF25, person.sex.face_code().as_bytes()),
        ];
        let text = filled(with_offsets(0xFF20, 0xDF21, &attributes));
        if text.len() > ATTRIBUTES_MAX {
            return Err(FileError::TooLong { file: "券面事項入力補助AP 0002", length: text.len() });
        }
        let digests =
            [object(0xDF31, &Sha256::digest(&number)), object(0xDF32, &Sha256::digest(attributes.concat()))].concat();
        let integrity = object(0xFF30, &[&digests[..], &object(0xDF33, &signer.sign(&digests, rng)?)].concat());
        let own = object(0xDF51, &public_key(keys.signing));
        let certified = object(0xFF50, &[&own[..], &object(0xDF52, &signer.sign(&own, rng)?)].concat());
        let files = vec![
            (0x01, number),
            (0x02, text),
            (0x03, integrity),
            (0x04, signer.certificate.file()),
            (0x05, information(rng)),
            (0x06, object(0xA1, &public_key(keys.delivery))),
            (0x07, certified),
            (0x08, UNKNOWN.to_vec()),
        ];
        Ok(Text { files })
    }
}

/// AP基本情報: version and extended lengths, a key id, 32 opaque bytes and filler. (card.md D-51)
fn information(rng: &mut impl CryptoRng) -> Vec<u8> {
    let opaque = [opaque(32, rng), vec![0xFF; 96]].concat();
    let parts = [
        object(0xDF41, &[0x01, 0x03, 0x0E, 0x01]),
        object(0xDF42, &information_key(b"8000034")),
        object(0xDF43, &opaque),
    ];
    object(0xFF40, &parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_names_nobody() {
        let text = Text { files: vec![(0x01, b"\xFF\x10\x0C000000000019\xFF\xFF".to_vec()), (0x08, UNKNOWN.to_vec())] };
        assert_eq!(format!("{text:?}"), "Text{1: 17, 8: 16}");
    }
}
