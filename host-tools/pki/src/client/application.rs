//! Any application of the card seen from a program: selecting, reading, verifying, changing, signing.

use super::{ClientError, exchange};
use apdu::{
    Command, Sw,
    tlv::{Rules, simple::Reader as Records},
};
use card_os::profile::{Application, Change};
use sim::reader::Reader;

/// The largest EF that a program takes from a card, in bytes.
const FILE_MAX: usize = 16 * 1024;
const RECORDS: &str = "READ RECORD";

/// A selected application.
pub struct Selected<'r> {
    reader: &'r mut dyn Reader,
    application: &'static Application,
}

impl<'r> Selected<'r> {
    /// Selects an application by its full name.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6A82` for a card that has none.
    pub fn select(reader: &'r mut dyn Reader, application: &'static Application) -> Result<Self, ClientError> {
        let mut selected = Selected { reader, application };
        selected.send("SELECT", &Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(application.aid))?;
        Ok(selected)
    }

    /// One command that must succeed.
    ///
    /// # Errors
    /// [`ClientError`]; `name` stands in its message.
    pub fn send(&mut self, name: &'static str, command: &Command<'_>) -> Result<Vec<u8>, ClientError> {
        match exchange(self.reader, name, command)? {
            (data, Sw::SUCCESS) => Ok(data),
            (_, sw) => Err(ClientError::Refused { command: name, sw }),
        }
    }

    /// The whole of a transparent EF, filler included.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6982` where a PIN is wanted first.
    pub fn file(&mut self, number: u8) -> Result<Vec<u8>, ClientError> {
        let mut bytes = self.send("READ BINARY", &Command::new(0x00, 0xB0, 0x80 | number, 0).with_ne(256))?;
        while !bytes.is_empty() && bytes.len().is_multiple_of(256) && bytes.len() < FILE_MAX {
            let [high, low] = u16::try_from(bytes.len()).unwrap_or(0x7FFF).to_be_bytes();
            let next = Command::new(0x00, 0xB0, high & 0x7F, low).with_ne(256);
            match exchange(self.reader, "READ BINARY", &next)? {
                (_, Sw(0x6B00)) => break,
                (data, Sw::SUCCESS) if !data.is_empty() => bytes.extend_from_slice(&data),
                (_, sw) => return Err(ClientError::Refused { command: "READ BINARY", sw }),
            }
        }
        Ok(bytes)
    }

    /// Every record of an EF, without their headers.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn records(&mut self, number: u8) -> Result<Vec<Vec<u8>>, ClientError> {
        let bytes = self.record_file(number)?;
        let records = Records::new(&bytes, Rules::Card).map(|record| record.map(|record| record.value.to_vec()));
        records
            .collect::<Result<_, _>>()
            .map_err(|error| ClientError::Malformed { command: RECORDS, what: error.to_string() })
    }

    /// The whole of an EF of records, headers included.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn record_file(&mut self, number: u8) -> Result<Vec<u8>, ClientError> {
        self.send(RECORDS, &Command::new(0x00, 0xB2, 0x01, (number << 3) | 0x05).with_ne(256))
    }

    /// Tries left of a PIN object, without spending one.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for a word other than `63Cx`.
    pub fn tries(&mut self, pin: u8) -> Result<u8, ClientError> {
        const NAME: &str = "VERIFY (query)";
        let (_, sw) = exchange(self.reader, NAME, &Command::new(0x00, 0x20, 0x00, 0x80 | pin))?;
        sw.retries().ok_or(ClientError::Refused { command: NAME, sw })
    }

    /// Presents reference data.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `63Cx` or `6984`.
    pub fn verify(&mut self, pin: u8, value: &str) -> Result<(), ClientError> {
        self.send("VERIFY", &Command::new(0x00, 0x20, 0x00, 0x80 | pin).with_data(value.as_bytes())).map(drop)
    }

    /// Changes a PIN that was verified before, by the command that this application takes. (card.md §5.4)
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn change(&mut self, pin: u8, value: &str) -> Result<(), ClientError> {
        let (name, command) = match self.application.change {
            Change::ReferenceData => ("CHANGE REFERENCE DATA", Command::new(0x00, 0x24, 0x01, 0x80 | pin)),
            Change::Key => ("CHANGE KEY", Command::new(0x80, 0x32, 0x00, 0x80 | pin)),
        };
        self.send(name, &command.with_data(value.as_bytes())).map(drop)
    }

    /// Signs with the application's default key. Gives 256 bytes. (card.md §8.1)
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn sign(&mut self, scheme: u8, input: &[u8]) -> Result<Vec<u8>, ClientError> {
        let command = Command::new(0x80, 0x2A, scheme, 0x00).with_data(input).with_ne(256);
        self.send("COMPUTE DIGITAL SIGNATURE", &command)
    }

    /// INTERNAL AUTHENTICATE with the key named by SFI. Gives 256 bytes. (card.md §5.6)
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn authenticate(&mut self, key: u8, challenge: &[u8]) -> Result<Vec<u8>, ClientError> {
        let command = Command::new(0x00, 0x88, 0x00, 0x80 | key).with_data(challenge).with_ne(256);
        self.send("INTERNAL AUTHENTICATE", &command)
    }

    /// The reader, for power and reset.
    pub fn reader(&mut self) -> &mut dyn Reader {
        self.reader
    }
}
