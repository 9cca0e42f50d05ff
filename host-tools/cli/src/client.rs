//! `jitsuin client`: the user client software 利用者クライアントソフト, over any reader. (service.md §5)

mod certificates;
mod genuine;
mod password;
mod readers;
mod revoke;

use crate::{
    args::{self, Client, OnCard},
    desk::Desk,
    failure::Failure,
    real,
};
use pki::client::{Jpki, PasswordError};
use service::http::HttpError;
use sim::reader::Reader;
use std::io::{BufRead, Read};
use time::{Date, OffsetDateTime};
use zeroize::Zeroizing;

/// Longest line with a secret, in bytes.
const SECRET_MAX: u64 = 256;

/// `jitsuin client`
pub(crate) fn run(client: &Client) -> Result<(), Failure> {
    match client {
        Client::Readers(ask) => readers::readers(ask),
        Client::Show(show) => certificates::show(show),
        Client::Export(export) => certificates::export(export),
        Client::Status(status) => password::status(status),
        Client::ChangePin(change) => password::change(change),
        Client::Fingerprint(ask) => genuine::fingerprint(ask),
        Client::Validity(ask) => genuine::validity(ask),
        Client::Revoke(ask) => revoke::run(ask),
    }
}

/// A card in a reader, what time it is, and what is known of its holder.
pub(crate) struct AtHand {
    // Goes before the desk, which waits for nobody.
    reader: Box<dyn Reader>,
    desk: Option<Desk>,
    pub(crate) now: OffsetDateTime,
    birth: Option<Date>,
}

impl AtHand {
    fn new(on: &OnCard) -> Result<Self, Failure> {
        let mut at_hand = match (&on.pcsc, &on.world, &on.card) {
            (Some(socket), ..) => {
                let reader = real::own_or_guarded(socket, on.reader.as_deref(), on.real_card)?;
                AtHand { reader, desk: None, now: on.now.now.unwrap_or_else(OffsetDateTime::now_utc), birth: None }
            }
            (None, Some(folder), Some(id)) => {
                let world = crate::world_at(folder, &on.now)?;
                let (record, card) = crate::card(&world, id)?;
                let desk = Desk::new(Box::new(card))?;
                let (now, birth) = (world.now()?, Some(record.person.birth));
                AtHand { reader: Box::new(desk.reader()?), desk: Some(desk), now, birth }
            }
            _ => return Err(Failure::Usage("which card? WORLD CARD, or --pcsc SOCKET".into())),
        };
        at_hand.reader.power_on()?;
        Ok(at_hand)
    }

    /// The public certification application 公的個人認証AP.
    pub(crate) fn jpki(&mut self) -> Result<Jpki<'_>, Failure> {
        Jpki::select(&mut *self.reader).map_err(|error| {
            Failure::Refused(format!("this card has no public certification application 公的個人認証AP: {error}"))
        })
    }

    /// Leaves nothing open on the card.
    fn leave(mut self) {
        // It may be gone; then nothing is open either.
        let _ = self.reader.power_off();
        drop(self.reader);
        if let Some(desk) = self.desk {
            desk.clear();
        }
    }
}

/// Does something with a card, and leaves nothing open on it whatever comes of it.
pub(crate) fn with_card<T>(on: &OnCard, act: impl FnOnce(&mut AtHand) -> Result<T, Failure>) -> Result<T, Failure> {
    let mut at_hand = AtHand::new(on)?;
    let done = act(&mut at_hand);
    at_hand.leave();
    done
}

/// A value of the command line, or the next line of standard input where it is `-`.
pub(crate) fn secret(value: &str) -> Result<Zeroizing<String>, Failure> {
    if value != "-" {
        return Ok(Zeroizing::new(value.to_owned()));
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().take(SECRET_MAX).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() { Err(Failure::Usage("no value on standard input".into())) } else { Ok(line) }
}

/// A rule for values is a matter of usage, everything else the card's refusal.
pub(crate) fn refused(error: PasswordError) -> Failure {
    match error {
        PasswordError::Rule(_) => Failure::Usage(error.to_string()),
        _ => Failure::Refused(error.to_string()),
    }
}

/// A scheme that is not spoken is a matter of usage, everything else what the other end said.
pub(crate) fn unheard(error: HttpError) -> Failure {
    match error {
        HttpError::Scheme(_) => Failure::Usage(error.to_string()),
        _ => Failure::Refused(error.to_string()),
    }
}

const fn place(certificate: args::Certificate) -> pki::client::viewer::Place {
    use pki::client::viewer::Place;
    match certificate {
        args::Certificate::OwnAuthentication => Place::OwnAuthentication,
        args::Certificate::OwnSignature => Place::OwnSignature,
        args::Certificate::CaSignature => Place::CaSignature,
        args::Certificate::CaAuthentication => Place::CaAuthentication,
    }
}
