//! Everything a card was seen to answer, as a tree of words.

use crate::{
    Output,
    alphabet::Alphabet,
    learner::{Counts, LearnError},
    oracle::Oracle,
};
use std::collections::HashMap;

/// What is told now and then; it says whether to go on.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(&Counts) -> bool;

/// A card and what it answered.
pub(crate) struct Observations<'a> {
    alphabet: &'a Alphabet,
    oracle: &'a mut dyn Oracle,
    progress: Progress<'a>,
    /// From a node by a symbol: the answer and the next node. The empty word is node 0.
    seen: HashMap<(usize, usize), (Output, usize)>,
    pub(crate) counts: Counts,
}

impl<'a> Observations<'a> {
    pub(crate) fn new(alphabet: &'a Alphabet, oracle: &'a mut dyn Oracle, progress: Progress<'a>) -> Self {
        Observations { alphabet, oracle, progress, seen: HashMap::new(), counts: Counts::default() }
    }

    /// The answers to a word that was asked before.
    pub(crate) fn known(&self, word: &[usize]) -> Option<Vec<Output>> {
        let mut node = 0;
        let answers = word.iter().map(|symbol| {
            let (answer, next) = self.seen.get(&(node, *symbol))?;
            node = *next;
            Some(*answer)
        });
        answers.collect()
    }

    /// The answers to a word, which are remembered.
    pub(crate) fn ask(&mut self, word: &[usize]) -> Result<Vec<Output>, LearnError> {
        if let Some(answers) = self.known(word) {
            return Ok(answers);
        }
        let answers = self.send(word)?;
        let mut node = 0;
        for (place, (symbol, answer)) in word.iter().zip(&answers).enumerate() {
            let new = self.seen.len() + 1;
            let (before, next) = *self.seen.entry((node, *symbol)).or_insert((*answer, new));
            self.same(&word[..=place], before, *answer)?;
            node = next;
        }
        Ok(answers)
    }

    /// The answers to a word, which are not remembered.
    pub(crate) fn send(&mut self, word: &[usize]) -> Result<Vec<Output>, LearnError> {
        self.counts.words += 1;
        self.counts.acts += word.len() as u64;
        if self.counts.words.is_multiple_of(64) || self.counts.words == 1 {
            let go_on = (self.progress)(&self.counts);
            if !go_on {
                return Err(LearnError::Stopped);
            }
        }
        self.oracle.reset()?;
        let symbols = self.alphabet.symbols();
        word.iter().map(|symbol| Ok(self.oracle.step(&symbols[*symbol].act)?)).collect()
    }

    /// The same word has the same answer, or nothing can be learned.
    pub(crate) fn same(&self, word: &[usize], before: Output, now: Output) -> Result<(), LearnError> {
        if before == now {
            return Ok(());
        }
        Err(LearnError::Unsteady { word: self.alphabet.spell(word), before, now })
    }

    pub(crate) fn alphabet(&self) -> &'a Alphabet {
        self.alphabet
    }
}
