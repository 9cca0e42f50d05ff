//! Traces: every event at the contacts as one line of JSON, secrets blanked.
//!
//! One format, written here and read here: whatever is done with a trace begins with [`Line`]. A [`Tap`] watches one slot; the
//! taps of all readers write to the same [`Outputs`], which may come and go while cards are used.

use crate::{
    explain::{Explained, Explainer, Shape, Shown},
    slot::{Event, Observer},
};
use card_os::profile::Model;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;

/// Most harms that one event tells.
const HARMS_MAX: usize = 64;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A card was put in.
    #[serde(rename = "inserted")]
    Inserted,
    /// The card was taken out.
    #[serde(rename = "removed")]
    Removed,
    /// Cold start.
    #[serde(rename = "power on")]
    PowerOn,
    /// Power went.
    #[serde(rename = "power off")]
    PowerOff,
    /// Warm reset.
    #[serde(rename = "warm reset")]
    WarmReset,
    /// One command and its answer.
    #[serde(rename = "exchange")]
    Exchange,
}

impl Kind {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Inserted => "inserted",
            Kind::Removed => "removed",
            Kind::PowerOn => "power on",
            Kind::PowerOff => "power off",
            Kind::WarmReset => "warm reset",
            Kind::Exchange => "exchange",
        }
    }
}

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was over.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// Name of the reader.
    #[serde(default)]
    pub reader: String,
    /// What happened.
    pub event: Kind,
    /// Who sent the command: program, process and user where that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client: String,
    /// Microseconds that the card took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// Harm that a [hostile card](crate::hostile) did on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub harm: Vec<String>,
    /// The exchange, where it was one.
    #[serde(flatten)]
    pub exchange: Option<Explained>,
}

impl Line {
    /// The command APDU as it was, with `secret` in place of what was blanked. `None` where there is nothing to put there, or
    /// it was no exchange.
    #[must_use]
    pub fn command(&self, secret: &dyn Fn(&Explained, usize) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let exchange = self.exchange.as_ref()?;
        let Shown::Plain(header) = &exchange.header else { return None };
        let data = match &exchange.data {
            Shown::Plain(data) => data.clone(),
            Shown::Blank(count) => secret(exchange, *count)?,
        };
        let mut command = header.clone();
        if exchange.shape == Some(Shape::Malformed) {
            command.extend_from_slice(&data);
            return Some(command);
        }
        let ne = exchange.ne;
        let extended = exchange.shape == Some(Shape::Extended) || data.len() > 0xFF || ne.is_some_and(|ne| ne > 0x100);
        let length = u16::try_from(data.len()).ok()?.to_be_bytes();
        match (extended, data.is_empty()) {
            (_, true) => {}
            (false, false) => command.push(length[1]),
            (true, false) => command.extend_from_slice(&[0, length[0], length[1]]),
        }
        command.extend_from_slice(&data);
        // The largest Ne is written as zero.
        if let Some(ne) = ne {
            let [.., high, low] = ne.to_be_bytes();
            match (extended, data.is_empty()) {
                (false, _) => command.push(low),
                (true, true) => command.extend_from_slice(&[0, high, low]),
                (true, false) => command.extend_from_slice(&[high, low]),
            }
        }
        Some(command)
    }
}

/// Where lines go.
#[derive(Default)]
pub struct Outputs {
    list: Mutex<Vec<(usize, Box<dyn Write + Send>)>>,
    count: AtomicUsize,
    next: AtomicUsize,
}

impl Outputs {
    /// Adds one; each line is flushed. The number takes it away again.
    pub fn add(&self, out: Box<dyn Write + Send>) -> usize {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut list = self.list();
        list.push((number, out));
        self.count.store(list.len(), Ordering::Relaxed);
        number
    }

    /// Takes one away. False where it is gone already.
    pub fn remove(&self, number: usize) -> bool {
        let mut list = self.list();
        let before = list.len();
        list.retain(|(other, _)| *other != number);
        self.count.store(list.len(), Ordering::Relaxed);
        list.len() < before
    }

    /// Writes a line everywhere. An output that fails says so once and is taken away; the card goes on.
    fn write(&self, line: &Line) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        let mut list = self.list();
        list.retain_mut(|(_, out)| match out.write_all(&text).and_then(|()| out.flush()) {
            Ok(()) => true,
            // Somebody who looked on and has gone.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
            Err(error) => {
                eprintln!("trace: {error}; no further lines are written, the card goes on");
                false
            }
        });
        self.count.store(list.len(), Ordering::Relaxed);
    }

    fn are_none(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    fn list(&self) -> MutexGuard<'_, Vec<(usize, Box<dyn Write + Send>)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outputs({})", self.count.load(Ordering::Relaxed))
    }
}

/// Watches one slot.
#[derive(Debug)]
pub struct Tap {
    reader: String,
    explainer: Mutex<Explainer>,
    /// Told before the event that they belong to.
    harm: Mutex<Vec<String>>,
    outputs: Arc<Outputs>,
}

impl Tap {
    /// A tap at the reader of this name.
    #[must_use]
    pub fn new(reader: &str, outputs: Arc<Outputs>) -> Arc<Self> {
        let explainer = Mutex::new(Explainer::new(Model::CARD));
        Arc::new(Tap { reader: reader.into(), explainer, harm: Mutex::default(), outputs })
    }

    /// The next event was spoilt on purpose, in this way.
    pub fn harmed(&self, how: String) {
        let mut harm = self.harm.lock().unwrap_or_else(PoisonError::into_inner);
        if harm.len() < HARMS_MAX {
            harm.push(how);
        }
    }

    /// The next card in the reader is of this model.
    pub fn expect(&self, model: &'static Model) {
        *self.explainer() = Explainer::new(model);
    }

    fn explainer(&self) -> MutexGuard<'_, Explainer> {
        self.explainer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tap {
    fn event(&self, event: &Event<'_>) {
        let harm = std::mem::take(&mut *self.harm.lock().unwrap_or_else(PoisonError::into_inner));
        let mut explainer = self.explainer();
        match event {
            Event::PowerOn | Event::PowerOff => explainer.reset(),
            Event::Reset => explainer.warm_reset(),
            _ => {}
        }
        if self.outputs.are_none() {
            // Whoever begins to watch later is told what is current all the same.
            if let Event::Exchange { command, response, .. } = event {
                explainer.follow(command, response);
            }
            return;
        }
        let (kind, took, client, exchange) = match event {
            Event::Inserted => (Kind::Inserted, None, "", None),
            Event::Removed => (Kind::Removed, None, "", None),
            Event::PowerOn => (Kind::PowerOn, None, "", None),
            Event::PowerOff => (Kind::PowerOff, None, "", None),
            Event::Reset => (Kind::WarmReset, None, "", None),
            Event::Exchange { command, response, duration, client } => {
                (Kind::Exchange, Some(micros(*duration)), *client, Some(explainer.exchange(command, response)))
            }
        };
        drop(explainer);
        let (reader, client) = (self.reader.clone(), client.to_owned());
        self.outputs.write(&Line { time: now(), reader, event: kind, client, took, harm, exchange });
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// To the microsecond.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(now.nanosecond() / 1000 * 1000).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn lines(&self) -> (String, Vec<Line>) {
            let text = String::from_utf8(self.0.lock().expect("lock").clone()).expect("utf-8");
            let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
            (text, lines)
        }
    }

    fn tap() -> (Shared, Arc<Outputs>, Arc<Tap>) {
        let (out, outputs) = (Shared::default(), Arc::new(Outputs::default()));
        let tap = Tap::new("Reader 0", Arc::clone(&outputs));
        (out, outputs, tap)
    }

    fn exchange<'a>(command: &'a [u8], response: &'a [u8]) -> Event<'a> {
        Event::Exchange { command, response, duration: Duration::from_micros(7), client: "somebody" }
    }

    #[test]
    fn one_line_an_event_and_no_pin() {
        let (out, outputs, tap) = tap();
        outputs.add(Box::new(out.clone()));
        tap.event(&Event::PowerOn);
        tap.event(&exchange(b"\x00\x20\x00\x80\x041234", &[0x63, 0xC2]));
        let (text, lines) = out.lines();
        assert_eq!((lines[0].event, lines[0].reader.as_str()), (Kind::PowerOn, "Reader 0"));
        let told = lines[1].exchange.as_ref().expect("an exchange");
        assert_eq!((told.sw.as_str(), lines[1].took, lines[1].client.as_str()), ("63C2", Some(7), "somebody"));
        assert_eq!(told.data, Shown::Blank(4));
        assert!(!text.contains("31323334") && !text.contains("\"1234"));
    }

    #[test]
    fn who_begins_late_knows_what_is_current() {
        let (out, outputs, tap) = tap();
        let select = hex::decode("00A4040C0AD392F000260100000001").expect("hex");
        tap.event(&exchange(&select, &[0x90, 0x00]));
        tap.event(&exchange(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18], &[0x90, 0x00]));
        let number = outputs.add(Box::new(out.clone()));
        tap.event(&exchange(&[0x00, 0x20, 0x00, 0x80], &[0x63, 0xC3]));
        assert!(outputs.remove(number) && !outputs.remove(number));
        tap.event(&exchange(&[0x00, 0x20, 0x00, 0x80], &[0x63, 0xC3]));
        let (_, lines) = out.lines();
        let [line] = &lines[..] else { panic!("{lines:?}") };
        let told = line.exchange.as_ref().expect("an exchange");
        assert_eq!(told.command, "VERIFY user authentication PIN (try counter)");
        assert_eq!((told.application.as_str(), told.file.as_deref()), ("JPKI", Some("user authentication PIN")));
    }

    #[test]
    fn a_command_is_put_together_as_it_was() {
        for command in [
            "00A4040C0AD392F000260100000001",
            "00200080",
            "00B0000004",
            "00B0000000",
            "00B000000000000000",
            "00B08A00000000",
            "0084000000000008",
            "80AE00000000010A",
            "00A404000000020102",
            "802A0080022A2B00",
            "802A0080000002AABB0100",
            "00A4",
            "",
            "00A40400",
            "00A404000501",
            "FFFFFFFF",
        ] {
            let bytes = hex::decode(command).expect("hex");
            let (out, outputs, tap) = tap();
            outputs.add(Box::new(out.clone()));
            tap.event(&exchange(&bytes, &[0x90, 0x00]));
            let (text, lines) = out.lines();
            let again = lines[0].command(&|_, count| Some(vec![0x0A; count])).expect("a command");
            assert_eq!(hex::encode_upper(again), command, "{text}");
        }
        let (out, outputs, tap) = tap();
        outputs.add(Box::new(out.clone()));
        tap.event(&exchange(b"\x00\x20\x00\x98\x041234", &[0x90, 0x00]));
        let (_, lines) = out.lines();
        assert_eq!(lines[0].command(&|_, _| None), None, "a secret that nobody gives");
        let again = lines[0].command(&|_, count| Some(vec![b'9'; count])).expect("a command");
        assert_eq!(again, b"\x00\x20\x00\x98\x049999");
    }
}
