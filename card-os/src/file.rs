//! Contents of files, data objects and keys, as blocks in the store.
//!
//! Every object has two banks. Its head record names the living bank and the length; a [`Writing`] fills the other bank
//! block by block and [`Writing::finish`] turns the head, in one commit. So a replacement may take many commands and still
//! is all or nothing under power loss, and what was interrupted is simply written again.

use crate::{
    access::{Granted, Read, UsesKey, Writes},
    platform::Nvm,
    profile::{Kind, Model, Object, Size},
    refusal::Refusal,
    store::{Store, StoreError, Update, VALUE_MAX},
};

/// Bytes in one block.
pub const BLOCK: usize = VALUE_MAX;
/// Most blocks of one object.
pub const BLOCKS: usize = 24;

const HEAD: u8 = 0x00;
const BANKS: [u8; 2] = [0x40, 0x80];

/// Where the living content of an object is.
#[derive(Debug, Clone, Copy)]
struct Head {
    bank: u8,
    length: u16,
}

impl Head {
    fn of<N: Nvm>(store: &Store<N>, object: &Object) -> Option<Self> {
        match store.array(object.key(HEAD)) {
            Some([bank, high, low]) if BANKS.contains(&bank) => {
                Some(Head { bank, length: u16::from_be_bytes([high, low]) })
            }
            _ => None,
        }
    }
}

/// Whether the object was ever written, whole.
pub fn is_stored<N: Nvm>(store: &Store<N>, object: &Object) -> bool {
    Head::of(store, object).is_some()
}

/// Bytes written, or `None` for an object never written.
pub fn length<N: Nvm>(store: &Store<N>, object: &Object) -> Option<usize> {
    Head::of(store, object).map(|head| usize::from(head.length))
}

/// Bytes that a transparent EF has for READ BINARY.
pub fn size<N: Nvm>(store: &Store<N>, object: &Object, size: Size) -> usize {
    match size {
        Size::Fixed(size) => usize::from(size),
        Size::Written(most) => length(store, object).unwrap_or(0).min(usize::from(most)),
    }
}

/// Whether the certificate that a private key needs is stored; true for a key that needs none.
pub fn is_certified<N: Nvm>(store: &Store<N>, key: &Object) -> bool {
    key.certificate().is_none_or(|certificate| store.contains(key.sibling_key(certificate, HEAD)))
}

/// Copies content from `offset` on into `out`; what was never written reads as 00.
pub fn read<N: Nvm>(granted: &Granted<Read>, store: &Store<N>, offset: usize, out: &mut [u8]) {
    read_object(store, granted.object(), offset, out);
}

/// Reads the key behind a grant to use it.
pub fn read_key<N: Nvm, Op: UsesKey>(granted: &Granted<Op>, store: &Store<N>, out: &mut [u8]) {
    read_object(store, granted.object(), 0, out);
}

/// Reads a public key that the card checks signatures with; 00 where there is none.
pub fn read_public_key<N: Nvm>(store: &Store<N>, object: &Object, out: &mut [u8]) {
    if object.kind == Kind::PublicKey {
        read_object(store, object, 0, out);
    } else {
        out.fill(0);
    }
}

fn read_object<N: Nvm>(store: &Store<N>, object: &Object, offset: usize, out: &mut [u8]) {
    match Head::of(store, object) {
        Some(head) => read_bank(store, object, head, offset, out),
        None => out.fill(0),
    }
}

fn read_bank<N: Nvm>(store: &Store<N>, object: &Object, head: Head, offset: usize, out: &mut [u8]) {
    out.fill(0);
    let (mut rest, mut at) = (out, offset);
    while at < usize::from(head.length) && !rest.is_empty() {
        let (block, skip) = (at / BLOCK, at % BLOCK);
        let take = rest.len().min(BLOCK - skip);
        let (target, tail) = rest.split_at_mut(take);
        // A block that was never written leaves what stands there, which is 00.
        let _ = store.with(block_key(object, head.bank, block), |value| {
            for (slot, byte) in target.iter_mut().zip(value.iter().skip(skip)) {
                *slot = *byte;
            }
        });
        rest = tail;
        at += take;
    }
}

fn block_key(object: &Object, bank: u8, block: usize) -> crate::store::Key {
    object.key(bank | (u8::try_from(block).unwrap_or(u8::MAX) & 0x3F))
}

/// A replacement of an object's content that is under way.
#[derive(Debug)]
pub struct Writing {
    object: &'static Object,
    bank: u8,
    length: u16,
}

impl Writing {
    /// Begins in the bank that is not living, after removing what an interrupted attempt left there.
    ///
    /// # Errors
    /// [`StoreError`] of the medium.
    pub fn begin<N: Nvm, Op: Writes>(granted: &Granted<Op>, store: &mut Store<N>) -> Result<Self, StoreError> {
        let object = granted.object();
        let bank = match Head::of(store, object) {
            Some(Head { bank: 0x40, .. }) => 0x80,
            _ => 0x40,
        };
        wipe(store, object, bank)?;
        Ok(Writing { object, bank, length: 0 })
    }

    /// Appends bytes; each block that they touch is one commit.
    ///
    /// # Errors
    /// [`Refusal::Data`] beyond the blocks an object may have; [`Refusal::Memory`] of the medium.
    pub fn append<N: Nvm>(&mut self, store: &mut Store<N>, mut data: &[u8]) -> Result<(), Refusal> {
        while !data.is_empty() {
            let (block, filled) = (usize::from(self.length) / BLOCK, usize::from(self.length) % BLOCK);
            if block >= BLOCKS {
                return Err(Refusal::Data);
            }
            let (now, later) = data.split_at(data.len().min(BLOCK - filled));
            let mut value = zeroize::Zeroizing::new([0u8; BLOCK]);
            read_bank(store, self.object, Head { bank: self.bank, length: self.length }, block * BLOCK, value.as_mut());
            for (slot, byte) in value.iter_mut().skip(filled).zip(now) {
                *slot = *byte;
            }
            let value = value.get(..filled + now.len()).unwrap_or_default();
            store.commit(&[Update::Put { key: block_key(self.object, self.bank, block), value }])?;
            self.length = u16::try_from(usize::from(self.length) + now.len()).map_err(|_| Refusal::Data)?;
            data = later;
        }
        Ok(())
    }

    /// Reads back what was appended so far.
    pub fn read_back<N: Nvm>(&self, store: &Store<N>, out: &mut [u8]) {
        read_bank(store, self.object, Head { bank: self.bank, length: self.length }, 0, out);
    }

    /// Makes the new content the living one and forgets the old. A private key leaves no copy of the old one in memory, and
    /// takes the certificate of the old one with it: a card never shows a certificate that its key does not belong to.
    ///
    /// # Errors
    /// [`StoreError`] of the medium; old or new content is then living, whole.
    pub fn finish<N: Nvm>(self, store: &mut Store<N>) -> Result<(), StoreError> {
        let [high, low] = self.length.to_be_bytes();
        let head = [self.bank, high, low];
        let old = if self.bank == 0x40 { 0x80 } else { 0x40 };
        let mut updates = remove(store, self.object, old);
        // Never full: `remove` yields at most BLOCKS deletions.
        let _ = updates.push(Update::Put { key: self.object.key(HEAD), value: &head });
        if let Some(certificate) = self.object.certificate() {
            let _ = updates.push(Update::Delete { key: self.object.sibling_key(certificate, HEAD) });
        }
        if is_secret(self.object) { store.commit_scrubbed(&updates) } else { store.commit(&updates) }
    }

    /// Gives up, leaving the old content and nothing of the new one.
    ///
    /// # Errors
    /// [`StoreError`] of the medium; [`wipe_unfinished_keys`] then has it to do.
    pub fn abandon<N: Nvm>(self, store: &mut Store<N>) -> Result<(), StoreError> {
        wipe(store, self.object, self.bank)
    }

    /// The same replacement in a duplicated card.
    pub(crate) fn fork(&self) -> Self {
        Writing { object: self.object, bank: self.bank, length: self.length }
    }
}

fn is_secret(object: &Object) -> bool {
    matches!(object.kind, Kind::PrivateKey { .. })
}

/// Removes what a private key's interrupted replacement left in the bank that is not living. Part of every start.
///
/// # Errors
/// [`StoreError`] of the medium; the next start has it to do.
pub fn wipe_unfinished_keys<N: Nvm>(store: &mut Store<N>, model: &Model) -> Result<(), StoreError> {
    for object in model.objects().filter(|object| is_secret(object)) {
        let living = Head::of(store, object).map(|head| head.bank);
        for bank in BANKS.into_iter().filter(|bank| Some(*bank) != living) {
            wipe(store, object, bank)?;
        }
    }
    Ok(())
}

fn wipe<N: Nvm>(store: &mut Store<N>, object: &Object, bank: u8) -> Result<(), StoreError> {
    let leftover = remove(store, object, bank);
    match leftover.is_empty() {
        true => Ok(()),
        false if is_secret(object) => store.commit_scrubbed(&leftover),
        false => store.commit(&leftover),
    }
}

/// Deletions of a bank's blocks, with room for two more updates.
fn remove<'a, N: Nvm>(store: &Store<N>, object: &Object, bank: u8) -> heapless::Vec<Update<'a>, { BLOCKS + 2 }> {
    (0..BLOCKS)
        .map(|block| block_key(object, bank, block))
        .filter(|key| store.contains(*key))
        .map(|key| Update::Delete { key })
        .collect()
}
