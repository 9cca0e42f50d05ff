use crate::support::{AUTHENTICATION, Folder, NOW, World};
use pki::{
    profile::MUNICIPALITY_CODE,
    revocation::{
        Reason, Status,
        crl::{Crl, CrlError, Verified},
    },
};
use service::authority::RegistryError;
use time::Duration;

const COMPLETE: &str = "/crl/authentication.crl";
const POINT: &str = "/crl/authentication/99999.crl";

fn list(world: &World, bytes: &[u8]) -> Verified {
    Crl::parse(bytes).expect("parses").verify(&world.issuer()).expect("vouched for")
}

#[test]
fn lists_are_made_once_a_change() {
    let world = World::new();
    world.registry().set_clock(Some(*NOW));
    let mut numbers = Vec::new();
    for path in [COMPLETE, POINT] {
        world.registry().good(AUTHENTICATION, world.leaves[0].serial, MUNICIPALITY_CODE);
        let first = world.get(path);
        assert_eq!((first.status, first.header("content-type")), (200, Some("application/pkix-crl")));
        assert_eq!(first.header("cache-control"), Some("max-age=86400, private, no-transform, must-revalidate"));
        assert_eq!(list(&world, &first.body).status(&world.leaf(0), *NOW), Ok(Status::Good));
        assert_eq!(world.get(path), first, "kept");
        let etag = format!("If-None-Match: \"x\", {}", first.header("etag").expect("an ETag"));
        assert_eq!(world.ask(&format!("GET {path}"), &[&world.bearer(), &etag], &[]).status, 304);
        // Something changes.
        world.registry().revoke(AUTHENTICATION, world.leaves[0].serial, MUNICIPALITY_CODE, *NOW, Reason::Superseded);
        let second = world.ask(&format!("GET {path}"), &[&world.bearer(), &etag], &[]);
        assert_eq!(second.status, 200);
        let revoked = Status::Revoked { at: *NOW, reason: Reason::Superseded };
        assert_eq!(list(&world, &second.body).status(&world.leaf(0), *NOW), Ok(revoked));
        // Half a day goes by, and comes back.
        for after in [Duration::hours(12), Duration::ZERO] {
            world.registry().set_clock(Some(*NOW + after - Duration::SECOND));
            let before = world.get(path);
            world.registry().set_clock(Some(*NOW + after));
            let bytes = world.get(path).body;
            let back = after.is_zero();
            let made = if back { *NOW - Duration::SECOND } else { *NOW + after };
            assert_eq!(list(&world, &bytes).list().this_update(), made, "{after}");
            assert_eq!(before.body == bytes, back, "{after}");
        }
        numbers.extend([&first, &second].map(|answer| list(&world, &answer.body).list().number().to_vec()));
    }
    assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:?}");
}

#[test]
fn openssl_uses_what_it_downloads() {
    let world = World::new();
    let Some(folder) = Folder::new("CRLs over HTTP, used by openssl", &world) else { return };
    world.registry().revoke(AUTHENTICATION, world.leaves[1].serial, MUNICIPALITY_CODE, *NOW, Reason::KeyCompromise);
    for path in [COMPLETE, POINT] {
        folder.write("list.der", &world.get(path).body);
        folder.openssl(&["crl", "-inform", "DER", "-in", "list.der", "-out", "list.pem"]);
        let verify =
            |leaf| folder.openssl(&["verify", "-crl_check", "-CAfile", "root.pem", "-CRLfile", "list.pem", leaf]);
        assert!(verify("leaf0.pem").contains("leaf0.pem: OK"));
        assert!(verify("leaf1.pem").contains("certificate revoked"));
    }
}

#[test]
fn a_municipality_has_its_own_entries() {
    let world = World::new();
    world.registry().revoke(AUTHENTICATION, world.leaves[0].serial, MUNICIPALITY_CODE, *NOW, Reason::KeyCompromise);
    world.registry().revoke(AUTHENTICATION, 0x77_7777, "99998", *NOW, Reason::KeyCompromise);
    let entries = |path| list(&world, &world.get(path).body).list().entries();
    assert_eq!([entries(COMPLETE), entries(POINT)], [2, 1]);
    let other = Crl::parse(&world.get("/crl/signature.crl").body).expect("parses");
    assert_eq!((other.entries(), other.verify(&world.issuer())), (0, Err(CrlError::Issuer)));
}

#[test]
fn lists_are_for_verifiers() {
    let world = World::new();
    for headers in [&[][..], &["Authorization: Bearer x"], &["Authorization: Basic eDp5"]] {
        let answer = world.ask(&format!("GET {COMPLETE}"), headers, &[]);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    }
    for path in [
        "/crl/authentication",
        "/crl/prefecture.crl",
        "/crl/x.crl",
        "/crl/authentication/1.crl",
        "/crl/authentication/99999",
    ] {
        assert_eq!(world.get(path).status, 404, "{path}");
    }
    world.registry().fail(Some(RegistryError::Busy));
    let busy = world.get(COMPLETE);
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
    world.registry().fail(Some(RegistryError::Broken("disk /secret/place".into())));
    let broken = world.get(COMPLETE);
    assert!(broken.status == 500 && !broken.text().contains("secret"), "{broken:?}");
}
