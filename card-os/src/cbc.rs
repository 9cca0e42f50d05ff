//! AES-128 in CBC mode with padding method 2 of ISO/IEC 9797-1 (`80 00…`, always added): what both secure channels use.

use crate::scp03::Secret16;

const BLOCK: usize = 16;

/// No room, or a cryptogram that is not whole blocks with a padding at their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CbcError;

/// Pads and encrypts in place.
///
/// # Errors
/// [`CbcError`] where the padding has no room.
pub fn encrypt<const M: usize>(
    key: &Secret16,
    iv: [u8; BLOCK],
    data: &mut heapless::Vec<u8, M>,
) -> Result<(), CbcError> {
    data.push(0x80).map_err(|_| CbcError)?;
    data.resize(data.len().next_multiple_of(BLOCK), 0).map_err(|_| CbcError)?;
    let mut previous = iv;
    for block in data.as_chunks_mut::<BLOCK>().0 {
        mix(block, &previous);
        key.encrypt_in_place(block);
        previous = *block;
    }
    Ok(())
}

/// Decrypts in place and takes the padding off.
///
/// # Errors
/// [`CbcError`]; `data` is then of no use.
pub fn decrypt<const M: usize>(
    key: &Secret16,
    iv: [u8; BLOCK],
    data: &mut heapless::Vec<u8, M>,
) -> Result<(), CbcError> {
    let mut previous = iv;
    let (blocks, rest) = data.as_chunks_mut::<BLOCK>();
    if !rest.is_empty() {
        return Err(CbcError);
    }
    for block in blocks {
        let cryptogram = *block;
        key.decrypt_in_place(block);
        mix(block, &previous);
        previous = cryptogram;
    }
    let end = data.iter().rposition(|byte| *byte != 0).filter(|at| data.get(*at) == Some(&0x80)).ok_or(CbcError)?;
    if data.len() - end > BLOCK {
        return Err(CbcError);
    }
    data.truncate(end);
    Ok(())
}

/// In place: what it gives may be a PIN.
fn mix(block: &mut [u8; BLOCK], other: &[u8; BLOCK]) {
    for (byte, mask) in block.iter_mut().zip(other) {
        *byte ^= mask;
    }
}
