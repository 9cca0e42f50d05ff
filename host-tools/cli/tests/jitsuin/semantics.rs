//! PC/SC's manners: who may use the card, and what each hears of what another does to it.
//!
//! One scenario is played at our own socket and at pcscd with vpcd, byte for byte the same requests. Ours answers as the
//! scenario says; pcscd does too, but for the listed differences, each with its reason. (pcsc.md §3)

mod stage;

use crate::clients::pcscd::Pcscd;
use stage::Stage;
use std::{collections::BTreeMap, fmt::Write as _, process::Command, time::Duration};

const SCENARIO: &str = include_str!("semantics/scenario.txt");
const DIFFERENCES: &str = include_str!("semantics/differences.txt");

/// How long an answer may take, and how long a request that is to wait is seen to wait.
const PATIENCE: Duration = Duration::from_secs(10);
const WAITS: Duration = Duration::from_millis(400);

#[test]
fn our_socket_answers_as_the_scenario_says() {
    let expected = |line: &Line| line.answer;
    let different = differences(Stage::own(), expected);
    assert!(different.is_empty(), "{}", shown(&different));
}

#[test]
fn pcscd_answers_the_same_but_for_the_listed_differences() {
    if !Pcscd::is_there() {
        return;
    }
    let listed = listed();
    let expected = |line: &Line| listed.get(&line.number).map_or(line.answer, |listed| listed.theirs.as_str());
    let different = differences(Stage::pcscd(), expected);
    let version = Command::new("pcscd").arg("--version").output().expect("pcscd tells its version").stdout;
    let version = String::from_utf8_lossy(&version).lines().next().unwrap_or_default().to_owned();
    assert!(
        different.is_empty(),
        "the differences are listed for pcscd 1.9.9, and this is {version}\n{}",
        shown(&different)
    );
}

/// One line of the scenario that does something.
struct Line {
    number: usize,
    text: &'static str,
    /// What is heard; empty where nothing is.
    answer: &'static str,
}

fn lines() -> impl Iterator<Item = Line> {
    let numbered = SCENARIO.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
        let (text, answer) = line.split_once("->").unwrap_or((line, ""));
        Line { number, text: text.trim(), answer: answer.trim() }
    })
}

/// What pcscd does otherwise.
struct Difference {
    theirs: String,
}

/// Reads the list, and checks it against the scenario: it speaks of lines that are there, and gives a reason for each.
fn listed() -> BTreeMap<usize, Difference> {
    let lines: BTreeMap<usize, Line> = lines().map(|line| (line.number, line)).collect();
    let mut listed = BTreeMap::new();
    let text: String =
        DIFFERENCES.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for block in text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        let mut rows = block.lines();
        let (number, text) = rows.next().and_then(|row| row.split_once(": ")).expect("a number and a line");
        let number: usize = number.parse().expect("a line's number");
        let mut field = |name: &str| rows.next().and_then(|row| row.trim().strip_prefix(name)).map(str::trim);
        let (ours, theirs, why) = (field("ours:"), field("pcscd:"), field("why:"));
        let line = lines.get(&number).unwrap_or_else(|| panic!("the scenario has no line {number}"));
        assert_eq!((line.text, Some(line.answer)), (text, ours), "line {number} of the scenario says otherwise");
        let theirs = theirs.filter(|theirs| *theirs != line.answer).expect("a different answer").to_owned();
        assert!(why.is_some_and(|why| !why.is_empty()), "line {number}: why is that fine?");
        assert!(listed.insert(number, Difference { theirs }).is_none(), "line {number} is listed twice");
    }
    listed
}

/// Plays the scenario and gives what was heard where that is not what was expected.
fn differences<'a>(mut stage: Stage, expected: impl Fn(&Line) -> &'a str) -> Vec<(Line, String)> {
    let mut different = Vec::new();
    for line in lines() {
        let expects = expected(&line);
        let heard = stage.play(line.text, if expects == "waits" { WAITS } else { PATIENCE });
        // For whoever reads how it came to a failure.
        eprintln!("{}: {} -> {heard}", line.number, line.text);
        if heard != expects {
            different.push((line, heard));
        }
    }
    different
}

/// As the list has them.
fn shown(different: &[(Line, String)]) -> String {
    different.iter().fold(String::new(), |mut shown, (line, heard)| {
        let _ = write!(shown, "\n{}: {}\n  ours:  {}\n  heard: {heard}\n", line.number, line.text, line.answer);
        shown
    })
}
