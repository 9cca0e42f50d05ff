//! The card seen from a program, over any reader: the JPKI application here, any application as [`Selected`], secure
//! messaging as [`Messaging`]; and what the user client software 利用者クライアントソフト does with it ([`viewer`],
//! [`passwords`], [`genuine`], [`validity`], [`revocation`]).

mod application;
pub mod genuine;
mod messaging;
pub mod passwords;
pub mod revocation;
pub mod validity;
pub mod viewer;

pub use application::Selected;
pub use messaging::Messaging;
pub use passwords::{Password, PasswordError, Passwords};

use apdu::{Command, Response, Sw};
use sim::reader::{Reader, ReaderError};
use zeroize::Zeroizing;

/// DF name of the JPKI application. (card.md §3.1)
pub const AID: [u8; 10] = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

/// Largest certificate a program takes from a card, in bytes.
const CERTIFICATE_MAX: usize = 16 * 1024;

/// One of the two key pairs, with everything that belongs to it. (card.md §6)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// 署名用
    Signature,
    /// 利用者証明用
    Authentication,
}

impl Half {
    /// Both.
    pub const ALL: [Half; 2] = [Half::Signature, Half::Authentication];

    /// EF identifier of the certificate.
    #[must_use]
    pub const fn certificate(self) -> u8 {
        match self {
            Half::Signature => 0x01,
            Half::Authentication => 0x0A,
        }
    }

    /// EF identifier of the certificate of the CA.
    #[must_use]
    pub const fn authority(self) -> u8 {
        match self {
            Half::Signature => 0x02,
            Half::Authentication => 0x0B,
        }
    }

    /// EF identifier of the private key.
    #[must_use]
    pub const fn key(self) -> u8 {
        match self {
            Half::Signature => 0x1A,
            Half::Authentication => 0x17,
        }
    }

    /// EF identifier of the PIN object.
    #[must_use]
    pub const fn pin(self) -> u8 {
        match self {
            Half::Signature => 0x1B,
            Half::Authentication => 0x18,
        }
    }

    /// Tries that a PIN object has when none is spent.
    #[must_use]
    pub const fn tries(self) -> u8 {
        match self {
            Half::Signature => 5,
            Half::Authentication => 3,
        }
    }
}

/// Why the card did not do what a program asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Between program and card.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card's own word.
    #[error("{command}: the card answered {sw}")]
    Refused {
        /// What was asked.
        command: &'static str,
        /// The status word.
        sw: Sw,
    },
    /// Something that no card of this kind says.
    #[error("{command}: {what}")]
    Malformed {
        /// What was asked.
        command: &'static str,
        /// What came.
        what: String,
    },
}

impl ClientError {
    /// The card's word, if it gave one.
    #[must_use]
    pub fn sw(&self) -> Option<Sw> {
        match self {
            ClientError::Refused { sw, .. } => Some(*sw),
            _ => None,
        }
    }
}

/// Sends one command and takes the answer apart.
///
/// # Errors
/// [`ClientError`] of the reader or for an answer without status word; every status word is `Ok`.
pub fn exchange(
    reader: &mut dyn Reader,
    name: &'static str,
    command: &Command<'_>,
) -> Result<(Vec<u8>, Sw), ClientError> {
    let mut bytes = Zeroizing::new(vec![0; command.encoded_len()]);
    command
        .encode(&mut bytes)
        .map_err(|error| ClientError::Malformed { command: name, what: format!("cannot be sent: {error}") })?;
    let answer = reader.transmit(&bytes)?;
    let response =
        Response::parse(&answer).map_err(|error| ClientError::Malformed { command: name, what: error.to_string() })?;
    Ok((response.data.to_vec(), response.sw))
}

/// The selected application.
pub struct Jpki<'r> {
    reader: &'r mut dyn Reader,
}

impl<'r> Jpki<'r> {
    /// Selects the application.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6A82` for a card that has none.
    pub fn select(reader: &'r mut dyn Reader) -> Result<Self, ClientError> {
        let mut jpki = Jpki { reader };
        jpki.send("SELECT JPKI", &Command::new(0x00, 0xA4, 0x04, 0x0C).with_data(&AID))?;
        Ok(jpki)
    }

    /// One command that must succeed.
    fn send(&mut self, name: &'static str, command: &Command<'_>) -> Result<Vec<u8>, ClientError> {
        match exchange(self.reader, name, command)? {
            (data, Sw::SUCCESS) => Ok(data),
            (_, sw) => Err(ClientError::Refused { command: name, sw }),
        }
    }

    /// Reads from an EF by SFI: at most `ne` bytes from the start.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6982` where a PIN is wanted first.
    pub fn read(&mut self, file: u8, ne: u32) -> Result<Vec<u8>, ClientError> {
        self.send("READ BINARY", &Command::new(0x00, 0xB0, 0x80 | file, 0).with_ne(ne))
    }

    /// Reads the DER object at the start of an EF, without its filler. `None` where there is none.
    ///
    /// # Errors
    /// As [`Jpki::read`]; [`ClientError::Malformed`] for a length beyond any certificate.
    pub fn certificate(&mut self, file: u8) -> Result<Option<Vec<u8>>, ClientError> {
        let header = self.read(file, 4)?;
        let length = match *header.as_slice() {
            [0x30, 0x82, high, low] => usize::from(u16::from_be_bytes([high, low])) + 4,
            [0, 0, 0, 0] => return Ok(None),
            _ => return Err(malformed(&header)),
        };
        if length > CERTIFICATE_MAX {
            return Err(malformed(&header));
        }
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let [high, low] = u16::try_from(bytes.len()).map_err(|_| malformed(&header))?.to_be_bytes();
            let ne = u32::try_from(length - bytes.len()).unwrap_or(256).min(256);
            let chunk = self.send("READ BINARY", &Command::new(0x00, 0xB0, high & 0x7F, low).with_ne(ne))?;
            if chunk.is_empty() || chunk.len() > length - bytes.len() {
                return Err(malformed(&header));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    /// Tries left, without spending one.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for a word other than `63Cx`.
    pub fn tries(&mut self, half: Half) -> Result<u8, ClientError> {
        let (_, sw) = exchange(self.reader, "VERIFY (query)", &Command::new(0x00, 0x20, 0x00, 0x80 | half.pin()))?;
        sw.retries().ok_or(ClientError::Refused { command: "VERIFY (query)", sw })
    }

    /// Presents a PIN.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `63Cx` or `6984`.
    pub fn verify(&mut self, half: Half, pin: &str) -> Result<(), ClientError> {
        let command = Command::new(0x00, 0x20, 0x00, 0x80 | half.pin()).with_data(pin.as_bytes());
        self.send("VERIFY", &command).map(drop)
    }

    /// Changes a PIN that was verified before.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn change(&mut self, half: Half, pin: &str) -> Result<(), ClientError> {
        let command = Command::new(0x00, 0x24, 0x01, 0x80 | half.pin()).with_data(pin.as_bytes());
        self.send("CHANGE REFERENCE DATA", &command).map(drop)
    }

    /// Signs with one of the six schemes (P1 00–05). Gives 256 bytes.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6982` before VERIFY.
    pub fn sign(&mut self, half: Half, scheme: u8, input: &[u8]) -> Result<Vec<u8>, ClientError> {
        let command = Command::new(0x80, 0x2A, scheme, 0x80 | half.key()).with_data(input).with_ne(256);
        let signature = self.send("COMPUTE DIGITAL SIGNATURE", &command)?;
        if signature.len() != 256 {
            let what = format!("{} bytes instead of 256", signature.len());
            return Err(ClientError::Malformed { command: "COMPUTE DIGITAL SIGNATURE", what });
        }
        Ok(signature)
    }

    /// The reader, for power and reset.
    pub fn reader(&mut self) -> &mut dyn Reader {
        self.reader
    }
}

fn malformed(header: &[u8]) -> ClientError {
    let what = format!("no certificate begins with {}", hex::encode_upper(header));
    ClientError::Malformed { command: "READ BINARY", what }
}
