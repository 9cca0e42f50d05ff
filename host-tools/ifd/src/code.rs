//! Numbers of `ifdhandler.h`, version 3.0 of the interface.

use std::ffi::{c_long, c_ulong};

/// `RESPONSECODE`
pub type Response = c_long;

/// Done.
pub const SUCCESS: Response = 0;
/// A tag that is unknown here.
pub const ERROR_TAG: Response = 600;
/// The protocol is not T=1.
pub const PROTOCOL_NOT_SUPPORTED: Response = 607;
/// The card could not be powered.
pub const ERROR_POWER_ACTION: Response = 608;
/// The server did not do it.
pub const COMMUNICATION_ERROR: Response = 612;
/// Nothing happened in the time given.
pub const RESPONSE_TIMEOUT: Response = 613;
/// Unknown here.
pub const NOT_SUPPORTED: Response = 614;
/// A card is in the reader: the same as [`SUCCESS`] for those who ask.
pub const ICC_NOT_PRESENT: Response = 616;
/// No such reader.
pub const NO_SUCH_DEVICE: Response = 617;
/// The caller's buffer is too small.
pub const ERROR_INSUFFICIENT_BUFFER: Response = 618;

/// Cold start.
pub const POWER_UP: c_ulong = 500;
/// Power off.
pub const POWER_DOWN: c_ulong = 501;
/// Warm reset.
pub const RESET: c_ulong = 502;

/// The ATR.
pub const TAG_ATR: c_ulong = 0x0303;
/// The ATR, as `SCardGetAttrib` asks for it.
pub const ATTRIBUTE_ATR: c_ulong = 0x0009_0303;
/// Whether slots of one reader may be used at once.
pub const TAG_SLOT_THREAD_SAFE: c_ulong = 0x0FAC;
/// Whether readers may be used at once.
pub const TAG_THREAD_SAFE: c_ulong = 0x0FAD;
/// Slots of a reader.
pub const TAG_SLOTS_NUMBER: c_ulong = 0x0FAE;
/// Readers that one loaded library can have.
pub const TAG_SIMULTANEOUS_ACCESS: c_ulong = 0x0FAF;
/// Whether the polling thread may be killed.
pub const TAG_POLLING_THREAD_KILLABLE: c_ulong = 0x0FB1;
/// Ends the polling.
pub const TAG_STOP_POLLING_THREAD: c_ulong = 0x0FB2;
/// Waits for a change.
pub const TAG_POLLING_THREAD_WITH_TIMEOUT: c_ulong = 0x0FB3;

/// `SCARD_PROTOCOL_T1`
pub const PROTOCOL_T1: c_ulong = 2;
