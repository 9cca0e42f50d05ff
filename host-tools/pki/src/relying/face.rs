//! Face data: a record under its signer's certificate, the certificate under a root that the verifier holds, and the card's
//! own key in the record. (card.md §9.3, §9.4, §10)
//!
//! Nothing here is shared with what signs: objects go through the codec's reader, RSA is the card's own public operation, and
//! the padding is built and compared.

use super::NotBelieved;
use crate::{
    cvc::{self, KEY_ID},
    signer::Purpose,
};
use apdu::tlv::{
    Rules,
    ber::{Reader, Tag, Tlv},
};
use rsa::PublicKey;
use sha2::{Digest, Sha256};

const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// The same around the three digests of the card face.
const FACE_INFO: [u8; 19] =
    [0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x60];

/// A modulus with exponent 65537.
pub type Modulus = [u8; 256];

/// The key that EF 0004 certifies for this purpose, under a root that the verifier holds. Its key ids count whole. (card.md §10)
///
/// # Errors
/// [`NotBelieved::Chain`], [`NotBelieved::KeyId`].
pub fn signer(certificate: &[u8], root: &PublicKey, purpose: Purpose) -> Result<Modulus, NotBelieved> {
    let root = cvc::modulus(root).map_err(|_| NotBelieved::Chain)?;
    let template = one(certificate, 0x7F21)?;
    let [body, signature] = objects(template, [0x5F4E, 0x5F37])?;
    opens(&root, &SHA256_INFO, &[body.value], signature.value).map_err(|_| NotBelieved::Chain)?;
    let (ids, key) = body.value.split_at_checked(2 * KEY_ID).ok_or(NotBelieved::Chain)?;
    if ids != purpose.ids().map(|id| id.0).as_flattened() {
        return Err(NotBelieved::KeyId);
    }
    public_key(key)
}

/// 券面事項確認AP 0001: the birth date and the card's key.
///
/// # Errors
/// [`NotBelieved`].
pub fn age(file: &[u8], signer: &Modulus) -> Result<(String, Modulus), NotBelieved> {
    let [birth, key, signature] = objects(one(file, 0xFF10)?, [0xDF11, 0xDF12, 0xDF13])?;
    opens(signer, &SHA256_INFO, &[&[birth.raw, key.raw].concat()], signature.value)?;
    Ok((text(birth.value), public_key(key.value)?))
}

/// 券面事項確認AP 0005: My Number as an image, and the card's key.
///
/// # Errors
/// [`NotBelieved`].
pub fn number_image(file: &[u8], signer: &Modulus) -> Result<(Vec<u8>, Modulus), NotBelieved> {
    let [image, key, signature] = objects(one(file, 0xFF40)?, [0xDF41, 0xDF42, 0xDF43])?;
    opens(signer, &SHA256_INFO, &[&[image.raw, key.raw].concat()], signature.value)?;
    Ok((image.value.into(), public_key(key.value)?))
}

/// 券面事項確認AP 0002.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFace {
    /// 生年月日, YYYYMMDD.
    pub birth: String,
    /// 性別, JIS X 0303.
    pub sex: String,
    /// The card's key.
    pub key: Modulus,
    /// 氏名, PNG.
    pub name: Vec<u8>,
    /// 住所, PNG.
    pub address: Vec<u8>,
    /// 顔写真, JPEG 2000.
    pub photo: Vec<u8>,
    /// Expiry, YYYYMMDD; **not signed**.
    pub expires: String,
    /// セキュリティコード, PNG; **not signed**.
    pub security_code: Vec<u8>,
}

/// The card face, with its offset table held against where the objects are.
///
/// # Errors
/// [`NotBelieved`].
pub fn card_face(file: &[u8], signer: &Modulus) -> Result<CardFace, NotBelieved> {
    let template = one(file, 0xFF20)?;
    let all = objects(template, [0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25, 0xDF26, 0xDF27, 0xDF28, 0xDF29, 0xDF2A])?;
    offsets(file, &all)?;
    let [_, birth, sex, key, name, address, photo, signature, expires, code] = all;
    let parts = [[birth.raw, sex.raw, key.raw].concat(), [name.raw, address.raw].concat(), photo.raw.to_vec()];
    opens(signer, &FACE_INFO, &parts.each_ref().map(Vec::as_slice), signature.value)?;
    Ok(CardFace {
        birth: text(birth.value),
        sex: text(sex.value),
        key: public_key(key.value)?,
        name: name.value.into(),
        address: address.value.into(),
        photo: photo.value.into(),
        expires: text(expires.value),
        security_code: code.value.into(),
    })
}

/// 券面事項入力補助AP 0001 and 0002.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// 氏名
    pub name: String,
    /// 住所
    pub address: String,
    /// 生年月日, YYYYMMDD.
    pub birth: String,
    /// 性別, JIS X 0303.
    pub sex: String,
}

/// The four attributes, without judging them.
///
/// # Errors
/// [`NotBelieved::Form`].
pub fn attributes(file: &[u8]) -> Result<Attributes, NotBelieved> {
    let all = objects(one(file, 0xFF20)?, [0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25])?;
    offsets(file, &all)?;
    let [_, name, address, birth, sex] = all.map(|object| text(object.value));
    Ok(Attributes { name, address, birth, sex })
}

/// The twelve digits of 券面事項入力補助AP 0001.
///
/// # Errors
/// [`NotBelieved::Form`].
pub fn my_number(file: &[u8]) -> Result<String, NotBelieved> {
    one(file, 0xFF10).map(text)
}

/// Whether 0003 covers My Number and attributes as they are in 0001 and 0002.
///
/// # Errors
/// [`NotBelieved`].
pub fn integrity(record: &[u8], number: &[u8], attributes: &[u8], signer: &Modulus) -> Result<(), NotBelieved> {
    covers_number(record, number, signer)?;
    covers_attributes(record, attributes, signer)
}

/// Whether 0003 covers My Number as it is in 0001, all of its bytes.
///
/// # Errors
/// [`NotBelieved`].
pub fn covers_number(record: &[u8], number: &[u8], signer: &Modulus) -> Result<(), NotBelieved> {
    let [first, _] = digests(record, signer)?;
    if Sha256::digest(number)[..] == *first { Ok(()) } else { Err(NotBelieved::Signature) }
}

/// Whether 0003 covers the attributes as they are in 0002, from behind the table of offsets on.
///
/// # Errors
/// [`NotBelieved`].
pub fn covers_attributes(record: &[u8], attributes: &[u8], signer: &Modulus) -> Result<(), NotBelieved> {
    let [_, second] = digests(record, signer)?;
    let template = one(attributes, 0xFF20)?;
    let [table, ..] = objects(template, [0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25])?;
    let covered = template.get(table.raw.len()..).unwrap_or_default();
    if Sha256::digest(covered)[..] == *second { Ok(()) } else { Err(NotBelieved::Signature) }
}

/// The two digests of 0003, signed.
fn digests<'a>(record: &'a [u8], signer: &Modulus) -> Result<[&'a [u8]; 2], NotBelieved> {
    let [first, second, signature] = objects(one(record, 0xFF30)?, [0xDF31, 0xDF32, 0xDF33])?;
    opens(signer, &SHA256_INFO, &[&[first.raw, second.raw].concat()], signature.value)?;
    Ok([first.value, second.value])
}

/// The card's key in 券面事項入力補助AP 0007.
///
/// # Errors
/// [`NotBelieved`].
pub fn text_key(file: &[u8], signer: &Modulus) -> Result<Modulus, NotBelieved> {
    let [key, signature] = objects(one(file, 0xFF50)?, [0xDF51, 0xDF52])?;
    opens(signer, &SHA256_INFO, &[key.raw], signature.value)?;
    public_key(key.value)
}

/// Whether the card signed this challenge with P1 = 03 and its default key.
///
/// # Errors
/// [`NotBelieved::Signature`].
pub fn challenge(key: &Modulus, challenge: &[u8], signature: &[u8]) -> Result<(), NotBelieved> {
    opens(key, &SHA256_INFO, &[challenge], signature)
}

/// RSASSA-PKCS1-v1_5 over the digests of these parts behind this DigestInfo header.
fn opens(key: &Modulus, head: &[u8; 19], parts: &[&[u8]], signature: &[u8]) -> Result<(), NotBelieved> {
    let mut info = head.to_vec();
    for part in parts {
        info.extend_from_slice(&Sha256::digest(part));
    }
    let mut expected = vec![0xFF; 256];
    expected[..2].copy_from_slice(&[0x00, 0x01]);
    let start = 256 - info.len();
    expected[start - 1] = 0x00;
    expected[start..].copy_from_slice(&info);
    let opened = signature.try_into().ok().and_then(|signature| card_os::public::power(key, signature));
    if opened.is_some_and(|opened| opened[..] == expected) { Ok(()) } else { Err(NotBelieved::Signature) }
}

/// The value of the object that a file begins with.
fn one(file: &[u8], tag: u32) -> Result<&[u8], NotBelieved> {
    match Tlv::parse(file, Rules::Card) {
        Ok((object, _)) if object.tag == Tag(tag) => Ok(object.value),
        _ => Err(NotBelieved::Form(tag)),
    }
}

/// Exactly these objects, in this order.
fn objects<const N: usize>(template: &[u8], tags: [u32; N]) -> Result<[Tlv<'_>; N], NotBelieved> {
    let mut reader = Reader::new(template, Rules::Card);
    let mut found = Vec::with_capacity(N);
    for tag in tags {
        match reader.next() {
            Some(Ok(object)) if object.tag == Tag(tag) => found.push(object),
            _ => return Err(NotBelieved::Form(tag)),
        }
    }
    let whole = reader.next().is_none();
    found.try_into().ok().filter(|_| whole).ok_or(NotBelieved::Form(tags[0]))
}

/// Whether the first object is the table of where the others begin, counted from the first byte of the file.
fn offsets(file: &[u8], objects: &[Tlv<'_>]) -> Result<(), NotBelieved> {
    let [table, rest @ ..] = objects else { return Err(NotBelieved::Form(0)) };
    let (entries, []) = table.value.as_chunks::<2>() else { return Err(NotBelieved::Form(table.tag.0)) };
    let holds = entries.len() == rest.len()
        && entries.iter().zip(rest).all(|(entry, object)| {
            file.get(usize::from(u16::from_be_bytes(*entry))..).is_some_and(|there| there.starts_with(object.raw))
        });
    if holds { Ok(()) } else { Err(NotBelieved::Form(table.tag.0)) }
}

fn public_key(value: &[u8]) -> Result<Modulus, NotBelieved> {
    let [exponent, modulus] = objects(value, [0x90, 0x91])?;
    let modulus = modulus.value.try_into().ok().filter(|_| exponent.value == [0x01, 0x00, 0x01]);
    modulus.ok_or(NotBelieved::Form(0x91))
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
