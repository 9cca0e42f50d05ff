//! What an exchange means, in words, with every secret blanked.
//!
//! An [`Explainer`] follows the SELECTs of one model of card, so that "VERIFY, current EF" becomes "VERIFY user authentication
//! PIN". The words come from the card's own table. Secrets are kept out by type: command data that may carry one becomes
//! [`Shown::Blank`], and so does what was read of My Number and of the face; there is no way from there to the bytes. What an answer is built of is told as [`Answer`]; taking it
//! apart is left to who shows it.

mod answer;
mod context;
mod name;
mod secret;

pub use answer::Answer;
use context::Context;

use apdu::{Command, Header, Response, Sw};
use card_os::profile::Model;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt};

/// Bytes for human eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// As they were.
    Plain(Vec<u8>),
    /// A secret: only its length is kept.
    Blank(usize),
}

impl Shown {
    fn blank_if(secret: bool, bytes: &[u8]) -> Self {
        if secret { Shown::Blank(bytes.len()) } else { Shown::Plain(bytes.to_vec()) }
    }

    /// How many bytes there were.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Shown::Plain(bytes) => bytes.len(),
            Shown::Blank(count) => *count,
        }
    }
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

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        if let Some(count) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix(" secret bytes>")) {
            return count.parse().map(Shown::Blank).map_err(de::Error::custom);
        }
        hex::decode(&*text).map(Shown::Plain).map_err(de::Error::custom)
    }
}

/// How a command was written, where that does not follow from its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// With lengths of three bytes, though shorter ones would do.
    Extended,
    /// No command APDU: `data` is all that follows the header.
    Malformed,
}

/// One exchange, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// Command name and what it is about.
    pub command: String,
    /// The application that was current when it came.
    #[serde(default)]
    pub application: String,
    /// The EF that was current when it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Header CLA INS P1 P2, as far as there was one.
    pub header: Shown,
    /// Command data.
    pub data: Shown,
    /// Ne, where the command carried Le.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ne: Option<u32>,
    /// How it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Response data.
    pub response: Shown,
    /// Status word in hexadecimal.
    pub sw: String,
    /// Its meaning.
    pub status: String,
    /// What the response data is built of.
    #[serde(skip)]
    pub answer: Answer,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.command, self.sw)?;
        if self.response.count() > 0 {
            write!(f, ", {} bytes", self.response.count())?;
        }
        write!(f, " ({})", self.status)
    }
}

/// Follows one card's context from outside.
#[derive(Debug, Clone)]
pub struct Explainer {
    context: Context,
    revealing: bool,
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
        Explainer { context: Context::new(model), revealing: false }
    }

    /// Shows My Number and the face where they are read, for somebody who asked for that. PINs and keys stay blank.
    #[must_use]
    pub fn revealing(mut self) -> Self {
        self.revealing = true;
        self
    }

    /// Cold reset or power loss: the ISD is current.
    pub fn reset(&mut self) {
        self.context.reset();
    }

    /// Warm reset: the application stays, no EF is current.
    pub fn warm_reset(&mut self) {
        self.context.warm_reset();
    }

    /// Follows one exchange without a word about it.
    pub fn follow(&mut self, command: &[u8], response: &[u8]) {
        let Ok(header) = Header::parse(command) else { return };
        let data = Command::parse(command).map_or(command.get(4..).unwrap_or_default(), |body| body.data);
        self.follow_to(header, data, Response::parse(response).ok().map(|response| response.sw));
    }

    fn follow_to(&mut self, header: Header, data: &[u8], sw: Option<Sw>) {
        match sw {
            Some(sw) if sw.is_success() => self.context.follow(header, data),
            Some(sw) if names_object(sw) => self.context.follow_sfi(header),
            _ => {}
        }
    }

    /// Explains one exchange and follows it. `response` is data ‖ SW1 ‖ SW2.
    pub fn exchange(&mut self, command: &[u8], response: &[u8]) -> Explained {
        let (response, sw) = match Response::parse(response) {
            Ok(Response { data, sw }) => (data, Some(sw)),
            Err(_) => (response, None),
        };
        let (status, sw_text) = match sw {
            Some(sw) => (sw.name().to_owned(), format!("{:04X}", sw.0)),
            None => ("no status word".to_owned(), String::new()),
        };
        let application = self.context.application().to_owned();
        let file = self.context.current_file().map(str::to_owned);
        let Ok(header) = Header::parse(command) else {
            return Explained {
                command: "no command header".to_owned(),
                application,
                file,
                header: Shown::Plain(Vec::new()),
                data: Shown::Plain(command.to_vec()),
                ne: None,
                shape: Some(Shape::Malformed),
                response: Shown::Plain(response.to_vec()),
                sw: sw_text,
                status,
                answer: Answer::Nothing,
            };
        };
        let body = Command::parse(command).ok();
        let data = body.as_ref().map_or_else(|| command.get(4..).unwrap_or_default(), |body| body.data);
        let text = name::of(&self.context, header, body.as_ref());
        let hidden = !self.revealing && !response.is_empty() && secret::in_answer(&self.context, header);
        let succeeded = sw.is_some_and(Sw::is_success);
        let answer = if succeeded { Answer::of(&self.context, header) } else { Answer::Nothing };
        self.follow_to(header, data, sw);
        Explained {
            command: text,
            application,
            file,
            header: Shown::Plain(vec![header.cla.0, header.ins, header.p1, header.p2]),
            // A malformed command that looks like a secret-bearing one is blanked whole.
            data: Shown::blank_if(secret::in_command(header), data),
            ne: body.as_ref().and_then(|body| body.ne).map(apdu::Ne::get),
            shape: shape(command, body.as_ref()),
            response: Shown::blank_if(hidden, response),
            sw: sw_text,
            status,
            answer,
        }
    }
}

/// Long lengths begin with a zero where Lc or Le of a short command would be.
fn shape(bytes: &[u8], body: Option<&Command<'_>>) -> Option<Shape> {
    let Some(body) = body else { return Some(Shape::Malformed) };
    let short = body.data.len() <= 0xFF && body.ne.is_none_or(|ne| ne.get() <= 0x100);
    (short && bytes.len() > 5 && bytes[4] == 0).then_some(Shape::Extended)
}

/// Whether the card looked for the object before it answered so: not where class, instruction, parameters, lengths or the
/// name itself were wrong.
fn names_object(sw: Sw) -> bool {
    !matches!(sw.0, 0x6700 | 0x6881 | 0x6882 | 0x69FC | 0x6A82 | 0x6A86 | 0x6A88 | 0x6D00 | 0x6E00)
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

    fn select(explainer: &mut Explainer, aid: &str, p2: u8) -> String {
        let aid = hex::decode(aid).expect("hex");
        let length = u8::try_from(aid.len()).expect("short");
        explainer.exchange(&[&[0x00, 0xA4, 0x04, p2, length][..], &aid].concat(), &[0x90, 0x00]).command
    }

    #[test]
    fn partial_names_and_next_occurrence_are_followed_as_the_card_does() {
        let mut explainer = Explainer::new(Model::CARD);
        let names: Vec<String> = [0x00, 0x02, 0x02, 0x02, 0x02].map(|p2| select(&mut explainer, "D392", p2)).to_vec();
        let expected = ["common card", "residents' network", "face confirmation", "form filling", "JPKI"];
        assert_eq!(names, expected.map(|name| format!("SELECT {name}")), "card.md D-04");
        assert_eq!(
            select(&mut explainer, "A0", 0x02),
            "SELECT issuer security domain",
            "the current one does not match"
        );
        let mut phone = Explainer::new(Model::IPHONE);
        assert_eq!(select(&mut phone, "D3921000310001010408", 0x0C), "SELECT application D3921000310001010408");
        assert_eq!(select(&mut phone, "D392F0", 0x0C), "SELECT JPKI");
    }

    #[test]
    fn commands_of_every_application_have_names() {
        let mut explainer = Explainer::default();
        let mut name = |hex: &str| explainer.exchange(&hex::decode(hex).expect("hex"), &[0x90, 0x00]).command;
        for (command, expected) in [
            ("00CA00F800", "GET DATA 00F8 card-verifiable certificate of the intermediate"),
            ("8050000008010203040506070800", "INITIALIZE UPDATE"),
            ("00A4040C0AD3921000310001010100", "SELECT common card"),
            ("00B2010C00", "READ RECORD 1 of card number"),
            ("00B2010500", "READ RECORD 1 and all that follow of card number"),
            ("008800990401020304", "INTERNAL AUTHENTICATE internal authentication key"),
            ("80320080043132333400", "CHANGE KEY internal authentication key"),
            ("00A4040C0AD3921000310001010408", "SELECT form filling"),
            ("80AE0000000001AA", "SET SESSION KEY"),
            ("08200091131234", "VERIFY form filling PIN (secure messaging)"),
            ("08B08100000005960300001100 00", "READ BINARY My Number at 0 (secure messaging)"),
            ("08A4020C021234", "SELECT EF, enciphered identifier (secure messaging)"),
            ("08B000000000059603000011 0000", "READ BINARY the EF selected enciphered at 0 (secure messaging)"),
            ("0884000000", "command 84 (secure messaging)"),
            ("802A0000010100", "COMPUTE DIGITAL SIGNATURE text signing key, scheme 00"),
            ("00A4040C05D392F00026", "SELECT JPKI"),
            ("00A4000000", "SELECT MF"),
            ("80A206C1020102", "terminal certificate, body"),
            ("80A200C1020102", "terminal certificate, signature"),
            ("80FC0000", "last-command mark"),
            ("8050000000", "LOCK DF"),
            ("808A220000", "MANAGE ATTRIBUTES"),
        ] {
            assert_eq!(name(&command.replace(' ', "")), expected, "{command}");
        }
    }

    #[test]
    fn no_secret_is_shown_in_any_class_or_shape() {
        let marker = b"SECRET99";
        let bearing = [0x20, 0x21, 0x24, 0x25, 0x32, 0x33, 0x2C, 0x2D, 0xAE, 0xAF, 0xD8, 0xD9, 0xE2, 0xE3];
        for cla in 0..=255 {
            // Under secure messaging everything but READ BINARY carries something that was to be enciphered.
            let enciphered = (0..=255).filter(|ins| cla == 0x08 && *ins != 0xB0);
            for ins in bearing.into_iter().chain(enciphered) {
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

    /// What these commands show of a file that holds a marker; each begins at the card's start.
    fn read(explainer: Explainer, commands: &[&str]) -> String {
        let mut explainer = explainer;
        let mut shown = String::new();
        for (number, command) in commands.iter().enumerate() {
            let last = number + 1 == commands.len();
            let answer: &[u8] = if last { b"\xAB\xCD\xEF\x90\x00" } else { &[0x90, 0x00] };
            let one = explainer.exchange(&hex::decode(command).expect("hex"), answer);
            shown = format!("{one:?} {one} {}", serde_json::to_string(&one).expect("json"));
        }
        shown
    }

    const FACE: &str = "00A4040C0AD3921000310001010402";
    const TEXT: &str = "00A4040C0AD3921000310001010408";
    const MARKERS: [&str; 2] = ["ABCDEF", "171, 205, 239"];

    /// My Number, and what 照合番号B follows from. (card.md §22 item 20)
    #[test]
    fn what_opens_the_face_is_not_shown_where_it_is_read() {
        for commands in [
            &[FACE, "00B0810000"][..],
            &[FACE, "00B0820000"],
            &[FACE, "00B0850000"],
            &[TEXT, "00B0810011"],
            &[TEXT, "00B0830000"],
            &[TEXT, "10B0810011"],
            &[TEXT, "00B1810011"],
            // By the current EF, named before in each way; and where none is known.
            &[FACE, "00A4020C020002", "00B0000000"],
            &[TEXT, "00A4020C020001", "00B0000500"],
            &[TEXT, "00B0810001", "00B0000100"],
            &[TEXT, "00B0000000"],
            &[TEXT, "08A4020C021234", "00B0000000"],
            &[FACE, "00A4020C021234", "00B0000000"],
            &[FACE, "00B09F0000"],
        ] {
            let shown = read(Explainer::default(), commands);
            assert!(MARKERS.iter().all(|marker| !shown.contains(marker)), "{commands:?}: {shown}");
            assert!(shown.contains("<3 secret bytes>") && shown.contains("9000, 3 bytes"), "{commands:?}: {shown}");
            let shown = read(Explainer::default().revealing(), commands);
            assert!(MARKERS.iter().all(|marker| shown.contains(marker)), "{commands:?}: {shown}");
        }
        let pin = Explainer::default().revealing().exchange(b"\x00\x20\x00\x98\x041234", &[0x90, 0x00]);
        assert_eq!(pin.data, Shown::Blank(4), "a PIN is never shown");
    }

    #[test]
    fn other_files_are_shown() {
        for commands in [
            &[FACE, "00B0830000"][..],
            &[FACE, "00B0840000"],
            &[TEXT, "00B0820000"],
            &[TEXT, "00A4020C020006", "00B0000000"],
            &[TEXT, "08B08100000005960300001100 00"],
            &["00A4040C0AD392F000260100000001", "00B0810000"],
            &["00A4040C0AD3921000310001010100", "00B2010C00"],
        ] {
            let commands: Vec<String> = commands.iter().map(|command| command.replace(' ', "")).collect();
            let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
            let shown = read(Explainer::default(), &commands);
            assert!(MARKERS.iter().all(|marker| shown.contains(marker)), "{commands:?}: {shown}");
        }
    }
}
