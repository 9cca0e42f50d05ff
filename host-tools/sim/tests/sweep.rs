//! What probers do: every class and instruction, every EF identifier, every P1-P2, in every application and phase. Nothing may
//! be lost by it, and nothing may answer that is not documented. (card.md §14, §19.3, §22 item 18)

use card_os::{
    Response,
    profile::{Application, COMMON, ISD, JPKI, Kind, Model, Phase},
    refusal::Refusal,
    scp03::Level,
};
use sim::{
    card::{Direct, Simulated},
    issuer::{Issuer, test_keys},
    rng::SimRng,
    sample,
};
use std::collections::BTreeSet;

const PHASES: [Phase; 4] = [Phase::Blank, Phase::Personalised, Phase::Issued, Phase::Invalid];

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

/// Sends a command and holds the answer against what every answer must be.
fn probe(card: &mut Simulated, command: &[u8], response: &mut Response, documented: &[bool]) -> u16 {
    card.transmit(command, response);
    let (data, sw) = response.split_last_chunk::<2>().expect("a status word");
    let sw = u16::from_be_bytes(*sw);
    assert!(documented[usize::from(sw)], "{command:02X?} answers {sw:04X}");
    assert!(sw == 0x9000 || data.is_empty(), "{command:02X?}: an error with data");
    sw
}

/// The words of `docs/REFUSALS.md`, every number of tries, and success; not those of a card whose memory or engine failed, nor
/// that of a card with another word for a blocked PIN.
fn documented() -> Vec<bool> {
    let words = Refusal::ALL.into_iter().map(|refusal| refusal.sw().0);
    let words: BTreeSet<u16> =
        words.chain(0x63C0..=0x63CA).chain([0x9000]).filter(|word| !matches!(word, 0x6581 | 0x6983 | 0x6F00)).collect();
    (0..=u16::MAX).map(|word| words.contains(&word)).collect()
}

/// Every try counter of every application, in a session of its own. Before issue there is nothing to ask.
fn tries(card: &Simulated) -> Vec<Vec<u8>> {
    let mut card = card.fork();
    let mut all = Vec::new();
    for application in Model::CARD.applications {
        card.power_on();
        select(&mut card, application);
        for object in application.objects.iter().filter(|object| matches!(object.kind, Kind::Pin { .. })) {
            all.push(transmit(&mut card, &[0x00, 0x20, 0x00, 0x80 | object.number]));
        }
    }
    all
}

fn select(card: &mut Simulated, application: &Application) {
    let command = [&[0x00, 0xA4, 0x04, 0x0C, application.aid.len() as u8], application.aid].concat();
    assert_eq!(transmit(card, &command), [0x90, 0x00]);
}

fn verify_all(card: &mut Simulated, application: &Application) {
    let values = sample::groupings(Model::CARD, true);
    for object in application.objects.iter().filter(|object| matches!(object.kind, Kind::Pin { tries: 1.., .. })) {
        let (_, value) = values.iter().find(|(grouping, _)| *grouping == object.grouping()).expect("has a value");
        let command = [&[0x00, 0x20, 0x00, 0x80 | object.number, value.len() as u8], &value[..]].concat();
        assert_eq!(transmit(card, &command), [0x90, 0x00]);
    }
}

/// A card in this phase, with everything on it from *personalised* on.
fn card(phase: Phase) -> Simulated {
    let mut reader = Direct(sample::blank(Model::CARD));
    let mut rng = SimRng::seeded(2);
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
    if phase > Phase::Blank {
        for (grouping, value) in sample::groupings(Model::CARD, true) {
            issuer.store(grouping, &value).expect("stores");
        }
    }
    for step in PHASES.into_iter().filter(|step| *step > Phase::Blank && *step <= phase) {
        issuer.set_status(step).expect("moves");
    }
    reader.0.power_off();
    reader.0
}

/// Runs a sweep once for every phase and application, and once more with every PIN verified, on as many threads as there are
/// processors.
fn everywhere(sweep: impl Fn(&Simulated, &'static Application, Phase) + Sync) {
    let places: Vec<_> = PHASES
        .into_iter()
        .map(|phase| (phase, card(phase), false))
        .chain([(Phase::Issued, card(Phase::Issued), true)])
        .flat_map(|(phase, card, verified)| {
            Model::CARD.applications.iter().map(move |place| (phase, card.fork(), verified, *place))
        })
        .collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((phase, card, verified, application)) = places.get(turn) else { break };
                    let mut start = card.fork();
                    start.power_on();
                    select(&mut start, application);
                    if *verified {
                        verify_all(&mut start, application);
                    }
                    sweep(&start, application, *phase);
                }
            });
        }
    });
}

#[test]
fn every_class_and_instruction() {
    let words = documented();
    everywhere(|template, application, phase| {
        let (memory, mut taken) = (template.nvm().bytes().to_vec(), BTreeSet::new());
        let (mut card, mut response) = (template.fork(), Response::new());
        for (cla, ins) in (0..=255).flat_map(|cla| (0..=255).map(move |ins| (cla, ins))) {
            // Without data, with Le, with extended Le, with data: as probers send them.
            for tail in [&[][..], &[0], &[0, 0, 0], &[1, 0x41], &[1, 0x41, 0], &[0, 0, 1, 0x41, 0, 0]] {
                let command = [&[cla, ins, 0, 0][..], tail].concat();
                if probe(&mut card, &command, &mut response, &words) == 0x9000 {
                    taken.insert((cla, ins));
                    card = template.fork();
                }
            }
        }
        // GET CHALLENGE everywhere, SELECT of the MF in an application alone (card.md §5.5, D-10), a signature by the default key
        // of the two 券面 applications (§8.1).
        let mut expected = vec![(0, 0x84)];
        if application != &ISD {
            expected.push((0, 0xA4));
        }
        if application.default_key.is_some() && phase.in_use() {
            expected.push((0x80, 0x2A));
        }
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), expected, "{phase:?}, {}", application.name);
        assert_eq!(card.nvm().bytes(), memory, "something was written");
    });
}

#[test]
fn every_parameter_of_every_instruction() {
    let words = documented();
    let instructions: [(u8, u8); 18] = [
        (0x00, 0xA4),
        (0x00, 0xB0),
        (0x00, 0xB2),
        (0x00, 0x20),
        (0x00, 0x24),
        (0x00, 0x84),
        (0x00, 0x88),
        (0x00, 0x82),
        (0x80, 0x82),
        (0x00, 0xCA),
        (0x80, 0xCA),
        (0x80, 0x2A),
        (0x80, 0x32),
        (0x80, 0xAE),
        (0x80, 0xA2),
        (0x80, 0xFC),
        (0x80, 0x8A),
        (0x80, 0x50),
    ];
    everywhere(|template, application, phase| {
        let before = tries(template);
        let (memory, mut card, mut response) = (template.nvm().bytes().to_vec(), template.fork(), Response::new());
        for (cla, ins) in instructions {
            for (p1, p2) in (0..=255).flat_map(|p1| (0..=255).map(move |p2| (p1, p2))) {
                for tail in [&[][..], &[0]] {
                    probe(&mut card, &[&[cla, ins, p1, p2][..], tail].concat(), &mut response, &words);
                }
            }
        }
        assert_eq!(tries(&card), before, "{phase:?}, {}: a probe without a value cost a try", application.name);
        assert_eq!(card.nvm().bytes(), memory, "something was written");
    });
}

/// Decision 3: whatever works on files, PINs and keys waits for the card to be issued, however it looks.
#[test]
fn nothing_works_on_objects_before_issue() {
    for mut card in [Phase::Blank, Phase::Personalised].map(card) {
        for application in Model::CARD.applications {
            card.power_on();
            select(&mut card, application);
            for header in [
                [0x00, 0x20],
                [0x00, 0x24],
                [0x00, 0x82],
                [0x00, 0x88],
                [0x00, 0xB0],
                [0x00, 0xB2],
                [0x80, 0x2A],
                [0x80, 0x32],
                [0x80, 0x82],
                [0x80, 0xA2],
                [0x80, 0xAE],
            ] {
                for tail in [&[0x00, 0x00][..], &[0x00, 0x9E, 0x00], &[0xFF, 0xFF, 0x01, 0x41]] {
                    let command = [&header[..], tail].concat();
                    assert_eq!(transmit(&mut card, &command), [0x69, 0x85], "{}: {command:02X?}", application.name);
                }
            }
        }
    }
}

/// The last command of an iPhone's client, as long as it is that. (card.md §17, D-43, D-54)
#[test]
fn the_last_command_mark_has_one_form() {
    for (command, iphone) in [
        (&b"\x80\xFC\x00\x00"[..], [0x90, 0x00]),
        (b"\x80\xFC\x00\x01", [0x6A, 0x86]),
        (b"\x80\xFC\x01\x00", [0x6A, 0x86]),
        (b"\x80\xFC\x80\x00\x01\x41", [0x6A, 0x86]),
        (b"\x80\xFC\x00\x00\x00", [0x67, 0x00]),
        (b"\x80\xFC\x00\x00\x01\x41", [0x67, 0x00]),
        (b"\x80\xFC\x00\x00\x02\x41", [0x67, 0x00]),
        (b"\x80\xFC\x00\x00\x01\x41\x00", [0x67, 0x00]),
    ] {
        for model in Model::ALL {
            for application in model.applications {
                let mut card = sample::blank(model);
                card.power_on();
                select(&mut card, application);
                let expected = if model == Model::IPHONE { iphone } else { [0x67, 0x00] };
                assert_eq!(transmit(&mut card, command), expected, "{}: {command:02X?}", model.name);
            }
        }
    }
}

/// EF identifiers of each application. (card.md §6, §9, D-20)
fn identifiers(application: &Application) -> &'static [u16] {
    match application.number {
        1 => &[1, 2, 5, 6, 8, 9, 10, 11, 16, 22, 23, 24, 25, 26, 27, 28, 30],
        2 => &[1, 2, 25, 28, 30],
        3 => &[2, 28],
        4 => &[1, 2, 3, 4, 5, 6, 17, 18, 19, 26, 28, 30],
        5 => &[1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 19, 20, 21, 28, 30],
        _ => &[],
    }
}

#[test]
fn every_identifier() {
    let words = documented();
    everywhere(|template, application, phase| {
        let (mut card, mut response, mut found) = (template.fork(), Response::new(), Vec::new());
        for identifier in 0..=u16::MAX {
            let [high, low] = identifier.to_be_bytes();
            match probe(&mut card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, high, low], &mut response, &words) {
                0x9000 => found.push(identifier),
                other => assert_eq!(other, 0x6A82),
            }
        }
        assert_eq!(found, identifiers(application), "{}", application.name);
        let before = tries(&card);
        for identifier in found {
            // readthecard's questions to each EF. (card.md §19.3)
            let [high, low] = identifier.to_be_bytes();
            probe(&mut card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, high, low], &mut response, &words);
            let digest = [0x5A; 32];
            for command in [
                &b"\x00\xB0\x00\x00\x00"[..],
                b"\x00\xB0\x00\x00\x00\x00\x00",
                b"\x00\xB2\x01\x04\x00",
                b"\x00\x88\x00\x80\x01\x00\x00",
                b"\x80\x82\x00\x80\x00",
                b"\x00\x20\x00\x80",
                &[&b"\x80\x2A\x03\x80\x20"[..], &digest, &[0]].concat(),
                b"\x00\x2A\x9E\x9A\x01\x00\x00",
                b"\x80\xA2\x00\xC1\x01\x00",
            ] {
                probe(&mut card, command, &mut response, &words);
            }
        }
        assert_eq!(tries(&card), before, "{phase:?}, {}", application.name);
    });
}

#[test]
fn every_length_of_a_value_and_of_a_signature_input() {
    let words = documented();
    let mut response = Response::new();
    let mut template = card(Phase::Issued);
    template.power_on();
    select(&mut template, &JPKI);
    for length in 0..=300usize {
        let mut card = template.fork();
        let size = u16::try_from(length).expect("short").to_be_bytes();
        let extended = [&[0x00, 0x20, 0x00, 0x98, 0x00][..], &size, &vec![b'7'; length]].concat();
        // One to sixteen bytes are compared and cost a try; more are a wrong length and cost none. (card.md D-23)
        let expected = match length {
            1..=16 => 0x63C2,
            _ => 0x6700,
        };
        assert_eq!(probe(&mut card, &extended, &mut response, &words), expected, "{length}");
        let query = probe(&mut card, b"\x00\x20\x00\x98", &mut response, &words);
        assert_eq!(query, if expected == 0x63C2 { 0x63C2 } else { 0x63C3 });
    }
    assert_eq!(transmit(&mut template, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    for scheme in 0..=5u8 {
        for length in [1usize, 31, 32, 33, 244, 245, 246, 255, 256, 2048, 4096, 4097] {
            let size = u16::try_from(length).expect("short").to_be_bytes();
            let command = [&[0x80, 0x2A, scheme, 0x97, 0x00][..], &size, &vec![0x41; length], &[0, 0]].concat();
            // card.md §8.1, D-13, D-33, D-35
            let expected = match (scheme, length) {
                (_, 4097) => 0x6700,
                (0x00, 1..=245) | (0x02 | 0x04, 32) | (0x01 | 0x03 | 0x05, _) => 0x9000,
                _ => 0x6985,
            };
            let answer = probe(&mut template.fork(), &command, &mut response, &words);
            assert_eq!(answer, expected, "scheme {scheme:02X}, {length} bytes");
        }
    }
    // card.md D-38, D-13
    template.power_on();
    select(&mut template, &COMMON);
    for length in [0u16, 1, 254, 255, 256, 4096, 4097] {
        let challenge = vec![0x41; usize::from(length)];
        let command = [&[0x00, 0x88, 0x00, 0x99, 0x00][..], &length.to_be_bytes(), &challenge, &[0, 0]].concat();
        let expected = match length {
            0 | 4097 => 0x6700,
            1..=255 => 0x9000,
            _ => 0x6985,
        };
        assert_eq!(
            probe(&mut template.fork(), &command, &mut response, &words),
            expected,
            "challenge of {length} bytes"
        );
    }
}
