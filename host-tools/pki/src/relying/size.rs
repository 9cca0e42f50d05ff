//! How large a DER tree may be, before anything is made of it.
//!
//! Decoders sort sets, and a set of many small members in the wrong order costs the square of their number.

use der::{AnyRef, Decode, Reader, SliceReader};

/// Most elements of a tree. Eight certificates and a signer have about two thousand.
const ELEMENTS_MAX: usize = 4096;
/// Deepest nesting.
const DEPTH_MAX: usize = 32;

/// Whether a DER tree stays within the limits.
///
/// # Errors
/// Of the decoder for what is not DER; `Ok(false)` for a tree that is too large.
pub(super) fn is_bounded(bytes: &[u8]) -> der::Result<bool> {
    let mut left = ELEMENTS_MAX;
    visit(bytes, DEPTH_MAX, &mut left)
}

fn visit(bytes: &[u8], depth: usize, left: &mut usize) -> der::Result<bool> {
    let mut reader = SliceReader::new(bytes)?;
    while !reader.is_finished() {
        let element = AnyRef::decode(&mut reader)?;
        if *left == 0 || depth == 0 {
            return Ok(false);
        }
        *left -= 1;
        if der::Tagged::tag(&element).is_constructed() && !visit(element.value(), depth - 1, left)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(vec![0x05, 0x00], |inner, _| {
            [&[0x30, u8::try_from(inner.len()).expect("short")], &inner[..]].concat()
        })
    }

    #[test]
    fn number_and_depth_are_bounded() {
        assert!(is_bounded(&nested(31)).expect("DER") && !is_bounded(&nested(32)).expect("DER"));
        let many = |count: usize| [0x05, 0x00].repeat(count);
        assert!(is_bounded(&many(4096)).expect("DER") && !is_bounded(&many(4097)).expect("DER"));
        assert!(is_bounded(&[0x30, 0x80, 0x00, 0x00]).is_err(), "an indefinite length");
        assert!(is_bounded(&[0x30, 0x03, 0x05, 0x00]).is_err(), "longer than it is");
    }
}
