//! Words that would show what a machine does not explain.
//!
//! First random ones, then the partial W-method with harmonised identifiers (HSI): to every state, on by every word of up to
//! one symbol more than there may be extra states, and there whatever tells that state from the others. A card that has at
//! most so many states more and passes is the machine. (Without extra states the learner has asked these words itself.)

use crate::{
    learner::{Guess, LearnError, Options, Word, answers},
    machine::Edge,
    observations::Observations,
};
use rand_core::Rng;
use sim::rng::SimRng;
use std::collections::BTreeMap;

/// Longest random middle of a word.
const MIDDLE: usize = 12;

/// A word that the card answers otherwise than the guess, if one of the suite is.
pub(crate) fn unexplained(
    guess: &Guess,
    asked: &mut Observations<'_>,
    options: &Options,
) -> Result<Option<Word>, LearnError> {
    let Guess { edges, access, suffixes } = guess;
    let identifiers = identifiers(edges, suffixes);
    let symbols = asked.alphabet().symbols().len();
    let mut rng = SimRng::seeded(options.seed);
    let mut below = |bound: usize| ((u64::from(rng.next_u32()) * bound as u64) >> 32) as usize;
    for _ in 0..options.random {
        let state = below(edges.len());
        let middle: Word = (0..=below(MIDDLE)).map(|_| below(symbols)).collect();
        let word = [&access[state][..], &middle].concat();
        let end = end(edges, 0, &word);
        let suffix = &identifiers[end][below(identifiers[end].len())];
        if let Some(word) = differs(edges, asked, [&word[..], suffix].concat())? {
            return Ok(Some(word));
        }
    }
    for length in 2..=options.extra + 1 {
        for (state, access) in access.iter().enumerate() {
            let mut middle = vec![0; length];
            loop {
                let end = end(edges, state, &middle);
                for suffix in &identifiers[end] {
                    let word = [&access[..], &middle, suffix].concat();
                    if let Some(word) = differs(edges, asked, word)? {
                        return Ok(Some(word));
                    }
                }
                if !next(&mut middle, symbols) {
                    break;
                }
            }
        }
    }
    Ok(None)
}

/// The next word of the same length.
fn next(word: &mut [usize], symbols: usize) -> bool {
    for place in word.iter_mut().rev() {
        *place += 1;
        if *place < symbols {
            return true;
        }
        *place = 0;
    }
    false
}

fn end(edges: &[Vec<Edge>], state: usize, word: &[usize]) -> usize {
    word.iter().fold(state, |state, symbol| edges[state][*symbol].to)
}

/// Asks for a word; gives it back where the card says something else.
fn differs(edges: &[Vec<Edge>], asked: &mut Observations<'_>, word: Word) -> Result<Option<Word>, LearnError> {
    let explained = answers(edges, 0, &word);
    if let Some(known) = asked.known(&word) {
        return Ok((known != explained).then_some(word));
    }
    let seen = asked.send(&word)?;
    if seen == explained {
        return Ok(None);
    }
    // Once more, and remembered: an answer that does not come again is no counterexample.
    let again = asked.ask(&word)?;
    for (place, (before, now)) in seen.iter().zip(&again).enumerate() {
        asked.same(&word[..=place], *before, *now)?;
    }
    Ok(Some(word))
}

/// For each state, suffixes that tell it from every other; any two states have one in common that tells them apart. A single
/// state has the empty one, so that there is something to try.
fn identifiers(edges: &[Vec<Edge>], suffixes: &[Word]) -> Vec<Vec<Word>> {
    if edges.len() == 1 {
        return vec![vec![Vec::new()]];
    }
    let mut found = vec![Vec::new(); edges.len()];
    let mut open = vec![(0..edges.len()).collect::<Vec<_>>()];
    while let Some(together) = open.pop() {
        if together.len() < 2 {
            continue;
        }
        let parts = |suffix: &Word| {
            let mut parts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
            for state in &together {
                parts.entry(answers(edges, *state, suffix)).or_default().push(*state);
            }
            parts
        };
        // Of those that make most parts the first: the shortest come first.
        let best = suffixes.iter().map(|suffix| (suffix, parts(suffix))).rev().max_by_key(|(_, parts)| parts.len());
        let Some((suffix, parts)) = best.filter(|(_, parts)| parts.len() > 1) else { continue };
        for state in &together {
            found[*state].push(suffix.clone());
        }
        open.extend(parts.into_values());
    }
    found
}
