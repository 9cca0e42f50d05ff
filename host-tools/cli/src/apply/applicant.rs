//! The applicant: fills in, signs, sends, asks.

use super::{file, refused};
use crate::{
    args,
    client::{AtHand, refused as not_opened, secret, unheard, with_card},
    failure::Failure,
    out::say,
    private,
    report::tell,
};
use pki::{
    application::{self, CONTENT_MAX, Packing, Procedure},
    client::{Half, Jpki, Passwords, viewer::Place},
    relying::{attributes::Attributes, certificate::Certificate, message},
};
use serde_json::json;
use service::reception::{BODY_MAX, Office, OfficeError, Submission};
use std::{collections::BTreeMap, path::Path};

/// P1 of a signature over a DigestInfo. (card.md §8.1)
const SCHEME: u8 = 0x00;

/// Opens the signature half of a card.
fn opened<'c>(at_hand: &'c mut AtHand, pin: &str) -> Result<(Jpki<'c>, Certificate), Failure> {
    let mut jpki = at_hand.jpki()?;
    Passwords::open(&mut jpki, Half::Signature, pin).map_err(not_opened)?;
    let none = || Failure::Refused(format!("this card has no {}", Place::OwnSignature.names()[0]));
    let der = Place::OwnSignature.read(&mut jpki)?.ok_or_else(none)?;
    Ok((jpki, Certificate::parse(&der)?))
}

/// Before a password is presented for nothing.
fn is_free(out: &Path, force: bool) -> Result<(), Failure> {
    if !force && out.exists() {
        return Err(Failure::Refused(format!("{}: exists already; --force overwrites it", out.display())));
    }
    Ok(())
}

/// `jitsuin apply form`
pub(super) fn form(ask: &args::ApplyForm) -> Result<(), Failure> {
    let (Some(name), Some(out)) = (&ask.procedure, &ask.out) else {
        return procedures(ask.json);
    };
    let unknown = || Failure::Usage(format!("no procedure {name:?}; `jitsuin apply form` lists them"));
    let procedure = Procedure::by_name(name).ok_or_else(unknown)?;
    let mut fields: BTreeMap<String, String> =
        procedure.fields.iter().map(|field| ((*field).to_owned(), String::new())).collect();
    for field in &ask.fields {
        let form = || {
            Failure::Usage(format!("{field:?}: NAME=VALUE, with a name of the form: {}", procedure.fields.join("、")))
        };
        let (name, value) = field.split_once('=').ok_or_else(form)?;
        *fields.get_mut(name).ok_or_else(form)? = value.to_owned();
    }
    is_free(out, ask.force)?;
    let pin = secret(&ask.sign_pin)?;
    let certificate = with_card(&ask.on, |at_hand| Ok(opened(at_hand, &pin)?.1))?;
    let form = Attributes::of(&certificate).and_then(|attributes| attributes.form(procedure.japanese, fields));
    let form = form.ok_or_else(|| Failure::Refused("the certificate does not have all four attributes".into()))?;
    private::write(out, &form.to_json()?, ask.force)?;
    if ask.json {
        return crate::print_json(&form);
    }
    say!("{}: {} ({})", out.display(), procedure.japanese, procedure.english);
    Ok(())
}

fn procedures(json: bool) -> Result<(), Failure> {
    if json {
        return crate::print_json(&Procedure::ALL);
    }
    for Procedure { name, japanese, english, fields } in Procedure::ALL {
        say!("{name:18} {japanese} ({english})\n{:18} {}", "", fields.join("、"));
    }
    Ok(())
}

/// `jitsuin apply sign`
pub(super) fn sign(ask: &args::ApplySign) -> Result<(), Failure> {
    let content = file(&ask.form, CONTENT_MAX)?;
    is_free(&ask.out, ask.force)?;
    let pin = secret(&ask.sign_pin)?;
    let packing = if ask.detached { Packing::Detached } else { Packing::Attached };
    let message = with_card(&ask.on, |at_hand| {
        let now = at_hand.now;
        let (mut jpki, certificate) = opened(at_hand, &pin)?;
        let sign = |info: &[u8]| jpki.sign(Half::Signature, SCHEME, info);
        application::sign(&content, &certificate, packing, now, sign)
            .map_err(|error| Failure::Refused(error.to_string()))
    })?;
    private::write(&ask.out, &message, ask.force)?;
    if ask.json {
        return crate::print_json(&json!({ "file": ask.out, "bytes": message.len(), "detached": ask.detached }));
    }
    say!("{}: {} bytes", ask.out.display(), message.len());
    Ok(())
}

/// `jitsuin apply send`
pub(super) fn send(ask: &args::ApplySend) -> Result<(), Failure> {
    let message = file(&ask.message, BODY_MAX.min(message::BYTES_MAX + application::FORM_MAX))?;
    let content = ask.content.as_deref().map(|path| file(path, application::FORM_MAX)).transpose()?;
    let received = Office::new(&ask.url).send(&Submission { message, content }).map_err(said)?;
    if ask.json {
        crate::print_json(&received)?;
    } else {
        tell(&received.report);
        if let (Some(number), true) = (received.number, received.accepted) {
            let before = if received.before { ", as before" } else { "" };
            say!("受付番号 {number} (accepted under this number{before})");
        }
        if let Some(receipt) = &received.receipt {
            say!("{receipt}");
        }
    }
    if received.accepted { Ok(()) } else { Err(refused()) }
}

/// `jitsuin apply status`
pub(super) fn status(ask: &args::ApplyStatus) -> Result<(), Failure> {
    let receipt = secret(&ask.receipt)?;
    let found = Office::new(&ask.url).status(ask.number, &receipt).map_err(said)?;
    if ask.json {
        return crate::print_json(&json!(found));
    }
    tell(&found["report"]);
    let accepted = found["accepted"].as_bool() == Some(true);
    say!("受付番号 {}: {}", ask.number, if accepted { "受理 (accepted)" } else { "不受理 (refused)" });
    Ok(())
}

fn said(error: OfficeError) -> Failure {
    match error {
        OfficeError::Http(error) => unheard(error),
        error => Failure::Refused(error.to_string()),
    }
}
