//! The signed files of both 券面 applications, written from card.md §9 alone: what the cases must accept.

use rsa::{Pkcs1v15Sign, PrivateKey, PublicKey, traits::PublicKeyParts};
use sha2::{Digest, Sha256};
use sim::rng::SimRng;

/// First bytes of the two kinds of picture. No case looks further.
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\xD8\0\0\0\x0C\x01\0\0\0\0";
const JP2: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14ftypjp2 ";

/// Keys behind one application's records.
struct Signer {
    root: PrivateKey,
    data: PrivateKey,
}

/// The files of one application, by data grouping, and the modulus of the root behind them.
pub(crate) struct Records {
    pub(crate) files: Vec<(u16, Vec<u8>)>,
    pub(crate) root: Vec<u8>,
}

/// An object with the length form of card.md §9.0.
fn object(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut out = tag.to_be_bytes().to_vec();
    match u8::try_from(value.len()) {
        Ok(length) if length < 128 => out.push(length),
        _ => {
            out.push(0x82);
            out.extend_from_slice(&u16::try_from(value.len()).expect("fits").to_be_bytes());
        }
    }
    out.extend_from_slice(value);
    out
}

/// An object whose first member is the table of the offsets of the others.
fn with_offsets(tag: u16, members: &[Vec<u8>]) -> Vec<u8> {
    let table = 3 + 2 * members.len();
    let content = table + members.iter().map(Vec::len).sum::<usize>();
    let mut at = if content < 128 { 3 } else { 5 } + table;
    let mut offsets = Vec::new();
    for member in members {
        offsets.extend_from_slice(&u16::try_from(at).expect("fits").to_be_bytes());
        at += member.len();
    }
    object(tag, &[object(0xDF21, &offsets), members.concat()].concat())
}

fn filled(mut file: Vec<u8>) -> Vec<u8> {
    file.resize(file.len().next_multiple_of(256), 0xFF);
    file
}

pub(crate) fn modulus(key: &PublicKey) -> Vec<u8> {
    let bytes = key.n().to_be_bytes();
    bytes[bytes.len() - 256..].to_vec()
}

fn public(modulus: &[u8]) -> Vec<u8> {
    [b"\x90\x03\x01\x00\x01\x91\x82\x01\x00", modulus].concat()
}

fn key_id(number: &[u8; 7], version: &[u8; 3]) -> Vec<u8> {
    [&number[..], b"\x08\x05", version, &[0; 4]].concat()
}

impl Signer {
    fn new(rng: &mut SimRng) -> Signer {
        let mut key = || PrivateKey::new(rng, 2048).expect("a key");
        Signer { root: key(), data: key() }
    }

    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.data.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(bytes)).expect("signs")
    }

    /// EF 0004. (card.md §10)
    fn certificate(&self, issuer: &[u8; 7], subject: &[u8; 7]) -> Vec<u8> {
        let key = public(&modulus(self.data.as_public_key()));
        let body = [key_id(issuer, b"001"), key_id(subject, b"000"), key].concat();
        let signature = self.root.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&body)).expect("signs");
        [&[0x7F, 0x21, 0x82, 0x02, 0x33][..], &object(0x5F4E, &body), &object(0x5F37, &signature)].concat()
    }

    fn root(&self) -> Vec<u8> {
        modulus(self.root.as_public_key())
    }
}

/// 入力補助. (card.md §9.3)
pub(crate) fn text(number: &str, own_key: &[u8; 256], session_key: &[u8; 256], rng: &mut SimRng) -> Records {
    let signer = Signer::new(rng);
    let first = [object(0xFF10, number.as_bytes()), vec![0xFF, 0xFF]].concat();
    let members = [
        object(0xDF22, "試験　花子".as_bytes()),
        object(0xDF23, "試験県架空市見本町１－２".as_bytes()),
        object(0xDF24, b"19800217"),
        object(0xDF25, b"2"),
    ];
    let digests = [object(0xDF31, &Sha256::digest(&first)), object(0xDF32, &Sha256::digest(members.concat()))].concat();
    let key = object(0xDF51, &public(own_key));
    let files = vec![
        (0x0501, first),
        (0x0502, filled(with_offsets(0xFF20, &members))),
        (0x0503, object(0xFF30, &[digests.clone(), object(0xDF33, &signer.sign(&digests))].concat())),
        (0x0504, signer.certificate(b"8000033", b"9999931")),
        (0x0505, {
            let opaque = [&[0x3C; 32][..], &[0xFF; 96]].concat();
            let (version, id) = (object(0xDF41, &[1, 3, 14, 1]), object(0xDF42, &key_id(b"8000034", b"001")));
            object(0xFF40, &[version, id, object(0xDF43, &opaque)].concat())
        }),
        (0x0506, [&[0xA1, 0x82, 0x01, 0x09][..], &public(session_key)].concat()),
        (0x0507, object(0xFF50, &[key.clone(), object(0xDF52, &signer.sign(&key))].concat())),
    ];
    Records { files, root: signer.root() }
}

/// 券面確認. (card.md §9.4)
pub(crate) fn face(own_key: &[u8; 256], rng: &mut SimRng) -> Records {
    let signer = Signer::new(rng);
    let key = |tag| object(tag, &public(own_key));
    let age = [object(0xDF11, b"19800217"), key(0xDF12)].concat();
    let image = |tag, picture: &[u8], length| {
        object(tag, &{
            let mut bytes = picture.to_vec();
            bytes.resize(length, 0x5A);
            bytes
        })
    };
    let (name, address, photo) = (image(0xDF25, PNG, 170), image(0xDF26, PNG, 300), image(0xDF27, JP2, 1900));
    let person = [object(0xDF22, b"19800217"), object(0xDF23, b"2"), key(0xDF24)];
    let mut info = b"\x30\x71\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x60".to_vec();
    for part in [person.concat(), [name.clone(), address.clone()].concat(), photo.clone()] {
        info.extend_from_slice(&Sha256::digest(part));
    }
    let signature = signer.data.sign(Pkcs1v15Sign::new_unprefixed(), &info).expect("signs");
    let rest = [name, address, photo, object(0xDF28, &signature), object(0xDF29, b"20350217"), image(0xDF2A, PNG, 120)];
    let number = [image(0xDF41, PNG, 0x91), key(0xDF42)].concat();
    let files = vec![
        (0x0401, object(0xFF10, &[age.clone(), object(0xDF13, &signer.sign(&age))].concat())),
        (0x0402, filled(with_offsets(0xFF20, &[&person[..], &rest].concat()))),
        (0x0403, {
            let (version, id) = (object(0xDF31, &[6, 3, 14, 1]), object(0xDF32, &key_id(b"8000024", b"001")));
            let opaque = [key_id(b"8900025", b"001"), vec![0x3C; 256]].concat();
            let (zero, city) = (object(0xDF33, &[0]), object(0xDF34, b"99999"));
            object(0xFF30, &[version, id, zero, city, object(0xDF35, &opaque)].concat())
        }),
        (0x0404, signer.certificate(b"8000023", b"9999921")),
        (0x0405, object(0xFF40, &[number.clone(), object(0xDF43, &signer.sign(&number))].concat())),
    ];
    Records { files, root: signer.root() }
}

#[test]
fn the_sizes_are_those_of_the_specification() {
    let mut rng = SimRng::seeded(3);
    let (text, face) = (text("739128450617", &[1; 256], &[2; 256], &mut rng), face(&[1; 256], &mut rng));
    let sizes = |records: &Records| records.files.iter().map(|(_, file)| file.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&text), [17, 256, 336, 568, 164, 269, 536], "card.md §9.3");
    let face = sizes(&face);
    assert_eq!((face[0], face[2], face[3], face[4]), (547, 320, 568, 686), "card.md §9.4");
}
