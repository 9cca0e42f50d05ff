//! One thing that is measured.

use crate::{clock::Clock, error::Trouble, key::Key, statistics::Latency};
use std::sync::Arc;

/// Work that is done again and again.
pub trait Work {
    /// Does it. This is what is timed.
    ///
    /// # Errors
    /// [`Trouble`].
    fn run(&mut self) -> Result<(), Trouble>;

    /// Judges what the last run gave. Not timed.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] where that is not the right thing.
    fn check(&mut self) -> Result<(), Trouble>;

    /// Operations in one run: many where one is shorter than reading the clock, which takes about half a microsecond.
    fn operations(&self) -> u32 {
        1
    }

    /// How long single operations took, where that was watched. Asked once, after the last run.
    fn latency(&mut self) -> Option<Latency> {
        None
    }

    /// There are no more runs: gives back what would disturb the next row.
    fn rest(&mut self) {}
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Of this project: its ratios to the rivals are reported.
    Own,
    /// What it is compared with.
    Rival,
}

/// Someone who does the work.
pub struct Contender {
    /// Short name, the same from run to run: baselines know it by this.
    pub name: String,
    /// Version, and what it is.
    pub about: String,
    /// Whose it is.
    pub side: Side,
    /// Whether two runs take the same instructions, so that counting them says something.
    pub countable: bool,
    /// The work.
    pub work: Box<dyn Work>,
}

impl std::fmt::Debug for Contender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).field("about", &self.about).finish_non_exhaustive()
    }
}

/// Contenders that do the same work.
#[derive(Debug)]
pub struct Row {
    /// Short name without blanks, the same from run to run.
    pub name: String,
    /// What is done, for people.
    pub title: String,
    /// How time is taken.
    pub clock: Clock,
    /// The only processor that may do it, where there is just one.
    pub processor: Option<usize>,
    /// Who does it.
    pub contenders: Vec<Contender>,
}

/// A library with one private key ready.
pub trait Signer {
    /// Hashes the message with SHA-256 and signs it with PKCS#1 v1.5 padding; `signature` is as long as the modulus.
    ///
    /// # Errors
    /// What the library says.
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble>;
}

/// Prepares a key.
pub type Prepare = fn(&Key) -> Result<Box<dyn Signer>, Trouble>;

/// A signer at work.
pub struct Signing {
    signer: Box<dyn Signer>,
    message: Arc<[u8]>,
    expected: Arc<[u8]>,
    signature: Vec<u8>,
}

impl Signing {
    /// `expected` is what every signature of the message must be: the padding is deterministic.
    #[must_use]
    pub fn new(signer: Box<dyn Signer>, message: Arc<[u8]>, expected: Arc<[u8]>) -> Signing {
        let signature = vec![0; expected.len()];
        Signing { signer, message, expected, signature }
    }
}

impl Work for Signing {
    fn run(&mut self) -> Result<(), Trouble> {
        self.signer.sign(std::hint::black_box(&self.message), &mut self.signature)
    }

    fn check(&mut self) -> Result<(), Trouble> {
        let same = self.signature == *self.expected;
        // The next run has to make it again.
        self.signature.fill(0);
        if same { Ok(()) } else { Err(Trouble::Wrong("the signature is not the one that the others make".into())) }
    }
}
