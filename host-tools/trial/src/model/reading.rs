//! READ BINARY, READ RECORD, GET DATA, GET CHALLENGE. (card.md §5, §11)

use super::{Body, Contents, Data, Model, Outcome, Place};

/// The signature certificate, the one EF that a PIN opens for reading.
const SIGNATURE_CERTIFICATE: u8 = 0x01;

impl Model {
    /// card.md §5.1, D-16
    pub(super) fn read_binary(&self, place: Place, (p1, p2): (u8, u8), command: &[u8]) -> Result<Outcome, u16> {
        let (sfi, offset) = match p1 {
            0x00..=0x7F => (0x00, usize::from(p1) << 8 | usize::from(p2)),
            0x80..=0x9E => (p1 & 0x1F, usize::from(p2)),
            _ => return Err(0x6A86),
        };
        let ne = Body::of(command)?.only_ne()?;
        let file = match sfi {
            0x00 => place.file.ok_or(0x6986u16)?,
            _ => place.sfi(sfi).ok_or(0x6A82u16)?,
        };
        let outcome = match Contents::size(file) {
            None if matches!(file, 0x05 | 0x09) => Outcome::about(file, 0x6982),
            None => Outcome::about(file, 0x6981),
            Some(_) if file == SIGNATURE_CERTIFICATE && !self.pins[1].verified => Outcome::about(file, 0x6982),
            Some(size) if offset >= size => Outcome::about(file, 0x6B00),
            Some(size) => {
                Outcome { file: Some(file), ..Outcome::with(Data::File(file, offset, ne.min(size - offset))) }
            }
        };
        Ok(outcome)
    }
}

/// The application has no records. (card.md §5.2, D-17)
pub(super) fn record(place: Place, (_, p2): (u8, u8), command: &[u8]) -> Result<Outcome, u16> {
    if !matches!(p2 & 0x07, 0x04 | 0x05) {
        return Err(0x6A86);
    }
    Body::of(command)?.only_ne()?;
    let file = match p2 >> 3 {
        0x00 => place.file.ok_or(0x6986u16)?,
        sfi => place.sfi(sfi).ok_or(0x6A82u16)?,
    };
    Ok(Outcome::about(file, 0x6981))
}

/// card.md §5.5, D-37
pub(super) fn challenge(p: (u8, u8), command: &[u8]) -> Result<Outcome, u16> {
    if p != (0, 0) {
        return Err(0x6A86);
    }
    let body = Body::of(command)?;
    let ne = body.only_ne()?;
    if body.extended { Err(0x6985) } else { Ok(Outcome::with(Data::Random(ne))) }
}

/// card.md §11, D-40
pub(super) fn data_object(place: Place, cla: u8, (p1, p2): (u8, u8), command: &[u8]) -> Result<Outcome, u16> {
    let ne = Body::of(command)?.only_ne()?;
    let tag = u16::from_be_bytes([p1, p2]);
    if place.jpki && (tag, cla) != (0x5F51, 0x00) {
        return Err(0x6A88);
    }
    let content = Contents::object(tag).ok_or(0x6A88u16)?;
    if content.len() > ne { Err(0x6700) } else { Ok(Outcome::with(Data::Exactly(content.to_vec()))) }
}
