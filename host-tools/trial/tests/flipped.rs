//! A5: what is damaged is refused, never believed.

use card_os::{
    identity,
    pin::Counter,
    platform::WORD,
    refusal::Refusal,
    store::{Key, Store, Update},
};
use sim::nvm::{Flash, PAGE};
use trial::{
    journal::Journal,
    small::{bytes, memory, start},
};

/// Every record of this memory was written once, so each object is what it was or is not there.
#[test]
fn no_flipped_bit_makes_another_value() {
    let flash = memory();
    let before = Journal::read(flash.bytes()).expect("a card");
    let end = flash.bytes().iter().rposition(|byte| *byte != 0xFF).expect("is written") + WORD;
    let (mut refused, mut gone, mut harmless) = (0, 0, 0);
    // Nobody reads the three bytes that fill the header's second word.
    for bit in (0..8 * end).filter(|bit| !(5..8).contains(&(bit / 8))) {
        let mut flipped = flash.bytes().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(card) = start(Flash::from_bytes(flipped).expect("of its size")) else {
            refused += 1;
            continue;
        };
        let after = Journal::read(bytes(&card)).expect("it started");
        for (key, value) in after.living() {
            assert_eq!(before.get(*key), Some(*value), "bit {bit} made another value of {key:04X}");
        }
        if after.living().len() < before.living().len() { gone += 1 } else { harmless += 1 }
    }
    println!("{refused} flipped bits refused at start, {gone} took an object away, {harmless} in what fills words");
    assert!(refused > gone + harmless);
}

/// Of what was written more than once the older value does not come back: only the last commit may be taken for one that was torn.
#[test]
fn no_flipped_bit_brings_an_older_value_back() {
    const COMMITS: [(u16, &[u8]); 6] = [
        (0x0902, &[3, !3]),
        (0x0902, &[2, !2]),
        (0x0940, &[0xA5; 100]),
        (0x0902, &[1, !1]),
        (0x0980, &[0xFF; 9]),
        (0x0902, &[3, !3]),
    ];
    let mut store = Store::format(Flash::new(2 * PAGE)).expect("formats");
    let mut ends = Vec::new();
    for (key, value) in COMMITS {
        store.commit(&[Update::Put { key: Key(key), value }]).expect("fits");
        ends.push(store.nvm().bytes().iter().rposition(|byte| *byte != 0xFF).expect("is written") + 1);
    }
    let flash = store.into_nvm();
    let values =
        |store: &Store<Flash>| [0x0902, 0x0940, 0x0980].map(|key| store.get(Key(key)).as_deref().map(<[u8]>::to_vec));
    let whole = values(&Store::mount(flash.clone()).map_err(|(error, _)| error).expect("mounts"));
    let (mut refused, mut harmless, mut torn) = (0, 0, 0);
    let last = ends[COMMITS.len() - 2];
    for bit in 0..8 * ends[COMMITS.len() - 1] {
        let mut flipped = flash.bytes().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match Store::mount(Flash::from_bytes(flipped).expect("of its size")) {
            Err(_) => refused += 1,
            Ok(store) if values(&store) == whole => harmless += 1,
            Ok(_) => {
                assert!(bit / 8 >= last, "bit {bit} of {last} bytes brought an older value back");
                torn += 1;
            }
        }
    }
    println!("{refused} flipped bits refused, {harmless} in what fills words, {torn} in the last commit");
    assert!(refused > 8 * last * 9 / 10 && torn > 0);
}

/// The second guard, behind the checksum: a record that is whole and says two things.
#[test]
fn what_does_not_match_its_complement_counts_for_nothing() {
    const TRIES: Key = Key(0x0902);
    const PHASE: Key = Key(0);
    let counter = Counter::new(TRIES, 3);
    let mut store = Store::format(Flash::new(4 * PAGE)).expect("formats");
    let mut with = |tries: &[u8], phase: &[u8]| {
        let updates = [Update::Put { key: TRIES, value: tries }, Update::Put { key: PHASE, value: phase }];
        store.commit(&updates).expect("fits");
        (counter.left(&store), identity::phase(&store).is_ok(), counter.spend(&mut store).map(drop))
    };
    // Three tries, and a card that was issued.
    assert_eq!(with(&[3, !3], &[0x0F, !0x0F]), (3, true, Ok(())));
    for bit in 0..16 {
        let flip = |value: [u8; 2]| (u16::from_be_bytes(value) ^ (1 << bit)).to_be_bytes();
        assert_eq!(with(&flip([3, !3]), &flip([0x0F, !0x0F])), (0, false, Err(Refusal::Blocked)), "bit {bit}");
    }
    for other in [&[][..], &[3], &[3, !3, 0], &[4, !4]] {
        assert_eq!(with(other, other), (0, false, Err(Refusal::Blocked)), "{other:?}");
    }
}
