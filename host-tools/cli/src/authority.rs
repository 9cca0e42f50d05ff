//! `jitsuin authority`: the authorities over HTTP, and who may ask them.

use crate::{
    args::{self, Authority},
    failure::Failure,
    out::say,
    until,
};
use pki::{authorities, revocation::ocsp::KeyKind};
use serde_json::json;
use service::{
    authority::{Authorities, Category, Options, Recorded, Token},
    revocations::Window,
    server::{self, Limits},
};
use sim::rng::SimRng;
use std::sync::Arc;
use world::{authority, store::Store};

/// `jitsuin authority`
pub(crate) fn run(authority: &Authority) -> Result<(), Failure> {
    match authority {
        Authority::Serve(serve) => answer(serve),
        Authority::Register(register) => enter(register),
        Authority::End(end) => {
            let world = crate::world_at(&end.world, &end.now)?;
            Ok(authority::end(&world, world.now()?, &end.name)?)
        }
        Authority::Verifiers(list) => verifiers(list),
    }
}

fn enter(register: &args::RegisterVerifier) -> Result<(), Failure> {
    let world = crate::world_at(&register.world, &register.now)?;
    let token = Token::generate(&mut SimRng::from_os()?);
    authority::register(&world, world.now()?, &register.name, register.category, &token.hash().0)?;
    if register.json {
        return crate::print_json(&json!({ "name": register.name, "token": token.reveal() }));
    }
    say!("{}", token.reveal());
    Ok(())
}

fn verifiers(list: &args::ListVerifiers) -> Result<(), Failure> {
    let all = authority::verifiers(&crate::world(&list.world)?)?;
    if list.json {
        return crate::print_json(&all);
    }
    for one in all {
        let category = Category::from_number(one.category).map_or("", Category::japanese);
        say!("{}  {} {category}{}", one.name, one.category, if one.registered { "" } else { "  ended" });
    }
    Ok(())
}

fn answer(serve: &args::AuthorityServe) -> Result<(), Failure> {
    if serve.log {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    let world = crate::world_at(&serve.world, &serve.now)?;
    let url = world.database();
    // Out here, because a world that goes waits for its database, and nothing in a server may wait so.
    let window = Arc::new(Window::new(world));
    let keys = authorities::Authorities::open(&serve.world, crate::passphrase().as_deref())?;
    let kept = [Some(keys.signature), Some(keys.authentication), keys.prefecture].into_iter().flatten();
    let answers_with = if serve.ecdsa { KeyKind::P256 } else { KeyKind::Rsa };
    let options = Options { open: serve.open, answers_with };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::connect(&url).await?;
        let authorities = Arc::new(Authorities::new(kept, Recorded::new(store, serve.now.now), options));
        let listener = server::listen(serve.http, serve.allow_remote).await?;
        let address = listener.local_addr()?;
        say!("the authorities answer at http://{address}/");
        for path in
            ["ocsp/signature", "ocsp/authentication", "crl/signature.crl", "crl/authentication.crl", "fingerprints"]
        {
            say!("  http://{address}/{path}");
        }
        if serve.open {
            eprintln!("answering everybody; the real ones answer registered verifiers alone");
        }
        let router = authorities.router().merge(Arc::clone(&window).router());
        until::interrupted(listener, router, Limits::default()).await
    })
}
