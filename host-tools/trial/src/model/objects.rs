//! VERIFY, CHANGE REFERENCE DATA, COMPUTE DIGITAL SIGNATURE, INTERNAL AUTHENTICATE. (card.md §5.3, §5.4, §5.6, §8)

use super::{Body, Model, Outcome, Pin, Place};

/// EFs that are neither file, key nor PIN. (card.md D-20)
const INTERNAL: [u8; 5] = [0x10, 0x16, 0x19, 0x1C, 0x1E];
const PINS: [u8; 2] = [0x18, 0x1B];
const KEYS: [u8; 2] = [0x17, 0x1A];
/// Most bytes of command data. (card.md D-13)
const DATA_MAX: usize = 4096;

impl Model {
    pub(super) fn present(
        &mut self,
        place: Place,
        (p1, p2): (u8, u8),
        p1_wanted: u8,
        command: &[u8],
        act: fn(&mut Pin, &[u8]) -> u16,
    ) -> Result<Outcome, u16> {
        if p1 != p1_wanted || !(0x80..=0x9E).contains(&p2) {
            return Err(0x6A86);
        }
        let body = Body::of(command)?;
        // Only VERIFY has a form without data: the query.
        if body.ne.is_some() || body.data.len() > 16 || (body.data.is_empty() && p1 == 0x01) {
            return Err(0x6700);
        }
        let file = place.named(p2)?;
        let Some(pin) = self.pins.iter_mut().find(|pin| pin.file == file) else {
            return Ok(Outcome::about(file, 0x6981));
        };
        let could_compare = pin.tries > 0 && !body.data.is_empty();
        let sw = act(pin, body.data);
        let writes = if p1 == 0x01 { sw == 0x9000 } else { could_compare };
        Ok(Outcome { writes, ..Outcome::about(file, sw) })
    }

    /// The engine is a stub, so a signature that everything allows ends in 6F00, and only such a one.
    pub(super) fn sign(&self, place: Place, (p1, p2): (u8, u8), command: &[u8]) -> Result<Outcome, u16> {
        if p1 > 0x05 || !(p2 == 0x00 || (0x80..=0x9E).contains(&p2)) {
            return Err(0x6A86);
        }
        let body = Body::of(command)?;
        if !(1..=DATA_MAX).contains(&body.data.len()) || body.ne.is_none_or(|ne| ne < 256) {
            return Err(0x6700);
        }
        if p2 == 0x00 {
            return Err(0x6A88);
        }
        let file = place.named(p2)?;
        let fits = match p1 {
            0x00 => body.data.len() <= 245,
            0x02 | 0x04 => body.data.len() == 32,
            _ => true,
        };
        let sw = match self.pins.iter().find(|pin| pin.key == file).map(Pin::usable) {
            Some(Err(refused)) => refused,
            Some(Ok(())) if fits => 0x6F00,
            Some(Ok(())) => 0x6985,
            None if INTERNAL.contains(&file) => 0x6985,
            None => 0x6981,
        };
        Ok(Outcome::about(file, sw))
    }
}

/// No key of this application answers. (card.md D-38)
pub(super) fn internal_authenticate(place: Place, (p1, p2): (u8, u8), command: &[u8]) -> Result<Outcome, u16> {
    if p1 != 0x00 || !(0x80..=0x9E).contains(&p2) {
        return Err(0x6A86);
    }
    let body = Body::of(command)?;
    if body.data.is_empty() || body.ne.is_none_or(|ne| ne < 256) {
        return Err(0x6700);
    }
    let file = place.named(p2)?;
    Ok(Outcome::about(
        file,
        match file {
            file if KEYS.contains(&file) => 0x6982,
            file if PINS.contains(&file) || INTERNAL.contains(&file) => 0x6985,
            _ => 0x6981,
        },
    ))
}
