//! The font 東雲 (Shinonome), twelve dots high. (font/README.md)

use crate::bitmap::Bitmap;

/// Height of every glyph, and of a line of text.
pub const HEIGHT: usize = 12;
/// Stands for a character that the font does not have.
pub const GETA: char = '〓';

/// What `font/convert.py` wrote.
const DATA: &[u8] = include_bytes!("../font/shinonome12.bin");

/// Glyphs of one width.
#[derive(Debug, Clone, Copy)]
struct Section {
    width: usize,
    characters: &'static [[u8; 2]],
    glyphs: &'static [u8],
}

/// The picture of a character.
#[derive(Debug, Clone, Copy)]
pub struct Glyph {
    width: usize,
    bits: &'static [u8],
}

impl Glyph {
    /// Of a character; where the font has none, [`GETA`].
    #[must_use]
    pub fn of(character: char) -> Self {
        let found = |character| SECTIONS.iter().find_map(|section| section.find(character));
        found(character).or_else(|| found(GETA)).unwrap_or(Glyph { width: HEIGHT, bits: &[] })
    }

    /// Dots across: 12 or 6.
    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }

    /// Whether there is ink at a dot.
    #[must_use]
    pub fn is_ink(self, x: usize, y: usize) -> bool {
        let bit = y * self.width + x;
        x < self.width && self.bits.get(bit / 8).is_some_and(|byte| byte >> (7 - bit % 8) & 1 == 1)
    }

    /// Draws it with its upper left corner here.
    pub fn draw(self, bitmap: &mut Bitmap, left: usize, top: usize) {
        for (y, x) in (0..HEIGHT).flat_map(|y| (0..self.width).map(move |x| (y, x))) {
            if self.is_ink(x, y) {
                bitmap.put(left + x, top + y);
            }
        }
    }
}

/// Whether a character stands on no place of its own: variation selectors and joiners. The glyph before them is drawn as usual.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    matches!(u32::from(character), 0x200B..=0x200D | 0x2060 | 0xFE00..=0xFE0F | 0xFEFF | 0x180B..=0x180D | 0xE0100..=0xE01EF)
}

impl Section {
    fn find(&self, character: char) -> Option<Glyph> {
        let code = u16::try_from(u32::from(character)).ok()?.to_be_bytes();
        let size = HEIGHT * self.width / 8;
        let index = self.characters.binary_search(&code).ok()?;
        self.glyphs.get(index * size..(index + 1) * size).map(|bits| Glyph { width: self.width, bits })
    }
}

/// Wide and narrow glyphs. Taken apart while compiling, so that a damaged file does not compile.
static SECTIONS: [Section; 2] = {
    let (wide, rest) = section(DATA, 12);
    let (narrow, rest) = section(rest, 6);
    assert!(rest.is_empty());
    [narrow, wide]
};

const fn section(data: &'static [u8], width: usize) -> (Section, &'static [u8]) {
    let (count, rest) = data.split_at(2);
    let count = (count[0] as usize) << 8 | count[1] as usize;
    let (characters, rest) = rest.split_at(2 * count);
    let (glyphs, rest) = rest.split_at(count * (HEIGHT * width / 8));
    (Section { width, characters: characters.as_chunks().0, glyphs }, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(character: char) -> Vec<String> {
        let glyph = Glyph::of(character);
        let row = |y| (0..glyph.width()).map(|x| if glyph.is_ink(x, y) { '#' } else { '.' }).collect();
        (0..HEIGHT).map(row).collect()
    }

    /// As `xfd` shows them with the fonts of Debian's package.
    #[test]
    fn glyphs_are_the_fonts_own() {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let shi = ".##.....##.. ........#.#. #####...#... ....#######. .###....#... ....#####...
            .###..#.#... ......#.#... ####..#.#.#. #..#..##.##. #..###...##. ####......#.";
        assert_eq!(picture('試'), lines(shi));
        let one = "...... ..#... ###... ..#... ..#... ..#... ..#... ..#... ..#... ..#... ...... ......";
        assert_eq!(picture('1'), lines(one));
    }

    #[test]
    fn it_has_what_addresses_need() {
        for character in "亜腕弌熙ぁんァヶー々〆ヵ０９ＡＺａｚ　−－～〜・、。号室丁目番地".chars()
        {
            assert_ne!(picture(character), picture(GETA), "{character}");
            assert_eq!(Glyph::of(character).width(), 12, "{character}");
        }
        for character in (' '..='~').chain('｡'..='ﾟ') {
            assert_ne!(picture(character), picture(GETA), "{character}");
            assert_eq!(Glyph::of(character).width(), 6, "{character}");
        }
        // Level 1 and 2 of JIS X 0208 are 6,355 kanji; 仝 is among its signs.
        let kanji =
            SECTIONS[1].characters.iter().filter(|code| (0x4E00..=0x9FFF).contains(&u16::from_be_bytes(**code)));
        assert_eq!(kanji.count(), 6355 + 1);
        assert!(SECTIONS.iter().all(|section| section.characters.is_sorted()));
    }

    #[test]
    fn others_are_geta() {
        for character in ['髙', '﨑', '𠮷', '한', '\u{7}', '😀', char::MAX] {
            assert_eq!(picture(character), picture(GETA), "{character:?}");
        }
        assert_eq!(picture(GETA).iter().filter(|row| row.contains('#')).count(), 4);
    }
}
