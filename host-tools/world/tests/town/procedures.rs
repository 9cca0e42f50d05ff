//! The procedures of the counter, the register and the call centre, with real cards, on both databases.
//!
//! PostgreSQL is taken where `JITSUIN_POSTGRES` names a server: postgres://USER@HOST, whose user may make databases.

mod online;

use crate::support::{BOTH, InReader, everywhere, moment, person};
use pki::{
    card_record::KeyOrigin,
    kind::CardProfile,
    personalise::{Halves, Pins},
    profile::Hierarchy,
    resident::Resident,
};
use time::macros::date;
use world::{
    WorldError, callcentre, clock,
    counter::{self, Cause, Procedure},
    fee::Fee,
    issue::{self, Application},
    ledger::{self, Filter},
    register::{self, Change},
    status::{CardStatus, CertificateStatus, Reason, ResidentStatus},
};

const SIGNATURE: Halves = Halves { signature: true, authentication: false };
const AUTHENTICATION: Halves = Halves { signature: false, authentication: true };

const fn revoked(reason: Reason) -> CertificateStatus {
    CertificateStatus::Revoked { reason }
}

/// Row 7: both certificates, one, or what age allows.
#[test]
fn issue_gives_what_was_applied_for_and_what_age_allows() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let [authentication, signature] = town.latest(&card);
        assert_eq!(authentication.expect("is there").last_day(), date!(2031 - 02 - 17), "pki.md §8.2: fifth birthday");
        assert_eq!(signature.expect("is there").last_day(), date!(2031 - 02 - 17));
        let declined = town.issue("1981-02-17", AUTHENTICATION);
        let [authentication, signature] = town.latest(&declined);
        assert!(authentication.is_some() && signature.is_none(), "declined on the form");
        let child = town.issue("2015-07-01", BOTH);
        let [authentication, signature] = town.latest(&child);
        assert!(authentication.is_some() && signature.is_none(), "under 15");
        assert_eq!(town.world.card(&child).expect("is there").record.expires, date!(2031 - 07 - 01), "a minor's");
        // Later, alone, at the counter. (service.md §4.2)
        let done = town.certify(&declined, Procedure::Issue, SIGNATURE).expect("issues");
        assert_eq!((done.certificates.len(), done.fee), (1, Fee::FREE));
        assert!(done.paper.contains("SIMULATED") && done.paper.contains("電子証明書の写し"), "{}", done.paper);
        assert!(town.latest(&declined).iter().all(Option::is_some));
        let error = town.certify(&child, Procedure::Issue, SIGNATURE).expect_err("under 15");
        assert!(error.to_string().contains("under 15"), "{error}");
    });
}

/// Row 8: window, sixth birthday, both caps, the old one superseded.
#[test]
fn renewal_has_a_window_and_counts_to_the_sixth_birthday() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let [authentication, signature] = town.latest(&card).map(|one| one.expect("is there"));
        town.at("2030-11-17");
        let error = town.certify(&card, Procedure::Renew, BOTH).expect_err("three months to the day");
        assert!(matches!(error, WorldError::TooEarly { from, .. } if from == date!(2030 - 11 - 18)), "{error}");
        town.at("2030-11-18");
        // The signature certificate alone is capped by the authentication certificate that is still there. (R5, P-16)
        town.certify(&card, Procedure::Renew, SIGNATURE).expect("renews");
        let [_, capped] = town.latest(&card).map(|one| one.expect("is there"));
        assert_eq!(capped.last_day(), authentication.last_day());
        town.certify(&card, Procedure::Renew, BOTH).expect("renews");
        let [renewed, both] = town.latest(&card).map(|one| one.expect("is there"));
        assert_eq!((renewed.last_day(), both.last_day()), (date!(2036 - 02 - 17), date!(2036 - 02 - 17)), "the sixth");
        for old in [&authentication, &signature, &capped] {
            assert_eq!(town.status(old), revoked(Reason::Superseded));
        }
        town.proves(&card);
        // After the end it is a new issue: the fifth birthday, and the card's own end. (P-03, R4)
        town.at("2036-02-18");
        let error = town.certify(&card, Procedure::Renew, BOTH).expect_err("expired");
        assert!(error.to_string().contains("nothing to renew") || matches!(error, WorldError::CardExpired { .. }));
    });
}

/// Row 9: a change revokes the signature certificate alone, and the next one shows the new attributes.
#[test]
fn a_change_of_the_four_attributes_revokes_the_signature_certificate_alone() {
    everywhere(|town| {
        for (n, change) in [
            Change { address: Some("模擬県試験市移転先町９番".into()), ..Change::default() },
            Change { name: Some("婚姻　花子".into()), ..Change::default() },
            Change { birth: Some(date!(1980 - 02 - 18)), ..Change::default() },
            Change { sex: Some(pki::person::Sex::Male), ..Change::default() },
        ]
        .into_iter()
        .enumerate()
        {
            let card = town.issue(&format!("198{n}-02-17"), BOTH);
            let [authentication, signature] = town.latest(&card).map(|one| one.expect("is there"));
            let resident = town.world.card(&card).expect("is there").resident;
            let (of, gone) =
                register::change(&town.world, town.now(), &resident, &change, "changed").expect("is recorded");
            assert_eq!((of.version, gone.len()), (2, 1));
            assert_eq!(town.status(&signature), revoked(Reason::AffiliationChanged));
            assert_eq!(town.status(&authentication), CertificateStatus::Valid);
            let error = register::change(&town.world, town.now(), &resident, &change, "again").expect_err("the same");
            assert!(error.to_string().contains("nothing would change"));
            town.certify(&card, Procedure::Issue, SIGNATURE).expect("issues");
            let [_, new] = town.latest(&card).map(|one| one.expect("is there"));
            let text = town.text_of(&new);
            assert!(text.contains(&of.person.name) && text.contains(&of.person.address), "the new attributes");
            let history = register::history(&town.world, &resident).expect("reads");
            assert_eq!(history.iter().map(|one| one.version).collect::<Vec<_>>(), [1, 2]);
        }
    });
}

/// Rows 10 and 11: both are held, and only the authentication certificate comes back.
#[test]
fn a_stop_holds_both_and_release_gives_one_back() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let [authentication, signature] = town.latest(&card).map(|one| one.expect("is there"));
        assert!(counter::release(&town.world, town.now(), &card).is_err(), "not stopped");
        assert_eq!(callcentre::stop(&town.world, town.now(), &card).expect("stops").len(), 2);
        let held = town.now();
        assert!(callcentre::stop(&town.world, town.now(), &card).is_err(), "stopped already");
        assert_eq!([town.status(&authentication), town.status(&signature)], [CertificateStatus::Held; 2]);
        let error = town.certify(&card, Procedure::Issue, BOTH).expect_err("stopped");
        assert!(matches!(error, WorldError::CardStatus { status: CardStatus::Stopped, .. }), "{error}");
        town.at("2026-12-01");
        let done = counter::release(&town.world, town.now(), &card).expect("releases");
        assert!(done.paper.contains("署名用電子証明書の一時保留は解除できません"));
        assert_eq!(town.status(&authentication), CertificateStatus::Valid);
        assert_eq!(town.status(&signature), CertificateStatus::Held, "cannot be released");
        let error = town.certify(&card, Procedure::Issue, SIGNATURE).expect_err("still held");
        assert!(error.to_string().contains("revoke it first"), "{error}");
        counter::revoke(&town.world, town.now(), &card, Cause::StopUsing, SIGNATURE).expect("revokes");
        let on_record = town.on_record(&signature);
        assert_eq!(on_record.status, revoked(Reason::CessationOfOperation));
        assert_eq!(on_record.since, Some(held), "a held one keeps its first date (pki.md §9.2)");
        town.certify(&card, Procedure::Issue, SIGNATURE).expect("issues anew");
        town.proves(&card);
    });
}

/// Row 12: each cause, its reason, and what it ends.
#[test]
fn revocation_at_the_counter_knows_its_causes() {
    everywhere(|town| {
        for (n, (cause, reason, card_after)) in [
            (Cause::StopUsing, Reason::CessationOfOperation, CardStatus::Issued),
            (Cause::Lost, Reason::KeyCompromise, CardStatus::Lost),
            (Cause::Stolen, Reason::KeyCompromise, CardStatus::Lost),
            (Cause::Broken, Reason::CessationOfOperation, CardStatus::Issued),
            (Cause::Misused, Reason::KeyCompromise, CardStatus::Issued),
            (Cause::KeyLeaked, Reason::KeyCompromise, CardStatus::Issued),
        ]
        .into_iter()
        .enumerate()
        {
            let card = town.issue(&format!("197{n}-02-17"), BOTH);
            let [authentication, signature] = town.latest(&card).map(|one| one.expect("is there"));
            let done = counter::revoke(&town.world, town.now(), &card, cause, SIGNATURE).expect("revokes");
            assert!(done.paper.contains("受理通知書") && done.paper.contains(cause.japanese()), "{}", done.paper);
            assert_eq!(town.status(&signature), revoked(reason));
            let alone = if cause == Cause::StopUsing { CertificateStatus::Valid } else { revoked(reason) };
            assert_eq!(town.status(&authentication), alone, "{cause:?}: one can be stopped alone, loss ends both");
            assert_eq!(town.world.card(&card).expect("is there").status, card_after);
            let again = counter::revoke(&town.world, town.now(), &card, cause, SIGNATURE);
            assert!(again.is_err(), "{cause:?}: nothing is left");
        }
    });
}

/// Rows 30, 31 and 32: a card is given back, a new one replaces the old, the dead lose everything.
#[test]
fn what_ends_a_card_ends_its_certificates() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        counter::take_back(&town.world, town.now(), &card).expect("is given back");
        for one in town.latest(&card).into_iter().flatten() {
            assert_eq!(one.status, revoked(Reason::CessationOfOperation));
        }
        assert!(counter::take_back(&town.world, town.now(), &card).is_err(), "once");
        // A Juki card is given back when the new card is received. (service.md §3)
        let resident = Resident { person: person("1975-05-05"), security_code: None };
        let juki = town.issue_to(resident.clone(), "juki-card", BOTH);
        let old = town.world.certificates(&juki).expect("reads");
        assert_eq!(old.len(), 1);
        assert_eq!(old[0].hierarchy, Hierarchy::Prefecture);
        assert_eq!(old[0].last_day(), date!(2029 - 11 - 24), "three years less a day");
        let error = town.certify(&juki, Procedure::Renew, SIGNATURE).expect_err("never again");
        assert!(error.to_string().contains("2016"), "{error}");
        let new = town.issue_to(resident, "jpki-only", BOTH);
        assert_eq!(town.world.card(&juki).expect("is there").status, CardStatus::Returned);
        assert_eq!(town.status(&old[0]), revoked(Reason::CessationOfOperation));
        let holder = town.world.card(&new).expect("is there").resident;
        assert_eq!(holder, town.world.card(&juki).expect("is there").resident, "one resident");
        let (_, gone) =
            register::leave(&town.world, town.now(), &holder, ResidentStatus::Deceased).expect("is recorded");
        assert_eq!(gone.len(), 2);
        assert_eq!(town.world.card(&new).expect("is there").status, CardStatus::Returned);
        assert!(register::leave(&town.world, town.now(), &holder, ResidentStatus::Deceased).is_err(), "once");
    });
}

/// service.md §15: who moves abroad keeps the card since 2024-05-27.
#[test]
fn who_moves_abroad_keeps_the_authentication_certificate() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let holder = town.world.card(&card).expect("is there").resident;
        register::leave(&town.world, town.now(), &holder, ResidentStatus::MovedAbroad).expect("is recorded");
        let [authentication, signature] = town.latest(&card).map(|one| one.expect("is there"));
        assert_eq!(authentication.status, CertificateStatus::Valid);
        assert_eq!(signature.status, revoked(Reason::AffiliationChanged));
        assert_eq!(town.world.card(&card).expect("is there").status, CardStatus::Issued);
    });
}

/// Rows 36 and 38: the clock stands where it was set, and the ledger stays.
#[test]
fn the_clock_is_set_and_the_ledger_stays() {
    everywhere(|town| {
        clock::set(&town.world, Some(moment("2035-01-01"))).expect("sets");
        let card = town.issue_by_clock("1980-02-17");
        let [authentication, _] = town.latest(&card).map(|one| one.expect("is there"));
        assert_eq!(authentication.last_day(), date!(2039 - 02 - 17));
        clock::set(&town.world, None).expect("sets");
        let events = ledger::events(&town.world, &Filter { card: Some(card), ..Filter::default() }).expect("reads");
        let names: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
        assert_eq!(names, ["card-begun", "card-issued", "certificate-issued", "certificate-issued"]);
        let all = ledger::events(&town.world, &Filter::default()).expect("reads");
        assert!(all.iter().zip(1..).all(|(event, number)| event.id == number), "no gaps");
        for change in ["UPDATE events SET detail = 'x'", "DELETE FROM events"] {
            let error = town.sql(change).expect_err("is append-only");
            assert!(error.to_string().contains("append-only"), "{error}");
        }
        assert_eq!(ledger::events(&town.world, &Filter::default()).expect("reads").len(), all.len());
    });
}

#[test]
fn one_my_number_is_one_resident() {
    everywhere(|town| {
        let somebody = person("1980-02-17");
        let first = register::enter(&town.world, town.now(), &somebody, None).expect("is entered");
        let error = register::enter(&town.world, town.now(), &somebody, None).expect_err("twice");
        assert!(matches!(&error, WorldError::Differs(id) if *id == first.id), "{error}");
        let mut other = somebody.clone();
        other.address = "模擬県別市".into();
        let resident = Resident { person: other, security_code: None };
        let error = town.try_issue(resident, "jpki-only", BOTH).expect_err("other attributes");
        assert!(matches!(error, WorldError::Differs(_)), "{error}");
        let stays = register::enter(&town.world, town.now(), &person("1990-01-01"), Some(date!(2027 - 03 - 31)));
        let stays = stays.expect("is entered");
        let resident = Resident { person: stays.person, security_code: None };
        let card = town.issue_to(resident, "jpki-only", BOTH);
        assert_eq!(town.world.card(&card).expect("is there").record.expires, date!(2027 - 03 - 31), "pki.md R7");
        for one in town.latest(&card).into_iter().flatten() {
            assert_eq!(one.last_day(), date!(2027 - 03 - 31), "example 10");
        }
    });
}

/// The key-pair device 鍵ペア生成装置 of Juki cards: identity, then the key pair in the card, then its public half to the authority.
/// (service.md §4.8, row 4)
#[test]
fn the_device_makes_keys_after_the_identity_check() {
    everywhere(|town| {
        let profile = CardProfile::by_name("juki-card").expect("a profile");
        let pins = Pins::of_juki_card("ABC123").expect("PINs");
        let now = town.now();
        let mut begin = |birth: &str| {
            let resident = Resident { person: person(birth), security_code: None };
            let application = Application::new(resident, profile.clone(), KeyOrigin::Imported);
            issue::prepare(&mut town.world, &application, now).expect("a blank card")
        };
        let ((mut card, stored), (mut late, blank)) = (begin("1980-02-17"), begin("1930-02-17"));
        let mut steps = Vec::new();
        issue::issue(&town.world, &mut card, &mut InReader(stored), &pins, now, &mut |step| {
            steps.push(step.to_owned())
        })
        .expect("issues");
        let at =
            |words: &str| steps.iter().position(|step| step.contains(words)).unwrap_or_else(|| panic!("{steps:?}"));
        let order = ["identity check", "makes its key pair", "public key goes to the authority", "storing certificate"];
        assert!(order.map(at).is_sorted(), "{steps:?}");
        // Nobody is there any more: no key is made.
        register::leave(&town.world, now, &late.resident, ResidentStatus::Deceased).expect("is recorded");
        steps.clear();
        let refused = issue::issue(&town.world, &mut late, &mut InReader(blank), &pins, now, &mut |step| {
            steps.push(step.to_owned());
        });
        assert!(matches!(refused, Err(WorldError::ResidentStatus { .. })), "{refused:?}");
        assert!(steps.is_empty(), "{steps:?}");
    });
}
