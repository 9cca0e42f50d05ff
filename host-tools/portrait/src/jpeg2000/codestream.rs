//! Markers around the packets. (ISO/IEC 15444-1 annex A)

use super::{
    packet::BLOCK,
    subband::{GUARD, Quantisation, Subband},
};

/// A codestream of one tile.
pub(super) fn write(
    width: usize,
    height: usize,
    levels: usize,
    quantisation: &Quantisation,
    subbands: &[Subband],
    packets: &[u8],
) -> Vec<u8> {
    let mut out = vec![0xFF, 0x4F];
    segment(&mut out, 0x51, &size(width, height));
    let block = BLOCK.ilog2() as u8 - 2;
    // No options; packets by layer, of which there is one; one component; levels, blocks, 9/7.
    segment(&mut out, 0x52, &[0, 0, 0, 1, 0, levels as u8, block, block, 0, 0]);
    let mut steps = vec![(GUARD << 5) as u8 | 2];
    for subband in subbands {
        let step = quantisation.step(subband);
        steps.extend(((step.exponent << 11 | step.mantissa) as u16).to_be_bytes());
    }
    segment(&mut out, 0x5C, &steps);
    // Tile 0, its length from here to its end, part 0 of 1.
    let mut tile = vec![0, 0];
    tile.extend(be32(14 + packets.len()));
    tile.extend([0, 1]);
    segment(&mut out, 0x90, &tile);
    out.extend([0xFF, 0x93]);
    out.extend(packets);
    out.extend([0xFF, 0xD9]);
    out
}

/// SIZ: the picture is the tile; one component of eight bits without sign.
fn size(width: usize, height: usize) -> Vec<u8> {
    let mut out = vec![0, 0];
    for number in [width, height, 0, 0, width, height, 0, 0] {
        out.extend(be32(number));
    }
    out.extend([0, 1, 7, 1, 1]);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend((body.len() as u16 + 2).to_be_bytes());
    out.extend(body);
}

pub(super) fn be32(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}
