//! A row of the table that was damaged permits nothing: every bit of what the card acts on, every rule that could be another.

use card_os::{
    access::{Authenticate, Change, Decipher, Generate, Grantable, Put, Read, Reset, Sign, Verify, grant},
    profile::{Kind, Model, Object, Operation, Phase, PinFormat, Rule, Rules, Size},
    refusal::Refusal,
    session::Session,
    store::Store,
};
use sim::nvm::{Flash, PAGE};

const OPERATIONS: [Operation; 9] = [
    Operation::Read,
    Operation::Verify,
    Operation::Change,
    Operation::Sign,
    Operation::Authenticate,
    Operation::Decipher,
    Operation::Put,
    Operation::Generate,
    Operation::Reset,
];
const PHASES: [Phase; 4] = [Phase::Blank, Phase::Personalised, Phase::Issued, Phase::Invalid];

/// What a number is with each of its bits turned.
fn flipped<const BITS: u32>(number: usize) -> impl Iterator<Item = usize> {
    (0..BITS).map(move |bit| number ^ (1 << bit))
}

fn bytes(number: u8) -> impl Iterator<Item = u8> {
    flipped::<8>(number.into()).map(|number| number as u8)
}

fn words(number: u16) -> impl Iterator<Item = u16> {
    flipped::<16>(number.into()).map(|number| number as u16)
}

/// The same kind with another number in it, and other kinds.
fn kinds(kind: Kind) -> Vec<Kind> {
    let pin = |tries, format| Kind::Pin { tries, format };
    let mut others = vec![
        Kind::File(Size::Fixed(0)),
        Kind::File(Size::Written(0)),
        Kind::Records(0),
        Kind::DataObject { tag: 0, capacity: 0 },
        Kind::PrivateKey { certificate: None },
        Kind::PublicKey,
        pin(3, PinFormat::Digits(4)),
        pin(5, PinFormat::Password { least: 6 }),
        Kind::Internal,
    ];
    match kind {
        Kind::File(Size::Fixed(size)) => others.extend(words(size).map(|size| Kind::File(Size::Fixed(size)))),
        Kind::File(Size::Written(most)) => others.extend(words(most).map(|most| Kind::File(Size::Written(most)))),
        Kind::Records(most) => others.extend(words(most).map(Kind::Records)),
        Kind::DataObject { tag, capacity } => {
            others.extend(words(tag).map(|tag| Kind::DataObject { tag, capacity }));
            others.extend(words(capacity).map(|capacity| Kind::DataObject { tag, capacity }));
        }
        Kind::PrivateKey { certificate } => {
            let other = certificate.into_iter().flat_map(bytes).map(Some);
            others.extend(other.map(|certificate| Kind::PrivateKey { certificate }));
        }
        Kind::Pin { tries, format } => {
            others.extend(bytes(tries).map(|tries| pin(tries, format)));
            match format {
                PinFormat::Digits(count) => {
                    others.extend(flipped::<{ usize::BITS }>(count).map(|count| pin(tries, PinFormat::Digits(count))));
                }
                PinFormat::Password { least } => {
                    let other = flipped::<{ usize::BITS }>(least);
                    others.extend(other.map(|least| pin(tries, PinFormat::Password { least })));
                }
            }
        }
        Kind::PublicKey | Kind::Internal => {}
    }
    others.retain(|other| *other != kind);
    others
}

/// The same rules with one that is another, that is missing, or that is for another operation.
fn rules(rules: Rules) -> Vec<Rules> {
    let mut all: Vec<Vec<(Operation, Rule)>> = vec![[rules, &[(Operation::Read, Rule::Free)]].concat()];
    for place in 0..rules.len() {
        let (operation, rule) = rules[place];
        let mut put = |row: Option<(Operation, Rule)>| {
            let changed = rules.iter().enumerate().filter_map(|(at, row_)| if at == place { row } else { Some(*row_) });
            all.push(changed.collect());
        };
        put(None);
        OPERATIONS.into_iter().filter(|other| *other != operation).for_each(|other| put(Some((other, rule))));
        let one: &'static [u8] = &[0x00];
        for other in [Rule::Never, Rule::Free, Rule::Issuer, Rule::Pins(&[]), Rule::Pins(one)] {
            if other != rule {
                put(Some((operation, other)));
            }
        }
        if let Rule::Pins(pins) = rule {
            for (at, pin) in pins.iter().enumerate() {
                for other in bytes(*pin) {
                    let mut pins = pins.to_vec();
                    pins[at] = other;
                    put(Some((operation, Rule::Pins(pins.leak()))));
                }
            }
        }
    }
    all.into_iter().map(|rules| &*rules.leak()).collect()
}

/// Every damage of a row.
fn damaged(row: &Object) -> Vec<Object> {
    let mut all = Vec::new();
    let mut put = |change: &dyn Fn(&mut Object)| {
        let mut other = *row;
        change(&mut other);
        all.push(other);
    };
    bytes(row.application).for_each(|application| put(&|row| row.application = application));
    bytes(row.number).for_each(|number| put(&|row| row.number = number));
    kinds(row.kind).into_iter().for_each(|kind| put(&|row| row.kind = kind));
    rules(row.personalising).into_iter().for_each(|rules| put(&|row| row.personalising = rules));
    rules(row.in_use).into_iter().for_each(|rules| put(&|row| row.in_use = rules));
    all
}

/// What each operation is answered in each phase, with nobody's status.
fn answers(row: Object) -> Vec<Result<(), Refusal>> {
    let (session, store) = (Session::default(), Store::format(Flash::new(2 * PAGE)).expect("blank memory"));
    let row = Box::leak(Box::new(row));
    let asked = PHASES.into_iter().flat_map(|phase| {
        fn ask<Op: Grantable>(
            row: &'static Object,
            session: &Session,
            phase: Phase,
            store: &Store<Flash>,
        ) -> Result<(), Refusal> {
            grant::<Op, _>(row, session, phase, store).map(drop)
        }
        [
            ask::<Read>(row, &session, phase, &store),
            ask::<Verify>(row, &session, phase, &store),
            ask::<Change>(row, &session, phase, &store),
            ask::<Sign>(row, &session, phase, &store),
            ask::<Authenticate>(row, &session, phase, &store),
            ask::<Decipher>(row, &session, phase, &store),
            ask::<Put>(row, &session, phase, &store),
            ask::<Generate>(row, &session, phase, &store),
            ask::<Reset>(row, &session, phase, &store),
        ]
    });
    asked.collect()
}

#[test]
fn a_damaged_row_permits_nothing() {
    let mut damages = 0;
    for row in Model::ALL.into_iter().flat_map(Model::objects) {
        assert!(row.is_whole(), "{}", row.name);
        assert!(!answers(*row).contains(&Err(Refusal::Memory)), "{}", row.name);
        for damage in damaged(row) {
            assert_ne!(damage, *row, "is damaged");
            let refused = answers(damage).into_iter().all(|answer| answer == Err(Refusal::Memory));
            assert!(refused, "{} as {damage:?}", row.name);
            damages += 1;
        }
    }
    assert!(damages > 5000, "{damages}");
    println!("{damages} damaged rows, none permits anything");
}
