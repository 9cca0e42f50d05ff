//! The journal: values under keys in flash, all or nothing under power loss.
//!
//! # Format
//!
//! The memory is two areas of equal size. An area is a header and records up to the first blank word:
//!
//! ```text
//! header   magic "JTSN" | version | FF FF FF | generation (4) | CRC-32 of the twelve bytes before
//! record   kind | length | key (2) | CRC-32 of kind, length, key and value | value, filled with FF to whole words
//! ```
//!
//! The kind says put or delete, whether the record is the *last* of its group, and whether the group asks for *scrubbing*.
//! A group becomes visible when its last record is read, so [`Store::commit`] is atomic without begin or abort.
//!
//! # What it relies on
//!
//! The five promises of [`Nvm`]. In particular a torn write leaves complete words before it and untouched words after it.
//! It does not rely on the medium's word that something was written or erased: both are read back.
//!
//! # What it promises
//!
//! 1. After power loss anywhere, [`Store::mount`] gives the values before the commit in flight or after it.
//! 2. It goes on working afterwards: no word is written twice, since a log whose tail is not blank is compacted before
//!    anything is appended.
//! 3. After [`Store::commit_scrubbed`], or after the mount that follows a cut in it, no superseded value is anywhere in
//!    the memory.
//! 4. A damaged record with more log behind it is [`StoreError::Corrupt`]: a torn group can only be the last thing in a log.
//!    A damaged *last* group cannot be told from a torn one and counts as never committed.
//!
//! # Why
//!
//! There is one recovery path, compaction: copy the living values into the other area, write its header last, erase the
//! old area. Until the header is whole the old area is the newest valid one; from then on the new one is, by its
//! generation. A cut while erasing leaves an area that the next mount erases. Formatting is compaction of nothing.

use crate::platform::{Nvm, NvmFault, WORD};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Most bytes of one value.
pub const VALUE_MAX: usize = 240;
/// Most keys at once.
pub const KEYS_MAX: usize = 320;

const MAGIC: [u8; 4] = *b"JTSN";
const VERSION: u8 = 1;
const AREA_HEADER: usize = 16;
const RECORD_HEADER: usize = 8;
const BLANK: u8 = 0xFF;
/// Bytes looked at together in a search for what is not blank.
const CHUNK: usize = 64;

const KIND: u8 = 0x50;
const LAST: u8 = 0x01;
const SCRUB: u8 = 0x02;
const DELETE: u8 = 0x04;

/// Name of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u16);

/// One change in a commit.
#[derive(Clone, Copy)]
pub enum Update<'a> {
    /// Sets a value, at most [`VALUE_MAX`] bytes.
    Put {
        /// Its name.
        key: Key,
        /// Its bytes.
        value: &'a [u8],
    },
    /// Forgets a value.
    Delete {
        /// Its name.
        key: Key,
    },
}

impl core::fmt::Debug for Update<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Update::Put { key, value } => write!(f, "Put({key:?}, {} bytes)", value.len()),
            Update::Delete { key } => write!(f, "Delete({key:?})"),
        }
    }
}

impl Update<'_> {
    fn parts(&self) -> (Key, &[u8], u8) {
        match self {
            Update::Put { key, value } => (*key, value, 0),
            Update::Delete { key } => (*key, &[], DELETE),
        }
    }
}

/// Why the store did not do it. The values are those of before, except where the documentation says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The medium failed or lost power.
    Fault,
    /// No room, too many keys, or a value that is too long.
    Full,
    /// Neither area has a header.
    Unformatted,
    /// Written by another version of this format.
    Version(u8),
    /// A record in the middle of the log is damaged.
    Corrupt,
}

impl From<NvmFault> for StoreError {
    fn from(_: NvmFault) -> Self {
        StoreError::Fault
    }
}

/// A copy of one value, wiped when it goes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Value(heapless::Vec<u8, VALUE_MAX>);

impl core::ops::Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Value {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

/// Where the living record of each key begins, as a word number within its area; sorted by key.
type Index = heapless::Vec<(Key, u16), KEYS_MAX>;

/// The journal on a memory.
#[derive(Debug)]
pub struct Store<N> {
    nvm: N,
    area: usize,
    generation: u32,
    /// First free byte of the area.
    tail: usize,
    /// A commit failed half-way: something may stand at the tail, or old copies elsewhere.
    torn: bool,
    index: Index,
}

/// A record as it stands in memory.
struct Record {
    kind: u8,
    key: Key,
    size: usize,
}

impl<N: Nvm> Store<N> {
    /// Erases everything and begins an empty journal.
    ///
    /// # Errors
    /// [`StoreError::Fault`] of the medium.
    pub fn format(nvm: N) -> Result<Self, StoreError> {
        let mut store = Store { nvm, area: 1, generation: 0, tail: AREA_HEADER, torn: false, index: Index::new() };
        store.compact()?;
        Ok(store)
    }

    /// Reads a journal, finishing what a power cut interrupted.
    ///
    /// # Errors
    /// [`StoreError`] and the memory.
    pub fn mount(nvm: N) -> Result<Self, (StoreError, N)> {
        let mut store = Store { nvm, area: 0, generation: 0, tail: AREA_HEADER, torn: false, index: Index::new() };
        match store.recover() {
            Ok(()) => Ok(store),
            Err(error) => Err((error, store.nvm)),
        }
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        let (area, generation) = match (self.header(0), self.header(1)) {
            (Ok(first), Ok(second)) if second > first => (1, second),
            (Ok(first), _) => (0, first),
            (_, Ok(second)) => (1, second),
            (Err(StoreError::Version(version)), _) | (_, Err(StoreError::Version(version))) => {
                return Err(StoreError::Version(version));
            }
            _ => return Err(StoreError::Unformatted),
        };
        self.area = area;
        self.generation = generation;
        let scrub = self.scan()?;
        if scrub || self.torn {
            return self.compact();
        }
        self.erase(1 - self.area)
    }

    /// Generation of an area with a whole header.
    fn header(&self, area: usize) -> Result<u32, StoreError> {
        let mut header = [0; AREA_HEADER];
        self.nvm.read(self.base(area), &mut header);
        let [m0, m1, m2, m3, version, _, _, _, g0, g1, g2, g3, c0, c1, c2, c3] = header;
        let fields = [[m0, m1, m2, m3], [version, BLANK, BLANK, BLANK], [g0, g1, g2, g3]];
        if [m0, m1, m2, m3] != MAGIC || crc(&[fields.as_flattened()]) != u32::from_be_bytes([c0, c1, c2, c3]) {
            return Err(StoreError::Unformatted);
        }
        if version == VERSION { Ok(u32::from_be_bytes([g0, g1, g2, g3])) } else { Err(StoreError::Version(version)) }
    }

    /// Reads the log into the index. Tells whether a group asked for scrubbing; sets `torn` where the tail is not blank.
    fn scan(&mut self) -> Result<bool, StoreError> {
        let (mut at, mut scrub, mut asked) = (AREA_HEADER, false, false);
        let mut begin = at;
        let mut seen = self.index.clone();
        while let Some(record) = self.record(at) {
            apply(&mut seen, record.key, (record.kind & DELETE == 0).then_some(at))?;
            asked |= record.kind & SCRUB != 0;
            at += record.size;
            if record.kind & LAST != 0 {
                begin = at;
                self.index.clone_from(&seen);
                scrub |= asked;
            }
        }
        self.tail = begin;
        let end = self.written_end();
        self.torn = end > begin;
        // Nothing whole follows a tear. Where something does, what looks torn is damaged: a length that grew, for one.
        let goes_on =
            end > at + self.torn_reach(at) || (at..end).step_by(WORD).skip(1).any(|at| self.record(at).is_some());
        if goes_on { Err(StoreError::Corrupt) } else { Ok(scrub) }
    }

    /// The whole record at `at`, if one stands there.
    fn record(&self, at: usize) -> Option<Record> {
        let mut header = [0; RECORD_HEADER];
        self.nvm.read(self.base(self.area) + at, &mut header);
        let [kind, length, k0, k1, c0, c1, c2, c3] = header;
        let size = RECORD_HEADER + padded(usize::from(length));
        let shaped = kind & !(LAST | SCRUB | DELETE) == KIND && usize::from(length) <= VALUE_MAX;
        if !shaped || at + size > self.half() {
            return None;
        }
        let mut value = Zeroizing::new([0; VALUE_MAX]);
        let value = value.get_mut(..usize::from(length))?;
        self.nvm.read(self.base(self.area) + at + RECORD_HEADER, value);
        let whole = crc(&[&[kind, length, k0, k1], value]) == u32::from_be_bytes([c0, c1, c2, c3]);
        whole.then_some(Record { kind, key: Key(u16::from_be_bytes([k0, k1])), size })
    }

    /// How many bytes from `at` on a torn record may have written, going by what its first word says.
    fn torn_reach(&self, at: usize) -> usize {
        let mut word = [0; WORD];
        self.nvm.read(self.base(self.area) + at, &mut word);
        let [kind, length, ..] = word;
        if kind & !(LAST | SCRUB | DELETE) == KIND { RECORD_HEADER + padded(usize::from(length)) } else { WORD }
    }

    /// End of the last word of the area that is not blank.
    fn written_end(&self) -> usize {
        let mut end = self.half();
        let mut chunk = [0; CHUNK];
        while end > self.tail {
            let chunk = chunk.get_mut(..CHUNK.min(end - self.tail)).unwrap_or_default();
            self.nvm.read(self.base(self.area) + end - chunk.len(), chunk);
            if !is_erased(chunk) {
                let last = chunk.iter().rposition(|byte| *byte != BLANK).unwrap_or(0);
                return (end - chunk.len() + last + 1).next_multiple_of(WORD);
            }
            end -= chunk.len();
        }
        self.tail
    }

    /// A copy of the value under `key`; for a secret there is [`Store::with`].
    #[must_use]
    pub fn get(&self, key: Key) -> Option<Value> {
        let mut copy = Value(heapless::Vec::new());
        self.with(key, |value| copy.0.extend_from_slice(value).ok())??;
        Some(copy)
    }

    /// The value under `key` where it has exactly `L` bytes. Nothing is wiped: for counters and lengths, never for a secret.
    #[must_use]
    pub fn array<const L: usize>(&self, key: Key) -> Option<[u8; L]> {
        let at = self.base(self.area) + self.find(key)?;
        let mut header = [0; 2];
        self.nvm.read(at, &mut header);
        let [_, length] = header;
        let mut value = [0; L];
        if usize::from(length) != L {
            return None;
        }
        self.nvm.read(at + RECORD_HEADER, &mut value);
        Some(value)
    }

    /// As [`Store::array`], of a record that the next mount will find: whole, and the last of its group. What was written is judged by
    /// itself, not by what should have been written.
    #[must_use]
    pub fn lasting<const L: usize>(&self, key: Key) -> Option<[u8; L]> {
        let record = self.record(self.find(key)?)?;
        let stands = record.key == key && record.kind & LAST != 0 && record.kind & DELETE == 0;
        if stands { self.array(key) } else { None }
    }

    /// Shows the value under `key`, and tells what `look` made of it. The value stands in one place and is wiped there: one that is
    /// handed on by value leaves a copy wherever it was.
    pub fn with<T>(&self, key: Key, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let mut room = Zeroizing::new([0; VALUE_MAX]);
        self.fill(key, &mut room).map(look)
    }

    /// Reads the value under `key` into `room`.
    fn fill<'r>(&self, key: Key, room: &'r mut [u8; VALUE_MAX]) -> Option<&'r [u8]> {
        let at = self.base(self.area) + self.find(key)?;
        let mut header = [0; 2];
        self.nvm.read(at, &mut header);
        let [_, length] = header;
        let value = room.get_mut(..usize::from(length))?;
        self.nvm.read(at + RECORD_HEADER, value);
        Some(value)
    }

    /// Whether there is a value under `key`.
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: Key) -> Option<usize> {
        let place = self.index.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.index.get(place).map(|(_, word)| usize::from(*word) * WORD)
    }

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// [`StoreError::Full`] where they do not fit; [`StoreError::Fault`] of the medium. The values stay as they were; after
    /// a power cut the next mount decides between before and after.
    pub fn commit(&mut self, updates: &[Update<'_>]) -> Result<(), StoreError> {
        self.append(updates, 0)
    }

    /// As [`Store::commit`]; afterwards no superseded or deleted value is left anywhere in the memory.
    ///
    /// # Errors
    /// As [`Store::commit`]. A [`StoreError::Fault`] may also come after the changes were made, while old copies were being
    /// removed; the next commit or mount removes them.
    pub fn commit_scrubbed(&mut self, updates: &[Update<'_>]) -> Result<(), StoreError> {
        self.append(updates, SCRUB)?;
        self.compact()
    }

    fn append(&mut self, updates: &[Update<'_>], flag: u8) -> Result<(), StoreError> {
        let mut need = 0;
        for update in updates {
            let (_, value, _) = update.parts();
            if value.len() > VALUE_MAX {
                return Err(StoreError::Full);
            }
            need += RECORD_HEADER + padded(value.len());
        }
        if self.torn || self.tail + need > self.half() {
            self.compact()?;
        }
        if self.tail + need > self.half() {
            return Err(StoreError::Full);
        }
        let (mut index, mut at) = (self.index.clone(), self.tail);
        for update in updates {
            let (key, value, delete) = update.parts();
            apply(&mut index, key, (delete == 0).then_some(at))?;
            at += RECORD_HEADER + padded(value.len());
        }
        let mut at = self.tail;
        for (number, update) in (1..).zip(updates) {
            let (key, value, delete) = update.parts();
            let last = if number == updates.len() { LAST } else { 0 };
            match self.write_record(self.area, at, KIND | delete | flag | last, key, value) {
                Ok(size) => at += size,
                Err(fault) => {
                    self.torn = true;
                    return Err(fault.into());
                }
            }
        }
        self.tail = at;
        self.index = index;
        Ok(())
    }

    fn write_record(&mut self, area: usize, at: usize, kind: u8, key: Key, value: &[u8]) -> Result<usize, NvmFault> {
        let [k0, k1] = key.0.to_be_bytes();
        let head = [kind, u8::try_from(value.len()).map_err(|_| NvmFault)?, k0, k1];
        let check = crc(&[&head, value]).to_be_bytes();
        let mut buffer = Zeroizing::new([BLANK; RECORD_HEADER + VALUE_MAX]);
        for (slot, byte) in buffer.iter_mut().zip(head.iter().chain(&check).chain(value)) {
            *slot = *byte;
        }
        let size = RECORD_HEADER + padded(value.len());
        self.write(self.base(area) + at, buffer.get(..size).ok_or(NvmFault)?)?;
        Ok(size)
    }

    /// Writes and reads back: a medium that takes a write without keeping it has failed.
    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault> {
        self.nvm.write(at, data)?;
        let mut word = [0; WORD];
        for (place, written) in (at..).step_by(WORD).zip(data.chunks_exact(WORD)) {
            self.nvm.read(place, &mut word);
            if word != *written {
                return Err(NvmFault);
            }
        }
        word.zeroize();
        Ok(())
    }

    /// Removes what a medium that failed has left of changes, as a mount would.
    ///
    /// # Errors
    /// [`StoreError`] of the medium; the next commit has it to do.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        if self.torn { self.compact() } else { Ok(()) }
    }

    /// Moves the log. What fails in it is done before the next commit.
    fn compact(&mut self) -> Result<(), StoreError> {
        let moved = self.move_living();
        self.torn = moved.is_err();
        moved
    }

    /// The one recovery path: the living values move to the other area, its header comes last, the old area is erased.
    fn move_living(&mut self) -> Result<(), StoreError> {
        let to = 1 - self.area;
        self.erase(to)?;
        let (mut at, mut index) = (AREA_HEADER, Index::new());
        let mut room = Zeroizing::new([0; VALUE_MAX]);
        for place in 0..self.index.len() {
            let Some((key, _)) = self.index.get(place).copied() else { break };
            let value = self.fill(key, &mut room).ok_or(StoreError::Corrupt)?;
            apply(&mut index, key, Some(at))?;
            at += self.write_record(to, at, KIND | LAST, key, value)?;
        }
        let generation = self.generation.wrapping_add(1);
        let fields = [MAGIC, [VERSION, BLANK, BLANK, BLANK], generation.to_be_bytes()];
        let mut header = [0; AREA_HEADER];
        for (slot, byte) in
            header.iter_mut().zip(fields.as_flattened().iter().chain(&crc(&[fields.as_flattened()]).to_be_bytes()))
        {
            *slot = *byte;
        }
        self.write(self.base(to), &header)?;
        (self.area, self.generation, self.tail, self.index) = (to, generation, at, index);
        self.erase(1 - to)
    }

    /// Erases the pages of an area that are not blank.
    fn erase(&mut self, area: usize) -> Result<(), StoreError> {
        for page in (self.base(area)..self.base(area) + self.half()).step_by(N::PAGE) {
            if self.is_blank(page) {
                continue;
            }
            self.nvm.erase(page)?;
            // A medium that only says it erased would keep old secrets, and take no new words.
            if !self.is_blank(page) {
                return Err(StoreError::Fault);
            }
        }
        Ok(())
    }

    fn is_blank(&self, page: usize) -> bool {
        let mut chunk = [0; CHUNK];
        (page..page + N::PAGE).step_by(CHUNK).all(|at| {
            let chunk = chunk.get_mut(..CHUNK.min(page + N::PAGE - at)).unwrap_or_default();
            self.nvm.read(at, chunk);
            is_erased(chunk)
        })
    }

    fn half(&self) -> usize {
        self.nvm.size() / 2
    }

    fn base(&self, area: usize) -> usize {
        area * self.half()
    }

    /// The memory.
    pub fn nvm(&self) -> &N {
        &self.nvm
    }

    /// The memory, for probes that arm themselves; writing to it behind the store's back breaks its promises.
    pub fn nvm_mut(&mut self) -> &mut N {
        &mut self.nvm
    }

    /// Takes the memory out.
    pub fn into_nvm(self) -> N {
        self.nvm
    }

    /// The sanctioned duplicate, for snapshots by the simulator.
    #[must_use]
    pub fn fork(&self) -> Self
    where
        N: Clone,
    {
        Store { nvm: self.nvm.clone(), index: self.index.clone(), ..*self }
    }

    /// Becomes as `other` is, as [`Store::fork`] would make it, by way of [`Clone::clone_from`].
    pub fn restore(&mut self, other: &Self)
    where
        N: Clone,
    {
        let Store { nvm, area, generation, tail, torn, index } = other;
        self.nvm.clone_from(nvm);
        self.index.clone_from(index);
        (self.area, self.generation, self.tail, self.torn) = (*area, *generation, *tail, *torn);
    }
}

/// Notes in the index that `key` now lives at byte `at`, or nowhere.
fn apply(index: &mut Index, key: Key, at: Option<usize>) -> Result<(), StoreError> {
    let place = index.binary_search_by_key(&key, |(key, _)| *key);
    match (place, at) {
        (Ok(place), None) => drop(index.remove(place)),
        (Err(_), None) => {}
        (place, Some(at)) => {
            let word = u16::try_from(at / WORD).map_err(|_| StoreError::Full)?;
            match place {
                Ok(place) => {
                    if let Some(entry) = index.get_mut(place) {
                        entry.1 = word;
                    }
                }
                Err(place) => index.insert(place, (key, word)).map_err(|_| StoreError::Full)?,
            }
        }
    }
    Ok(())
}

/// Whether a chunk holds ones alone. As a whole: byte by byte it would be most of what a start costs.
fn is_erased(chunk: &[u8]) -> bool {
    const ERASED: [u8; CHUNK] = [BLANK; CHUNK];
    ERASED.get(..chunk.len()) == Some(chunk)
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(WORD)
}

/// Bits of a CRC that are looked up at once.
const CRC_BITS: u32 = if cfg!(feature = "compact") { 4 } else { 8 };

/// CRC-32 (ISO-HDLC) over some slices.
fn crc(parts: &[&[u8]]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8 / CRC_BITS).fold(crc ^ u32::from(*byte), |crc, _| {
            let [low, ..] = crc.to_le_bytes();
            let place = usize::from(low) % CRC_TABLE.len();
            (crc >> CRC_BITS) ^ CRC_TABLE.get(place).copied().unwrap_or(0)
        })
    };
    !parts.iter().flat_map(|part| part.iter()).fold(!0, step)
}

const CRC_TABLE: [u32; 1 << CRC_BITS] = {
    let mut table = [0; 1 << CRC_BITS];
    let mut place = 0u32;
    let mut rest: &mut [u32] = &mut table;
    while let Some((slot, more)) = rest.split_first_mut() {
        let mut crc = place;
        let mut bit = 0;
        while bit < CRC_BITS {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (0u32.wrapping_sub(crc & 1)));
            bit += 1;
        }
        *slot = crc;
        rest = more;
        place += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_the_published_one() {
        // The check value of CRC-32/ISO-HDLC in the RevEng catalogue.
        assert_eq!(crc(&[b"12345", b"6789"]), 0xCBF4_3926);
    }
}
