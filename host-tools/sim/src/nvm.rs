//! Flash memory on a host, and the probes that hurt it.
//!
//! [`Flash`] asserts the contract of [`Nvm`]: a word written twice without an erase, or an access off the grid, is a bug of
//! the card and panics. [`Torn`] pulls the power at one operation. Both are plain values: a clone is a snapshot, and
//! [`Clone::clone_from`] goes back to one at the cost of what has changed since [`Flash::settle`].

use card_os::platform::{Nvm, NvmFault, WORD};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes in one page of [`Flash`].
pub const PAGE: usize = 512;

/// What a written image may be: a multiple of two pages, up to this.
pub const SIZE_MAX: usize = 1 << 20;

/// Bytes of memory whose change is noted together.
const LINE: usize = 64;

/// Memory of a simulated chip.
pub struct Flash {
    bytes: Vec<u8>,
    /// One flag a word: written since the last erase.
    written: Vec<bool>,
    erases: u64,
    words: u64,
    /// Which content `changed` counts from; memories with the same base differ in lines that one of them notes, at most.
    base: u64,
    /// One bit a line: touched since.
    changed: Vec<u64>,
}

impl Flash {
    /// Erased memory of `size` bytes.
    ///
    /// # Panics
    /// Where `size` is no multiple of two pages, or beyond [`SIZE_MAX`].
    #[must_use]
    pub fn new(size: usize) -> Self {
        Flash::from_bytes(vec![0xFF; size]).expect("a multiple of two pages")
    }

    /// Memory with this content. `None` for a size that is no multiple of two pages, or beyond [`SIZE_MAX`].
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let fits = !bytes.is_empty() && bytes.len() <= SIZE_MAX && bytes.len().is_multiple_of(2 * PAGE);
        let written = bytes.chunks_exact(WORD).map(|word| word != [0xFF; WORD]).collect();
        fits.then(|| {
            let changed = vec![0; bytes.len().div_ceil(LINE * 64)];
            Flash { bytes, written, erases: 0, words: 0, base: fresh(), changed }
        })
    }

    /// From now on copies between this memory and its clones, [`Clone::clone_from`], cost what has changed since.
    pub fn settle(&mut self) {
        self.base = fresh();
        self.changed.fill(0);
    }

    /// Notes that these bytes change.
    fn touch(&mut self, from: usize, to: usize) {
        for line in from / LINE..to.div_ceil(LINE) {
            self.changed[line / 64] |= 1 << (line % 64);
        }
    }

    /// The content.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Pages erased and words written so far; grows with every change.
    #[must_use]
    pub fn wear(&self) -> (u64, u64) {
        (self.erases, self.words)
    }
}

/// No key and no PIN stays behind where the memory was.
impl Drop for Flash {
    fn drop(&mut self) {
        // Memories come and go by the million in a search, and 64 KiB take microseconds byte by byte. What is shown to somebody who
        // may look at it is written.
        self.bytes.fill(0);
        std::hint::black_box(&mut self.bytes);
    }
}

/// A base that no memory has had.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Clone for Flash {
    fn clone(&self) -> Self {
        let Flash { bytes, written, erases, words, base, changed } = self;
        let (bytes, written, changed) = (bytes.clone(), written.clone(), changed.clone());
        Flash { bytes, written, erases: *erases, words: *words, base: *base, changed }
    }

    /// Where both come from the same [`Flash::settle`], copies only what has changed in one of them since.
    fn clone_from(&mut self, source: &Self) {
        if self.base != source.base {
            *self = source.clone();
            return;
        }
        for (at, (own, theirs)) in self.changed.iter_mut().zip(&source.changed).enumerate() {
            let mut lines = *own | *theirs;
            *own = *theirs;
            while lines != 0 {
                let from = (at * 64 + lines.trailing_zeros() as usize) * LINE;
                lines &= lines - 1;
                self.bytes[from..from + LINE].copy_from_slice(&source.bytes[from..from + LINE]);
                let words = from / WORD..(from + LINE) / WORD;
                self.written[words.clone()].copy_from_slice(&source.written[words]);
            }
        }
        (self.erases, self.words) = (source.erases, source.words);
    }
}

/// The content and what it has been through.
impl PartialEq for Flash {
    fn eq(&self, other: &Self) -> bool {
        (&self.bytes, &self.written, self.wear()) == (&other.bytes, &other.written, other.wear())
    }
}

impl Eq for Flash {}

/// Sizes only: the content holds keys and PINs.
impl std::fmt::Debug for Flash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flash({} bytes, {} erases, {} words)", self.bytes.len(), self.erases, self.words)
    }
}

impl Nvm for Flash {
    const PAGE: usize = PAGE;

    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn read(&self, at: usize, out: &mut [u8]) {
        let Some(source) = self.bytes.get(at..at + out.len()) else {
            out.fill(0xFF);
            return;
        };
        out.copy_from_slice(source);
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault> {
        assert!(at.is_multiple_of(WORD) && data.len().is_multiple_of(WORD), "write off the word grid at {at:#x}");
        assert!(at + data.len() <= self.bytes.len(), "write beyond the memory at {at:#x}");
        for word in at / WORD..(at + data.len()) / WORD {
            assert!(!self.written[word], "word {word:#x} is written twice without an erase");
            self.written[word] = true;
        }
        self.touch(at, at + data.len());
        self.bytes[at..at + data.len()].copy_from_slice(data);
        self.words += (data.len() / WORD) as u64;
        Ok(())
    }

    fn erase(&mut self, at: usize) -> Result<(), NvmFault> {
        assert!(at.is_multiple_of(PAGE) && at < self.bytes.len(), "erase off the page grid at {at:#x}");
        self.touch(at, at + PAGE);
        self.bytes[at..at + PAGE].fill(0xFF);
        self.written[at / WORD..(at + PAGE) / WORD].fill(false);
        self.erases += 1;
        Ok(())
    }
}

/// What a cut leaves in the word or page in flight. All five obey the contract: a write only clears bits, an erase only
/// sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tear {
    /// Nothing happened.
    Before,
    /// It was complete, and then power went.
    After,
    /// The first half of the bytes.
    FirstHalf,
    /// The last half of the bytes.
    LastHalf,
    /// Any subset of the bits, by seed.
    Bits(u64),
}

impl Tear {
    /// One of each, with a seed for the bits.
    #[must_use]
    pub const fn all(seed: u64) -> [Tear; 5] {
        [Tear::Before, Tear::After, Tear::FirstHalf, Tear::LastHalf, Tear::Bits(seed)]
    }

    /// Which bits of byte `index` of `length` take their new value.
    fn mask(self, index: usize, length: usize) -> u8 {
        match self {
            Tear::Before => 0x00,
            Tear::After => 0xFF,
            Tear::FirstHalf => u8::from(index < length / 2) * 0xFF,
            Tear::LastHalf => u8::from(index >= length / 2) * 0xFF,
            Tear::Bits(seed) => {
                // SplitMix64 of seed and place.
                let mut bits = seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                ((bits ^ (bits >> 31)) & 0xFF) as u8
            }
        }
    }
}

/// A memory whose power goes at one operation, a word written or a page erased; afterwards nothing changes any more.
#[derive(Debug)]
pub struct Torn<N> {
    inner: N,
    /// Operations until the cut, and what it leaves.
    armed: Option<(u64, Tear)>,
    operations: u64,
    dead: bool,
}

impl<N: Nvm> Torn<N> {
    /// A probe that does nothing until armed.
    pub fn new(inner: N) -> Self {
        Torn { inner, armed: None, operations: 0, dead: false }
    }

    /// Cuts the power in operation number `operation`, counted from 0 and from now.
    pub fn arm(&mut self, operation: u64, tear: Tear) {
        (self.armed, self.operations, self.dead) = (Some((operation, tear)), 0, false);
    }

    /// Disarms, and counts operations from now.
    pub fn disarm(&mut self) {
        (self.armed, self.operations, self.dead) = (None, 0, false);
    }

    /// Words written and pages erased since it was armed or disarmed.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// Whether power is gone.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// What is left in the memory.
    pub fn into_inner(self) -> N {
        self.inner
    }

    /// The memory behind the probe.
    pub fn inner(&self) -> &N {
        &self.inner
    }

    /// The memory behind the probe, where it is a probe itself.
    pub fn inner_mut(&mut self) -> &mut N {
        &mut self.inner
    }

    /// Counts one operation. `Some` where the power goes in it.
    fn tick(&mut self) -> Option<Tear> {
        let cut = self.armed.filter(|(at, _)| *at == self.operations).map(|(_, tear)| tear);
        self.operations += 1;
        self.dead |= cut.is_some();
        cut
    }
}

impl<N: Clone> Clone for Torn<N> {
    fn clone(&self) -> Self {
        Torn { inner: self.inner.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        self.inner.clone_from(&source.inner);
        (self.armed, self.operations, self.dead) = (source.armed, source.operations, source.dead);
    }
}

/// What is seen of the memory is seen through the probe.
impl<N> std::ops::Deref for Torn<N> {
    type Target = N;

    fn deref(&self) -> &N {
        &self.inner
    }
}

impl<N: Nvm> Nvm for Torn<N> {
    const PAGE: usize = N::PAGE;

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn read(&self, at: usize, out: &mut [u8]) {
        self.inner.read(at, out);
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault> {
        for (place, word) in (at..).step_by(WORD).zip(data.chunks(WORD)) {
            if self.dead {
                return Err(NvmFault);
            }
            let Some(tear) = self.tick() else {
                self.inner.write(place, word)?;
                continue;
            };
            let mut torn = [0; WORD];
            self.inner.read(place, &mut torn);
            for (index, (byte, new)) in torn.iter_mut().zip(word).enumerate() {
                let mask = tear.mask(index, WORD);
                *byte = (*byte & !mask) | (*new & mask);
            }
            if torn != [0xFF; WORD] {
                self.inner.write(place, &torn)?;
            }
            return Err(NvmFault);
        }
        Ok(())
    }

    fn erase(&mut self, at: usize) -> Result<(), NvmFault> {
        if self.dead {
            return Err(NvmFault);
        }
        let Some(tear) = self.tick() else { return self.inner.erase(at) };
        let mut page = vec![0; N::PAGE];
        self.inner.read(at, &mut page);
        for (index, byte) in page.iter_mut().enumerate() {
            *byte |= tear.mask(index, N::PAGE);
        }
        self.inner.erase(at)?;
        for (place, word) in (at..).step_by(WORD).zip(page.chunks(WORD)) {
            if word != [0xFF; WORD] {
                self.inner.write(place, word)?;
            }
        }
        Err(NvmFault)
    }
}

/// How a memory goes wrong while it has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Writes and erases report failure and change nothing.
    Failing,
    /// Writes and erases report success and change nothing.
    Silent,
}

/// A memory that goes wrong from one operation on.
#[derive(Debug)]
pub struct Faulty<N> {
    inner: N,
    /// The fault, and how many words written and pages erased still go well.
    fault: Option<(u64, Fault)>,
}

impl<N: Nvm> Faulty<N> {
    /// A probe that does nothing until told.
    pub fn new(inner: N) -> Self {
        Faulty { inner, fault: None }
    }

    /// From now on it behaves so.
    pub fn set(&mut self, fault: Option<Fault>) {
        self.fault = fault.map(|fault| (0, fault));
    }

    /// It behaves so from operation number `operation` on, counted from 0 and from now.
    pub fn set_at(&mut self, operation: u64, fault: Fault) {
        self.fault = Some((operation, fault));
    }

    /// What is left in the memory.
    pub fn into_inner(self) -> N {
        self.inner
    }

    /// The memory behind the probe.
    pub fn inner(&self) -> &N {
        &self.inner
    }

    /// Counts one operation. `Some` where it goes wrong.
    fn tick(&mut self) -> Option<Result<(), NvmFault>> {
        let (left, fault) = self.fault.as_mut()?;
        if *left > 0 {
            *left -= 1;
            return None;
        }
        Some(match fault {
            Fault::Failing => Err(NvmFault),
            Fault::Silent => Ok(()),
        })
    }
}

impl<N: Clone> Clone for Faulty<N> {
    fn clone(&self) -> Self {
        Faulty { inner: self.inner.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        self.inner.clone_from(&source.inner);
        self.fault = source.fault;
    }
}

impl<N: Nvm> Nvm for Faulty<N> {
    const PAGE: usize = N::PAGE;

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn read(&self, at: usize, out: &mut [u8]) {
        self.inner.read(at, out);
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault> {
        if self.fault.is_none() {
            return self.inner.write(at, data);
        }
        for (place, word) in (at..).step_by(WORD).zip(data.chunks(WORD)) {
            match self.tick() {
                Some(outcome) => outcome?,
                None => self.inner.write(place, word)?,
            }
        }
        Ok(())
    }

    fn erase(&mut self, at: usize) -> Result<(), NvmFault> {
        match self.tick() {
            Some(outcome) => outcome,
            None => self.inner.erase(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "written twice")]
    fn a_word_is_written_once() {
        let mut flash = Flash::new(2 * PAGE);
        flash.write(8, &[0, 1, 2, 3]).expect("first");
        let _ = flash.write(8, &[0, 1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "word grid")]
    fn words_stand_on_a_grid() {
        let _ = Flash::new(2 * PAGE).write(2, &[0; 4]);
    }

    #[test]
    fn going_back_to_a_settled_memory_leaves_nothing() {
        let mut flash = Flash::new(16 * PAGE);
        flash.write(4 * PAGE, &[0x11; 2 * LINE]).expect("before");
        flash.settle();
        let kept = flash.clone();
        flash.write(PAGE - 4, &[0x22; 8]).expect("over the edge of two pages");
        flash.write(16 * PAGE - 4, &[0x33; 4]).expect("the last word");
        flash.erase(4 * PAGE).expect("what stood before");
        let other = flash.clone();
        flash.clone_from(&kept);
        assert!(flash == kept);
        // The words are free again.
        flash.write(PAGE - 4, &[0x44; 8]).expect("a free word");
        // And from one clone to another, both changed.
        flash.clone_from(&other);
        assert!(flash == other && flash != kept);
        // A base of its own: everything is copied.
        let mut stranger = Flash::new(16 * PAGE);
        stranger.clone_from(&other);
        assert!(stranger == other);
        flash.settle();
        flash.clone_from(&kept);
        assert!(flash == kept);
    }

    #[test]
    fn tears_obey_the_contract() {
        for tear in Tear::all(7) {
            let mut torn = Torn::new(Flash::new(2 * PAGE));
            torn.arm(1, tear);
            assert_eq!(torn.write(0, &[0x0F; 12]), Err(NvmFault));
            let bytes = torn.into_inner().bytes().to_vec();
            assert_eq!(bytes[..4], [0x0F; 4], "the word before is complete");
            assert_eq!(bytes[8..12], [0xFF; 4], "the word after is untouched");
            assert!(bytes[4..8].iter().all(|byte| byte | 0xF0 == 0xFF), "only intended bits are cleared");
        }
    }
}
