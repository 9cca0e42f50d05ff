//! The office: judges, receives, and looks at what it received.

use super::{file, refused};
use crate::{args, failure::Failure, out::say, private, report::tell, until};
use pki::{
    application::CONTENT_MAX,
    authorities::Authorities,
    profile::Hierarchy,
    relying::{
        certificate::{BYTES_MAX as CERTIFICATE_MAX, Certificate},
        message::{BYTES_MAX as MESSAGE_MAX, Binding},
        path::Revocation,
        verdict::Verifier,
    },
    revocation::crl,
};
use service::{
    asking::{List, Responder},
    http::is_url,
    reception::{BODY_MAX, Reception},
    server::{self, Limits},
};
use std::{path::Path, sync::Arc};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use world::{application, store::Store};

/// `jitsuin apply verify`
pub(super) fn verify(ask: &args::ApplyVerify) -> Result<(), Failure> {
    let message = file(&ask.message, MESSAGE_MAX + CONTENT_MAX)?;
    let content = ask.content.as_deref().map(|path| file(path, CONTENT_MAX)).transpose()?;
    let anchors: Vec<Certificate> = ask.roots.iter().map(|path| root(path)).collect::<Result<_, _>>()?;
    let revocation: Box<dyn Revocation> = match (&ask.ocsp, &ask.crl) {
        (Some(url), _) => Box::new(Responder::new(url.as_str(), ask.token.as_deref())),
        (None, Some(path)) => Box::new(List(file(path, crl::BYTES_MAX)?)),
        (None, None) => return Err(Failure::Usage("whom to ask? --ocsp URL or --crl FILE".into())),
    };
    let verifier = Verifier {
        anchors: &anchors,
        policy: Hierarchy::Signature.policy(),
        revocation: &*revocation,
        binding: Binding::Required,
    };
    let now = ask.now.now.unwrap_or_else(OffsetDateTime::now_utc);
    let judge = if ask.document { Verifier::document } else { Verifier::application };
    let report = judge(&verifier, &message, content.as_deref(), now);
    if ask.json {
        crate::print_json(&report)?;
    } else {
        tell(&serde_json::to_value(&report)?);
    }
    if report.accepted { Ok(()) } else { Err(refused()) }
}

/// A certificate in PEM or DER.
fn root(path: &Path) -> Result<Certificate, Failure> {
    let bytes = file(path, 2 * CERTIFICATE_MAX)?;
    let said = |error: &dyn std::fmt::Display| Failure::Usage(format!("{}: {error}", path.display()));
    let der = match der::pem::decode_vec(&bytes) {
        Ok((_, der)) => der,
        Err(_) => bytes,
    };
    Certificate::parse(&der).map_err(|error| said(&error))
}

/// `jitsuin apply serve`
pub(super) fn serve(serve: &args::ApplyServe) -> Result<(), Failure> {
    if serve.log {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    if !is_url(&serve.ocsp) {
        return Err(Failure::Usage("--ocsp takes the http:// address of a responder".into()));
    }
    let url = crate::world_at(&serve.world, &serve.now)?.database();
    let keys = Authorities::open(&serve.world, crate::passphrase().as_deref())?;
    let both = [(Hierarchy::Signature, &keys.signature), (Hierarchy::Authentication, &keys.authentication)];
    let anchors = both.map(|(hierarchy, authority)| Ok((hierarchy, Certificate::parse(authority.root())?)));
    let anchors = anchors.into_iter().collect::<Result<_, Failure>>()?;
    let responder = Arc::new(Responder::new(serve.ocsp.as_str(), serve.token.as_deref()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::connect(&url).await?;
        let listener = server::listen(serve.http, serve.allow_remote).await?;
        let office = Arc::new(Reception::new(anchors, responder, store, serve.now.now));
        say!("applications are received at http://{}/", listener.local_addr()?);
        let limits = Limits { body: BODY_MAX, ..Limits::default() };
        until::interrupted(listener, office.router(), limits).await
    })
}

/// `jitsuin apply list`
pub(super) fn list(list: &args::ApplyList) -> Result<(), Failure> {
    let all = application::all(&crate::world(&list.world)?, list.after)?;
    if list.json {
        return crate::print_json(&all);
    }
    for one in all {
        let outcome = if one.accepted { "受理 (accepted)" } else { "不受理 (refused)" };
        say!(
            "{:>6}  {}  {outcome}  {}:{}  {}",
            one.number,
            one.at.format(&Rfc3339)?,
            one.authority,
            one.serial,
            one.procedure
        );
    }
    Ok(())
}

/// `jitsuin apply show`
pub(super) fn show(show: &args::ApplyShow) -> Result<(), Failure> {
    let none = || Failure::Refused(format!("no application {}; `jitsuin apply list` lists them", show.number));
    let one = application::one(&crate::world(&show.world)?, show.number)?.ok_or_else(none)?;
    if let Some(out) = &show.out {
        let refused = || Failure::Refused("only the messages of accepted applications are kept".into());
        private::write(out, one.message.as_ref().ok_or_else(refused)?, show.force)?;
    }
    if show.json {
        return crate::print_json(&one);
    }
    tell(&one.report);
    say!("{}", if one.accepted { "受理 (accepted)" } else { "不受理 (refused)" });
    Ok(())
}
