//! Records of an EF: simple-TLV objects, numbered from 1 in their order. (card.md §5.2)

use apdu::tlv::{Rules, simple::Reader};
use core::ops::Range;

/// Where record `number` lies in the file, or the records from it to the last. `None` where there is none.
#[must_use]
pub fn range(file: &[u8], number: u8, rest: bool) -> Option<Range<usize>> {
    let mut records = Reader::new(file, Rules::Strict);
    let skipped = usize::from(number.checked_sub(1)?);
    for _ in 0..skipped {
        records.next()?.ok()?;
    }
    let start = records.position();
    records.next()?.ok()?;
    if !rest {
        return Some(start..records.position());
    }
    let mut end = records.position();
    while let Some(Ok(_)) = records.next() {
        end = records.position();
    }
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_from_one() {
        let file = b"\x01\x02ab\x07\x00\x02\x01c";
        let taken = |number, rest| range(file, number, rest).and_then(|range| file.get(range));
        assert_eq!(taken(1, false), Some(&b"\x01\x02ab"[..]));
        assert_eq!(taken(2, false), Some(&b"\x07\x00"[..]));
        assert_eq!(taken(3, false), Some(&b"\x02\x01c"[..]));
        assert_eq!(taken(2, true), Some(&b"\x07\x00\x02\x01c"[..]));
        assert_eq!(taken(1, true), Some(&file[..]));
        for (number, rest) in [(0, false), (0, true), (4, false), (4, true), (255, true)] {
            assert_eq!(taken(number, rest), None, "record {number}");
        }
        assert_eq!(range(&[], 1, true), None);
        assert_eq!(range(b"\x01\x05ab", 1, false), None, "cut off");
    }
}
