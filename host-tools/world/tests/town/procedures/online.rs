//! Revocation on request: a card's signature, checked against what is on record, once.

use crate::support::{BOTH, Town, everywhere};
use pki::{
    client::{
        Half,
        revocation::{BYTES_MAX, Request, RequestError},
    },
    profile::Hierarchy,
};
use sim::rng::SimRng;
use time::{Duration, OffsetDateTime};
use world::{
    WorldError, callcentre, counter, online,
    status::{CertificateStatus, Reason, StepError},
};

fn signed(town: &Town, card: &str, hierarchy: Hierarchy, serial: u32, half: Half, at: OffsetDateTime) -> Vec<u8> {
    let request = Request::new(hierarchy, serial, at, &mut SimRng::from_os().expect("randomness"));
    town.with_jpki(card, |jpki| {
        let pin = if half == Half::Signature { "ABC123" } else { "1234" };
        jpki.verify(half, pin).expect("verifies");
        request.sign(jpki, half).expect("signs")
    })
}

#[test]
fn a_request_is_believed_once_and_only_with_the_right_key() {
    everywhere(|town| {
        let card = town.issue("1980-02-17", BOTH);
        let [authentication, signature] = town.latest(&card).map(|one| one.expect("is there"));
        let now = town.now();
        let revoke = |request: &[u8]| online::revoke(&town.world, now, request);
        let of = |half, at| signed(town, &card, Hierarchy::Authentication, authentication.serial, half, at);
        let refused = |request: &[u8]| match revoke(request).expect_err("refused") {
            WorldError::Request(error) => error,
            other => panic!("{other}"),
        };
        let right = of(Half::Authentication, now);
        assert!(matches!(refused(&of(Half::Signature, now)), RequestError::Signature), "the other key");
        for off in [-301, 301] {
            let at = now + Duration::seconds(off);
            assert!(matches!(refused(&of(Half::Authentication, at)), RequestError::Stale { .. }), "{off}");
        }
        let changed = String::from_utf8(right.clone()).expect("text").replacen("authentication", "signature", 1);
        assert!(matches!(refused(changed.as_bytes()), RequestError::Signature), "another certificate");
        assert!(matches!(refused(b"{}"), RequestError::Json(_)));
        assert!(matches!(refused(&vec![b' '; BYTES_MAX + 1]), RequestError::Size(_)));
        // Suspended: refused, and the same request does not come back after the release.
        callcentre::stop(&town.world, now, &card).expect("stops");
        assert!(matches!(revoke(&right), Err(WorldError::Step { error: StepError::Held, .. })));
        counter::release(&town.world, now, &card).expect("releases");
        let error = revoke(&right).expect_err("came before");
        assert!(error.to_string().contains("came before"), "{error}");
        assert_eq!(town.status(&authentication), CertificateStatus::Valid);
        // Fresh, at the edge of five minutes.
        let done = revoke(&of(Half::Authentication, now - Duration::seconds(300))).expect("revokes");
        assert!(done.certificates.len() == 1 && done.paper.contains("SIMULATED"), "{}", done.paper);
        let revoked = CertificateStatus::Revoked { reason: Reason::CessationOfOperation };
        assert_eq!(town.status(&authentication), revoked);
        assert_eq!(town.status(&signature), CertificateStatus::Held, "the other one is left alone");
        let again = revoke(&of(Half::Authentication, now));
        assert!(matches!(again, Err(WorldError::Step { error: StepError::Revoked, .. })));
    });
}
