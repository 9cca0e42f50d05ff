//! Exponentiation on lanes.

use crate::{
    montgomery::multiply,
    vector::{Constants, Lanes, Vector},
};
use engine::{limb::Limb, natural};
use zeroize::Zeroizing;

/// Bits of the exponents taken at once. The table is read whole for every window.
const WINDOW: usize = 5;
const TABLE: usize = 1 << WINDOW;

/// Two powers at once, both numbers in turns, in and out in the engine's Montgomery form. The exponents have the same length;
/// all of that length take the same steps. (The engine's `Modulus::power`, twice)
#[inline(always)]
pub(crate) fn pair<V: Vector, const NV: usize, const L: usize>(
    constants: &Constants<NV>,
    bases: &Lanes<NV>,
    exponents: [&[Limb]; 2],
) -> Lanes<NV> {
    let Constants { m, k, enter, one, leave } = constants;
    let mut table = Zeroizing::new([*one; TABLE]);
    table[1] = multiply::<V, 2, NV, L>(bases, enter, m, *k);
    for index in 2..TABLE {
        table[index] = if index % 2 == 0 {
            multiply::<V, 2, NV, L>(&table[index / 2], &table[index / 2], m, *k)
        } else {
            multiply::<V, 2, NV, L>(&table[index - 1], &table[1], m, *k)
        };
    }
    let windows = (exponents[0].len() * 64).div_ceil(WINDOW);
    let mut power = Zeroizing::new(*one);
    let mut factor = Zeroizing::new(Lanes::ZERO);
    for index in (0..windows).rev() {
        let [even, odd] = exponents.map(|exponent| natural::bits(exponent, index * WINDOW, WINDOW as u32));
        select(&table, V::pairs(even, odd), &mut factor);
        if index == windows - 1 {
            *power = *factor;
            continue;
        }
        for _ in 0..WINDOW {
            *power = multiply::<V, 2, NV, L>(&power, &power, m, *k);
        }
        *power = multiply::<V, 2, NV, L>(&power, &factor, m, *k);
    }
    multiply::<V, 2, NV, L>(&power, leave, m, *k)
}

/// base^65537 of one number, in and out in the engine's Montgomery form.
#[inline(always)]
pub(crate) fn f4<V: Vector, const NV: usize, const L: usize>(constants: &Constants<NV>, base: &Lanes<NV>) -> Lanes<NV> {
    let Constants { m, k, enter, .. } = constants;
    let mut power = Zeroizing::new(multiply::<V, 1, NV, L>(base, enter, m, *k));
    for _ in 0..16 {
        *power = multiply::<V, 1, NV, L>(&power, &power, m, *k);
    }
    // One factor in each form: the product is in the engine's.
    multiply::<V, 1, NV, L>(&power, base, m, *k)
}

/// Puts two entries of the table into `out`, lanes in turns, by reading all of them.
#[inline(always)]
fn select<V: Vector, const NV: usize>(table: &[Lanes<NV>; TABLE], wanted: V, out: &mut Lanes<NV>) {
    let mut found = [V::zero(); NV];
    let mut number = V::zero();
    for entry in table {
        let chosen = number.equal(wanted);
        number = number.increment_where(0xFF);
        for (found, lanes) in found.iter_mut().zip(&entry.0) {
            *found = found.or_where(chosen, V::load(lanes));
        }
    }
    for (found, lanes) in found.into_iter().zip(&mut out.0) {
        found.store(lanes);
    }
}
