//! Interleaved rounds: in each, every contender of a row works for one slice of time. What disturbs one disturbs all.

use crate::{
    contender::{Contender, Row},
    error::BenchError,
    place::Pinned,
    statistics::Latency,
};
use std::{ops::ControlFlow, time::Duration};

/// How long it takes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds, at least one.
    pub rounds: u32,
    /// Time of one contender in one round. At least one run is made, however long it takes.
    pub slice: Duration,
}

/// What one contender did.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Operations in all rounds.
    pub operations: u64,
    /// Nanoseconds an operation, round by round.
    pub nanoseconds: Vec<f64>,
    /// Of single operations, where that was watched.
    pub latency: Option<Latency>,
}

/// Where the measurement stands.
#[derive(Debug)]
pub struct Step<'a> {
    /// The row's title.
    pub row: &'a str,
    /// Who works now.
    pub contender: &'a str,
    /// Its part of the row that is done, from 0 to 1.
    pub done: f64,
}

/// Hears of each run, and may end the measurement before it.
pub type Tell<'a> = dyn FnMut(&Step<'_>) -> ControlFlow<()> + 'a;

/// Measures a row. Each contender makes one run beforehand, to have its key prepared and its blinding drawn.
///
/// # Errors
/// [`BenchError::Wrong`] at the first result that is not the right one, [`BenchError::Interrupted`] where `tell` says so.
pub fn measure(row: &mut Row, plan: Plan, tell: &mut Tell<'_>) -> Result<Vec<Samples>, BenchError> {
    let count = row.contenders.len();
    let mut samples = vec![Samples { operations: 0, nanoseconds: Vec::new(), latency: None }; count];
    let _pinned = row.processor.map(Pinned::to).transpose()?;
    let (name, title, clock) = (&row.name, &row.title, row.clock);
    for contender in &mut row.contenders {
        step(tell, title, contender, 0.0)?;
        once(contender).map_err(|trouble| trouble.of(name, &contender.name))?;
    }
    for round in 0..plan.rounds.max(1) {
        // Nobody always comes after the same other.
        let first = round as usize % count.max(1);
        for turn in 0..count {
            let index = (first + turn) % count;
            let (Some(contender), Some(samples)) = (row.contenders.get_mut(index), samples.get_mut(index)) else {
                continue;
            };
            let done = f64::from(round) / f64::from(plan.rounds.max(1));
            let (mut spent, mut operations) = (Duration::ZERO, 0);
            while operations == 0 || spent < plan.slice {
                step(tell, title, contender, done)?;
                let began = clock.now();
                let done = contender.work.run();
                spent += clock.now().saturating_sub(began);
                done.and_then(|()| contender.work.check()).map_err(|trouble| trouble.of(name, &contender.name))?;
                operations += u64::from(contender.work.operations());
            }
            samples.operations += operations;
            samples.nanoseconds.push(spent.as_secs_f64() * 1e9 / operations as f64);
        }
    }
    for (contender, samples) in row.contenders.iter_mut().zip(&mut samples) {
        samples.latency = contender.work.latency();
        contender.work.rest();
    }
    Ok(samples)
}

/// One run, judged.
pub(crate) fn once(contender: &mut Contender) -> Result<(), crate::error::Trouble> {
    contender.work.run()?;
    contender.work.check()
}

fn step(tell: &mut Tell<'_>, row: &str, contender: &Contender, done: f64) -> Result<(), BenchError> {
    match tell(&Step { row, contender: &contender.name, done }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(BenchError::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        contender::{Side, Signer, Signing, Work},
        error::Trouble,
        key::Key,
        message::MESSAGE,
        own, rivals, sign,
    };
    use std::{cell::RefCell, rc::Rc, sync::Arc};

    const SHORT: Plan = Plan { rounds: 3, slice: Duration::ZERO };

    fn go_on(_: &Step<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn contender(name: &str, work: impl Work + 'static) -> Contender {
        Contender { name: name.into(), about: String::new(), side: Side::Own, countable: true, work: Box::new(work) }
    }

    /// Signs rightly a few times, and then with one bit turned over.
    struct Faulty {
        inner: Box<dyn Signer>,
        right: u32,
    }

    impl Signer for Faulty {
        fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
            self.inner.sign(message, signature)?;
            match self.right.checked_sub(1) {
                Some(right) => self.right = right,
                None => signature[17] ^= 0x20,
            }
            Ok(())
        }
    }

    #[test]
    fn a_wrong_signature_is_caught_whenever_it_comes() {
        for right in 0..4 {
            let mut row =
                sign::row(&Key::of(2048).expect("a key"), &own::chosen(&[]).expect("some"), &[]).expect("a row");
            let key = Key::of(2048).expect("a key");
            let inner = (rivals::chosen(&["rsa".into()]).expect("there")[0].1.signer)(&key).expect("prepares");
            let expected = key.expected(MESSAGE).expect("signs").into();
            let signing = Signing::new(Box::new(Faulty { inner, right }), Arc::from(MESSAGE), expected);
            row.contenders.push(contender("faulty", signing));
            let result = measure(&mut row, SHORT, &mut go_on);
            let Err(BenchError::Wrong { row, contender, .. }) = result else { panic!("{right}: {result:?}") };
            assert_eq!((&*row, &*contender), ("sign-2048", "faulty"));
        }
    }

    /// Notes its name at each run.
    struct Noted(&'static str, Rc<RefCell<Vec<&'static str>>>);

    impl Work for Noted {
        fn run(&mut self) -> Result<(), Trouble> {
            self.1.borrow_mut().push(self.0);
            Ok(())
        }

        fn check(&mut self) -> Result<(), Trouble> {
            Ok(())
        }

        fn operations(&self) -> u32 {
            10
        }
    }

    fn noted() -> (Row, Rc<RefCell<Vec<&'static str>>>) {
        let notes = Rc::new(RefCell::new(Vec::new()));
        let contenders = ["a", "b", "c"].map(|name| contender(name, Noted(name, Rc::clone(&notes)))).into();
        (Row { name: "row".into(), title: "row".into(), clock: Clock::ThreadCpu, processor: None, contenders }, notes)
    }

    #[test]
    fn the_first_changes_from_round_to_round() {
        let (mut row, notes) = noted();
        let samples = measure(&mut row, SHORT, &mut go_on).expect("measures");
        assert_eq!(notes.borrow().concat(), "abcabcbcacab");
        assert!(samples.iter().all(|samples| (samples.operations, samples.nanoseconds.len()) == (30, 3)));
    }

    #[test]
    fn whoever_has_seen_enough_ends_it() {
        let (mut row, notes) = noted();
        let mut left = 4;
        let ended = measure(&mut row, SHORT, &mut |_| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(ended, Err(BenchError::Interrupted)));
        assert_eq!(notes.borrow().concat(), "abc");
    }

    #[test]
    fn a_row_of_nobody_is_no_trouble() {
        let (mut row, _) = noted();
        row.contenders.clear();
        assert_eq!(measure(&mut row, SHORT, &mut go_on).expect("measures"), []);
    }
}
