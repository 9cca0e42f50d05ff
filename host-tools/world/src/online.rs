//! Revocation on request over the network 失効申請: the holder's own signature stands for a visit. (service.md §4.6, row 13)

use crate::{
    certificate::{self, Certificate},
    counter::{Cause, Done},
    error::WorldError,
    fee::Fee,
    ledger::{self, Actor, Note},
    paper, register, request,
    status::{CertificateStatus, Step},
    store::Tx,
    world::World,
};
use der::{DecodePem, Encode};
use pki::client::revocation::Received;
use time::OffsetDateTime;

/// What the ledger says of a request that was believed, with its nonce.
const EVENT: &str = "revocation-requested";

/// Revokes a certificate on request, an envelope of [`pki::client::revocation`].
///
/// A request is on the ledger before it is judged, so that it cannot come a second time, whatever became of it.
///
/// # Errors
/// [`WorldError::Request`] for what is not believed, [`WorldError::Rule`] for one that came before, [`WorldError::Step`] for a
/// certificate that is not valid any more, or suspended.
pub fn revoke(world: &World, now: OffsetDateTime, request: &[u8]) -> Result<Done, WorldError> {
    let received = Received::parse(request)?;
    world.transaction(async |tx| admit(tx, now, &received).await)?;
    world.transaction(async |tx| {
        let mut one = known(tx, &received).await?;
        let (holder, card) = crate::counter::held(tx, &one.card).await?;
        // Again, now that nobody else changes it.
        one = known(tx, &received).await?;
        one.status = certificate::step(tx, now, Actor::Holder, &one, Step::RevokeOnline).await?;
        debug_assert!(matches!(one.status, CertificateStatus::Revoked { .. }));
        let revoked = vec![one];
        let paper = paper::revocation(&holder, &card, &revoked, Cause::StopUsing, now);
        request::file(tx, now, "revoke-online", (&holder.id, &card.record.id), Fee::FREE, revoked, paper).await
    })
}

/// Believes a request, once.
async fn admit(tx: &mut Tx, now: OffsetDateTime, received: &Received) -> Result<(), WorldError> {
    let one = known(tx, received).await?;
    let certificate = x509_cert::Certificate::from_pem(&one.pem).and_then(|certificate| certificate.to_der());
    let certificate = certificate.map_err(|_| WorldError::Rule(format!("{}: not readable on record", one.what())))?;
    received.check(&certificate, now)?;
    // Held, so that the same request cannot be judged twice at once.
    register::hold(tx, &one.resident).await?;
    let nonce = received.nonce();
    let query = sqlx::query("SELECT id FROM events WHERE card = $1 AND event = $2 AND detail = $3 LIMIT 1");
    let before = query.bind(&one.card).bind(EVENT).bind(&nonce).fetch_optional(&mut **tx).await?;
    if before.is_some() {
        return Err(WorldError::Rule("this request came before; make another".into()));
    }
    let note = Note::new(Actor::Holder, EVENT).resident(&one.resident).card(&one.card);
    Ok(ledger::note(tx, now, note.certificate(one.hierarchy, one.serial).detail(&nonce)).await?)
}

async fn known(tx: &mut Tx, received: &Received) -> Result<Certificate, WorldError> {
    let (hierarchy, serial) = (received.hierarchy(), received.serial());
    let unknown = || WorldError::Rule(format!("no {} certificate {serial:06X} is on record", hierarchy.name()));
    certificate::get(&mut **tx, hierarchy, serial).await?.ok_or_else(unknown)
}
