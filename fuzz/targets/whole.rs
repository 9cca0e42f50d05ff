//! Any bytes as a life of a card with every application: commands, resets, power cycles and starts from memory.
//!
//! Watched from outside, for every PIN object of every application: a wrong value costs exactly one try, only a right value or a
//! change gives tries back, a blocked one stays blocked. The input has the form of the `session` target's. RSA is a mirror, so
//! a cryptogram that is its own plain text delivers a session key.
#![no_main]

use card_os::{
    Card,
    profile::{Kind, Model},
};
use libfuzzer_sys::fuzz_target;
use sim::{rng::SimRng, sample};
use std::{collections::BTreeMap, sync::LazyLock};
use trial::{
    mirror::{Mirror, MirrorCard},
    plausible::plausible,
    steps::{Step, Steps, WHOLE},
};

static TEMPLATE: LazyLock<MirrorCard> = LazyLock::new(|| mount(sample::issued(true).into_nvm().into_inner()));

fn mount(memory: sim::nvm::Flash) -> MirrorCard {
    match Card::mount(memory, Mirror, SimRng::seeded(3)) {
        Ok(card) => card,
        Err((error, _)) => panic!("the memory of a card that was switched off in order does not mount: {error:?}"),
    }
}

/// Tries left and at most, by application and EF.
type Tries = BTreeMap<(u8, u8), (u8, u8)>;

fn full() -> Tries {
    let pins = Model::CARD.objects().filter_map(|object| match object.kind {
        Kind::Pin { tries, .. } => Some(((object.application, object.number), (tries, tries))),
        _ => None,
    });
    pins.collect()
}

fn command(card: &mut MirrorCard, tries: &mut Tries, command: &[u8]) {
    let before = card.nvm().wear();
    let response = trial::mirror::transmit(card, command);
    let sw = plausible(command, &response);
    let session = card.session();
    let named = session.file().map(|file| (session.application().number, file.number));
    let counter = named.and_then(|named| tries.get_mut(&named));
    let header = (command.first(), command.get(1));
    let presents = matches!(header, (Some(0x00 | 0x08), Some(0x20))) && command.len() > 4;
    let changes = matches!(header, (Some(0x00), Some(0x24)) | (Some(0x80), Some(0x32)));
    match (sw, counter) {
        (0x9000, Some((left, most))) if presents || changes => {
            assert!(*left > 0, "{command:02X?}: a blocked PIN was taken");
            *left = *most;
        }
        (0x63C0..=0x63CF, Some((left, _))) if presents => {
            *left = left.checked_sub(1).expect("a blocked PIN was compared");
            assert_eq!(sw, 0x63C0 | u16::from(*left), "{command:02X?}: more or less than one try");
        }
        (0x6984, Some((left, _))) if presents || changes => {
            assert_eq!(*left, 0, "{command:02X?}: blocked, and it is not")
        }
        _ => assert!(
            card.nvm().wear() == before || header.0 == Some(&0x80) || header.0 == Some(&0x84),
            "{command:02X?} wrote"
        ),
    }
}

/// Asks the card itself, after a cold start.
fn ask(card: &mut MirrorCard, tries: &Tries) {
    for application in Model::CARD.applications {
        card.power_on();
        let select = [&[0x00, 0xA4, 0x04, 0x0C, application.aid.len() as u8], application.aid].concat();
        assert_eq!(trial::mirror::transmit(card, &select), [0x90, 0x00]);
        for ((_, file), (left, _)) in tries.iter().filter(|((number, _), _)| *number == application.number) {
            let answer = trial::mirror::transmit(card, &[0x00, 0x20, 0x00, 0x80 | file]);
            assert_eq!(answer, [0x63, 0xC0 | left], "tries of {file:02X} in {}", application.name);
        }
    }
}

fuzz_target!(
    init: {
        LazyLock::force(&TEMPLATE);
    },
    |data: &[u8]| {
        let (mut card, mut tries) = (TEMPLATE.fork(), full());
        for step in Steps::new(data).take(WHOLE) {
            match step {
                Step::Command(bytes) => command(&mut card, &mut tries, bytes),
                Step::WarmReset => {
                    card.reset();
                }
                Step::PowerCycle => {
                    card.power_on();
                }
                Step::Remount => card = mount(card.into_nvm()),
            }
        }
        ask(&mut card, &tries);
    }
);
