//! One reader: a client of the server's socket, and a thread that watches it.

use sim::{
    pcsc::{Inside, PcscReader, Watch},
    reader::{Reader as _, ReaderError},
};
use std::{
    io,
    net::Shutdown,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often a server that is away is looked for.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a reader is: the device name in pcscd's file of readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The server's socket.
    pub path: PathBuf,
    /// The reader behind it; the first one where there is none.
    pub reader: Option<String>,
}

impl Place {
    /// `/path/of/the/socket` or `/path/of/the/socket:Name of the reader`; the name may be empty. `None` where there is no path.
    #[must_use]
    pub fn parse(device: &str) -> Option<Place> {
        // pcscd reads what stands in quotation marks as one word, and leaves them on.
        let device = device.trim_matches(['"', '\'']);
        let (path, reader) = device.split_once(':').unwrap_or((device, ""));
        let reader = Some(reader.to_owned()).filter(|reader| !reader.is_empty());
        path.starts_with('/').then(|| Place { path: path.into(), reader })
    }

    fn connect(&self) -> Result<PcscReader, ReaderError> {
        PcscReader::open(&self.path, self.reader.as_deref())
    }
}

/// A reader in use, until dropped.
#[derive(Debug)]
pub struct Reader {
    place: Place,
    card: Mutex<Option<PcscReader>>,
    sight: Arc<Sight>,
    watcher: Option<JoinHandle<()>>,
}

/// What the watching thread sees.
#[derive(Debug, Default)]
struct Sight {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    /// The card in the reader, and the how manyth it is.
    card: Option<(u64, Inside)>,
    cards: u64,
    /// What was said of it last.
    told: Option<u64>,
    /// Whether a wait shall end.
    woken: bool,
    closed: bool,
    /// What the watching thread reads from.
    stream: Option<UnixStream>,
}

impl Sight {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down what is in the reader.
    fn see(&self, now: Option<Inside>) {
        let mut seen = self.seen();
        seen.card = match (seen.card.take(), now) {
            (_, None) => None,
            (Some((number, before)), Some(now)) if before.events == now.events => Some((number, now)),
            (_, Some(now)) => {
                seen.cards += 1;
                Some((seen.cards, now))
            }
        };
        self.changed.notify_all();
    }

    /// Watches until closed.
    fn watch(&self, place: &Place) {
        while !self.seen().closed {
            // However it ends, the server is gone and the card with it.
            let _ = self.follow(place);
            self.see(None);
            let (seen, _) = self
                .changed
                .wait_timeout_while(self.seen(), PAUSE, |seen| !seen.closed)
                .unwrap_or_else(PoisonError::into_inner);
            drop(seen);
        }
    }

    /// Watches one connection until it ends.
    fn follow(&self, place: &Place) -> Result<(), ReaderError> {
        let mut watch = Watch::open(&place.path, place.reader.as_deref())?;
        self.keep(watch.stream()?)?;
        loop {
            self.see(watch.look()?);
        }
    }

    /// Lets the connection be ended by whoever closes the reader.
    fn keep(&self, stream: UnixStream) -> io::Result<()> {
        let mut seen = self.seen();
        if seen.closed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        seen.stream = Some(stream);
        Ok(())
    }
}

impl Reader {
    /// Begins to watch. The server need not be there yet.
    #[must_use]
    pub fn open(place: Place) -> Reader {
        let sight = Arc::new(Sight::default());
        if let Ok(mut watch) = Watch::open(&place.path, place.reader.as_deref()) {
            // So that the first question is answered rightly; the thread counts the same card once more by its number.
            if let Ok(now) = watch.look() {
                sight.see(now);
            }
        }
        let (eyes, there) = (Arc::clone(&sight), place.clone());
        let watcher = Some(thread::spawn(move || eyes.watch(&there)));
        Reader { place, card: Mutex::new(None), sight, watcher }
    }

    /// Whether a card is in it. One that took another's place is told as a removal first.
    #[must_use]
    pub fn is_present(&self) -> bool {
        let mut seen = self.sight.seen();
        let now = seen.card.as_ref().map(|(number, _)| *number);
        let other = seen.told.is_some() && now.is_some() && seen.told != now;
        seen.told = if other { None } else { now };
        seen.told.is_some()
    }

    /// Waits until [`Reader::is_present`] would say something new, until woken, or for so long; whether there is news.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        let same = |seen: &mut Seen| !seen.woken && seen.told == seen.card.as_ref().map(|(number, _)| *number);
        let waited = self.sight.changed.wait_timeout_while(self.sight.seen(), timeout, same);
        let (mut seen, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        seen.woken = false;
        !outcome.timed_out()
    }

    /// Ends a wait.
    pub fn wake(&self) {
        self.sight.seen().woken = true;
        self.sight.changed.notify_all();
    }

    /// ATR of the card in it, without touching the card.
    #[must_use]
    pub fn atr(&self) -> Option<Vec<u8>> {
        self.sight.seen().card.as_ref().map(|(_, inside)| inside.atr.clone())
    }

    /// Cold start; gives the ATR.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn power_up(&self) -> Result<Vec<u8>, ReaderError> {
        self.with(PcscReader::power_on)
    }

    /// Warm reset; gives the ATR.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn reset(&self) -> Result<Vec<u8>, ReaderError> {
        self.with(PcscReader::reset)
    }

    /// Takes power away. Nobody there needs no less power.
    pub fn power_down(&self) {
        if let Some(mut card) = self.card().take() {
            let _ = card.power_off();
        }
    }

    /// One command APDU, one response APDU.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn transmit(&self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.with(|card| card.transmit(command))
    }

    /// A question to the reader; `None` where it does not know what is asked.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn control(&self, code: u32, data: &[u8], room: u32) -> Result<Option<Vec<u8>>, ReaderError> {
        self.with(|card| card.control(code, data, room))
    }

    /// Does something with the connection to the card. A connection that failed is no good any more: the next one is new.
    fn with<T>(&self, act: impl FnOnce(&mut PcscReader) -> Result<T, ReaderError>) -> Result<T, ReaderError> {
        let mut place = self.card();
        let mut card = match place.take() {
            Some(card) => card,
            None => self.place.connect()?,
        };
        let done = act(&mut card)?;
        *place = Some(card);
        Ok(done)
    }

    fn card(&self) -> MutexGuard<'_, Option<PcscReader>> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.power_down();
        let mut seen = self.sight.seen();
        (seen.closed, seen.woken) = (true, true);
        if let Some(stream) = seen.stream.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(seen);
        self.sight.changed.notify_all();
        if let Some(watcher) = self.watcher.take() {
            // One that panicked has nothing more to say.
            let _ = watcher.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let place =
            |path: &str, reader: Option<&str>| Some(Place { path: path.into(), reader: reader.map(str::to_owned) });
        assert_eq!(Place::parse("/run/pcsc"), place("/run/pcsc", None));
        assert_eq!(Place::parse("/run/pcsc:"), place("/run/pcsc", None));
        assert_eq!(Place::parse("/run/pcsc:A Reader: 00"), place("/run/pcsc", Some("A Reader: 00")));
        assert_eq!(Place::parse("\"/run/pcsc:A Reader\""), place("/run/pcsc", Some("A Reader")));
        for none in ["", ":", "pcsc", ":Reader"] {
            assert_eq!(Place::parse(none), None, "{none}");
        }
    }

    fn unseen() -> Reader {
        let place = Place::parse("/nonexistent/pcsc").expect("a path");
        Reader { place, card: Mutex::new(None), sight: Arc::default(), watcher: None }
    }

    fn inside(events: u32) -> Option<Inside> {
        Some(Inside { atr: vec![0x3B, 0x00], events })
    }

    #[test]
    fn another_card_is_a_removal_and_an_insertion() {
        let reader = unseen();
        let news = || reader.wait(Duration::ZERO);
        assert!(!reader.is_present() && !news());
        reader.sight.see(inside(1));
        assert!(news() && reader.is_present() && !news());
        // Powered, or used by somebody.
        reader.sight.see(inside(1));
        assert!(!news() && reader.is_present());
        reader.sight.see(inside(3));
        assert!(news() && !reader.is_present());
        assert!(news() && reader.is_present() && !news());
        reader.sight.see(None);
        assert!(news() && !reader.is_present() && reader.atr().is_none());
    }

    #[test]
    fn a_wait_is_ended_from_outside() {
        let reader = unseen();
        reader.wake();
        assert!(reader.wait(Duration::from_secs(600)));
        assert!(!reader.wait(Duration::ZERO), "once");
    }
}
