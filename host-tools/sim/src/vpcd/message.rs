//! Controls: messages of one byte. (pcsc.md §1)

/// Power goes.
pub const POWER_OFF: &[u8] = &[0];
/// Power comes.
pub const POWER_ON: &[u8] = &[1];
/// Warm reset.
pub const RESET: &[u8] = &[2];
/// The ATR is asked for, and answered.
pub const ATR: &[u8] = &[4];
