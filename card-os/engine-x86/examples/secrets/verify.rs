//! VERIFY with the value presented and the value stored both undefined. What hangs on them, and must, is whether they are alike: decided
//! twice before the tries come back, and once more before the status stands. (docs/decisions/0035-glitches.md)

use crate::valgrind::{defined, errors, undefined, undefined_within};
use sim::{
    backend::{AnyEngine, Backend},
    card::MEMORY,
    nvm::{Flash, Torn},
    rng::SimRng,
    sample::SIGNATURE_PASSWORD,
    session::Session,
};
use std::{hint::black_box, process::ExitCode};

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
/// Decisions on a right value, and on a wrong one, which ends at the first of two.
const RIGHT: usize = 3;
const WRONG: usize = 2;

/// Rows for the right value and for wrong ones of each kind; `memory` is that of an issued card.
pub(crate) fn rows(memory: &[u8]) -> ExitCode {
    let memory =
        memory.get(..MEMORY).and_then(|bytes| Flash::from_bytes(bytes.to_vec())).expect("a memory of the usual size");
    let engine = AnyEngine::with(Backend::Portable).expect("runs everywhere");
    let card = card_os::Card::mount(Torn::new(memory), engine.clone(), SimRng::seeded(1));
    let mut session = Session::new(card.map_err(|(error, _)| error).expect("was mounted before"), engine);
    session.transmit(SELECT).expect("it has power");
    let kept = session.snapshot();

    let control = leaky(SIGNATURE_PASSWORD, "ABC12z");
    println!("{:<48} {control} (must be more than {RIGHT})", "control: a comparison that ends early");
    let mut clean = control > RIGHT;
    for value in [SIGNATURE_PASSWORD, "zzzzzz", "Azzzzz", "ABC12z", "zBC123"] {
        session.restore(&kept);
        let (reports, sw) = present(&mut session, value);
        let is_right = value == SIGNATURE_PASSWORD;
        let decisions = if is_right { RIGHT } else { WRONG };
        println!("{:<48} {reports} (must be {decisions}, where it is judged)", format!("VERIFY of {value}, {sw:04X}"));
        clean &= reports == decisions && (sw == 0x9000) == is_right;
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reports of one VERIFY, and its status word.
fn present(session: &mut Session<AnyEngine>, value: &str) -> (usize, u16) {
    let stored = undefined_within(session.card().nvm().bytes(), SIGNATURE_PASSWORD.as_bytes());
    assert_eq!(stored, 1, "the reference data stands in memory once");
    let mut command = [&[0x00, 0x20, 0x00, 0x9B, value.len() as u8], value.as_bytes()].concat();
    undefined(&mut command[5..]);
    let before = errors();
    let mut answer = session.transmit(&command).expect("it has power").to_vec();
    let reports = errors() - before;
    defined(&mut answer);
    (reports, u16::from_be_bytes(answer.try_into().expect("a status word alone")))
}

/// As nobody should: the first wrong byte ends it.
fn leaky(stored: &str, presented: &str) -> usize {
    let [mut stored, mut presented] = [stored, presented].map(|value| value.as_bytes().to_vec());
    undefined(&mut stored);
    undefined(&mut presented);
    let before = errors();
    black_box(stored.iter().zip(&presented).take_while(|(one, other)| black_box(one) == black_box(other)).count());
    errors() - before
}
