//! Face data as the counter writes it and as verifiers read it: sizes and offsets of the specification, every signature by two
//! verifiers that share nothing with the signer (the relying party here, and OpenSSL), and no changed byte believed.
//! (card.md §9, §10, §12)

use apdu::Command as Apdu;
use card_os::profile::{FACE, JPKI, TEXT};
use pki::{
    card_record::{CardRecord, KeyOrigin},
    client::{Selected, exchange},
    cvc::{Certificate, KeyId},
    keys,
    kind::CardProfile,
    person::Person,
    personalise::Pins,
    reference::{birth_key, number_a, number_b},
    relying::{
        NotBelieved,
        face::{self, Modulus},
    },
    resident::{Form, Resident, Residents, Wanted},
    signer::Purpose,
    verifiable::Verifiable,
};
use rsa::pkcs8::EncodePublicKey;
use sim::{
    card::{Direct, Simulated},
    reader::Reader,
    rng::SimRng,
};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use time::{Date, OffsetDateTime, macros::datetime};
use vectors::skipped;
use world::{
    Options, World,
    issue::{self, Application},
};

const NOW: OffsetDateTime = datetime!(2026-11-25 03:00:00 UTC);

/// A world with one card for each resident. The card is a fork: its image stays blank.
struct Issued {
    _folder: tempfile::TempDir,
    world: World,
    cards: Vec<(CardRecord, Simulated)>,
}

fn issue(residents: Vec<Resident>) -> Issued {
    issue_changed(residents, |_| {})
}

/// Issues cards whose records are changed before anything is written to them.
fn issue_changed(residents: Vec<Resident>, change: fn(&mut CardRecord)) -> Issued {
    let folder = tempfile::tempdir().expect("folder");
    let place = folder.path().join("world");
    let mut world = World::create(&place, Options { seed: Some(7), ..Options::default() }, NOW).expect("creates");
    let pins = Pins::new("1234", "ABC123").expect("PINs");
    let mut cards = Vec::new();
    for resident in residents {
        let application = Application::new(resident, CardProfile::default(), KeyOrigin::OnCard);
        let (mut card, blank) = issue::prepare(&mut world, &application, NOW).expect("prepares");
        change(&mut card.record);
        let mut reader = Direct(blank.fork());
        issue::issue(&world, &mut card, &mut reader, &pins, NOW, &mut |_| {}).expect("issues");
        cards.push((card.record, reader.0));
    }
    Issued { _folder: folder, world, cards }
}

fn sample(name: &str) -> Resident {
    Resident { person: Person::sample(name).expect("sample"), security_code: None }
}

/// Every EF of both 券面 applications that some value of the face opens.
struct Files {
    face: Vec<(u8, Vec<u8>)>,
    text: Vec<(u8, Vec<u8>)>,
}

impl Files {
    fn of(record: &CardRecord, card: &Simulated) -> Self {
        let mut reader = Direct(card.fork());
        reader.power_on().expect("powers");
        let number = number_a(record.person.my_number.as_ref().expect("a number"));
        let b = number_b(record.person.birth, record.expires, record.security_code.as_ref().expect("a code"));
        let mut read = |application, keys: [(u8, &str); 2], last: u8| {
            let mut selected = Selected::select(&mut reader, application).expect("selects");
            keys.into_iter().for_each(|(key, value)| selected.verify(key, value).expect("is right"));
            (1..=last).map(|file| (file, selected.file(file).expect("reads"))).collect()
        };
        let face = read(&FACE, [(0x11, &birth_key(record.person.birth)), (0x13, &number)], 6);
        let text = read(&TEXT, [(0x14, &number), (0x15, &b)], 8);
        Files { face, text }
    }

    fn face(&self, number: u8) -> &[u8] {
        &self.face.iter().find(|(file, _)| *file == number).expect("read").1
    }

    fn text(&self, number: u8) -> &[u8] {
        &self.text.iter().find(|(file, _)| *file == number).expect("read").1
    }
}

fn signers(world: &World) -> [(&rsa::PublicKey, &rsa::PublicKey); 2] {
    let verifiable = world.authorities.verifiable.as_ref().expect("made");
    [&verifiable.face, &verifiable.text].map(|signer| (&signer.root, signer.key.as_public_key()))
}

/// Everything a verifier would ask of a card.
fn believe(world: &World, files: &Files) -> Result<(face::CardFace, face::Attributes), pki::relying::NotBelieved> {
    let [(face_root, _), (text_root, _)] = signers(world);
    let signer: Modulus = face::signer(files.face(4), face_root, Purpose::Face)?;
    let (_, key) = face::age(files.face(1), &signer)?;
    let shown = face::card_face(files.face(2), &signer)?;
    let (_, other) = face::number_image(files.face(5), &signer)?;
    assert!(key == shown.key && key == other, "one key in three records");
    let signer = face::signer(files.text(4), text_root, Purpose::Text)?;
    face::integrity(files.text(3), files.text(1), files.text(2), &signer)?;
    face::text_key(files.text(7), &signer)?;
    Ok((shown, face::attributes(files.text(2))?))
}

#[test]
fn the_face_of_every_kind_of_holder_is_believed() {
    // Two seeds, for two people with one My Number are one.
    let wanted = |seed, form| Wanted { seed, ages: 0..=110, today: date(NOW), form };
    let mut residents = vec![sample("sample-1"), sample("sample-2")];
    residents.extend(Residents::new(wanted(11, Form::Long)).take(6));
    residents.extend(Residents::new(wanted(12, Form::Short)).take(3));
    let issued = issue(residents);
    for (record, card) in &issued.cards {
        let files = Files::of(record, card);
        let (shown, text) = believe(&issued.world, &files).expect("is believed");
        let birth = record.person.birth;
        let birth = format!("{:04}{:02}{:02}", birth.year(), u8::from(birth.month()), birth.day());
        assert_eq!((&shown.birth, &text.birth), (&birth, &birth));
        assert_eq!((&text.name, &text.address), (&record.person.name, &record.person.address));
        assert_eq!(
            face::my_number(files.text(1)).expect("reads"),
            record.person.my_number.as_ref().expect("number").digits()
        );
        // Measured or demanded sizes. (card.md §9.3, §9.4, D-47)
        let face_sizes = [files.face(1), files.face(3), files.face(4), files.face(6)].map(<[u8]>::len);
        assert_eq!(face_sizes, [547, 320, 568, 16]);
        let sizes = [1, 3, 4, 5, 6, 7, 8].map(|file| files.text(file).len());
        assert_eq!(sizes, [17, 336, 568, 164, 269, 536, 16]);
        for file in [files.face(2), files.text(2)] {
            assert!(file.len().is_multiple_of(256));
        }
        assert!(files.face(5)[..5] == [0xFF, 0x40, 0x82, 0x02, files.face(5)[4]]);
    }
    // The fixture's offsets are those of a text of its length: the first header stands at 000E below 128 bytes and at 0010 from
    // there on; in the card face it stands at 001A. (card.md §9.3, §9.4)
    let table = |record: usize| {
        let (record, card) = &issued.cards[record];
        let files = Files::of(record, card);
        (files.text(2)[..8].to_vec(), files.face(2)[..20].to_vec())
    };
    let (short, face) = table(0);
    assert_eq!((short[..2].to_vec(), short[3..8].to_vec()), (vec![0xFF, 0x20], vec![0xDF, 0x21, 0x08, 0x00, 0x0E]));
    assert_eq!(face[5..16], [0xDF, 0x21, 0x12, 0x00, 0x1A, 0x00, 0x25, 0x00, 0x29, 0x01, 0x37]);
    let (long, _) = table(1);
    assert_eq!((long[..3].to_vec(), long[5..8].to_vec()), (vec![0xFF, 0x20, 0x82], vec![0xDF, 0x21, 0x08]));
}

#[test]
fn the_photo_tells_nothing_of_my_number() {
    let photo = |issued: &Issued| {
        let (record, card) = &issued.cards[0];
        let (shown, _) = believe(&issued.world, &Files::of(record, card)).expect("is believed");
        let printed = record.face().expect("has a face");
        assert_eq!(shown.photo, portrait::face(&printed).photo, "the record draws it again");
        shown.photo
    };
    let one = photo(&issue(vec![sample("sample-1")]));
    let renumbered =
        |record: &mut CardRecord| record.person.my_number = Person::sample("sample-2").expect("two").my_number;
    assert_eq!(photo(&issue_changed(vec![sample("sample-1")], renumbered)), one);
    // A record of an earlier version has no seed; its card's photo was drawn from name and My Number.
    let old = issue_changed(vec![sample("sample-1")], |record| record.photo_seed = None);
    let number = old.cards[0].0.person.my_number.as_ref().expect("a number").digits();
    let seed = portrait::seed(&["試験　花子", number]);
    let printed = portrait::Holder { seed, ..old.cards[0].0.face().expect("has a face") };
    assert_eq!(photo(&old), portrait::face(&printed).photo);
    assert_ne!(photo(&old), one);
}

/// All 16 bytes of both key ids are compared. (card.md §10)
#[test]
fn a_certificate_for_something_else_is_not_believed() {
    let mut rng = SimRng::seeded(31);
    let [root, key] = [(); 2].map(|()| keys::generate(&mut rng).expect("a key"));
    let mut judge = |ids: [KeyId; 2], purpose| {
        let [issuer, subject] = ids;
        let certificate = Certificate::issue(&root, issuer, subject, key.as_public_key(), &mut rng).expect("signs");
        face::signer(&certificate.file(), root.as_public_key(), purpose)
    };
    for (purpose, other) in [(Purpose::Face, Purpose::Text), (Purpose::Text, Purpose::Face)] {
        assert!(judge(purpose.ids(), purpose).is_ok());
        assert!(matches!(judge(other.ids(), purpose), Err(NotBelieved::KeyId)), "of the other application");
        for at in 0..32 {
            let mut ids = purpose.ids();
            ids[at / 16].0[at % 16] ^= 1;
            assert!(matches!(judge(ids, purpose), Err(NotBelieved::KeyId)), "byte {at}");
        }
    }
}

#[test]
fn a_signer_with_another_signers_certificate_is_not_opened() {
    let folder = tempfile::tempdir().expect("folder");
    let mut rng = SimRng::seeded(32);
    let made = Verifiable::create(folder.path(), None, &mut rng).expect("makes");
    let root = keys::generate(&mut rng).expect("a key");
    let place = folder.path().join("verifiable/face-signer");
    let der = root.as_public_key().to_public_key_der().expect("encodes");
    fs::write(place.join("root.der"), der.as_bytes()).expect("writes");
    for (purpose, good) in [(Purpose::Text, false), (Purpose::Face, true)] {
        let [issuer, subject] = purpose.ids();
        let key = made.face.key.as_public_key();
        let certificate = Certificate::issue(&root, issuer, subject, key, &mut rng).expect("signs");
        fs::write(place.join("certificate.cvc"), certificate.file()).expect("writes");
        match Verifiable::open(folder.path(), None) {
            Ok(opened) => assert!(good && opened.is_some()),
            Err(error) => assert!(!good && error.to_string().contains("key ids"), "{error}"),
        }
    }
}

fn date(now: OffsetDateTime) -> Date {
    pki::birthday::jst_date(now)
}

#[test]
fn no_changed_byte_is_believed() {
    let issued = issue(vec![sample("sample-1")]);
    let (record, card) = &issued.cards[0];
    let files = Files::of(record, card);
    let (shown, _) = believe(&issued.world, &files).expect("is believed");
    let mut changed = Files { face: files.face.clone(), text: files.text.clone() };
    let mut unsigned = 0;
    for place in 0..changed.face.len() + changed.text.len() {
        let faces = changed.face.len();
        let (is_face, number) =
            if place < faces { (true, changed.face[place].0) } else { (false, changed.text[place - faces].0) };
        // Basic information, the key for session keys and the 16 FF are covered by no signature. (card.md §9.3, §9.4)
        if matches!((is_face, number), (true, 3 | 6) | (false, 5 | 6 | 8)) {
            continue;
        }
        let length = if is_face { files.face(number).len() } else { files.text(number).len() };
        for at in (0..length).step_by(if number == 2 && is_face { 7 } else { 1 }) {
            let file = if is_face { &mut changed.face[place].1 } else { &mut changed.text[place - faces].1 };
            file[at] ^= 0x40;
            match believe(&issued.world, &changed) {
                Err(_) => {}
                // What is told beside the signature: expiry, security code, filler. (card.md §9.4)
                Ok((other, _)) => {
                    let covered = |face: &face::CardFace| {
                        (
                            face.birth.clone(),
                            face.sex.clone(),
                            face.name.clone(),
                            face.address.clone(),
                            face.photo.clone(),
                        )
                    };
                    assert_eq!(covered(&other), covered(&shown), "EF {number:04X}, byte {at}");
                    unsigned += 1;
                }
            }
            let file = if is_face { &mut changed.face[place].1 } else { &mut changed.text[place - faces].1 };
            file[at] ^= 0x40;
        }
    }
    assert!(unsigned > 0 && unsigned < 700, "{unsigned} bytes of filler and unsigned objects");
}

#[test]
fn openssl_believes_them_too() {
    let issued = issue(vec![sample("sample-1")]);
    let (record, card) = &issued.cards[0];
    let files = Files::of(record, card);
    let folder = tempfile::tempdir().expect("folder");
    let [(face_root, face_key), (text_root, text_key)] = signers(&issued.world);
    let inner = |file: &[u8], from: usize, to: usize| file[from..to].to_vec();
    let signature = |file: &[u8], from: usize| file[from..from + 256].to_vec();
    let (age, number, integrity, own) = (files.face(1), files.face(5), files.text(3), files.text(7));
    let number_end = 5 + usize::from(u16::from_be_bytes([number[3], number[4]]));
    // Where the objects stand follows from the tables of card.md §9 and §10, not from this project's reader.
    let signed = [
        ("face certificate", face_root, inner(files.face(4), 10, 307), signature(files.face(4), 312)),
        ("text certificate", text_root, inner(files.text(4), 10, 307), signature(files.text(4), 312)),
        ("age record", face_key, inner(age, 5, 5 + 11 + 270), signature(age, 547 - 256)),
        ("number image", face_key, inner(number, 5, number_end - 261), signature(number, number_end - 256)),
        ("integrity record", text_key, inner(integrity, 5, 75), signature(integrity, 80)),
        ("own key", text_key, inner(own, 5, 5 + 270), signature(own, 536 - 256)),
    ];
    for (what, key, message, signature) in signed {
        if !openssl(folder.path(), key, &message, &signature) {
            return;
        }
        let mut bad = message.clone();
        bad[3] ^= 1;
        assert!(!openssl(folder.path(), key, &bad, &signature), "{what}: OpenSSL believes anything");
    }
    // The card face: 96 bytes under the identifier of SHA-256, offsets from the table at its start.
    let face = files.face(2);
    let at = |entry: usize| usize::from(u16::from_be_bytes([face[8 + 2 * entry], face[9 + 2 * entry]]));
    let info: Vec<u8> = [(0, 3), (3, 5), (5, 6)]
        .into_iter()
        .flat_map(|(from, to)| sha256(folder.path(), &face[at(from)..at(to)]))
        .collect();
    let head = hex::decode("3071300D060960864801650304020105000460").expect("hex");
    let signature = &face[at(7) - 256..at(7)];
    assert_eq!(recovered(folder.path(), face_key, signature), Some([head, info].concat()), "the card face");
}

/// Whether OpenSSL verifies; false, loudly, where it is not installed.
fn openssl(folder: &Path, key: &rsa::PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let path = folder.join("message");
    fs::write(&path, message).expect("writes");
    let arguments = ["-verify", "-rawin", "-digest", "sha256", "-in"];
    pkeyutl(folder, key, signature, &arguments, Some(&path)).is_some_and(|output| output.status.success())
}

/// What OpenSSL finds under a signature's padding.
fn recovered(folder: &Path, key: &rsa::PublicKey, signature: &[u8]) -> Option<Vec<u8>> {
    pkeyutl(folder, key, signature, &["-verifyrecover"], None).map(|output| output.stdout)
}

fn pkeyutl(
    folder: &Path,
    key: &rsa::PublicKey,
    signature: &[u8],
    arguments: &[&str],
    message: Option<&Path>,
) -> Option<Output> {
    let keep = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("writes");
        path
    };
    let key = keep("key.der", key.to_public_key_der().expect("encodes").as_bytes());
    let signature = keep("signature", signature);
    let mut command = Command::new("openssl");
    command.args(["pkeyutl", "-pubin", "-keyform", "DER", "-pkeyopt", "rsa_padding_mode:pkcs1", "-inkey"]).arg(key);
    command.args(arguments);
    match message {
        Some(message) => command.arg(message).arg("-sigfile").arg(signature),
        None => command.arg("-in").arg(signature),
    };
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("openssl: {error}; apt-get install openssl"));
            None
        }
    }
}

fn sha256(folder: &Path, bytes: &[u8]) -> Vec<u8> {
    let path = folder.join("hashed");
    fs::write(&path, bytes).expect("writes");
    let output = Command::new("openssl").args(["dgst", "-sha256", "-binary"]).arg(path).output().expect("runs");
    output.stdout
}

#[test]
fn a_terminal_certificate_is_taken_and_opens_nothing() {
    let issued = issue(vec![sample("sample-1")]);
    let (_, card) = &issued.cards[0];
    let verifiable = issued.world.authorities.verifiable.as_ref().expect("made");
    let mut rng = SimRng::seeded(8);
    let terminal = pki::keys::generate(&mut rng).expect("key");
    let good = verifiable.certify_terminal(terminal.as_public_key(), &mut rng).expect("certifies");
    let strange = pki::signer::Signer::create(pki::signer::Purpose::Face, &mut rng).expect("keys").certificate;
    let mut reader = Direct(card.fork());
    reader.power_on().expect("powers");
    let mut jpki = Selected::select(&mut reader, &JPKI).expect("selects");
    jpki.send("SELECT EF", &Apdu::new(0x00, 0xA4, 0x02, 0x0C).with_data(&[0x00, 0x16])).expect("selects");
    let mut steps = |certificate: &Certificate, le: bool| {
        let [body, signature] = certificate.terminal_steps();
        let command = |p1, data| {
            let command = Apdu::new(0x80, 0xA2, p1, 0xC1).with_data(data);
            if le { command.with_ne(256) } else { command }
        };
        let first = exchange(jpki.reader(), "first", &command(0x06, &body)).expect("answers").1;
        (first.0, exchange(jpki.reader(), "second", &command(0x00, &signature)).expect("answers").1.0)
    };
    assert_eq!(steps(&strange, false), (0x9000, 0x6982));
    assert_eq!(steps(&good, false), (0x9000, 0x9000));
    assert_eq!(steps(&good, true), (0x9000, 0x9000), "Le is taken too");
    let refused = jpki.file(0x09).expect_err("EF 0009 stays closed");
    assert_eq!(refused.sw().map(|sw| sw.0), Some(0x6982));
    assert!(reader.0.session().has_terminal());
}
