//! What may happen to a card in the hands of its issuer, or of somebody who would like to be that.

use super::{
    engine::Rehearsed,
    state::{
        CERTIFICATE, CERTIFICATE_CONTENT, Host, KEYS, Level, PHASES, PIN, PINS, PRIVATE_KEY, State, TOKEN,
        TOKEN_CONTENT, grouping, key_set,
    },
};
use crate::{explore::walk::Harm, small::SmallCard};
use apdu::{Command, Sw};
use card_os::{Response, scp03};
use sim::issuer::{Agreed, CHUNK, Channel, key_data};
use zeroize::Zeroizing;

/// Blocks in which a private key comes.
pub(crate) const BLOCKS: u8 = 5;

/// How somebody proves that he is the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Proof {
    /// With the right cryptogram, for a channel with everything.
    Full,
    /// With the right cryptogram, for a channel with MACs alone.
    Weak,
    /// Not at all.
    Wrong,
}

/// One thing that happens. What needs a channel is sent without protection where the host has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// SELECT of the issuer security domain.
    SelectDomain,
    /// SELECT of the JPKI application.
    SelectJpki,
    /// GET CHALLENGE, in clear.
    Challenge,
    /// Warm reset.
    WarmReset,
    /// Power off and on.
    PowerCycle,
    /// INITIALIZE UPDATE.
    InitializeUpdate,
    /// The same for a key version that is not there.
    InitializeOther,
    /// EXTERNAL AUTHENTICATE.
    Authenticate(Proof),
    /// GET STATUS.
    Status,
    /// The same with a wrong MAC.
    Tampered,
    /// PUT KEY of the other key set.
    PutKey,
    /// The same with a wrong check value.
    PutKeyBadly,
    /// SET STATUS to a phase, by number.
    Move(usize),
    /// STORE DATA: the token information.
    StoreToken,
    /// STORE DATA: the certificate.
    StoreCertificate,
    /// STORE DATA: one of two values of the PIN.
    StorePin(usize),
    /// RESET RETRY COUNTER to one of two values of the PIN.
    Reset(usize),
    /// STORE DATA: the first block of a private key.
    KeyBegins,
    /// STORE DATA: the block that follows.
    KeyGoesOn,
    /// STORE DATA: the last block before its time, or in its time with a wrong value in it.
    KeyEndsBadly,
    /// STORE DATA: the block after the one that follows.
    KeyGap,
    /// GENERATE ASYMMETRIC KEY PAIR.
    Generate,
}

/// What happens around a channel.
const AROUND: [Act; 9] = [
    Act::SelectDomain,
    Act::SelectJpki,
    Act::WarmReset,
    Act::PowerCycle,
    Act::InitializeUpdate,
    Act::Authenticate(Proof::Full),
    Act::Status,
    Act::Challenge,
    Act::Tampered,
];

impl Act {
    /// What concerns the key set and the channel.
    pub(crate) fn of_the_key_set() -> Vec<Act> {
        let others =
            [Act::InitializeOther, Act::Authenticate(Proof::Weak), Act::Authenticate(Proof::Wrong), Act::PutKey];
        [&AROUND[..], &others, &[Act::PutKeyBadly], &Act::phases()].concat()
    }

    /// What concerns the objects that are written.
    pub(crate) fn of_the_contents() -> Vec<Act> {
        let writes = [Act::StoreToken, Act::StoreCertificate, Act::StorePin(1), Act::StorePin(2), Act::Reset(1)];
        let keys = [Act::KeyBegins, Act::KeyGoesOn, Act::KeyEndsBadly, Act::KeyGap, Act::Generate];
        [&AROUND[..], &writes, &[Act::Reset(2)], &keys, &Act::phases()].concat()
    }

    fn phases() -> [Act; 4] {
        [0, 1, 2, 3].map(Act::Move)
    }

    /// What the issuer asks for inside his channel: instruction, P1, P2 and data.
    fn secured(self, state: &State) -> Option<(u8, [u8; 2], Zeroizing<Vec<u8>>)> {
        let bytes = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        let last = [0x88, 0x00];
        Some(match self {
            Act::Status | Act::Tampered => (0xF2, [0x80, 0x02], bytes(&[0x4F, 0x00])),
            Act::PutKey | Act::PutKeyBadly => {
                let (now, version) = key_set(state.at.stored.set);
                let (next, next_version) = key_set(1 - state.at.stored.set);
                let (mut data, _) = key_data(&now.dek, next_version, &next);
                if self == Act::PutKeyBadly {
                    *data.last_mut().expect("a check value") ^= 0x01;
                }
                (0xD8, [version, 0x81], Zeroizing::new(data))
            }
            Act::Move(phase) => (0xF0, [0x80, PHASES[phase]], bytes(&[])),
            Act::StoreToken => (0xE2, last, grouping(TOKEN, TOKEN_CONTENT)),
            Act::StoreCertificate => (0xE2, last, grouping(CERTIFICATE, CERTIFICATE_CONTENT)),
            Act::StorePin(value) => (0xE2, last, grouping(PIN, PINS[value - 1])),
            Act::Reset(value) => (0x2C, [0x02, 0x00], grouping(PIN, PINS[value - 1])),
            Act::KeyBegins => (0xE2, [0x08, 0], block(0)),
            Act::KeyGoesOn => {
                let number = state.at.block.max(1);
                (0xE2, [if number == BLOCKS - 1 { 0x88 } else { 0x08 }, number], block(number))
            }
            Act::KeyEndsBadly => {
                let number = state.at.block.max(1);
                let mut data = block(number);
                // The end of q⁻¹ mod p.
                *data.last_mut().expect("a block") ^= 0x01;
                (0xE2, [0x88, number], data)
            }
            Act::KeyGap => {
                let number = state.at.block.max(1) + 1;
                (0xE2, [0x08, number], block(number.min(BLOCKS - 1)))
            }
            Act::Generate => (0x46, [0x80, 0x00], bytes(&[0xB6, 0x04, 0x83, 0x02, 0x01, PRIVATE_KEY])),
            _ => return None,
        })
    }

    /// Whether it is for the issuer's channel.
    pub(crate) fn is_secured(self) -> bool {
        !matches!(
            self,
            Act::SelectDomain
                | Act::SelectJpki
                | Act::Challenge
                | Act::WarmReset
                | Act::PowerCycle
                | Act::InitializeUpdate
                | Act::InitializeOther
                | Act::Authenticate(_)
        )
    }
}

/// One block of the imported key.
fn block(number: u8) -> Zeroizing<Vec<u8>> {
    let whole = grouping(PRIVATE_KEY, &KEYS[0]);
    Zeroizing::new(whole.chunks(CHUNK).nth(usize::from(number)).expect("five blocks").to_vec())
}

/// What came of an act.
pub(crate) struct Outcome {
    /// The card.
    pub(crate) card: SmallCard<Rehearsed>,
    /// The host.
    pub(crate) host: Host,
    /// Status word, where there was an answer.
    pub(crate) sw: Option<u16>,
    /// Data of the answer, in clear.
    pub(crate) data: Vec<u8>,
    /// Words written and pages erased.
    pub(crate) operations: u64,
}

/// Lets it happen.
///
/// # Errors
/// An answer whose protection is wrong, or that is no answer to what was asked.
pub(crate) fn run(act: Act, state: &State, harm: Harm) -> Result<Outcome, String> {
    let State { mut card, mut host, .. } = state.clone();
    harm.arm(&mut card);
    let (mut data, mut sw) = (Vec::new(), None);
    match act {
        Act::WarmReset => drop(card.reset()),
        Act::PowerCycle => drop(card.power_on()),
        _ => {
            let mut answer = Response::new();
            card.transmit(&command(act, state, &mut host)?, &mut answer);
            let (before, word) = answer.split_last_chunk().ok_or("an answer without a status word")?;
            (data, sw) = (before.to_vec(), Some(u16::from_be_bytes(*word)));
        }
    }
    let (operations, dead) = (card.nvm().operations(), card.nvm().is_dead());
    if let Harm::Fault(..) = harm {
        card.nvm_mut().inner_mut().set(None);
    }
    let sw = sw.filter(|_| !dead);
    let (host, data) = heard(act, state, host, data, sw)?;
    Ok(Outcome { card, host, sw, data, operations })
}

/// The command as it goes to the card.
fn command(act: Act, state: &State, host: &mut Host) -> Result<Zeroizing<Vec<u8>>, String> {
    let plain = |bytes: &[u8]| Ok(Zeroizing::new(bytes.to_vec()));
    match act {
        Act::SelectDomain => return plain(&[0x00, 0xA4, 0x04, 0x0C]),
        Act::SelectJpki => {
            return plain(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
        }
        Act::Challenge => return plain(&[0x00, 0x84, 0x00, 0x00, 0x08]),
        Act::InitializeUpdate => return plain(&[&[0x80, 0x50, 0x00, 0x00, 0x08][..], &HOST, &[0x00]].concat()),
        Act::InitializeOther => return plain(&[&[0x80, 0x50, 0x7E, 0x00, 0x08][..], &HOST, &[0x00]].concat()),
        _ => {}
    }
    if let Act::Authenticate(proof) = act {
        let level = if proof == Proof::Weak { scp03::Level::COMMAND_MAC } else { scp03::Level::FULL };
        let Host::Agreed(channel, cryptogram) = host else {
            return plain(&[&[0x84, 0x82, level.p1(), 0x00, 0x10][..], &[0xA5; 16]].concat());
        };
        if proof == Proof::Wrong {
            cryptogram[0] ^= 0x01;
        }
        let command = Command::new(0x84, 0x82, level.p1(), 0x00).with_data(&*cryptogram);
        let wrapped = channel.wrap(command).map_err(|error| error.to_string());
        channel.raise(level);
        return wrapped;
    }
    let (ins, [p1, p2], data) = act.secured(state).ok_or("an act without a command")?;
    let command = Command::new(0x84, ins, p1, p2).with_data(&data);
    let Host::Open(channel) = host else {
        let mut bytes = Zeroizing::new(vec![0; command.encoded_len()]);
        command.encode(&mut bytes).map_err(|error| error.to_string())?;
        return Ok(bytes);
    };
    // GENERATE answers more than a short command can take.
    let ne = match ins {
        0xF2 | 0xD8 => Some(256),
        0x46 => Some(65_536),
        _ => None,
    };
    let command = ne.map_or(command, |ne| Command::new(0x84, ins, p1, p2).with_data(&data).with_ne(ne));
    let mut bytes = channel.wrap(command).map_err(|error| error.to_string())?;
    if act == Act::Tampered {
        // The last byte of the MAC stands before Ne.
        let at = bytes.len() - 2;
        bytes[at] ^= 0x01;
    }
    Ok(bytes)
}

/// Challenge of the host.
const HOST: [u8; scp03::CHALLENGE] = *b"TESTHOST";

/// What the host makes of the answer.
fn heard(act: Act, state: &State, host: Host, data: Vec<u8>, sw: Option<u16>) -> Result<(Host, Vec<u8>), String> {
    if sw.is_some_and(|sw| sw != 0x9000) && !data.is_empty() {
        return Err(format!("C7: {sw:04X?} comes with {} bytes of data", data.len()));
    }
    let yes = sw == Some(0x9000);
    let host = match (act, host) {
        (Act::SelectDomain | Act::SelectJpki | Act::WarmReset | Act::PowerCycle, _) => Host::Idle,
        // In an application there is no such command, and nothing ends.
        (Act::InitializeUpdate | Act::InitializeOther, host) if state.at.jpki => host,
        (Act::InitializeUpdate | Act::InitializeOther, _) if yes => {
            let (keys, _) = key_set(state.at.stored.set);
            let Agreed { channel, proof, .. } =
                Channel::agree(&keys, &HOST, &data).map_err(|error| format!("INITIALIZE UPDATE: {error}"))?;
            Host::Agreed(channel, proof)
        }
        (Act::InitializeUpdate | Act::InitializeOther, _) => Host::Idle,
        (Act::Authenticate(_), Host::Agreed(channel, _)) if yes => Host::Open(channel),
        (Act::Authenticate(_), Host::Agreed(..)) | (Act::Authenticate(_) | Act::Tampered, Host::Open(_)) => Host::Idle,
        (act, Host::Open(channel)) if act.is_secured() && yes => {
            let mut clear = data;
            channel.open_answer("an answer", &mut clear, Sw(0x9000)).map_err(|error| error.to_string())?;
            return Ok((Host::Open(channel), clear));
        }
        (_, host) => host,
    };
    Ok((host, data))
}

/// The level that a proof is for.
pub(crate) fn level(proof: Proof) -> Level {
    if proof == Proof::Weak { Level::Weak } else { Level::Full }
}
