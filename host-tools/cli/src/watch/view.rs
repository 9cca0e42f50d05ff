//! What has been seen of a server. Pure: fed with lines, lists, ticks and keys, it knows neither terminal nor clock.
//!
//! Every text is made harmless where it comes in, so that nothing behind has to think of it.

use super::rates::Rates;
use crate::{serve::About, trace::told};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use sim::{explain::Explained, trace::Line};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    time::Duration,
};

/// Lines kept.
pub(super) const KEPT: usize = 5000;
/// Characters kept of any text; readers' names have 127 bytes at most.
const LONGEST: usize = 256;

/// Everything that can be drawn.
#[derive(Default)]
pub(super) struct View {
    readers: Vec<About>,
    selected: usize,
    /// Most tries seen, by card and PIN.
    most: BTreeMap<(String, String), u8>,
    lines: VecDeque<Told>,
    rates: Rates,
    only: bool,
    paused: bool,
    /// Lines below the last one shown.
    below: usize,
    page: usize,
}

/// One line of traffic.
pub(super) struct Told {
    pub(super) reader: String,
    pub(super) client: String,
    pub(super) time: String,
    /// What and how it went, at length.
    pub(super) text: String,
    /// The same for little room: status first.
    pub(super) brief: String,
    pub(super) tone: Tone,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// No command: a card comes or goes, power, reset.
    Event,
    Done,
    Refused,
}

/// A PIN of the selected reader's card.
pub(super) struct Pin<'a> {
    pub(super) name: &'a str,
    pub(super) left: u8,
    /// Most tries seen.
    pub(super) most: u8,
}

impl View {
    /// Something happened.
    pub(super) fn line(&mut self, line: &Line) {
        let text = told(line);
        let (time, text) = text.split_once("  ").unwrap_or(("", &text));
        let (tone, brief) = match &line.exchange {
            None => (Tone::Event, format!("-- {}", line.event.name())),
            Some(exchange) => {
                let tone = if is_refused(exchange) { Tone::Refused } else { Tone::Done };
                (tone, format!("{} {}", exchange.sw, exchange.command))
            }
        };
        if line.exchange.is_some() {
            self.rates.count(line.took);
        }
        let told = Told {
            reader: clean(&line.reader),
            client: clean(&line.client),
            time: clean(time),
            text: clean(text),
            brief: clean(&brief),
            tone,
        };
        // What stands still stays where it is.
        if !self.follows() && self.is_shown(&told) {
            self.below += 1;
        }
        self.lines.push_back(told);
        if self.lines.len() > KEPT {
            self.lines.pop_front();
            if self.below > 0 {
                self.below = self.below.min(self.furthest());
            }
        }
    }

    /// This is in the readers now.
    pub(super) fn list(&mut self, mut readers: Vec<About>) {
        for about in &mut readers {
            about.reader = clean(&about.reader);
            about.card = about.card.as_deref().map(clean);
            about.pins = std::mem::take(&mut about.pins).into_iter().map(|(pin, left)| (clean(&pin), left)).collect();
            let holder = holder(about);
            for (pin, left) in &about.pins {
                let most = self.most.entry((holder.clone(), pin.clone())).or_default();
                *most = (*most).max(*left);
            }
        }
        // A world may have any number of cards, and a reader see them all.
        if self.most.len() > KEPT.max(readers.iter().map(|about| about.pins.len()).sum::<usize>() * 2) {
            let present: Vec<String> = readers.iter().map(holder).collect();
            self.most.retain(|(holder, _), _| present.contains(holder));
        }
        self.selected = self.selected.min(readers.len().saturating_sub(1));
        self.readers = readers;
    }

    /// So long after the beginning. True where that changes what is seen.
    pub(super) fn tick(&mut self, since: Duration) -> bool {
        self.rates.tick(since.as_secs())
    }

    /// Breaks where it means to leave.
    pub(super) fn key(&mut self, key: KeyEvent) -> ControlFlow<()> {
        if key.kind == KeyEventKind::Release {
            return ControlFlow::Continue(());
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return ControlFlow::Break(()),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return ControlFlow::Break(()),
            KeyCode::Up => self.select(self.selected.saturating_sub(1)),
            KeyCode::Down => self.select((self.selected + 1).min(self.readers.len().saturating_sub(1))),
            KeyCode::Tab | KeyCode::Char('f') => {
                self.only = !self.only;
                self.below = 0;
            }
            KeyCode::Char(' ') => {
                self.paused = !self.paused;
                if !self.paused {
                    self.below = 0;
                }
            }
            KeyCode::PageUp => self.below = (self.below + self.page.max(1)).min(self.furthest()),
            KeyCode::PageDown => self.below = self.below.saturating_sub(self.page.max(1)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// So many lines of traffic have room.
    pub(super) fn set_page(&mut self, rows: usize) {
        self.page = rows;
    }

    pub(super) fn readers(&self) -> &[About] {
        &self.readers
    }

    pub(super) fn selected(&self) -> usize {
        self.selected
    }

    /// PINs of the card in the selected reader.
    pub(super) fn pins(&self) -> impl ExactSizeIterator<Item = Pin<'_>> {
        static NONE: BTreeMap<String, u8> = BTreeMap::new();
        let about = self.readers.get(self.selected);
        let holder = about.map(holder).unwrap_or_default();
        about.map_or(&NONE, |about| &about.pins).iter().map(move |(name, left)| {
            let most = self.most.get(&(holder.clone(), name.clone()));
            Pin { name, left: *left, most: most.copied().unwrap_or(*left) }
        })
    }

    /// The last lines that fit into so many rows, oldest first. During a pause that may be fewer than there are.
    pub(super) fn traffic(&self, rows: usize) -> Vec<&Told> {
        let shown = self.lines.iter().rev().filter(|told| self.is_shown(told));
        let mut shown: Vec<_> = shown.skip(self.below).take(rows).collect();
        shown.reverse();
        shown
    }

    pub(super) fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Whether only the selected reader's traffic is shown.
    pub(super) fn only(&self) -> bool {
        self.only
    }

    pub(super) fn paused(&self) -> bool {
        self.paused
    }

    /// Lines newer than those shown.
    pub(super) fn below(&self) -> usize {
        self.below
    }

    fn select(&mut self, number: usize) {
        if number != self.selected && self.only {
            self.below = 0;
        }
        self.selected = number;
    }

    fn follows(&self) -> bool {
        !self.paused && self.below == 0
    }

    fn is_shown(&self, told: &Told) -> bool {
        !self.only || self.readers.get(self.selected).is_none_or(|about| about.reader == told.reader)
    }

    /// How many lines can be below a full page.
    fn furthest(&self) -> usize {
        self.lines.iter().filter(|told| self.is_shown(told)).count().saturating_sub(self.page)
    }
}

/// Whose PINs they are.
fn holder(about: &About) -> String {
    about.card.as_ref().unwrap_or(&about.reader).clone()
}

/// The question how many tries are left is answered by a warning.
fn is_refused(exchange: &Explained) -> bool {
    let asked = exchange.data.count() == 0 && exchange.sw.starts_with("63C");
    !asked && exchange.sw != "9000" && !exchange.sw.starts_with("61")
}

/// Without anything that a terminal would obey: control characters, and those that turn the direction of writing or hide.
pub(super) fn clean(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
            || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    text.chars().take(LONGEST).map(|c| if is_odd(c) { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A reader; powered and connected where it has a card.
    pub(in super::super) fn about(reader: &str, card: Option<&str>, pins: &[(&str, u8)]) -> About {
        About {
            reader: reader.into(),
            card: card.map(Into::into),
            present: card.is_some(),
            powered: card.is_some(),
            atr: String::new(),
            connections: u32::from(card.is_some()),
            exclusive: false,
            events: 3,
            pins: pins.iter().map(|(pin, left)| ((*pin).to_owned(), *left)).collect(),
            snapshots: Vec::new(),
        }
    }

    /// A command with so many bytes of data.
    pub(in super::super) fn exchange(reader: &str, command: &str, sw: &str, data: usize, took: Option<u64>) -> Line {
        let line = serde_json::json!({
            "time": "2030-01-01T10:20:30Z", "reader": reader, "event": "exchange", "client": "somebody pid 7", "took": took,
            "command": command, "header": "", "data": format!("<{data} secret bytes>"), "response": "", "sw": sw,
            "status": "told",
        });
        let mut line: Line = serde_json::from_value(line).expect("a line");
        if data == 0 {
            line.exchange.as_mut().expect("an exchange").data = sim::explain::Shown::Plain(Vec::new());
        }
        line
    }

    pub(in super::super) fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    pub(in super::super) fn press(view: &mut View, codes: &[KeyCode]) {
        for code in codes {
            assert!(view.key(key(*code)).is_continue(), "{code:?}");
        }
    }

    fn read(view: &mut View, numbers: std::ops::Range<usize>) {
        numbers.for_each(|number| view.line(&exchange("First", &format!("{number}"), "9000", 0, None)));
    }

    fn last(view: &View) -> String {
        view.traffic(10).last().map(|told| told.brief.clone()).unwrap_or_default()
    }

    #[test]
    fn keys_that_leave() {
        let mut view = View::default();
        for code in [KeyCode::Char('q'), KeyCode::Esc] {
            assert!(view.key(key(code)).is_break());
        }
        assert!(view.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)).is_break());
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert!(view.key(released).is_continue());
        // With no readers and no traffic, every other key is harmless.
        let rest = [KeyCode::Up, KeyCode::Down, KeyCode::Tab, KeyCode::Char(' '), KeyCode::PageUp, KeyCode::PageDown];
        press(&mut view, &rest);
        press(&mut view, &[KeyCode::Char('c'), KeyCode::Home]);
    }

    #[test]
    fn pages_go_back_and_forth_and_stand_still() {
        let mut view = View::default();
        view.set_page(10);
        read(&mut view, 0..100);
        assert_eq!((last(&view), view.traffic(10).len()), ("9000 99".into(), 10));
        press(&mut view, &[KeyCode::PageUp, KeyCode::PageUp]);
        assert_eq!((last(&view), view.below()), ("9000 79".into(), 20));
        read(&mut view, 100..105);
        assert_eq!((last(&view), view.below()), ("9000 79".into(), 25), "it stays where it is");
        (0..50).for_each(|_| press(&mut view, &[KeyCode::PageUp]));
        assert_eq!((last(&view), view.traffic(10).len()), ("9000 9".into(), 10), "the oldest page, and full");
        (0..50).for_each(|_| press(&mut view, &[KeyCode::PageDown]));
        read(&mut view, 105..106);
        assert_eq!(last(&view), "9000 105", "at the end it follows");
    }

    #[test]
    fn no_more_is_kept_than_that() {
        let mut view = View::default();
        view.set_page(10);
        press(&mut view, &[KeyCode::Char(' ')]);
        read(&mut view, 0..2 * KEPT);
        assert_eq!((view.lines.len(), view.below()), (KEPT, KEPT - 10));
        assert_eq!(last(&view), format!("9000 {}", KEPT + 9), "the oldest there are");
        let long = "x".repeat(10_000);
        view.line(&exchange(&long, &long, "9000", 0, None));
        let told = view.lines.back().expect("a line");
        assert!([&told.reader, &told.text, &told.brief].iter().all(|text| text.len() <= LONGEST));
        for number in 0..2 * KEPT {
            view.list(vec![about("First", Some(&number.to_string()), &[("auth", 3)])]);
        }
        assert!(view.most.len() <= KEPT + 1);
    }

    #[test]
    fn the_most_tries_belong_to_the_card() {
        let mut view = View::default();
        let pin = |view: &View| view.pins().map(|pin| (pin.left, pin.most)).collect::<Vec<_>>();
        view.list(vec![about("First", Some("one"), &[("auth", 3)])]);
        view.list(vec![about("First", Some("two"), &[("auth", 2)])]);
        assert_eq!(pin(&view), [(2, 2)]);
        view.list(vec![about("First", None, &[])]);
        assert!(pin(&view).is_empty());
        view.list(vec![about("First", Some("one"), &[("auth", 1)])]);
        assert_eq!(pin(&view), [(1, 3)]);
        // Fewer readers than before.
        view.list(vec![about("First", None, &[]), about("Second", None, &[])]);
        press(&mut view, &[KeyCode::Down, KeyCode::Down]);
        assert_eq!(view.selected(), 1);
        view.list(vec![about("First", None, &[])]);
        assert_eq!(view.selected(), 0);
    }

    #[test]
    fn what_is_refused() {
        for (sw, data, refused) in
            [("9000", 4, false), ("6110", 0, false), ("63C2", 0, false), ("63C2", 4, true), ("6984", 0, true)]
        {
            let line = exchange("First", "VERIFY", sw, data, None);
            assert_eq!(is_refused(line.exchange.as_ref().expect("an exchange")), refused, "{sw} {data}");
        }
        let mut view = View::default();
        view.line(&serde_json::from_str(r#"{"time":"2030-01-01T00:00:00Z","event":"power on"}"#).expect("a line"));
        assert_eq!((view.lines[0].tone, view.lines[0].text.as_str()), (Tone::Event, "-- power on"));
        view.tick(Duration::from_secs(1));
        assert_eq!(view.rates().now(), 0, "no command");
    }
}
