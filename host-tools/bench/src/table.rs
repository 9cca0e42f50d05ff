//! The report as text.

use crate::{
    report::{Figure, Report, RowReport},
    statistics::Latency,
};
use std::fmt::Write;

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "jitsuin {} on {}", self.version, self.cpu)?;
        writeln!(f, "own back ends: {}", self.back_ends.join(", "))?;
        if let Some(mask) = &self.mask {
            writeln!(f, "OpenSSL and AWS-LC ignore a part of that: OPENSSL_ia32cap={mask}")?;
        }
        for row in &self.rows {
            write!(f, "\n{}", text(row, self.rounds))?;
        }
        for note in &self.notes {
            writeln!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}

/// One row: who, how fast, how many instructions, and how many times as fast each own contender is.
fn text(row: &RowReport, rounds: u32) -> String {
    let own: Vec<&Figure> = row.figures.iter().filter(|figure| !figure.ratios.is_empty()).collect();
    let counted = row.figures.iter().any(|figure| figure.instructions.is_some());
    let watched = row.figures.iter().any(|figure| figure.latency.is_some());
    let (instructions, [p50, p99]) =
        (if counted { "instructions" } else { "" }, if watched { ["p50 µs", "p99 µs"] } else { ["", ""] });
    let head = ["", "median/s", "best/s", instructions, p50, p99].map(String::from);
    // Two numbers in each of these: of the medians, and of the bests.
    let head = head.into_iter().chain(own.iter().map(|figure| format!("{} is", figure.name)));
    let mut lines = vec![head.chain([String::new()]).collect::<Vec<_>>()];
    for figure in &row.figures {
        let instructions = figure.instructions.map_or_else(String::new, grouped);
        let (median, best) = (number(figure.median_per_second), number(figure.best_per_second));
        let microseconds = |of: fn(&Latency) -> f64| {
            figure.latency.as_ref().map_or_else(String::new, |latency| number(of(latency) / 1000.0))
        };
        let (p50, p99) = (microseconds(|latency| latency.p50), microseconds(|latency| latency.p99));
        let mut line = vec![figure.name.clone(), median, best, instructions, p50, p99];
        for own in &own {
            let ratio = own.ratios.iter().find(|against| against.rival == figure.name).map(|against| against.ratio);
            line.push(ratio.map_or_else(String::new, |ratio| format!("{:.2}× {:.2}×", ratio.median, ratio.best)));
        }
        line.push(figure.about.clone());
        lines.push(line);
    }
    let mut out = format!("{} ({}, {rounds} rounds)\n", row.title, row.clock.name());
    let columns = own.len() + 7;
    let widths: Vec<usize> =
        (0..columns).map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)).collect();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.chars().count());
            let _ = match column {
                0 => write!(out, "  {cell}{gap}"),
                last if last + 1 == columns => write!(out, "  {cell}"),
                _ if *width == 0 => Ok(()),
                _ => write!(out, "  {gap}{cell}"),
            };
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// A rate, as exact as it deserves.
pub(crate) fn number(rate: f64) -> String {
    match rate {
        rate if rate < 10.0 => format!("{rate:.2}"),
        rate if rate < 1000.0 => format!("{rate:.1}"),
        // Rates are positive and far below 2⁶⁴.
        rate => grouped(rate.round() as u64),
    }
}

/// 1234567 as 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        cpu::Cpu,
        report::{Against, FORMAT},
        statistics::Ratio,
    };

    /// A report with one row: own code at 1,200/s and `rival` at 600/s.
    pub(crate) fn report() -> Report {
        let figure = |name: &str, rate: f64, instructions, ratios: Vec<Against>| Figure {
            name: name.into(),
            about: format!("about <{name}> & others"),
            own: !ratios.is_empty(),
            operations: 100,
            median_per_second: rate,
            best_per_second: rate * 1.25,
            instructions,
            latency: None,
            ratios,
        };
        let ratios = vec![Against { rival: "rival".into(), ratio: Ratio { median: 2.0, best: 2.5 } }];
        let figures =
            vec![figure("portable", 1200.0, Some(12_000_000), ratios), figure("rival", 600.0, None, Vec::new())];
        Report {
            format: FORMAT,
            version: "0.0.0".into(),
            cpu: Cpu { architecture: "x86_64".into(), model: "Abacus".into(), features: vec!["adx".into()] },
            back_ends: vec!["portable".into()],
            mask: None,
            rounds: 9,
            seconds: 0.5,
            rows: vec![RowReport {
                name: "sign-2048".into(),
                title: "RSA-2048".into(),
                clock: Clock::ThreadCpu,
                figures,
            }],
            notes: vec!["a note".into()],
        }
    }

    #[test]
    fn the_text_has_the_figures() {
        let mut report = report();
        report.mask = Some(":~0x200000".into());
        let text = report.to_string();
        for part in ["Abacus (offers adx)", "portable", "1,200", "1,500", "12,000,000", "2.00× 2.50×", "note: a note"]
        {
            assert!(text.contains(part), "no {part} in {text}");
        }
        assert!(text.contains("OPENSSL_ia32cap=:~0x200000") && !text.contains(" \n"), "{text}");
    }

    #[test]
    fn numbers_are_written_for_people() {
        let written = [0.5, 12.34, 999.94, 1234.5, 1_234_567.0].map(number);
        assert_eq!(written, ["0.50", "12.3", "999.9", "1,235", "1,234,567"]);
        assert_eq!([0, 999, 1000, 123_456].map(grouped), ["0", "999", "1,000", "123,456"]);
    }
}
