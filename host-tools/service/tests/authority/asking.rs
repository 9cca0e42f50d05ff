use crate::support::{AUTHENTICATION, NOW, World};
use pki::{
    profile::MUNICIPALITY_CODE,
    relying::{
        certificate::Certificate,
        path::{Revocation, Status},
    },
    revocation::Reason,
};
use service::asking::Responder;

#[test]
fn a_relying_party_is_told_what_is_so_now() {
    let mut world = World::new();
    let read = |der: &[u8]| Certificate::parse(der).expect("a certificate");
    let (leaf, root) = (read(&world.leaves[0].der), read(world.root));
    let url = format!("http://{}/ocsp/authentication", world.address);
    let told = |token: Option<&str>| Responder::new(url.as_str(), token).status(&leaf, &root, *NOW);
    let token = world.token.reveal().to_owned();
    assert_eq!(told(Some(&token)), Status::Good);

    let serial = world.leaves[0].serial;
    let revoke = |reason| world.registry().revoke(AUTHENTICATION, serial, MUNICIPALITY_CODE, *NOW, reason);
    revoke(Reason::CertificateHold);
    assert_eq!(told(Some(&token)), Status::OnHold { at: *NOW });
    revoke(Reason::KeyCompromise);
    assert_eq!(told(Some(&token)), Status::Revoked { at: *NOW, reason: Some(1) });
    revoke(Reason::Unspecified);
    assert_eq!(told(Some(&token)), Status::Revoked { at: *NOW, reason: None });

    // Nobody in particular is told nothing, and nothing is not "good".
    assert!(matches!(told(None), Status::Unavailable(why) if why.contains("unauthorized")));
    world.end();
    assert!(matches!(told(Some(&token)), Status::Unavailable(_)));
    let strange = Responder::new("https://127.0.0.1/", None).status(&leaf, &root, *NOW);
    assert!(matches!(strange, Status::Unavailable(why) if why.contains("only http://")));
}
