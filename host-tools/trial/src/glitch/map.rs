//! The program as a picture: a square for each instruction that was hurt, in rows of functions.

use super::{Outcome, Report};
use chip::Program;
use std::{collections::BTreeMap, fmt::Write};

/// Squares in a row.
const ROW: usize = 96;
/// Pixels of a square, and of a line of text.
const SQUARE: usize = 9;
const TEXT: usize = 16;

/// Its name, and what was seen at which of its instructions.
type Function<'n> = (&'n str, Vec<(u32, Outcome)>);

/// An SVG of the program, function by function: the more a place was hurt the stronger its colour; red what was not harmless.
#[must_use]
pub fn map(program: &Program, report: &Report) -> String {
    let mut functions: BTreeMap<u32, Function<'_>> = BTreeMap::new();
    for (&address, &(outcome, _)) in &report.marks {
        let (begin, name) = program.at(address).map_or((address, "?"), |symbol| (symbol.address, symbol.name.as_str()));
        functions.entry(begin).or_insert((name, Vec::new())).1.push((address, outcome));
    }
    let (mut body, mut y) = (String::new(), 2 * TEXT);
    for (name, places) in functions.values() {
        let worst = places.iter().map(|(_, outcome)| *outcome).max().unwrap_or(Outcome::Same);
        let weight = if worst.is_harmless() { "" } else { r#" font-weight="bold""# };
        let _ = write!(body, r#"<text x="4" y="{y}"{weight}>{}</text>"#, escaped(name));
        y += 4;
        for (row, squares) in places.chunks(ROW).enumerate() {
            for (column, (address, outcome)) in squares.iter().enumerate() {
                let (x, y) = (4 + column * SQUARE, y + row * SQUARE);
                let side = SQUARE - 1;
                let colour = colour(*outcome);
                let _ = write!(
                    body,
                    r#"<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="{colour}"><title>{address:#x} {outcome:?}</title></rect>"#
                );
            }
        }
        y += places.len().div_ceil(ROW) * SQUARE + TEXT;
        body.push('\n');
    }
    let (width, height) = (8 + ROW * SQUARE, y + TEXT);
    let mut legend = String::new();
    for (number, outcome) in Outcome::ALL.iter().enumerate() {
        let x = 4 + number * 110;
        let _ = write!(
            legend,
            r#"<rect x="{x}" y="4" width="8" height="8" fill="{}"/><text x="{}" y="12">{outcome:?}</text>"#,
            colour(*outcome),
            x + 12
        );
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="monospace" font-size="11"><rect width="100%" height="100%" fill="white"/>
{legend}
{body}</svg>
"#
    )
}

fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Same => "#d0d7de",
        Outcome::Other => "#9ecae1",
        Outcome::Mute => "#4292c6",
        Outcome::Garbled => "#fdae6b",
        Outcome::Free => "#e6550d",
        Outcome::Opened => "#de2d26",
        Outcome::Factored => "#a50f15",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
