//! Messages that somebody made to be believed.

use crate::support::*;
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::ContentInfo,
    revocation::RevocationInfoChoices,
    signed_data::{CertificateSet, SignedData, SignerIdentifier, SignerInfo, SignerInfos},
};
use der::{
    Any, Decode, Encode,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use pki::{
    application::{Packing, SIGNED_DATA},
    client::Half,
    relying::{certificate::Certificate, report::Step, verdict::Verifier},
};
use proptest::prelude::*;
use rsa::Pkcs1v15Sign;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use x509_cert::attr::{Attribute, Attributes};

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

fn edit(message: &[u8], edit: impl FnOnce(&mut SignedData)) -> Vec<u8> {
    let outer = ContentInfo::from_der(message).expect("a message");
    let mut data: SignedData = outer.content.decode_as().expect("signed data");
    edit(&mut data);
    let content = Any::encode_from(&data).expect("encodes");
    ContentInfo { content_type: SIGNED_DATA, content }.to_der().expect("encodes")
}

fn edit_signer(message: &[u8], change: impl FnOnce(&mut SignerInfo)) -> Vec<u8> {
    edit(message, |data| {
        let mut signer = data.signer_infos.0.get(0).expect("a signer").clone();
        change(&mut signer);
        data.signer_infos = SignerInfos::try_from(vec![signer]).expect("a set");
    })
}

fn choice(certificate: &Certificate) -> CertificateChoices {
    CertificateChoices::Certificate(x509_cert::Certificate::from_der(certificate.der()).expect("a certificate"))
}

fn set_certificate(data: &mut SignedData, certificate: &Certificate) {
    data.certificates = Some(CertificateSet::try_from(vec![choice(certificate)]).expect("a set"));
}

fn identifier(certificate: &Certificate) -> SignerIdentifier {
    let parsed = x509_cert::Certificate::from_der(certificate.der()).expect("a certificate");
    SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
        issuer: parsed.tbs_certificate().issuer().clone(),
        serial_number: parsed.tbs_certificate().serial_number().clone(),
    })
}

/// Other signed attributes, signed as they are by the card's key.
fn resigned(message: &[u8], change: impl FnOnce(&mut Vec<Attribute>)) -> Vec<u8> {
    edit_signer(message, |signer| {
        let mut attributes = signer.signed_attrs.take().expect("attributes").into_vec();
        change(&mut attributes);
        let attributes: Attributes = SetOfVec::try_from(attributes).expect("a set");
        let digest = Sha256::digest(attributes.to_der().expect("encodes"));
        let signature = card_key(Half::Signature).sign(Pkcs1v15Sign::new::<Sha256>(), &digest).expect("signs");
        signer.signature = OctetString::new(signature).expect("octets");
        signer.signed_attrs = Some(attributes);
    })
}

pub(crate) fn without_signing_certificate() -> Vec<u8> {
    resigned(&message(), |attributes| attributes.retain(|one| one.oid.to_string() != "1.2.840.113549.1.9.16.2.47"))
}

/// With `sign`, a message of the usual content under another certificate over the card's key.
fn under(certificate: &Certificate) -> Vec<u8> {
    signed_by(&card_key(Half::Signature), certificate, &content(), Packing::Attached)
}

#[test]
fn altered_contents_and_signatures() {
    let altered = edit(&message(), |data| {
        let text = String::from_utf8(content()).expect("text").replace("300", "301");
        let content = OctetString::new(text.as_bytes()).expect("octets");
        data.encap_content_info.econtent = Some(Any::encode_from(&content).expect("encodes"));
    });
    assert_eq!(bad(&judge(&altered)), [(Step::Signature, "altered")]);
    let forged = edit_signer(&message(), |signer| {
        let mut signature = signer.signature.as_bytes().to_vec();
        signature[100] ^= 1;
        signer.signature = OctetString::new(signature).expect("octets");
    });
    assert_eq!(bad(&judge(&forged)), [(Step::Signature, "forged")]);
    let detached = signed_by(&card_key(Half::Signature), &WORLD.leaves[0], &content(), Packing::Detached);
    let other = String::from_utf8(content()).expect("text").replace("300", "301").into_bytes();
    let judge = |beside: Option<&[u8]>, message: &[u8]| verifier(&nothing).application(message, beside, NOW);
    assert_eq!(bad(&judge(Some(&other), &detached)), [(Step::Signature, "altered")]);
    assert_eq!(failed(&judge(None, &detached)), [(Step::Form, "content")]);
    assert_eq!(failed(&judge(Some(&content()), &message())), [(Step::Form, "content")]);
}

/// Somebody else's certificate over the signature, told in three ways.
#[test]
fn swapped_certificates() {
    let (_, other) = &WORLD.other;
    let beside = edit(&message(), |data| set_certificate(data, other));
    assert_eq!(failed(&judge(&beside)), [(Step::Form, "no-signer-certificate")]);
    let swap = |to: &Certificate| {
        edit_signer(&edit(&message(), |data| set_certificate(data, to)), |signer| signer.sid = identifier(to))
    };
    let expected = [(Step::Signature, "other-certificate"), (Step::Attributes, "differ")];
    assert_eq!(bad(&judge(&swap(other))), expected);
    // The same key in another certificate: only the signed attribute tells.
    assert_eq!(bad(&judge(&swap(&WORLD.renewed))), [(Step::Signature, "other-certificate")]);
    assert_eq!(bad(&judge(&under(&WORLD.renewed))), []);
    let none = edit(&message(), |data| data.certificates = None);
    assert_eq!(failed(&judge(&none)), [(Step::Form, "no-signer-certificate")]);
    let many = edit(&message(), |data| {
        let all = [&WORLD.leaves[..], &WORLD.anchors, &[WORLD.renewed.clone(), other.clone()]].concat();
        let mut choices: Vec<_> = all.iter().map(choice).collect();
        choices.extend((0..2).map(|index| {
            let odd = [0x55, 0x04, 0x03, 0x0C, 0x1C, b'2'];
            let to = [0x55, 0x04, 0x03, 0x0C, 0x1C, b'3' + index];
            choice(&reissued(other, &WORLD.signature, &odd, &to))
        }));
        data.certificates = Some(CertificateSet::try_from(choices).expect("a set"));
    });
    assert_eq!(failed(&judge(&many)), [(Step::Form, "no-signer-certificate")], "more than eight");
}

#[test]
fn forged_and_wrong_certificates() {
    let world = &*WORLD;
    let authority = &world.signature;
    let own = &world.leaves[0];
    // Another name in the certificate, and nobody signed that.
    let mut bytes = own.der().to_vec();
    let name = "花子".as_bytes();
    let at = bytes.windows(name.len()).position(|window| window == name).expect("the name");
    bytes[at..at + name.len()].copy_from_slice("花代".as_bytes());
    let report = judge(&under(&parse(&bytes)));
    let expected = [(Step::Chain, "forged-certificate"), (Step::Revocation, "not-run"), (Step::Attributes, "differ")];
    assert_eq!(bad(&report), expected);
    // A policy of one's own; the wish for another; anyPolicy.
    let [from, to] =
        ["060B2A83088C9B550805010014", "060B2A83088C9B550805010114"].map(|hex| hex::decode(hex).expect("hex"));
    assert_eq!(bad(&judge(&under(&reissued(own, authority, &from, &to)))), [(Step::Policy, "wrong-policy")]);
    let wish = Verifier { policy: ObjectIdentifier::new_unwrap("1.2.392.999.1"), ..verifier(&nothing) };
    assert_eq!(bad(&wish.application(&message(), None, NOW)), [(Step::Policy, "wrong-policy")]);
    // digitalSignature without nonRepudiation.
    let [from, to] = ["0404030206C0", "040403020780"].map(|hex| hex::decode(hex).expect("hex"));
    assert_eq!(bad(&judge(&under(&reissued(own, authority, &from, &to)))), [(Step::Usage, "wrong-usage")]);
    // A substitution map that is none.
    let [from, to] = [b"\x0C\x0500000", b"\x0C\x050000x"];
    assert_eq!(bad(&judge(&under(&reissued(own, authority, from, to)))), [(Step::Attributes, "no-attributes")]);
    // An extension that nobody knows, and that must be known.
    let [from, to] = ["0603551D200101FF", "0603551D7F0101FF"].map(|hex| hex::decode(hex).expect("hex"));
    let report = judge(&under(&reissued(own, authority, &from, &to)));
    let expected = [(Step::Chain, "unknown-critical"), (Step::Revocation, "not-run"), (Step::Policy, "wrong-policy")];
    assert_eq!(bad(&report), expected);
}

#[test]
fn an_authentication_certificate_signs_nothing() {
    let certificate = &WORLD.leaves[1];
    let message = signed_by(&card_key(Half::Authentication), certificate, &content(), Packing::Attached);
    let expected = [(Step::Policy, "wrong-policy"), (Step::Usage, "wrong-usage"), (Step::Attributes, "no-attributes")];
    assert_eq!(bad(&judge(&message)), expected);
    let strict = Verifier { anchors: &WORLD.anchors[2..], ..verifier(&nothing) };
    assert_eq!(bad(&strict.application(&message, None, NOW))[0], (Step::Chain, "unknown-issuer"));
    // The root of the other hierarchy does not help, and neither does one that came along in the message.
    let with_root = edit(&message, |data| {
        let root = parse(WORLD.authentication.root());
        data.certificates = Some(CertificateSet::try_from(vec![choice(certificate), choice(&root)]).expect("a set"));
    });
    assert_eq!(bad(&strict.application(&with_root, None, NOW))[0].0, Step::Chain);
}

/// Whoever has a card can sign a certificate for anybody; it is worth nothing, although every signature holds.
#[test]
fn a_holder_is_no_authority() {
    let victim = &WORLD.leaves[0];
    let (forgers, forger) = &WORLD.other;
    let forged = copied(victim, forgers, forger, forgers);
    let message = signed_by(forgers, &forged, &content(), Packing::Attached);
    let report = judge(&message);
    assert_eq!(bad(&report), [(Step::Chain, "unknown-issuer"), (Step::Revocation, "not-run")]);
    let with_forger = edit(&message, |data| {
        data.certificates = Some(CertificateSet::try_from(vec![choice(&forged), choice(forger)]).expect("a set"));
    });
    let expected = [(Step::Chain, "not-an-authority"), (Step::Revocation, "not-run")];
    assert_eq!(bad(&judge(&with_forger)), expected);
}

#[test]
fn more_than_the_signature_covers() {
    let two = edit(&message(), |data| {
        let first = data.signer_infos.0.get(0).expect("a signer").clone();
        let mut second = first.clone();
        second.sid = identifier(&WORLD.other.1);
        data.signer_infos = SignerInfos::try_from(vec![first, second]).expect("a set");
    });
    assert_eq!(failed(&judge(&two)), [(Step::Form, "signers")]);
    let none = edit(&message(), |data| data.signer_infos = SignerInfos::try_from(vec![]).expect("a set"));
    assert_eq!(failed(&judge(&none)), [(Step::Form, "signers")]);
    let unsigned = edit_signer(&message(), |signer| signer.unsigned_attrs = signer.signed_attrs.clone());
    assert_eq!(failed(&judge(&unsigned)), [(Step::Form, "uncovered")]);
    let lists = edit(&message(), |data| data.crls = Some(RevocationInfoChoices(SetOfVec::default())));
    assert_eq!(failed(&judge(&lists)), [(Step::Form, "uncovered")]);
}

#[test]
fn algorithms_and_attributes() {
    let sha1 = |data: &mut SignedData| {
        let mut digest = data.digest_algorithms.get(0).expect("one").clone();
        digest.oid = SHA1;
        data.digest_algorithms = SetOfVec::try_from(vec![digest]).expect("a set");
    };
    assert_eq!(bad(&judge(&edit(&message(), sha1))), [(Step::Signature, "algorithm")], "named in one place");
    let weak = edit_signer(&edit(&message(), sha1), |signer| signer.digest_alg.oid = SHA1);
    assert_eq!(bad(&judge(&weak)), [(Step::Signature, "algorithm")], "named in both");
    let old = edit_signer(&message(), |signer| {
        signer.signature_algorithm.oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
    });
    assert_eq!(bad(&judge(&old)), [(Step::Signature, "algorithm")], "sha1WithRSAEncryption");
    let pss = edit_signer(&message(), |signer| {
        signer.signature_algorithm.oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
    });
    assert_eq!(bad(&judge(&pss)), [(Step::Signature, "algorithm")], "RSASSA-PSS");
    let plain = edit_signer(&message(), |signer| signer.signed_attrs = None);
    assert_eq!(failed(&judge(&plain)), [(Step::Form, "signed-attribute")], "signs the content alone");
    for attribute in ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"] {
        let missing = resigned(&message(), |all| all.retain(|one| one.oid.to_string() != attribute));
        assert_eq!(failed(&judge(&missing)), [(Step::Form, "signed-attribute")], "without {attribute}");
        let twice = resigned(&message(), |all| {
            let mut again = all.iter().find(|one| one.oid.to_string() == attribute).expect("there").clone();
            let value = Any::encode_from(&OctetString::new([0; 32]).expect("octets")).expect("encodes");
            again.values = SetOfVec::try_from(vec![value]).expect("a set");
            all.push(again);
        });
        assert_eq!(failed(&judge(&twice)), [(Step::Form, "signed-attribute")], "{attribute} twice");
    }
    let timeless = resigned(&message(), |all| all.retain(|one| one.oid.to_string() != "1.2.840.113549.1.9.5"));
    assert_eq!(bad(&judge(&timeless)), [(Step::Validity, "no-signing-time")]);
}

#[test]
fn other_encodings() {
    let good = message();
    assert!(good.starts_with(&[0x30, 0x82]));
    // BER: the outer sequence with an indefinite length, or with a length longer than it need be.
    let indefinite = [&[0x30, 0x80], &good[4..], &[0, 0]].concat();
    let long = [&[0x30, 0x83, 0x00], &good[2..]].concat();
    let trailing = [&good[..], &[0]].concat();
    for (what, bytes) in
        [("indefinite", indefinite), ("long", long), ("trailing", trailing), ("short", good[..99].to_vec())]
    {
        assert_eq!(failed(&judge(&bytes)), [(Step::Form, "not-cms")], "{what}");
    }
    // A set whose members are not in DER's order: the first two signed attributes change places.
    let content_type = hex::decode("301806092A864886F70D010903310B06092A864886F70D010701").expect("hex");
    let at = good.windows(content_type.len()).position(|window| window == content_type).expect("contentType");
    let next = at + content_type.len();
    let length = usize::from(good[next + 1]) + 2;
    let mut unsorted = good.clone();
    unsorted[at..at + length].copy_from_slice(&good[next..next + length]);
    unsorted[at + length..at + length + content_type.len()].copy_from_slice(&content_type);
    assert_eq!(failed(&judge(&unsorted)), [(Step::Form, "not-der")]);
    assert_eq!(failed(&judge(&vec![0x30; 40 << 20])), [(Step::Form, "too-large")]);
    // Sets are sorted when they are read; this one would take its square.
    let began = std::time::Instant::now();
    assert_eq!(failed(&judge(&large_set(&good))), [(Step::Form, "too-large")]);
    assert!(began.elapsed().as_secs() < 5, "it took {:?}", began.elapsed());
    let certificates_only = edit(&good, |data| data.version = cms::content_info::CmsVersion::V3);
    assert_eq!(failed(&judge(&certificates_only)), [(Step::Form, "not-signed-data")]);
}

/// A message with 100,000 digest algorithms, the last in order first.
fn large_set(good: &[u8]) -> Vec<u8> {
    let wrap = |tag: u8, inner: &[u8]| {
        let length = u32::try_from(inner.len()).expect("short").to_be_bytes();
        [&[tag, 0x83][..], &length[1..], inner].concat()
    };
    let mut algorithms = Vec::new();
    for number in (0..100_000_u32).rev() {
        let [a, b, c] = [14, 7, 0].map(|shift| u8::try_from(number >> shift & 0x7F).expect("seven bits") | 0x80);
        algorithms.extend_from_slice(&[0x30, 0x06, 0x06, 0x04, 0x2A, a, b, c & 0x7F]);
    }
    let outer = ContentInfo::from_der(good).expect("a message");
    let data = wrap(0x30, &[&[0x02, 0x01, 0x01][..], &wrap(0x31, &algorithms)].concat());
    wrap(0x30, &[outer.content_type.to_der().expect("encodes"), wrap(0xA0, &data)].concat())
}

/// A change of the bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Copy(usize, usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..4096_usize;
    prop_oneof![
        5 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        5 => (at.clone(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => at.clone().prop_map(Change::Cut),
        1 => (at.clone(), 1..300_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (at.clone(), proptest::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at.clone(), at, 1..100_usize).prop_map(|(from, to, length)| Change::Copy(from, to, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let within = |at: usize| at % bytes.len().max(1);
    match change {
        Change::Set(at, byte) => {
            let at = within(*at);
            bytes[at] = *byte;
        }
        Change::Flip(at, bit) => {
            let at = within(*at);
            bytes[at] ^= 1 << bit;
        }
        Change::Cut(at) => bytes.truncate(within(*at).max(1)),
        Change::Remove(at, length) => {
            let at = within(*at);
            let end = (at + length).min(bytes.len());
            bytes.drain(at..end);
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        Change::Insert(at, new) => {
            let at = within(*at);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Copy(from, to, length) => {
            let (from, to) = (within(*from), within(*to));
            let length = (*length).min(bytes.len() - from.max(to));
            bytes.copy_within(from..from + length, to);
        }
    }
}

static GOOD: LazyLock<Vec<u8>> = LazyLock::new(message);

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to its bytes: no panic, and nothing is accepted but what was signed.
    #[test]
    fn changed_bytes_are_never_believed(changes in proptest::collection::vec(change(), 1..4)) {
        let mut bytes = GOOD.clone();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        let report = judge(&bytes);
        if report.accepted {
            // rsaEncryption for sha256WithRSAEncryption means the same.
            let mut same = bytes.clone();
            let at = same.len() - 256 - 4 - 2 - 1;
            same[at] = 0x0B;
            prop_assert!(bytes == *GOOD || same == *GOOD, "accepted after {changes:?}");
            prop_assert_eq!(report.form, Some(form()));
        }
    }

    /// The same for the certificate and the signature of a login.
    #[test]
    fn changed_certificates_are_never_believed(changes in proptest::collection::vec(change(), 1..4)) {
        let mut bytes = WORLD.leaves[0].der().to_vec();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        if let Ok(certificate) = Certificate::parse(&bytes) && bytes != WORLD.leaves[0].der() {
            prop_assert!(pki::relying::path::paths(&certificate, &[], &WORLD.anchors).is_err());
        }
    }
}
