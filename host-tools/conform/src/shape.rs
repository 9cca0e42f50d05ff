//! Shapes of what a card holds: ATR, certificate files, the objects of the 券面 files.

type Answer = Result<Vec<u8>, String>;

/// Deepest interface byte that is read.
const INTERFACES_MAX: usize = 8;

/// An ATR that offers T=1, with its check byte right. (card.md §2; ISO/IEC 7816-3 §8.2)
pub(crate) fn atr(atr: &[u8]) -> Answer {
    let [0x3B | 0x3F, t0, rest @ ..] = atr else { return Err("an ATR begins with 3B or 3F".into()) };
    let (mut rest, mut present, mut protocols) = (rest, t0 >> 4, Vec::new());
    for _ in 0..INTERFACES_MAX {
        // TAi, TBi, TCi, then TDi.
        let before = (present & 0x07).count_ones() as usize;
        rest = rest.get(before..).ok_or("the ATR ends within its interface bytes")?;
        if present & 0x08 == 0 {
            break;
        }
        let (td, later) = rest.split_first().ok_or("the ATR ends within its interface bytes")?;
        (present, rest) = (td >> 4, later);
        protocols.push(td & 0x0F);
    }
    let historical = usize::from(t0 & 0x0F);
    if !protocols.contains(&1) {
        return Err("T=1 is not offered".into());
    }
    if rest.len() != historical + 1 {
        return Err(format!("{} bytes after the interface bytes, not {historical} and a check byte", rest.len()));
    }
    let check = atr[1..].iter().fold(0, |check, byte| check ^ byte);
    if check == 0 { Ok(atr[atr.len() - 1 - historical..atr.len() - 1].to_vec()) } else { Err("TCK is wrong".into()) }
}

/// Whether `value` is one of several, each with its length in front.
pub(crate) fn one_of(value: &[u8], several: &[u8]) -> Answer {
    let mut rest = several;
    while let Some((length, later)) = rest.split_first() {
        let (one, behind) = later.split_at_checked(usize::from(*length)).ok_or("a list that is cut off")?;
        if one == value {
            return Ok(Vec::new());
        }
        rest = behind;
    }
    Err(format!("{} is none of the expected values", hex::encode_upper(value)))
}

/// The DER object at the beginning of a certificate file whose rest is 00. (card.md §6.3)
pub(crate) fn certificate(file: &[u8]) -> Answer {
    let (object, rest) = der(file)?;
    if rest.iter().all(|byte| *byte == 0) { Ok(object.to_vec()) } else { Err("the filler is not 00".into()) }
}

/// The DER object at the beginning of a file, and what follows.
pub(crate) fn der(file: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let [0x30, 0x82, high, low, ..] = file else { return Err("does not begin with 30 82".into()) };
    let length = usize::from(u16::from_be_bytes([*high, *low])) + 4;
    let (object, rest) =
        file.split_at_checked(length).ok_or_else(|| format!("{length} bytes in a file of {}", file.len()))?;
    if length < 4 + 128 {
        return Err(format!("{length} bytes are no certificate"));
    }
    Ok((object, rest))
}

/// The object in front of some bytes.
struct Front<'b> {
    tag: &'b [u8],
    value: &'b [u8],
    rest: &'b [u8],
}

/// Takes the object in front; lengths as these files have them: one byte below 128, otherwise 82
/// and two bytes, never 81. (card.md §9.0)
fn split(bytes: &[u8]) -> Result<Front<'_>, String> {
    let (tag, rest) = bytes.split_at_checked(2).ok_or("an object is cut off")?;
    let (length, rest) = match rest {
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [length @ 0..0x80, rest @ ..] => (usize::from(*length), rest),
        [other, ..] => return Err(format!("length form {other:02X} after tag {}", hex::encode_upper(tag))),
        [] => return Err("an object is cut off".into()),
    };
    if rest.len() < length {
        return Err(format!("object {} has {length} bytes, {} are left", hex::encode_upper(tag), rest.len()));
    }
    let short = bytes[2] != 0x82;
    if !short && length < 128 {
        return Err(format!("a length of {length} in three bytes"));
    }
    let (value, rest) = rest.split_at(length);
    Ok(Front { tag, value, rest })
}

/// The object at the beginning, header included.
pub(crate) fn object(file: &[u8], tag: &[u8]) -> Answer {
    let Front { tag: found, rest, .. } = split(file)?;
    if found != tag {
        return Err(format!("begins with tag {}, not {}", hex::encode_upper(found), hex::encode_upper(tag)));
    }
    Ok(file[..file.len() - rest.len()].to_vec())
}

/// What is in an object.
pub(crate) fn value(object: &[u8]) -> Answer {
    let Front { value, rest, .. } = split(object)?;
    if rest.is_empty() { Ok(value.to_vec()) } else { Err("something follows the object".into()) }
}

/// Walks objects to the one with this tag: from its header on, and from its end on.
fn find<'b>(objects: &'b [u8], tag: &[u8]) -> Result<(&'b [u8], &'b [u8]), String> {
    let mut rest = objects;
    while !rest.is_empty() {
        let Front { tag: found, rest: behind, .. } = split(rest)?;
        if found == tag {
            return Ok((&rest[..rest.len() - behind.len()], behind));
        }
        rest = behind;
    }
    Err(format!("no object {}", hex::encode_upper(tag)))
}

/// The object with this tag, header included.
pub(crate) fn member(objects: &[u8], tag: &[u8]) -> Answer {
    find(objects, tag).map(|(object, _)| object.to_vec())
}

/// Everything behind it.
pub(crate) fn after(objects: &[u8], tag: &[u8]) -> Answer {
    find(objects, tag).map(|(_, behind)| behind.to_vec())
}

/// That the first member of an object is a table of the offsets, from the object's first byte, of those that follow.
/// (card.md §9.0)
pub(crate) fn offsets(object: &[u8]) -> Answer {
    let Front { value: content, rest, .. } = split(object)?;
    let end = object.len() - rest.len();
    let Front { value: table, rest: mut behind, .. } = split(content)?;
    let mut expected = Vec::new();
    while !behind.is_empty() {
        expected.extend_from_slice(&u16::try_from(end - behind.len()).unwrap_or(u16::MAX).to_be_bytes());
        behind = split(behind)?.rest;
    }
    if table == expected {
        return Ok(Vec::new());
    }
    Err(format!("the table says {}, the objects stand at {}", hex::encode_upper(table), hex::encode_upper(expected)))
}

/// Everything in a file behind its object is FF.
pub(crate) fn filler(file: &[u8], object: &[u8]) -> Answer {
    let rest = file.strip_prefix(object).ok_or("the file does not begin with the object")?;
    if rest.iter().all(|byte| *byte == 0xFF) { Ok(Vec::new()) } else { Err("the filler is not FF".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_atrs_are_atrs() {
        // card.md §2.1, §2.2
        for text in [
            "3BE000FF8131FE4514",
            "3BDA13FF8131FB468012392F31C173C601C03B",
            "3BC5FF8131FB458073C6010000",
            "3BF59100FF918171FE400042000100D1D6",
            "3B888001000041E0B381A1003B",
            "3B888001000014E0B381910 05E",
        ] {
            let bytes = hex::decode(text.replace(' ', "")).expect("hex");
            atr(&bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut wrong = bytes.clone();
            *wrong.last_mut().expect("a byte") ^= 1;
            assert!(atr(&wrong).is_err() && atr(&bytes[..bytes.len() - 1]).is_err());
        }
        assert!(atr(&[]).is_err() && atr(&[0x3B, 0x00]).is_err());
    }

    #[test]
    fn the_fixtures_offsets_are_right_and_others_are_not() {
        // card.md §9.3: total 104, offsets 000E 0020 0059 0064.
        let fields = [(0x22, 15), (0x23, 54), (0x24, 8), (0x25, 1)];
        let mut content = hex::decode("DF2108000E002000590064").expect("hex");
        for (tag, length) in fields {
            content.extend_from_slice(&[0xDF, tag, length]);
            content.resize(content.len() + usize::from(length), b'x');
        }
        let mut file = vec![0xFF, 0x20, u8::try_from(content.len()).expect("short")];
        file.extend_from_slice(&content);
        assert_eq!(file.len(), 104);
        offsets(&file).expect("right");
        file[7] ^= 1;
        assert!(offsets(&file).is_err());
    }

    #[test]
    fn lists() {
        assert!(one_of(&[2, 3], &[1, 1, 2, 2, 3]).is_ok() && one_of(&[2], &[1, 1, 2, 2, 3]).is_err());
        assert!(one_of(&[2], &[]).is_err() && one_of(&[2], &[3, 2]).is_err());
    }

    #[test]
    fn length_forms() {
        assert!(split(&[0xFF, 0x20, 0x81, 0x80]).is_err() && split(&[0xFF, 0x20, 0x82, 0, 1, 0]).is_err());
        assert!(split(&[0xFF, 0x20, 2, 0]).is_err() && split(&[0xFF]).is_err());
    }
}
