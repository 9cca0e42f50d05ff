//! The report as a picture: SVG with nothing from outside, one group of bars a row.

use crate::{
    report::{Figure, Report, RowReport},
    table::number,
};
use std::fmt::Write;

/// Pixels. The bars stand between the names and the figures.
const WIDTH: u32 = 880;
const LEFT: u32 = 130;
const BARS: u32 = 400;
const LINE: u32 = 26;
const HEAD: u32 = 58;
const TITLE: u32 = 34;

/// Draws it. A bar ends at the best round; the tick in it is the median.
#[must_use]
pub fn svg(report: &Report) -> String {
    let height = HEAD + report.rows.iter().map(rows_height).sum::<u32>() + 16;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#1a1a1a\" role=\"img\">\n"
    );
    let mask = report.mask.as_ref().map(|mask| format!(", OPENSSL_ia32cap={mask}")).unwrap_or_default();
    let subtitle = format!("{}{mask}; bar: best of {} rounds, tick: median", report.cpu, report.rounds);
    // Its own ground, so that it is readable on a dark page too.
    let _ =
        writeln!(out, "<title>jitsuin bench</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>");
    text(&mut out, 16, 24, "font-size=\"16\" font-weight=\"bold\"", &format!("jitsuin {}", report.version));
    text(&mut out, 16, 44, "font-size=\"12\" fill=\"#555555\"", &subtitle);
    let mut y = HEAD;
    for row in &report.rows {
        let unit = format!("{}, operations a second ({})", row.title, row.clock.name());
        text(&mut out, 16, y + 22, "font-weight=\"bold\"", &unit);
        y += TITLE;
        let most = row.figures.iter().map(|figure| figure.best_per_second).fold(0.0, f64::max);
        for figure in &row.figures {
            bar(&mut out, y, figure, most, row);
            y += LINE;
        }
    }
    out.push_str("</svg>\n");
    out
}

fn rows_height(row: &RowReport) -> u32 {
    TITLE + LINE * u32::try_from(row.figures.len()).unwrap_or(0)
}

fn bar(out: &mut String, y: u32, figure: &Figure, most: f64, row: &RowReport) {
    let length = |rate: f64| if most > 0.0 { rate / most * f64::from(BARS) } else { 0.0 };
    let (best, median) = (length(figure.best_per_second), length(figure.median_per_second));
    let colour = if figure.own { "#b3261e" } else { "#8a929c" };
    text(out, LEFT - 8, y + 16, "text-anchor=\"end\"", &figure.name);
    let (top, about) = (y + 3, escaped(&figure.about));
    let _ = writeln!(
        out,
        "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{best:.1}\" height=\"18\" fill=\"{colour}\"><title>{about}</title></rect>"
    );
    let tick = f64::from(LEFT) + median;
    let _ = writeln!(out, "<path d=\"M{tick:.1} {top}v18\" stroke=\"#ffffff\" stroke-width=\"2\"/>");
    let ratios = row.figures.iter().flat_map(|own| own.ratios.iter().map(move |against| (own, against)));
    let ratios = ratios.filter(|(_, against)| against.rival == figure.name);
    let ratios: Vec<String> = ratios.map(|(own, against)| format!("{} {:.2}×", own.name, against.ratio.best)).collect();
    let ratios = if ratios.is_empty() { String::new() } else { format!("  ({})", ratios.join(", ")) };
    let end = (f64::from(LEFT) + best).round() + 8.0;
    text(out, end as u32, y + 16, "", &format!("{}{ratios}", number(figure.best_per_second)));
}

fn text(out: &mut String, x: u32, y: u32, attributes: &str, content: &str) {
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" {attributes}>{}</text>", escaped(content));
}

/// Text as XML has it. Control characters, which XML cannot have at all, are left out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::report;

    #[test]
    fn bars_are_as_long_as_they_are_fast() {
        let picture = svg(&report());
        // 1,500 and 750 at best: the whole width and half of it; medians at 1,200 and 600 of 1,500.
        for part in
            ["width=\"400.0\"", "width=\"200.0\"", "M450.0 ", "M290.0 ", "portable 2.50×", "&lt;rival&gt; &amp; "]
        {
            assert!(picture.contains(part), "no {part} in {picture}");
        }
    }

    #[test]
    fn nothing_measured_is_still_a_picture() {
        let mut report = report();
        report.rows[0].figures.clear();
        assert!(svg(&report).ends_with("</svg>\n"));
        report.rows.clear();
        assert!(svg(&report).starts_with("<svg "));
    }

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escaped("<a b=\"&\">\u{7}"), "&lt;a b=&quot;&amp;&quot;&gt;");
    }
}
