//! What tells two machines apart.

use crate::{Output, alphabet::Alphabet, machine::Machine};
use serde::Serialize;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

/// One step of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Name of the symbol.
    pub symbol: String,
    /// What each machine answers; they are equal but in the last step.
    pub answers: [Output; 2],
}

/// A shortest word that two machines answer differently, in its last symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace(pub Vec<Step>);

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|step| step.symbol.len()).max().unwrap_or_default();
        for (number, Step { symbol, answers: [one, other] }) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{:>3}  {symbol:width$}  {one}", number + 1)?;
            if one != other {
                write!(f, "  |  {other}")?;
            }
        }
        Ok(())
    }
}

/// Two machines with other symbols.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the two were learned with other alphabets: {0}")]
pub struct OtherAlphabet(String);

/// Whether two alphabets have the same symbols, in name, act and order. A mark does nothing.
///
/// # Errors
/// Where they have not.
pub fn comparable(one: &Alphabet, other: &Alphabet) -> Result<(), OtherAlphabet> {
    let (symbols, others) = (one.symbols(), other.symbols());
    if symbols.len() != others.len() {
        return Err(OtherAlphabet(format!("one has {} symbols, the other {}", symbols.len(), others.len())));
    }
    for (a, b) in symbols.iter().zip(others) {
        if a.name != b.name {
            return Err(OtherAlphabet(format!("where one has {:?} the other has {:?}", a.name, b.name)));
        }
        if a.act != b.act {
            return Err(OtherAlphabet(format!("{:?} is not the same command in both", a.name)));
        }
    }
    Ok(())
}

/// The first of the shortest words that tell two machines apart, in the order of their symbols; none where they are equal.
/// Exact: every pair of states that one word reaches is looked at.
///
/// # Errors
/// Where they are not [`comparable`].
pub fn diff(one: &Machine, other: &Machine) -> Result<Option<Trace>, OtherAlphabet> {
    comparable(one.alphabet(), other.alphabet())?;
    let symbols = one.alphabet().symbols();
    let mut came_from = HashMap::from([((0, 0), None)]);
    let mut open = VecDeque::from([(0, 0)]);
    while let Some(pair) = open.pop_front() {
        for symbol in 0..symbols.len() {
            let (a, b) = (one.states()[pair.0][symbol], other.states()[pair.1][symbol]);
            if a.answer != b.answer {
                let mut steps = vec![(symbol, [a.answer, b.answer])];
                let mut here = pair;
                while let Some((before, symbol)) = came_from[&here] {
                    let (before, symbol): ((usize, usize), usize) = (before, symbol);
                    let answer = one.states()[before.0][symbol].answer;
                    steps.push((symbol, [answer; 2]));
                    here = before;
                }
                let step = |(symbol, answers): (usize, _)| Step { symbol: symbols[symbol].name.clone(), answers };
                return Ok(Some(Trace(steps.into_iter().rev().map(step).collect())));
            }
            let next = (a.to, b.to);
            came_from.entry(next).or_insert_with(|| {
                open.push_back(next);
                Some((pair, symbol))
            });
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Edge;

    /// A counter that answers with how often `a` came, and starts anew after so many.
    fn counter(text: &str, turns: usize) -> Machine {
        let edge = |sw: usize, to| Edge { answer: Output::sw(u16::try_from(sw).expect("small")), to };
        let alphabet = Alphabet::parse(text).expect("an alphabet");
        let row = |state: usize| {
            let others = alphabet.symbols().iter().skip(2).map(|_| edge(0, state));
            [edge(0, state), edge(state, (state + 1) % turns)].into_iter().chain(others).collect()
        };
        let states = (0..turns).map(row).collect();
        Machine::new(alphabet, states).expect("a machine")
    }

    const TWO: &str = "b power\na 00000000";

    #[test]
    fn the_shortest_word_is_named() {
        let (three, four) = (counter(TWO, 3), counter(TWO, 4));
        assert_eq!(diff(&three, &three), Ok(None));
        let trace = diff(&three, &four).expect("one alphabet").expect("a difference");
        let names: Vec<_> = trace.0.iter().map(|step| step.symbol.as_str()).collect();
        assert_eq!(names, ["a", "a", "a", "a"]);
        assert_eq!(trace.to_string(), "  1  a  0000\n  2  a  0001\n  3  a  0002\n  4  a  0000  |  0003");
        let back = diff(&four, &three).expect("one alphabet").expect("a difference");
        assert_eq!(back.0[3].answers, [Output::sw(3), Output::sw(0)]);
    }

    #[test]
    fn of_two_differences_the_nearer_is_named() {
        let alphabet = Alphabet::parse("a 00000000\nb 00000001\nc 00000002").expect("an alphabet");
        let machine = |near, far| {
            let edge = |sw, to| Edge { answer: Output::sw(sw), to };
            let states = vec![
                vec![edge(0, 0), edge(0, 1), edge(0, 2)],
                vec![edge(near, 1), edge(0, 1), edge(0, 1)],
                vec![edge(5, 2), edge(0, 2), edge(0, 3)],
                vec![edge(far, 3), edge(0, 3), edge(0, 3)],
            ];
            Machine::new(alphabet.clone(), states).expect("a machine")
        };
        let trace = diff(&machine(1, 2), &machine(8, 9)).expect("one alphabet").expect("a difference");
        assert_eq!(trace.to_string(), "  1  b  0000\n  2  a  0001  |  0008");
    }

    #[test]
    fn other_alphabets_are_not_compared() {
        let one = counter(TWO, 3);
        for (text, words) in [
            ("b power\nc 00000000", "has \"a\" the other has \"c\""),
            ("b power\na 00000001", "\"a\" is not the same"),
            ("b power\na 00000000\nc reset", "2 symbols, the other 3"),
        ] {
            let said = diff(&one, &counter(text, 3)).expect_err(words).to_string();
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(diff(&one, &counter("b power\na 00000000 destructive", 3)), Ok(None), "a mark does nothing");
    }
}
