use super::*;
use hayro_jpeg2000::{DecodeSettings, Image};
use proptest::prelude::*;

/// Points as an independent decoder sees them.
fn decoded(file: &[u8]) -> (usize, usize, Vec<u8>) {
    let image = Image::new(file, &DecodeSettings::default()).expect("an image");
    let (width, height) = (image.width() as usize, image.height() as usize);
    (width, height, image.decode().expect("decodes"))
}

/// Mean square of the differences.
fn error(picture: &Grey, points: &[u8]) -> f64 {
    assert_eq!(picture.points().len(), points.len());
    let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
    picture.points().iter().zip(points).map(square).sum::<f64>() / points.len() as f64
}

#[test]
fn another_decoder_sees_the_picture() {
    let waves = |x: usize, y: usize| ((x * x / 7 + y * 3) % 256) as u8;
    for (width, height) in [(1, 1), (1, 40), (2, 2), (17, 3), (64, 64), (65, 129), (378, 472)] {
        let picture = Grey::paint(width, height, waves);
        let (w, h, points) = decoded(&encode(&picture, usize::MAX));
        assert_eq!((w, h), (width, height));
        let error = error(&picture, &points);
        assert!(error < 0.5, "{width} × {height}: {error}");
    }
}

#[test]
fn less_room_is_kept_and_costs_quality() {
    let picture = crate::figure::Figure::new(7, 30).draw();
    let mut last = 0.0;
    for most in [100_000, 8000, 4000, 2000, 1200, 800] {
        let file = encode(&picture, most);
        assert!(file.len() <= most, "{most}: {}", file.len());
        let error = error(&picture, &decoded(&file).2);
        println!("{most}: {} bytes, mean square error {error:.1}", file.len());
        assert!(error >= last, "{most}");
        last = error;
    }
    assert!(last < 600.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn noise_of_any_size_survives(width in 1usize..140, height in 1usize..140, seed: u64) {
        let mut state = seed | 1;
        let picture = Grey::paint(width, height, |_, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        });
        let (w, h, points) = decoded(&encode(&picture, usize::MAX));
        prop_assert_eq!((w, h), (width, height));
        prop_assert!(error(&picture, &points) < 0.5);
    }
}
