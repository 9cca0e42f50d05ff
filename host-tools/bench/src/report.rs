//! What was seen.

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side},
    cpu::Cpu,
    rounds::Samples,
    statistics::{Latency, Ratio, Summary, rate},
};
use serde::{Deserialize, Serialize};

/// Number of this form of report.
pub const FORMAT: u32 = 1;

/// Everything of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of `jitsuin`.
    pub version: String,
    /// Where it ran.
    pub cpu: Cpu,
    /// Back ends of this project that ran.
    pub back_ends: Vec<String>,
    /// What OpenSSL and AWS-LC were told to ignore, as `OPENSSL_ia32cap` has it.
    pub mask: Option<String>,
    /// Rounds of each row.
    pub rounds: u32,
    /// Seconds of each contender in each row.
    pub seconds: f64,
    /// The rows.
    pub rows: Vec<RowReport>,
    /// What a reader must know beside the numbers.
    pub notes: Vec<String>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowReport {
    /// Short name.
    pub name: String,
    /// For people.
    pub title: String,
    /// How time was taken.
    pub clock: Clock,
    /// In the order in which they are listed.
    pub figures: Vec<Figure>,
}

/// One contender in one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Short name.
    pub name: String,
    /// Version, and what it is.
    pub about: String,
    /// Of this project.
    pub own: bool,
    /// Operations in all rounds.
    pub operations: u64,
    /// Operations a second in the middle round.
    pub median_per_second: f64,
    /// Operations a second in the fastest round.
    pub best_per_second: f64,
    /// Instructions of one operation, where they were counted.
    pub instructions: Option<u64>,
    /// How long single operations took, where that was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Speed divided by that of each rival; empty for rivals.
    pub ratios: Vec<Against>,
}

/// A ratio, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// The rival.
    pub rival: String,
    /// Above one where the rival is slower.
    #[serde(flatten)]
    pub ratio: Ratio,
}

impl RowReport {
    /// From what a row's contenders did.
    #[must_use]
    pub fn of(row: &Row, samples: &[Samples]) -> RowReport {
        let seen = row.contenders.iter().zip(samples);
        let seen: Vec<(&Contender, &Samples, Summary)> = seen
            .filter_map(|(contender, samples)| Some((contender, samples, Summary::of(&samples.nanoseconds)?)))
            .collect();
        let rivals = || seen.iter().filter(|(contender, ..)| contender.side == Side::Rival);
        let figure = |(contender, samples, summary): &(&Contender, &Samples, Summary)| {
            let own = contender.side == Side::Own;
            let ratio = |(rival, _, theirs): &(&Contender, &Samples, Summary)| Against {
                rival: rival.name.clone(),
                ratio: summary.against(*theirs),
            };
            Figure {
                name: contender.name.clone(),
                about: contender.about.clone(),
                own,
                operations: samples.operations,
                median_per_second: rate(summary.median),
                best_per_second: rate(summary.best),
                instructions: None,
                latency: samples.latency,
                ratios: if own { rivals().map(ratio).collect() } else { Vec::new() },
            }
        };
        let figures = seen.iter().map(figure).collect();
        RowReport { name: row.name.clone(), title: row.title.clone(), clock: row.clock, figures }
    }
}
