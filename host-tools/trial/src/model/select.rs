//! SELECT. (card.md §3)

use super::{Body, Data, Expected, FILES, Model, Outcome, Place, at};

/// DF names in the order in which they are found. (card.md D-04)
const NAMES: [&[u8]; 2] =
    [&[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00], &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01]];

impl Model {
    pub(super) fn select(&mut self, place: Place, (p1, p2): (u8, u8), command: &[u8]) -> Option<Expected> {
        let refused = |sw| Some(at(place, Outcome::refused(sw)));
        let body = Body::of(command);
        match (p1, p2, body) {
            (0x04, 0x00 | 0x02 | 0x0C | 0x0E, Err(sw)) | (0x02, 0x00 | 0x0C, Err(sw)) => refused(sw),
            (0x04, 0x00 | 0x02 | 0x0C | 0x0E, Ok(body)) => self.select_name(place, p2, &body),
            // card.md D-08, D-09
            (0x02, 0x00 | 0x0C, Ok(Body { data: &[high, low], .. })) => {
                match high == 0 && FILES.contains(&low) && place.jpki {
                    true => Some(at(place, Outcome::about(low, 0x9000))),
                    false => refused(0x6A82),
                }
            }
            (0x02, 0x00 | 0x0C, Ok(_)) => refused(0x6700),
            // card.md D-10 speaks of these two forms alone.
            (0x00, 0x00 | 0x0C, Ok(Body { data: &[], ne: None, .. })) => {
                refused(if place.jpki { 0x9000 } else { 0x6A86 })
            }
            (0x00, _, _) => None,
            _ => refused(0x6A86),
        }
    }

    fn select_name(&mut self, place: Place, p2: u8, body: &Body<'_>) -> Option<Expected> {
        let next = p2 & 0x02 != 0;
        let found = match body.data.len() {
            // The default application, where the form is the one that was seen. (card.md §3.2)
            0 if p2 == 0x00 && body.ne.is_some() => Some(0),
            1..=16 => {
                let matching = |number: &usize| NAMES[*number].starts_with(body.data);
                let current = usize::from(place.jpki);
                let from = if next && matching(&current) { current + 1 } else { 0 };
                (from..NAMES.len()).find(matching)
            }
            _ => return None,
        };
        let Some(number) = found else { return Some(at(place, Outcome::refused(0x6A82))) };
        let (name, wanted) = (NAMES[number], if p2 & 0x0C == 0 { body.ne } else { None });
        // card.md D-06
        let data = match wanted {
            Some(ne) if ne < name.len() + 4 => return Some(at(place, Outcome::refused(0x6700))),
            Some(_) => Data::Exactly([&[0x6F, name.len() as u8 + 2, 0x84, name.len() as u8][..], name].concat()),
            None => Data::None,
        };
        let jpki = number == 1;
        if jpki != place.jpki {
            self.forget();
        }
        Some(Expected { sw: 0x9000, data, place: Place { jpki, file: None }, writes: false })
    }
}
