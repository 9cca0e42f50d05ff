//! The arithmetic coder MQ. (ISO/IEC 15444-1 annex C)

/// Value of Qe, next state after the more and after the less probable symbol, and whether the latter changes sides. (table C.2)
#[rustfmt::skip]
const STATES: [(u32, u8, u8, bool); 47] = [
    (0x5601, 1, 1, true), (0x3401, 2, 6, false), (0x1801, 3, 9, false), (0x0AC1, 4, 12, false),
    (0x0521, 5, 29, false), (0x0221, 38, 33, false), (0x5601, 7, 6, true), (0x5401, 8, 14, false),
    (0x4801, 9, 14, false), (0x3801, 10, 14, false), (0x3001, 11, 17, false), (0x2401, 12, 18, false),
    (0x1C01, 13, 20, false), (0x1601, 29, 21, false), (0x5601, 15, 14, true), (0x5401, 16, 14, false),
    (0x5101, 17, 15, false), (0x4801, 18, 16, false), (0x3801, 19, 17, false), (0x3401, 20, 18, false),
    (0x3001, 21, 19, false), (0x2801, 22, 19, false), (0x2401, 23, 20, false), (0x2201, 24, 21, false),
    (0x1C01, 25, 22, false), (0x1801, 26, 23, false), (0x1601, 27, 24, false), (0x1401, 28, 25, false),
    (0x1201, 29, 26, false), (0x1101, 30, 27, false), (0x0AC1, 31, 28, false), (0x09C1, 32, 29, false),
    (0x08A1, 33, 30, false), (0x0521, 34, 31, false), (0x0441, 35, 32, false), (0x02A1, 36, 33, false),
    (0x0221, 37, 34, false), (0x0141, 38, 35, false), (0x0111, 39, 36, false), (0x0085, 40, 37, false),
    (0x0049, 41, 38, false), (0x0025, 42, 39, false), (0x0015, 43, 40, false), (0x0009, 44, 41, false),
    (0x0005, 45, 42, false), (0x0001, 45, 43, false), (0x5601, 46, 46, false),
];

/// What is known about the next symbol in a situation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context {
    state: u8,
    likely: bool,
}

impl Context {
    /// In a state, with 0 as the more probable symbol.
    pub(super) const fn new(state: u8) -> Self {
        Context { state, likely: false }
    }
}

/// Makes bytes of symbols.
#[derive(Debug)]
pub(super) struct Encoder {
    interval: u32,
    code: u32,
    shifts: u32,
    /// The first is no part of the output, but may take a carry that never comes.
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Encoder { interval: 0x8000, code: 0, shifts: 12, bytes: vec![0] }
    }

    /// Codes one symbol. (C.2.6)
    pub(super) fn put(&mut self, context: &mut Context, symbol: bool) {
        let (qe, after_likely, after_unlikely, changes) = STATES[usize::from(context.state)];
        self.interval -= qe;
        let likely = symbol == context.likely;
        if likely && self.interval & 0x8000 != 0 {
            self.code += qe;
            return;
        }
        // The larger part goes to the more probable symbol.
        if (self.interval < qe) == likely {
            self.interval = qe;
        } else {
            self.code += qe;
        }
        if likely {
            context.state = after_likely;
        } else {
            context.likely ^= changes;
            context.state = after_unlikely;
        }
        self.renormalise();
    }

    fn renormalise(&mut self) {
        while self.interval & 0x8000 == 0 {
            self.interval <<= 1;
            self.code <<= 1;
            self.shifts -= 1;
            if self.shifts == 0 {
                self.byte_out();
            }
        }
    }

    /// Moves a byte out of the code register; after FF only seven bits, so that a carry has room. (C.2.8)
    fn byte_out(&mut self) {
        let mut stuffed = self.bytes.last() == Some(&0xFF);
        if !stuffed && self.code & 0x800_0000 != 0 {
            if let Some(last) = self.bytes.last_mut() {
                *last += 1;
                stuffed = *last == 0xFF;
            }
            self.code &= 0x7FF_FFFF;
        }
        let bits = if stuffed { 7 } else { 8 };
        self.bytes.push((self.code >> (27 - bits)) as u8);
        self.code &= (1 << (27 - bits)) - 1;
        self.shifts = bits;
    }

    /// All bytes. (C.2.9)
    pub(super) fn finish(mut self) -> Vec<u8> {
        let end = self.code + self.interval;
        self.code |= 0xFFFF;
        if self.code >= end {
            self.code -= 0x8000;
        }
        for _ in 0..2 {
            self.code <<= self.shifts;
            self.byte_out();
        }
        if self.bytes.last() == Some(&0xFF) {
            self.bytes.pop();
        }
        self.bytes.remove(0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test sequence of ITU-T T.88, H.2, which describes the same coder. Its last two bytes, FF AC, are a marker.
    #[test]
    fn the_test_sequence_of_the_standard() {
        let input: [u8; 32] = [
            0x00, 0x02, 0x00, 0x51, 0x00, 0x00, 0x00, 0xC0, 0x03, 0x52, 0x87, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x82, 0xC0,
            0x20, 0x00, 0xFC, 0xD7, 0x9E, 0xF6, 0xBF, 0x7F, 0xED, 0x90, 0x4F, 0x46, 0xA3, 0xBF,
        ];
        let output: [u8; 28] = [
            0x84, 0xC7, 0x3B, 0xFC, 0xE1, 0xA1, 0x43, 0x04, 0x02, 0x20, 0x00, 0x00, 0x41, 0x0D, 0xBB, 0x86, 0xF4, 0x31,
            0x7F, 0xFF, 0x88, 0xFF, 0x37, 0x47, 0x1A, 0xDB, 0x6A, 0xDF,
        ];
        let (mut encoder, mut context) = (Encoder::new(), Context::new(0));
        for byte in input {
            for bit in (0..8).rev() {
                encoder.put(&mut context, byte >> bit & 1 == 1);
            }
        }
        assert_eq!(encoder.finish(), output);
    }
}
