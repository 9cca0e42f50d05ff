//! The irreversible 9/7 wavelet by lifting. (ISO/IEC 15444-1 annex F)

use crate::grey::Grey;

/// The four steps of lifting, and the scale of what comes out. (table F.4)
const STEPS: [f64; 4] = [-1.586_134_342_059_924, -0.052_980_118_572_961, 0.882_911_075_530_934, 0.443_506_852_043_971];
const SCALE: f64 = 1.230_174_104_914_001;

/// Coefficients in the place of points: after each level the low frequencies lie in the upper left corner, and are what the next works on.
pub(super) fn transform(picture: &Grey, levels: usize) -> Vec<f64> {
    let stride = picture.width();
    let mut values: Vec<f64> = picture.points().iter().map(|point| f64::from(*point) - 128.0).collect();
    let (mut width, mut height) = (picture.width(), picture.height());
    let mut line = Vec::new();
    for _ in 0..levels {
        for x in 0..width {
            analyse(&mut values, &mut line, x, stride, height);
        }
        for y in 0..height {
            analyse(&mut values, &mut line, y * stride, 1, width);
        }
        (width, height) = (width.div_ceil(2), height.div_ceil(2));
    }
    values
}

/// One row or column: low frequencies to the front, high ones behind.
fn analyse(values: &mut [f64], line: &mut Vec<f64>, start: usize, step: usize, count: usize) {
    line.clear();
    line.extend(values.iter().skip(start).step_by(step).take(count));
    lift(line);
    let (low, high) = (line.iter().step_by(2), line.iter().skip(1).step_by(2));
    for (place, value) in values.iter_mut().skip(start).step_by(step).zip(low.chain(high)) {
        *place = *value;
    }
}

/// Even places become low frequencies, odd ones high. A line of one is left as it is.
fn lift(line: &mut [f64]) {
    let count = line.len();
    if count < 2 {
        return;
    }
    for (number, factor) in STEPS.iter().enumerate() {
        for i in ((number + 1) % 2..count).step_by(2) {
            // At the ends the line goes on as in a mirror.
            let before = if i == 0 { 1 } else { i - 1 };
            let after = if i + 1 == count { i - 1 } else { i + 1 };
            line[i] += factor * (line[before] + line[after]);
        }
    }
    for (i, value) in line.iter_mut().enumerate() {
        *value *= if i % 2 == 0 { 1.0 / SCALE } else { SCALE };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gains of annex F: 1 for what is even, 2 for what changes at each point.
    #[test]
    fn gains_are_the_standards() {
        for count in [2, 3, 8, 9, 64] {
            let mut even = vec![100.0; count];
            lift(&mut even);
            let mut changing: Vec<f64> = (0..count).map(|i| if i % 2 == 0 { 100.0 } else { -100.0 }).collect();
            lift(&mut changing);
            for i in 0..count {
                let expected = if i % 2 == 0 { (100.0, 0.0) } else { (0.0, -200.0) };
                assert!((even[i] - expected.0).abs() < 1e-6, "{count} {i}: {}", even[i]);
                assert!((changing[i] - expected.1).abs() < 1e-6, "{count} {i}: {}", changing[i]);
            }
        }
    }

    #[test]
    fn corners_are_handled() {
        for (width, height) in [(1, 1), (1, 5), (2, 1), (3, 3), (7, 4)] {
            let values = transform(&Grey::paint(width, height, |_, _| 228), 5);
            assert!((values[0] - 100.0).abs() < 1e-6);
            assert!(values[1..].iter().all(|value| value.abs() < 1e-6));
        }
    }
}
