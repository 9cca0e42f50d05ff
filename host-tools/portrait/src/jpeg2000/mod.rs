//! A small encoder of JPEG 2000 (ISO/IEC 15444-1): grey pictures, one tile, one layer, the irreversible 9/7 wavelet, in a JP2 file.
//!
//! From the picture to the file: `wavelet`, `subband` (where coefficients lie, and quantisation), `block` with the arithmetic coder
//! `mq`, `packet` with its `tag_tree`s, `codestream` (markers), `jp2` (boxes). Sums are of `f64` without functions that differ between
//! machines, so the same picture gives the same bytes everywhere.
//!
//! # Not supported
//!
//! **Colours**, **the lossless 5/3 wavelet**, **tiles**, **precincts**, **regions of interest**, **decoding**.

mod block;
mod codestream;
mod jp2;
mod mq;
mod packet;
mod subband;
mod tag_tree;
mod wavelet;

use crate::grey::Grey;
use subband::{Quantisation, Subband};

/// Levels of the wavelet.
const LEVELS: usize = 5;
/// Coarseness of quantisation: sixteen steps an octave, from ¼ of a shade.
const COARSENESS: std::ops::RangeInclusive<u32> = 0..=160;

/// A JP2 file of at most so many bytes, as good as that allows. Below what the coarsest quantisation takes, some hundreds of bytes, it
/// gets larger than asked for.
#[must_use]
pub fn encode(picture: &Grey, most: usize) -> Vec<u8> {
    let coefficients = wavelet::transform(picture, LEVELS);
    let subbands = subband::all(picture.width(), picture.height(), LEVELS);
    let file = |coarseness| {
        let quantisation = Quantisation::new(coarseness, LEVELS);
        jp2::file(picture.width(), picture.height(), &contiguous(picture, &coefficients, &subbands, &quantisation))
    };
    // Coarser is smaller, nearly always: what the search gives fits, even where a finer one would have fitted too.
    let (mut fine, mut coarse) = (*COARSENESS.start(), *COARSENESS.end());
    let mut best = file(coarse);
    while fine < coarse {
        let middle = u32::midpoint(fine, coarse);
        let candidate = file(middle);
        if candidate.len() <= most {
            (best, coarse) = (candidate, middle);
        } else {
            fine = middle + 1;
        }
    }
    best
}

/// The codestream.
fn contiguous(picture: &Grey, coefficients: &[f64], subbands: &[Subband], quantisation: &Quantisation) -> Vec<u8> {
    let mut packets = Vec::new();
    // A packet a resolution: the first subband alone, then always three together.
    let (first, others) = subbands.split_at(1.min(subbands.len()));
    for resolution in std::iter::once(first).chain(others.chunks(3)) {
        let coded: Vec<_> = resolution
            .iter()
            .map(|subband| packet::Coded::new(subband, coefficients, picture.width(), quantisation.step(subband)))
            .collect();
        packet::write(&coded, &mut packets);
    }
    codestream::write(picture.width(), picture.height(), LEVELS, quantisation, subbands, &packets)
}

#[cfg(test)]
mod tests;
