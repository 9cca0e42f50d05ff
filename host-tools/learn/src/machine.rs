//! A Mealy machine: in each state each symbol has one answer and leads to one state.

use crate::{
    Output,
    alphabet::{Act, Alphabet},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write,
};

/// Most states that are read, learned or made.
pub const STATES_MAX: usize = 10_000;
/// Most bytes of a machine's text.
pub const TEXT_MAX: usize = 64 << 20;

/// What a symbol does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The answer.
    pub answer: Output,
    /// The state afterwards.
    pub to: usize,
}

/// The machine: as small as one with its behaviour can be, its states numbered by the shortest way to them, 0 first. So two
/// that behave alike are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Machine {
    alphabet: Alphabet,
    states: Vec<Vec<Edge>>,
}

/// The machine in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    symbols: Alphabet,
    states: Vec<Vec<Edge>>,
}

/// Why something is no machine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no automaton: {0}")]
pub struct MachineError(String);

impl Machine {
    /// Makes one whose first state is the initial one.
    ///
    /// # Errors
    /// Where a state has not one edge for each symbol, or one leads nowhere.
    pub fn new(alphabet: Alphabet, states: Vec<Vec<Edge>>) -> Result<Self, MachineError> {
        if !(1..=STATES_MAX).contains(&states.len()) {
            return Err(MachineError(format!("it has {} states; 1 to {STATES_MAX} are taken", states.len())));
        }
        for (state, edges) in states.iter().enumerate() {
            if edges.len() != alphabet.symbols().len() {
                let wants = alphabet.symbols().len();
                return Err(MachineError(format!("state {state} has {} edges for {wants} symbols", edges.len())));
            }
            if let Some(edge) = edges.iter().find(|edge| edge.to >= states.len()) {
                return Err(MachineError(format!("state {state} leads to {}, which there is not", edge.to)));
            }
        }
        let states = minimal(&states);
        Ok(Machine { alphabet, states })
    }

    /// Reads one back.
    ///
    /// # Errors
    /// Where the text is none.
    pub fn from_json(text: &str) -> Result<Self, MachineError> {
        if text.len() > TEXT_MAX {
            return Err(MachineError(format!("more than {TEXT_MAX} bytes")));
        }
        serde_json::from_str(text).map_err(|error| MachineError(error.to_string()))
    }

    /// Its symbols.
    #[must_use]
    pub fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    /// What each symbol does in each state.
    #[must_use]
    pub fn states(&self) -> &[Vec<Edge>] {
        &self.states
    }

    /// For Graphviz. Symbols that lead the same way share an arrow.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut dot = String::from(
            "digraph card {\n  node [shape=circle, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\", fontsize=9];\n  \
             start [shape=point];\n  start -> 0;\n",
        );
        for (state, edges) in self.states.iter().enumerate() {
            let mut ways: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            for (symbol, edge) in self.alphabet.symbols().iter().zip(edges) {
                ways.entry(edge.to).or_default().push(format!("{} / {}", symbol.name, edge.answer));
            }
            for (to, labels) in ways {
                // Writing to a text does not fail. Names and answers hold nothing that would have to be escaped.
                let _ = writeln!(dot, "  {state} -> {to} [label=\"{}\"];", labels.join("\\n"));
            }
        }
        dot.push_str("}\n");
        dot
    }
}

impl TryFrom<Stored> for Machine {
    type Error = MachineError;

    fn try_from(stored: Stored) -> Result<Self, MachineError> {
        match stored.format {
            1 => Machine::new(stored.symbols, stored.states),
            other => Err(MachineError(format!("format {other} is not known; this program knows 1"))),
        }
    }
}

impl From<Machine> for Stored {
    fn from(Machine { alphabet, states }: Machine) -> Stored {
        Stored { format: 1, symbols: alphabet, states }
    }
}

/// What answers an alphabet by rules: a machine that nobody has written out.
pub trait Rules {
    /// All that its answers depend on.
    type State: Clone + Eq + std::hash::Hash;

    /// Where it begins.
    fn initial(&self) -> Self::State;

    /// What becomes of an act.
    ///
    /// # Errors
    /// Where the rules say nothing about it.
    fn step(&self, state: &mut Self::State, act: &Act) -> Result<Output, String>;

    /// Writes it out.
    ///
    /// # Errors
    /// Where the rules say nothing about a symbol, or have more than [`STATES_MAX`] states.
    fn machine(&self, alphabet: &Alphabet) -> Result<Machine, MachineError> {
        let mut numbers = HashMap::from([(self.initial(), 0)]);
        let mut open = VecDeque::from([self.initial()]);
        let mut states = Vec::new();
        while let Some(state) = open.pop_front() {
            let mut edges = Vec::with_capacity(alphabet.symbols().len());
            for symbol in alphabet.symbols() {
                let mut after = state.clone();
                let answer = self.step(&mut after, &symbol.act);
                let answer = answer.map_err(|what| MachineError(format!("{:?}: {what}", symbol.name)))?;
                let next = numbers.len();
                let to = *numbers.entry(after.clone()).or_insert(next);
                if to == next {
                    open.push_back(after);
                }
                edges.push(Edge { answer, to });
            }
            states.push(edges);
            if numbers.len() > STATES_MAX {
                return Err(MachineError(format!("it has more than {STATES_MAX} states")));
            }
        }
        Machine::new(alphabet.clone(), states)
    }
}

/// Merges what cannot be told apart (Moore), leaves out what cannot be reached, and numbers the rest breadth first.
fn minimal(states: &[Vec<Edge>]) -> Vec<Vec<Edge>> {
    let mut class = vec![0; states.len()];
    let mut count = 1;
    loop {
        let mut seen = HashMap::new();
        let next: Vec<usize> = (0..states.len())
            .map(|state| {
                let row: Vec<_> = states[state].iter().map(|edge| (edge.answer, class[edge.to])).collect();
                let number = seen.len();
                *seen.entry((class[state], row)).or_insert(number)
            })
            .collect();
        class = next;
        if seen.len() == count {
            break;
        }
        count = seen.len();
    }
    let mut numbers = HashMap::from([(class[0], 0)]);
    // One state of each class, in the order of their numbers.
    let mut members = vec![0];
    let mut done = Vec::new();
    while let Some(&member) = members.get(done.len()) {
        let edges = states[member].iter().map(|edge| {
            let next = members.len();
            let to = *numbers.entry(class[edge.to]).or_insert(next);
            if to == next {
                members.push(edge.to);
            }
            Edge { answer: edge.answer, to }
        });
        done.push(edges.collect());
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Alphabet {
        Alphabet::parse("a 00000000\nb reset").expect("an alphabet")
    }

    fn edge(sw: u16, to: usize) -> Edge {
        Edge { answer: Output::sw(sw), to }
    }

    /// a counts to three, b goes back. State 3 is 1 once more, 4 cannot be reached.
    fn counting() -> Vec<Vec<Edge>> {
        vec![
            vec![edge(1, 3), edge(0, 0)],
            vec![edge(2, 2), edge(0, 0)],
            vec![edge(3, 0), edge(0, 0)],
            vec![edge(2, 2), edge(0, 0)],
            vec![edge(9, 1), edge(9, 1)],
        ]
    }

    #[test]
    fn twins_are_merged_and_numbers_follow_the_way() {
        let machine = Machine::new(two(), counting()).expect("a machine");
        let wanted = vec![vec![edge(1, 1), edge(0, 0)], vec![edge(2, 2), edge(0, 0)], vec![edge(3, 0), edge(0, 0)]];
        assert_eq!(machine.states(), wanted);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let machine = Machine::new(two(), counting()).expect("a machine");
        let text = serde_json::to_string(&machine).expect("writes");
        assert!(text.contains(r#"{"name":"a","do":"00000000","destructive":false}"#), "{text}");
        assert_eq!(Machine::from_json(&text), Ok(machine));
        let refusals = [
            (r#""format":1"#, r#""format":2"#, "format 2"),
            (r#""to":2"#, r#""to":7"#, "state 1 leads to 7"),
            (r#"{"answer":"0000","to":0}],["#, r#"{"answer":"0000","to":0},{"answer":"0000","to":0}],["#, "3 edges"),
            (r#""answer":"0003""#, r#""answer":"three""#, "no answer"),
            (r#""name":"b""#, r#""name":"a""#, "two symbols"),
            (r#""format""#, r#""more":1,"format""#, "unknown field"),
            ("[[", "[[[", "invalid type"),
        ];
        for (part, other, words) in refusals {
            let said = Machine::from_json(&text.replacen(part, other, 1)).expect_err(words).to_string();
            assert!(said.contains(words), "{said}");
        }
        assert!(Machine::new(two(), vec![]).is_err() && Machine::new(two(), vec![vec![]; STATES_MAX + 1]).is_err());
    }

    #[test]
    fn dot_draws_each_way_once() {
        let dot = Machine::new(two(), counting()).expect("a machine").to_dot();
        assert!(
            dot.contains("  start -> 0;\n") && dot.contains("  2 -> 0 [label=\"a / 0003\\nb / 0000\"];\n"),
            "{dot}"
        );
        assert_eq!(dot.matches(" -> ").count(), 6);
    }
}
