use crate::support::{AUTHENTICATION, Answer, Folder, NOW, World};
use pki::{
    profile::MUNICIPALITY_CODE,
    revocation::{
        Reason, Status,
        ocsp::{Failure, KeyKind, LIFE, OcspError, Query},
    },
};
use service::{
    authority::{Options, RegistryError, STOCK},
    server::Limits,
};
use sim::rng::SimRng;
use time::Duration;

fn query(world: &World) -> Query {
    Query::about(&world.issuer(), &[world.leaf(0)]).expect("a query")
}

fn post(world: &World, query: &Query, headers: &[&str]) -> Answer {
    world.ask("POST /ocsp/authentication", headers, &query.to_der().expect("encodes"))
}

fn base64(query: &Query) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(&query.to_der().expect("encodes"))
}

fn revoke(world: &World, reason: Reason) {
    world.registry().revoke(AUTHENTICATION, world.leaves[0].serial, MUNICIPALITY_CODE, *NOW, reason);
}

fn release(world: &World) {
    world.registry().good(AUTHENTICATION, world.leaves[0].serial, MUNICIPALITY_CODE);
}

#[test]
fn openssl_asks_over_http() {
    let world = World::new();
    let Some(folder) = Folder::new("OCSP over HTTP by openssl", &world) else { return };
    let header = format!("Authorization=Bearer {}", world.token.reveal());
    let ask = |path: &str, more: &[&str]| {
        let url = format!("http://{}{path}", world.address);
        let asked = ["-CAfile", "root.pem", "-issuer", "root.pem", "-cert", "leaf0.pem", "-cert", "leaf1.pem"];
        folder.openssl(&[&["ocsp", "-url", &url], more, &asked].concat())
    };
    for path in ["/ocsp/authentication", "/"] {
        for more in [&["-header", &header][..], &["-header", &header, "-no_nonce"], &["-header", &header, "-sha256"]] {
            let said = ask(path, more);
            assert!(said.contains("Response verify OK") && said.contains("leaf0.pem: good"), "{said}");
            revoke(&world, Reason::CertificateHold);
            let said = ask(path, more);
            assert!(said.contains("leaf0.pem: revoked") && said.contains("certificateHold"), "at once: {said}");
            assert!(said.contains("leaf1.pem: good"), "{said}");
            release(&world);
        }
    }
    assert!(ask("/ocsp/authentication", &[]).contains("Responder Error: unauthorized (6)"));
    assert!(ask("/ocsp/authentication", &["-header", "Authorization=Bearer x"]).contains("unauthorized (6)"));
    // Another authority's responder does not know them.
    let said = ask("/ocsp/signature", &["-header", &header, "-noverify"]);
    assert!(said.contains("leaf0.pem: unknown"), "{said}");
}

#[test]
fn everybody_is_answered_where_that_is_wanted() {
    let world = World::with(Options { open: true, ..Options::default() }, Limits::default());
    let query = query(&world);
    for headers in [&[][..], &["Authorization: Bearer x"], &[&world.bearer()]] {
        let answer = post(&world, &query, headers);
        assert_eq!(query.read(&answer.body, *NOW), Ok(vec![Status::Good]));
    }
    let gotten = world.ask(&format!("GET /ocsp/authentication/{}", base64(&query)), &[], &[]);
    assert!(gotten.header("cache-control").is_some_and(|cache| cache.contains("public")), "{gotten:?}");
}

#[test]
fn answers_are_got_too_and_cached() {
    let world = World::new();
    world.registry().set_clock(Some(*NOW));
    let query = query(&world);
    let path = format!("/ocsp/authentication/{}", base64(&query));
    let first = world.get(&path);
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/ocsp-response")));
    assert_eq!(first.header("cache-control"), Some("max-age=60, private, no-transform, must-revalidate"));
    assert_eq!(query.read(&first.body, *NOW), Ok(vec![Status::Good]));
    // Escaped as RFC 3986 has it, and by POST: the same bytes from stock.
    let escaped = path.replace('=', "%3D").replace('+', "%2B");
    assert_eq!(world.get(&escaped).body, first.body);
    assert_eq!(post(&world, &query, &[&world.bearer()]).body, first.body);
    let etag = format!("If-None-Match: {}", first.header("etag").expect("an ETag"));
    let again = world.ask(&format!("GET {path}"), &[&world.bearer(), &etag], &[]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    // Not for others, whatever they know.
    let other = world.ask(&format!("GET {path}"), &[&etag], &[]);
    assert_eq!(query.read(&other.body, *NOW), Err(OcspError::Failure(Failure::Unauthorized)));
    // The world's clock goes on, and back.
    world.registry().set_clock(Some(*NOW + STOCK - Duration::SECOND));
    assert_eq!(world.get(&path).body, first.body);
    world.registry().set_clock(Some(*NOW + STOCK));
    let second = world.get(&path);
    assert_ne!(second.body, first.body);
    assert_eq!(query.read(&second.body, *NOW + LIFE), Ok(vec![Status::Good]), "its hour began a minute later");
    world.registry().set_clock(Some(*NOW));
    assert_eq!(query.read(&world.get(&path).body, *NOW - Duration::seconds(1)), Ok(vec![Status::Good]));
    revoke(&world, Reason::KeyCompromise);
    let revoked = Status::Revoked { at: *NOW, reason: Reason::KeyCompromise };
    assert_eq!(query.read(&world.get(&path).body, *NOW), Ok(vec![revoked]), "at once");
}

#[test]
fn a_nonce_has_an_answer_of_its_own() {
    let world = World::new();
    let mut rng = SimRng::seeded(1);
    let [one, other] = [0; 2].map(|_| query(&world).with_nonce(&mut rng));
    let answer = world.get(&format!("/ocsp/authentication/{}", base64(&one).replace('+', "%2B")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(one.read(&answer.body, *NOW), Ok(vec![Status::Good]));
    assert_eq!(other.read(&answer.body, *NOW), Err(OcspError::Nonce));
}

#[test]
fn the_key_is_the_clients_or_the_operators_choice() {
    let sha256_with_rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
    let ecdsa_with_sha256 = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    let has = |answer: &Answer, oid: &[u8]| answer.body.windows(oid.len()).any(|window| window == oid);
    for (default, preferred, ecdsa) in [
        (KeyKind::Rsa, &[][..], false),
        (KeyKind::Rsa, &[KeyKind::P256], true),
        (KeyKind::P256, &[], true),
        (KeyKind::P256, &[KeyKind::Rsa, KeyKind::P256], false),
    ] {
        let world = World::with(Options { answers_with: default, ..Options::default() }, Limits::default());
        let query = query(&world).preferring(preferred);
        let answer = post(&world, &query, &[&world.bearer()]);
        assert_eq!(query.read(&answer.body, *NOW), Ok(vec![Status::Good]));
        // Certificates are always signed with RSA.
        assert!(has(&answer, &sha256_with_rsa));
        assert_eq!(has(&answer, &ecdsa_with_sha256), ecdsa, "{default:?} {preferred:?}");
    }
}

#[test]
fn a_responder_is_certified_anew_when_the_clock_leaves_its_week() {
    let world = World::new();
    let query = query(&world);
    for days in [0, 5, 6, 30, 700, 0, -1] {
        let now = *NOW + Duration::days(days);
        world.registry().set_clock(Some(now));
        let answer = post(&world, &query, &[&world.bearer()]);
        assert_eq!(query.read(&answer.body, now), Ok(vec![Status::Good]), "day {days}");
    }
}

#[test]
fn what_is_no_request_is_told_so() {
    let world = World::new();
    let malformed = Failure::MalformedRequest.to_der();
    for body in [&b""[..], b"hello", &[0x30, 0x80], &[0xFF; 64 * 1024]] {
        let answer = world.ask("POST /ocsp/authentication", &[&world.bearer()], body);
        assert_eq!((answer.status, &answer.body), (200, &malformed));
    }
    for path in ["/ocsp/authentication/AA", "/ocsp/authentication/%00", "/ocsp/authentication/MAA="] {
        assert_eq!(world.get(path).body, malformed, "{path}");
    }
    for path in ["/ocsp/prefecture/MAA=", "/ocsp/nobody/MAA=", "/ocsp", "/", "/../etc/passwd"] {
        assert!(matches!(world.get(path).status, 404 | 405), "{path}");
    }
    assert_eq!(world.ask("POST /ocsp/nobody", &[&world.bearer()], b"").status, 404);
}

#[test]
fn a_register_that_fails_is_told() {
    let world = World::new();
    let query = query(&world);
    for (failure, told) in
        [(RegistryError::Busy, Failure::TryLater), (RegistryError::Broken("disk".into()), Failure::InternalError)]
    {
        world.registry().fail(Some(failure));
        let answer = post(&world, &query, &[&world.bearer()]);
        assert_eq!(query.read(&answer.body, *NOW), Err(OcspError::Failure(told)));
    }
    world.registry().fail(None);
    assert_eq!(query.read(&post(&world, &query, &[&world.bearer()]).body, *NOW), Ok(vec![Status::Good]));
}
