//! The certificates against the profile's DER blocks, and against openssl as a judge.

use der::{Decode, Encode};
use pki::{
    birthday,
    ca::{Authority, pem},
    person::Person,
    profile::{Hierarchy, authentication_common_name, signature_common_name},
    relying,
};
use rsa::PrivateKey;
use sim::rng::SimRng;
use std::{process::Command, sync::LazyLock};
use time::{OffsetDateTime, macros::datetime};
use x509_cert::{Certificate, ext::pkix::AuthorityKeyIdentifier};

const NOW: OffsetDateTime = datetime!(2025-10-27 01:02:03 UTC);

struct Made {
    roots: [Vec<u8>; 2],
    leaves: [Vec<u8>; 2],
    long: Vec<u8>,
}

/// Signature first.
static MADE: LazyLock<Made> = LazyLock::new(|| {
    let mut rng = SimRng::seeded(21);
    let signature = Authority::create(Hierarchy::Signature, NOW, &mut rng).expect("root");
    let authentication = Authority::create(Hierarchy::Authentication, NOW, &mut rng).expect("root");
    let key = PrivateKey::new(&mut rng, 2048).expect("key");
    let day = birthday::jst_date(NOW);
    let signed = |person: &Person| {
        let end = birthday::by_birthday(person.birth, day, None);
        let name = signature_common_name(NOW, 134);
        signature.issue_signature(0x10_0002, person, &name, key.as_public_key(), NOW, end).expect("issues").der
    };
    let person = Person::sample("sample-1").expect("sample");
    let mut longest = Person::sample("sample-2").expect("sample");
    longest.address = "字".repeat(200);
    longest.name = format!("{}　{}", "字".repeat(50), "字".repeat(49));
    let (leaf, long) = (signed(&person), signed(&longest));
    let end = birthday::by_birthday(person.birth, day, None);
    let name = authentication_common_name(&mut rng);
    let other =
        authentication.issue_authentication(0x10_0002, &name, key.as_public_key(), NOW, end).expect("issues").der;
    Made { roots: [signature.root().to_vec(), authentication.root().to_vec()], leaves: [leaf, other], long }
});

/// OID, criticality and value of each extension, in order.
fn extensions(certificate: &[u8]) -> Vec<(String, bool, Vec<u8>)> {
    let certificate = Certificate::from_der(certificate).expect("a certificate");
    let extensions = certificate.tbs_certificate().extensions().expect("extensions");
    extensions.iter().map(|e| (e.extn_id.to_string(), e.critical, e.extn_value.as_bytes().to_vec())).collect()
}

fn holds(certificate: &[u8], block: &str) -> bool {
    let block = hex::decode(block).expect("hex");
    certificate.windows(block.len()).any(|window| window == block)
}

#[test]
fn extensions_order_and_criticality() {
    let list = |certificate: &[u8]| -> Vec<(String, bool)> {
        extensions(certificate).into_iter().map(|(oid, critical, _)| (oid, critical)).collect()
    };
    let expect = |wanted: &[(&str, bool)]| -> Vec<(String, bool)> {
        wanted.iter().map(|(oid, critical)| ((*oid).to_owned(), *critical)).collect()
    };
    let root = expect(&[
        ("2.5.29.15", true),
        ("2.5.29.17", false),
        ("2.5.29.19", true),
        ("2.5.29.31", false),
        ("2.5.29.14", false),
    ]);
    assert_eq!([list(&MADE.roots[0]), list(&MADE.roots[1])], [root.clone(), root], "pki.md §3");
    let signature = expect(&[
        ("2.5.29.15", true),
        ("2.5.29.17", false),
        ("2.5.29.32", true),
        ("2.5.29.18", false),
        ("2.5.29.31", false),
        ("2.5.29.35", false),
        ("2.5.29.14", false),
    ]);
    assert_eq!(list(&MADE.leaves[0]), signature, "pki.md §4");
    let authentication = expect(&[
        ("2.5.29.15", true),
        ("2.5.29.37", false),
        ("2.5.29.32", true),
        ("2.5.29.18", false),
        ("2.5.29.31", false),
        ("1.3.6.1.5.5.7.1.1", false),
        ("2.5.29.35", false),
        ("2.5.29.14", false),
    ]);
    assert_eq!(list(&MADE.leaves[1]), authentication, "pki.md §5");
}

#[test]
fn published_blocks_are_there_byte_for_byte() {
    for root in &MADE.roots {
        assert!(holds(root, "300E0603551D0F0101FF040403020106"), "keyUsage");
        assert!(holds(root, "300F0603551D130101FF040530030101FF"), "basicConstraints");
        assert!(holds(root, "301D0603551D0E04160414"), "subjectKeyIdentifier");
    }
    let [signature, authentication] = &MADE.leaves;
    assert!(holds(signature, "300E0603551D0F0101FF0404030206C0"), "keyUsage");
    assert!(holds(authentication, "300E0603551D0F0101FF040403020780"), "keyUsage");
    assert!(holds(authentication, "30130603551D25040C300A06082B06010505070302"), "extKeyUsage");
    assert!(holds(signature, "060B2A83088C9B550805010014"), "test policy");
    assert!(holds(authentication, "060B2A83088C9B55080501001E"), "test policy");
    for certificate in MADE.roots.iter().chain(&MADE.leaves) {
        assert!(holds(certificate, "300D06092A864886F70D01010B0500"), "sha256WithRSAEncryption");
        assert!(holds(certificate, "310B3009060355040613024A50"), "C=JP is a PrintableString");
        assert!(holds(certificate, "30820122300D06092A864886F70D01010105000382010F003082010A0282010100"), "RSA-2048");
        assert_eq!((certificate[..2].to_vec(), certificate[4..6].to_vec()), (vec![0x30, 0x82], vec![0x30, 0x82]));
    }
}

#[test]
fn personal_attributes_stand_in_their_order_and_nowhere_else() {
    let value = &extensions(&MADE.leaves[0])[1].2;
    let mut at = 0;
    for number in [1, 4, 3, 5, 2, 6] {
        let oid = hex::decode(format!("060A2A83088C9B550805050{number}")).expect("hex");
        let found = value[at..].windows(oid.len()).position(|window| window == oid);
        at += found.unwrap_or_else(|| panic!("attribute {number} is missing or out of order"));
    }
    let text = String::from_utf8_lossy(value).into_owned();
    for part in ["試験　花子", "319800217", "模擬県試験市見本町一丁目２番３号", "00000", "0000000000000000"]
    {
        assert!(text.contains(part), "{part}");
    }
    let authentication = String::from_utf8_lossy(&MADE.leaves[1]).into_owned();
    for part in ["試験　", "花子", "1980", "見本町"] {
        assert!(!authentication.contains(part), "{part} in the authentication certificate");
    }
}

#[test]
fn authority_key_identifier_names_the_issuing_generation() {
    for (leaf, root) in MADE.leaves.iter().zip(&MADE.roots) {
        let root = Certificate::from_der(root).expect("root");
        let all = extensions(leaf);
        let value = &all.iter().find(|(oid, ..)| oid == "2.5.29.35").expect("authorityKeyIdentifier").2;
        let identifier = AuthorityKeyIdentifier::from_der(value).expect("decodes");
        assert_eq!(identifier.authority_cert_serial_number.as_ref(), Some(root.tbs_certificate().serial_number()));
        let of_root = extensions(&root.to_der().expect("encodes"));
        let subject = &of_root.last().expect("subjectKeyIdentifier").2;
        assert_eq!(&subject[2..], identifier.key_identifier.expect("identifier").as_bytes());
        let leaf = Certificate::from_der(leaf).expect("leaf");
        assert_eq!(leaf.tbs_certificate().issuer(), root.tbs_certificate().subject());
    }
}

#[test]
fn validity_ends_at_the_last_second_in_japan() {
    for (certificate, end) in MADE.roots.iter().chain(&MADE.leaves).zip([
        datetime!(2035-10-26 14:59:59 UTC),
        datetime!(2035-10-26 14:59:59 UTC),
        datetime!(2030-02-17 14:59:59 UTC),
        datetime!(2030-02-17 14:59:59 UTC),
    ]) {
        let certificate = Certificate::from_der(certificate).expect("a certificate");
        let validity = certificate.tbs_certificate().validity();
        let unix = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).expect("fits");
        assert_eq!(unix(validity.not_before), NOW.unix_timestamp());
        assert_eq!(unix(validity.not_after), end.unix_timestamp());
        assert!(matches!(validity.not_after, x509_cert::time::Time::UtcTime(_)), "UTCTime before 2050");
    }
}

#[test]
fn nothing_can_be_taken_for_real() {
    for certificate in MADE.roots.iter().chain(&MADE.leaves) {
        let text = String::from_utf8_lossy(certificate).into_owned();
        for part in ["Japan Agency", "地方公共団体情報システム機構", "jpki.go.jp"] {
            assert!(!text.contains(part), "{part}");
        }
        assert!(text.contains("TEST") && text.contains("試験"));
        assert!(!holds(certificate, "060355040A0C044A504B49"), "O=JPKI");
        assert!(!holds(certificate, "2A83088C9B5508050101") && !holds(certificate, "2A83088C9B5508050103"), "policy");
    }
}

#[test]
fn sizes_fit_their_files() {
    let [signature_root, authentication_root] = &MADE.roots;
    assert!(signature_root.len() <= 1900 && authentication_root.len() <= 1900);
    assert!(MADE.leaves[1].len() <= 1900);
    assert!(MADE.long.len() <= 3072, "the longest signature certificate has {} bytes", MADE.long.len());
    println!(
        "roots {} and {}, signature {} (longest {}), authentication {} bytes",
        signature_root.len(),
        authentication_root.len(),
        MADE.leaves[0].len(),
        MADE.long.len(),
        MADE.leaves[1].len()
    );
}

#[test]
fn a_chain_is_found_by_key_not_by_name() {
    let (leaf, root) = (&MADE.leaves[0], &MADE.roots[0]);
    relying::chain(leaf, root).expect("holds");
    relying::chain(root, root).expect("holds");
    // Another generation with the same name and another key.
    let other = Authority::create(Hierarchy::Signature, NOW, &mut SimRng::seeded(22)).expect("root");
    assert!(relying::chain(leaf, other.root()).is_err());
    assert!(relying::chain(leaf, &MADE.roots[1]).is_err());
    let mut bad = leaf.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    assert!(relying::chain(&bad, root).is_err());
}

#[test]
fn openssl_accepts_both_chains_and_shows_the_profile() {
    if Command::new("openssl").arg("version").output().is_err() {
        vectors::skipped("openssl verify of both chains: install openssl");
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    for (index, name) in ["signature", "authentication"].iter().enumerate() {
        let [root, leaf] = ["root", "leaf"].map(|kind| folder.path().join(format!("{name}-{kind}.pem")));
        std::fs::write(&root, pem(&MADE.roots[index])).expect("writes");
        std::fs::write(&leaf, pem(&MADE.leaves[index])).expect("writes");
        let at = NOW.unix_timestamp().to_string();
        let verified = Command::new("openssl")
            .args(["verify", "-x509_strict", "-attime", &at, "-CAfile"])
            .args([&root, &leaf])
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).into_owned();
        assert!(verified.status.success() && said.contains(": OK"), "{said}");
        let text = Command::new("openssl").args(["x509", "-noout", "-text", "-in"]).arg(&leaf).output().expect("runs");
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        let usage = ["Digital Signature, Non Repudiation", "TLS Web Client Authentication"][index];
        for part in [
            "sha256WithRSAEncryption",
            "O = JPKI-SIM-TEST",
            usage,
            "CPS: http://cps.jpki-sim.test/",
            "Feb 17 14:59:59 2030 GMT",
            "CN = Shiken-shi CRLDP",
            "X509v3 Key Usage: critical",
            "X509v3 Certificate Policies: critical",
            "DirName:/C=JP/O=JPKI-SIM-TEST",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
