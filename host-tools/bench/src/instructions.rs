//! How many instructions one operation takes, by callgrind: unlike seconds, the same on a busy machine.
//!
//! The operation is run some times in one process and not at all in another; the difference has no start-up in it.
//! valgrind's processor is not the one below it: it has no AVX-512, no SHA instructions and (as of 3.19) no ADX, so who
//! would use them counts as the code that it falls back to.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// Counts by running the program again.
#[derive(Debug, Clone)]
pub struct Counter<'a> {
    /// The program: `PROGRAM bench-once ROW CONTENDER TIMES MADE` does an operation so many times.
    pub program: &'a Path,
}

/// Whether valgrind is here.
#[must_use]
pub fn available() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// How often an operation is worth running: signing is long enough to be counted in one.
fn times(row: &str) -> u64 {
    if row.ends_with("-3072") || row.ends_with("-4096") { 1 } else { 3 }
}

impl Counter<'_> {
    /// Instructions of one run of a contender's work.
    ///
    /// # Errors
    /// Why it could not be counted, in words.
    pub fn count(&self, row: &str, contender: &str, made: &Path) -> Result<u64, String> {
        let times = times(row);
        // Side by side: counting is not disturbed by neighbours.
        let none = self.start(row, contender, 0, made)?;
        let all = self.start(row, contender, times, made)?;
        let (none, all) = (total(none), total(all));
        Ok(all?.saturating_sub(none?) / times)
    }

    fn start(&self, row: &str, contender: &str, times: u64, made: &Path) -> Result<Child, String> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(self.program);
        command.args(["bench-once", row, contender, &times.to_string()]).arg(made);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("valgrind: {error}"))
    }
}

/// What a run says at its end.
fn total(run: Child) -> Result<u64, String> {
    let output = run.wait_with_output().map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last = said.lines().rfind(|line| !line.starts_with("==")).unwrap_or("it says nothing");
        return Err(format!("under valgrind: {last}"));
    }
    collected(&said).ok_or_else(|| "callgrind tells no number".into())
}

/// The number in callgrind's last words.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("== Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrinds_last_words_are_understood() {
        assert_eq!(collected("==1== \n==1== Events    : Ir\n==1== Collected : 1234567\n"), Some(1_234_567));
        assert_eq!(collected("==1== Collected : many\n"), None);
        assert_eq!(collected(""), None);
    }
}
