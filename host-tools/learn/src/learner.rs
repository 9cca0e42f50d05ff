//! Learning by a discrimination tree: Kearns and Vazirani's, for Mealy machines, with Rivest and Schapire's search in
//! counterexamples.
//!
//! A state is a leaf; a word is sifted to one by what the card answers to the suffixes on the way. The root asks for every
//! symbol, so most states are told apart before there is a counterexample, and each of those adds one suffix and one state.

use crate::{
    Output,
    alphabet::Alphabet,
    machine::{Edge, Machine, STATES_MAX},
    observations::Observations,
    oracle::Oracle,
    suite,
};
use serde::Serialize;
use sim::reader::ReaderError;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

/// Symbols by number.
pub(crate) type Word = Vec<usize>;

/// How far to look for answers that the machine does not explain.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// States that the card may have beyond those that were found: every word that could show so many is tried.
    pub extra: usize,
    /// Random words that are tried before those.
    pub random: usize,
    /// Where the random words come from.
    pub seed: u64,
}

/// What it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// States found.
    pub states: usize,
    /// Words asked, each from a card that began anew.
    pub words: u64,
    /// Symbols in them.
    pub acts: u64,
    /// Answers that a machine on the way did not explain.
    pub counterexamples: usize,
    /// Times that every word of a suite was tried, or begun to be.
    pub rounds: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { states, words, acts, counterexamples, rounds } = self;
        write!(
            f,
            "{states} states, {words} words (each from a reset), {acts} commands and resets in them, {counterexamples} \
             counterexamples, {rounds} rounds of tests"
        )
    }
}

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The reader.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card answered one word in two ways.
    #[error(
        "the card does not answer alike each time: [{word}] ended first in {before}, then in {now}; something that a reset does \
         not bring back is spent or counted, or chance is in an answer"
    )]
    Unsteady {
        /// The word.
        word: String,
        /// The first answer to its last symbol.
        before: Output,
        /// Another one.
        now: Output,
    },
    /// Who was told of the progress did not want to go on.
    #[error("interrupted; nothing was learned")]
    Stopped,
    /// Perhaps there is no end.
    #[error("the card has more than {STATES_MAX} states for these symbols; leave some out")]
    Endless,
}

/// Learns the machine behind an oracle.
///
/// # Errors
/// [`LearnError`].
pub fn learn(
    alphabet: &Alphabet,
    oracle: &mut dyn Oracle,
    options: &Options,
    progress: &mut dyn FnMut(&Counts) -> bool,
) -> Result<(Machine, Counts), LearnError> {
    let mut learner = Learner::new(Observations::new(alphabet, oracle, progress));
    learner.begin()?;
    loop {
        while let Some(word) = learner.contradiction() {
            learner.explain(word)?;
        }
        learner.asked.counts.rounds += 1;
        let guess = learner.guess();
        let Some(word) = suite::unexplained(&guess, &mut learner.asked, options)? else {
            let states = guess.edges;
            let machine = Machine::new(alphabet.clone(), states).map_err(|_| LearnError::Endless)?;
            return Ok((machine, learner.asked.counts));
        };
        learner.asked.counts.counterexamples += 1;
        learner.explain(word)?;
    }
}

/// A machine on the way.
pub(crate) struct Guess {
    pub(crate) edges: Vec<Vec<Edge>>,
    /// A word to each state.
    pub(crate) access: Vec<Word>,
    /// Suffixes that tell every two states apart.
    pub(crate) suffixes: Vec<Word>,
}

/// The answers of a machine from a state.
pub(crate) fn answers(edges: &[Vec<Edge>], mut state: usize, word: &[usize]) -> Vec<Output> {
    let step = |symbol: &usize| {
        let edge = edges[state][*symbol];
        state = edge.to;
        edge.answer
    };
    word.iter().map(step).collect()
}

/// What suffixes show of a word.
type Shown = Vec<Vec<Output>>;

enum Node {
    Leaf(usize),
    Split { suffixes: Vec<Word>, children: BTreeMap<Shown, usize> },
}

struct State {
    access: Word,
    /// Its leaf in the tree.
    leaf: usize,
    edges: Vec<Edge>,
}

struct Learner<'a> {
    asked: Observations<'a>,
    tree: Vec<Node>,
    states: Vec<State>,
    /// Edges whose end is not known, or no more.
    open: VecDeque<(usize, usize)>,
}

impl<'a> Learner<'a> {
    fn new(asked: Observations<'a>) -> Self {
        let suffixes = (0..asked.alphabet().symbols().len()).map(|symbol| vec![symbol]).collect();
        let tree = vec![Node::Split { suffixes, children: BTreeMap::new() }];
        Learner { asked, tree, states: Vec::new(), open: VecDeque::new() }
    }

    fn begin(&mut self) -> Result<(), LearnError> {
        self.sift(Vec::new())?;
        self.settle()
    }

    /// What the card answers to a suffix after a word.
    fn after(&mut self, word: &[usize], suffix: &[usize]) -> Result<Vec<Output>, LearnError> {
        let mut answers = self.asked.ask(&[word, suffix].concat())?;
        Ok(answers.split_off(word.len()))
    }

    /// The state that a word leads to, perhaps a new one.
    fn sift(&mut self, word: Word) -> Result<usize, LearnError> {
        let mut node = 0;
        loop {
            let suffixes = match &self.tree[node] {
                Node::Leaf(state) => return Ok(*state),
                Node::Split { suffixes, .. } => suffixes.clone(),
            };
            let shown = suffixes.iter().map(|suffix| self.after(&word, suffix)).collect::<Result<Shown, _>>()?;
            let next = match &mut self.tree[node] {
                Node::Split { children, .. } => children.get(&shown).copied(),
                Node::Leaf(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => return self.grow(node, shown, word),
            }
        }
    }

    /// A new state below a branch.
    fn grow(&mut self, node: usize, shown: Shown, access: Word) -> Result<usize, LearnError> {
        let (state, leaf) = (self.states.len(), self.tree.len());
        if state == STATES_MAX {
            return Err(LearnError::Endless);
        }
        self.tree.push(Node::Leaf(state));
        if let Node::Split { children, .. } = &mut self.tree[node] {
            children.insert(shown, leaf);
        }
        let symbols = self.asked.alphabet().symbols().len();
        let mut edges = Vec::with_capacity(symbols);
        for symbol in 0..symbols {
            let answer = self.after(&access, &[symbol])?[0];
            // Where it leads is found out later.
            edges.push(Edge { answer, to: usize::MAX });
            self.open.push_back((state, symbol));
        }
        self.states.push(State { access, leaf, edges });
        self.asked.counts.states = self.states.len();
        Ok(state)
    }

    /// Finds out where every edge leads.
    fn settle(&mut self) -> Result<(), LearnError> {
        while let Some((state, symbol)) = self.open.pop_front() {
            let word = [&self.states[state].access[..], &[symbol]].concat();
            let to = self.sift(word)?;
            self.states[state].edges[symbol].to = to;
        }
        Ok(())
    }

    fn edges(&self) -> Vec<Vec<Edge>> {
        self.states.iter().map(|state| state.edges.clone()).collect()
    }

    fn guess(&self) -> Guess {
        let suffixes = self.tree.iter().filter_map(|node| match node {
            Node::Split { suffixes, .. } => Some(suffixes.clone()),
            Node::Leaf(_) => None,
        });
        Guess {
            edges: self.edges(),
            access: self.states.iter().map(|state| state.access.clone()).collect(),
            suffixes: suffixes.flatten().collect(),
        }
    }

    /// A word that the machine does not explain although it was asked already: what the tree tells states apart by must tell
    /// them apart in the machine too.
    fn contradiction(&self) -> Option<Word> {
        let edges = self.edges();
        let mut open = vec![(0, Vec::new())];
        while let Some((node, way)) = open.pop() {
            match &self.tree[node] {
                Node::Split { suffixes, children } => {
                    for (shown, child) in children {
                        let more = suffixes.iter().zip(shown);
                        open.push((*child, way.iter().copied().chain(more).collect()));
                    }
                }
                Node::Leaf(state) => {
                    let wrong = way.iter().find(|(suffix, shown)| answers(&edges, *state, suffix) != **shown);
                    if let Some((suffix, _)) = wrong {
                        return Some([&self.states[*state].access[..], suffix].concat());
                    }
                }
            }
        }
        None
    }

    /// Adds states until the machine explains a word.
    fn explain(&mut self, word: Word) -> Result<(), LearnError> {
        let seen = self.asked.ask(&word)?;
        loop {
            let edges = self.edges();
            let said = answers(&edges, 0, &word);
            let Some(wrong) = (0..word.len()).find(|place| said[*place] != seen[*place]) else { return Ok(()) };
            let word = &word[..=wrong];
            // The states that the machine goes through; it begins in the one of the empty word.
            let mut way = vec![0];
            for symbol in word {
                way.push(edges[way[way.len() - 1]][*symbol].to);
            }
            // Is the rest of the word explained from its state on? From the first it is not; behind the last nothing is left.
            let (mut unexplained, mut explained) = (0, word.len());
            while explained - unexplained > 1 {
                let middle = unexplained.midpoint(explained);
                let access = self.states[way[middle]].access.clone();
                if self.after(&access, &word[middle..])? == answers(&edges, way[middle], &word[middle..]) {
                    explained = middle;
                } else {
                    unexplained = middle;
                }
            }
            let access = [&self.states[way[unexplained]].access[..], &word[unexplained..explained]].concat();
            self.split(way[explained], access, word[explained..].to_vec())?;
            self.settle()?;
        }
    }

    /// What was one state is two: a suffix shows something else behind another word that led to it.
    fn split(&mut self, state: usize, access: Word, suffix: Word) -> Result<(), LearnError> {
        let old = self.states[state].access.clone();
        let (shown, other) = (vec![self.after(&old, &suffix)?], vec![self.after(&access, &suffix)?]);
        let (branch, leaf) = (self.states[state].leaf, self.tree.len());
        self.tree.push(Node::Leaf(state));
        self.states[state].leaf = leaf;
        self.tree[branch] = Node::Split { suffixes: vec![suffix], children: BTreeMap::from([(shown, leaf)]) };
        for (from, other) in self.states.iter().enumerate() {
            let ends = other.edges.iter().enumerate().filter(|(_, edge)| edge.to == state);
            self.open.extend(ends.map(|(symbol, _)| (from, symbol)));
        }
        self.grow(branch, other, access).map(drop)
    }
}
