//! What is done to an answer.

use super::forge::Forgery;
use crate::rng::SimRng;
use rand_core::Rng;
use serde::Deserialize;
use std::time::Duration;

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// So many bytes of data fewer.
    Short(usize),
    /// No data, the status word alone.
    WordOnly,
    /// No byte at all.
    Empty,
    /// The first byte alone.
    OneByte,
    /// So many bytes of data more.
    Long(usize),
    /// 61FF, and again so many bytes and 61FF for every GET RESPONSE.
    More(usize),
    /// 6Cxx, and for the same command with another Le another one.
    WrongLe,
    /// This status word; without one, a random one.
    Word(Option<[u8; 2]>),
    /// These bytes in place of the data.
    Data(Vec<u8>),
    /// A length field of the object in front is wrong.
    Length {
        /// Of the first object inside it.
        inner: bool,
        /// In which way.
        how: Length,
    },
    /// A file with a certificate in it is another one; without a forgery, any, until the card starts anew.
    Certificate(Option<Forgery>),
    /// The answer comes later.
    Delay(Duration),
    /// No answer; the card is mute until it starts anew.
    Mute,
    /// No answer; the card is pulled out.
    Pull,
    /// Another answer to reset.
    Atr(Atr),
    /// So many bits turned over, anywhere in data and status word.
    Flip(usize),
    /// Any of the others, by chance.
    Anything,
}

/// How a length is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// One more.
    More,
    /// One less.
    Less,
    /// 00
    Zero,
    /// 84 FFFFFFFF
    Huge,
    /// 88 and eight bytes FF.
    Wider,
    /// 80, indefinite.
    Indefinite,
    /// FF, which nobody has defined.
    Reserved,
}

impl Length {
    /// All of them.
    pub const ALL: [Length; 7] =
        [Length::More, Length::Less, Length::Zero, Length::Huge, Length::Wider, Length::Indefinite, Length::Reserved];
}

/// Which answer to reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Atr {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes that begin as the true one does.
    Count(usize),
    /// Any length from 0 to 40.
    Any,
}

impl Act {
    /// Another act than this one, by chance. Delays are short: long ones are a rule's.
    pub(super) fn any(rng: &mut SimRng) -> Act {
        match below(rng, 24) {
            0..=2 => Act::Short(1 + below(rng, 300)),
            3 | 4 => Act::WordOnly,
            5 => Act::Empty,
            6 => Act::OneByte,
            7 => Act::Long(1 + below(rng, 300)),
            8 => Act::Long(0x1_0000 - 300 + below(rng, 600)),
            9 => Act::More([0, 1, 255, 256][below(rng, 4)]),
            10 => Act::WrongLe,
            11..=13 => Act::Word(None),
            14..=16 => Act::Length { inner: below(rng, 2) == 1, how: Length::ALL[below(rng, Length::ALL.len())] },
            17..=19 => Act::Certificate(None),
            20 => Act::Delay(Duration::from_millis(1 + below(rng, 100) as u64)),
            21 => [Act::Mute, Act::Pull][below(rng, 2)].clone(),
            _ => Act::Flip(1 + below(rng, 8)),
        }
    }

    /// As it is written in a plan.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Act::Short(_) => "short",
            Act::WordOnly => "word-only",
            Act::Empty => "empty",
            Act::OneByte => "one-byte",
            Act::Long(_) => "long",
            Act::More(_) => "more",
            Act::WrongLe => "wrong-le",
            Act::Word(_) => "word",
            Act::Data(_) => "data",
            Act::Length { .. } => "length",
            Act::Certificate(_) => "certificate",
            Act::Delay(_) => "delay",
            Act::Mute => "mute",
            Act::Pull => "pull",
            Act::Atr(_) => "atr",
            Act::Flip(_) => "flip",
            Act::Anything => "anything",
        }
    }

    /// Does to an answer what needs nothing but the answer. Says what was done; `None` where nothing could be.
    pub(super) fn spoil(&self, answer: &mut Vec<u8>, rng: &mut SimRng) -> Option<String> {
        let data = answer.len().saturating_sub(2);
        match self {
            Act::Short(count) => {
                let gone = data.min(*count);
                answer.drain(data - gone..data);
                (gone > 0).then(|| format!("{gone} of {data} bytes of data are missing"))
            }
            Act::WordOnly => {
                answer.drain(..data);
                (data > 0).then(|| format!("{data} bytes of data are missing"))
            }
            Act::Empty => {
                answer.clear();
                Some("an answer of 0 bytes".into())
            }
            Act::OneByte => {
                answer.truncate(1);
                Some("an answer of 1 byte".into())
            }
            Act::Long(count) => {
                answer.splice(data..data, std::iter::repeat_n(0xA5, *count));
                Some(format!("{count} bytes A5 behind {data} bytes of data"))
            }
            Act::Word(word) => {
                let word = word.unwrap_or_else(|| random_word(rng));
                let was = answer.split_off(data);
                answer.extend_from_slice(&word);
                Some(format!("{} in place of {}", hex::encode_upper(word), hex::encode_upper(was)))
            }
            Act::Data(new) => {
                answer.splice(..data, new.iter().copied());
                Some(format!("{} bytes in place of {data} bytes of data", new.len()))
            }
            Act::Length { inner, how } => spoil_length(answer, data, *inner, *how),
            Act::Flip(count) => {
                let bits = answer.len() * 8;
                let flipped: Vec<usize> = (0..*count).filter(|_| bits > 0).map(|_| below(rng, bits)).collect();
                flipped.iter().for_each(|bit| answer[bit / 8] ^= 0x80 >> (bit % 8));
                (bits > 0).then(|| format!("bits {flipped:?} of {bits} are turned over"))
            }
            _ => None,
        }
    }
}

/// A number below `end`; 0 where that is 0.
pub(super) fn below(rng: &mut SimRng, end: usize) -> usize {
    (rng.next_u64() % end.max(1) as u64) as usize
}

/// One that clients know, or any.
fn random_word(rng: &mut SimRng) -> [u8; 2] {
    const KNOWN: [[u8; 2]; 12] = [
        [0x90, 0x00],
        [0x61, 0x10],
        [0x62, 0x82],
        [0x63, 0xC0],
        [0x63, 0xCF],
        [0x67, 0x00],
        [0x69, 0x82],
        [0x69, 0x83],
        [0x69, 0x84],
        [0x6A, 0x82],
        [0x6B, 0x00],
        [0x6C, 0x00],
    ];
    match below(rng, 2) {
        0 => KNOWN[below(rng, KNOWN.len())],
        _ => [rng.next_u32().to_le_bytes()[0], rng.next_u32().to_le_bytes()[0]],
    }
}

/// Where the length field of the object at `start` stands, and its bytes.
fn length_field(data: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut at = start + 1;
    if data.get(start)? & 0x1F == 0x1F {
        while data.get(at)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
    }
    let first = *data.get(at)?;
    let width = if first < 0x80 { 1 } else { 1 + usize::from(first & 0x7F) };
    (at + width <= data.len()).then_some((at, width))
}

fn spoil_length(answer: &mut Vec<u8>, data: usize, inner: bool, how: Length) -> Option<String> {
    let (mut at, mut width) = length_field(&answer[..data], 0)?;
    if inner {
        (at, width) = length_field(&answer[..data], at + width)?;
    }
    let field = answer[at..at + width].to_vec();
    let new = match how {
        Length::More | Length::Less => shifted(&field, how)?,
        Length::Zero => vec![0x00],
        Length::Huge => vec![0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        Length::Wider => [&[0x88][..], &[0xFF; 8]].concat(),
        Length::Indefinite => vec![0x80],
        Length::Reserved => vec![0xFF],
    };
    if new == field {
        return None;
    }
    let told = format!("length {} in place of {}", hex::encode_upper(&new), hex::encode_upper(&field));
    let word = answer.split_off(data);
    answer.splice(at..at + width, new);
    // As many bytes as were asked for.
    answer.resize(data, 0xA5);
    answer.extend_from_slice(&word);
    Some(told)
}

/// The length plus or minus one, in as many bytes where it fits.
fn shifted(field: &[u8], how: Length) -> Option<Vec<u8>> {
    let shift = |value: u64| if how == Length::More { value.checked_add(1) } else { value.checked_sub(1) };
    match *field {
        [short] => match shift(u64::from(short))? {
            0x80 => Some(vec![0x81, 0x80]),
            value => Some(vec![value as u8]),
        },
        [head, ref long @ ..] if long.len() <= 8 => {
            let value = shift(long.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))?.to_be_bytes();
            Some([&[head], &value[8 - long.len()..]].concat())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoiled(act: &Act, answer: &str) -> String {
        let mut answer = hex::decode(answer.replace(' ', "")).expect("hex");
        act.spoil(&mut answer, &mut SimRng::seeded(3));
        hex::encode_upper(answer)
    }

    #[test]
    fn answers_that_are_too_short_and_too_long() {
        for (act, expected) in [
            (Act::Short(2), "01029000"),
            (Act::Short(9), "9000"),
            (Act::WordOnly, "9000"),
            (Act::Empty, ""),
            (Act::OneByte, "01"),
            (Act::Long(3), "01020304A5A5A59000"),
            (Act::Word(Some([0x6F, 0x01])), "010203046F01"),
            (Act::Data(vec![0xAB, 0xCD]), "ABCD9000"),
        ] {
            assert_eq!(spoiled(&act, "01020304 9000"), expected, "{act:?}");
        }
        assert_eq!(spoiled(&Act::Long(0x1_0000), "9000").len(), 2 * 0x1_0002);
        for act in [Act::Short(1), Act::WordOnly] {
            assert_eq!(act.spoil(&mut vec![0x90, 0x00], &mut SimRng::seeded(0)), None, "{act:?}: no data to take");
        }
    }

    #[test]
    fn lengths_that_are_wrong() {
        let outer = |how| spoiled(&Act::Length { inner: false, how }, "3082 0102 3003 AABBCC 9000");
        assert_eq!(outer(Length::More), "308201033003AABBCC9000");
        assert_eq!(outer(Length::Less), "308201013003AABBCC9000");
        assert_eq!(outer(Length::Zero), "30003003AABBCCA5A59000");
        assert_eq!(outer(Length::Huge), "3084FFFFFFFF3003AA9000");
        assert_eq!(outer(Length::Indefinite), "30803003AABBCCA5A59000");
        let inner = |how| spoiled(&Act::Length { inner: true, how }, "7F21 05 9003 010203 9000");
        assert_eq!(inner(Length::More), "7F210590040102039000");
        assert_eq!(inner(Length::Wider), "7F210590 88FFFFFF9000".replace(' ', ""));
        assert_eq!(spoiled(&Act::Length { inner: false, how: Length::More }, "047F009000"), "0481809000");
        for none in ["9000", "309000", "3082019000", "1FFF9000", ""] {
            assert_eq!(spoiled(&Act::Length { inner: true, how: Length::Huge }, none), none, "no length field");
        }
    }

    #[test]
    fn so_many_bits() {
        let mut answer = vec![0; 100];
        Act::Flip(1).spoil(&mut answer, &mut SimRng::seeded(5)).expect("flips");
        assert_eq!(answer.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
        assert_eq!(Act::Flip(4).spoil(&mut Vec::new(), &mut SimRng::seeded(5)), None);
    }
}
