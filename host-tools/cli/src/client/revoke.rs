//! The revocation of a certificate, applied for over the network.

use super::{AtHand, place, refused, secret, unheard, with_card};
use crate::{args, failure::Failure, out::say};
use pki::{
    client::{Passwords, revocation::Request, viewer::Place},
    profile::Hierarchy,
    relying::certificate::Certificate,
};
use service::{
    http::{self, HttpError},
    problem,
    revocations::{Accepted, JSON},
};
use sim::rng::SimRng;
use time::OffsetDateTime;
use world::online;

/// Most bytes of an answer.
const ANSWER_MAX: usize = 16 * 1024;

/// `jitsuin client revoke`
pub(super) fn run(ask: &args::ClientRevoke) -> Result<(), Failure> {
    let place = place(ask.certificate);
    if !matches!(place, Place::OwnSignature | Place::OwnAuthentication) {
        return Err(Failure::Usage("a holder revokes own-authentication or own-signature".into()));
    }
    let pin = secret(&ask.pin)?;
    let request = with_card(&ask.on, |at_hand| {
        let now = at_hand.now;
        signed(at_hand, place, &pin, now)
    })?;
    match (&ask.to, &ask.on.world) {
        (Some(url), _) => sent(url, &request, ask.json),
        (None, Some(folder)) => {
            let world = crate::world_at(folder, &ask.on.now)?;
            crate::service::handed(&online::revoke(&world, world.now()?, &request)?, ask.json)
        }
        (None, None) => Err(Failure::Usage("who takes the request? WORLD CARD, or --to URL".into())),
    }
}

/// Applies to an authority over HTTP.
fn sent(url: &str, request: &[u8], json: bool) -> Result<(), Failure> {
    let url = format!("{}/revocations", url.trim_end_matches('/'));
    let answer = http::post(&url, None, JSON, request, ANSWER_MAX).map_err(unheard)?;
    let accepted: Accepted = match serde_json::from_slice(&answer.body) {
        Ok(accepted) if answer.status == 200 => accepted,
        _ => {
            let said = problem::said(&answer.body);
            return Err(said.map_or_else(|| unheard(HttpError::Status(url, answer.status)), Failure::Refused));
        }
    };
    if json {
        return crate::print_json(&accepted);
    }
    let plain = |serial: &String| serial.replace(char::is_control, "\u{FFFD}");
    let serials: Vec<String> = accepted.revoked.iter().map(plain).collect();
    say!("受付番号 {}: 失効しました (revoked) {}", accepted.request, serials.join(" "));
    Ok(())
}

fn signed(at_hand: &mut AtHand, place: Place, pin: &str, now: OffsetDateTime) -> Result<Vec<u8>, Failure> {
    let mut jpki = at_hand.jpki()?;
    Passwords::open(&mut jpki, place.half(), pin).map_err(refused)?;
    let none = || Failure::Refused(format!("this card has no {}", place.names()[0]));
    let own = Certificate::parse(&place.read(&mut jpki)?.ok_or_else(none)?)?;
    let strange = || Failure::Refused(format!("{}: not a certificate of the simulated service", own.serial()));
    let serial = u32::from_str_radix(&own.serial(), 16).map_err(|_| strange())?;
    // A Juki card has the prefecture's certificate in place of both others.
    let all = [Hierarchy::Authentication, Hierarchy::Signature, Hierarchy::Prefecture];
    let issued = |hierarchy: &Hierarchy| hierarchy.authority().is_ok_and(|name| name == *own.issuer());
    let hierarchy = all.into_iter().find(issued).ok_or_else(strange)?;
    Ok(Request::new(hierarchy, serial, now, &mut SimRng::from_os()?).sign(&mut jpki, place.half())?)
}
