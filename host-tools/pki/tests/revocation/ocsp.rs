use crate::support::{Folder, MADE, Made, NOW, parsed};
use pki::{
    ca::RESPONDER_LIFE,
    profile::Hierarchy,
    revocation::{
        Reason, Status,
        certificate::Certificate,
        ocsp::{Digest, Failure, KeyKind, LIFE, OcspError, Query, Request, Responder, ResponderKey},
    },
};
use rsa::PrivateKey;
use sim::rng::SimRng;
use std::sync::LazyLock;
use time::{Duration, OffsetDateTime};
use x509_cert::spki::SubjectPublicKeyInfo;

pub(crate) static RESPONDER: LazyLock<Responder> = LazyLock::new(|| {
    let mut rng = SimRng::seeded(52);
    let mut key = |kind| ResponderKey::generate(kind, &mut rng).expect("key");
    let keys = [(key(KeyKind::Rsa), 0x20_0001), (key(KeyKind::P256), 0x20_0002)];
    Responder::new(&MADE.authentication, keys, *NOW - Duration::minutes(1)).expect("a responder")
});

fn at() -> OffsetDateTime {
    *NOW - Duration::minutes(9)
}

/// What the authority has on record.
pub(crate) fn register(hierarchy: Hierarchy, serial: u32) -> Status {
    assert_eq!(hierarchy, Hierarchy::Authentication);
    let Made { leaves: [good, held, revoked], .. } = &*MADE;
    match serial {
        serial if serial == good.serial => Status::Good,
        serial if serial == held.serial => Status::Revoked { at: at(), reason: Reason::CertificateHold },
        serial if serial == revoked.serial => Status::Revoked { at: at(), reason: Reason::KeyCompromise },
        _ => Status::Unknown,
    }
}

fn expected() -> Vec<Status> {
    MADE.leaves.iter().map(|leaf| register(Hierarchy::Authentication, leaf.serial)).collect()
}

fn leaves() -> Vec<Certificate> {
    MADE.leaves.iter().map(|leaf| parsed(&leaf.der)).collect()
}

fn query() -> Query {
    Query::about(&MADE.root(), &leaves()).expect("a query")
}

fn answer(query: &Query, now: OffsetDateTime) -> Vec<u8> {
    RESPONDER.respond(&query.to_der().expect("encodes"), register, now)
}

/// For openssl: roots, leaves, and the client's own material.
fn folder(test: &str) -> Option<Folder> {
    let folder = Folder::new(test)?;
    folder.certificate("root.pem", MADE.authentication.root());
    folder.key("root.key", MADE.authentication.key());
    folder.certificate("other.pem", MADE.next_generation.root());
    for (index, leaf) in MADE.leaves.iter().enumerate() {
        folder.certificate(&format!("leaf{index}.pem"), &leaf.der);
    }
    folder.key("leaf.key", &MADE.key);
    Some(folder)
}

#[test]
fn openssl_asks_and_believes() {
    let Some(folder) = folder("OCSP answers judged by openssl") else { return };
    for options in ["", "-sha256 ", "-no_nonce "] {
        let asked = "-issuer root.pem -cert leaf0.pem -cert leaf1.pem -cert leaf2.pem -serial 0x7FFFFFFFFFFFFFFF01";
        folder.says(&format!("ocsp {options}{asked} -reqout request.der"), &[]);
        folder.write("answer.der", RESPONDER.respond(&folder.read("request.der"), register, *NOW));
        let words = [
            "Response verify OK",
            "leaf0.pem: good",
            "leaf1.pem: revoked",
            "Reason: certificateHold",
            "leaf2.pem: revoked",
            "Reason: keyCompromise",
            "0x7FFFFFFFFFFFFFFF01: unknown",
        ];
        folder.says(
            &format!("ocsp -no_nonce {options}{asked} -reqin request.der -respin answer.der -CAfile root.pem"),
            &words,
        );
        let (_, said) = folder.openssl(&format!(
            "ocsp -no_nonce {options}{asked} -reqin request.der -respin answer.der -CAfile other.pem"
        ));
        assert!(said.contains("Response Verify Failure"), "another generation: {said}");
        let text = folder.openssl("ocsp -respin answer.der -noverify -resp_text").1;
        for part in [
            "OCSP Response Status: successful (0x0)",
            "Responder Id: ",
            "OCSP Signing",
            "OCSP No Check",
            "OCSP Responder",
            "sha256WithRSAEncryption",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert_eq!(text.contains("OCSP Nonce"), options != "-no_nonce ", "{text}");
    }
}

#[test]
fn openssl_believes_ecdsa_where_a_client_prefers_it() {
    let Some(folder) = folder("ECDSA answers judged by openssl") else { return };
    let query = query().with_nonce(&mut SimRng::seeded(1)).preferring(&[KeyKind::P256, KeyKind::Rsa]);
    folder.write("request.der", query.to_der().expect("encodes"));
    // What openssl calls the preferred algorithms, from an older draft. (RFC 6960 §4.4.7.1)
    folder.says("ocsp -reqin request.der -req_text", &["OCSP Nonce", "Extended OCSP Status"]);
    folder.write("answer.der", answer(&query, *NOW));
    folder.says(
        "ocsp -no_nonce -reqin request.der -respin answer.der -CAfile root.pem -issuer root.pem -cert leaf0.pem",
        &["Response verify OK", "leaf0.pem: good"],
    );
    folder.says("ocsp -respin answer.der -noverify -resp_text", &["Signature Algorithm: ecdsa-with-SHA256"]);
    assert_eq!(query.read(&answer(&query, *NOW), *NOW), Ok(expected()));
}

#[test]
fn openssl_knows_the_failures() {
    let Some(folder) = folder("OCSP failures judged by openssl") else { return };
    for (failure, word) in [
        (Failure::MalformedRequest, "malformedrequest (1)"),
        (Failure::InternalError, "internalerror (2)"),
        (Failure::TryLater, "trylater (3)"),
        (Failure::SigRequired, "sigrequired (5)"),
        (Failure::Unauthorized, "unauthorized (6)"),
    ] {
        folder.write("answer.der", failure.to_der());
        let said = folder.openssl("ocsp -respin answer.der -noverify").1;
        assert!(said.contains(&format!("Responder Error: {word}")), "{said}");
        assert_eq!(query().read(&failure.to_der(), *NOW), Err(OcspError::Failure(failure)));
    }
}

/// A key that the authority certified for answers, where openssl can have it.
fn responder_of_openssl(folder: &Folder) {
    let key = pki::keys::generate(&mut SimRng::seeded(53)).expect("key");
    folder.key("responder.key", &key);
    let info = SubjectPublicKeyInfo::from_key(key.as_public_key()).expect("info");
    let begin = *NOW - Duration::minutes(1);
    folder.certificate(
        "responder.pem",
        &MADE.authentication.issue_responder(0x20_0003, info, begin).expect("issues").der,
    );
    let [good, held, revoked] = &MADE.leaves;
    folder.index(&[
        (good.serial, None),
        (held.serial, Some(",holdInstruction,1.2.840.10040.2.2")),
        (revoked.serial, Some(",keyCompromise")),
    ]);
}

/// What openssl answers to a query, signed by this signer.
fn openssl_answers(folder: &Folder, query: &Query, signer: &str, key: &str, more: &str) -> Vec<u8> {
    folder.write("request.der", query.to_der().expect("encodes"));
    let files = format!("-index index.txt -CA root.pem -rsigner {signer} -rkey {key}");
    folder.says(&format!("ocsp {files} -reqin request.der -respout answer.der{more}"), &[]);
    folder.read("answer.der")
}

fn words(statuses: Result<Vec<Status>, OcspError>) -> Vec<Option<Reason>> {
    let reason = |status| match status {
        Status::Good => None,
        Status::Revoked { reason, .. } => Some(reason),
        Status::Unknown => panic!("unknown"),
    };
    statuses.expect("believed").into_iter().map(reason).collect()
}

#[test]
fn answers_of_openssl_are_believed() {
    let Some(folder) = folder("OCSP answers made by openssl") else { return };
    responder_of_openssl(&folder);
    let reasons = vec![None, Some(Reason::CertificateHold), Some(Reason::KeyCompromise)];
    let mut rng = SimRng::seeded(2);
    for digest in Digest::ALL {
        for more in ["", " -resp_key_id", " -ndays 1"] {
            let query = query().with_digest(digest).with_nonce(&mut rng);
            let now = OffsetDateTime::now_utc();
            let delegated = openssl_answers(&folder, &query, "responder.pem", "responder.key", more);
            assert_eq!(words(query.read(&delegated, now)), reasons, "{digest:?}{more}");
            let direct = openssl_answers(&folder, &query, "root.pem", "root.key", more);
            assert_eq!(words(query.read(&direct, now)), reasons, "{digest:?}{more}");
        }
    }
    // Without nonce an answer must say how long it holds.
    let now = OffsetDateTime::now_utc();
    let endless = openssl_answers(&folder, &query(), "responder.pem", "responder.key", "");
    assert_eq!(query().read(&endless, now), Err(OcspError::NoEnd));
    let ending = openssl_answers(&folder, &query(), "responder.pem", "responder.key", " -nmin 5");
    assert_eq!(words(query().read(&ending, now)), reasons);
}

#[test]
fn whom_the_authority_did_not_appoint_is_refused() {
    let Some(folder) = folder("forged OCSP answers made by openssl") else { return };
    responder_of_openssl(&folder);
    let query = query().with_nonce(&mut SimRng::seeded(3));
    let now = OffsetDateTime::now_utc();
    // A leaf of the same authority, whose key its holder has.
    let leaf = openssl_answers(&folder, &query, "leaf0.pem", "leaf.key", "");
    assert_eq!(query.read(&leaf, now), Err(OcspError::Purpose));
    // Somebody's own responder, and the next generation of the authority with the same name.
    folder.key("own.key", &PrivateKey::new(&mut SimRng::seeded(54), 2048).expect("key"));
    folder.says("req -x509 -new -key own.key -subj /CN=own -addext extendedKeyUsage=OCSPSigning -addext noCheck=ignored -out own.pem", &[]);
    let own = openssl_answers(&folder, &query, "own.pem", "own.key", "");
    assert_eq!(query.read(&own, now), Err(OcspError::NotDelegated));
    folder.key("other.key", MADE.next_generation.key());
    for more in ["", " -resp_key_id"] {
        let other = openssl_answers(&folder, &query, "other.pem", "other.key", more);
        let outcome = query.read(&other, now);
        assert!(matches!(outcome, Err(OcspError::Signature | OcspError::NotDelegated)), "{outcome:?}");
    }
    // Appointed, but its own status would have to be asked for.
    folder.says("req -new -key own.key -subj /CN=own -out own.csr", &[]);
    folder.write("own.cnf", "extendedKeyUsage=OCSPSigning\nauthorityKeyIdentifier=keyid:always\n");
    folder.says(
        "x509 -req -in own.csr -CA root.pem -CAkey root.key -set_serial 0x200004 -extfile own.cnf -out own.pem",
        &[],
    );
    let unchecked = openssl_answers(&folder, &query, "own.pem", "own.key", "");
    assert_eq!(query.read(&unchecked, now), Err(OcspError::Unchecked));
    // No certificate at all.
    let missing = openssl_answers(&folder, &query, "responder.pem", "responder.key", " -resp_no_certs");
    assert_eq!(query.read(&missing, now), Err(OcspError::NoResponder));
}

#[test]
fn the_answer_to_another_query_is_refused() {
    let mut rng = SimRng::seeded(4);
    let (one, other) = (query().with_nonce(&mut rng), query().with_nonce(&mut rng));
    assert_eq!(one.read(&answer(&one, *NOW), *NOW), Ok(expected()));
    assert_eq!(one.read(&answer(&other, *NOW), *NOW), Err(OcspError::Nonce), "replayed");
    assert_eq!(one.read(&answer(&query(), *NOW), *NOW), Err(OcspError::NoNonce), "from stock");
    let about_one = Query::about(&MADE.root(), &leaves()[..1]).expect("a query");
    assert_eq!(query().read(&answer(&about_one, *NOW), *NOW), Err(OcspError::NotAnswered));
    assert_eq!(about_one.read(&answer(&query(), *NOW), *NOW), Ok(expected()[..1].to_vec()));
}

#[test]
fn an_answer_holds_for_an_hour_and_its_signer_for_a_week() {
    let (query, answer) = (query(), answer(&query(), *NOW));
    let read = |after: Duration| query.read(&answer, *NOW + after);
    assert_eq!(read(LIFE - Duration::SECOND), Ok(expected()));
    assert_eq!(read(LIFE), Err(OcspError::Stale(*NOW + LIFE)));
    assert_eq!(read(-Duration::SECOND), Ok(expected()), "clocks differ a little");
    // Before the responder's certificate begins, five minutes before it was made.
    assert_eq!(read(-Duration::minutes(7)), Err(OcspError::ResponderValidity));
    let late = *NOW + RESPONDER_LIFE;
    assert_eq!(query.read(&self::answer(&query, late), late), Err(OcspError::ResponderValidity));
    let early = self::answer(&query, *NOW + Duration::minutes(6));
    assert_eq!(query.read(&early, *NOW), Err(OcspError::NotYet(*NOW + Duration::minutes(6))));
    assert!(
        RESPONDER.is_current(*NOW) && !RESPONDER.is_current(late) && !RESPONDER.is_current(*NOW - Duration::hours(1))
    );
}

#[test]
fn a_changed_byte_is_refused() {
    let query = Query::about(&MADE.root(), &leaves()[..1]).expect("a query").with_nonce(&mut SimRng::seeded(5));
    let good = answer(&query, *NOW);
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 1;
        let outcome = query.read(&bad, *NOW);
        assert!(outcome.is_err(), "byte {index} of {}", good.len());
    }
}

#[test]
fn foreign_certificates_are_unknown() {
    let answered = |query: &Query| query.read(&answer(query, *NOW), *NOW);
    // Never issued: a number that the register has not.
    let foreign = Query::about(&parsed(MADE.next_generation.root()), &[parsed(&MADE.next_leaf.der)]).expect("a query");
    let request = Request::parse(&foreign.to_der().expect("encodes")).expect("parses");
    assert_eq!(RESPONDER.asked(&request), [None], "the same name, another key");
    assert_eq!(answered(&foreign), Err(OcspError::NotDelegated));
    assert_eq!(Query::about(&MADE.root(), &[parsed(&MADE.next_leaf.der)]), Err(OcspError::NotIssued));
    assert_eq!(Query::about(&MADE.root(), &[]), Err(OcspError::Count));
}
