//! What must hold after an act of the issuer, harmed or not. The rules stand here a second time, apart from the card's.

use super::{
    act::{Act, BLOCKS, Outcome, Proof, level, run},
    engine::Rehearsed,
    state::{
        AVAILABILITY, At, CERTIFICATE, Host, KEY_SET_TRIES, KEYS, Level, PHASES, PIN, PRIVATE_KEY, State, Stored,
        TOKEN, file, record, sequence,
    },
};
use crate::{
    explore::walk::{Followed, Harm},
    journal::Journal,
    model::Place,
    small::{SmallCard, bytes, memory_of, start_with},
};
use apdu::tlv::{Rules, ber};

/// What follows from an act in a state, or what is wrong with it.
///
/// # Errors
/// The invariant that does not hold, in words.
pub(crate) fn follow(state: &State, act: Act, harm: Harm) -> Result<Followed<State>, String> {
    let outcome = run(act, state, harm)?;
    let followed = match harm {
        Harm::None => whole(state, act, outcome)?,
        Harm::Cut(..) => cut(state, act, harm, outcome.card)?,
        Harm::Fault(..) => fault(state, act, harm, outcome)?,
    };
    let after = &followed.state;
    unchanged_beside(act, state, &after.card)?;
    if after.sequence() < state.sequence() {
        return Err(format!("R4: the sequence counter goes back, {act:?} with {harm:?}"));
    }
    let (now, most) = (&after.at, KEY_SET_TRIES);
    if now.stored.tries + now.guesses > most {
        return Err(format!("P2: {} guesses at the key set and {} tries left", now.guesses, now.stored.tries));
    }
    Ok(followed)
}

impl At {
    /// What an act does where nothing goes wrong. Gives the status word. (card.md D-43, D-44, D-58; decision 3)
    pub(crate) fn act(&mut self, act: Act) -> Option<u16> {
        let Stored { phase, .. } = self.stored;
        Some(match act {
            Act::SelectDomain | Act::SelectJpki => {
                self.close();
                self.jpki = act == Act::SelectJpki;
                0x9000
            }
            Act::WarmReset => {
                self.close();
                return None;
            }
            Act::PowerCycle => {
                self.close();
                (self.jpki, self.leftover) = (false, false);
                return None;
            }
            Act::Challenge => 0x9000,
            Act::InitializeUpdate | Act::InitializeOther if self.jpki => 0x6982,
            Act::InitializeUpdate | Act::InitializeOther => {
                self.close();
                match act {
                    Act::InitializeOther => 0x6A88,
                    _ if self.stored.tries == 0 => 0x6984,
                    _ => {
                        self.level = Level::Pending;
                        0x9000
                    }
                }
            }
            Act::Authenticate(proof) => match self.level {
                Level::Closed => 0x6882,
                Level::Pending if proof == Proof::Wrong => {
                    self.close();
                    (self.stored.tries, self.guesses) = (self.stored.tries - 1, self.guesses + 1);
                    0x6982
                }
                Level::Pending => {
                    (self.level, self.stored.tries, self.guesses) = (level(proof), KEY_SET_TRIES, 0);
                    0x9000
                }
                Level::Weak | Level::Full => {
                    self.close();
                    0x6982
                }
            },
            // Without a channel that is nothing that the card knows.
            _ if matches!(self.level, Level::Closed | Level::Pending) => 0x6882,
            Act::Tampered => {
                self.close();
                0x6982
            }
            _ if self.level == Level::Weak => 0x6982,
            Act::KeyGoesOn | Act::KeyEndsBadly if self.block > 0 => self.next_block(act),
            _ => {
                self.abandon();
                match act {
                    Act::Status => 0x9000,
                    Act::KeyGoesOn | Act::KeyEndsBadly | Act::KeyGap => 0x6A80,
                    Act::Move(to) => self.phase(PHASES[to]),
                    // An invalid card is not written.
                    _ if phase == 0x7F => 0x6982,
                    Act::PutKeyBadly => 0x6A80,
                    Act::StorePin(_) | Act::Reset(_) if self.stored.in_use() && self.stored.key == 0 => 0x6985,
                    _ => self.write(act),
                }
            }
        })
    }

    /// The channel ends, and what was under way through it.
    fn close(&mut self) {
        self.abandon();
        self.level = Level::Closed;
    }

    /// A key under way is given up; its blocks stay until the next key or the next start.
    fn abandon(&mut self) {
        self.leftover |= self.block > 1;
        self.block = 0;
    }

    /// A block of a key that is under way.
    fn next_block(&mut self, act: Act) -> u16 {
        let last = self.block == BLOCKS - 1;
        match (act, last) {
            (Act::KeyGoesOn, false) => self.block += 1,
            (Act::KeyGoesOn, true) => {
                self.block = 0;
                self.new_key(1);
            }
            // The card tries what came, and keeps nothing of it.
            (_, true) => {
                self.block = 0;
                return 0x6A80;
            }
            (_, false) => {
                self.abandon();
                return 0x6A80;
            }
        }
        0x9000
    }

    /// A key takes the certificate of the one before with it.
    fn new_key(&mut self, key: usize) {
        (self.stored.key, self.stored.certificate, self.leftover) = (key, false, false);
    }

    /// Step by step, and a card that is not whole stays where it is.
    fn phase(&mut self, to: u8) -> u16 {
        let now = PHASES.iter().position(|phase| *phase == self.stored.phase);
        let next = now.and_then(|now| PHASES.get(now + 1));
        if next != Some(&to) || !(self.stored.in_use() || self.stored.is_whole()) {
            return 0x6985;
        }
        self.stored.phase = to;
        0x9000
    }

    fn write(&mut self, act: Act) -> u16 {
        match act {
            Act::PutKey => {
                (self.stored.set, self.stored.tries, self.guesses) = (1 - self.stored.set, KEY_SET_TRIES, 0);
            }
            Act::StoreToken => self.stored.token = true,
            Act::StoreCertificate => self.stored.certificate = true,
            Act::StorePin(value) | Act::Reset(value) => self.stored.pin = value,
            Act::KeyBegins => (self.block, self.leftover) = (1, false),
            Act::Generate => self.new_key(2),
            _ => unreachable!("no act that writes: {act:?}"),
        }
        0x9000
    }
}

/// Nothing went wrong: everything is as the rules say.
fn whole(state: &State, act: Act, outcome: Outcome) -> Result<Followed<State>, String> {
    let mut expected = state.at.clone();
    let sw = expected.act(act);
    let Outcome { card, host, sw: answer, data, .. } = outcome;
    if answer != sw {
        return Err(format!("{act:?} answers {answer:04X?}, the rules say {sw:04X?}"));
    }
    let at = At::of(&card, expected.level, expected.block, expected.guesses)?;
    // What a fault left may go earlier than it has to.
    let leftover = at.leftover && expected.leftover;
    if at != (At { log: at.log, leftover, ..expected.clone() }) {
        return Err(format!("after {act:?}: {at:?}, the rules say {expected:?}"));
    }
    if sw == Some(0x9000) {
        answered(state, act, &card, &data)?;
    }
    Ok(Followed { state: State { card, host, at }, torn: None })
}

/// What stands in the answers that say something.
fn answered(state: &State, act: Act, card: &SmallCard<Rehearsed>, data: &[u8]) -> Result<(), String> {
    let holds = match act {
        Act::InitializeUpdate => {
            let given = data.last_chunk::<3>().copied();
            given == sequence(card) && given > state.sequence()
        }
        Act::Status => {
            let Stored { phase, token, certificate, key, pin, .. } = state.at.stored;
            let stored = |number: u8| match number {
                TOKEN => token,
                CERTIFICATE => certificate,
                PRIVATE_KEY => key > 0,
                PIN => pin > 0,
                number => number == AVAILABILITY,
            };
            let find = |bytes, tag| ber::find(bytes, ber::Tag(tag), Rules::Strict).ok().flatten();
            let entry = find(data, 0xE3).map(|entry| entry.value).unwrap_or_default();
            let list = find(entry, 0xDF20).map(|list| list.value).unwrap_or_default();
            let (objects, _) = list.as_chunks::<3>();
            let named = [TOKEN, CERTIFICATE, PRIVATE_KEY, PIN, AVAILABILITY];
            let of = |number: u8| objects.iter().find(|[high, low, _]| (*high, *low) == (0x01, number));
            find(entry, 0x9F70).is_some_and(|told| told.value == [phase])
                && named.into_iter().all(|number| of(number).is_some_and(|told| told[2] == u8::from(stored(number))))
        }
        Act::Generate => {
            data.strip_prefix(&[0x7F, 0x49, 0x82, 0x01, 0x09, 0x81, 0x82, 0x01, 0x00])
                == Some(&[&KEYS[1][..256], &[0x82, 0x03, 0x01, 0x00, 0x01]].concat()[..])
        }
        Act::Challenge => data.len() == 8,
        Act::PutKey => data.len() == 10,
        _ => data.is_empty(),
    };
    if holds { Ok(()) } else { Err(format!("{act:?} answers {data:02X?} in {:?}", state.at)) }
}

/// What may be stored once an act was harmed: before, after, and for a try that was charged in between.
fn either(state: &State, act: Act, expected: &Stored) -> Vec<Stored> {
    let before = state.at.stored;
    let charged = Stored { tries: before.tries.saturating_sub(1), ..before };
    match act {
        Act::Authenticate(_) if state.at.level == Level::Pending => vec![before, charged, *expected],
        _ => vec![before, *expected],
    }
}

/// The power went: the next start finds before or after, the channel is closed, no secret is left over, and who learned
/// something has paid. (P2, P3, A1, A3, A7)
fn cut(state: &State, act: Act, harm: Harm, card: SmallCard<Rehearsed>) -> Result<Followed<State>, String> {
    let torn = memory_of(card.into_nvm());
    let mut after = State::started(start_with(torn.clone(), Rehearsed)?, state.at.guesses)?;
    if Place::of(&after.card) != Place::START {
        return Err(format!("P11: {:?} after a cut", after.at));
    }
    if after.at.leftover {
        return Err(format!("P15: a secret is left over after a cut, {act:?} with {harm:?}"));
    }
    settle(state, act, harm, None, &mut after)?;
    Ok(Followed { state: after, torn: Some(torn) })
}

/// Writes failed, or did nothing: before or after, no yes without the change, no open channel, and who learned something has
/// paid. (P3, A6)
fn fault(state: &State, act: Act, harm: Harm, outcome: Outcome) -> Result<Followed<State>, String> {
    let Outcome { card, mut host, sw, .. } = outcome;
    let mut expected = state.at.clone();
    let yes = expected.act(act) == Some(0x9000) && sw == Some(0x9000);
    let (level, block) = match act {
        _ if yes => (expected.level, expected.block),
        Act::InitializeUpdate | Act::Authenticate(_) => (Level::Closed, 0),
        // The channel stays; what was under way does not.
        act if act.is_secured() => (state.at.level, 0),
        _ => (expected.level, expected.block),
    };
    if level == Level::Closed {
        host = Host::Idle;
    }
    let at = At::of(&card, level, block, state.at.guesses)?;
    if yes && at.stored != expected.stored {
        return Err(format!("A6: {act:?} said yes with {harm:?} and changed nothing"));
    }
    let mut after = State { card, host, at };
    settle(state, act, harm, sw, &mut after)?;
    Ok(Followed { state: after, torn: None })
}

/// Before or after, whole; and whether a guess was made.
fn settle(state: &State, act: Act, harm: Harm, answer: Option<u16>, after: &mut State) -> Result<(), String> {
    let mut expected = state.at.clone();
    expected.act(act);
    let may = either(state, act, &expected.stored);
    let now = after.at.stored;
    if !may.contains(&now) {
        return Err(format!("A1: {now:?}, not one of {may:?}, after {act:?} with {harm:?}"));
    }
    let pending = state.at.level == Level::Pending;
    match act {
        Act::Authenticate(Proof::Full | Proof::Weak) if pending && now.tries == KEY_SET_TRIES => after.at.guesses = 0,
        Act::PutKey if now.set != state.at.stored.set => after.at.guesses = 0,
        // Where the right cryptogram would have shown the same nobody knows anything; else this was a guess, and it is paid.
        Act::Authenticate(Proof::Wrong) if pending => {
            let Outcome { card, sw, .. } = run(Act::Authenticate(Proof::Full), state, harm)?;
            let right = match harm {
                Harm::Cut(..) if card.nvm().is_dead() => start_with(memory_of(card.into_nvm()), Rehearsed)?,
                _ => card,
            };
            let journal = Journal::read(bytes(&right)).ok_or("no area of the memory has a header")?;
            if (sw, Stored::of(&journal)?) != (answer, now) {
                if now.tries >= state.at.stored.tries {
                    return Err(format!("P2: a guess at the key set for nothing, {act:?} with {harm:?}"));
                }
                after.at.guesses += 1;
            }
        }
        _ => {}
    }
    Ok(())
}

/// P8, A2: all records but those that the act is about are what they were.
fn unchanged_beside(act: Act, state: &State, after: &SmallCard<Rehearsed>) -> Result<(), String> {
    let records = |card| Journal::read(bytes(card)).ok_or("no area of the memory has a header");
    let (before, after) = (records(&state.card)?, records(after)?);
    let beside = |&&(key, _): &&(u16, &[u8])| !is_about(act, key);
    if before.living().iter().filter(beside).eq(after.living().iter().filter(beside)) {
        return Ok(());
    }
    Err(format!("P8: a record is another one that {act:?} is not about"))
}

/// Whether an act, or the start after it, may change a record.
fn is_about(act: Act, key: u16) -> bool {
    let of = |number: u8| key >> 8 == file(number).key(0).0 >> 8;
    // A start removes what there is of a key that was not finished.
    let unfinished = of(PRIVATE_KEY) && key & 0xFF != 0;
    unfinished
        || match act {
            Act::InitializeUpdate => key == record::SEQUENCE,
            Act::Authenticate(_) => key == record::KEY_SET_TRIES,
            Act::PutKey => [record::KEY_SET, record::KEY_SET_TRIES].contains(&key),
            Act::Move(_) => key == record::PHASE,
            Act::StoreToken => of(TOKEN),
            Act::StoreCertificate => of(CERTIFICATE),
            Act::StorePin(_) | Act::Reset(_) => of(PIN),
            Act::KeyBegins | Act::KeyGoesOn | Act::KeyEndsBadly | Act::KeyGap | Act::Generate => {
                of(PRIVATE_KEY) || key == file(CERTIFICATE).key(0).0
            }
            _ => false,
        }
}
