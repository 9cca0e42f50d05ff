//! `jitsuin ctl`: a hand at the readers of a running `jitsuin serve`.

use crate::{
    args,
    failure::Failure,
    out::say,
    serve::{About, Answer, CONTROL_VARIABLE, Request},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// Longest answer, in bytes: the list of ten thousand readers.
const LINE: u64 = 64 << 20;
/// An answer may take as long as the command under way.
const TIMEOUT: Duration = Duration::from_secs(120);

/// `jitsuin ctl`
pub(crate) fn run(ctl: args::Ctl) -> Result<(), Failure> {
    let mut channel = Channel::open(ctl.control.as_deref())?;
    let request = ctl.act.request()?;
    if matches!(request, Request::Watch {}) {
        channel.ask(&request)?;
        return channel.lines(|line| {
            say!("{}", line.trim_end());
            true
        });
    }
    let answer = channel.ask(&request)?;
    match (ctl.json, answer.readers) {
        (true, Some(readers)) => crate::print_json(&readers)?,
        (false, Some(readers)) => readers.iter().for_each(print),
        (_, None) => {}
    }
    Ok(())
}

fn print(about: &About) {
    let card = match (&about.card, about.present) {
        (Some(card), _) => card,
        (None, true) => "a card from elsewhere",
        (None, false) => "empty",
    };
    let power = if about.powered { "powered" } else { "without power" };
    let state = if about.present { format!(", {power}, ATR {}", about.atr) } else { String::new() };
    say!("{}: {card}{state}", about.reader);
    match (about.exclusive, about.connections) {
        (true, _) => say!("  connected exclusively"),
        (false, 0) => {}
        (false, count) => say!("  {count} connected"),
    }
    for (pin, left) in &about.pins {
        say!("  {pin}: {left} tries left");
    }
    for snapshot in &about.snapshots {
        say!("  snapshot {snapshot}");
    }
}

/// A connection to the control channel.
pub(crate) struct Channel {
    stream: BufReader<UnixStream>,
}

impl Channel {
    /// Opens the channel at this path, or where the environment says.
    pub(crate) fn open(path: Option<&Path>) -> Result<Channel, Failure> {
        let path = path.ok_or_else(|| {
            Failure::Usage(format!(
                "which server? give --control PATH, or set {CONTROL_VARIABLE} as `jitsuin serve` prints it"
            ))
        })?;
        let stream = UnixStream::connect(path)
            .map_err(|error| Failure::Refused(format!("{}: {error}; is `jitsuin serve` running?", path.display())))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Channel { stream: BufReader::new(stream) })
    }

    /// Asks, and waits until it is done.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        let mut line = zeroize::Zeroizing::new(serde_json::to_vec(request)?);
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        let mut text = String::new();
        (&mut self.stream).take(LINE).read_line(&mut text)?;
        if text.is_empty() {
            return Err(Failure::Refused("the server ended the connection".into()));
        }
        let answer: Answer = serde_json::from_str(&text)?;
        match answer.error {
            Some(error) if !answer.ok => Err(Failure::Refused(error)),
            _ => Ok(answer),
        }
    }

    /// Reads what comes after `watch`, until it ends or `each` has seen enough.
    pub(crate) fn lines(&mut self, mut each: impl FnMut(&str) -> bool) -> Result<(), Failure> {
        loop {
            let mut line = String::new();
            if (&mut self.stream).take(LINE).read_line(&mut line)? == 0 {
                return Ok(());
            }
            // The server asks whether anybody is there.
            if line != "\n" && !each(&line) {
                return Ok(());
            }
        }
    }
}
