//! Subbands: where their coefficients lie, and how finely they are kept. (ISO/IEC 15444-1 annexes B.5, E)

/// Guard bits. (E.1)
pub(super) const GUARD: u32 = 2;
/// Bits of a point.
const DEPTH: i32 = 8;

/// Which frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Low both ways.
    LL,
    /// High across.
    HL,
    /// High down.
    LH,
    /// High both ways.
    HH,
}

/// A rectangle of coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subband {
    pub(super) kind: Kind,
    /// Level that made it, 1 the finest.
    pub(super) level: usize,
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// All subbands in the order of the codestream, the coarsest first.
pub(super) fn all(width: usize, height: usize, levels: usize) -> Vec<Subband> {
    let size = |level: usize| (width.div_ceil(1 << level), height.div_ceil(1 << level));
    let (low, high) = size(levels);
    let mut subbands = vec![Subband { kind: Kind::LL, level: levels, left: 0, top: 0, width: low, height: high }];
    for level in (1..=levels).rev() {
        let ((left, top), (right, bottom)) = (size(level), size(level - 1));
        let (width, height) = (right - left, bottom - top);
        subbands.extend([
            Subband { kind: Kind::HL, level, left, top: 0, width, height: top },
            Subband { kind: Kind::LH, level, left: 0, top, width: left, height },
            Subband { kind: Kind::HH, level, left, top, width, height },
        ]);
    }
    subbands
}

/// A quantisation step as the codestream has it: 2^(R − exponent) · (1 + mantissa / 2048).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub(super) exponent: u32,
    pub(super) mantissa: u32,
    /// Its value.
    pub(super) size: f64,
}

impl Step {
    /// Bit planes that a coefficient can have. (equation E-2)
    pub(super) fn planes(self) -> u32 {
        GUARD + self.exponent - 1
    }

    fn new(wanted: f64, kind: Kind) -> Self {
        let range = DEPTH + [0, 1, 1, 2][kind as usize];
        let (mut power, mut size) = (0, 1.0);
        while size > wanted && power > range - 31 {
            (power, size) = (power - 1, size / 2.0);
        }
        while size * 2.0 <= wanted && power < range {
            (power, size) = (power + 1, size * 2.0);
        }
        let eighths = ((wanted / size - 1.0) * 2048.0) as u32;
        let mantissa = eighths.min(2047);
        let exponent = u32::try_from(range - power).unwrap_or(0);
        Step { exponent, mantissa, size: size * (1.0 + f64::from(mantissa) / 2048.0) }
    }
}

/// The steps of all subbands: as coarse as keeps their errors equal in the picture.
#[derive(Debug, Clone)]
pub(super) struct Quantisation {
    base: f64,
    levels: usize,
}

/// How much an error of one in a coefficient weighs in the picture, by level: the norms of the synthesis of the 9/7 wavelet.
const NORMS: [(Kind, [f64; 5]); 4] = [
    (Kind::LL, [1.965, 4.177, 8.403, 16.90, 33.84]),
    (Kind::HL, [1.011, 1.995, 4.178, 8.520, 17.14]),
    (Kind::LH, [1.011, 1.995, 4.178, 8.520, 17.14]),
    (Kind::HH, [0.520, 0.966, 2.077, 4.295, 8.678]),
];

impl Quantisation {
    /// Coarser with each number, doubled with each 16.
    pub(super) fn new(coarseness: u32, levels: usize) -> Self {
        let octave = f64::from(1u32 << (coarseness / 16).min(31)) / 4.0;
        Quantisation { base: octave * (1.0 + f64::from(coarseness % 16) / 16.0), levels }
    }

    /// The step of a subband.
    pub(super) fn step(&self, subband: &Subband) -> Step {
        let (_, norms) = NORMS[subband.kind as usize];
        let norm = norms[(subband.level.min(self.levels).max(1) - 1).min(norms.len() - 1)];
        Step::new(self.base / norm, subband.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subbands_fill_the_picture() {
        for (width, height) in [(378, 472), (1, 1), (33, 2)] {
            let subbands = all(width, height, 5);
            assert_eq!(subbands.len(), 16);
            let mut seen = vec![0; width * height];
            for band in &subbands {
                for (x, y) in (0..band.height).flat_map(|y| (0..band.width).map(move |x| (x, y))) {
                    seen[(band.top + y) * width + band.left + x] += 1;
                }
            }
            assert!(seen.iter().all(|times| *times == 1));
        }
    }

    #[test]
    fn steps_are_what_their_codes_say() {
        for (coarseness, band) in (0..=160).flat_map(|c| all(378, 472, 5).into_iter().map(move |band| (c, band))) {
            let step = Quantisation::new(coarseness, 5).step(&band);
            let range = 8 + [0, 1, 1, 2][band.kind as usize];
            let value = 2f64.powi(range - step.exponent as i32) * (1.0 + f64::from(step.mantissa) / 2048.0);
            assert_eq!(value, step.size);
            assert!(step.exponent < 32 && step.mantissa < 2048 && (1..=37).contains(&step.planes()), "{step:?}");
        }
    }
}
