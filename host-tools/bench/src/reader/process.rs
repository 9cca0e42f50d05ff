//! Other processes, which end with whoever started them.

use crate::{error::Trouble, statistics::Latency};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A process that is killed when dropped.
pub(super) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts it in a group of its own: Ctrl-C is for this program, which ends its children itself.
    pub(super) fn start(command: &mut Command) -> Result<Process, Trouble> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().map_err(|error| Trouble::Failed(format!("{name}: {error}")))?;
        Ok(Process { child, name })
    }

    /// Its standard output, where that is a pipe.
    pub(super) fn output(&mut self) -> Result<ChildStdout, Trouble> {
        self.child.stdout.take().ok_or_else(|| self.failed())
    }

    /// It ended, or said what it should not: the last thing it complained of.
    pub(super) fn failed(&mut self) -> Trouble {
        let _ = self.child.kill();
        let mut said = String::new();
        if let Some(mut err) = self.child.stderr.take() {
            let _ = err.read_to_string(&mut said);
        }
        let last = said.lines().last().unwrap_or("it ended and says nothing");
        Trouble::Failed(format!("{}: {last}", self.name))
    }

    /// Whether it has ended by itself.
    pub(super) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `benches/rivals/client.c`, connected to a card.
pub(super) struct Client {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    pub(super) fn start(mut command: Command, socket: &Path) -> Result<Client, Trouble> {
        command.env(sim::pcsc::SOCKET_VARIABLE, socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let input = process.child.stdin.take().ok_or_else(|| process.failed())?;
        let output = BufReader::new(process.output()?);
        Ok(Client { process, input, output })
    }

    /// Has it send so many commands.
    pub(super) fn send(&mut self, count: u32) -> Result<Latency, Trouble> {
        let mut line = String::new();
        let asked = writeln!(self.input, "{count}").and_then(|()| self.output.read_line(&mut line));
        let numbers: Vec<f64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match (asked, &numbers[..]) {
            (Ok(_), [_, p50, p99]) => Ok(Latency { p50: *p50, p99: *p99 }),
            _ => Err(self.process.failed()),
        }
    }
}
