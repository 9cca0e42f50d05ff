//! A card that is watched: every command goes to the card and to the model, and answer, place, status, counters and whether memory was
//! written are compared.
//!
//! What the model does not understand must at least be plausible, write nothing and give nobody a status.

use crate::{
    card::{NoEngine, issued},
    model::{Contents, Data, Expected, Model, Place},
    plausible::{contains_no_secret, formed},
    small,
};
use card_os::Response;
use sim::{
    nvm::{Flash, Tear},
    session::{Card, Session, Snapshot},
    slot::Silence,
};

/// SELECT of the JPKI application by the beginning of its name.
const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x05\xD3\x92\xF0\x00\x26";
/// The signature certificate, and the PIN that opens it.
const CERTIFICATE: (u8, usize) = (0x01, 1);
/// EFs of the PINs.
const PINS: [u8; 2] = [0x18, 0x1B];

/// The card and its model. Every method but the constructors panics where the card does not do what it must: that is a finding.
#[derive(Debug)]
pub struct Watched {
    session: Session<NoEngine>,
    start: Snapshot<NoEngine>,
    /// Becomes as the card is, to be asked what the card must not be asked.
    witness: Card<NoEngine>,
    contents: Contents,
    model: Model,
    place: Place,
    cut: Option<(u64, Tear)>,
}

impl Watched {
    /// The sample card as it is issued, files included.
    #[must_use]
    pub fn whole() -> Self {
        Watched::new(issued(), Contents::Written)
    }

    /// The same in the smallest memory that holds it, with blank files: a PIN is changed there at a tenth of the cost.
    #[must_use]
    pub fn small() -> Self {
        Watched::new(small::memory(), Contents::Blank)
    }

    fn new(memory: Flash, contents: Contents) -> Self {
        let mut session = Session::new(crate::card::mount(memory), NoEngine);
        let start = session.snapshot();
        let witness = session.card().fork();
        Watched { session, start, witness, contents, model: Model::default(), place: Place::START, cut: None }
    }

    /// The card is as it was when it was made.
    pub fn begin(&mut self) {
        self.session.restore(&self.start);
        (self.model, self.place, self.cut) = (Model::default(), Place::START, None);
    }

    /// What the card is held to be.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Where the card is held to be.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The power goes in this operation of the memory in the next command.
    pub fn cut(&mut self, operation: u64, tear: Tear) {
        self.cut = Some((operation, tear));
    }

    /// Sends one command and judges what becomes of it.
    pub fn command(&mut self, command: &[u8]) {
        let cut = self.cut.take();
        let was = cut.map(|(operation, tear)| {
            self.session.cut_at(operation, tear);
            self.model.clone()
        });
        let (before, wear) = (self.place, self.session.card().nvm().wear());
        let expected = self.model.expect(before, command);
        match self.session.transmit(command) {
            Ok(response) => judge(command, response, expected.as_ref(), before, &self.model, self.contents),
            Err(Silence::Pulled) => {
                let was = was.expect("a cut was ordered");
                let presents = command.get(..2) == Some(&[0x00, 0x20]);
                let presented = expected.and_then(|expected| expected.place.file).filter(|_| presents);
                return self.after_cut(&was, presented, command);
            }
            Err(Silence::Mute) => panic!("the card is mute before {command:02X?}"),
        }
        let answered = self.sw();
        if cut.is_some() {
            self.session.spare();
        }
        let (after, wrote) = (Place::of(self.session.card()), self.session.card().nvm().wear() != wear);
        match expected {
            Some(Expected { place, writes, .. }) => {
                assert_eq!(wrote, writes, "memory was written by {command:02X?} (left), in the model (right)");
                assert_eq!(after, place, "after {command:02X?}");
            }
            None => {
                let instruction = command.get(..2).unwrap_or_default();
                assert!(!wrote || instruction == [0x84, 0x82], "{command:02X?} wrote to memory");
                let moves = instruction == [0x00, 0xA4] && answered == 0x9000;
                assert!(before.jpki == after.jpki || moves, "{command:02X?} moved");
                // card.md D-05
                assert!(before == after || instruction != [0x00, 0xA4] || moves, "a failed SELECT changed something");
                if before.jpki != after.jpki {
                    self.model.forget();
                }
            }
        }
        self.place = after;
        self.check_status(command);
        if wrote {
            self.check_counters();
        }
    }

    /// Warm reset: application and security status stay, no EF is current. (card.md D-28)
    pub fn warm_reset(&mut self) {
        self.session.reset();
        self.place.leave_file();
        self.check_place("a warm reset");
    }

    /// Power off and on. (card.md §2.4)
    pub fn power_cycle(&mut self) {
        self.session.power_cycle().expect("a card that was switched off in order starts");
        self.model.forget();
        self.place = Place::START;
        self.check_place("power on");
    }

    /// Power off, and another chip with the same memory.
    pub fn restart(&mut self) {
        self.session.restart().expect("a card that was switched off in order starts");
        self.model.forget();
        self.place = Place::START;
        self.check_place("a start from memory");
        self.check_counters();
    }

    /// The power went: the PIN in question is as before or as after, or a try was charged; everything else is as before. The model
    /// takes over which. (P1, P2, P9, A1)
    fn after_cut(&mut self, was: &Model, presented: Option<u8>, command: &[u8]) {
        self.session.power_cycle().expect("a card whose power was cut starts");
        self.place = Place::START;
        let done = std::mem::take(&mut self.model);
        let (old, new) = (was.pins(), done.pins());
        let mut is = old.map(|(value, tries, _)| (value, tries, false));
        let left = self.tries();
        for (number, is) in is.iter_mut().enumerate() {
            let tries = left[number];
            let ((old, before, _), (new, after, _)) = (old[number], new[number]);
            if old == new {
                // A try is charged before the comparison.
                let charged = presented == Some(PINS[number]) && tries + 1 == before;
                let sound = charged || tries == before || tries == after;
                assert!(sound, "{tries} tries after a cut in {command:02X?}, {before} before");
                is.1 = tries;
            } else {
                let taken = self.takes(number, new);
                assert!(taken != self.takes(number, old), "one of both values after a cut in {command:02X?}");
                *is = if taken { (new, after, false) } else { (old, before, false) };
                assert_eq!(tries, is.1, "tries after a cut in {command:02X?}");
            }
        }
        self.model = Model::with(is);
        self.check_place("a cut");
    }

    fn sw(&self) -> u16 {
        self.session.response().last_chunk().map_or(0, |sw| u16::from_be_bytes(*sw))
    }

    fn check_place(&self, after: &str) {
        assert_eq!(Place::of(self.session.card()), self.place, "after {after}");
        self.check_status(after.as_bytes());
    }

    fn check_status(&self, after: &[u8]) {
        let session = self.session.card().session();
        // Without the issuer's keys nobody opens it.
        assert!(!session.is_issuer(), "{after:02X?} opened the issuer channel");
        for (file, (_, _, verified)) in PINS.into_iter().zip(self.model.pins()) {
            let is = session.is_verified(file);
            assert_eq!(is, verified, "status of {file:02X} after {after:02X?}, in the model (right)");
        }
    }

    fn check_counters(&mut self) {
        let left = self.tries();
        for (file, (left, (_, expected, _))) in PINS.into_iter().zip(left.into_iter().zip(self.model.pins())) {
            assert_eq!(left, expected, "tries of {file:02X}, in the model (right)");
        }
    }

    /// Asks the witness for the tries of both PINs.
    fn tries(&mut self) -> [u8; 2] {
        self.witness_card();
        PINS.map(|file| {
            let (data, sw) = ask(&mut self.witness, &[0x00, 0x20, 0x00, 0x80 | file]);
            assert!(data == 0 && sw & 0xFFF0 == 0x63C0, "{sw:04X} for a query");
            (sw & 0x0F) as u8
        })
    }

    /// Whether the witness takes this value.
    fn takes(&mut self, number: usize, value: &[u8]) -> bool {
        self.witness_card();
        let head = [0x00, 0x20, 0x00, 0x80 | PINS[number], value.len() as u8];
        ask(&mut self.witness, &[&head, value].concat()).1 == 0x9000
    }

    /// The witness becomes as the card is, with the JPKI application selected.
    fn witness_card(&mut self) {
        self.witness.restore(self.session.card());
        assert_eq!(ask(&mut self.witness, SELECT), (0, 0x9000));
    }
}

/// Length of the response data and the status word.
fn ask(witness: &mut Card<NoEngine>, command: &[u8]) -> (usize, u16) {
    let mut response = Response::new();
    witness.transmit(command, &mut response);
    let (data, sw) = response.split_last_chunk().expect("a status word");
    (data.len(), u16::from_be_bytes(*sw))
}

/// What was answered, and what the model says.
fn judge(
    command: &[u8],
    response: &[u8],
    expected: Option<&Expected>,
    before: Place,
    model: &Model,
    contents: Contents,
) {
    let sw = formed(command, response);
    let data = &response[..response.len() - 2];
    // Where the model knows every byte, no secret is among them.
    if expected.is_none_or(|expected| matches!(expected.data, Data::Random(_))) {
        contains_no_secret(command, data);
    }
    let Some(expected) = expected else {
        let opened = command.get(..2) == Some(&[0x00, 0xB0]) && sw == 0x9000 && before.file == Some(CERTIFICATE.0);
        assert!(!opened || model.pins()[CERTIFICATE.1].2, "the signature certificate was read without its password");
        return;
    };
    assert_eq!(sw, expected.sw, "status word of {command:02X?} (left) and of the model (right)");
    let sound = match &expected.data {
        Data::None => data.is_empty(),
        Data::Exactly(bytes) => data == bytes,
        Data::Random(length) => data.len() == *length,
        Data::File(file, offset, length) => data.len() == *length && contents.holds(*file, *offset, data),
    };
    assert!(sound, "{command:02X?} is answered {data:02X?}, in the model {:?}", expected.data);
}
