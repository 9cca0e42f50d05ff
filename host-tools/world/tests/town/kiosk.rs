//! The kiosk's record: a copy for whoever is at home, and a reset that was reserved, once.

use crate::support::{BOTH, Town, everywhere};
use pki::{client::Half, profile::Hierarchy};
use sim::rng::SimRng;
use time::Duration;
use world::{
    WorldError, callcentre,
    kiosk::{self, Reservation},
    register,
    status::ResidentStatus,
};

#[test]
fn a_copy_is_for_residents_with_a_good_certificate() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let (now, serial) = (town.now(), town.latest(&card)[0].clone().expect("is there").serial);
        let printed = kiosk::residence(&town.world, now, serial, false).expect("prints");
        assert!(printed.document.starts_with(b"%PDF-1.7") && printed.document.ends_with(b"%%EOF"));
        assert!(printed.done.paper.contains("領収証書") && printed.done.fee.yen > 0);
        let rule = |serial| match kiosk::residence(&town.world, now, serial, false).expect_err("refused") {
            WorldError::Rule(why) => why,
            other => panic!("{other}"),
        };
        assert!(rule(serial + 7).contains("on record"));
        let held = callcentre::stop(&town.world, now, &card).expect("stops");
        assert_eq!(held.len(), 2);
        assert!(rule(serial).contains("cannot be used now"));
    });
}

#[test]
fn who_moved_abroad_gets_no_copy() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let (now, serial) = (town.now(), town.latest(&card)[0].clone().expect("is there").serial);
        let holder = town.world.card(&card).expect("is there").resident;
        register::leave(&town.world, now, &holder, ResidentStatus::MovedAbroad).expect("is recorded");
        let refused = kiosk::residence(&town.world, now, serial, false);
        assert!(matches!(refused, Err(WorldError::ResidentStatus { .. })), "the certificate itself stays good");
    });
}

fn signed(town: &Town, card: &str, reservation: &Reservation, half: Half) -> Vec<u8> {
    town.with_jpki(card, |jpki| {
        let pin = if half == Half::Signature { "ABC123" } else { "1234" };
        jpki.verify(half, pin).expect("verifies");
        jpki.sign(half, 0x02, &reservation.digest()).expect("signs")
    })
}

#[test]
fn a_reset_is_reserved_with_the_other_key_and_used_once() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let other_card = town.issue("1970-01-01", BOTH);
        let now = town.now();
        let mut rng = SimRng::seeded(3);
        let wish = Reservation::new(&card, Hierarchy::Authentication, now, &mut rng);
        assert_eq!(wish.signed_by(), Hierarchy::Signature);
        let good = signed(town, &card, &wish, Half::Signature);
        let reserve = |at, signature: &[u8], face| kiosk::reserve(&town.world, at, &wish, signature, face);
        for (at, signature, face, why) in [
            (now, &good, false, "face"),
            (now, &signed(town, &card, &wish, Half::Authentication), true, "other PIN"),
            (now, &signed(town, &other_card, &wish, Half::Signature), true, "other PIN"),
            (now + Duration::minutes(6), &good, true, "five minutes"),
        ] {
            let error = reserve(at, signature, face).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
        let reset = |at, pin, value| kiosk::reset(&town.world, at, &card, &mut town.reader(&card), pin, value);
        let none = |at, pin| assert!(reset(at, pin, "8264").expect_err("none").to_string().contains("reserved"));
        none(now, Hierarchy::Authentication);
        // A second wish takes the place of the first.
        reserve(now, &good, true).expect("reserves");
        reserve(now, &good, true).expect("reserves");
        none(now, Hierarchy::Signature);
        let late = now + kiosk::RESERVED;
        let done = reset(late, Hierarchy::Authentication, "8264").expect("in the last second");
        assert!(done.paper.contains("初期化") && !done.paper.contains("8264"));
        town.with_jpki(&card, |jpki| jpki.verify(Half::Authentication, "8264").expect("has its new value"));
        none(late, Hierarchy::Authentication);
        // Over, and not tried again within the day before.
        reserve(now, &good, true).expect("reserves");
        none(late + Duration::seconds(1), Hierarchy::Authentication);
        none(now, Hierarchy::Authentication);
    });
}
