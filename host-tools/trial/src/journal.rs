//! A second reader of the journal's format, written from its description and not from the card's code.

use std::fmt;

const AREA_HEADER: usize = 16;
const RECORD_HEADER: usize = 8;
const WORD: usize = 4;

/// What a memory says, by its newest area.
#[derive(Clone, PartialEq, Eq)]
pub struct Journal<'m> {
    /// Keys and values, by key.
    living: Vec<(u16, &'m [u8])>,
    /// Bytes left in the area.
    free: usize,
    /// Whether the log ends in blank memory.
    clean: bool,
}

impl<'m> Journal<'m> {
    /// Reads a memory; `None` where no area has a header.
    #[must_use]
    pub fn read(memory: &'m [u8]) -> Option<Self> {
        let (first, second) = memory.split_at(memory.len() / 2);
        let area = [first, second].into_iter().filter_map(|area| Some((generation(area)?, area)));
        area.max_by_key(|(generation, _)| *generation).map(|(_, area)| Journal::of(area))
    }

    fn of(area: &'m [u8]) -> Self {
        let (mut living, mut group, mut at, mut tail) = (Vec::with_capacity(48), Vec::new(), AREA_HEADER, AREA_HEADER);
        while let Some((kind, key, value)) = record(area.get(at..).unwrap_or_default()) {
            group.push((key, (kind & 0x04 == 0).then_some(value)));
            at += RECORD_HEADER + value.len().next_multiple_of(WORD);
            if kind & 0x01 != 0 {
                tail = at;
                for (key, value) in group.drain(..) {
                    put(&mut living, key, value);
                }
            }
        }
        let rest = area.get(tail..).unwrap_or_default();
        Journal { living, free: rest.len(), clean: rest.iter().all(|byte| *byte == 0xFF) }
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: u16) -> Option<&'m [u8]> {
        let place = self.living.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.living.get(place).map(|(_, value)| *value)
    }

    /// All values.
    #[must_use]
    pub fn living(&self) -> &[(u16, &'m [u8])] {
        &self.living
    }

    /// Whether nothing but blank memory follows the log.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// Whether a value of so many bytes fits behind it.
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.free >= RECORD_HEADER + bytes.next_multiple_of(WORD)
    }
}

/// Sizes only: values are secrets.
impl fmt::Debug for Journal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} values, {} bytes free)", self.living.len(), self.free)
    }
}

fn put<'m>(living: &mut Vec<(u16, &'m [u8])>, key: u16, value: Option<&'m [u8]>) {
    match (living.binary_search_by_key(&key, |(key, _)| *key), value) {
        (Ok(place), Some(value)) => living[place].1 = value,
        (Ok(place), None) => drop(living.remove(place)),
        (Err(place), Some(value)) => living.insert(place, (key, value)),
        (Err(_), None) => {}
    }
}

/// Generation of an area that has a header.
fn generation(area: &[u8]) -> Option<u32> {
    let (fields, check) = (area.get(..12)?, area.get(12..AREA_HEADER)?);
    let whole = fields.starts_with(b"JTSN") && crc32fast::hash(fields).to_be_bytes() == check;
    whole.then(|| u32::from_be_bytes([fields[8], fields[9], fields[10], fields[11]]))
}

/// Kind, key and value of the whole record that stands at the beginning.
fn record(log: &[u8]) -> Option<(u8, u16, &[u8])> {
    let &[kind, length, high, low, ref rest @ ..] = log else { return None };
    let (check, value) = (rest.get(..4)?, rest.get(4..4 + usize::from(length))?);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[kind, length, high, low]);
    crc.update(value);
    (kind & !0x07 == 0x50 && crc.finalize().to_be_bytes() == check).then_some((
        kind,
        u16::from_be_bytes([high, low]),
        value,
    ))
}
