use crate::support::{AUTHENTICATION, NOW, World};
use pki::{
    profile::MUNICIPALITY_CODE,
    revocation::{Reason, ocsp::Query},
};
use std::{
    fmt::{Debug, Write},
    sync::{Mutex, PoisonError},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

static LOG: Mutex<String> = Mutex::new(String::new());

/// Every event of every crate, at every level.
struct Everything;

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Words(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner)));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Words(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        event.record(&mut Words(&mut log));
        log.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn logs_name_the_verifier_and_neither_token_nor_certificate() {
    tracing::subscriber::set_global_default(Everything).expect("the only one");
    let world = World::new();
    let serial = world.leaves[0].serial;
    world.registry().revoke(AUTHENTICATION, serial, MUNICIPALITY_CODE, *NOW, Reason::KeyCompromise);
    let query = Query::about(&world.issuer(), &[world.leaf(0)]).expect("a query").to_der().expect("encodes");
    world.ask("POST /ocsp/authentication", &[&world.bearer()], &query);
    world.ask("POST /ocsp/authentication", &["Authorization: Bearer wrong-token"], &query);
    world.get("/crl/authentication.crl");
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for word in ["verifier=\"test court\"", "outcome=\"unauthorized\"", "hierarchy=\"authentication\"", "singles=1"] {
        assert!(log.contains(word), "{word} is missing in\n{log}");
    }
    let hash = hex::encode(world.token.hash().0);
    let secrets = [world.token.reveal(), "wrong-token", &hash, &hash.to_uppercase()];
    for secret in
        secrets.into_iter().map(str::to_owned).chain([serial.to_string(), format!("{serial:x}"), format!("{serial:X}")])
    {
        assert!(!log.contains(&secret), "{secret} is in\n{log}");
    }
}
