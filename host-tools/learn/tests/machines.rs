//! The learner against machines that are known.

use learn::{
    Output,
    alphabet::{Act, Alphabet},
    diff::diff,
    learner::{Counts, LearnError, Options, learn},
    machine::{Edge, Machine},
    oracle::Oracle,
};
use proptest::{collection::vec, prelude::*};
use sim::reader::ReaderError;

/// A machine that is asked.
struct Played<'a> {
    machine: &'a Machine,
    state: usize,
}

impl Oracle for Played<'_> {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.state = 0;
        Ok(())
    }

    fn step(&mut self, act: &Act) -> Result<Output, ReaderError> {
        let symbols = self.machine.alphabet().symbols();
        let symbol = symbols.iter().position(|symbol| symbol.act == *act).expect("a symbol");
        let edge = self.machine.states()[self.state][symbol];
        self.state = edge.to;
        Ok(edge.answer)
    }
}

fn alphabet(size: usize) -> Alphabet {
    let lines: String = (0..size).map(|symbol| format!("s{symbol} 000000{symbol:02X}\n")).collect();
    Alphabet::parse(&lines).expect("an alphabet")
}

fn edge(sw: u16, to: usize) -> Edge {
    Edge { answer: Output::sw(sw), to }
}

fn learned(machine: &Machine, extra: usize) -> (Machine, Counts) {
    let options = Options { extra, random: 0, seed: 0 };
    let mut oracle = Played { machine, state: 0 };
    learn(machine.alphabet(), &mut oracle, &options, &mut |_| true).expect("learns")
}

/// `s1` opens after `s0` came so often without a break; nothing else ever shows how often.
fn lock(turns: usize) -> Machine {
    let mut states: Vec<_> = (0..turns).map(|turn| vec![edge(0, turn + 1), edge(0, 0)]).collect();
    states.push(vec![edge(0, 0), edge(1, turns)]);
    Machine::new(alphabet(2), states).expect("a machine")
}

#[test]
fn a_machine_by_hand_is_learned() {
    // A PIN with two tries: `s0` presents it, `s1` a wrong value, `s2` asks for what it opens.
    let states = vec![
        vec![edge(0x9000, 3), edge(0x63C1, 1), edge(0x6982, 0)],
        vec![edge(0x9000, 3), edge(0x63C0, 2), edge(0x6982, 1)],
        vec![edge(0x6984, 2), edge(0x6984, 2), edge(0x6984, 2)],
        vec![edge(0x9000, 3), edge(0x63C1, 1), edge(0x9000, 3)],
    ];
    let machine = Machine::new(alphabet(3), states).expect("a machine");
    let (found, counts) = learned(&machine, 1);
    assert_eq!((&found, counts.states), (&machine, 4));
}

#[test]
fn what_hides_longer_than_was_looked_for_is_not_found() {
    // Beside the one state that is seen at first the lock has as many as turns: a suite for fewer sees no more.
    assert_eq!(learned(&lock(3), 2).0.states().len(), 1);
    assert_eq!(learned(&lock(3), 3).0, lock(3));
    let (found, counts) = learned(&lock(4), 4);
    assert_eq!(found, lock(4));
    // One long counterexample gives all the states that are in it.
    assert_eq!(counts.counterexamples, 1);
}

#[test]
fn random_words_find_what_the_suite_does_not_reach() {
    let options = Options { extra: 0, random: 20_000, seed: 1 };
    let machine = lock(5);
    let mut oracle = Played { machine: &machine, state: 0 };
    let found = learn(machine.alphabet(), &mut oracle, &options, &mut |_| true).expect("learns").0;
    assert_eq!(found, machine);
}

#[test]
fn who_is_told_of_the_progress_can_end_it() {
    let (machine, mut told) = (lock(7), 0);
    let options = Options { extra: 6, random: 0, seed: 0 };
    let mut oracle = Played { machine: &machine, state: 0 };
    let ended = learn(machine.alphabet(), &mut oracle, &options, &mut |_| {
        told += 1;
        told < 2
    });
    assert!(matches!(ended, Err(LearnError::Stopped)) && told == 2);
}

/// Answers otherwise after so many acts in all, whatever is reset.
struct Wearing(u32);

impl Oracle for Wearing {
    fn reset(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn step(&mut self, _: &Act) -> Result<Output, ReaderError> {
        self.0 = self.0.saturating_sub(1);
        Ok(Output::sw(if self.0 > 0 { 0x9000 } else { 0x6F00 }))
    }
}

#[test]
fn a_card_that_does_not_answer_alike_is_told_with_the_word() {
    for acts in [3, 5, 100, 5000] {
        let options = Options { extra: 2, random: 1000, seed: 0 };
        let ended = learn(&alphabet(2), &mut Wearing(acts), &options, &mut |_| true);
        let said = ended.expect_err("unsteady").to_string();
        let named = said.contains("[s") && said.contains("ended first in 9000, then in 6F00");
        assert!(named, "{acts}: {said}");
    }
}

/// Machines of up to 12 states, 3 symbols and 3 answers.
fn machines() -> impl Strategy<Value = Machine> {
    (1..12usize).prop_flat_map(|size| {
        let row = vec((0..3u16, 0..size).prop_map(|(sw, to)| edge(sw, to)), 3);
        vec(row, size).prop_map(|states| Machine::new(alphabet(3), states).expect("a machine"))
    })
}

/// Whether a word tells two machines apart, by playing both.
fn told_apart(one: &Machine, other: &Machine, word: &[usize]) -> bool {
    let (mut a, mut b) = (0, 0);
    word.iter().any(|symbol| {
        let (one, other) = (one.states()[a][*symbol], other.states()[b][*symbol]);
        (a, b) = (one.to, other.to);
        one.answer != other.answer
    })
}

proptest! {
    #[test]
    fn any_machine_is_learned_that_has_not_more_extra_states_than_were_looked_for(machine in machines()) {
        let (found, counts) = learned(&machine, 2);
        prop_assert_eq!(counts.states, found.states().len(), "what was learned is minimal");
        prop_assert!(found == machine || machine.states().len() > found.states().len() + 2, "{:?}", found);
    }

    #[test]
    fn two_machines_are_equal_or_a_shortest_word_tells(one in machines(), other in machines()) {
        match diff(&one, &other).expect("one alphabet") {
            None => prop_assert_eq!(one, other),
            Some(trace) => {
                let word: Vec<usize> =
                    trace.0.iter().map(|step| step.symbol[1..].parse().expect("a number")).collect();
                prop_assert!(told_apart(&one, &other, &word));
                // Every shorter word, up to a length at which there are not too many.
                for length in 0..word.len().min(7) {
                    for number in 0..3usize.pow(u32::try_from(length).expect("small")) {
                        let shorter: Vec<usize> = (0..length).map(|place| number / 3usize.pow(place as u32) % 3).collect();
                        prop_assert!(!told_apart(&one, &other, &shorter));
                    }
                }
            }
        }
    }
}
