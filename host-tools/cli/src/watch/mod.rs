//! `jitsuin watch`: a live view of the readers of a running `jitsuin serve`, in the terminal.

mod draw;
mod rates;
mod view;

use crate::{
    args,
    ctl::Channel,
    failure::Failure,
    serve::{About, Request},
};
use ratatui::{DefaultTerminal, crossterm::event};
use rustix::event::{PollFd, PollFlags, poll};
use sim::trace::Line;
use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use view::{View, clean};

/// Between two frames, where something has changed.
const FRAME: Duration = Duration::from_millis(50);
/// Between two looks at the readers.
const LOOK: Duration = Duration::from_secs(1);
/// What may wait to be drawn. Beyond that the server leaves events out; it waits for nobody who looks on.
const QUEUE: usize = 4096;

/// What comes from the server.
enum Seen {
    Line(Box<Line>),
    List(Vec<About>),
}

/// `jitsuin watch`
pub(crate) fn run(watch: &args::Watch) -> Result<(), Failure> {
    if !io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "standard output is no terminal; `jitsuin ctl watch` prints the same events as lines of JSON".into(),
        ));
    }
    // Whatever is wrong with the channel is said before the screen is taken.
    let control = watch.control.as_deref();
    let (mut events, mut lists) = (Channel::open(control)?, Channel::open(control)?);
    events.ask(&Request::Watch {})?;
    let mut view = View::default();
    view.list(lists.ask(&Request::List {})?.readers.unwrap_or_default());
    let (sender, seen) = mpsc::sync_channel(QUEUE);
    let other = sender.clone();
    let feeds = vec![thread::spawn(move || follow(events, &sender)), thread::spawn(move || look(lists, &other))];
    // Ctrl-C is a key while the terminal is raw; this is for those who end the program from elsewhere.
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    ctrlc::set_handler(move || stopped.store(true, Ordering::Relaxed))?;
    leave_with_the_terminal();
    let mut screen = Screen::take()?;
    show(&mut screen.terminal, &mut view, &seen, feeds, &stop)
}

/// Ends the program when its terminal is gone. Where keys are read that is not noticed: the end of the input is read again and again, for
/// ever.
fn leave_with_the_terminal() {
    if !io::stdin().is_terminal() {
        return;
    }
    thread::spawn(|| {
        let stdin = io::stdin();
        // No events are asked for: a hang-up is told all the same.
        let mut looked = [PollFd::new(&stdin, PollFlags::empty())];
        if poll(&mut looked, None).is_ok() {
            std::process::exit(1);
        }
    });
}

/// Draws until somebody leaves, or the server does.
fn show(
    terminal: &mut DefaultTerminal,
    view: &mut View,
    seen: &Receiver<Seen>,
    mut feeds: Vec<JoinHandle<Failure>>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut changed = true;
    while !stop.load(Ordering::Relaxed) {
        changed |= view.tick(began.elapsed());
        // No more than fits the queue, so that keys have their turn whatever the server sends.
        for one in seen.try_iter().take(QUEUE) {
            changed = true;
            match one {
                Seen::Line(line) => view.line(&line),
                Seen::List(readers) => view.list(readers),
            }
        }
        if let Some(ended) = feeds.iter().position(JoinHandle::is_finished) {
            return Err(match feeds.swap_remove(ended).join() {
                Ok(failure) => Failure::Refused(format!("the server has gone: {}", clean(&failure.to_string()))),
                // It has told why.
                Err(_) => Failure::Refused("an error in this program".into()),
            });
        }
        if std::mem::take(&mut changed) {
            let mut rows = 0;
            terminal.draw(|frame| rows = draw::draw(frame, view))?;
            view.set_page(rows);
        }
        let mut wait = FRAME;
        while event::poll(wait)? {
            changed = true;
            if let event::Event::Key(key) = event::read()?
                && view.key(key).is_break()
            {
                return Ok(());
            }
            wait = Duration::ZERO;
        }
    }
    Ok(())
}

/// Hands the events over, until there are no more.
fn follow(mut channel: Channel, sender: &SyncSender<Seen>) -> Failure {
    let mut odd = None;
    let ended = channel.lines(|text| match serde_json::from_str(text) {
        Ok(line) => sender.send(Seen::Line(Box::new(line))).is_ok(),
        Err(error) => {
            odd = Some(Failure::Refused(format!("not a line of a trace: {error}")));
            false
        }
    });
    let ended = ended.err().unwrap_or_else(|| Failure::Refused("it ended the connection".into()));
    odd.unwrap_or(ended)
}

/// Asks again and again what is in the readers.
fn look(mut channel: Channel, sender: &SyncSender<Seen>) -> Failure {
    loop {
        thread::sleep(LOOK);
        let readers = match channel.ask(&Request::List {}) {
            Ok(answer) => answer.readers.unwrap_or_default(),
            Err(failure) => return failure,
        };
        if sender.send(Seen::List(readers)).is_err() {
            return Failure::Refused("nobody looks on".into());
        }
    }
}

/// The terminal while it is ours; given back when dropped.
struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    fn take() -> Result<Screen, Failure> {
        // From here on a panic gives it back before it is told.
        match ratatui::try_init() {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(error) => {
                // It may be raw already.
                let _ = ratatui::try_restore();
                Err(Failure::Refused(format!("the terminal: {error}")))
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Once more after a panic would put the cursor onto what was told of it.
        if !thread::panicking() {
            let _ = self.terminal.show_cursor();
            let _ = ratatui::try_restore();
        }
    }
}
