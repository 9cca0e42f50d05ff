//! What must hold after an act, harmed or not.

use super::{
    act::{Act, Candidate, Which, run},
    state::{Abstract, State, belongs},
};
use crate::{
    explore::walk::{Followed, Harm},
    journal::Journal,
    model::{Model, Place},
    small::{SmallCard, bytes, memory_of, start},
};

/// What follows from an act in a state, or what is wrong with it.
///
/// # Errors
/// The invariant that does not hold, in words.
pub(crate) fn follow(state: &State, act: Act, harm: Harm) -> Result<Followed<State>, String> {
    let (card, answer, _) = run(act, &state.at, state.card.fork(), harm);
    let followed = match harm {
        Harm::None => whole(state, act, card, answer)?,
        Harm::Cut(..) => cut(state, act, harm, card)?,
        Harm::Fault(..) => fault(state, act, harm, card, answer)?,
    };
    let after = &followed.state;
    unchanged_beside(act.pin(&state.at), bytes(&state.card), bytes(&after.card))?;
    for pin in Which::BOTH {
        let now = after.at.pins[pin as usize];
        if now.left + now.guesses > pin.max() {
            return Err(format!("P2: {} guesses at {pin:?} and {} tries left", now.guesses, now.left));
        }
    }
    Ok(followed)
}

/// Nothing went wrong: everything is as the model says. (P1, P4 to P13)
fn whole(state: &State, act: Act, card: SmallCard, answer: Option<u16>) -> Result<Followed<State>, String> {
    let before = &state.at;
    let mut expected = before.clone();
    let sw = match act {
        Act::SelectJpki | Act::SelectDomain => {
            let jpki = act == Act::SelectJpki;
            expected.leave(before.place.jpki != jpki);
            expected.place = Place { jpki, file: None };
            Some(0x9000)
        }
        Act::WarmReset => {
            expected.leave(false);
            expected.place.file = None;
            None
        }
        Act::PowerCycle => {
            expected.leave(true);
            expected.place = Place::START;
            None
        }
        Act::Reset(pin) => {
            expected.leave(before.place.jpki);
            (expected.place, expected.issuer) = (Place::START, true);
            let pin_state = &mut expected.pins[pin as usize];
            (pin_state.left, pin_state.value, pin_state.guesses) = (pin.max(), 1 - pin_state.value, 0);
            Some(0x9000)
        }
        Act::ReadCertificate if !before.place.jpki => Some(0x6A82),
        Act::ReadCertificate => {
            expected.place.file = Some(0x01);
            Some(if before.pins[Which::Signature as usize].verified { 0x9000 } else { 0x6982 })
        }
        _ => Some(expected.command(act)),
    };
    if answer != sw {
        return Err(format!("{act:?} answers {answer:04X?}, the model {sw:04X?}"));
    }
    let at = Abstract { log: expected.log, ..Abstract::of(&card, expected.guesses())? };
    if at != expected {
        return Err(format!("after {act:?}: {at:?}, the model {expected:?}"));
    }
    let at = Abstract::of(&card, expected.guesses())?;
    Ok(Followed { state: State { card, at }, torn: None })
}

impl Abstract {
    /// Another application, or the same again: the issuer's channel ends, and where it `forgets` so does what was verified.
    fn leave(&mut self, forgets: bool) {
        self.issuer = false;
        for pin in &mut self.pins {
            pin.verified &= !forgets;
        }
    }

    /// A command that the model knows. Gives its status word.
    fn command(&mut self, act: Act) -> u16 {
        let values = Which::BOTH.map(|pin| self.value(pin));
        let known = [0, 1].map(|pin| (values[pin], self.pins[pin].left, self.pins[pin].verified));
        let mut model = Model::with(known);
        let expected = model.expect(self.place, &act.command(self)).expect("a command that the model knows");
        for ((pin, now), which) in self.pins.iter_mut().zip(model.pins()).zip(Which::BOTH) {
            let tried = now.1 < pin.left;
            let value = which.values().iter().position(|value| *value == now.0).expect("one of two");
            (pin.left, pin.verified, pin.value) = (now.1, now.2, value);
            pin.guesses = match expected.writes && act.pin_is(which) && expected.sw == 0x9000 {
                true => 0,
                false => pin.guesses + u8::from(tried),
            };
        }
        self.place = expected.place;
        expected.sw
    }
}

impl Act {
    fn pin_is(self, which: Which) -> bool {
        matches!(self, Act::Verify(pin, _) | Act::Change(pin) if pin == which)
    }
}

/// The power went: the next start finds before or after, nothing is verified, and who learned something has paid. (P1 to P3,
/// P9, P10, A1)
fn cut(state: &State, act: Act, harm: Harm, card: SmallCard) -> Result<Followed<State>, String> {
    let torn = memory_of(card.into_nvm());
    let card = start(torn.clone())?;
    let mut at = Abstract::of(&card, state.at.guesses())?;
    if at.issuer || at.place != Place::START || at.pins.iter().any(|pin| pin.verified) {
        return Err(format!("P11: {at:?} after a cut"));
    }
    settle(state, act, harm, &mut at, None)?;
    Ok(Followed { state: State { card, at }, torn: Some(torn) })
}

/// Writes failed, or did nothing: before or after, no yes without the change, and who learned something has paid. (P3, A6)
fn fault(state: &State, act: Act, harm: Harm, card: SmallCard, answer: Option<u16>) -> Result<Followed<State>, String> {
    let mut at = Abstract::of(&card, state.at.guesses())?;
    let presents = matches!(act, Act::Verify(..) | Act::VerifyCurrent);
    for pin in Which::BOTH {
        let (was, is) = (state.at.pins[pin as usize].verified, at.pins[pin as usize].verified);
        let may = if act.pin(&state.at) == Some(pin) && presents { answer == Some(0x9000) } else { was };
        if is && !may {
            return Err(format!("A6: {pin:?} is verified after {act:?} with {harm:?}"));
        }
    }
    if answer == Some(0x9000) && act.pin(&state.at).is_some_and(|pin| at.pins[pin as usize].left != pin.max()) {
        return Err(format!("A6: {act:?} said yes with {harm:?} and changed nothing"));
    }
    settle(state, act, harm, &mut at, answer)?;
    Ok(Followed { state: State { card, at }, torn: None })
}

/// Before or after, whole; and whether a guess was made.
fn settle(state: &State, act: Act, harm: Harm, at: &mut Abstract, answer: Option<u16>) -> Result<(), String> {
    let Some(pin) = act.pin(&state.at) else { return Ok(()) };
    let (before, after) = (state.at.pins[pin as usize], at.pins[pin as usize]);
    let (charged, whole) = ((before.left.saturating_sub(1), before.value), (pin.max(), before.value));
    let stays = (before.left, before.value);
    let may = match act {
        Act::Verify(_, Candidate::Right) => vec![stays, charged, whole],
        Act::Verify(..) | Act::VerifyCurrent => vec![stays, charged],
        Act::Change(_) | Act::Reset(_) => vec![stays, (pin.max(), 1 - before.value)],
        _ => vec![stays],
    };
    let now = (after.left, after.value);
    if !may.contains(&now) {
        return Err(format!(
            "P1: {pin:?} has tries and value {now:?}, not one of {may:?}, after {act:?} with {harm:?}"
        ));
    }
    let changed = matches!(act, Act::Change(_) | Act::Reset(_)) && now.1 != before.value;
    if changed || (act == Act::Verify(pin, Candidate::Right) && now == whole && before.left < pin.max()) {
        at.pins[pin as usize].guesses = 0;
    }
    // Somebody who does not know the value sees the answer and what is left. Where he would have seen the same with the right
    // one he knows nothing; else this was a guess, and it is paid.
    if let Act::Verify(_, Candidate::Wrong | Candidate::Short) = act {
        let (card, other_answer, _) = run(Act::Verify(pin, Candidate::Right), &state.at, state.card.fork(), harm);
        let other = match harm {
            Harm::Cut(..) if card.nvm().is_dead() => start(memory_of(card.into_nvm()))?,
            _ => card,
        };
        let other = Abstract::of(&other, state.at.guesses())?.pins[pin as usize];
        if (other_answer, other.left, other.value) != (answer, after.left, after.value) {
            if now != charged {
                return Err(format!("P2: a guess at {pin:?} for nothing, {act:?} with {harm:?}"));
            }
            at.pins[pin as usize].guesses += 1;
        }
    }
    Ok(())
}

/// P8, A2: all records but those of this PIN are what they were. The issuer's counter and sequence are its own.
fn unchanged_beside(pin: Option<Which>, before: &[u8], after: &[u8]) -> Result<(), String> {
    let records = |memory| Journal::read(memory).ok_or("no area of the memory has a header");
    let (before, after) = (records(before)?, records(after)?);
    let beside = |&&(key, _): &&(u16, &[u8])| !pin.is_some_and(|pin| belongs(key, pin));
    if before.living().iter().filter(beside).eq(after.living().iter().filter(beside)) {
        return Ok(());
    }
    Err("P8: a record that is not the PIN's is another one".into())
}
