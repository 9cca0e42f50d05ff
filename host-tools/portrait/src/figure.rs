//! A drawn figure, head and shoulders, with TEST 見本 across: nobody could take it for a photo of somebody.

use crate::{
    font::{Glyph, HEIGHT},
    grey::Grey,
};

/// Points across.
pub const WIDTH: usize = 378;
/// Points down.
pub const HEIGHT_OF_PHOTO: usize = 472;

/// What is written across.
const WORDS: &str = "TEST見本";
/// Points a dot of it, and how much it rises from left to right.
const SCALE: f64 = 7.2;
const SLOPE: f64 = 0.22;

/// What makes one figure different from another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    skin: f64,
    hair: f64,
    clothes: f64,
    background: f64,
    /// Half axes of the head.
    broad: f64,
    tall: f64,
    /// Where the hair begins, below the top of the head.
    fringe: f64,
    /// Where it is parted, from the middle.
    parting: f64,
    style: Style,
    eyes: f64,
    mouth: f64,
    glasses: bool,
    /// A neckline open to a point.
    open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    Bald,
    Short,
    Bob,
    Long,
    Bun,
}

impl Figure {
    /// The figure of a seed; of an age, because children have round faces and the old grey hair.
    #[must_use]
    pub fn new(seed: u64, age: u8) -> Self {
        let mut dice = Dice(seed);
        let child = f64::from(16 - age.min(16)) / 16.0;
        let grey = f64::from(age.clamp(45, 85) - 45) / 40.0;
        let styles = [Style::Short, Style::Bob, Style::Long, Style::Bun, Style::Short, Style::Bob];
        let style =
            if age > 45 && dice.between(0.0, 1.0) > 0.85 { Style::Bald } else { styles[dice.below(styles.len())] };
        Figure {
            style,
            skin: dice.between(186.0, 226.0),
            hair: dice.between(30.0, 90.0) * (1.0 - grey) + dice.between(150.0, 185.0) * grey,
            clothes: dice.between(55.0, 115.0),
            background: dice.between(236.0, 250.0),
            broad: dice.between(80.0, 92.0) + 8.0 * child,
            tall: dice.between(106.0, 120.0) - 14.0 * child,
            fringe: dice.between(44.0, 70.0) - 26.0 * grey * dice.between(0.0, 1.0),
            parting: dice.between(-45.0, 45.0),
            eyes: dice.between(33.0, 40.0),
            mouth: dice.between(20.0, 31.0),
            glasses: dice.between(0.0, 1.0) < 0.2 + 0.3 * grey,
            open: dice.between(0.0, 1.0) < 0.5,
        }
    }

    /// The picture.
    #[must_use]
    pub fn draw(&self) -> Grey {
        let words = Words::new();
        Grey::paint(WIDTH, HEIGHT_OF_PHOTO, |x, y| {
            let (x, y) = (x as f64 + 0.5, y as f64 + 0.5);
            let ink = words.ink(x, y);
            let shade = self.shade(x - 189.0, y);
            // White, and darkened around it a little so that it can be read on white too.
            mix(mix(shade, 120.0, words.shadow(ink)), 255.0, words.core(ink)).round().clamp(0.0, 255.0) as u8
        })
    }

    /// Shade at a point, `x` from the middle.
    fn shade(&self, x: f64, y: f64) -> f64 {
        let head = 218.0;
        let dark = self.skin - 150.0;
        let mut shade = self.background - y / 16.0;
        shade = self.hair_behind(shade, x, y, head);
        shade = mix(shade, self.clothes, ellipse(x, y - 535.0, 172.0, 170.0));
        shade = mix(shade, self.skin - 24.0, ellipse(x, y - 350.0, 40.0, 62.0));
        if self.open {
            shade = mix(shade, self.skin - 24.0, soft((x.abs() * 1.7 + y - 440.0) * 0.7) * soft(360.0 - y));
        }
        shade = mix(shade, self.skin, ellipse(x.abs() - self.broad, y - head - 12.0, 11.0, 22.0));
        shade = mix(shade, self.skin, ellipse(x, y - head, self.broad, self.tall));
        // Eyes, brows, nose, mouth.
        let side = x.abs() - self.eyes;
        shade = mix(shade, dark, ellipse(side, y - head - 2.0, 9.0, 7.0));
        shade = mix(shade, self.hair.min(110.0), ellipse(side, y - head + 22.0 - side * side / 60.0, 17.0, 4.0));
        shade = mix(shade, self.skin - 40.0, ellipse(x, y - head - 34.0, 9.0, 5.0));
        shade = mix(shade, dark + 20.0, ellipse(x, y - head - 64.0 + x * x / 110.0, self.mouth, 4.5));
        if self.glasses {
            let ring = ellipse(side, y - head - 2.0, 26.0, 22.0) - ellipse(side, y - head - 2.0, 21.0, 17.0);
            shade = mix(shade, 50.0, ring);
        }
        self.hair_in_front(shade, x, y, head)
    }

    fn hair_behind(&self, shade: f64, x: f64, y: f64, head: f64) -> f64 {
        let (broad, tall) = (self.broad, self.tall);
        let coverage = match self.style {
            Style::Bald | Style::Short => 0.0,
            Style::Bob => ellipse(x, y - head - 6.0, broad + 26.0, tall + 16.0),
            Style::Long => ellipse(x, y - head - 60.0, broad + 28.0, tall + 76.0),
            Style::Bun => ellipse(x, y - head + tall + 18.0, 36.0, 34.0),
        };
        mix(shade, self.hair, coverage)
    }

    /// The cap of hair: all around the head, above a curve.
    fn hair_in_front(&self, shade: f64, x: f64, y: f64, head: f64) -> f64 {
        if self.style == Style::Bald {
            return shade;
        }
        let around = ellipse(x, y - head + 6.0, self.broad + 9.0, self.tall + 8.0);
        let line = head - self.tall + self.fringe + (x - self.parting).powi(2) / 250.0;
        mix(shade, self.hair, around * soft(y - line))
    }
}

/// A coverage from 0 to 1 that lets this shade through.
fn mix(below: f64, above: f64, coverage: f64) -> f64 {
    below + (above - below) * coverage.clamp(0.0, 1.0)
}

/// An edge some points wide: 1 before it, 0 behind.
fn soft(distance: f64) -> f64 {
    (0.5 - distance / 3.0).clamp(0.0, 1.0)
}

/// Coverage of an ellipse around the origin.
fn ellipse(x: f64, y: f64, broad: f64, tall: f64) -> f64 {
    let (u, v) = (x / broad, y / tall);
    soft(((u * u + v * v).sqrt() - 1.0) * broad.min(tall))
}

/// The words, as a picture that can be looked up between its dots.
struct Words {
    dots: Vec<Vec<bool>>,
    width: usize,
}

impl Words {
    fn new() -> Self {
        let glyphs: Vec<Glyph> = WORDS.chars().map(Glyph::of).collect();
        let row =
            |y| glyphs.iter().flat_map(move |glyph| (0..glyph.width()).map(move |x| glyph.is_ink(x, y))).collect();
        let dots: Vec<Vec<bool>> = (0..HEIGHT).map(row).collect();
        Words { width: dots.first().map_or(0, Vec::len), dots }
    }

    fn dot(&self, x: f64, y: f64) -> f64 {
        let inside = x >= 0.0 && y >= 0.0;
        let ink = inside && self.dots.get(y as usize).and_then(|row| row.get(x as usize)).is_some_and(|ink| *ink);
        f64::from(u8::from(ink))
    }

    /// Ink at a point of the photo, mixed from the four dots around it.
    fn ink(&self, x: f64, y: f64) -> f64 {
        let middle = WIDTH as f64 / 2.0;
        let u = (x - middle) / SCALE + self.width as f64 / 2.0 - 0.5;
        let v = (y + SLOPE * (x - middle) - 405.0) / SCALE + HEIGHT as f64 / 2.0 - 0.5;
        let (left, top) = (u.floor(), v.floor());
        let row = |y| mix(self.dot(left, y), self.dot(left + 1.0, y), u - left);
        mix(row(top), row(top + 1.0), v - top)
    }

    fn core(&self, ink: f64) -> f64 {
        ((ink - 0.35) * 4.0).clamp(0.0, 1.0)
    }

    fn shadow(&self, ink: f64) -> f64 {
        (ink * 2.0).clamp(0.0, 0.6)
    }
}

/// Numbers that follow from a seed: SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() >> 32) as usize % bound.max(1)
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the generator's reference implementation with seed 1234567.
    #[test]
    fn dice_are_splitmix() {
        let mut dice = Dice(1_234_567);
        assert_eq!([dice.roll(), dice.roll()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn seeds_and_ages_differ() {
        assert_eq!(Figure::new(1, 30), Figure::new(1, 30));
        assert_ne!(Figure::new(1, 30), Figure::new(2, 30));
        assert_ne!(Figure::new(1, 30).draw(), Figure::new(1, 85).draw());
    }
}
