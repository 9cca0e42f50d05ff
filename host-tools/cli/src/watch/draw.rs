//! One frame of what has been seen.

use super::{
    rates::MINUTE,
    view::{Pin, Told, Tone, View},
};
use crate::serve::About;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph, Row, Sparkline, Table},
};

const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const WARNING: Style = Style::new().fg(Color::Yellow);
const ALARM: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const EVENT: Style = Style::new().fg(Color::Blue);
const CLIENT: Style = Style::new().fg(Color::Cyan);

/// Draws it, and says for how many lines of traffic there was room.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View) -> usize {
    let area = frame.area();
    if area.width < 70 || area.height < 20 { narrow(frame, area, view) } else { wide(frame, area, view) }
}

/// Everything in frames, readers beside their PINs.
fn wide(frame: &mut Frame<'_>, area: Rect, view: &View) -> usize {
    // The head of the table, and the lines of the frame; traffic has two thirds at least.
    let wanted = (view.readers().len() + 1).max(view.pins().len()) + 2;
    let upper = u16::try_from(wanted).unwrap_or(u16::MAX).min(area.height / 3);
    let [upper, rates, traffic, keys] =
        Layout::vertical([Constraint::Length(upper), Constraint::Length(3), Constraint::Min(3), Constraint::Length(1)])
            .areas(area);
    let [readers, pins] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(upper);
    table(frame, readers, view);
    let block = titled(" PINs ".into());
    frame.render_widget(Paragraph::new(view.pins().map(|pin| told_pin(&pin)).collect::<Vec<_>>()).block(block), pins);
    let block = titled(" Commands ".into());
    let inside = block.inner(rates);
    frame.render_widget(block, rates);
    let [numbers, graph] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(MINUTE as u16)]).areas(inside);
    frame.render_widget(told_rates(view), numbers);
    let seconds = view.rates().last(usize::from(graph.width));
    // The newest stands at the right from the beginning.
    let missing = vec![0; usize::from(graph.width).saturating_sub(seconds.len())];
    frame.render_widget(Sparkline::default().data([missing, seconds].concat()).style(CLIENT), graph);
    let block = titled(format!(" {} ", state(view)));
    let inside = block.inner(traffic);
    let rows = usize::from(inside.height);
    let lines: Vec<Line<'_>> = view.traffic(rows).into_iter().map(|told| told_line(told, view)).collect();
    frame.render_widget(Paragraph::new(lines).block(block), traffic);
    let help = " q leave   Up Down reader   Tab only its traffic   space pause   PgUp PgDn scroll";
    frame.render_widget(Line::styled(help, DIM), keys);
    rows
}

/// As much as there is room for, without frames.
fn narrow(frame: &mut Frame<'_>, area: Rect, view: &View) -> usize {
    let few = |count: usize| Constraint::Length(count.clamp(1, usize::from(area.height / 5).max(1)) as u16);
    let [readers, pins, rates, traffic, state_line] = Layout::vertical([
        few(view.readers().len()),
        few(view.pins().len()),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let shown = around(view, usize::from(readers.height)).map(|(selected, about)| {
        let line = format!("{}{}: {}, {}", mark(selected), about.reader, card(about), state_of(about).join(", "));
        Line::styled(line, if selected { BOLD } else { Style::new() })
    });
    let shown: Vec<Line<'_>> = shown.collect();
    let shown = if shown.is_empty() { vec![Line::styled("no readers", DIM)] } else { shown };
    frame.render_widget(Paragraph::new(shown), readers);
    frame.render_widget(Paragraph::new(view.pins().map(|pin| told_pin(&pin)).collect::<Vec<_>>()), pins);
    frame.render_widget(told_rates(view), rates);
    let rows = usize::from(traffic.height);
    let brief = |told: &Told| {
        let time = told.time.get(..8).unwrap_or(&told.time).to_owned();
        Line::from_iter([Span::styled(time + " ", DIM), Span::styled(told.brief.clone(), style(told.tone))])
    };
    frame.render_widget(Paragraph::new(view.traffic(rows).into_iter().map(brief).collect::<Vec<_>>()), traffic);
    frame.render_widget(Line::styled(format!("q leave; {}", state(view)), DIM), state_line);
    rows
}

fn table(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = titled(format!(" Readers: {} ", view.readers().len()));
    let rows = around(view, usize::from(block.inner(area).height.saturating_sub(1))).map(|(selected, about)| {
        let [power, used, insertions] = state_of(about);
        let row = Row::new([mark(selected).into(), about.reader.clone(), card(about).into(), power, used, insertions]);
        row.style(if selected { BOLD } else { Style::new() })
    });
    let longest = |text: &dyn Fn(&About) -> usize| view.readers().iter().map(text).max().unwrap_or(0).min(40) as u16;
    let widths = [
        Constraint::Length(1),
        Constraint::Max(longest(&|about| about.reader.chars().count()).max(6)),
        Constraint::Max(longest(&|about| card(about).chars().count()).max(4)),
        Constraint::Length(8),
        Constraint::Length(12),
        Constraint::Length(12),
    ];
    let head = Row::new(["", "reader", "card", "power", "clients", "insertions"]).style(DIM);
    frame.render_widget(Table::new(rows, widths).header(head).block(block), area);
}

/// As many readers as there are rows, the selected one among them.
fn around(view: &View, rows: usize) -> impl Iterator<Item = (bool, &About)> {
    let first = (view.selected() + 1).saturating_sub(rows);
    let readers = view.readers().iter().enumerate().skip(first).take(rows);
    readers.map(|(number, about)| (number == view.selected(), about))
}

fn mark(selected: bool) -> &'static str {
    if selected { ">" } else { " " }
}

fn card(about: &About) -> &str {
    match (&about.card, about.present) {
        (Some(card), _) => card,
        (None, true) => "a card from elsewhere",
        (None, false) => "empty",
    }
}

/// Power, clients, insertions.
fn state_of(about: &About) -> [String; 3] {
    let power = if about.powered { "powered" } else { "no power" };
    let used = match (about.exclusive, about.connections) {
        (true, _) => "exclusive".into(),
        (false, count) => format!("{count} connected"),
    };
    // Events are insertions and removals in turn, from an empty reader on.
    [power.into(), used, format!("{} inserted", about.events.div_ceil(2))]
}

/// The tries first: they are what may not be cut off.
fn told_pin<'a>(pin: &Pin<'a>) -> Line<'a> {
    let (text, style) = match pin.left {
        0 => ("blocked".into(), ALARM),
        1 => ("1 try left".into(), if pin.most > 1 { WARNING } else { Style::new() }),
        left => (format!("{left} tries left"), if left < pin.most { WARNING } else { Style::new() }),
    };
    Line::from_iter([Span::styled(format!("{text:<12} "), style), Span::raw(pin.name)])
}

fn told_rates(view: &View) -> Line<'static> {
    let took = match view.rates().took() {
        Some((median, longest)) => format!("median {median} µs, longest {longest} µs"),
        None => "none yet".into(),
    };
    Line::from_iter([Span::styled(format!("{}/s", view.rates().now()), BOLD), Span::raw(format!(", {took}"))])
}

/// What of the traffic is shown.
fn state(view: &View) -> String {
    let whose = match view.readers().get(view.selected()) {
        Some(about) if view.only() => format!("Traffic of {}", about.reader),
        _ => "Traffic".into(),
    };
    let paused = if view.paused() { ", paused" } else { "" };
    let below = match view.below() {
        0 => String::new(),
        count => format!(", {count} newer below"),
    };
    format!("{whose}{paused}{below}")
}

fn told_line<'a>(told: &'a Told, view: &View) -> Line<'a> {
    let mut spans = vec![Span::styled(format!("{}  ", told.time), DIM)];
    // One reader needs no name.
    if view.readers().len() > 1 && !view.only() {
        spans.push(Span::raw(format!("{}  ", cut(&told.reader, 16))));
    }
    if !told.client.is_empty() {
        // The program comes first, then process and user.
        let client: String = told.client.chars().take(28).collect();
        spans.push(Span::styled(client + "  ", CLIENT));
    }
    spans.push(Span::styled(told.text.as_str(), style(told.tone)));
    Line::from(spans)
}

/// Its end, for names differ there.
fn cut(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest { text.into() } else { "…".chars().chain(text.chars().skip(count + 1 - longest)).collect() }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Event => EVENT,
        Tone::Done => Style::new(),
        Tone::Refused => ALARM,
    }
}

fn titled(title: String) -> Block<'static> {
    Block::bordered().border_style(DIM).title(Span::styled(title, BOLD))
}

#[cfg(test)]
mod tests {
    use super::{
        super::view::tests::{about, exchange, key, press},
        *,
    };
    use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, crossterm::event::KeyCode};
    use std::time::Duration;

    fn drawn(view: &mut View, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let mut rows = 0;
        terminal.draw(|frame| rows = draw(frame, view)).expect("draws");
        view.set_page(rows);
        terminal.backend().buffer().clone()
    }

    fn text(buffer: &Buffer) -> Vec<String> {
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    /// Colour of the first of these words.
    #[track_caller]
    fn colour(buffer: &Buffer, words: &str) -> Color {
        for y in 0..buffer.area.height {
            for x in 0..buffer.area.width {
                let rest: String = (x..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
                if rest.starts_with(words) {
                    return buffer[(x, y)].fg;
                }
            }
        }
        panic!("no {words:?} in {:#?}", text(buffer));
    }

    /// Two readers, with PINs of which one is blocked and one has lost a try.
    fn two() -> View {
        let mut view = View::default();
        view.list(vec![
            about("First", Some("card-0001"), &[("sign", 5), ("auth", 3), ("form", 3)]),
            about("Second", None, &[]),
        ]);
        view.list(vec![
            about("First", Some("card-0001"), &[("sign", 0), ("auth", 2), ("form", 3)]),
            about("Second", None, &[]),
        ]);
        view.line(&exchange("First", "VERIFY auth", "63C2", 1, Some(40)));
        view.line(&exchange("Second", "GET CHALLENGE", "9000", 0, Some(10)));
        view.tick(Duration::from_secs(1));
        view
    }

    #[test]
    fn an_empty_view() {
        for (width, height) in [(80, 24), (40, 10), (200, 50)] {
            let shown = text(&drawn(&mut View::default(), width, height)).join("\n");
            assert!(shown.contains("0/s, none yet") && shown.contains("Traffic"), "{shown}");
        }
    }

    #[test]
    fn readers_and_pins_and_traffic_of_a_large_terminal() {
        let buffer = drawn(&mut two(), 200, 50);
        let shown = text(&buffer);
        assert!(shown[0].contains(" Readers: 2 ") && shown[0].contains(" PINs "), "{shown:#?}");
        assert!(shown[2].starts_with("│> First  card-0001 powered  1 connected  2 inserted"), "{shown:#?}");
        assert!(shown[3].starts_with("│  Second empty     no power 0 connected  2 inserted"), "{shown:#?}");
        assert!(shown[1].contains("2 tries left auth") && shown[2].contains("3 tries left form"), "{shown:#?}");
        assert!(shown[3].contains("blocked      sign"), "{shown:#?}");
        assert_eq!((colour(&buffer, "blocked"), colour(&buffer, "2 tries")), (Color::Red, Color::Yellow));
        assert_eq!(colour(&buffer, "3 tries"), Color::Reset);
        assert!(shown[6].contains("2/s, median 40 µs, longest 40 µs") && shown[6].ends_with("█│"), "{shown:#?}");
        let first = "│10:20:30.000000  First  somebody pid 7  VERIFY auth [1] → 63C2 told  40 µs";
        assert!(shown[9].starts_with(first), "{shown:#?}");
        assert!(shown[10].contains("Second  somebody pid 7  GET CHALLENGE → 9000 told  10 µs"), "{shown:#?}");
        assert_eq!((colour(&buffer, "VERIFY"), colour(&buffer, "GET")), (Color::Red, Color::Reset));
        assert!(shown[49].contains("q leave"), "{shown:#?}");
    }

    #[test]
    fn a_small_terminal_has_the_same_in_short() {
        let shown = text(&drawn(&mut two(), 40, 10));
        let expected = [
            ">First: card-0001, powered, 1 connected,",
            " Second: empty, no power, 0 connected, 2",
            "2 tries left auth",
            "3 tries left form",
            "2/s, median 40 µs, longest 40 µs",
            "10:20:30 63C2 VERIFY auth",
            "10:20:30 9000 GET CHALLENGE",
            "",
            "",
            "q leave; Traffic",
        ];
        assert_eq!(shown, expected);
        for (width, height) in [(1, 1), (2, 40), (300, 1), (70, 20), (71, 3)] {
            drawn(&mut two(), width, height);
        }
    }

    #[test]
    fn only_the_selected_readers_traffic() {
        let mut view = two();
        press(&mut view, &[KeyCode::Down, KeyCode::Tab]);
        let shown = text(&drawn(&mut view, 120, 30)).join("\n");
        assert!(shown.contains(" Traffic of Second ") && shown.contains("GET CHALLENGE"), "{shown}");
        assert!(!shown.contains("VERIFY") && shown.contains("> Second"), "{shown}");
        press(&mut view, &[KeyCode::Char('f')]);
        assert!(text(&drawn(&mut view, 120, 30)).join("\n").contains("VERIFY"));
    }

    #[test]
    fn a_pause_keeps_what_stands_there() {
        let mut view = two();
        drawn(&mut view, 80, 24);
        press(&mut view, &[KeyCode::Char(' ')]);
        view.line(&exchange("First", "READ", "9000", 0, None));
        for _ in 0..2 {
            let shown = text(&drawn(&mut view, 80, 24)).join("\n");
            assert!(shown.contains("paused, 1 newer below") && !shown.contains("READ"), "{shown}");
        }
        (0..100).for_each(|number| view.line(&exchange("First", &format!("READ {number}."), "9000", 0, None)));
        let shown = text(&drawn(&mut view, 80, 24)).join("\n");
        assert!(
            shown.contains("paused, 101 newer below") && shown.contains("VERIFY") && !shown.contains("READ 99."),
            "{shown}"
        );
        press(&mut view, &[KeyCode::Char(' ')]);
        let shown = text(&drawn(&mut view, 80, 24)).join("\n");
        assert!(!shown.contains("paused") && !shown.contains("VERIFY") && shown.contains("READ 99."), "{shown}");
    }

    #[test]
    fn the_selected_one_of_many_readers_is_seen() {
        let mut view = View::default();
        view.list((0..1000).map(|number| about(&format!("Reader {number}."), None, &[])).collect());
        (0..500).for_each(|_| assert!(view.key(key(KeyCode::Down)).is_continue()));
        for (width, height) in [(100, 30), (40, 10)] {
            let shown = text(&drawn(&mut view, width, height)).join("\n");
            assert!(shown.contains("Reader 500.") && !shown.contains("Reader 501."), "{shown}");
        }
    }

    #[test]
    fn no_control_character_comes_to_the_terminal() {
        let odd = "\u{1b}]0;x\u{7}\r\n\u{9b}31m\u{202e}a";
        let mut view = View::default();
        view.list(vec![about(odd, Some(odd), &[(odd, 1)]), about("Other", None, &[])]);
        let mut line = exchange(odd, odd, odd, 0, None);
        line.client = odd.into();
        view.line(&line);
        for (width, height) in [(200, 50), (40, 10)] {
            let buffer = drawn(&mut view, width, height);
            let all: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
            assert!(!all.contains(|c: char| c.is_control() || c == '\u{202e}'), "{all:?}");
            assert!(all.contains("\u{FFFD}]0;x\u{FFFD}"), "{all:?}");
        }
    }

    #[test]
    fn names_are_cut_where_they_are_alike() {
        assert_eq!(cut("Reader", 6), "Reader");
        assert_eq!(cut("Jitsuin Virtual Reader 00 00", 10), "…der 00 00");
    }
}
