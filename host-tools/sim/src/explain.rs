//! What an exchange means, in words, with every secret blanked.
//!
//! An [`Explainer`] follows SELECTs, so that "VERIFY, current EF" becomes "VERIFY user authentication PIN". The words come
//! from the card's own table. Secrets are kept out by type: command data that may carry one becomes [`Shown::Blank`], and
//! there is no way from there to the bytes.

use apdu::{Command, Header, Response, Sw};
use card_os::profile::{Application, ISD, Model, Object};
use serde::{Serialize, Serializer};
use std::fmt;

/// Bytes for human eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// As they were.
    Plain(Vec<u8>),
    /// A secret: only its length is kept.
    Blank(usize),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Plain(bytes) => f.write_str(&hex::encode_upper(bytes)),
            Shown::Blank(length) => write!(f, "<{length} secret bytes>"),
        }
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One exchange, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Command name and what it is about.
    pub command: String,
    /// Header CLA INS P1 P2, as far as there was one.
    pub header: Shown,
    /// Command data.
    pub data: Shown,
    /// Ne, where the command carried Le.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ne: Option<u32>,
    /// Response data.
    pub response: Shown,
    /// Status word in hexadecimal.
    pub sw: String,
    /// Its meaning.
    pub status: String,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.command, self.sw)?;
        if let Shown::Plain(bytes) = &self.response
            && !bytes.is_empty()
        {
            write!(f, ", {} bytes", bytes.len())?;
        }
        write!(f, " ({})", self.status)
    }
}

/// Follows one card's context from outside.
#[derive(Debug, Clone)]
pub struct Explainer {
    model: &'static Model,
    application: Option<&'static Application>,
    file: Option<&'static Object>,
}

impl Default for Explainer {
    fn default() -> Self {
        Explainer::new(Model::CARD)
    }
}

impl Explainer {
    /// Follows a card of this model from power-up on.
    #[must_use]
    pub fn new(model: &'static Model) -> Self {
        Explainer { model, application: Some(&ISD), file: None }
    }

    /// Cold reset or power loss: the ISD is current.
    pub fn reset(&mut self) {
        *self = Explainer::new(self.model);
    }

    /// Warm reset: the application stays, no EF is current.
    pub fn warm_reset(&mut self) {
        self.file = None;
    }

    /// Explains one exchange and follows it. `response` is data ‖ SW1 ‖ SW2.
    pub fn exchange(&mut self, command: &[u8], response: &[u8]) -> Explained {
        let (answer, sw) = match Response::parse(response) {
            Ok(Response { data, sw }) => (Shown::Plain(data.to_vec()), Some(sw)),
            Err(_) => (Shown::Plain(response.to_vec()), None),
        };
        let (status, sw_text) = match sw {
            Some(sw) => (sw.name().to_owned(), format!("{:04X}", sw.0)),
            None => ("no status word".to_owned(), String::new()),
        };
        let Ok(header) = Header::parse(command) else {
            let data = Shown::Plain(command.to_vec());
            let (command, header) = ("no command header".to_owned(), Shown::Plain(Vec::new()));
            return Explained { command, header, data, ne: None, response: answer, sw: sw_text, status };
        };
        let body = Command::parse(command).ok();
        let data = body.as_ref().map_or_else(|| command.get(4..).unwrap_or_default(), |body| body.data);
        let text = self.name(header, body.as_ref());
        match sw {
            Some(sw) if sw.is_success() => self.follow(header, data),
            Some(sw) if names_object(sw) => self.follow_sfi(header),
            _ => {}
        }
        Explained {
            command: text,
            header: Shown::Plain(vec![header.cla.0, header.ins, header.p1, header.p2]),
            // A malformed command that looks like a secret-bearing one is blanked whole.
            data: if carries_secret(header) { Shown::Blank(data.len()) } else { Shown::Plain(data.to_vec()) },
            ne: body.and_then(|body| body.ne).map(apdu::Ne::get),
            response: answer,
            sw: sw_text,
            status,
        }
    }

    fn name(&self, header: Header, body: Option<&Command<'_>>) -> String {
        let (cla, ins) = (header.cla.0, header.ins);
        let empty = body.is_some_and(|body| body.data.is_empty() && body.ne.is_none());
        match (cla, ins) {
            (0x00, 0xA4) => self.select(header, body.map_or(&[], |body| body.data)),
            (0x00, 0xB0) if header.p1 & 0x80 != 0 => {
                format!("READ BINARY {} at {}", self.target(0x80 | (header.p1 & 0x1F)), header.p2)
            }
            (0x00, 0xB0) => {
                format!("READ BINARY {} at {}", self.target(0x80), u16::from_be_bytes([header.p1, header.p2]))
            }
            (0x00, 0xB2) => format!("READ RECORD {}", header.p1),
            (0x00, 0x20) if empty => format!("VERIFY {} (try counter)", self.target(header.p2)),
            (0x00, 0x20) => format!("VERIFY {}", self.target(header.p2)),
            (0x00, 0x24) => format!("CHANGE REFERENCE DATA {}", self.target(header.p2)),
            (0x80, 0x32) => format!("CHANGE KEY {}", self.target(header.p2)),
            (0x80, 0x2A) => {
                format!("COMPUTE DIGITAL SIGNATURE {}, scheme {:02X}", self.target(header.p2), header.p1)
            }
            (0x00, 0x84) => "GET CHALLENGE".into(),
            (0x00, 0x88) => format!("INTERNAL AUTHENTICATE {}", self.target(header.p2)),
            (0x00 | 0x80, 0x82) => "EXTERNAL AUTHENTICATE".into(),
            (0x84, 0x82) => format!("EXTERNAL AUTHENTICATE, security level {:02X}", header.p1),
            (0x00 | 0x80, 0xCA) => format!("GET DATA {:02X}{:02X}", header.p1, header.p2),
            (0x80, 0x50) => "INITIALIZE UPDATE".into(),
            (0x84, 0xE2) => format!("STORE DATA, block {}", header.p2),
            (0x84, 0x46) => "GENERATE ASYMMETRIC KEY PAIR".into(),
            (0x84, 0x2C) => "RESET RETRY COUNTER".into(),
            (0x84, 0xD8) => "PUT KEY".into(),
            (0x84, 0xF0) => format!("SET STATUS {:02X}", header.p2),
            (0x84, 0xF2) => "GET STATUS".into(),
            (0x80, 0xAE) => "SET SESSION KEY".into(),
            (0x80, 0xA2) => "terminal certificate".into(),
            _ => format!("command {cla:02X} {ins:02X}"),
        }
    }

    fn select(&self, header: Header, data: &[u8]) -> String {
        match (header.p1, data) {
            (0x04, []) => "SELECT default application".into(),
            (0x04, name) => {
                let found = self.model.applications.iter().find(|application| application.aid.starts_with(name));
                found.map_or_else(
                    || format!("SELECT application {}", hex::encode_upper(name)),
                    |application| format!("SELECT {}", application.name),
                )
            }
            (0x02, &[high, low]) => {
                let identifier = u16::from_be_bytes([high, low]);
                self.application.and_then(|application| application.file(identifier)).map_or_else(
                    || format!("SELECT EF {identifier:04X}"),
                    |object| format!("SELECT EF {identifier:04X} {}", object.name),
                )
            }
            _ => "SELECT".into(),
        }
    }

    fn target(&self, p2: u8) -> String {
        let object = match p2 {
            0x80 => self.file,
            0x81..=0x9E => self.application.and_then(|application| application.file(u16::from(p2 & 0x1F))),
            _ => None,
        };
        object.map_or_else(|| format!("reference {p2:02X}"), |object| object.name.to_owned())
    }

    fn follow(&mut self, header: Header, data: &[u8]) {
        match (header.cla.0, header.ins, header.p1, data) {
            (0x00, 0xA4, 0x04, name) => {
                self.application =
                    self.model.applications.iter().copied().find(|application| application.aid.starts_with(name));
                self.file = None;
            }
            (0x00, 0xA4, 0x02, &[high, low]) => {
                self.file = self.application.and_then(|now| now.file(u16::from_be_bytes([high, low])));
            }
            _ => self.follow_sfi(header),
        }
    }

    /// An EF named by SFI is current from then on, also where the command itself was refused. (card.md D-24)
    fn follow_sfi(&mut self, header: Header) {
        let sfi = match (header.cla.0, header.ins) {
            (0x00, 0xB0) if header.p1 > 0x80 => header.p1 & 0x1F,
            (0x00, 0xB2) if header.p2 > 0x07 => header.p2 >> 3,
            (0x00, 0x20 | 0x24 | 0x88) | (0x80, 0x2A | 0x32) if header.p2 > 0x80 => header.p2 & 0x1F,
            _ => return,
        };
        if let Some(file) = self.application.and_then(|now| now.file(u16::from(sfi))) {
            self.file = Some(file);
        }
    }
}

/// Whether the card looked for the object before it answered so: not where class, instruction, parameters, lengths or the
/// name itself were wrong.
fn names_object(sw: Sw) -> bool {
    !matches!(sw.0, 0x6700 | 0x6881 | 0x6882 | 0x69FC | 0x6A82 | 0x6A86 | 0x6A88 | 0x6D00 | 0x6E00)
}

/// Whether command data may hold a PIN or a key, in whatever class it is sent.
fn carries_secret(header: Header) -> bool {
    // With the odd instructions beside them, whose data is BER-TLV: programs try those too.
    matches!(header.ins & 0xFE, 0x20 | 0x24 | 0x32 | 0x2C | 0xD8 | 0xE2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_a_client_is_about() {
        let mut explainer = Explainer::default();
        let jpki = hex::decode("00A4040C0AD392F000260100000001").expect("hex");
        assert_eq!(explainer.exchange(&jpki, &[0x90, 0x00]).command, "SELECT JPKI");
        let file = explainer.exchange(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18], &[0x90, 0x00]);
        assert_eq!(file.command, "SELECT EF 0018 user authentication PIN");
        let query = explainer.exchange(&[0x00, 0x20, 0x00, 0x80], &[0x63, 0xC3]);
        assert_eq!(query.command, "VERIFY user authentication PIN (try counter)");
    }

    #[test]
    fn no_secret_is_shown_in_any_class_or_shape() {
        let marker = b"SECRET99";
        for cla in 0..=255 {
            for ins in [0x20, 0x21, 0x24, 0x25, 0x32, 0x33, 0x2C, 0x2D, 0xD8, 0xD9, 0xE2, 0xE3] {
                for shape in [vec![cla, ins, 0, 0x80, 8], vec![cla, ins, 0, 0x80, 0, 0, 8], vec![cla, ins, 0, 0x80]] {
                    let command = [shape, marker.to_vec()].concat();
                    let explained = Explainer::default().exchange(&command, &[0x90, 0x00]);
                    let text =
                        format!("{explained:?} {explained} {}", serde_json::to_string(&explained).expect("json"));
                    assert!(!text.contains(&hex::encode_upper(marker)), "{cla:02X} {ins:02X}");
                    assert!(!text.contains("83, 69, 67, 82"), "{cla:02X} {ins:02X}");
                }
            }
        }
    }
}
