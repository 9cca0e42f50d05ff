//! The revocation of a certificate, applied for over the network.

use super::{AtHand, place, refused, secret, with_card};
use crate::{args, failure::Failure};
use pki::{
    client::{
        Passwords,
        revocation::Request,
        viewer::{Place, Shown},
    },
    profile::Hierarchy,
};
use sim::rng::SimRng;
use world::online;

/// `jitsuin client revoke`
pub(super) fn run(ask: &args::ClientRevoke) -> Result<(), Failure> {
    let place = place(ask.certificate);
    if !matches!(place, Place::OwnSignature | Place::OwnAuthentication) {
        return Err(Failure::Usage("a holder revokes own-authentication or own-signature".into()));
    }
    let pin = secret(&ask.pin)?;
    let world = crate::world_at(&ask.world, &ask.now)?;
    let now = world.now()?;
    let on = args::OnCard {
        world: ask.card.is_some().then(|| ask.world.clone()),
        card: ask.card.clone(),
        pcsc: ask.pcsc.clone(),
        reader: ask.reader.clone(),
        now: ask.now,
    };
    let prefecture = world.authorities.prefecture.as_ref().map(|authority| authority.root());
    let request = with_card(&on, |at_hand| signed(at_hand, place, &pin, prefecture, now))?;
    crate::service::handed(&online::revoke(&world, now, &request)?, ask.json)
}

fn signed(
    at_hand: &mut AtHand,
    place: Place,
    pin: &str,
    prefecture: Option<&[u8]>,
    now: time::OffsetDateTime,
) -> Result<Vec<u8>, Failure> {
    let mut jpki = at_hand.jpki()?;
    Passwords::open(&mut jpki, place.half(), pin).map_err(refused)?;
    let none = || Failure::Refused(format!("this card has no {}", place.names()[0]));
    let own = place.read(&mut jpki)?.ok_or_else(none)?;
    let shown = Shown::new(place, &own, now)?;
    let serial = u32::from_str_radix(&shown.serial, 16)
        .map_err(|_| Failure::Refused(format!("{}: not a serial number of this world", shown.serial)))?;
    let hierarchy = match place {
        Place::OwnAuthentication => Hierarchy::Authentication,
        // A Juki card has the prefecture's certificate in its place.
        _ if prefecture.is_some() && Place::CaSignature.read(&mut jpki)?.as_deref() == prefecture => {
            Hierarchy::Prefecture
        }
        _ => Hierarchy::Signature,
    };
    Ok(Request::new(hierarchy, serial, now, &mut SimRng::from_os()?).sign(&mut jpki, place.half())?)
}
