//! The public operation, under a modulus that is seen once and under one that is kept prepared.

use crate::{
    arithmetic::Opens,
    key::EngineError,
    modulus::Modulus,
    natural::{self, Natural},
};
use zeroize::Zeroizing;

/// `base`⁶⁵⁵³⁷ mod n into `output`, all big-endian and as long as a modulus of M limbs.
///
/// # Errors
/// [`EngineError::Key`] where n is even or its top bit is not set, [`EngineError::Input`] where the base is not below it; `output` is then
/// untouched.
pub fn power<const M: usize, A: Opens<M>>(
    arithmetic: A,
    n: &[u8],
    base: &[u8],
    output: &mut [u8],
) -> Result<(), EngineError> {
    let n = natural::from_be_bytes(n).and_then(|n| Modulus::with(arithmetic, &n)).ok_or(EngineError::Key)?;
    prepared(&n, &arithmetic.opening(&n), base, output)
}

/// The same under a modulus that is prepared.
pub(crate) fn prepared<const M: usize, A: Opens<M>>(
    n: &Modulus<M, A>,
    opening: &A::Opening,
    base: &[u8],
    output: &mut [u8],
) -> Result<(), EngineError> {
    // What was deciphered is as secret as a key; what it opens to is not.
    let mut number: Zeroizing<Natural<M>> = Zeroizing::new([0; M]);
    natural::read_be_bytes(&mut number, base).ok_or(EngineError::Input)?;
    if natural::is_less(&number, n.value()) == 0 {
        return Err(EngineError::Input);
    }
    n.enter_in_place(&mut number);
    let opened = n.arithmetic().open(opening, n, &number);
    natural::to_be_bytes(&n.leave(&opened), output).ok_or(EngineError::Input)
}
