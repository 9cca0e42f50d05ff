//! The functions of `ifdhandler.h`. Pointers become slices and rooms here, once; what panics answers
//! `IFD_COMMUNICATION_ERROR`, since pcscd knows no unwinding.

use crate::{
    code::{self as c, Response},
    reader::{Place, Reader},
};
use sim::reader::ReaderError;
use std::{
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int, c_uchar, c_ulong},
    panic::{self, AssertUnwindSafe},
    ptr, slice,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// `SCARD_IO_HEADER`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct IoHeader {
    /// 0 or 1.
    pub protocol: c_ulong,
    /// Not used.
    pub length: c_ulong,
}

/// Readers by their logical unit numbers.
static READERS: RwLock<BTreeMap<c_ulong, Arc<Reader>>> = RwLock::new(BTreeMap::new());

/// Nobody gives or wants more at once: an extended APDU is shorter.
const MOST: c_ulong = 0x2_0000;

/// Opens a reader: `/path/of/the/socket`, `/path/of/the/socket:` or `/path/of/the/socket:Name of the reader`.
///
/// # Safety
/// `device` is null or a string that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHCreateChannelByName(lun: c_ulong, device: *const c_char) -> Response {
    guarded(|| {
        if device.is_null() {
            return c::NO_SUCH_DEVICE;
        }
        // SAFETY: it is not null, and ends with a zero by this function's contract; it is not kept.
        let device = unsafe { CStr::from_ptr(device) };
        let Some(place) = device.to_str().ok().and_then(Place::parse) else { return c::NO_SUCH_DEVICE };
        let reader = Arc::new(Reader::open(place));
        READERS.write().unwrap_or_else(PoisonError::into_inner).insert(lun, reader);
        c::SUCCESS
    })
}

/// A number says nothing about where the server is.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHCreateChannel(_lun: c_ulong, _channel: c_ulong) -> Response {
    c::NO_SUCH_DEVICE
}

/// Closes a reader.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHCloseChannel(lun: c_ulong) -> Response {
    guarded(|| {
        let closed = READERS.write().unwrap_or_else(PoisonError::into_inner).remove(&lun);
        // Dropped without the lock: that waits for a thread.
        closed.map_or(c::NO_SUCH_DEVICE, |reader| {
            reader.wake();
            c::SUCCESS
        })
    })
}

/// What the reader is and has.
///
/// # Safety
/// `length` is null or points to a number, and `value` is null or to so many bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHGetCapabilities(
    lun: c_ulong,
    tag: c_ulong,
    length: *mut c_ulong,
    value: *mut c_uchar,
) -> Response {
    // SAFETY: this function's contract is the room's.
    let room = unsafe { Room::new(value, length) };
    guarded(|| {
        with(lun, |reader| match tag {
            c::TAG_ATR | c::ATTRIBUTE_ATR => match reader.atr() {
                Some(atr) => room.put(&atr),
                None => room.refuse(c::ICC_NOT_PRESENT),
            },
            c::TAG_SIMULTANEOUS_ACCESS => room.put(&[255]),
            c::TAG_SLOTS_NUMBER | c::TAG_THREAD_SAFE => room.put(&[1]),
            c::TAG_SLOT_THREAD_SAFE | c::TAG_POLLING_THREAD_KILLABLE => room.put(&[0]),
            c::TAG_POLLING_THREAD_WITH_TIMEOUT => room.put(&(wait as *const () as usize).to_ne_bytes()),
            c::TAG_STOP_POLLING_THREAD => room.put(&(stop as *const () as usize).to_ne_bytes()),
            _ => room.refuse(c::ERROR_TAG),
        })
    })
}

/// Nothing can be set.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHSetCapabilities(
    _lun: c_ulong,
    _tag: c_ulong,
    _length: c_ulong,
    _value: *const c_uchar,
) -> Response {
    c::ERROR_TAG
}

/// T=1 it is already; there is nothing to negotiate.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHSetProtocolParameters(
    _lun: c_ulong,
    protocol: c_ulong,
    _flags: c_uchar,
    _pts1: c_uchar,
    _pts2: c_uchar,
    _pts3: c_uchar,
) -> Response {
    if protocol == c::PROTOCOL_T1 { c::SUCCESS } else { c::PROTOCOL_NOT_SUPPORTED }
}

/// Power on, off, and reset.
///
/// # Safety
/// `length` is null or points to a number, and `atr` is null or to so many bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHPowerICC(
    lun: c_ulong,
    action: c_ulong,
    atr: *mut c_uchar,
    length: *mut c_ulong,
) -> Response {
    // SAFETY: this function's contract is the room's.
    let room = unsafe { Room::new(atr, length) };
    guarded(|| {
        with(lun, |reader| {
            let powered = match action {
                c::POWER_UP => reader.power_up(),
                c::RESET => reader.reset(),
                c::POWER_DOWN => {
                    reader.power_down();
                    return room.refuse(c::SUCCESS);
                }
                _ => return room.refuse(c::NOT_SUPPORTED),
            };
            powered.map_or_else(|_| room.refuse(c::ERROR_POWER_ACTION), |atr| room.put(&atr))
        })
    })
}

/// One command APDU, one response APDU.
///
/// # Safety
/// `command` is null or points to `command_length` bytes; `length` is null or points to a number, and `response` is null or
/// to so many bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHTransmitToICC(
    lun: c_ulong,
    _sent: IoHeader,
    command: *const c_uchar,
    command_length: c_ulong,
    response: *mut c_uchar,
    length: *mut c_ulong,
    _received: *mut IoHeader,
) -> Response {
    // SAFETY: this function's contract is the room's.
    let room = unsafe { Room::new(response, length) };
    // SAFETY: and that of the bytes, which are not kept.
    let command = unsafe { bytes(command, command_length) };
    guarded(|| {
        with(lun, |reader| match reader.transmit(command) {
            Ok(response) => room.put(&response),
            Err(error) => room.refuse(of(&error)),
        })
    })
}

/// A question to the reader itself.
///
/// # Safety
/// `data` is null or points to `data_length` bytes; `answer` is null or points to `room` bytes that may be written; `length` is
/// null or points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHControl(
    lun: c_ulong,
    code: c_ulong,
    data: *const c_uchar,
    data_length: c_ulong,
    answer: *mut c_uchar,
    room: c_ulong,
    length: *mut c_ulong,
) -> Response {
    if !length.is_null() {
        // SAFETY: it is not null and points to a number of the caller's, which no other reference points to.
        unsafe { length.write(room) };
    }
    // SAFETY: the number is that of the bytes that may be written.
    let room = unsafe { Room::new(answer, length) };
    // SAFETY: this function's contract; they are not kept.
    let data = unsafe { bytes(data, data_length) };
    guarded(|| {
        with(lun, |reader| {
            let Ok(code) = u32::try_from(code) else { return room.refuse(c::NOT_SUPPORTED) };
            match reader.control(code, data, u32::try_from(room.size()).unwrap_or(u32::MAX)) {
                Ok(Some(value)) => room.put(&value),
                Ok(None) => room.refuse(c::NOT_SUPPORTED),
                Err(error) => room.refuse(of(&error)),
            }
        })
    })
}

/// Whether a card is in the reader.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHICCPresence(lun: c_ulong) -> Response {
    guarded(|| with(lun, |reader| if reader.is_present() { c::SUCCESS } else { c::ICC_NOT_PRESENT }))
}

/// Waits until [`IFDHICCPresence`] has something new to say, for so many milliseconds.
extern "C" fn wait(lun: c_ulong, timeout: c_int) -> Response {
    let timeout = Duration::from_millis(timeout.try_into().unwrap_or(0));
    guarded(|| with(lun, |reader| if reader.wait(timeout) { c::SUCCESS } else { c::RESPONSE_TIMEOUT }))
}

/// Ends [`wait`].
extern "C" fn stop(lun: c_ulong) -> Response {
    guarded(|| {
        with(lun, |reader| {
            reader.wake();
            c::SUCCESS
        })
    })
}

/// Keeps panics on this side.
fn guarded(act: impl FnOnce() -> Response) -> Response {
    // Whatever was locked recovers from poison.
    panic::catch_unwind(AssertUnwindSafe(act)).unwrap_or(c::COMMUNICATION_ERROR)
}

fn with(lun: c_ulong, act: impl FnOnce(&Reader) -> Response) -> Response {
    // Waits and commands are long: not under the lock.
    let reader = READERS.read().unwrap_or_else(PoisonError::into_inner).get(&lun).cloned();
    reader.map_or(c::NO_SUCH_DEVICE, |reader| act(&reader))
}

fn of(error: &ReaderError) -> Response {
    match error {
        ReaderError::NoCard => c::ICC_NOT_PRESENT,
        _ => c::COMMUNICATION_ERROR,
    }
}

/// The bytes at a pointer; none where it is null or the number absurd.
///
/// # Safety
/// `data` is null or points to `length` bytes, which nobody changes during `'a`.
unsafe fn bytes<'a>(data: *const c_uchar, length: c_ulong) -> &'a [u8] {
    if data.is_null() || length > MOST {
        return &[];
    }
    // SAFETY: not null, readable and unchanged for `'a` by the contract; short enough for a slice.
    unsafe { slice::from_raw_parts(data, length as usize) }
}

/// The caller's room for an answer, and where its length goes.
struct Room {
    value: *mut c_uchar,
    length: *mut c_ulong,
}

impl Room {
    /// # Safety
    /// While the room lives, `length` is null or points to a number, and `value` is null or points to so many bytes that may be
    /// written. Nobody else uses either.
    unsafe fn new(value: *mut c_uchar, length: *mut c_ulong) -> Room {
        Room { value, length }
    }

    fn size(&self) -> c_ulong {
        if self.value.is_null() || self.length.is_null() {
            return 0;
        }
        // SAFETY: not null, and a number that nobody else uses, by the contract of `new`.
        unsafe { self.length.read() }
    }

    /// Writes an answer where it has room.
    fn put(&self, answer: &[u8]) -> Response {
        let length = answer.len() as c_ulong;
        if length > self.size() {
            return self.refuse(c::ERROR_INSUFFICIENT_BUFFER);
        }
        if length > 0 {
            // SAFETY: a room with a size has bytes that may be written, at least so many as was just compared; the answer is
            // memory of this library, so they do not overlap.
            unsafe { ptr::copy_nonoverlapping(answer.as_ptr(), self.value, answer.len()) };
        }
        self.tell(length);
        c::SUCCESS
    }

    /// No answer.
    fn refuse(&self, response: Response) -> Response {
        self.tell(0);
        response
    }

    fn tell(&self, length: c_ulong) {
        if !self.length.is_null() {
            // SAFETY: not null, and a number that nobody else uses, by the contract of `new`.
            unsafe { self.length.write(length) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stay_in_their_room() {
        for (room, size) in [(0, 0), (3, 0), (4, 4), (9, 4)] {
            let (mut value, mut length) = ([0xA5; 10], room);
            // SAFETY: both live longer than the room, which is not larger than the array.
            let put = unsafe { Room::new(value.as_mut_ptr(), &mut length) }.put(b"card");
            assert_eq!(put, if size == 4 { c::SUCCESS } else { c::ERROR_INSUFFICIENT_BUFFER });
            assert_eq!(length, size);
            assert!(value[length as usize..].iter().all(|byte| *byte == 0xA5), "{value:?}");
        }
        // SAFETY: null is allowed.
        let nowhere = unsafe { Room::new(ptr::null_mut(), ptr::null_mut()) };
        assert_eq!((nowhere.put(b"card"), nowhere.put(b"")), (c::ERROR_INSUFFICIENT_BUFFER, c::SUCCESS));
    }

    #[test]
    fn panics_stay_inside() {
        assert_eq!(guarded(|| panic!("on purpose")), c::COMMUNICATION_ERROR);
    }

    #[test]
    fn strange_callers_are_refused() {
        const LUN: c_ulong = 0x7F_0000;
        let mut length = 0;
        // SAFETY: null is allowed everywhere, and the number lives long enough.
        let capabilities = |tag| unsafe { IFDHGetCapabilities(LUN, tag, &mut length, ptr::null_mut()) };
        let mut capabilities = capabilities;
        assert_eq!(capabilities(c::TAG_ATR), c::NO_SUCH_DEVICE);
        for device in [&b"\0"[..], b"relative\0", b"\xFF\xFE\0"] {
            // SAFETY: it ends with a zero.
            let created = unsafe { IFDHCreateChannelByName(LUN, device.as_ptr().cast()) };
            assert_eq!(created, c::NO_SUCH_DEVICE);
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { IFDHCreateChannelByName(LUN, ptr::null()) }, c::NO_SUCH_DEVICE);
        assert_eq!(IFDHCloseChannel(LUN), c::NO_SUCH_DEVICE);
        // A server that is not there: a reader without a card.
        // SAFETY: it ends with a zero.
        let created = unsafe { IFDHCreateChannelByName(LUN, c"/nonexistent/pcsc:".as_ptr()) };
        assert_eq!(created, c::SUCCESS);
        assert_eq!(IFDHICCPresence(LUN), c::ICC_NOT_PRESENT);
        assert_eq!(capabilities(c::TAG_ATR), c::ICC_NOT_PRESENT);
        assert_eq!(capabilities(c::TAG_SLOTS_NUMBER), c::ERROR_INSUFFICIENT_BUFFER);
        assert_eq!(capabilities(0x1234), c::ERROR_TAG);
        let header = IoHeader { protocol: 1, length: 0 };
        let (mut answer, mut length) = ([0; 8], 8);
        // SAFETY: null has no bytes whatever the length says; the room is as long as it says.
        let sent = unsafe {
            IFDHTransmitToICC(LUN, header, ptr::null(), 99, answer.as_mut_ptr(), &mut length, ptr::null_mut())
        };
        assert_eq!((sent, length), (c::COMMUNICATION_ERROR, 0));
        // SAFETY: null is allowed.
        let powered = |action| unsafe { IFDHPowerICC(LUN, action, ptr::null_mut(), ptr::null_mut()) };
        assert_eq!([c::POWER_UP, c::POWER_DOWN, 7].map(powered), [c::ERROR_POWER_ACTION, c::SUCCESS, c::NOT_SUPPORTED]);
        assert_eq!((wait(LUN, -1), stop(LUN), wait(LUN, c_int::MAX)), (c::RESPONSE_TIMEOUT, c::SUCCESS, c::SUCCESS));
        assert_eq!(IFDHCloseChannel(LUN), c::SUCCESS);
    }
}
