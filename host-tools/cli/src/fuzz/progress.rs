//! What libFuzzer says on the way.

use serde::Serialize;

/// How far a target has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Progress {
    /// Inputs run.
    pub executions: u64,
    /// Inputs a second.
    pub per_second: u64,
    /// Edges of the code that were reached.
    pub coverage: u64,
    /// Inputs that were kept because they reached something new.
    pub corpus: u64,
}

impl Progress {
    /// Takes in a line: `#4096 NEW cov: 512 ft: 900 corp: 40/2Kb lim: 21 exec/s: 2048 rss: 60Mb …`, or one of the figures at the
    /// end. Any other is none of its business.
    pub(super) fn read(&mut self, line: &str) {
        let number = |text: Option<&str>| text.and_then(|text| text.split('/').next()?.parse().ok());
        if let Some(figure) = line.strip_prefix("stat::") {
            let (name, value) = figure.split_once(':').unwrap_or_default();
            match (name, number(Some(value.trim()))) {
                ("number_of_executed_units", Some(value)) => self.executions = value,
                ("average_exec_per_sec", Some(value)) => self.per_second = value,
                _ => {}
            }
            return;
        }
        let Some(line) = line.strip_prefix('#') else { return };
        let mut words = line.split_whitespace();
        let Some(executions) = number(words.next()) else { return };
        self.executions = executions;
        while let Some(word) = words.next() {
            let place = match word {
                "cov:" => &mut self.coverage,
                "corp:" => &mut self.corpus,
                "exec/s:" => &mut self.per_second,
                _ => continue,
            };
            *place = number(words.next()).unwrap_or(*place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_libfuzzer_are_understood() {
        // As clang's documentation of libFuzzer shows them.
        let mut progress = Progress::default();
        progress.read("INFO: Seed: 1523017872");
        assert_eq!(progress, Progress::default());
        progress.read("#1\tNEW    cov: 6 ft: 7 corp: 1/1b lim: 4 exec/s: 0 rss: 26Mb L: 1/1 MS: 1 ChangeByte-");
        progress.read("#3811\tNEW    cov: 7 ft: 9 corp: 12/345b lim: 4 exec/s: 1270 rss: 27Mb L: 2/2 MS: 5");
        assert_eq!(progress, Progress { executions: 3811, per_second: 1270, coverage: 7, corpus: 12 });
        progress.read("stat::number_of_executed_units: 5000");
        progress.read("stat::average_exec_per_sec:     1666");
        progress.read("#x cov: 1");
        progress.read("#");
        assert_eq!(progress, Progress { executions: 5000, per_second: 1666, coverage: 7, corpus: 12 });
    }
}
