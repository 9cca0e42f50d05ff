//! `jitsuin kiosk`: a kiosk with a reader of its own. (service.md §7, §15, rows 22 and 26)

use crate::{
    args::{self, Kiosk},
    client::{refused, secret, with_card},
    desk::Desk,
    failure::Failure,
    login::signed,
    on_record::OnRecord,
    out::say,
    private, report,
    service::handed,
};
use pki::{
    client::{Half, Passwords},
    personalise,
    profile::Hierarchy,
    relying::{certificate::Certificate, challenge::Challenge, message::Binding, path::Revocation, verdict::Verifier},
};
use serde_json::json;
use service::asking::Responder;
use sim::rng::SimRng;
use time::format_description::well_known::Rfc3339;
use world::{
    World,
    kiosk::{self, Reservation},
};

const NAME: &str = "kiosk.jitsuin.test";
/// P1 of a signature with DigestInfo of SHA-256 over a digest. (card.md §8.1)
const SCHEME: u8 = 0x02;

/// `jitsuin kiosk`
pub(crate) fn run(kiosk: &Kiosk) -> Result<(), Failure> {
    match kiosk {
        Kiosk::Issue(issue) => print(issue),
        Kiosk::Reserve(reserve) => reserved(reserve),
        Kiosk::Reset(reset) => again(reset),
    }
}

fn print(ask: &args::KioskIssue) -> Result<(), Failure> {
    if !ask.force && ask.out.exists() {
        return Err(Failure::Refused(format!("{}: exists already; --force overwrites it", ask.out.display())));
    }
    let pin = secret(&ask.pin)?;
    let world = crate::world_at(&ask.world, &ask.now)?;
    let serial = present(&world, ask, &pin)?;
    let printed = kiosk::residence(&world, world.now()?, serial, ask.my_number)?;
    private::write(&ask.out, &printed.document, ask.force)?;
    if ask.json {
        return crate::print_json(
            &json!({ "request": printed.done, "file": ask.out, "bytes": printed.document.len() }),
        );
    }
    handed(&printed.done, false)?;
    say!("{}: {} bytes", ask.out.display(), printed.document.len());
    Ok(())
}

/// Has the card prove itself; the serial number of its certificate.
fn present(world: &World, ask: &args::KioskIssue, pin: &str) -> Result<u32, Failure> {
    let now = world.now()?;
    let on = args::OnCard {
        world: ask.card.is_some().then(|| ask.world.clone()),
        card: ask.card.clone(),
        pcsc: ask.pcsc.clone(),
        reader: ask.reader.clone(),
        real_card: ask.real_card,
        now: ask.now,
    };
    let challenge = Challenge::new(NAME, now, &mut SimRng::from_os()?);
    let challenge = challenge.ok_or_else(|| Failure::Refused(format!("{NAME}: no host name")))?;
    let (certificate, signature) = with_card(&on, |at_hand| signed(&mut at_hand.jpki()?, &challenge, pin))?;
    let revocation: Box<dyn Revocation + '_> = match &ask.ocsp {
        Some(url) => Box::new(Responder::new(url.as_str(), ask.token.as_deref())),
        None => Box::new(OnRecord(world, Hierarchy::Authentication)),
    };
    let verifier = Verifier {
        anchors: &[Certificate::parse(world.authorities.authentication.root())?],
        policy: Hierarchy::Authentication.policy(),
        revocation: &*revocation,
        binding: Binding::Required,
    };
    let judged = verifier.login(&challenge, &certificate, &signature, now);
    let serial = judged.signer.as_ref().and_then(|signer| u32::from_str_radix(&signer.serial, 16).ok());
    serial.filter(|_| judged.accepted).ok_or_else(|| {
        if let Ok(document) = serde_json::to_value(&judged) {
            report::tell(&document);
        }
        Failure::Refused("この電子証明書では交付できません (the kiosk does not take this certificate)".into())
    })
}

fn reserved(ask: &args::KioskReserve) -> Result<(), Failure> {
    let pin = secret(&ask.pin)?;
    let world = crate::world_at(&ask.world, &ask.now)?;
    let now = world.now()?;
    let reservation = Reservation::new(&ask.card, ask.reset.into(), now, &mut SimRng::from_os()?);
    let half = if reservation.signed_by() == Hierarchy::Signature { Half::Signature } else { Half::Authentication };
    let on = args::OnCard {
        world: Some(ask.world.clone()),
        card: Some(ask.card.clone()),
        pcsc: None,
        reader: None,
        real_card: false,
        now: ask.now,
    };
    let signature = with_card(&on, |at_hand| {
        let mut jpki = at_hand.jpki()?;
        Passwords::open(&mut jpki, half, &pin).map_err(refused)?;
        Ok(jpki.sign(half, SCHEME, &reservation.digest())?)
    })?;
    kiosk::reserve(&world, now, &reservation, &signature, ask.face_compared)?;
    if ask.json {
        let until = (now + kiosk::RESERVED).format(&Rfc3339)?;
        return crate::print_json(
            &json!({ "card": ask.card, "reset": Hierarchy::from(ask.reset).name(), "until": until }),
        );
    }
    say!("予約しました。24時間以内にキオスク端末で初期化できます (reserved: `jitsuin kiosk reset` within 24 hours)");
    Ok(())
}

fn again(ask: &args::KioskReset) -> Result<(), Failure> {
    let new = secret(&ask.new)?;
    let value = match ask.pin {
        args::Jpki::Auth => personalise::check_digits(personalise::AUTHENTICATION, &new),
        args::Jpki::Sign => personalise::check_signature(&new),
    };
    let value = value.map_err(|error| Failure::Usage(error.to_string()))?;
    let world = crate::world_at(&ask.world, &ask.now)?;
    let (_, card) = crate::card(&world, &ask.card)?;
    let desk = Desk::new(Box::new(card))?;
    let done = kiosk::reset(&world, world.now()?, &ask.card, &mut desk.reader()?, ask.pin.into(), &value);
    desk.clear();
    handed(&done?, ask.json)
}
