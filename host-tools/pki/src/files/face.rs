//! Files of 券面事項確認AP: the face as images. (card.md §9.4)

use super::{FileError, UNKNOWN, digits, filled, information_key, object, opaque, with_offsets};
use crate::{cvc::public_key, person::Person, profile::MUNICIPALITY_CODE, signer::Signer};
use rand_core::CryptoRng;
use time::Date;

/// Most bytes of the card face on a card.
const FACE_MAX: usize = 5632;
/// Most bytes of the My Number's image with its signature on a card.
const NUMBER_MAX: usize = 1024;

/// Public half of the application's key on one card.
#[derive(Debug, Clone, Copy)]
pub struct FaceKeys<'a> {
    /// Modulus of key 001A.
    pub signing: &'a [u8; 256],
}

/// What the application of one card holds.
#[derive(Debug)]
pub struct Face {
    /// EF number and content, in the order of their numbers.
    pub files: Vec<(u8, Vec<u8>)>,
}

impl Face {
    /// Makes every file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn new(
        person: &Person,
        expires: Date,
        images: &portrait::Face,
        keys: FaceKeys<'_>,
        signer: &Signer,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, FileError> {
        let key = public_key(keys.signing);
        let birth = digits(person.birth);
        let age = [object(0xDF11, birth.as_bytes()), object(0xDF12, &key)].concat();
        let age = object(0xFF10, &[&age[..], &object(0xDF13, &signer.sign(&age, rng)?)].concat());
        let number = [object(0xDF41, &images.my_number), object(0xDF42, &key)].concat();
        let number = object(0xFF40, &[&number[..], &object(0xDF43, &signer.sign(&number, rng)?)].concat());
        if number.len() > NUMBER_MAX {
            return Err(FileError::TooLong { file: "券面事項確認AP 0005", length: number.len() });
        }
        let files = vec![
            (0x01, age),
            (0x02, face(person, expires, images, &key, signer, rng)?),
            (0x03, information(rng)),
            (0x04, signer.certificate.file()),
            (0x05, number),
            (0x06, UNKNOWN.to_vec()),
        ];
        Ok(Face { files })
    }
}

/// 0002: nine objects behind a table of their offsets. The signature covers the first six, by three digests.
fn face(
    person: &Person,
    expires: Date,
    images: &portrait::Face,
    key: &[u8],
    signer: &Signer,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, FileError> {
    let holder = [
        object(0xDF22, digits(person.birth).as_bytes()),
        object(0xDF23, person.sex.face_code().as_bytes()),
        object(0xDF24, key),
    ];
    let texts = [object(0xDF25, &images.name), object(0xDF26, &images.address)];
    let photo = object(0xDF27, &images.photo);
    let signature = signer.sign_digests([&holder.concat(), &texts.concat(), &photo], rng)?;
    let mut objects = Vec::from(holder);
    objects.extend(texts);
    objects.push(photo);
    objects.push(object(0xDF28, &signature));
    objects.push(object(0xDF29, digits(expires).as_bytes()));
    objects.push(object(0xDF2A, &images.security_code));
    let file = filled(with_offsets(0xFF20, 0xDF21, &objects));
    if file.len() > FACE_MAX {
        return Err(FileError::TooLong { file: "券面事項確認AP 0002", length: file.len() });
    }
    Ok(file)
}

/// AP基本情報. (card.md D-51)
fn information(rng: &mut impl CryptoRng) -> Vec<u8> {
    let unknown = [information_key(b"8900025"), opaque(256, rng)].concat();
    let parts = [
        object(0xDF31, &[0x06, 0x03, 0x0E, 0x01]),
        object(0xDF32, &information_key(b"8000024")),
        object(0xDF33, &[0x00]),
        object(0xDF34, MUNICIPALITY_CODE.as_bytes()),
        object(0xDF35, &unknown),
    ];
    object(0xFF30, &parts.concat())
}
