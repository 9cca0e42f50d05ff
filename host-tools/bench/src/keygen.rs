//! Rows of key pairs made.

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side, Work},
    error::{BenchError, Trouble},
    key::SIZES,
    message::MESSAGE,
    own::BackEnd,
    rivals::Library,
};
use engine::{ComponentsMut, Generated, arithmetic::Kernel};
use rsa::{
    BoxedUint, Pkcs1v15Sign, PrivateKey,
    traits::{PrivateKeyParts, PublicKeyParts},
};
use sha2::{Digest, Sha256};
use sim::rng::SimRng;
use zeroize::Zeroizing;

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

/// Own back ends, and those rivals that make keys at all.
///
/// # Errors
/// [`BenchError`] where one does not make keys of that size.
pub fn row(bits: usize, back_ends: &[BackEnd], rivals: &[(&'static str, Library)]) -> Result<Row, BenchError> {
    let name = format!("{PREFIX}{bits}");
    if !SIZES.contains(&bits) {
        return Err(BenchError::Choice(format!("no keys of {bits} bits; there are {SIZES:?}")));
    }
    let own = back_ends.iter().map(|own| (own.name, own.about.to_owned(), Side::Own, Some(own.generator)));
    let rivals = rivals.iter().map(|(name, library)| (*name, (library.version)(), Side::Rival, library.generator));
    let contenders = own.chain(rivals).filter_map(|(contender, about, side, make)| {
        let generator = make?(bits).map_err(|trouble| trouble.of(&name, contender));
        Some(generator.map(|generator| {
            let work = Box::new(Making { bits, generator });
            Contender { name: contender.into(), about, side, countable: false, work }
        }))
    });
    let contenders = contenders.collect::<Result<_, BenchError>>()?;
    let title = format!("RSA-{bits} key pairs");
    Ok(Row { name, title, clock: Clock::ThreadCpu, processor: None, contenders })
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

/// The engine, with primes of N limbs.
pub(crate) struct Maker<const N: usize, const M: usize, A> {
    arithmetic: A,
    rng: SimRng,
    made: Option<Generated<N, M>>,
}

impl<const N: usize, const M: usize, A: Kernel<N, M> + 'static> Maker<N, M, A> {
    pub(crate) fn boxed(arithmetic: A) -> Box<dyn Generator> {
        Box::new(Maker::<N, M, A> { arithmetic, rng: rng(), made: None })
    }
}

impl<const N: usize, const M: usize, A: Kernel<N, M>> Generator for Maker<N, M, A> {
    fn generate(&mut self) -> Result<(), Trouble> {
        let made = engine::generate(self.arithmetic, &mut self.rng);
        self.made = Some(made.map_err(|error| Trouble::Failed(format!("the engine makes no key: {error:?}")))?);
        Ok(())
    }

    fn take(&mut self) -> Result<PrivateKey, Trouble> {
        let made = self.made.take().ok_or_else(none)?;
        let [mut p, mut q, mut dp, mut dq, mut qinv] = [(); 5].map(|()| Zeroizing::new(vec![0; 8 * N]));
        let mut n = vec![0; 8 * M];
        let mut room = ComponentsMut { n: &mut n, p: &mut p, q: &mut q, dp: &mut dp, dq: &mut dq, qinv: &mut qinv };
        made.write(&mut room).map_err(|error| Trouble::Failed(format!("{error:?}")))?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let key = PrivateKey::from_p_q(number(&p), number(&q), 65_537u64.into())
            .map_err(|error| Trouble::Wrong(error.to_string()))?;
        // The `rsa` crate computes these anew.
        let agree = key.n().as_ref() == &number(&n)
            && key.dp() == Some(&number(&dp))
            && key.dq() == Some(&number(&dq))
            && key.qinv().is_some_and(|own| own.retrieve() == number(&qinv));
        if agree { Ok(key) } else { Err(Trouble::Wrong("the key's CRT values do not belong together".into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{key::Key, own};
    use engine::arithmetic::Portable;

    #[test]
    fn keys_are_judged() {
        let key = Key::of(2048).expect("a key").rsa;
        assert_eq!(judge(&key, 2048), Ok(()));
        assert_eq!(judge(&key, 3072), Err(Trouble::Wrong("a modulus of 2048 bits".into())));
        let mut maker = Maker::<16, 32, Portable> { arithmetic: Portable, rng: rng(), made: None };
        assert_eq!(maker.take().map(|_| ()), Err(none()));
        maker.generate().expect("makes");
        maker.made.as_mut().expect("made").dq[3] ^= 1;
        assert!(matches!(maker.take(), Err(Trouble::Wrong(_))));
    }

    #[test]
    fn sizes_that_the_engine_has_not_are_refused() {
        let refused = row(1024, &own::chosen(&[]).expect("some"), &[]).expect_err("too short").to_string();
        assert!(refused.contains("1024"), "{refused}");
    }
}
