//! Traces: every event at the contacts as one line of JSON, secrets blanked.

use crate::{
    explain::{Explained, Explainer},
    slot::{Event, Observer},
};
use card_os::profile::Model;
use serde::Serialize;
use std::{
    io::Write,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// One line of a trace.
#[derive(Debug, Serialize)]
struct Line {
    /// Microseconds since the trace began.
    at: u128,
    event: &'static str,
    /// Microseconds that the card took.
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<u128>,
    #[serde(flatten)]
    exchange: Option<Explained>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    explainer: Explainer,
    failed: bool,
}

/// Writes what it observes. A trace that cannot be written any more says so once and lets the card go on.
pub struct Trace {
    began: Instant,
    inner: Mutex<Inner>,
}

impl Trace {
    /// A trace into `out` of a card of this model; each line is flushed.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, model: &'static Model) -> Self {
        let inner = Inner { out, explainer: Explainer::new(model), failed: false };
        Trace { began: Instant::now(), inner: Mutex::new(inner) }
    }
}

impl Observer for Trace {
    fn event(&self, event: &Event<'_>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = Line { at: self.began.elapsed().as_micros(), event: "", took: None, exchange: None };
        match event {
            Event::Inserted => line.event = "inserted",
            Event::Removed => line.event = "removed",
            Event::PowerOn => line.event = "power on",
            Event::PowerOff => line.event = "power off",
            Event::Reset => line.event = "warm reset",
            Event::Exchange { command, response, duration, .. } => {
                line.event = "exchange";
                line.took = Some(duration.as_micros());
                line.exchange = Some(inner.explainer.exchange(command, response));
            }
        }
        match event {
            Event::PowerOn | Event::PowerOff => inner.explainer.reset(),
            Event::Reset => inner.explainer.warm_reset(),
            _ => {}
        }
        let written = serde_json::to_vec(&line).map_err(std::io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            inner.out.write_all(&text)?;
            inner.out.flush()
        });
        if let Err(error) = written
            && !std::mem::replace(&mut inner.failed, true)
        {
            eprintln!("trace: {error}; no further lines are written, the card goes on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Duration};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_an_event_and_no_pin() {
        let out = Shared::default();
        let trace = Trace::new(Box::new(out.clone()), Model::CARD);
        trace.event(&Event::PowerOn);
        let command = b"\x00\x20\x00\x80\x041234";
        trace.event(&Event::Exchange {
            command,
            response: &[0x63, 0xC2],
            duration: Duration::from_micros(7),
            client: "",
        });
        let text = String::from_utf8(out.0.lock().expect("lock").clone()).expect("utf-8");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
        assert_eq!(lines[0]["event"], "power on");
        assert_eq!((lines[1]["sw"].as_str(), lines[1]["took"].as_u64()), (Some("63C2"), Some(7)));
        assert!(!text.contains("31323334") && !text.contains("\"1234"));
    }
}
