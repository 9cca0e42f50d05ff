//! Relying party: good messages and logins of a card are accepted, and each bad one is refused for what is bad about it.

mod hostile;
mod openssl;
mod paddings;
mod support;

use pki::{
    application::Packing,
    client::{Half, Jpki},
    person::Sex,
    profile::Hierarchy,
    relying::{
        challenge::Challenge,
        message::Binding,
        path::{Status, paths},
        report::{Step, Verdict},
        verdict::Verifier,
    },
};
use sim::{card::Direct, reader::Reader, rng::SimRng, sample};
use support::*;
use time::{Duration, OffsetDateTime};

#[test]
fn what_a_card_signs_is_accepted_attached_and_detached() {
    let content = content();
    let report = judge(&signed_by_card(&content, Packing::Attached));
    assert_eq!(bad(&report), []);
    assert!(report.accepted && report.form == Some(form()) && report.signed_at == Some(SIGNED));
    assert_eq!(report.checks.iter().map(|check| check.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    let detached = signed_by_card(&content, Packing::Detached);
    assert!(detached.len() < 3500, "{} bytes", detached.len());
    assert!(verifier(&nothing).application(&detached, Some(&content), NOW).accepted);
    let document = b"not a form".as_slice();
    let message = signed_by_card(document, Packing::Attached);
    assert!(verifier(&nothing).document(&message, None, NOW).accepted);
    assert_eq!(bad(&judge(&message)), [(Step::Attributes, "not-a-form")]);
}

#[test]
fn the_root_is_found_among_others_of_the_same_name() {
    let world = &*WORLD;
    assert_eq!(world.anchors[0].subject(), world.anchors[2].subject(), "generations have one name");
    let found = paths(&world.leaves[0], &[], &world.anchors).expect("a path");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].anchor(), &world.anchors[2]);
}

#[test]
fn a_report_is_json_without_personal_attributes() {
    let mut other = form();
    other.address = "模擬県試験市見本町九丁目９番９号".into();
    let content = other.to_json().expect("json");
    let key = card_key(Half::Signature);
    let report = judge(&signed_by(&key, &WORLD.leaves[0], &content, Packing::Attached));
    assert_eq!(bad(&report), [(Step::Attributes, "differ")]);
    assert_eq!(report.form, None, "nobody is to use it");
    let json = serde_json::to_value(&report).expect("json");
    assert_eq!(json["kind"], "application");
    assert_eq!(json["accepted"], false);
    assert_eq!(json["signer"]["serial"], WORLD.leaves[0].serial());
    assert_eq!(json["checks"][7]["name"], "attributes");
    assert_eq!(json["checks"][7]["verdict"], "failed");
    assert!(json["checks"][7]["text_ja"].as_str().expect("text").ends_with("住所"));
    let text = json.to_string();
    for personal in ["花子", "見本町", "1980"] {
        assert!(!text.contains(personal), "{personal}");
    }
}

#[test]
fn each_attribute_is_compared() {
    let key = card_key(Half::Signature);
    let mut other = [form(), form(), form(), form()];
    other[0].name = "試験　花代".into();
    other[1].address.push('階');
    other[2].birth = other[2].birth.next_day().expect("a day");
    other[3].sex = Sex::Male;
    for (form, word) in other.iter().zip(["name", "address", "date of birth", "sex"]) {
        let content = form.to_json().expect("json");
        let report = judge(&signed_by(&key, &WORLD.leaves[0], &content, Packing::Attached));
        assert_eq!(bad(&report), [(Step::Attributes, "differ")]);
        let text = &report.check(Step::Attributes).expect("checked").text_en;
        assert!(text.ends_with(&format!(": {word}")), "{text}");
    }
}

#[test]
fn time_is_judged_at_signing_and_now() {
    let [from, until] = WORLD.leaves[0].validity();
    let message = message();
    let at = |now| bad(&verifier(&nothing).application(&message, None, now));
    assert_eq!(at(until), []);
    assert_eq!(at(until + Duration::SECOND), [(Step::Validity, "expired")]);
    assert_eq!(at(SIGNED - Duration::minutes(4)), [], "clocks differ a little");
    assert_eq!(at(SIGNED - Duration::minutes(6)), [(Step::Validity, "signed-in-future")]);
    let signed = |when| {
        let key = card_key(Half::Signature);
        let sign = |info: &[u8]| key.sign(rsa::Pkcs1v15Sign::new_unprefixed(), info);
        pki::application::sign(&content(), &WORLD.leaves[0], Packing::Attached, when, sign).expect("signs")
    };
    let judged = |when, now| bad(&verifier(&nothing).application(&signed(when), None, now));
    assert_eq!(judged(from, from), []);
    assert_eq!(judged(from - Duration::SECOND, NOW), [(Step::Validity, "signed-outside")]);
    assert_eq!(judged(from - Duration::SECOND, from - Duration::SECOND), [(Step::Validity, "not-yet-valid")]);
}

#[test]
fn revocation_is_told_and_never_guessed() {
    let message = message();
    let at = ISSUED + Duration::days(1);
    for (status, finding, verdict) in [
        (Status::Revoked { at, reason: Some(3) }, "revoked", Verdict::Failed),
        (Status::OnHold { at }, "on-hold", Verdict::Failed),
        (Status::Unknown, "unknown", Verdict::Failed),
        (Status::Unavailable("nobody answers".into()), "unavailable", Verdict::Open),
    ] {
        let told = |leaf: &_, issuer: &_, when: OffsetDateTime| {
            assert_eq!((leaf, issuer, when), (&WORLD.leaves[0], &WORLD.anchors[2], NOW));
            status.clone()
        };
        let report = verifier(&told).application(&message, None, NOW);
        assert_eq!(bad(&report), [(Step::Revocation, finding)]);
        assert_eq!(report.check(Step::Revocation).expect("checked").verdict, verdict);
    }
}

fn login(signature_of: Half, challenge: &Challenge) -> Vec<u8> {
    let mut reader = Direct(sample::issued(true));
    reader.power_on().expect("powers");
    let mut jpki = Jpki::select(&mut reader).expect("selects");
    let pin = if signature_of == Half::Signature { sample::SIGNATURE_PASSWORD } else { sample::AUTHENTICATION_PIN };
    jpki.verify(signature_of, pin).expect("is right");
    jpki.sign(signature_of, 0x03, &challenge.to_bytes()).expect("signs")
}

#[test]
fn logins() {
    let verifier = Verifier { policy: Hierarchy::Authentication.policy(), ..verifier(&nothing) };
    let challenge = |seed| Challenge::new("login.jpki-sim.test", NOW, &mut SimRng::seeded(seed)).expect("a name");
    let asked = challenge(1);
    let [signature, authentication] = WORLD.leaves.each_ref().map(|one| one.der());
    let answer = login(Half::Authentication, &asked);
    let report = verifier.login(&asked, authentication, &answer, NOW + Duration::minutes(1));
    assert_eq!(bad(&report), []);
    assert_eq!(report.checks.iter().map(|check| check.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(bad(&verifier.login(&challenge(2), authentication, &answer, NOW)), [(Step::Signature, "forged")]);
    let late = verifier.login(&asked, authentication, &answer, NOW + Duration::minutes(6));
    assert_eq!(bad(&late), [(Step::Form, "challenge-over")]);
    let with_the_other = login(Half::Signature, &asked);
    assert_eq!(
        bad(&verifier.login(&asked, signature, &with_the_other, NOW)),
        [(Step::Policy, "wrong-policy"), (Step::Usage, "wrong-usage")]
    );
    assert_eq!(failed(&verifier.login(&asked, &authentication[1..], &answer, NOW)), [(Step::Form, "certificate")]);
    // For servers instead of clients.
    let [from, to] = ["06082B06010505070302", "06082B06010505070301"].map(|hex| hex::decode(hex).expect("hex"));
    let server = reissued(&WORLD.leaves[1], &WORLD.authentication, &from, &to);
    assert_eq!(bad(&verifier.login(&asked, server.der(), &answer, NOW)), [(Step::Usage, "wrong-usage")]);
    let held = |_: &_, _: &_, at| Status::OnHold { at };
    let report = Verifier { revocation: &held, ..verifier }.login(&asked, authentication, &answer, NOW);
    assert_eq!(bad(&report), [(Step::Revocation, "on-hold")]);
}

#[test]
fn plain_cms_is_accepted_where_the_caller_says_so() {
    let stripped = hostile::without_signing_certificate();
    assert_eq!(bad(&judge(&stripped)), [(Step::Signature, "other-certificate")]);
    let lenient = Verifier { binding: Binding::Optional, ..verifier(&nothing) };
    assert_eq!(bad(&lenient.application(&stripped, None, NOW)), []);
}
