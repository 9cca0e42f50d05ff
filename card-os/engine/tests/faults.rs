//! Faults: one bit flipped in the result or in an operand of any multiplication, at any moment of a signature. The flips come in
//! through the arithmetic's seam, so the engine is the one that ships.

mod support;

use crypto_bigint::{BoxedUint, Gcd};
use engine::{
    EngineError,
    arithmetic::{Arithmetic, Nothing, Opens, Pairs, Portable},
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::{self, Natural},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use std::cell::Cell;
use support::{KEY, MODULUS, Numbers, PRIME};

/// What a fault hits.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// What a multiplication gave: an intermediate, or an entry of the table while it is made.
    Result,
    /// What a multiplication took, as the entry that was read from the table.
    Operand,
}

thread_local! {
    /// Multiplications so far; the one to be hit, where and in which bit.
    static SEEN: Cell<u32> = const { Cell::new(0) };
    static FAULT: Cell<Option<(u32, Place, u32)>> = const { Cell::new(None) };
    /// The check of the result is off: it is told what it wants to see.
    static UNCHECKED: Cell<Option<[Limb; MODULUS]>> = const { Cell::new(None) };
}

/// Portable arithmetic with one fault.
#[derive(Debug, Clone, Copy)]
struct Faulty;

impl Faulty {
    fn hit<const N: usize>(place: Place, number: &Natural<N>) -> Natural<N> {
        let mut number = *number;
        if let Some((at, wanted, bit)) = FAULT.get()
            && (at, wanted) == (SEEN.get(), place)
        {
            let bit = bit % (N as u32 * limb::BITS);
            number[(bit / limb::BITS) as usize] ^= 1 << (bit % limb::BITS);
        }
        number
    }
}

impl Arithmetic for Faulty {
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, carry: Limb) -> Limb {
        Portable.row(t, a, q, carry)
    }

    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb {
        Portable.short_row(t, a, q)
    }

    fn multiply<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, b: &Natural<N>, m: &Natural<N>, k: Limb) {
        SEEN.set(SEEN.get() + 1);
        let b = Faulty::hit(Place::Operand, b);
        Portable.multiply(wide, a, &b, m, k);
        *a = Faulty::hit(Place::Result, a);
    }

    fn square<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, m: &Natural<N>, k: Limb) {
        SEEN.set(SEEN.get() + 1);
        *a = Faulty::hit(Place::Operand, a);
        Portable.square(wide, a, m, k);
        *a = Faulty::hit(Place::Result, a);
    }
}

impl<const N: usize> Pairs<N> for Faulty {
    type Pair = Nothing;

    fn pair(self, _: &Modulus<N, Self>, _: &Modulus<N, Self>) -> Nothing {
        Nothing
    }

    fn powers(
        self,
        _: &Nothing,
        [p, q]: [&Modulus<N, Self>; 2],
        [base_p, base_q]: [&Natural<N>; 2],
        [exponent_p, exponent_q]: [&[Limb]; 2],
    ) -> [Natural<N>; 2] {
        [p.power(base_p, exponent_p), q.power(base_q, exponent_q)]
    }
}

impl Opens<MODULUS> for Faulty {
    type Opening = Nothing;

    fn opening(self, _: &Modulus<MODULUS, Self>) -> Nothing {
        Nothing
    }

    fn open(self, _: &Nothing, n: &Modulus<MODULUS, Self>, base: &Natural<MODULUS>) -> Natural<MODULUS> {
        UNCHECKED.get().map_or_else(|| n.power_f4(base), |wanted| n.enter(&wanted))
    }
}

const INPUT: [u8; 256] = [0x3C; 256];

/// A signature with the fault, by a key whose blinding pair is made when `first` is set. Gives the number of multiplications, too.
fn signed(first: bool, fault: Option<(u32, Place, u32)>) -> (Result<[u8; 256], EngineError>, u32) {
    let (mut key, mut rng) = (Numbers::of(&KEY).prepared::<PRIME, MODULUS, _>(Faulty), ChaCha20Rng::seed_from_u64(4));
    let mut output = [0xAA; 256];
    FAULT.set(None);
    if !first {
        key.private(&INPUT, &mut output, &mut rng).expect("signs");
        output = [0xAA; 256];
    }
    SEEN.set(0);
    FAULT.set(fault);
    let result = key.private(&INPUT, &mut output, &mut rng);
    FAULT.set(None);
    if result.is_err() {
        assert_eq!(output, [0xAA; 256], "nothing of it leaves");
    }
    let multiplications = SEEN.get();
    if fault.is_some() {
        // A fault in the next blinding pair shows at the next signature, and is gone with it.
        let mut next = || key.private(&INPUT, &mut [0; 256], &mut rng);
        next().or_else(|_| next()).expect("no fault stays");
    }
    (result.map(|()| output), multiplications)
}

#[test]
fn a_flipped_bit_of_an_intermediate_never_leaves() {
    let (right, later) = signed(false, None);
    let (_, first) = signed(true, None);
    let right = right.expect("signs");
    let (mut rng, mut refused, mut harmless) = (ChaCha20Rng::seed_from_u64(6), 0, 0);
    // Every kind of moment: the blinding pair is made, the table, the ladder, the recombination, the check, the next pair.
    for (first, all) in [(true, first), (false, later)] {
        let ends = (1..=40).chain(all - 40..=all);
        for at in ends.chain((40..all - 40).step_by(97)) {
            let place = if at % 2 == 0 { Place::Result } else { Place::Operand };
            match signed(first, Some((at, place, rng.next_u32()))) {
                (Err(EngineError::Fault), _) => refused += 1,
                (Ok(output), _) => {
                    assert_eq!(output, right, "a wrong signature left: multiplication {at} of {all}, {place:?}");
                    harmless += 1;
                }
                (other, _) => panic!("{other:?} at {at} of {all}, {place:?}"),
            }
        }
    }
    println!("of {first} and {later} multiplications: {refused} faults refused, {harmless} without effect");
    assert!(refused > 150, "{refused}");
}

/// Without the check, a fault in the half of one prime gives the key away. (Boneh, DeMillo, Lipton 1997; Lenstra's one signature)
#[test]
fn without_the_check_a_fault_gives_the_factors_away() {
    let (_, all) = signed(false, None);
    let numbers = Numbers::of(&KEY);
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, 2048).expect("fits");
    let [n, p, q, input] = [&numbers.n[..], &numbers.p, &numbers.q, &INPUT].map(number);
    UNCHECKED.set(natural::from_be_bytes(&INPUT));
    // The ladders of p and q are the first and the second half of the multiplications.
    for (at, kept) in [(all / 4, &q), (3 * all / 4, &p)] {
        let faulty = signed(false, Some((at, Place::Result, 77))).0.expect("leaves, for nobody looks");
        let odd = crypto_bigint::Odd::new(n.clone()).into_option().expect("odd");
        let params = crypto_bigint::modular::BoxedMontyParams::new(odd);
        let opened =
            crypto_bigint::modular::BoxedMontyForm::new(number(&faulty), &params).pow(&BoxedUint::from(65_537u32));
        let difference = opened.retrieve().sub_mod(&input, params.modulus().as_nz_ref());
        assert_eq!(&difference.gcd(&n), kept, "one factor of the key");
    }
    UNCHECKED.set(None);
}
