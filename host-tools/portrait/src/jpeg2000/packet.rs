//! Packets: the code-blocks of one resolution, and a header that says where they end. (ISO/IEC 15444-1 B.9, B.10)

use super::{
    block::{self, Block},
    subband::{Step, Subband},
    tag_tree::TagTree,
};

/// Width and height of code-blocks, a power of two.
pub(super) const BLOCK: usize = 64;

/// A subband, coded.
#[derive(Debug)]
pub(super) struct Coded {
    across: usize,
    blocks: Vec<Block>,
    /// Bit planes that could be.
    planes: u32,
}

impl Coded {
    /// Quantises and codes.
    pub(super) fn new(subband: &Subband, coefficients: &[f64], stride: usize, step: Step) -> Self {
        let (across, down) = (subband.width.div_ceil(BLOCK), subband.height.div_ceil(BLOCK));
        let coded = |number: usize| {
            let (left, top) = (number % across * BLOCK, number / across * BLOCK);
            let (width, height) = (BLOCK.min(subband.width - left), BLOCK.min(subband.height - top));
            let start = (subband.top + top) * stride + subband.left + left;
            let rows = (0..height).flat_map(|y| &coefficients[start + y * stride..][..width]);
            let values: Vec<i32> = rows.map(|value| (value / step.size) as i32).collect();
            block::encode(&values, width, subband.kind)
        };
        Coded { across, blocks: (0..across * down).map(coded).collect(), planes: step.planes() }
    }
}

/// Appends the packet of a resolution.
pub(super) fn write(subbands: &[Coded], out: &mut Vec<u8>) {
    let mut bits = Bits::default();
    let filled = subbands.iter().flat_map(|subband| &subband.blocks).any(|block| block.passes > 0);
    bits.put(u32::from(filled), 1);
    if filled {
        for subband in subbands.iter().filter(|subband| !subband.blocks.is_empty()) {
            header(subband, &mut bits);
        }
    }
    out.extend(bits.finish());
    out.extend(subbands.iter().flat_map(|subband| &subband.blocks).flat_map(|block| &block.bytes));
}

/// What the header says about a subband: which blocks there are, their empty bit planes, passes and lengths.
fn header(subband: &Coded, bits: &mut Bits) {
    let (across, down) = (subband.across, subband.blocks.len().div_ceil(subband.across.max(1)));
    let table = |value: &dyn Fn(&Block) -> u32| {
        TagTree::new(across, down, &subband.blocks.iter().map(value).collect::<Vec<_>>())
    };
    let mut missing = table(&|block| u32::from(block.passes == 0));
    let mut empty_planes = table(&|block| subband.planes.saturating_sub(block.planes));
    for (number, block) in subband.blocks.iter().enumerate() {
        let (x, y) = (number % across, number / across);
        missing.tell(x, y, 1, bits);
        if block.passes > 0 {
            empty_planes.tell(x, y, u32::MAX, bits);
            passes(block.passes, bits);
            length(block.bytes.len(), block.passes, bits);
        }
    }
}

/// Number of coding passes. (table B.4)
fn passes(count: u32, bits: &mut Bits) {
    match count {
        0 | 1 => bits.put(0, 1),
        2 => bits.put(0b10, 2),
        3..=5 => bits.put(0b1100 | (count - 3), 4),
        6..=36 => bits.put(0b1111 << 5 | (count - 6), 9),
        _ => bits.put(0x1FF << 7 | (count - 37), 16),
    }
}

/// Length in bytes, in as many bits as the unary number before it adds to three and the logarithm of the passes. (B.10.7)
fn length(bytes: usize, passes: u32, bits: &mut Bits) {
    let length = u32::try_from(bytes).unwrap_or(u32::MAX);
    let (needed, free) = (u32::BITS - length.leading_zeros(), 3 + passes.max(1).ilog2());
    for _ in free..needed {
        bits.put(1, 1);
    }
    bits.put(0, 1);
    bits.put(length, needed.max(free));
}

/// Bits of a packet header; after a byte FF comes one that begins with 0. (B.10.1)
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    current: u8,
    used: u32,
}

impl Bits {
    /// The lowest bits of a value, the highest of them first.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.current = self.current << 1 | (value >> bit & 1) as u8;
            self.used += 1;
            if self.used == self.room() {
                self.next();
            }
        }
    }

    fn room(&self) -> u32 {
        if self.bytes.last() == Some(&0xFF) { 7 } else { 8 }
    }

    fn next(&mut self) {
        self.bytes.push(self.current);
        (self.current, self.used) = (0, 0);
    }

    /// All bytes, the last one filled up. None of them ends in FF.
    fn finish(mut self) -> Vec<u8> {
        while self.used > 0 || self.bytes.last() == Some(&0xFF) {
            self.put(0, 1);
        }
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let whole = self.bytes.iter().map(|byte| format!("{byte:08b}")).collect::<String>();
        let rest = format!("{:08b}", self.current);
        whole + &rest[8 - self.used as usize..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_have_the_codes_of_the_table() {
        for (count, code) in [
            (1, "0"),
            (2, "10"),
            (3, "1100"),
            (5, "1110"),
            (6, "111100000"),
            (36, "111111110"),
            // Nine ones and seven digits; a bit is stuffed after the first eight.
            (37, "11111111010000000"),
            (164, "11111111011111111"),
        ] {
            let mut bits = Bits::default();
            passes(count, &mut bits);
            assert_eq!(bits.text(), code, "{count}");
        }
    }

    #[test]
    fn lengths_have_room() {
        for (bytes, count, code) in [(7, 1, "0111"), (8, 1, "101000"), (6, 3, "00110"), (300, 10, "1110100101100")] {
            let mut bits = Bits::default();
            length(bytes, count, &mut bits);
            assert_eq!(bits.text(), code, "{bytes} {count}");
        }
    }

    #[test]
    fn no_two_bytes_look_like_a_marker() {
        let mut bits = Bits::default();
        bits.put(u32::MAX, 23);
        assert_eq!(bits.finish(), [0xFF, 0x7F, 0xFF, 0x00]);
        let mut bits = Bits::default();
        bits.put(u32::MAX, 24);
        assert_eq!(bits.finish(), [0xFF, 0x7F, 0xFF, 0x40]);
    }
}
