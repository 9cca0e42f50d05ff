//! Whether readers and cards are seen at all.

use crate::{args, failure::Failure, out::say};
use pki::client::Jpki;
use serde::Serialize;
use sim::pcsc::{PcscReader, list_readers};

/// A reader, and what is in it.
#[derive(Serialize)]
struct Seen {
    reader: String,
    /// Hexadecimal; `None` without a card.
    atr: Option<String>,
    /// Whether the card has the public certification application 公的個人認証AP.
    jpki: bool,
}

/// `jitsuin client readers`
pub(super) fn readers(ask: &args::ClientReaders) -> Result<(), Failure> {
    let names = list_readers(&ask.pcsc).map_err(|error| {
        Failure::Refused(format!("{}: {error}; is pcscd or `jitsuin serve --pcsc` running?", ask.pcsc.display()))
    })?;
    let look = |name: String| {
        let mut reader = PcscReader::open(&ask.pcsc, Some(&name))?;
        let atr = Some(reader.atr()?).filter(|atr| !atr.is_empty()).map(hex::encode_upper);
        // Others may use the card too: it is neither reset nor switched off.
        let jpki = atr.is_some() && Jpki::select(&mut reader).is_ok();
        Ok(Seen { reader: name, atr, jpki })
    };
    let all = names.into_iter().map(look).collect::<Result<Vec<_>, Failure>>()?;
    if ask.json {
        crate::print_json(&all)?;
    } else {
        for one in &all {
            let what = match (&one.atr, one.jpki) {
                (None, _) => "カードなし (no card)".to_owned(),
                (Some(atr), true) => format!("公的個人認証APのあるカード (a card with the application), ATR {atr}"),
                (Some(atr), false) => format!("別のカード (another card), ATR {atr}"),
            };
            say!("{}: {what}", one.reader.replace(char::is_control, "\u{FFFD}"));
        }
    }
    match all.iter().any(|one| one.jpki) {
        true => Ok(()),
        false => Err(Failure::Refused("カードが見つかりません (no reader has a card with the application)".into())),
    }
}
