//! Rows of key pairs made.

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side, Work},
    error::{BenchError, Trouble},
    message::MESSAGE,
    rivals::Library,
};
use card_os::{
    platform::{self, Engine, MODULUS},
    public,
};
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey, traits::PublicKeyParts};
use sha2::{Digest, Sha256};
use sim::{fixed::FixedEngine, rng::SimRng};

/// Begins the name of every row of these.
pub const PREFIX: &str = "keygen-";

/// Someone who makes key pairs with e = 65537.
pub trait Generator {
    /// Makes one and keeps it.
    ///
    /// # Errors
    /// What the library says.
    fn generate(&mut self) -> Result<(), Trouble>;

    /// Hands it out in the form that all are judged in.
    ///
    /// # Errors
    /// [`Trouble`] where that cannot be done, or there is none.
    fn take(&mut self) -> Result<PrivateKey, Trouble>;
}

/// Makes someone who makes keys of so many bits.
pub type MakeGenerator = fn(usize) -> Result<Box<dyn Generator>, Trouble>;

/// Randomness for those who can be handed some: the same in each run, so that each run meets the same prime candidates.
#[must_use]
pub fn rng() -> SimRng {
    SimRng::seeded(0x4245_4E43)
}

/// There is no key to hand out.
#[must_use]
pub fn none() -> Trouble {
    Trouble::Failed("no key was made".into())
}

/// The card's engine, where it makes keys of so many bits, and those rivals that make keys at all.
///
/// # Errors
/// [`BenchError`] where nobody of this project makes keys of that size.
pub fn row(bits: usize, rivals: &[(&'static str, Library)]) -> Result<Row, BenchError> {
    let name = format!("{PREFIX}{bits}");
    if bits != MODULUS * 8 {
        return Err(BenchError::Choice(format!("the card's engine makes keys of {} bits, not of {bits}", MODULUS * 8)));
    }
    let contender = |contender: &str, about: String, side, generator| {
        let work = Box::new(Making { bits, generator });
        Contender { name: contender.into(), about, side, countable: false, work }
    };
    let engine = Box::new(CardEngine { engine: FixedEngine::default(), rng: rng(), made: None });
    let mut contenders = vec![contender("engine", "the card's engine".into(), Side::Own, engine)];
    for (rival, library) in rivals {
        let Some(make) = library.generator else { continue };
        let generator = make(bits).map_err(|trouble| trouble.of(&name, rival))?;
        contenders.push(contender(rival, (library.version)(), Side::Rival, generator));
    }
    let title = format!("RSA-{bits} key pairs");
    Ok(Row { name, title, clock: Clock::ThreadCpu, contenders })
}

/// A generator at work.
struct Making {
    bits: usize,
    generator: Box<dyn Generator>,
}

impl Work for Making {
    fn run(&mut self) -> Result<(), Trouble> {
        self.generator.generate()
    }

    fn check(&mut self) -> Result<(), Trouble> {
        judge(&self.generator.take()?, self.bits)
    }
}

/// A key is one when n is as long as it should be, its numbers belong together, and a signature by it opens.
fn judge(key: &PrivateKey, bits: usize) -> Result<(), Trouble> {
    let wrong = |what: String| Err(Trouble::Wrong(what));
    if usize::try_from(key.n().bit_width()) != Ok(bits) {
        return wrong(format!("a modulus of {} bits", key.n().bit_width()));
    }
    if key.e() != &BoxedUint::from(65_537u64) {
        return wrong("a public exponent that is not 65537".into());
    }
    if let Err(error) = key.validate() {
        return wrong(format!("the key's numbers do not belong together: {error}"));
    }
    let (digest, scheme) = (Sha256::digest(MESSAGE), Pkcs1v15Sign::new::<Sha256>);
    let opened =
        key.sign(scheme(), &digest).and_then(|signature| key.to_public_key().verify(scheme(), &digest, &signature));
    opened.or_else(|error| wrong(format!("a signature by the key does not open: {error}")))
}

/// What makes the keys of a simulated card.
struct CardEngine {
    engine: FixedEngine,
    rng: SimRng,
    made: Option<platform::PrivateKey>,
}

impl Generator for CardEngine {
    fn generate(&mut self) -> Result<(), Trouble> {
        let made = self.engine.generate(&mut self.rng);
        self.made = Some(made.map_err(|_| Trouble::Failed("the engine makes no key".into()))?);
        Ok(())
    }

    fn take(&mut self) -> Result<PrivateKey, Trouble> {
        let made = self.made.take().ok_or_else(none)?;
        if !public::is_consistent(&made) {
            return Err(Trouble::Wrong("the key's CRT values do not belong together".into()));
        }
        let [p, q] = [&made.p, &made.q].map(|prime| BoxedUint::from_be_slice_vartime(prime));
        PrivateKey::from_p_q(p, q, 65_537u64.into()).map_err(|error| Trouble::Wrong(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn keys_are_judged() {
        let key = Key::of(2048).expect("a key").rsa;
        assert_eq!(judge(&key, 2048), Ok(()));
        assert_eq!(judge(&key, 3072), Err(Trouble::Wrong("a modulus of 2048 bits".into())));
        let mut none_made = CardEngine { engine: FixedEngine::default(), rng: rng(), made: None };
        assert_eq!(none_made.take().map(|_| ()), Err(none()));
        let mut made = none_made.engine.generate(&mut none_made.rng).expect("makes");
        made.dq[3] ^= 1;
        none_made.made = Some(made);
        assert!(matches!(none_made.take(), Err(Trouble::Wrong(_))));
    }

    #[test]
    fn sizes_that_the_card_has_not_are_refused() {
        assert!(row(1024, &[]).expect_err("too short").to_string().contains("2048"));
    }
}
