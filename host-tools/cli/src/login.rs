//! `jitsuin login`: a service that people log in to, and the program that logs in. (service.md §7, rows 25 and 27)

use crate::{
    args::{self, Login},
    client::{refused, secret, unheard, with_card},
    failure::Failure,
    out::say,
    report, until,
};
use pki::{
    authorities::Authorities,
    client::{Half, Jpki, Passwords, viewer::Place},
    relying::{certificate::Certificate, challenge::Challenge},
};
use serde_json::json;
use service::{
    asking::Responder,
    http::is_url,
    login::{Answered, LoggedIn, Login as Service, Site, SiteError},
    server::{self, Limits},
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use world::{account::Entry, store::Store};
use zeroize::Zeroizing;

/// P1 of a signature with DigestInfo of SHA-256 over a digest. (card.md §8.1)
const SCHEME: u8 = 0x02;

/// `jitsuin login`
pub(crate) fn run(login: &Login) -> Result<(), Failure> {
    match login {
        Login::Serve(serve) => answer(serve),
        Login::To(to) => log_in(to),
    }
}

fn answer(serve: &args::LoginServe) -> Result<(), Failure> {
    if serve.log {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    if !is_url(&serve.ocsp) {
        return Err(Failure::Usage("--ocsp takes the http:// address of a responder".into()));
    }
    let world = crate::world_at(&serve.world, &serve.now)?;
    let url = world.database();
    let root = Authorities::open(&serve.world, crate::passphrase().as_deref())?.authentication.root().to_vec();
    let root = Certificate::parse(&root)?;
    let responder = Arc::new(Responder::new(serve.ocsp.as_str(), serve.token.as_deref()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::connect(&url).await?;
        let listener = server::listen(serve.http, serve.allow_remote).await?;
        let address = listener.local_addr()?;
        let name = serve.name.clone().unwrap_or_else(|| address.to_string());
        if !Challenge::is_name(&name) {
            return Err(Failure::Usage(format!("{name:?} is no host name; --name gives the service one")));
        }
        let login = Arc::new(Service::new(&name, vec![root], responder, store, serve.now.now));
        say!("{name} lets people log in at http://{address}/");
        until::interrupted(listener, login.router(), Limits::default()).await
    })
}

fn log_in(to: &args::LoginTo) -> Result<(), Failure> {
    let pin = secret(&to.pin)?;
    let transfer = to.transfer.as_deref().map(secret).transpose()?;
    let site = Site::new(&to.url, to.service.as_deref());
    // Before the PIN is presented for nothing.
    let challenge = site.challenge().map_err(said)?;
    let (certificate, signature) = with_card(&to.on, |at_hand| signed(&mut at_hand.jpki()?, &challenge, &pin))?;
    let transfer = transfer.map(|code| code.as_str().to_owned());
    let told = site.log_in(&Answered { challenge, certificate, signature, transfer }).map_err(said)?;
    let drawn = match &told.session {
        Some(session) if to.draw_transfer => Some(site.transfer(session).map_err(said)?),
        _ => None,
    };
    if to.json {
        let mut document = serde_json::to_value(&told)?;
        if let (Some(drawn), Some(fields)) = (&drawn, document.as_object_mut()) {
            fields.insert("transfer".into(), json!(drawn));
        }
        crate::print_json(&document)?;
    } else {
        show(&told);
        if let Some(session) = told.session.as_ref().map(|session| Zeroizing::new(session.clone())) {
            site.log_out(&session).map_err(said)?;
        }
        if let Some(drawn) = &drawn {
            say!("引継ぎコード (transfer code), until {}:", pki::birthday::jst_date(drawn.ends));
            say!("{}", drawn.code);
        }
    }
    if told.accepted {
        Ok(())
    } else {
        Err(Failure::Refused("ログインできません (the login was refused)".into()))
    }
}

/// The card's answer to a challenge: its certificate, and a signature.
pub(crate) fn signed(jpki: &mut Jpki<'_>, challenge: &Challenge, pin: &str) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    Passwords::open(jpki, Half::Authentication, pin).map_err(refused)?;
    let none = || Failure::Refused(format!("this card has no {}", Place::OwnAuthentication.names()[0]));
    let certificate = Place::OwnAuthentication.read(jpki)?.ok_or_else(none)?;
    Ok((certificate, jpki.sign(Half::Authentication, SCHEME, &Sha256::digest(challenge.to_bytes()))?))
}

fn show(told: &LoggedIn) {
    report::tell(&told.report);
    if let (Some(account), Some(entry)) = (&told.account, told.entry) {
        let how = match entry {
            Entry::Known => "ログインしました (logged in)",
            Entry::Registered => "登録しました (registered with this login)",
            Entry::Transferred => "引き継ぎました (brought to the account of before)",
        };
        say!("{}: {how}", account.id.replace(char::is_control, "\u{FFFD}"));
    }
}

fn said(error: SiteError) -> Failure {
    match error {
        SiteError::Http(error) => unheard(error),
        error => Failure::Refused(error.to_string()),
    }
}
