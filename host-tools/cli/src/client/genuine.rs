//! Whether a card's CAs are genuine, and whether its certificates can be used.

use super::{place, refused, secret, unheard, with_card};
use crate::{args, failure::Failure, out::say};
use pki::{
    client::{
        Passwords,
        genuine::{Compared, LIST_MAX, List, Origin},
        validity::{Checked, Verdict},
        viewer::{Place, Shown},
    },
    revocation::crl,
};
use serde_json::json;
use service::{
    asking::{NotTold, Responder},
    http,
};
use std::{fs, io::Read};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// `jitsuin client fingerprint`
pub(super) fn fingerprint(ask: &args::ClientFingerprint) -> Result<(), Failure> {
    let list = ask.list.as_deref().map(|place| fetch(place, None, LIST_MAX)).transpose()?;
    let list = list.map(|bytes| List::parse(&bytes)).transpose()?;
    let compared = with_card(&ask.on, |at_hand| {
        let mut jpki = at_hand.jpki()?;
        let mut all = Vec::new();
        for place in [Place::CaAuthentication, Place::CaSignature] {
            all.extend(place.read(&mut jpki)?.map(|der| Compared::new(place, &der, list.as_ref())));
        }
        Ok(all)
    })?;
    if compared.is_empty() {
        return Err(Failure::Refused("this card has no CA certificates".into()));
    }
    if ask.json {
        crate::print_json(&json!({ "certificates": compared }))?;
    } else {
        compared.iter().for_each(print);
    }
    let strange = compared.iter().filter(|one| one.published == Some(false)).count();
    match strange {
        0 => Ok(()),
        _ => Err(Failure::Refused(format!(
            "{strange} CA certificates of this card are not on the list: do not trust it"
        ))),
    }
}

fn print(one: &Compared) {
    let [english, japanese] = one.certificate.names();
    say!("{japanese} ({english})");
    say!("  SHA-256: {}", one.sha256);
    match one.origin {
        Origin::Real => say!("  実在の認証局 (a REAL card: {})", one.known_as.unwrap_or_default()),
        Origin::RealTest => {
            say!("  実在の試験環境 (the real service's test environment: {})", one.known_as.unwrap_or_default())
        }
        Origin::Simulated => say!("  模擬 (simulated: none of the real roots known here)"),
    }
    match one.published {
        Some(true) => say!("  一致 (equal to the published fingerprint: genuine)"),
        Some(false) => say!("  不一致 (NOT among the published fingerprints)"),
        None => {}
    }
}

/// A file, or what an address answers.
fn fetch(place: &str, token: Option<&str>, most: usize) -> Result<Vec<u8>, Failure> {
    if http::is_url(place) {
        return http::get(place, token, most).map_err(unheard);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = fs::File::open(place).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| Failure::Usage(format!("{place}: {error}")))?;
    Ok(bytes)
}

/// `jitsuin client validity`
pub(super) fn validity(ask: &args::ClientValidity) -> Result<(), Failure> {
    let place = place(ask.certificate);
    let ca = match place {
        Place::OwnSignature => Place::CaSignature,
        Place::OwnAuthentication => Place::CaAuthentication,
        _ => return Err(Failure::Usage("a CA certificate is checked by `jitsuin client fingerprint`".into())),
    };
    if place == Place::OwnSignature && ask.sign_pin.is_none() {
        return Err(Failure::Usage("the signature certificate is read with its password: --sign-pin PASSWORD".into()));
    }
    let pin = ask.sign_pin.as_deref().filter(|_| place == Place::OwnSignature).map(secret).transpose()?;
    let (own, authority, now) = with_card(&ask.on, |at_hand| {
        let now = at_hand.now;
        let mut jpki = at_hand.jpki()?;
        if let Some(pin) = &pin {
            Passwords::open(&mut jpki, place.half(), pin).map_err(refused)?;
        }
        let mut read = |place: Place| {
            let none = || Failure::Refused(format!("this card has no {}", place.names()[0]));
            place.read(&mut jpki)?.ok_or_else(none)
        };
        Ok((read(place)?, read(ca)?, now))
    })?;
    let shown = Shown::new(place, &own, now)?;
    let checked = Checked::new(&own, &authority, shown.term).map_err(Failure::Refused)?;
    let verdict = match checked.by_dates() {
        Some(settled) => settled,
        None => asked(&checked, ask, now)?,
    };
    tell(&shown, &verdict, ask.json)
}

fn asked(checked: &Checked, ask: &args::ClientValidity, now: OffsetDateTime) -> Result<Verdict, Failure> {
    let token = ask.token.as_deref();
    match (&ask.ocsp, &ask.crl) {
        (Some(url), _) => {
            let told = Responder::new(url, token).ask(checked.query()?);
            let (query, answer) = told.map_err(|error| match error {
                NotTold::Http(error) => unheard(error),
                error => error.into(),
            })?;
            Ok(checked.by_ocsp(&query, &answer, now))
        }
        (None, Some(place)) => Ok(checked.by_crl(&fetch(place, token, crl::BYTES_MAX)?, now)),
        (None, None) => Err(Failure::Usage("whom to ask? --ocsp URL or --crl FILE|URL".into())),
    }
}

fn tell(shown: &Shown, verdict: &Verdict, json: bool) -> Result<(), Failure> {
    let [english, japanese] = verdict.names();
    if json {
        crate::print_json(&json!({
            "certificate": shown.certificate, "serial": shown.serial, "expires": shown.expires, "result": verdict,
        }))?;
    } else {
        let [name, japanese_name] = shown.certificate.names();
        say!("{japanese_name} ({name}) {}: {japanese} ({english})", shown.serial);
        match verdict {
            Verdict::Held { since } => say!("  since {}", since.format(&Rfc3339)?),
            Verdict::Revoked { since, reason } => say!("  since {}, {reason}", since.format(&Rfc3339)?),
            Verdict::Good | Verdict::Expired | Verdict::NotYet => {
                say!("  until {} {}", shown.last_day(), shown.expires)
            }
            Verdict::Unknown { why } => say!("  {why}"),
        }
    }
    match verdict {
        Verdict::Good => Ok(()),
        Verdict::Unknown { why } => Err(Failure::Refused(format!("the certificate could not be checked: {why}"))),
        _ => Err(Failure::Refused(format!("the certificate is {english}"))),
    }
}
