//! Which engine stands behind a simulated card: chosen once, when the card is mounted.

use crate::engine::RsaEngine;
use card_os::{
    fixed::FixedEngine,
    platform::{Engine, EngineFault, MODULUS, PrivateKey},
};
#[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
use engine_x86::{adx::Adx, ifma::Ifma};
use rand_core::TryCryptoRng;
use std::{fmt, str::FromStr};

/// The engines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// The card's own engine in safe Rust.
    Portable,
    /// The same with rows of mulx, adcx and adox.
    Adx,
    /// The same with both primes in AVX-512 IFMA vectors.
    Ifma,
    /// The `rsa` crate: another implementation, for comparison.
    Rsa,
}

impl Backend {
    /// All of them, whether this processor can run them or not.
    pub const ALL: [Backend; 4] = [Backend::Portable, Backend::Adx, Backend::Ifma, Backend::Rsa];

    /// The fastest that this processor runs.
    #[must_use]
    pub fn best() -> Backend {
        [Backend::Ifma, Backend::Adx].into_iter().find(|backend| backend.is_available()).unwrap_or(Backend::Portable)
    }

    /// Whether this processor, and this build, can run it.
    #[must_use]
    pub fn is_available(self) -> bool {
        AnyEngine::with(self).is_ok()
    }

    /// The name by which it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Backend::Portable => "portable",
            Backend::Adx => "adx",
            Backend::Ifma => "ifma",
            Backend::Rsa => "rsa",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such engine, or not here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The name is none of those known.
    #[error("there is no engine {0:?}; there are portable, adx, ifma and rsa")]
    Unknown(String),
    /// The processor or the build lacks what it needs.
    #[error("the engine {0} cannot run here: {why}", why = reason(*.0))]
    Unavailable(Backend),
}

fn reason(backend: Backend) -> &'static str {
    if cfg!(not(all(target_arch = "x86_64", feature = "accelerated"))) {
        return "this build has no accelerator for x86-64";
    }
    match backend {
        Backend::Ifma => "the processor or the operating system lacks AVX-512 IFMA",
        _ => "the processor lacks BMI2 or ADX",
    }
}

impl FromStr for Backend {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        Backend::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| BackendError::Unknown(name.to_owned()))
    }
}

/// An engine of any kind. A clone keeps no key ready.
#[derive(Debug, Clone)]
pub enum AnyEngine {
    /// [`Backend::Portable`].
    Portable(Box<FixedEngine>),
    /// [`Backend::Adx`].
    #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
    Adx(Box<FixedEngine<Adx>>),
    /// [`Backend::Ifma`].
    #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
    Ifma(Box<FixedEngine<Ifma>>),
    /// [`Backend::Rsa`].
    Rsa(RsaEngine),
}

impl AnyEngine {
    /// The engine asked for.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`].
    pub fn with(backend: Backend) -> Result<Self, BackendError> {
        let engine = match backend {
            Backend::Portable => Some(AnyEngine::Portable(Box::default())),
            #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
            Backend::Adx => Adx::detect().map(|adx| AnyEngine::Adx(Box::new(FixedEngine::with(adx)))),
            #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
            Backend::Ifma => Ifma::detect().map(|ifma| AnyEngine::Ifma(Box::new(FixedEngine::with(ifma)))),
            #[cfg(not(all(target_arch = "x86_64", feature = "accelerated")))]
            Backend::Adx | Backend::Ifma => None,
            Backend::Rsa => Some(AnyEngine::Rsa(RsaEngine::default())),
        };
        engine.ok_or(BackendError::Unavailable(backend))
    }

    /// Which one it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            AnyEngine::Portable(_) => Backend::Portable,
            #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
            AnyEngine::Adx(_) => Backend::Adx,
            #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
            AnyEngine::Ifma(_) => Backend::Ifma,
            AnyEngine::Rsa(_) => Backend::Rsa,
        }
    }
}

/// The fastest that this processor runs.
impl Default for AnyEngine {
    fn default() -> Self {
        AnyEngine::with(Backend::best()).unwrap_or_else(|_| AnyEngine::Portable(Box::default()))
    }
}

/// Calls the engine inside, whichever it is.
macro_rules! inside {
    ($any:expr, $engine:ident => $call:expr) => {
        match $any {
            AnyEngine::Portable($engine) => $call,
            #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
            AnyEngine::Adx($engine) => $call,
            #[cfg(all(target_arch = "x86_64", feature = "accelerated"))]
            AnyEngine::Ifma($engine) => $call,
            AnyEngine::Rsa($engine) => $call,
        }
    };
}

impl Engine for AnyEngine {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        inside!(self, engine => engine.private(key, input, output, rng))
    }

    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault> {
        inside!(self, engine => engine.generate(rng))
    }

    fn public(&mut self, n: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
        inside!(self, engine => engine.public(n, base))
    }

    fn power_off(&mut self) {
        inside!(self, engine => engine.power_off());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rng::SimRng, sample};

    /// The engines that run here.
    fn engines() -> Vec<AnyEngine> {
        Backend::ALL.into_iter().filter_map(|backend| AnyEngine::with(backend).ok()).collect()
    }

    /// All engines, both keys in turn, inputs of every kind of length.
    #[test]
    fn all_engines_agree() {
        let (mut engines, mut rng) = (engines(), SimRng::seeded(8));
        for round in 0..40u8 {
            let key = &sample::keys()[usize::from(round % 2)];
            let mut input = [round.wrapping_mul(0x3B); MODULUS];
            input[..usize::from(round) * 6 + 1].fill(0);
            let mut results = Vec::new();
            for engine in &mut engines {
                let mut output = [0; MODULUS];
                engine.private(key, &input, &mut output, &mut rng).expect("signs");
                results.push(output);
            }
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "round {round}");
        }
    }

    #[test]
    fn a_damaged_key_is_a_fault_and_the_next_one_works() {
        for mut engine in engines() {
            // The `rsa` crate computes the values anew, and so does not see the damage.
            if engine.backend() == Backend::Rsa {
                continue;
            }
            let mut rng = SimRng::seeded(8);
            let good = &sample::keys()[0];
            let mut bad = card_os::sign::from_bytes(&card_os::sign::to_bytes(good));
            bad.dp[50] ^= 4;
            let (input, mut output) = ([7; MODULUS], [0xAA; MODULUS]);
            assert_eq!(engine.private(&bad, &input, &mut output, &mut rng), Err(EngineFault));
            assert_eq!(output, [0xAA; MODULUS], "nothing of it leaves");
            engine.private(good, &input, &mut output, &mut rng).expect("signs");
            assert_eq!(card_os::public::power(&good.n, &output), Some(input));
        }
    }

    #[test]
    fn names_are_read_back() {
        for backend in Backend::ALL {
            assert_eq!(backend.name().parse(), Ok(backend));
        }
        assert_eq!("Adx".parse::<Backend>(), Err(BackendError::Unknown("Adx".into())));
    }
}
