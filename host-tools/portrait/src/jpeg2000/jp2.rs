//! The JP2 file: boxes around a codestream. (ISO/IEC 15444-1 annex I)

use super::codestream::be32;

/// Enumerated colour space: grey.
const GREY: u8 = 17;

/// A file.
pub(super) fn file(width: usize, height: usize, codestream: &[u8]) -> Vec<u8> {
    let picture = [&be32(height)[..], &be32(width), &[0, 1, 7, 7, 0, 0]].concat();
    let colour = [1, 0, 0, 0, 0, 0, GREY];
    let header = [boxed(b"ihdr", &picture), boxed(b"colr", &colour)].concat();
    [
        boxed(b"jP  ", b"\r\n\x87\n"),
        boxed(b"ftyp", b"jp2 \0\0\0\0jp2 "),
        boxed(b"jp2h", &header),
        boxed(b"jp2c", codestream),
    ]
    .concat()
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&be32(8 + body.len()), &kind[..], body].concat()
}
