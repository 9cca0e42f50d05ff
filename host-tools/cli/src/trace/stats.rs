//! A trace in numbers, and what is remarkable in it.

use super::lines;
use crate::{args::TraceFile, failure::Failure, out::say};
use serde::Serialize;
use sim::{explain::Explained, trace::Line};
use std::collections::BTreeMap;

/// Commands of one kind.
#[derive(Default, Serialize)]
struct Counted {
    count: u64,
    /// Those that did not end in 9000.
    refused: u64,
    /// Microseconds in the card.
    median: u64,
    longest: u64,
    #[serde(skip)]
    took: Vec<u64>,
}

#[derive(Default, Serialize)]
struct Stats {
    exchanges: u64,
    resets: u64,
    insertions: u64,
    /// Seconds from the first line to the last.
    seconds: f64,
    /// Bytes of data sent and received.
    sent: u64,
    received: u64,
    commands: BTreeMap<String, Counted>,
    status: BTreeMap<String, u64>,
    clients: BTreeMap<String, u64>,
    /// What a programmer should look at.
    remarks: Vec<String>,
}

/// `jitsuin trace stats`
pub(super) fn run(file: &TraceFile) -> Result<(), Failure> {
    let stats = stats(lines(&file.file)?)?;
    if file.json {
        return crate::print_json(&stats);
    }
    say!(
        "{} exchanges in {:.3} s, {} insertions, {} resets and power cycles",
        stats.exchanges,
        stats.seconds,
        stats.insertions,
        stats.resets
    );
    say!("{} bytes of data sent, {} received", stats.sent, stats.received);
    say!("{:>8} {:>8} {:>10} {:>10}  command", "count", "refused", "median µs", "longest µs");
    let mut commands: Vec<_> = stats.commands.iter().collect();
    commands.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.count));
    for (command, Counted { count, refused, median, longest, .. }) in commands {
        say!("{count:>8} {refused:>8} {median:>10} {longest:>10}  {command}");
    }
    let list = |counts: &BTreeMap<String, u64>| {
        counts.iter().map(|(name, count)| format!("{name}: {count}")).collect::<Vec<_>>().join(", ")
    };
    say!("status words: {}", list(&stats.status));
    if !stats.clients.is_empty() {
        say!("clients: {}", list(&stats.clients));
    }
    for remark in &stats.remarks {
        say!("! {remark}");
    }
    Ok(())
}

fn stats(lines: impl Iterator<Item = Result<Line, Failure>>) -> Result<Stats, Failure> {
    let mut stats = Stats::default();
    let (mut first, mut last) = (None, None);
    let mut remarks = Remarks::default();
    for line in lines {
        let line = line?;
        first.get_or_insert(line.time);
        last = Some(line.time);
        use sim::trace::Kind;
        match line.event {
            Kind::Inserted => stats.insertions += 1,
            Kind::PowerOn | Kind::PowerOff | Kind::WarmReset => stats.resets += 1,
            Kind::Removed | Kind::Exchange => {}
        }
        let Some(exchange) = &line.exchange else {
            remarks.before.remove(&line.reader);
            continue;
        };
        stats.exchanges += 1;
        stats.sent += exchange.data.count() as u64;
        stats.received += exchange.response.count() as u64;
        *stats.status.entry(exchange.sw.clone()).or_default() += 1;
        if !line.client.is_empty() {
            *stats.clients.entry(line.client.clone()).or_default() += 1;
        }
        let counted = stats.commands.entry(exchange.command.clone()).or_default();
        counted.count += 1;
        counted.refused += u64::from(exchange.sw != "9000");
        counted.took.extend(line.took);
        remarks.see(&line, exchange);
    }
    for counted in stats.commands.values_mut() {
        counted.took.sort_unstable();
        counted.median = counted.took.get(counted.took.len() / 2).copied().unwrap_or(0);
        counted.longest = counted.took.last().copied().unwrap_or(0);
    }
    if let (Some(first), Some(last)) = (first, last) {
        stats.seconds = (last - first).as_seconds_f64();
    }
    stats.remarks = remarks.found.into_iter().map(|(what, count)| format!("{what} ({count} times)")).collect();
    Ok(stats)
}

/// Faults of clients that the field knows. (pcsc.md §4)
#[derive(Default)]
struct Remarks {
    before: BTreeMap<String, Explained>,
    found: BTreeMap<String, u64>,
}

impl Remarks {
    fn see(&mut self, line: &Line, exchange: &Explained) {
        let presents = exchange.data.count() > 0 && exchange.command.starts_with("VERIFY");
        let twice = self.before.get(&line.reader).is_some_and(|before| {
            (&before.command, &before.header, &before.data) == (&exchange.command, &exchange.header, &exchange.data)
        });
        if twice && presents {
            self.found(format!("{}: sent twice in a row; a wrong value costs two tries so", exchange.command));
        } else if twice && exchange.sw != "9000" {
            self.found(format!("{}: sent again after {}", exchange.command, exchange.sw));
        }
        match exchange.sw.as_str() {
            sw if presents && sw.starts_with("63C") => self.found(format!("{}: a wrong value", exchange.command)),
            "6984" if presents => self.found(format!("{}: presented though it is blocked", exchange.command)),
            "6982" => self.found(format!("{}: without the rights for it", exchange.command)),
            _ => {}
        }
        self.before.insert(line.reader.clone(), exchange.clone());
    }

    fn found(&mut self, what: String) {
        *self.found.entry(what).or_default() += 1;
    }
}
