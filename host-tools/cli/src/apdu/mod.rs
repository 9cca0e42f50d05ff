//! `jitsuin apdu`: command APDUs in, explained answers out.

mod decode;

use crate::{
    args,
    failure::Failure,
    out::{say, say_line},
};
use card_os::profile::Model;
use decode::Decoder;
use sim::{
    explain::{Explained, Explainer, Shown},
    reader::Reader,
    slot::{LocalReader, Slot},
};
use std::{io::BufRead, path::Path};

/// Longest line of standard input: an extended APDU in hexadecimal with blanks, and a comment.
const LINE_MAX: usize = 300_000;

/// `jitsuin apdu`
pub(crate) fn run(apdu: &args::Apdu) -> Result<(), Failure> {
    let (mut card, model, commands) = which(apdu)?;
    let explainer = Explainer::new(model);
    let mut explainer = if apdu.reveal { explainer.revealing() } else { explainer };
    let mut decoder = Decoder::default();
    card.power_on()?;
    let mut line = |text: &str| -> Result<(), Failure> {
        match text.split('#').next().unwrap_or_default().trim() {
            "" => {}
            "power" => {
                card.power_off()?;
                card.power_on()?;
                explainer.reset();
            }
            "reset" => {
                card.reset()?;
                explainer.warm_reset();
            }
            hex => {
                let explained = exchange(&mut *card, &mut explainer, hex)?;
                print(&explained, &mut decoder, apdu.json)?;
            }
        }
        Ok(())
    };
    if !commands.is_empty() {
        return commands.iter().try_for_each(|command| line(command));
    }
    for (number, text) in (1..).zip(std::io::stdin().lock().lines()) {
        let text = text?;
        if text.len() > LINE_MAX {
            return Err(Failure::Usage(format!("line {number}: longer than any APDU")));
        }
        line(&text).map_err(|failure| Failure::Usage(format!("line {number}: {failure}")))?;
    }
    Ok(())
}

/// The card, what kind it is, and what is to be sent.
type Addressed<'a> = (Box<dyn Reader>, &'static Model, &'a [String]);

fn which(apdu: &args::Apdu) -> Result<Addressed<'_>, Failure> {
    match (&apdu.real.reader, &apdu.words[..]) {
        (Some(_), commands) => Ok((apdu.real.open()?, Model::CARD, commands)),
        (None, [world, id, commands @ ..]) => {
            let (_, card) = crate::card(&crate::world(Path::new(world))?, id)?;
            let model = card.card().model();
            let slot = Slot::new("");
            slot.insert(Box::new(card));
            Ok((Box::new(LocalReader::new(slot)), model, commands))
        }
        _ => Err(Failure::Usage("which card? WORLD CARD, or --reader NAME --real-card".into())),
    }
}

fn exchange(card: &mut dyn Reader, explainer: &mut Explainer, hex: &str) -> Result<Explained, Failure> {
    let compact: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let command = hex::decode(&compact).map_err(|error| {
        Failure::Usage(format!("{hex}: not hexadecimal ({error}); give bytes like 00A4040C, or power, or reset"))
    })?;
    let response = card.transmit(&command)?;
    Ok(explainer.exchange(&command, &response))
}

fn print(explained: &Explained, decoder: &mut Decoder, json: bool) -> Result<(), Failure> {
    if json {
        say!("{}", serde_json::to_string(explained)?);
        return Ok(());
    }
    say!("{} {}: {}", explained.sw, explained.status, explained.command);
    let bytes = match &explained.response {
        Shown::Plain(bytes) => bytes,
        hidden @ Shown::Blank(_) => {
            say!("  {hidden}; --reveal shows them");
            return Ok(());
        }
    };
    for (offset, row) in (0..).step_by(16).zip(bytes.chunks(16)) {
        let text: String = row
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
            .collect();
        say!("  {offset:04X}  {:32}  {text}", hex::encode_upper(row));
    }
    for line in decoder.lines(explained.answer, bytes) {
        say_line!("  = {line}");
    }
    Ok(())
}
