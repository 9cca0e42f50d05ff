//! Status words.

use crate::Ne;
use core::fmt;

/// A status word, SW1-SW2; any of the 65,536 values.
///
/// Constants and names follow ISO/IEC 7816-4, and card.md §14 where the card gives a value a meaning of its own.
///
/// ```
/// use apdu::{Category, Sw};
///
/// let sw = Sw(0x63C2);
/// assert_eq!(sw.retries(), Some(2));
/// assert_eq!(sw.category(), Category::Warning);
/// assert_eq!(sw.to_string(), "63C2 (wrong value, 2 tries left)");
/// assert_eq!(Sw::BLOCKED.to_string(), "6984 (referenced object blocked)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sw(pub u16);

/// General meaning of a status word. (ISO/IEC 7816-4:2005 §5.1.3, table 5)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// 9000, 61xx: processed.
    Normal,
    /// 62xx, 63xx: processed, with something to say.
    Warning,
    /// 64xx, 65xx, 66xx: aborted while executing.
    ExecutionError,
    /// 6700, 68xx–6Axx, 6B00, 6Cxx, 6D00, 6E00, 6F00: refused before executing.
    CheckingError,
    /// Other 67xx, 6Bxx, 6Dxx–6Fxx and 9xxx.
    Proprietary,
    /// Not a status word: 60xx and all that begins neither with 6 nor with 9.
    Invalid,
}

/// One table: constant, value, name.
macro_rules! status_words {
    ($($constant:ident = $value:literal, $name:literal;)*) => {
        impl Sw {
            $(#[doc = concat!("`", stringify!($value), "`: ", $name, ".")]
            pub const $constant: Sw = Sw($value);)*

            /// Every status word that has a constant, in ascending order.
            pub const NAMED: &'static [Sw] = &[$(Sw($value)),*];

            const fn exact_name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

status_words! {
    DATA_MAY_BE_CORRUPTED = 0x6281, "returned data may be corrupted";
    END_OF_FILE = 0x6282, "end of file or record before Ne bytes";
    FILE_DEACTIVATED = 0x6283, "selected file deactivated";
    FILE_CONTROL_INFORMATION_FORMAT = 0x6284, "file control information badly formatted";
    FILE_TERMINATED = 0x6285, "selected file in termination state";
    NO_SENSOR_INPUT = 0x6286, "no input from a sensor on the card";
    RECORD_DEACTIVATED = 0x6287, "a referenced record is deactivated";
    VERIFICATION_FAILED = 0x6300, "verification failed, no try limit";
    UNSUCCESSFUL_COMPARISON = 0x6340, "unsuccessful comparison";
    FILE_FILLED_UP = 0x6381, "file filled up by the last write";
    EXECUTION_ERROR = 0x6400, "execution error, memory unchanged";
    IMMEDIATE_RESPONSE_REQUIRED = 0x6401, "immediate response required by the card";
    CHANNEL_SHARED_ACCESS_DENIED = 0x6481, "shared access to the logical channel denied";
    CHANNEL_OPENING_DENIED = 0x6482, "opening of the logical channel denied";
    EXECUTION_ERROR_MEMORY_CHANGED = 0x6500, "execution error, memory changed";
    MEMORY_FAILURE = 0x6581, "memory failure";
    SECURITY_ISSUE = 0x6600, "security-related issue";
    NO_KEY_DELIVERY = 0x66F1, "no key delivery configured";
    WRONG_LENGTH = 0x6700, "wrong length";
    CLA_FUNCTION_NOT_SUPPORTED = 0x6800, "function of CLA not supported";
    CHANNEL_NOT_SUPPORTED = 0x6881, "logical channel not supported";
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882, "secure messaging not supported";
    LAST_OF_CHAIN_EXPECTED = 0x6883, "last command of the chain expected";
    CHAINING_NOT_SUPPORTED = 0x6884, "command chaining not supported";
    COMMAND_NOT_ALLOWED = 0x6900, "command not allowed";
    INCOMPATIBLE_FILE_STRUCTURE = 0x6981, "command does not fit the file structure";
    SECURITY_STATUS_NOT_SATISFIED = 0x6982, "security status not satisfied";
    AUTHENTICATION_METHOD_BLOCKED = 0x6983, "authentication method blocked";
    BLOCKED = 0x6984, "referenced object blocked";
    CONDITIONS_NOT_SATISFIED = 0x6985, "conditions of use not satisfied";
    NO_CURRENT_EF = 0x6986, "no current EF";
    SM_OBJECT_MISSING = 0x6987, "secure messaging object missing";
    SM_OBJECT_INCORRECT = 0x6988, "secure messaging object incorrect";
    NO_SM_SESSION = 0x69FC, "no secure messaging session";
    WRONG_PARAMETERS = 0x6A00, "wrong parameters";
    WRONG_DATA = 0x6A80, "wrong data field";
    FUNCTION_NOT_SUPPORTED = 0x6A81, "function not supported";
    FILE_NOT_FOUND = 0x6A82, "file or application not found";
    RECORD_NOT_FOUND = 0x6A83, "record not found";
    NOT_ENOUGH_SPACE = 0x6A84, "not enough space in the file";
    LC_INCONSISTENT_WITH_TLV = 0x6A85, "Lc inconsistent with the TLV structure";
    WRONG_P1_P2 = 0x6A86, "wrong P1-P2";
    LC_INCONSISTENT_WITH_P1_P2 = 0x6A87, "Lc inconsistent with P1-P2";
    REFERENCED_DATA_NOT_FOUND = 0x6A88, "referenced data or key not found";
    FILE_ALREADY_EXISTS = 0x6A89, "file already exists";
    NAME_ALREADY_EXISTS = 0x6A8A, "application name already exists";
    WRONG_OFFSET = 0x6B00, "offset outside the EF";
    INS_NOT_SUPPORTED = 0x6D00, "instruction not supported";
    CLA_NOT_SUPPORTED = 0x6E00, "class not supported";
    NO_PRECISE_DIAGNOSIS = 0x6F00, "no precise diagnosis";
    SUCCESS = 0x9000, "success";
}

impl Sw {
    /// 63Cx: a wrong value, or a query, with `tries` tries left; a digit holds 15 at most.
    #[must_use]
    pub const fn tries_left(tries: u8) -> Sw {
        let digit = if tries > 15 { 15 } else { tries };
        Sw(u16::from_be_bytes([0x63, 0xC0 | digit]))
    }

    /// First byte.
    #[must_use]
    pub const fn sw1(self) -> u8 {
        self.to_bytes()[0]
    }

    /// Second byte.
    #[must_use]
    pub const fn sw2(self) -> u8 {
        self.to_bytes()[1]
    }

    /// Both bytes as they travel.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Whether this is 9000. (61xx is normal processing too, but not all of the answer.)
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == Sw::SUCCESS.0
    }

    /// Tries left, 0–15, of a 63Cx.
    #[must_use]
    pub const fn retries(self) -> Option<u8> {
        match self.to_bytes() {
            [0x63, sw2 @ 0xC0..=0xCF] => Some(sw2 & 0x0F),
            _ => None,
        }
    }

    /// Bytes that GET RESPONSE will give after a 61xx; 256 means that many or more.
    #[must_use]
    pub const fn remaining(self) -> Option<Ne> {
        match self.to_bytes() {
            [0x61, sw2] => Some(Ne::short(sw2)),
            _ => None,
        }
    }

    /// The Ne to repeat the command with after a 6Cxx.
    #[must_use]
    pub const fn correct_ne(self) -> Option<Ne> {
        match self.to_bytes() {
            [0x6C, sw2] => Some(Ne::short(sw2)),
            _ => None,
        }
    }

    /// General meaning.
    #[must_use]
    pub const fn category(self) -> Category {
        match self.to_bytes() {
            [0x61, _] | [0x90, 0x00] => Category::Normal,
            [0x62 | 0x63, _] => Category::Warning,
            [0x64..=0x66, _] => Category::ExecutionError,
            [0x68..=0x6A | 0x6C, _] | [0x67 | 0x6B | 0x6D..=0x6F, 0x00] => Category::CheckingError,
            [0x67 | 0x6B | 0x6D..=0x6F | 0x90..=0x9F, _] => Category::Proprietary,
            _ => Category::Invalid,
        }
    }

    /// A short English name: of this value, else of its family.
    #[must_use]
    pub const fn name(self) -> &'static str {
        if let Some(name) = self.exact_name() {
            return name;
        }
        match self.to_bytes() {
            [0x61, _] => "more data available",
            [0x62 | 0x64, 0x02..=0x80] => "the card asks to be queried",
            [0x62, _] => "warning, memory unchanged",
            [0x63, 0xC0..=0xCF] => "wrong value",
            [0x63, _] => "warning, memory changed",
            [0x64, _] => Sw::EXECUTION_ERROR.name(),
            [0x65, _] => Sw::EXECUTION_ERROR_MEMORY_CHANGED.name(),
            [0x66, _] => Sw::SECURITY_ISSUE.name(),
            [0x68, _] => Sw::CLA_FUNCTION_NOT_SUPPORTED.name(),
            [0x69, _] => Sw::COMMAND_NOT_ALLOWED.name(),
            [0x6A, _] => Sw::WRONG_PARAMETERS.name(),
            [0x6C, _] => "wrong Le",
            [0x67 | 0x6B | 0x6D..=0x6F | 0x90..=0x9F, _] => "proprietary",
            _ => "not a status word",
        }
    }
}

impl From<u16> for Sw {
    fn from(value: u16) -> Self {
        Sw(value)
    }
}

/// Four digits, the name, and the number that the second byte carries, if any.
impl fmt::Display for Sw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} ({}", self.0, self.name())?;
        match (self.retries(), self.remaining(), self.correct_ne()) {
            (Some(0), ..) => f.write_str(", no tries left")?,
            (Some(1), ..) => f.write_str(", 1 try left")?,
            (Some(tries), ..) => write!(f, ", {tries} tries left")?,
            (_, Some(Ne::SHORT_MAX), _) => f.write_str(", 256 bytes or more")?,
            (_, Some(ne), _) | (_, _, Some(ne)) => write!(f, ", {} bytes", ne.get())?,
            _ => {}
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Sw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sw({:04X})", self.0)
    }
}
