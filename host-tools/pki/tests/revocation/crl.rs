use crate::support::{Folder, MADE, NOW, parsed};
use pki::{
    profile::Municipality,
    revocation::{
        Reason, Revoked, Status,
        crl::{Crl, CrlError, LIFE, Scope, Verified},
    },
};
use time::{
    Duration, OffsetDateTime,
    macros::{datetime, format_description},
};

const POINT: Scope = Scope::Point(Municipality::SHIKEN);

fn list(scope: Scope, number: u64, now: OffsetDateTime) -> Vec<u8> {
    MADE.authentication.issue_crl(scope, number, &MADE.entries(), now).expect("issues")
}

fn verified(scope: Scope) -> Verified {
    Crl::parse(&list(scope, 1, *NOW)).expect("parses").verify(&MADE.root()).expect("vouched for")
}

#[test]
fn openssl_verifies_shows_and_uses_them() {
    let Some(folder) = Folder::new("CRLs judged by openssl") else { return };
    folder.certificate("root.pem", MADE.authentication.root());
    folder.certificate("other.pem", MADE.next_generation.root());
    for (index, leaf) in MADE.leaves.iter().enumerate() {
        folder.certificate(&format!("leaf{index}.pem"), &leaf.der);
    }
    for scope in [Scope::Complete, POINT] {
        folder.write("list.der", list(scope, 0x01_02_03, *NOW));
        folder.says("crl -inform DER -in list.der -out list.pem", &[]);
        folder.says("crl -in list.pem -noout -CAfile root.pem", &["verify OK"]);
        let (_, said) = folder.openssl("crl -in list.pem -noout -CAfile other.pem");
        assert!(!said.contains("verify OK"), "another generation: {said}");
        let words = [
            "Version 2 (0x1)",
            "sha256WithRSAEncryption",
            "X509v3 Authority Key Identifier",
            "66051",
            "Certificate Hold",
            "Key Compromise",
        ];
        folder.says("crl -in list.pem -noout -text", &words);
        let point = ["X509v3 Issuing Distribution Point: critical", "Only User Certificates", "CN = Shiken-shi CRLDP"];
        if scope == POINT {
            folder.says("crl -in list.pem -noout -text", &point);
        }
        let verify = "verify -x509_strict -crl_check -CAfile root.pem -CRLfile list.pem";
        folder.says(&format!("{verify} leaf0.pem"), &["leaf0.pem: OK"]);
        for revoked in ["leaf1.pem", "leaf2.pem"] {
            let (done, said) = folder.openssl(&format!("{verify} {revoked}"));
            assert!(!done && said.contains("certificate revoked"), "{said}");
        }
    }
    let dates = folder.openssl("crl -in list.pem -noout -lastupdate -nextupdate -dateopt iso_8601").1;
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let written = |at: OffsetDateTime| at.format(form).expect("a date");
    assert!(dates.contains(&written(*NOW)) && dates.contains(&written(*NOW + Duration::days(1))), "{dates}");
}

#[test]
fn unspecified_is_told_by_telling_nothing_and_an_empty_list_is_left_out() {
    let Some(folder) = Folder::new("CRLs judged by openssl") else { return };
    folder.certificate("root.pem", MADE.authentication.root());
    let entry = Revoked { serial: 0x10_0009, at: *NOW, reason: Reason::Unspecified };
    folder.write("one.der", MADE.authentication.issue_crl(Scope::Complete, 1, &[entry], *NOW).expect("issues"));
    let (done, said) = folder.openssl("crl -inform DER -in one.der -noout -text");
    assert!(done && said.contains("Serial Number: 100009") && !said.contains("Reason"), "{said}");
    folder.write("none.der", MADE.authentication.issue_crl(POINT, 1, &[], *NOW).expect("issues"));
    folder
        .says("crl -inform DER -in none.der -noout -text -CAfile root.pem", &["verify OK", "No Revoked Certificates"]);
}

#[test]
fn lists_of_openssl_are_read() {
    let Some(folder) = Folder::new("CRLs made by openssl") else { return };
    folder.certificate("root.pem", MADE.authentication.root());
    folder.key("root.key", MADE.authentication.key());
    let [good, held, revoked] = [0, 1, 2].map(|index| &MADE.leaves[index]);
    folder.index(&[
        (good.serial, None),
        (held.serial, Some(",holdInstruction,1.2.840.10040.2.2")),
        (revoked.serial, Some(",affiliationChanged")),
    ]);
    folder.write("number", "0A\n");
    folder.write("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=2\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid:always\n");
    folder.says("ca -gencrl -config ca.cnf -keyfile root.key -cert root.pem -out list.pem", &[]);
    folder.says("crl -in list.pem -outform DER -out list.der", &[]);
    let list = Crl::parse(&folder.read("list.der")).expect("parses");
    assert_eq!((list.number(), list.entries()), (&[0x0A][..], 2));
    let list = list.verify(&MADE.root()).expect("vouched for");
    let now = OffsetDateTime::now_utc();
    let at = datetime!(2026-01-01 00:00:00 UTC);
    for (leaf, expected) in [
        (good, Status::Good),
        (held, Status::Revoked { at, reason: Reason::CertificateHold }),
        (revoked, Status::Revoked { at, reason: Reason::AffiliationChanged }),
    ] {
        assert_eq!(list.status(&parsed(&leaf.der), now), Ok(expected));
    }
}

#[test]
fn statuses_come_back() {
    let at = *NOW - Duration::minutes(9);
    for scope in [Scope::Complete, POINT] {
        let list = verified(scope);
        assert_eq!((list.list().this_update(), list.list().next_update()), (*NOW, *NOW + LIFE));
        let told = [0, 1, 2].map(|index| list.status(&parsed(&MADE.leaves[index].der), *NOW).expect("told"));
        let expected = [
            Status::Good,
            Status::Revoked { at, reason: Reason::CertificateHold },
            Status::Revoked { at, reason: Reason::KeyCompromise },
        ];
        assert_eq!(told, expected);
    }
}

#[test]
fn a_list_holds_for_a_day() {
    let (list, leaf) = (verified(Scope::Complete), parsed(&MADE.leaves[0].der));
    let status = |after: Duration| list.status(&leaf, *NOW + after);
    assert_eq!(status(LIFE - Duration::SECOND), Ok(Status::Good));
    assert_eq!(status(LIFE), Err(CrlError::Stale(*NOW + LIFE)));
    assert_eq!(status(-Duration::minutes(5)), Ok(Status::Good), "clocks differ a little");
    assert_eq!(status(-Duration::seconds(301)), Err(CrlError::NotYet(*NOW)));
}

#[test]
fn others_lists_are_refused() {
    let leaf = parsed(&MADE.leaves[0].der);
    // Of another generation: the same name, another key.
    let other = MADE.next_generation.issue_crl(Scope::Complete, 1, &[], *NOW).expect("issues");
    let other = Crl::parse(&other).expect("parses");
    assert_eq!(other.clone().verify(&MADE.root()), Err(CrlError::Issuer));
    let other = other.verify(&parsed(MADE.next_generation.root())).expect("vouched for");
    assert_eq!(other.status(&leaf, *NOW), Err(CrlError::Issuer));
    assert_eq!(other.status(&parsed(&MADE.next_leaf.der), *NOW), Ok(Status::Good));
    // Of another authority.
    assert_eq!(verified(Scope::Complete).status(&parsed(&MADE.signature_leaf.der), *NOW), Err(CrlError::Issuer));
    // Signed by somebody whom the authority certified for something else.
    let list = Crl::parse(&list(POINT, 1, *NOW)).expect("parses");
    assert_eq!(list.verify(&leaf), Err(CrlError::Issuer));
    // Of another municipality.
    let elsewhere = Municipality { code: "99998", prefecture: "Mogi-ken", name: "Betsu-shi" };
    let elsewhere = MADE.authentication.issue_crl(Scope::Point(elsewhere), 1, &[], *NOW).expect("issues");
    let elsewhere = Crl::parse(&elsewhere).expect("parses").verify(&MADE.root()).expect("vouched for");
    assert_eq!(elsewhere.status(&leaf, *NOW), Err(CrlError::Scope));
    // A certificate that names no distribution point is on the complete list alone.
    let key = x509_cert::spki::SubjectPublicKeyInfoOwned::from_key(MADE.key.as_public_key()).expect("info");
    let responder = parsed(&MADE.authentication.issue_responder(0x20_0001, key, *NOW).expect("issues").der);
    assert_eq!(verified(POINT).status(&responder, *NOW), Err(CrlError::Scope));
    assert_eq!(verified(Scope::Complete).status(&responder, *NOW), Ok(Status::Good));
}

#[test]
fn a_changed_byte_is_refused() {
    let good = list(POINT, 1, *NOW);
    let root = MADE.root();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 1;
        let outcome = Crl::parse(&bad).and_then(|list| list.verify(&root));
        assert!(outcome.is_err(), "byte {index} of {}", good.len());
    }
}

#[test]
fn a_serial_number_has_one_entry() {
    let twice = [MADE.entries(), MADE.entries()].concat();
    assert!(MADE.authentication.issue_crl(Scope::Complete, 1, &twice, *NOW).is_err());
}
