//! This project's back ends. A new one is one line of [`BACK_ENDS`] and whatever prepares its key.

use crate::{
    contender::{Prepare, Signer},
    error::{BenchError, Trouble},
    key::Key,
    keygen::{Generator, MakeGenerator, Maker},
    message::encode,
};
use engine::{
    Components, PrivateKey,
    arithmetic::{Kernel, Portable},
};
#[cfg(target_arch = "x86_64")]
use engine_x86::{adx::Adx, ifma::Ifma};
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
    /// Prepares to make keys of so many bits.
    pub generator: MakeGenerator,
}

/// Every back end, the slowest and most portable first.
pub const BACK_ENDS: &[BackEnd] = &[
    BackEnd {
        name: "portable",
        about: "safe Rust on 64-bit limbs, blinded and checked",
        runs_here: || true,
        signer: |key| prepared(Portable, key),
        generator: |bits| maker(Portable, bits),
    },
    #[cfg(target_arch = "x86_64")]
    BackEnd {
        name: "adx",
        about: "rows of mulx, adcx and adox, blinded and checked",
        runs_here: || Adx::detect().is_some(),
        signer: |key| prepared(Adx::detect().ok_or_else(absent)?, key),
        generator: |bits| maker(Adx::detect().ok_or_else(absent)?, bits),
    },
    #[cfg(target_arch = "x86_64")]
    BackEnd {
        name: "ifma",
        about: "both primes in AVX-512 IFMA vectors, blinded and checked",
        runs_here: || Ifma::detect().is_some(),
        signer: |key| prepared(Ifma::detect().ok_or_else(absent)?, key),
        generator: |bits| maker(Ifma::detect().ok_or_else(absent)?, bits),
    },
];

#[cfg(target_arch = "x86_64")]
fn absent() -> Trouble {
    Trouble::failed("the processor lacks the instructions")
}

/// The back ends with these names, or, where there are none, all that run on this processor.
///
/// # Errors
/// [`BenchError::Choice`] for a name that is unknown or cannot run here.
pub fn chosen(names: &[String]) -> Result<Vec<BackEnd>, BenchError> {
    if names.is_empty() {
        return Ok(BACK_ENDS.iter().copied().filter(|back_end| (back_end.runs_here)()).collect());
    }
    let one = |name: &String| {
        let known = || BACK_ENDS.iter().map(|back_end| back_end.name).collect::<Vec<_>>().join(", ");
        let found = BACK_ENDS.iter().copied().find(|back_end| back_end.name == name);
        let found = found.ok_or_else(|| BenchError::Choice(format!("no back end {name}; there are: {}", known())))?;
        if !(found.runs_here)() {
            return Err(BenchError::Choice(format!("the back end {name} cannot run on this processor")));
        }
        Ok(found)
    };
    names.iter().map(one).collect()
}

/// A key of any size, with the given arithmetic.
fn prepared<A>(arithmetic: A, key: &Key) -> Result<Box<dyn Signer>, Trouble>
where
    A: Kernel<16, 32> + Kernel<24, 48> + Kernel<32, 64> + 'static,
{
    match key.bits {
        2048 => Ready::<16, 32, A>::boxed(arithmetic, key),
        3072 => Ready::<24, 48, A>::boxed(arithmetic, key),
        4096 => Ready::<32, 64, A>::boxed(arithmetic, key),
        bits => Err(unknown(bits)),
    }
}

/// A generator of keys of any size, with the given arithmetic.
fn maker<A>(arithmetic: A, bits: usize) -> Result<Box<dyn Generator>, Trouble>
where
    A: Kernel<16, 32> + Kernel<24, 48> + Kernel<32, 64> + 'static,
{
    match bits {
        2048 => Ok(Maker::<16, 32, A>::boxed(arithmetic)),
        3072 => Ok(Maker::<24, 48, A>::boxed(arithmetic)),
        4096 => Ok(Maker::<32, 64, A>::boxed(arithmetic)),
        bits => Err(unknown(bits)),
    }
}

fn unknown(bits: usize) -> Trouble {
    Trouble::Failed(format!("the engine knows no keys of {bits} bits"))
}

/// A key of primes of N limbs, ready to sign.
struct Ready<const N: usize, const M: usize, A: Kernel<N, M>> {
    key: PrivateKey<N, M, A>,
    rng: SimRng,
}

impl<const N: usize, const M: usize, A: Kernel<N, M> + 'static> Ready<N, M, A> {
    fn boxed(arithmetic: A, key: &Key) -> Result<Box<dyn Signer>, Trouble> {
        let rng = SimRng::from_os().map_err(Trouble::failed)?;
        let [n, p, q, dp, dq, qinv] = &key.numbers;
        let key = PrivateKey::with(arithmetic, &Components { n, p, q, dp, dq, qinv })
            .map_err(|error| Trouble::Failed(format!("the engine refuses the key: {error:?}")))?;
        Ok(Box::new(Ready::<N, M, A> { key, rng }))
    }
}

impl<const N: usize, const M: usize, A: Kernel<N, M>> Signer for Ready<N, M, A> {
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
