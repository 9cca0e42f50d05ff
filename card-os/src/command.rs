//! What a command means: which CLA, INS, P1–P2 and length shapes exist. No state, no files, no keys.
//!
//! Order inside [`Command::read`]: P1–P2 before lengths (card.md §4.2), so the header is judged even where the body is
//! malformed.

mod data;
mod protected;

pub use data::Data;
pub use protected::Protected;

use crate::{platform::MODULUS, refusal::Refusal, sign::Scheme};
use apdu::{Form, Header};

/// Most bytes of command data; more is `6700`. (card.md D-13 asks for at least 2,048)
pub const DATA_MAX: usize = 4096;

/// Ne of a signature.
const MODULUS_NE: u32 = 256;

/// Which object a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// P2 = 00: the application's default key.
    Default,
    /// P2 = 80: the current EF.
    Current,
    /// P2 = 81–9E: short EF identifier.
    Sfi(u8),
}

impl Reference {
    /// P2 of VERIFY and its relatives. (card.md D-24)
    fn from_p2(p2: u8) -> Result<Self, Refusal> {
        match p2 {
            0x80 => Ok(Reference::Current),
            0x81..=0x9E => Ok(Reference::Sfi(p2 & 0x1F)),
            _ => Err(Refusal::Parameters),
        }
    }

    /// The same with 00 as the default key. (card.md D-31)
    fn or_default(p2: u8) -> Result<Self, Refusal> {
        if p2 == 0 { Ok(Reference::Default) } else { Reference::from_p2(p2) }
    }
}

/// What an instruction byte stands for, before its parameters are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instruction {
    /// `00 A4`
    Select,
    /// `00 B0`
    ReadBinary,
    /// `00 B2`
    ReadRecord,
    /// `00 20`
    Verify,
    /// `00 24`
    ChangeReferenceData,
    /// `80 32`
    ChangeKey,
    /// `80 2A`
    ComputeDigitalSignature,
    /// `00 84`
    GetChallenge,
    /// `00 88`
    InternalAuthenticate,
    /// `00 82`, `80 82`
    ExternalAuthenticate,
    /// `00 CA`, `80 CA`
    GetData,
    /// `80 AE`
    SetSessionKey,
    /// `80 A2`
    TerminalCertificate,
    /// `80 FC`
    LastCommandMark,
    /// `80 8A`
    ManageAttributes,
    /// Commands that only an issuer could use, in clear.
    IssuerOnly,
    /// `80 50` at the ISD
    InitializeUpdate,
}

impl Instruction {
    /// The instruction set of card.md §5.0, D-15, D-39, D-43. `issuer_domain`: whether the ISD is current.
    ///
    /// # Errors
    /// [`Refusal::InstructionUnsupported`].
    pub fn of(cla: u8, ins: u8, issuer_domain: bool) -> Result<Self, Refusal> {
        use Instruction as I;
        Ok(match (cla, ins) {
            (0x00, 0xA4) => I::Select,
            (0x00, 0xB0) => I::ReadBinary,
            (0x00, 0xB2) => I::ReadRecord,
            (0x00, 0x20) => I::Verify,
            (0x00, 0x24) => I::ChangeReferenceData,
            (0x00, 0x84) => I::GetChallenge,
            (0x00, 0x88) => I::InternalAuthenticate,
            (0x00 | 0x80, 0x82) => I::ExternalAuthenticate,
            (0x00 | 0x80, 0xCA) => I::GetData,
            (0x80, 0x32) => I::ChangeKey,
            (0x80, 0x2A) => I::ComputeDigitalSignature,
            (0x80, 0xAE) => I::SetSessionKey,
            (0x80, 0xA2) => I::TerminalCertificate,
            (0x80, 0xFC) => I::LastCommandMark,
            (0x80, 0x8A) => I::ManageAttributes,
            (0x80, 0x50) if issuer_domain => I::InitializeUpdate,
            (0x80, 0x06 | 0x50 | 0x52 | 0x54) => I::IssuerOnly,
            (0x80, 0xD8 | 0xE2 | 0xE4 | 0xE6 | 0xF2) if issuer_domain => I::IssuerOnly,
            _ => return Err(Refusal::InstructionUnsupported),
        })
    }

    /// Whether it works on what the holder has, and so waits for the card to be issued.
    #[must_use]
    pub fn needs_issued_card(self) -> bool {
        use Instruction as I;
        matches!(
            self,
            I::ReadBinary
                | I::ReadRecord
                | I::Verify
                | I::ChangeReferenceData
                | I::ChangeKey
                | I::ComputeDigitalSignature
                | I::InternalAuthenticate
                | I::ExternalAuthenticate
                | I::SetSessionKey
                | I::TerminalCertificate
        )
    }
}

/// A command with its meaning. `Debug` shows parameters, and of data only what everybody may see: challenges and cryptograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the parameters of the command that the variant names")]
pub enum Command<'a> {
    /// SELECT by DF name; `fci` is Ne where the FCI is wanted.
    SelectName {
        name: Data<'a>,
        next: bool,
        fci: Option<u32>,
    },
    /// SELECT without a name: the ISD.
    SelectDefault {
        fci: Option<u32>,
    },
    /// SELECT of an EF under the current application.
    SelectFile {
        identifier: u16,
    },
    /// SELECT of the MF, which this card does not have.
    SelectMaster {
        named: bool,
        le: bool,
    },
    ReadBinary {
        file: Reference,
        offset: u16,
        ne: u32,
    },
    ReadRecord {
        file: Reference,
        record: u8,
        rest: bool,
        ne: u32,
    },
    Verify {
        pin: Reference,
        value: Data<'a>,
    },
    TryCounter {
        pin: Reference,
    },
    ChangeReferenceData {
        pin: Reference,
        value: Data<'a>,
    },
    /// CHANGE KEY, the form of 共通カードAP and 住基AP.
    ChangeKey {
        pin: Reference,
        value: Data<'a>,
    },
    ComputeDigitalSignature {
        scheme: Scheme,
        key: Reference,
        input: Data<'a>,
    },
    GetChallenge {
        ne: u32,
        form: Form,
    },
    InternalAuthenticate {
        key: Reference,
        challenge: Data<'a>,
    },
    ExternalAuthenticate {
        key: Reference,
    },
    GetData {
        tag: u16,
        ne: u32,
        proprietary: bool,
    },
    SetSessionKey {
        cryptogram: &'a [u8; MODULUS],
    },
    LastCommandMark,
    /// `80 A2`, first step (the body) or second (the signature).
    TerminalCertificate {
        body: bool,
        data: Data<'a>,
    },
    IssuerOnly,
    InitializeUpdate {
        version: u8,
        challenge: &'a [u8; 8],
        ne: u32,
    },
}

impl<'a> Command<'a> {
    /// Reads parameters, then the body.
    ///
    /// # Errors
    /// [`Refusal::Parameters`], then [`Refusal::Length`].
    pub fn read(
        instruction: Instruction,
        header: Header,
        body: Result<apdu::Command<'a>, apdu::Error>,
    ) -> Result<Self, Refusal> {
        let body = sized(body);
        let (p1, p2) = (header.p1, header.p2);
        match instruction {
            Instruction::Select => select(p1, p2, body),
            Instruction::ReadBinary => {
                let (file, offset) = binary_parameters(p1, p2)?;
                let ne = response_only(body?)?;
                Ok(Command::ReadBinary { file, offset, ne })
            }
            Instruction::ReadRecord => {
                if !matches!(p2 & 0x07, 0x04 | 0x05) {
                    return Err(Refusal::Parameters);
                }
                let ne = response_only(body?)?;
                let file = match p2 >> 3 {
                    0 => Reference::Current,
                    sfi => Reference::Sfi(sfi),
                };
                Ok(Command::ReadRecord { file, record: p1, rest: p2 & 0x01 != 0, ne })
            }
            Instruction::Verify => {
                let pin = pin_parameters(0x00, p1, p2)?;
                let value = pin_value(body?)?;
                Ok(if value.is_empty() { Command::TryCounter { pin } } else { Command::Verify { pin, value } })
            }
            Instruction::ChangeReferenceData => {
                let pin = pin_parameters(0x01, p1, p2)?;
                let value = not_empty(pin_value(body?)?)?;
                Ok(Command::ChangeReferenceData { pin, value })
            }
            Instruction::ChangeKey => {
                let pin = pin_parameters(0x00, p1, p2)?;
                let value = not_empty(pin_value(body?)?)?;
                Ok(Command::ChangeKey { pin, value })
            }
            Instruction::ComputeDigitalSignature => {
                let scheme = Scheme::from_p1(p1).ok_or(Refusal::Parameters)?;
                let key = Reference::or_default(p2)?;
                Ok(Command::ComputeDigitalSignature { scheme, key, input: data_for_signature(body?)? })
            }
            Instruction::GetChallenge => {
                zero_parameters(p1, p2)?;
                let body = body?;
                Ok(Command::GetChallenge { ne: response_only(body)?, form: body.form })
            }
            Instruction::InternalAuthenticate => {
                let key = pin_parameters(0x00, p1, p2)?;
                Ok(Command::InternalAuthenticate { key, challenge: data_for_signature(body?)? })
            }
            Instruction::ExternalAuthenticate => {
                if p1 != 0 {
                    return Err(Refusal::Parameters);
                }
                // There is no key behind it, so its body is not looked at. (card.md D-39)
                Ok(Command::ExternalAuthenticate { key: Reference::or_default(p2)? })
            }
            Instruction::GetData => {
                let ne = response_only(body?)?;
                Ok(Command::GetData { tag: u16::from_be_bytes([p1, p2]), ne, proprietary: header.cla.0 == 0x80 })
            }
            Instruction::SetSessionKey => {
                zero_parameters(p1, p2)?;
                let body = body?;
                match body.data.try_into() {
                    Ok(cryptogram) if body.ne.is_none() => Ok(Command::SetSessionKey { cryptogram }),
                    _ => Err(Refusal::Length),
                }
            }
            Instruction::TerminalCertificate => {
                let body_step = match (p1, p2) {
                    (0x06, 0xC1) => true,
                    (0x00, 0xC1) => false,
                    _ => return Err(Refusal::Parameters),
                };
                Ok(Command::TerminalCertificate { body: body_step, data: not_empty(Data(body?.data))? })
            }
            Instruction::LastCommandMark => {
                zero_parameters(p1, p2)?;
                let body = body?;
                // Four bytes, no more. (card.md §17)
                if body.ne.is_none() && body.data.is_empty() {
                    Ok(Command::LastCommandMark)
                } else {
                    Err(Refusal::Length)
                }
            }
            Instruction::ManageAttributes if !matches!(p1, 0x22 | 0x24) => Err(Refusal::Parameters),
            Instruction::ManageAttributes | Instruction::IssuerOnly => Ok(Command::IssuerOnly),
            Instruction::InitializeUpdate => {
                if p2 != 0 {
                    return Err(Refusal::Parameters);
                }
                let (data, ne) = data_and_response(body?)?;
                let challenge = data.0.try_into().map_err(|_| Refusal::Length)?;
                Ok(Command::InitializeUpdate { version: p1, challenge, ne })
            }
        }
    }
}

/// The body, where it is one and not too long. (card.md D-13)
fn sized(body: Result<apdu::Command<'_>, apdu::Error>) -> Result<apdu::Command<'_>, Refusal> {
    body.ok().filter(|body| body.data.len() <= DATA_MAX).ok_or(Refusal::Length)
}

/// SELECT. (card.md §3.2, D-04 to D-10)
fn select<'a>(p1: u8, p2: u8, body: Result<apdu::Command<'a>, Refusal>) -> Result<Command<'a>, Refusal> {
    match (p1, p2) {
        (0x04, 0x00 | 0x02 | 0x0C | 0x0E) => {
            let body = body?;
            let (fci, next) = (body.ne.filter(|_| p2 & 0x0C == 0).map(apdu::Ne::get), p2 & 0x02 != 0);
            match body.data {
                [] if next => Err(Refusal::Length),
                [] => Ok(Command::SelectDefault { fci }),
                name if name.len() <= 16 => Ok(Command::SelectName { name: Data(name), next, fci }),
                _ => Err(Refusal::Length),
            }
        }
        (0x02, 0x00 | 0x0C) => match body?.data {
            &[high, low] => Ok(Command::SelectFile { identifier: u16::from_be_bytes([high, low]) }),
            _ => Err(Refusal::Length),
        },
        (0x00, 0x00 | 0x0C) => {
            let body = body?;
            // No data comes back, so Le is a wrong length but with P2 = 0C. (card.md D-07, D-12)
            let le = body.ne.is_some() && p2 == 0x00;
            match body.data.len() {
                0 => Ok(Command::SelectMaster { named: false, le }),
                2 => Ok(Command::SelectMaster { named: true, le }),
                _ => Err(Refusal::Length),
            }
        }
        _ => Err(Refusal::Parameters),
    }
}

/// P1–P2 of READ BINARY: 15-bit offset, or SFI and 8-bit offset. (card.md §5.1, D-16)
fn binary_parameters(p1: u8, p2: u8) -> Result<(Reference, u16), Refusal> {
    if p1 & 0x80 == 0 {
        return Ok((Reference::Current, u16::from_be_bytes([p1, p2])));
    }
    match (p1 & 0x60, p1 & 0x1F) {
        (0, 0) => Ok((Reference::Current, u16::from(p2))),
        (0, sfi) if sfi != 0x1F => Ok((Reference::Sfi(sfi), u16::from(p2))),
        _ => Err(Refusal::Parameters),
    }
}

fn pin_parameters(expected_p1: u8, p1: u8, p2: u8) -> Result<Reference, Refusal> {
    if p1 == expected_p1 { Reference::from_p2(p2) } else { Err(Refusal::Parameters) }
}

fn zero_parameters(p1: u8, p2: u8) -> Result<(), Refusal> {
    if p1 == 0 && p2 == 0 { Ok(()) } else { Err(Refusal::Parameters) }
}

/// Case 1 or 3 with at most 16 bytes. (card.md D-12, D-23)
fn pin_value(body: apdu::Command<'_>) -> Result<Data<'_>, Refusal> {
    if body.ne.is_none() && body.data.len() <= crate::pin::VALUE { Ok(Data(body.data)) } else { Err(Refusal::Length) }
}

fn not_empty(data: Data<'_>) -> Result<Data<'_>, Refusal> {
    if data.is_empty() { Err(Refusal::Length) } else { Ok(data) }
}

/// Case 2: Le and no data. Gives Ne.
fn response_only(body: apdu::Command<'_>) -> Result<u32, Refusal> {
    if body.data.is_empty() { body.ne.map(apdu::Ne::get).ok_or(Refusal::Length) } else { Err(Refusal::Length) }
}

/// Case 4 of a command whose answer is a signature, which is of fixed size: Le below it is a wrong length. (card.md D-12, D-33)
fn data_for_signature(body: apdu::Command<'_>) -> Result<Data<'_>, Refusal> {
    let (input, ne) = data_and_response(body)?;
    if ne < MODULUS_NE { Err(Refusal::Length) } else { Ok(input) }
}

/// Case 4: data and Le. Gives both.
fn data_and_response(body: apdu::Command<'_>) -> Result<(Data<'_>, u32), Refusal> {
    let ne = body.ne.ok_or(Refusal::Length)?;
    Ok((not_empty(Data(body.data))?, ne.get()))
}
