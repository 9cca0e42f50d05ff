//! The control channel: a Unix socket of its owner, beside the one for PC/SC. Never an APDU, and never through a reader.

use super::{
    rack::Rack,
    request::{Answer, Request, Tear},
};
use crate::failure::Failure;
use sim::pcsc::private_listener;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

/// Longest request, in bytes.
const LINE: u64 = 64 * 1024;
/// Hands at a time; more are sent away.
const HANDS: usize = 64;
/// How long a hand may take for its answers.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Events that somebody who looks on may be behind; more are left out.
const BEHIND: usize = 4096;

/// A control channel, open until dropped.
pub(super) struct Control {
    path: PathBuf,
}

/// What hands share.
struct Shared {
    rack: Arc<Rack>,
    stop: SyncSender<()>,
    /// The trace that a hand has asked for.
    trace: Mutex<Option<usize>>,
    hands: AtomicUsize,
}

impl Control {
    /// Listens at `path`, mode 0600. `stop` is told when somebody ends the server.
    pub(super) fn open(path: &Path, rack: Arc<Rack>, stop: SyncSender<()>) -> Result<Control, Failure> {
        let listener = private_listener(path)?;
        let shared = Arc::new(Shared { rack, stop, trace: Mutex::default(), hands: AtomicUsize::new(0) });
        // It ends with the program.
        thread::spawn(move || accept(&listener, &shared));
        Ok(Control { path: path.into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of descriptors: give others time to leave.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if shared.hands.fetch_add(1, Ordering::SeqCst) >= HANDS {
            shared.hands.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // However it ends, nothing is left of it.
            let _ = serve(&stream, &shared);
            shared.hands.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

fn serve(mut stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = zeroize::Zeroizing::new(Vec::new());
        if (&mut lines).take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && line.len() as u64 == LINE {
            return write(stream, &refusal(format!("a request of more than {LINE} bytes")));
        }
        let request = match serde_json::from_slice::<Request>(&line) {
            Ok(Request::Watch {}) => return watch(stream, shared),
            Ok(request) => request,
            Err(error) => {
                write(stream, &refusal(format!("not a request: {error}")))?;
                continue;
            }
        };
        let ends = matches!(request, Request::Stop {});
        let answer = match act(request, shared) {
            Ok(answer) => answer,
            Err(failure) => refusal(failure.to_string()),
        };
        write(stream, &answer)?;
        stream.flush()?;
        if ends {
            // Full where somebody has said so before.
            let _ = shared.stop.try_send(());
        }
    }
}

fn refusal(error: String) -> Answer {
    Answer { ok: false, error: Some(error), readers: None }
}

fn write(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    stream.write_all(&text)
}

/// Does it. Whoever asks PC/SC afterwards sees the effect already.
fn act(request: Request, shared: &Shared) -> Result<Answer, Failure> {
    let rack = &shared.rack;
    let mut readers = None;
    match request {
        Request::List {} => readers = Some(rack.about()),
        Request::Insert { reader, card } => rack.insert(&reader, &card)?,
        Request::Remove { reader } => rack.remove(&reader)?,
        Request::Swap { reader, card } => rack.swap(&reader, &card)?,
        Request::Power { reader, on } => rack.power(&reader, on)?,
        Request::Reset { reader } => rack.reset(&reader)?,
        Request::Cut { reader, word, tear, seed } => rack.cut(&reader, word, tear.with(seed))?,
        Request::Snapshot { reader, name } => rack.snapshot(&reader, &name)?,
        Request::Restore { reader, name } => rack.restore(&reader, &name)?,
        Request::Press { reader, pin } => rack.press(&reader, pin)?,
        Request::Trace { file } => {
            let mut current = shared.trace.lock().unwrap_or_else(PoisonError::into_inner);
            let new = match file {
                Some(file) => Some(rack.outputs.add(super::trace_file(&file)?)),
                None => None,
            };
            if let Some(old) = std::mem::replace(&mut *current, new) {
                rack.outputs.remove(old);
            }
        }
        // Told to the server when the answer is out.
        Request::Watch {} | Request::Stop {} => {}
    }
    Ok(Answer { ok: true, error: None, readers })
}

impl Tear {
    fn with(self, seed: u64) -> sim::nvm::Tear {
        match self {
            Tear::Before => sim::nvm::Tear::Before,
            Tear::After => sim::nvm::Tear::After,
            Tear::FirstHalf => sim::nvm::Tear::FirstHalf,
            Tear::LastHalf => sim::nvm::Tear::LastHalf,
            Tear::Bits => sim::nvm::Tear::Bits(seed),
        }
    }
}

/// Sends events until the other end goes. The cards wait for nobody who looks on.
fn watch(mut stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    let (sender, lines) = mpsc::sync_channel(BEHIND);
    let number = shared.rack.outputs.add(Box::new(Onlooker { sender, line: Vec::new() }));
    let sent = write(stream, &Answer { ok: true, error: None, readers: None }).and_then(|()| {
        loop {
            match lines.recv_timeout(Duration::from_secs(1)) {
                Ok(line) => stream.write_all(&line)?,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
                // An empty line asks whether anybody is there.
                Err(mpsc::RecvTimeoutError::Timeout) => stream.write_all(b"\n")?,
            }
        }
    });
    shared.rack.outputs.remove(number);
    sent
}

/// Hands whole lines over, and leaves out what nobody takes in time.
struct Onlooker {
    sender: SyncSender<Vec<u8>>,
    line: Vec<u8>,
}

impl Write for Onlooker {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.sender.try_send(std::mem::take(&mut self.line)) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
