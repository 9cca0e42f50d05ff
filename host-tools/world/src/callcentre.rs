//! The call centre 個人番号カードコールセンター: stops a card that may be lost, by telephone. (service.md §4.5)

use crate::{
    card,
    certificate::{self, Certificate},
    error::WorldError,
    ledger::Actor,
    register,
    status::{CardStatus, Step},
    world::World,
};
use time::OffsetDateTime;

/// Stops a card 一時停止: both certificates are suspended 一時保留. Gives those that were good before.
///
/// # Errors
/// [`WorldError::CardStatus`] where its holder does not have it, or it is stopped already.
pub fn stop(world: &World, now: OffsetDateTime, card: &str) -> Result<Vec<Certificate>, WorldError> {
    world.transaction(async |tx| {
        let known = card::get(&mut **tx, card).await?;
        register::hold(tx, &known.resident).await?;
        let card = card::hold(tx, card).await?;
        if card.status != CardStatus::Issued {
            let advice = match card.status {
                CardStatus::Stopped => "it is stopped already; the counter releases or ends it",
                _ => "its holder does not have it, so there is nothing to stop",
            };
            return Err(WorldError::CardStatus { card: card.record.id, status: card.status, advice });
        }
        card::set_status(tx, now, Actor::CallCentre, &card, CardStatus::Stopped).await?;
        let certificates = certificate::of_card(tx, &card.record.id).await?;
        certificate::step_all(tx, now, Actor::CallCentre, certificates, Step::Suspend, |_| true).await
    })
}
