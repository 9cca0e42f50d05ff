//! Lines of text in a box.

use crate::{
    bitmap::Bitmap,
    font::{self, Glyph, HEIGHT},
};

/// Says that there is more than fits.
const ELLIPSIS: char = '…';

/// Draws text from left to right in lines as wide as this, at least one and at most so many. What does not fit ends in an ellipsis.
#[must_use]
pub fn draw(text: &str, width: usize, most_lines: usize) -> Bitmap {
    let lines = lines(text, width, most_lines.max(1));
    let mut bitmap = Bitmap::new(width, HEIGHT * lines.len());
    for (number, line) in lines.iter().enumerate() {
        let mut x = 0;
        for character in line {
            let glyph = Glyph::of(*character);
            glyph.draw(&mut bitmap, x, number * HEIGHT);
            x += glyph.width();
        }
    }
    bitmap
}

/// How many lines a text needs.
#[must_use]
pub fn count_lines(text: &str, width: usize) -> usize {
    lines(text, width, usize::MAX).len()
}

fn lines(text: &str, width: usize, most: usize) -> Vec<Vec<char>> {
    let (mut lines, mut x) = (vec![Vec::new()], 0);
    for character in text.chars().filter(|character| !font::is_unseen(*character)) {
        let room = Glyph::of(character).width();
        if x + room > width {
            if lines.len() == most {
                shorten(&mut lines, width);
                break;
            }
            lines.push(Vec::new());
            x = 0;
        }
        x += room;
        lines.last_mut().map(|line| line.push(character)).unwrap_or_default();
    }
    lines
}

/// Makes room for an ellipsis in the last line.
fn shorten(lines: &mut [Vec<char>], width: usize) {
    if let Some(line) = lines.last_mut() {
        while line.iter().chain([&ELLIPSIS]).map(|character| Glyph::of(*character).width()).sum::<usize>() > width
            && line.pop().is_some()
        {}
        line.push(ELLIPSIS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, width: usize, most: usize) -> Vec<String> {
        lines(text, width, most).into_iter().map(String::from_iter).collect()
    }

    #[test]
    fn lines_break_where_they_are_full() {
        assert_eq!(broken("試験　花子", 60, 9), ["試験　花子"]);
        assert_eq!(broken("試験　花子", 59, 9), ["試験　花", "子"]);
        assert_eq!(broken("ab試c", 18, 9), ["ab", "試c"]);
        assert_eq!(broken("", 60, 9), [""]);
    }

    #[test]
    fn what_does_not_fit_is_shortened_visibly() {
        assert_eq!(broken("試験見本", 24, 1), ["試…"]);
        assert_eq!(broken("試験見本字", 24, 2), ["試験", "見…"]);
        assert_eq!(broken("試験見本", 24, 2), ["試験", "見本"]);
        assert_eq!(broken("abcd", 18, 1), ["a…"]);
    }

    #[test]
    fn selectors_take_no_place() {
        assert_eq!(draw("辻\u{E0100}子", 24, 1), draw("辻子", 24, 1));
    }

    #[test]
    fn digits_stand_one_beside_the_other() {
        let bitmap = draw("2285", 24, 1);
        assert_eq!((bitmap.width(), bitmap.height()), (24, 12));
        assert!((0..4).all(|digit| (0..6).any(|x| (0..12).any(|y| bitmap.is_ink(6 * digit + x, y)))));
    }
}
