//! This project's back ends. A new one is one line of [`BACK_ENDS`] and whatever prepares its key.

use crate::{
    contender::{Prepare, Signer},
    error::{BenchError, Trouble},
    key::Key,
    message::encode,
};
use engine::{Components, PrivateKey, Rsa2048, Rsa3072, Rsa4096};
use sim::rng::SimRng;

/// One way in which the engine can calculate.
#[derive(Debug, Clone, Copy)]
pub struct BackEnd {
    /// What `--backend` calls it.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether this processor can run it.
    pub runs_here: fn() -> bool,
    /// Prepares a key.
    pub signer: Prepare,
}

/// Every back end, the slowest and most portable first.
pub const BACK_ENDS: [BackEnd; 1] = [BackEnd {
    name: "portable",
    about: "safe Rust on 64-bit limbs, blinded and checked",
    runs_here: || true,
    signer: portable,
}];

/// The back ends with these names, or, where there are none, all that run on this processor.
///
/// # Errors
/// [`BenchError::Choice`] for a name that is unknown or cannot run here.
pub fn chosen(names: &[String]) -> Result<Vec<BackEnd>, BenchError> {
    if names.is_empty() {
        return Ok(BACK_ENDS.into_iter().filter(|back_end| (back_end.runs_here)()).collect());
    }
    let one = |name: &String| {
        let known = || BACK_ENDS.map(|back_end| back_end.name).join(", ");
        let found = BACK_ENDS.into_iter().find(|back_end| back_end.name == name);
        let found = found.ok_or_else(|| BenchError::Choice(format!("no back end {name}; there are: {}", known())))?;
        if !(found.runs_here)() {
            return Err(BenchError::Choice(format!("the back end {name} cannot run on this processor")));
        }
        Ok(found)
    };
    names.iter().map(one).collect()
}

/// The engine's portable code.
fn portable(key: &Key) -> Result<Box<dyn Signer>, Trouble> {
    let rng = SimRng::from_os().map_err(Trouble::failed)?;
    let [n, p, q, dp, dq, qinv] = &key.numbers;
    let numbers = Components { n, p, q, dp, dq, qinv };
    let unusable = |error: engine::EngineError| Trouble::Failed(format!("the engine refuses the key: {error:?}"));
    Ok(match key.bits {
        2048 => Box::new(Ready { key: Rsa2048::new(&numbers).map_err(unusable)?, rng }),
        3072 => Box::new(Ready { key: Rsa3072::new(&numbers).map_err(unusable)?, rng }),
        4096 => Box::new(Ready { key: Rsa4096::new(&numbers).map_err(unusable)?, rng }),
        bits => return Err(Trouble::Failed(format!("the engine knows no keys of {bits} bits"))),
    })
}

/// A key of primes of N limbs, ready to sign.
struct Ready<const N: usize, const M: usize> {
    key: PrivateKey<N, M>,
    rng: SimRng,
}

impl<const N: usize, const M: usize> Signer for Ready<N, M> {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        let mut em = [0; 4096 / 8];
        let em = em.get_mut(..signature.len()).ok_or_else(|| Trouble::failed("longer than any key"))?;
        encode(message, em);
        self.key.private(em, signature, &mut self.rng).map_err(|error| Trouble::Failed(format!("{error:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_names_whatever_runs_here() {
        assert!(chosen(&[]).expect("some").iter().any(|back_end| back_end.name == "portable"));
        assert_eq!(chosen(&["portable".into()]).expect("known").len(), 1);
        let refused = chosen(&["abacus".into()]).expect_err("unknown").to_string();
        assert!(refused.contains("abacus") && refused.contains("portable"), "{refused}");
    }
}
