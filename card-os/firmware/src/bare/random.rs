//! Randomness by a seed: the simulator's, so that both cards of a pair draw the same numbers. A chip has a source of its own in its
//! place. It is ChaCha20 (RFC 8439 §2.3) with a counter of 64 bits, one block at a time: libraries make four, in more code.

use rand_core::{Infallible, SeedableRng, TryCryptoRng, TryRng};

/// Rows of four words: constants, key, key, counter and nonce.
type Block = [[u32; 4]; 4];

/// ChaCha20.
pub(super) struct Random {
    state: Block,
    block: Block,
    /// Words of the block that were given out.
    given: usize,
}

impl Random {
    /// The same numbers for the same seed.
    pub(super) fn seeded(seed: u64) -> Self {
        Random::seed_from_u64(seed)
    }

    fn word(&mut self) -> u32 {
        let word = match self.block.as_flattened().get(self.given) {
            Some(word) => *word,
            None => {
                self.block = next(&mut self.state);
                self.given = 0;
                self.block[0][0]
            }
        };
        self.given += 1;
        word
    }
}

/// The block of a state, which is then the state of the block that follows.
fn next(state: &mut Block) -> Block {
    let mut block = *state;
    for _ in 0..10 {
        for diagonal in [0, 1] {
            for at in 0..4 {
                let [a, b, c, d] = &mut block;
                let place = |row: usize| (at + diagonal * row) & 3;
                quarter([&mut a[place(0)], &mut b[place(1)], &mut c[place(2)], &mut d[place(3)]]);
            }
        }
    }
    for (word, before) in block.as_flattened_mut().iter_mut().zip(state.as_flattened()) {
        *word = word.wrapping_add(*before);
    }
    let [_, _, _, [low, high, ..]] = state;
    *low = low.wrapping_add(1);
    if *low == 0 {
        *high = high.wrapping_add(1);
    }
    block
}

/// The quarter round. (RFC 8439 §2.1)
fn quarter([a, b, c, d]: [&mut u32; 4]) {
    for [first, second] in [[16, 12], [8, 7]] {
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(first);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(second);
    }
}

impl SeedableRng for Random {
    type Seed = [u8; 32];

    fn from_seed(seed: [u8; 32]) -> Self {
        let mut state = [[0; 4]; 4];
        let words = b"expand 32-byte k".iter().chain(&seed).copied();
        for (at, byte) in words.enumerate() {
            state[at / 16][at / 4 % 4] |= u32::from(byte) << (at % 4 * 8);
        }
        Random { state, block: state, given: 16 }
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.word()) | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(4) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Random {}
