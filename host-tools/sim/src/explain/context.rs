//! What is current on a card, as far as can be told from outside.

use apdu::Header;
use card_os::profile::{Application, ISD, Model, Object};

/// Current application and EF.
#[derive(Debug, Clone)]
pub(super) struct Context {
    model: &'static Model,
    application: &'static Application,
    file: Current,
}

/// The current EF.
#[derive(Debug, Clone, Copy)]
enum Current {
    None,
    File(&'static Object),
    /// Its identifier was enciphered.
    Hidden,
}

impl Context {
    pub(super) fn new(model: &'static Model) -> Self {
        Context { model, application: &ISD, file: Current::None }
    }

    pub(super) fn reset(&mut self) {
        *self = Context::new(self.model);
    }

    pub(super) fn warm_reset(&mut self) {
        self.file = Current::None;
    }

    /// The current application in words.
    pub(super) fn application(&self) -> &'static str {
        self.application.name
    }

    /// The current EF in words, where there is one.
    pub(super) fn current_file(&self) -> Option<&'static str> {
        match self.file {
            Current::None => None,
            Current::File(object) => Some(object.name),
            Current::Hidden => Some("selected enciphered"),
        }
    }

    pub(super) fn is_at(&self, application: &Application) -> bool {
        self.application == application
    }

    /// The application that a SELECT names: the first of this name, or the next after the current one. (card.md D-04)
    pub(super) fn named(&self, name: &[u8], p2: u8) -> Option<&'static Application> {
        let mut matching = self.model.applications.iter().copied().filter(|found| found.aid.starts_with(name));
        if p2 & 0x02 != 0 && self.application.aid.starts_with(name) {
            return matching.skip_while(|found| *found != self.application).nth(1);
        }
        matching.next()
    }

    /// The EF with this identifier in the current application.
    pub(super) fn file(&self, identifier: u16) -> Option<&'static Object> {
        self.application.file(identifier)
    }

    pub(super) fn data_object(&self, tag: u16) -> Option<&'static Object> {
        self.application.data_object(tag)
    }

    /// The object that P2 of VERIFY and its relatives names: 00 the default key, 80 the current EF, 81–9E an SFI.
    pub(super) fn referenced(&self, p2: u8) -> Option<&'static Object> {
        match p2 {
            0x00 => self.application.default_key.and_then(|key| self.file(u16::from(key))),
            0x80 => match self.file {
                Current::File(file) => Some(file),
                Current::None | Current::Hidden => None,
            },
            0x81..=0x9E => self.file(u16::from(p2 & 0x1F)),
            _ => None,
        }
    }

    /// The same in words.
    pub(super) fn target(&self, p2: u8) -> String {
        match (self.referenced(p2), p2, self.file) {
            (Some(object), ..) => object.name.to_owned(),
            (None, 0x80, Current::Hidden) => "the EF selected enciphered".into(),
            (None, 0x80, _) => "current EF".into(),
            _ => format!("reference {p2:02X}"),
        }
    }

    /// Follows a command that was done.
    pub(super) fn follow(&mut self, header: Header, data: &[u8]) {
        match (header.cla.0, header.ins, header.p1, data) {
            (0x00, 0xA4, 0x04, []) => self.select(&ISD),
            (0x00, 0xA4, 0x04, name) => {
                // A card of another model than was told may select what is unknown here; then nothing more is guessed.
                if let Some(found) = self.named(name, header.p2) {
                    self.select(found);
                }
            }
            (0x00, 0xA4, 0x02, &[high, low]) => {
                self.file = self.file(u16::from_be_bytes([high, low])).map_or(Current::None, Current::File);
            }
            (0x08, 0xA4, 0x02, _) => self.file = Current::Hidden,
            _ => self.follow_sfi(header),
        }
    }

    fn select(&mut self, application: &'static Application) {
        self.application = application;
        self.file = Current::None;
    }

    /// An EF named by SFI is current from then on, also where the command itself was refused. (card.md D-24)
    pub(super) fn follow_sfi(&mut self, header: Header) {
        let sfi = match (header.cla.0, header.ins) {
            (0x00 | 0x08, 0xB0) if header.p1 > 0x80 => header.p1 & 0x1F,
            (0x00, 0xB2) if header.p2 > 0x07 => header.p2 >> 3,
            (0x00, 0x20 | 0x24 | 0x88) | (0x08, 0x20) | (0x80, 0x2A | 0x32) if header.p2 > 0x80 => header.p2 & 0x1F,
            _ => return,
        };
        if let Some(file) = self.file(u16::from(sfi)) {
            self.file = Current::File(file);
        }
    }
}
