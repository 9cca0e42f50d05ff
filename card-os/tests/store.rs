//! The journal's promises (card-os/src/store.rs) on a memory so small that every commit meets compaction, and every cut of every
//! recovery can be tried.

use card_os::{
    platform::{Nvm, NvmFault, WORD},
    store::{KEYS_MAX, Key, Store, StoreError, Update, VALUE_MAX},
};

const UNTOUCHED: [u8; WORD] = [0; WORD];
const DONE: [u8; WORD] = [0xFF; WORD];
/// What may be left of the operation in flight; of a word perhaps one byte alone.
const TEARS: [[u8; WORD]; 5] = [UNTOUCHED, DONE, [0xFF, 0, 0, 0], [0, 0, 0, 0xF0], [0xA5; WORD]];

/// Flash with pages of this size. Writing a word twice without an erase is a mistake of the store.
#[derive(Clone)]
struct Memory<const PAGE: usize> {
    bytes: Vec<u8>,
    written: Vec<bool>,
    /// Operations until power goes: words written and pages erased.
    left: Option<u32>,
    /// Which bits of each word the operation in flight still does.
    mask: [u8; WORD],
    operations: u32,
    /// Says that it wrote and erased, and does not.
    silent: bool,
}

impl<const PAGE: usize> Memory<PAGE> {
    fn new(pages: usize) -> Self {
        Self::of(vec![0xFF; pages * PAGE])
    }

    fn of(bytes: Vec<u8>) -> Self {
        let written = bytes.chunks(WORD).map(|word| word != [0xFF; WORD]).collect();
        Memory { bytes, written, left: None, mask: UNTOUCHED, operations: 0, silent: false }
    }

    /// Which bits an operation does, and whether power is still there afterwards.
    fn step(&mut self) -> ([u8; WORD], Result<(), NvmFault>) {
        self.operations += 1;
        match &mut self.left {
            None => (DONE, Ok(())),
            Some(0) => (std::mem::replace(&mut self.mask, UNTOUCHED), Err(NvmFault)),
            Some(left) => {
                *left -= 1;
                (DONE, Ok(()))
            }
        }
    }
}

impl<const PAGE: usize> Nvm for Memory<PAGE> {
    const PAGE: usize = PAGE;

    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn read(&self, at: usize, out: &mut [u8]) {
        for (at, slot) in (at..).zip(out) {
            *slot = self.bytes.get(at).copied().unwrap_or(0xFF);
        }
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault> {
        assert!(at.is_multiple_of(WORD) && data.len().is_multiple_of(WORD) && at + data.len() <= self.bytes.len());
        for (at, word) in (at..).step_by(WORD).zip(data.chunks(WORD)) {
            if self.silent {
                continue;
            }
            let (mask, powered) = self.step();
            let slots = &mut self.bytes[at..at + WORD];
            for (slot, (byte, mask)) in slots.iter_mut().zip(word.iter().zip(mask)) {
                *slot &= byte | !mask;
            }
            // A tear that cleared nothing cannot be seen.
            if powered.is_ok() || *slots != [0xFF; WORD] {
                assert!(!std::mem::replace(&mut self.written[at / WORD], true), "word {at} is written twice");
            }
            powered?;
        }
        Ok(())
    }

    fn erase(&mut self, at: usize) -> Result<(), NvmFault> {
        assert!(at.is_multiple_of(PAGE) && at < self.bytes.len());
        if self.silent {
            return Ok(());
        }
        let (mask, powered) = self.step();
        let page = &mut self.bytes[at..at + PAGE];
        page.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte |= mask);
        for (flag, word) in self.written[at / WORD..].iter_mut().zip(page.chunks(WORD)) {
            *flag = word != [0xFF; WORD];
        }
        powered
    }
}

/// Pages and areas that are no multiple of what the store looks at together.
type Small = Memory<180>;
type Large = Memory<4096>;

const fn put(key: u16, value: &[u8]) -> Update<'_> {
    Update::Put { key: Key(key), value }
}

const fn delete(key: u16) -> Update<'static> {
    Update::Delete { key: Key(key) }
}

fn values<const PAGE: usize>(store: &Store<Memory<PAGE>>) -> Vec<Option<Vec<u8>>> {
    (0..8).map(|key| store.get(Key(key)).map(|value| value.to_vec())).collect()
}

fn again<const PAGE: usize>(store: Store<Memory<PAGE>>) -> Store<Memory<PAGE>> {
    Store::mount(Memory::of(store.into_nvm().bytes)).map_err(|(error, _)| error).expect("mounts")
}

fn refusal(bytes: &[u8]) -> Option<StoreError> {
    Store::mount(Small::of(bytes.to_vec())).err().map(|(error, _)| error)
}

/// CRC-32/ISO-HDLC by its definition, bit by bit.
fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    (!crc).to_be_bytes()
}

fn header(version: u8, generation: u32) -> Vec<u8> {
    let fields = [&b"JTSN"[..], &[version, 0xFF, 0xFF, 0xFF], &generation.to_be_bytes()].concat();
    [&fields[..], &crc(&fields)].concat()
}

fn record(kind: u8, key: u16, value: &[u8]) -> Vec<u8> {
    let head = [&[kind, value.len() as u8][..], &key.to_be_bytes()].concat();
    let filler = vec![0xFF; value.len().next_multiple_of(WORD) - value.len()];
    [&head[..], &crc(&[&head, value].concat()), value, &filler].concat()
}

/// A memory with two areas of two small pages that begin so.
fn areas(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xFF; 4 * 180];
    bytes[..first.len()].copy_from_slice(first);
    bytes[360..][..second.len()].copy_from_slice(second);
    bytes
}

#[test]
fn the_format_is_the_documented_one() {
    let mut store = Store::format(Small::new(4)).expect("formats");
    assert_eq!(store.nvm().bytes, areas(&header(1, 1), &[]));
    store.commit(&[put(0x0102, &[1, 2, 3, 4, 5])]).expect("fits");
    store.commit(&[put(3, &[]), delete(0x0102)]).expect("fits");
    let log = [header(1, 1), record(0x51, 0x0102, &[1, 2, 3, 4, 5]), record(0x50, 3, &[]), record(0x55, 0x0102, &[])];
    assert_eq!(store.nvm().bytes, areas(&log.concat(), &[]));
    store.commit_scrubbed(&[put(4, &[9])]).expect("fits");
    let log = [header(1, 2), record(0x51, 3, &[]), record(0x51, 4, &[9])].concat();
    assert_eq!(store.nvm().bytes, areas(&[], &log));
    // The group that asked for scrubbing, and power went before it was done.
    let asked = [header(1, 2), record(0x51, 3, &[7]), record(0x53, 3, &[8])].concat();
    let store = Store::mount(Small::of(areas(&[], &asked))).map_err(|(error, _)| error).expect("mounts");
    assert_eq!(store.nvm().bytes, areas(&[header(1, 3), record(0x51, 3, &[8])].concat(), &[]));
}

#[test]
fn a_short_value_is_read_where_it_has_the_length_asked_for() {
    let mut store = Store::format(Small::new(4)).expect("formats");
    store.commit(&[put(3, &[7, 8, 9])]).expect("fits");
    assert_eq!(store.array(Key(3)), Some([7, 8, 9]));
    assert_eq!((store.array::<2>(Key(3)), store.array::<4>(Key(3)), store.array::<3>(Key(4))), (None, None, None));
}

#[test]
fn a_log_in_order_stays_where_it_is() {
    let mut store = Store::format(Small::new(4)).expect("formats");
    store.commit(&[put(3, &[1])]).expect("fits");
    let old = store.nvm().bytes.clone();
    store.settle().expect("nothing is to be done");
    assert_eq!(store.nvm().bytes, old);
}

#[test]
fn the_newer_area_counts_and_the_other_goes() {
    let of = |generation, value| [header(1, generation), record(0x51, 3, &[value])].concat();
    for (first, second, value) in [(1, 2, 2), (2, 1, 1), (7, 6, 1), (6, 7, 2), (5, 5, 1)] {
        let memory = Small::of(areas(&of(first, 1), &of(second, 2)));
        let store = Store::mount(memory).map_err(|(error, _)| error).expect("mounts");
        assert_eq!(store.get(Key(3)).as_deref(), Some(&[value][..]), "{first} {second}");
        let left = if value == 1 { areas(&of(first, 1), &[]) } else { areas(&[], &of(second, 2)) };
        assert_eq!(store.nvm().bytes, left);
    }
}

#[test]
fn what_is_no_journal_is_told_apart() {
    assert_eq!(refusal(&areas(&[], &[])), Some(StoreError::Unformatted));
    assert_eq!(refusal(&areas(&header(2, 1), &[])), Some(StoreError::Version(2)));
    assert_eq!(refusal(&areas(&[], &header(3, 1))), Some(StoreError::Version(3)));
    // A header that is not whole is none.
    for bit in (0..16 * 8).filter(|bit| !(5..8).contains(&(bit / 8))) {
        let mut damaged = header(1, 1);
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refusal(&areas(&damaged, &[])), Some(StoreError::Unformatted), "bit {bit}");
        assert_eq!(refusal(&areas(&damaged, &header(1, 5))), None, "bit {bit}");
        let other = if bit % 2 == 0 { header(1, 5) } else { header(1, 0) };
        assert_eq!(refusal(&areas(&other, &damaged)), None, "bit {bit}");
    }
}

#[test]
fn damage_before_the_end_is_corrupt_and_at_the_end_was_never_committed() {
    let records =
        [record(0x51, 3, &[1; 9]), record(0x50, 4, &[2; 30]), record(0x51, 3, &[3; 5]), record(0x51, 4, &[4])];
    let log = [header(1, 1), records.concat()].concat();
    assert_eq!(refusal(&areas(&log, &[])), None);
    // Where no other can be found behind it, a record's damage may be a tear: the last group, here of one record.
    let last = log.len() - records[3].len();
    for bit in 16 * 8..log.len() * 8 {
        let mut damaged = log.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match Store::mount(Small::of(areas(&damaged, &[]))) {
            // A kind or a length that no tear leaves is known for damage even there.
            Err((error, _)) => assert!(error == StoreError::Corrupt && bit < (last + 2) * 8, "bit {bit}: {error:?}"),
            Ok(store) => {
                let seen = values(&store);
                let whole = seen[4].as_deref() == Some(&[4][..]);
                assert!(whole || (bit >= last * 8 && seen[4].as_deref() == Some(&[2; 30][..])), "bit {bit}");
                assert_eq!(seen[3].as_deref(), Some(&[3; 5][..]), "bit {bit}");
            }
        }
    }
}

#[test]
fn what_no_tear_leaves_is_corrupt() {
    // Two records that are not whole: a tear leaves one.
    let log = [header(1, 1), record(0x51, 3, &[1; 9]), record(0x51, 4, &[2; 30]), record(0x51, 5, &[3; 9])].concat();
    let (second, third) = (16 + 20 + 8, 16 + 20 + 40 + 8);
    let mut damaged = log.clone();
    damaged[second] ^= 1;
    damaged[third] ^= 1;
    assert_eq!(refusal(&areas(&damaged, &[])), Some(StoreError::Corrupt));
    // A kind that nobody writes, with a right sum.
    for kind in [0x41, 0x59, 0x71, 0xD1] {
        let log = [header(1, 1), record(0x51, 3, &[1]), record(kind, 3, &[2; 9])].concat();
        assert_eq!(refusal(&areas(&log, &[])), Some(StoreError::Corrupt), "{kind:02X}");
    }
}

#[test]
fn limits() {
    let mut store = Store::format(Large::new(4)).expect("formats");
    let long = [5; VALUE_MAX + 1];
    store.commit(&[put(0, &long[..VALUE_MAX])]).expect("the longest value");
    assert_eq!(store.commit(&[put(0, &[]), put(1, &long)]), Err(StoreError::Full));
    assert_eq!((store.get(Key(0)).as_deref(), store.contains(Key(1))), (Some(&long[..VALUE_MAX]), false));
    for key in 1..KEYS_MAX as u16 {
        store.commit(&[put(key, &[])]).expect("a key more");
    }
    assert_eq!(store.commit(&[put(0, &[1]), put(KEYS_MAX as u16, &[])]), Err(StoreError::Full));
    assert_eq!(store.get(Key(0)).as_deref(), Some(&long[..VALUE_MAX]));
    // One that goes makes room for one that comes.
    store.commit(&[delete(7), put(KEYS_MAX as u16, &[])]).expect("as many keys");
    let store = again(store);
    assert!((0..=KEYS_MAX as u16).all(|key| store.contains(Key(key)) == (key != 7)));
    assert_eq!(store.get(Key(0)).as_deref(), Some(&long[..VALUE_MAX]));

    // An area of 360 bytes: header 16, two records of 8 and 164; the last byte counts.
    let mut store = Store::format(Small::new(4)).expect("formats");
    store.commit(&[put(0, &[1; 164])]).expect("fits");
    assert_eq!(store.commit(&[put(1, &[2; 165])]), Err(StoreError::Full));
    assert_eq!(store.commit(&[put(1, &[]), put(2, &[2; 158])]), Err(StoreError::Full));
    store.commit(&[put(1, &[2; 164])]).expect("fits");
    // Nothing can be superseded while there is no room for both; it can when the old one is not alive.
    assert_eq!(store.commit(&[put(1, &[3; 4])]), Err(StoreError::Full));
    let store = again(store);
    assert_eq!(values(&store)[..3], [Some(vec![1; 164]), Some(vec![2; 164]), None]);
}

#[test]
fn all_or_nothing_whatever_is_cut() {
    let mut base = Store::format(Small::new(4)).expect("formats");
    let mut state = vec![None; 8];
    for round in 0..20u16 {
        let long = vec![round as u8; usize::from(round) * 7 % 60];
        let short = [round as u8];
        let updates = [put(round % 4, &long), put(5, &short), delete((round + 2) % 4)];
        let updates = &updates[..1 + usize::from(round % 3)];
        let scrub = round % 4 == 3;
        let run = |store: &mut Store<Small>| if scrub { store.commit_scrubbed(updates) } else { store.commit(updates) };
        let before = state.clone();
        for update in updates {
            match update {
                Update::Put { key, value } => state[usize::from(key.0)] = Some(value.to_vec()),
                Update::Delete { key } => state[usize::from(key.0)] = None,
            }
        }
        assert_eq!(values(&base), before);
        let mut done = base.fork();
        done.nvm_mut().operations = 0;
        run(&mut done).expect("commits");
        assert_eq!(values(&done), state);
        for cut in 0..done.nvm().operations {
            for mask in TEARS {
                let mut store = base.fork();
                (store.nvm_mut().left, store.nvm_mut().mask) = (Some(cut), mask);
                assert_eq!(run(&mut store), Err(StoreError::Fault));
                let seen = values(&store);
                assert!(seen == before || seen == state, "round {round}, cut {cut}, {mask:02X?}");
                // It may go on without a mount: power was only short.
                let mut short = store.fork();
                short.nvm_mut().left = None;
                run(&mut short).expect("commits after a fault");
                assert_eq!(values(&again(short)), state);

                let torn = Small::of(store.into_nvm().bytes);
                let mut settled = Store::mount(torn.clone()).map_err(|(error, _)| error).expect("mounts");
                let seen = values(&settled);
                assert!(seen == before || seen == state, "round {round}, cut {cut}, {mask:02X?}");
                let recovery = settled.nvm().operations;
                if scrub && seen == state {
                    settled.nvm_mut().operations = 0;
                    assert!(living(&settled), "round {round}, cut {cut}, {mask:02X?}: an old value stays");
                }
                for second in 0..recovery {
                    let mut torn = torn.clone();
                    (torn.left, torn.mask) = (Some(second), mask);
                    let (error, twice) = Store::mount(torn).err().expect("is cut");
                    assert_eq!(error, StoreError::Fault);
                    let twice = Store::mount(Small::of(twice.bytes)).map_err(|(error, _)| error).expect("mounts");
                    assert_eq!(values(&twice), seen, "recovery changed its mind");
                }
                run(&mut settled).expect("commits after recovery");
                assert_eq!(values(&again(settled)), state);
            }
        }
        assert!(!scrub || living(&done), "round {round}: an old value stays");
        base = if round % 5 == 0 { again(done) } else { done };
    }
}

/// Whether the memory holds a header and the living values, and nothing else.
fn living(store: &Store<Small>) -> bool {
    let need: usize = values(store).iter().flatten().map(|value| 8 + value.len().next_multiple_of(WORD)).sum();
    let mut areas: Vec<&[u8]> = store.nvm().bytes.chunks(360).collect();
    areas.retain(|area| area.iter().any(|byte| *byte != 0xFF));
    matches!(areas[..], [area] if area[16 + need..].iter().all(|byte| *byte == 0xFF))
}

#[test]
fn a_memory_that_only_says_so_is_found_out() {
    let mut store = Store::format(Small::new(4)).expect("formats");
    store.commit(&[put(0, &[1])]).expect("fits");
    store.nvm_mut().silent = true;
    assert_eq!(store.commit(&[put(0, &[2])]), Err(StoreError::Fault));
    assert_eq!(store.commit_scrubbed(&[put(0, &[2])]), Err(StoreError::Fault));
    assert_eq!(store.get(Key(0)).as_deref(), Some(&[1][..]));
    store.nvm_mut().silent = false;
    store.commit(&[put(0, &[3])]).expect("works again");
    assert_eq!(again(store).get(Key(0)).as_deref(), Some(&[3][..]));
    // One that only says it erased keeps what it had.
    let mut silent = Small::of(areas(&header(1, 2), &header(1, 1)));
    silent.silent = true;
    assert_eq!(Store::mount(silent).err().map(|(error, _)| error), Some(StoreError::Fault));
}

#[test]
fn snapshots_are_whole_and_values_are_not_printed() {
    let mut store = Store::format(Small::new(4)).expect("formats");
    store.commit(&[put(0, &[0xA5, 0xA5])]).expect("fits");
    let before = store.fork();
    store.commit_scrubbed(&[put(0, &[9]), put(1, &[8; 40])]).expect("fits");
    let after = store.fork();
    store.restore(&before);
    assert_eq!((values(&store), &store.nvm().bytes), (values(&before), &before.nvm().bytes));
    store.commit(&[put(2, &[7])]).expect("goes on from there");
    assert_eq!(values(&again(store))[..3], [Some(vec![0xA5, 0xA5]), None, Some(vec![7])]);
    assert_eq!(values(&after)[..2], [Some(vec![9]), Some(vec![8; 40])]);
    assert_eq!(format!("{:?}", before.get(Key(0))), "Some(Value(2 bytes))");
    assert_eq!(format!("{:?}", put(1, &[0xA5; 3])), "Put(Key(1), 3 bytes)");
    assert_eq!(format!("{:?}", delete(1)), "Delete(Key(1))");
}
