//! Certificates that are none, made of a card's own by editing their DER.

use crate::rng::SimRng;
use rand_core::Rng;
use serde::Deserialize;

/// What a certificate is replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forgery {
    /// Its first half.
    Truncated,
    /// Random bytes behind a header that tells their length.
    Random,
    /// Control information of a PIN object.
    PinObject,
    /// A key on P-256 in place of the RSA key.
    EcKey,
    /// A serial number of 2,000 bytes.
    HugeSerial,
    /// Modulus 0.
    ModulusZero,
    /// Modulus 1: one bit.
    ModulusOne,
    /// Its own modulus, made even.
    ModulusEven,
    /// A modulus of 16,384 bits.
    ModulusHuge,
    /// Exponent 0.
    ExponentZero,
    /// An exponent as long as the modulus.
    ExponentHuge,
    /// A key without a bit.
    NoKey,
    /// A signature without a byte.
    NoSignature,
    /// A holder whose name writes to terminals and to HTML pages.
    NameEscapes,
    /// A name that is not UTF-8.
    NameNoText,
    /// A day that no calendar has.
    NoDay,
    /// The last moment that a certificate can name, which is the year 10000 in Japan. (RFC 5280 §4.1.2.5)
    NoEnd,
    /// An extension of 4,000 objects, each in the one before.
    Nested,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Forgery; 18] = [
        Forgery::Truncated,
        Forgery::Random,
        Forgery::PinObject,
        Forgery::EcKey,
        Forgery::HugeSerial,
        Forgery::ModulusZero,
        Forgery::ModulusOne,
        Forgery::ModulusEven,
        Forgery::ModulusHuge,
        Forgery::ExponentZero,
        Forgery::ExponentHuge,
        Forgery::NoKey,
        Forgery::NoSignature,
        Forgery::NameEscapes,
        Forgery::NameNoText,
        Forgery::NoDay,
        Forgery::NoEnd,
        Forgery::Nested,
    ];
}

// Members of TBSCertificate, the version before them. (RFC 5280 §4.1)
const SERIAL: usize = 1;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const KEY: usize = 6;
const EXTENSIONS: usize = 7;

/// subjectPublicKeyInfo of the generator of P-256. (SEC 2 §2.4.2)
const EC_KEY: &str = "3059301306072A8648CE3D020106082A8648CE3D030107034200046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";
/// AlgorithmIdentifier of RSA. (RFC 8017 appendix A.1)
const RSA: &str = "300D06092A864886F70D0101010500";
/// What SELECT could tell of a PIN object. (ISO/IEC 7816-4 §7.4)
const PIN_OBJECT: &str = "620E82011883020018850263008A0105";
/// Objects, each in the one before.
const DEPTH: usize = 4000;

/// The forged certificate; `None` for bytes that are none to begin with.
pub(super) fn forged(certificate: &[u8], forgery: Forgery, rng: &mut SimRng) -> Option<Vec<u8>> {
    let (_, content, rest) = split(certificate)?;
    let whole = &certificate[..certificate.len() - rest.len()];
    let key = |modulus: &[u8], exponent: &[u8]| {
        let numbers = wrap(0x30, &[wrap(0x02, modulus), wrap(0x02, exponent)].concat());
        let bits = wrap(0x03, &[&[0x00], numbers.as_slice()].concat());
        wrap(0x30, &[bytes(RSA), bits].concat())
    };
    const F4: &[u8] = &[0x01, 0x00, 0x01];
    Some(match forgery {
        Forgery::Truncated => whole[..whole.len() / 2].to_vec(),
        Forgery::Random => {
            let mut random = vec![0; content.len()];
            rng.fill_bytes(&mut random);
            wrap(0x30, &random)
        }
        Forgery::PinObject => bytes(PIN_OBJECT),
        Forgery::NoSignature => {
            let mut parts = members(content)?;
            *parts.get_mut(2)? = wrap(0x03, &[0x00]);
            wrap(0x30, &parts.concat())
        }
        Forgery::EcKey => with(content, KEY, bytes(EC_KEY))?,
        Forgery::HugeSerial => with(content, SERIAL, wrap(0x02, &[0x5A; 2000]))?,
        Forgery::ModulusZero => with(content, KEY, key(&[0], F4))?,
        Forgery::ModulusOne => with(content, KEY, key(&[1], F4))?,
        Forgery::ModulusEven => with(content, KEY, key(&[&[0], &[0xC2; 256][..]].concat(), F4))?,
        Forgery::ModulusHuge => with(content, KEY, key(&[&[0], &[0xC3; 2048][..]].concat(), F4))?,
        Forgery::ExponentZero => with(content, KEY, key(&[&[0], &[0xC3; 256][..]].concat(), &[0]))?,
        Forgery::ExponentHuge => {
            let number = [&[0], &[0xC3; 256][..]].concat();
            with(content, KEY, key(&number, &number))?
        }
        Forgery::NoKey => with(content, KEY, wrap(0x30, &[bytes(RSA), wrap(0x03, &[0x00])].concat()))?,
        Forgery::NameEscapes => {
            with(content, SUBJECT, name("\u{1B}[2J\u{1B}]0;x\u{7}\r\u{202E}<script>alert(1)</script>\"'&".as_bytes()))?
        }
        Forgery::NameNoText => with(content, SUBJECT, name(&[0xFF, 0xFE, 0xC0, 0x80, 0xED, 0xA0, 0x80]))?,
        Forgery::NoDay => {
            let day = wrap(0x17, b"251333000000Z");
            with(content, VALIDITY, wrap(0x30, &[day.clone(), day].concat()))?
        }
        Forgery::NoEnd => {
            let days = [wrap(0x17, b"200101000000Z"), wrap(0x18, b"99991231235959Z")].concat();
            with(content, VALIDITY, wrap(0x30, &days))?
        }
        Forgery::Nested => {
            let nest = (0..DEPTH).fold(Vec::new(), |inner: Vec<u8>, _| wrap(0x30, &inner));
            let extension = [wrap(0x06, &[0x55, 0x1D, 0x11]), wrap(0x04, &nest)].concat();
            with(content, EXTENSIONS, wrap(0xA3, &wrap(0x30, &wrap(0x30, &extension))))?
        }
    })
}

/// The certificate of this content with one member of its TBSCertificate replaced.
fn with(content: &[u8], member: usize, new: Vec<u8>) -> Option<Vec<u8>> {
    let mut parts = members(content)?;
    let mut inner = members(split(parts.first()?)?.1)?;
    *inner.get_mut(member)? = new;
    *parts.first_mut()? = wrap(0x30, &inner.concat());
    Some(wrap(0x30, &parts.concat()))
}

/// A name of one UTF8String, the common name.
fn name(text: &[u8]) -> Vec<u8> {
    let attribute = wrap(0x30, &[wrap(0x06, &[0x55, 0x04, 0x03]), wrap(0x0C, text)].concat());
    wrap(0x30, &wrap(0x31, &attribute))
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap_or_default()
}

/// Tag, value and what follows the object in front.
fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, rest) = match *der {
        [_, length @ ..=0x7F, ref rest @ ..] => (usize::from(length), rest),
        [_, 0x81, length, ref rest @ ..] => (usize::from(length), rest),
        [_, 0x82, high, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((*der.first()?, value, rest))
}

/// The objects one after another, headers included.
fn members(mut content: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = Vec::new();
    while !content.is_empty() {
        let (_, _, rest) = split(content)?;
        parts.push(content[..content.len() - rest.len()].to_vec());
        content = rest;
    }
    Some(parts)
}

fn wrap(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = match value.len() {
        short @ ..=0x7F => vec![short as u8],
        length => {
            let all = length.to_be_bytes();
            let bytes = &all[all.iter().take_while(|byte| **byte == 0).count()..];
            [&[0x80 | bytes.len() as u8], bytes].concat()
        }
    };
    [&[tag], length.as_slice(), value].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As deep as a certificate is looked at here: one with members that are empty.
    fn skeleton() -> Vec<u8> {
        let tbs = [bytes("A003020102020101"), bytes("3000").repeat(5), bytes("A300")].concat();
        wrap(0x30, &[wrap(0x30, &tbs), bytes("3000"), bytes("03020055")].concat())
    }

    #[test]
    fn every_forgery_differs_and_all_but_the_broken_are_whole() {
        let certificate = skeleton();
        for forgery in Forgery::ALL {
            let made = forged(&certificate, forgery, &mut SimRng::seeded(1)).expect("a certificate");
            assert_ne!(made, certificate, "{forgery:?}");
            let whole = split(&made).is_some_and(|(_, _, rest)| rest.is_empty());
            assert_eq!(whole, forgery != Forgery::Truncated, "{forgery:?}");
        }
        for none in [&b""[..], b"\x30", b"\x30\x82\xFF\xFF\x00", b"\x30\x84\xFF\xFF\xFF\xFF"] {
            assert!(Forgery::ALL.into_iter().all(|forgery| forged(none, forgery, &mut SimRng::seeded(1)).is_none()));
        }
    }
}
