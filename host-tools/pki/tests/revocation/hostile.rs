//! Parsers and mutated bytes: nothing panics, and nothing changed is believed.

use crate::{
    ocsp::{RESPONDER, register},
    support::{Folder, MADE, NOW, parsed},
};
use pki::revocation::{
    certificate::{self, Certificate},
    crl::{self, Crl, CrlError, Scope},
    ocsp::{ANSWER_MAX, BYTES_MAX, Failure, OcspError, Query, Request, SINGLES_MAX},
};
use proptest::prelude::*;
use sim::rng::SimRng;
use std::sync::LazyLock;

static QUERY: LazyLock<Query> = LazyLock::new(|| {
    let leaf = parsed(&MADE.leaves[0].der);
    Query::about(&MADE.root(), &[leaf]).expect("a query").with_nonce(&mut SimRng::seeded(9))
});
static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| QUERY.to_der().expect("encodes"));
static ANSWER: LazyLock<Vec<u8>> = LazyLock::new(|| RESPONDER.respond(&REQUEST, register, *NOW));
static LIST: LazyLock<Vec<u8>> =
    LazyLock::new(|| MADE.authentication.issue_crl(Scope::Complete, 7, &MADE.entries(), *NOW).expect("issues"));

/// Bytes set, cut out and put in, at up to four places.
fn mutated(good: &[u8]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let good = good.to_vec();
    let change = (any::<prop::sample::Index>(), 0..4u8, any::<u8>());
    prop::collection::vec(change, 1..5).prop_map(move |changes| {
        let mut bytes = good.clone();
        for (place, kind, value) in changes {
            let at = place.index(bytes.len().max(1));
            match kind {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 => bytes.insert(at.min(bytes.len()), value),
                2 => bytes.truncate(at),
                _ if at < bytes.len() => bytes[at] = value,
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn requests(bytes in mutated(&REQUEST)) {
        let _ = Request::parse(&bytes);
    }

    #[test]
    fn answers(bytes in mutated(&ANSWER)) {
        prop_assert!(bytes == *ANSWER || QUERY.read(&bytes, *NOW).is_err());
    }

    #[test]
    fn lists(bytes in mutated(&LIST)) {
        let outcome = Crl::parse(&bytes).and_then(|list| list.verify(&MADE.root()));
        prop_assert!(bytes == *LIST || outcome.is_err());
    }

    #[test]
    fn certificates(bytes in mutated(&MADE.leaves[0].der)) {
        let believed = Certificate::parse(&bytes).is_ok_and(|one| one.is_issued_by(&MADE.root()));
        prop_assert!(bytes == MADE.leaves[0].der || !believed);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (Request::parse(&bytes), Crl::parse(&bytes), Certificate::parse(&bytes));
        prop_assert!(QUERY.read(&bytes, *NOW).is_err());
    }
}

#[test]
fn limits() {
    assert_eq!(Request::parse(&vec![0x30; BYTES_MAX + 1]), Err(Failure::MalformedRequest));
    assert_eq!(Crl::parse(&vec![0x30; crl::BYTES_MAX + 1]), Err(CrlError::Size(crl::BYTES_MAX + 1)));
    assert_eq!(QUERY.read(&vec![0x30; ANSWER_MAX + 1], *NOW), Err(OcspError::Size(ANSWER_MAX + 1)));
    assert!(Certificate::parse(&vec![0x30; certificate::BYTES_MAX + 1]).is_err());
    let leaf = parsed(&MADE.leaves[0].der);
    assert!(Query::about(&MADE.root(), &vec![leaf.clone(); SINGLES_MAX]).is_ok());
    assert_eq!(Query::about(&MADE.root(), &vec![leaf; SINGLES_MAX + 1]), Err(OcspError::Count));
}

/// What openssl can be made to ask and this responder does not answer.
#[test]
fn requests_that_are_refused() {
    let Some(folder) = Folder::new("OCSP requests made by openssl") else { return };
    folder.certificate("root.pem", MADE.authentication.root());
    let singles = |count: usize| {
        let serials: String = (1..=count).map(|serial| format!(" -serial {serial}")).collect();
        folder.says(&format!("ocsp -issuer root.pem{serials} -reqout request.der"), &[]);
        Request::parse(&folder.read("request.der")).map(|request| request.singles())
    };
    assert_eq!(singles(1), Ok(1));
    assert_eq!(singles(SINGLES_MAX), Ok(SINGLES_MAX));
    assert_eq!(singles(SINGLES_MAX + 1), Err(Failure::MalformedRequest));
    assert_eq!(RESPONDER.respond(&folder.read("request.der"), register, *NOW), Failure::MalformedRequest.to_der());
}

/// The nonce of a request, its last bytes, made shorter and longer. (RFC 9654 §2.1)
#[test]
fn nonces_have_1_to_128_bytes() {
    let with_nonce = |length: usize| {
        let tlv = |tag: u8, content: &[u8]| {
            let length = content.len();
            let head = match length {
                0..128 => vec![tag, length as u8],
                128..256 => vec![tag, 0x81, length as u8],
                _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
            };
            [&head[..], content].concat()
        };
        let oid = [0x06, 0x09, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];
        let value = tlv(0x04, &tlv(0x04, &vec![0xA5; length]));
        let extensions = tlv(0xA2, &tlv(0x30, &tlv(0x30, &[&oid[..], &value].concat())));
        let plain =
            Query::about(&MADE.root(), &[parsed(&MADE.leaves[0].der)]).expect("a query").to_der().expect("encodes");
        // SEQUENCE { SEQUENCE { list } }, all shorter than 128 bytes.
        tlv(0x30, &tlv(0x30, &[&plain[4..], &extensions].concat()))
    };
    for (length, fits) in [(0, false), (1, true), (32, true), (128, true), (129, false)] {
        let request = Request::parse(&with_nonce(length));
        assert_eq!(request.is_ok_and(|request| request.has_nonce()), fits, "{length}");
    }
}
