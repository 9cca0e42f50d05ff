//! What was seen before, and whether it got worse.
//!
//! Kept are ratios to rivals of the same run, and instruction counts. Rates are not: those of another machine, or of this one
//! on another day, say nothing. Ratios need a processor that offers the same; instruction counts do not, because
//! valgrind's processor is always the same one.

use crate::{
    BenchError,
    cpu::Cpu,
    report::{FORMAT, Report, RowReport},
    statistics::Ratio,
};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// What a file of `--save` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of `jitsuin`.
    pub version: String,
    /// Where it was measured.
    pub cpu: Cpu,
    /// What OpenSSL and AWS-LC were told to ignore.
    pub mask: Option<String>,
    /// Own contenders beside rivals.
    pub ratios: Vec<KeptRatio>,
    /// Own contenders alone.
    pub instructions: Vec<KeptCount>,
}

/// How many times as fast as a rival.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRatio {
    /// Row.
    pub row: String,
    /// Own contender.
    pub contender: String,
    /// Rival.
    pub rival: String,
    /// The ratio.
    #[serde(flatten)]
    pub ratio: Ratio,
}

/// Instructions of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptCount {
    /// Row.
    pub row: String,
    /// Own contender.
    pub contender: String,
    /// The count.
    pub count: u64,
}

/// What became of one kept number.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What was compared, for people.
    pub what: String,
    /// The numbers, for people.
    pub numbers: String,
    /// Part by which it got better; below nought where it got worse. `None` where it was not measured this time.
    pub change: Option<f64>,
}

/// What became of a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What was compared, or could not be.
    pub findings: Vec<Finding>,
    /// What a reader must know beside them.
    pub notes: Vec<String>,
}

/// What a comparison means for whoever set a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was compared, and nothing got worse by more than the limit.
    Fine,
    /// Something did.
    Worse,
    /// Nothing could be compared, or something is missing that was measured before.
    Incomparable,
}

impl Baseline {
    /// What is kept of a report.
    #[must_use]
    pub fn of(report: &Report) -> Baseline {
        let figures = || report.rows.iter().flat_map(|row| row.figures.iter().map(move |figure| (row, figure)));
        let ratio = |(row, figure): (&RowReport, &crate::report::Figure)| {
            let (row, contender) = (row.name.clone(), figure.name.clone());
            let kept = figure.ratios.iter().map(move |against| KeptRatio {
                row: row.clone(),
                contender: contender.clone(),
                rival: against.rival.clone(),
                ratio: against.ratio,
            });
            kept.collect::<Vec<_>>()
        };
        let own = figures().filter(|(_, figure)| figure.own);
        let count = |(row, figure): (&RowReport, &crate::report::Figure)| {
            Some(KeptCount { row: row.name.clone(), contender: figure.name.clone(), count: figure.instructions? })
        };
        Baseline {
            format: FORMAT,
            version: report.version.clone(),
            cpu: report.cpu.clone(),
            mask: report.mask.clone(),
            ratios: figures().flat_map(ratio).collect(),
            instructions: own.filter_map(count).collect(),
        }
    }

    /// Reads a file of `--save`.
    ///
    /// # Errors
    /// [`BenchError::Io`]; [`BenchError::Baseline`] for a file of another kind.
    pub fn read(path: &Path) -> Result<Baseline, BenchError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| BenchError::Io(name.clone(), error))?;
        let bad = |why: String| BenchError::Baseline { path: name.clone(), why };
        let baseline: Baseline =
            serde_json::from_str(&text).map_err(|error| bad(format!("not a baseline of jitsuin bench ({error})")))?;
        if baseline.format != FORMAT {
            return Err(bad(format!("a baseline of format {}, this program knows {FORMAT}", baseline.format)));
        }
        let usable = |number: f64| number.is_finite() && number > 0.0;
        if !baseline.ratios.iter().all(|kept| usable(kept.ratio.median) && usable(kept.ratio.best)) {
            return Err(bad("a ratio in it is not above nought".into()));
        }
        if baseline.instructions.iter().any(|kept| kept.count == 0) {
            return Err(bad("a count in it is nought".into()));
        }
        Ok(baseline)
    }

    /// Compares a report with this. Rows that were not measured this time are only noted: whoever asks for one size gets one.
    #[must_use]
    pub fn compare(&self, report: &Report) -> Comparison {
        let now = Baseline::of(report);
        let (mut findings, mut notes) = (Vec::new(), Vec::new());
        let measured = |row: &str| report.rows.iter().any(|report| report.name == row);
        let names = self.ratios.iter().map(|kept| &kept.row).chain(self.instructions.iter().map(|kept| &kept.row));
        let mut absent: Vec<&str> = names.map(String::as_str).filter(|row| !measured(row)).collect();
        absent.sort_unstable();
        absent.dedup();
        if !absent.is_empty() {
            notes.push(format!("in the baseline and not measured now: {}", absent.join(", ")));
        }
        if (&self.cpu.features, &self.mask, &self.cpu.architecture)
            == (&now.cpu.features, &now.mask, &now.cpu.architecture)
        {
            let there = self.ratios.iter().filter(|kept| measured(&kept.row));
            findings.extend(there.map(|before| ratio_finding(before, &now)));
        } else {
            let mask = self.mask.as_ref().map(|mask| format!(", OPENSSL_ia32cap={mask}")).unwrap_or_default();
            notes.push(format!("ratios are not compared: the baseline is of {}{mask}", self.cpu));
        }
        if self.cpu.architecture == now.cpu.architecture {
            let there = self.instructions.iter().filter(|kept| measured(&kept.row));
            findings.extend(there.map(|before| count_finding(before, &now)));
        }
        Comparison { findings, notes }
    }
}

/// It got worse only where medians and bests both say so: noise seldom moves both.
fn ratio_finding(before: &KeptRatio, now: &Baseline) -> Finding {
    let KeptRatio { row, contender, rival, ratio: was } = before;
    let found = now.ratios.iter().find(|kept| (&kept.row, &kept.contender, &kept.rival) == (row, contender, rival));
    let what = format!("{row}: {contender} against {rival}");
    let before = format!("{:.2}× {:.2}×", was.median, was.best);
    let Some(KeptRatio { ratio: is, .. }) = found else {
        return Finding { what, numbers: format!("{before}, not measured now"), change: None };
    };
    let change = (is.median / was.median).max(is.best / was.best) - 1.0;
    Finding { what, numbers: format!("{before}, now {:.2}× {:.2}×", is.median, is.best), change: Some(change) }
}

fn count_finding(before: &KeptCount, now: &Baseline) -> Finding {
    let KeptCount { row, contender, count: was } = before;
    let found = now.instructions.iter().find(|kept| (&kept.row, &kept.contender) == (row, contender));
    let what = format!("{row}: {contender}, instructions");
    match found {
        None => Finding { what, numbers: format!("{was}, not counted now"), change: None },
        Some(KeptCount { count: is, .. }) => {
            Finding { what, numbers: format!("{was}, now {is}"), change: Some(*was as f64 / *is as f64 - 1.0) }
        }
    }
}

impl Comparison {
    /// Judged by a limit, a part above nought: 0.05 allows 5 % less speed or so many more instructions.
    #[must_use]
    pub fn verdict(&self, limit: f64) -> Verdict {
        let changes = || self.findings.iter().map(|finding| finding.change);
        if changes().flatten().any(|change| change < -limit) {
            Verdict::Worse
        } else if self.findings.is_empty() || changes().any(|change| change.is_none()) {
            Verdict::Incomparable
        } else {
            Verdict::Fine
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for Finding { what, numbers, change } in &self.findings {
            let change = change.map_or_else(|| "missing".into(), |change| format!("{:+.1} %", change * 100.0));
            writeln!(f, "{change:>9}  {what}: {numbers}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::report;

    /// The report of the tests with other ratios and another count.
    fn with(median: f64, best: f64, count: u64) -> Report {
        let mut report = report();
        let own = &mut report.rows[0].figures[0];
        own.ratios[0].ratio = Ratio { median, best };
        own.instructions = Some(count);
        report
    }

    fn before() -> Baseline {
        Baseline::of(&report())
    }

    #[test]
    fn only_own_numbers_are_kept() {
        let kept = before();
        assert_eq!((kept.ratios.len(), kept.instructions.len()), (1, 1));
        assert_eq!(kept.ratios[0].ratio, Ratio { median: 2.0, best: 2.5 });
        assert!(!serde_json::to_string(&kept).expect("json").contains("per_second"));
    }

    #[test]
    fn the_same_better_and_worse() {
        for (now, verdict) in [
            (report(), Verdict::Fine),
            (with(3.0, 3.0, 6_000_000), Verdict::Fine),
            // Both by 10 %.
            (with(1.8, 2.25, 12_000_000), Verdict::Worse),
            // Only the median by 10 %, then only the best: noise.
            (with(1.8, 2.5, 12_000_000), Verdict::Fine),
            (with(2.0, 2.25, 12_000_000), Verdict::Fine),
            // Both by 4 %.
            (with(1.92, 2.4, 12_000_000), Verdict::Fine),
            // A tenth more instructions: 10/11 of the speed.
            (with(2.0, 2.5, 13_200_000), Verdict::Worse),
            (with(2.0, 2.5, 12_500_000), Verdict::Fine),
        ] {
            let comparison = before().compare(&now);
            assert_eq!(comparison.verdict(0.05), verdict, "{comparison}");
        }
        let change = before().compare(&with(1.8, 2.25, 12_000_000)).findings[0].change.expect("compared");
        assert!((change + 0.1).abs() < 1e-9, "{change}");
    }

    #[test]
    fn what_is_missing_is_told() {
        let mut now = report();
        now.rows[0].figures[0].instructions = None;
        let comparison = before().compare(&now);
        assert_eq!(comparison.verdict(0.05), Verdict::Incomparable);
        assert!(comparison.to_string().contains("missing  sign-2048: portable, instructions"), "{comparison}");

        let mut now = report();
        now.rows[0].figures[0].ratios.clear();
        assert_eq!(before().compare(&now).verdict(0.05), Verdict::Incomparable);

        // A row that nobody asked for is no fault, as long as another was compared.
        let mut two = before();
        let other = KeptCount { row: "sign-4096".into(), ..two.instructions[0].clone() };
        two.instructions.push(other);
        let comparison = two.compare(&report());
        assert_eq!(comparison.verdict(0.05), Verdict::Fine);
        assert!(comparison.to_string().contains("not measured now: sign-4096"), "{comparison}");

        let mut none = report();
        none.rows.clear();
        assert_eq!(before().compare(&none).verdict(0.05), Verdict::Incomparable);
    }

    #[test]
    fn ratios_of_another_processor_are_not_compared() {
        let mut elsewhere = with(0.1, 0.1, 12_000_000);
        elsewhere.cpu.features.push("avx512ifma".into());
        let comparison = before().compare(&elsewhere);
        assert_eq!(comparison.verdict(0.05), Verdict::Fine, "instructions are");
        assert!(comparison.to_string().contains("ratios are not compared"), "{comparison}");
        let mut masked = with(0.1, 0.1, 12_000_000);
        masked.mask = Some(":~0x200000".into());
        assert_eq!(before().compare(&masked).findings.len(), 1);
        elsewhere.cpu.architecture = "abacus".into();
        assert_eq!(before().compare(&elsewhere).verdict(0.05), Verdict::Incomparable);
    }

    #[test]
    fn bad_files_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("base.json");
        let refused = |text: &str| {
            fs::write(&path, text).expect("writes");
            Baseline::read(&path).expect_err("refused").to_string()
        };
        let good = serde_json::to_string(&before()).expect("json");
        for text in ["", "{}", "[]", "null", "{\"format\":1}", &good[..good.len() / 2], "\u{0}\u{1}"] {
            assert!(refused(text).contains("not a baseline"), "{text}");
        }
        assert!(refused(&good.replace("\"format\":1", "\"format\":9")).contains("format 9"));
        assert!(refused(&good.replace("\"median\":2.0", "\"median\":0.0")).contains("above nought"));
        assert!(refused(&good.replace("\"count\":12000000", "\"count\":0")).contains("nought"));
        fs::write(&path, &good).expect("writes");
        assert_eq!(Baseline::read(&path).expect("reads"), before());
        assert!(matches!(Baseline::read(&folder.path().join("none")), Err(BenchError::Io(..))));
    }
}
