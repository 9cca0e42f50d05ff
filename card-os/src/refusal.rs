//! Every reason to say no, and the status word that tells it. The only place where a reason becomes SW1-SW2.
//!
//! Sources: card.md §14 (status words), §4 and §20 (which reason applies where).

use crate::{platform::EngineFault, platform::NvmFault, store::StoreError};
use apdu::Sw;

/// Why the card did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The class byte means nothing here.
    ClassUnsupported,
    /// A logical channel other than the basic one was named.
    ChannelUnsupported,
    /// Secure messaging of a kind, or at a place, that the card does not have.
    SecureMessagingUnsupported,
    /// Secure messaging without the session it belongs to.
    NoSecureSession,
    /// The instruction is unknown in this application.
    InstructionUnsupported,
    /// The card's life cycle phase does not allow the command.
    Phase,
    /// P1–P2 name nothing the instruction knows.
    Parameters,
    /// The APDU's form, Lc or Le does not fit.
    Length,
    /// SELECT of the MF outside an application.
    NoMasterFile,
    /// A command on the current EF, and there is none.
    NoCurrentFile,
    /// No application or EF of that name.
    FileNotFound,
    /// No key, PIN or data object of that name.
    ReferenceNotFound,
    /// The object is of another kind than the command works on.
    WrongKind,
    /// The PIN or key set has no tries left.
    Blocked,
    /// The same on a card that tells it as ISO/IEC 7816-4 does.
    BlockedAsIso,
    /// Secure messaging with header authentication, or without its data object.
    MessagingObjectMissing,
    /// A secure messaging data object that does not hold; the session is gone.
    MessagingObject,
    /// No session key can be delivered in this application.
    NoKeyDelivery,
    /// The access rule is not met.
    SecurityStatus,
    /// A wrong value, with the tries left after it; also the answer to the try-counter query.
    Tries(u8),
    /// The object is right but not usable so.
    Conditions,
    /// The data field's content is not acceptable.
    Data,
    /// No such record.
    RecordNotFound,
    /// The offset lies at or behind the end of the EF.
    Offset,
    /// Non-volatile memory failed or is full.
    Memory,
    /// The engine or the random source failed, or a signature failed its check.
    NoDiagnosis,
}

impl Refusal {
    /// One of each, for tables and tests; [`Refusal::Tries`] stands with 0.
    pub const ALL: [Refusal; 26] = [
        Refusal::ClassUnsupported,
        Refusal::ChannelUnsupported,
        Refusal::SecureMessagingUnsupported,
        Refusal::NoSecureSession,
        Refusal::InstructionUnsupported,
        Refusal::Phase,
        Refusal::Parameters,
        Refusal::Length,
        Refusal::NoMasterFile,
        Refusal::NoCurrentFile,
        Refusal::FileNotFound,
        Refusal::ReferenceNotFound,
        Refusal::WrongKind,
        Refusal::Blocked,
        Refusal::BlockedAsIso,
        Refusal::MessagingObjectMissing,
        Refusal::MessagingObject,
        Refusal::NoKeyDelivery,
        Refusal::SecurityStatus,
        Refusal::Tries(0),
        Refusal::Conditions,
        Refusal::Data,
        Refusal::RecordNotFound,
        Refusal::Offset,
        Refusal::Memory,
        Refusal::NoDiagnosis,
    ];

    /// The status word on the wire.
    #[must_use]
    pub const fn sw(self) -> Sw {
        Sw(match self {
            Refusal::ClassUnsupported => 0x6E00,
            Refusal::ChannelUnsupported => 0x6881,
            Refusal::SecureMessagingUnsupported => 0x6882,
            Refusal::NoSecureSession => 0x69FC,
            Refusal::InstructionUnsupported => 0x6D00,
            Refusal::Phase | Refusal::Conditions => 0x6985,
            Refusal::Parameters | Refusal::NoMasterFile => 0x6A86,
            Refusal::Length => 0x6700,
            Refusal::NoCurrentFile => 0x6986,
            Refusal::FileNotFound => 0x6A82,
            Refusal::ReferenceNotFound => 0x6A88,
            Refusal::WrongKind => 0x6981,
            Refusal::Blocked => 0x6984,
            Refusal::BlockedAsIso => 0x6983,
            Refusal::MessagingObjectMissing => 0x6987,
            Refusal::MessagingObject => 0x6988,
            Refusal::NoKeyDelivery => 0x66F1,
            Refusal::SecurityStatus => 0x6982,
            // The counters of this card stay below sixteen; more would not fit the nibble.
            Refusal::Tries(left) => 0x63C0 | if left < 0x0F { left as u16 } else { 0x0F },
            Refusal::Data => 0x6A80,
            Refusal::RecordNotFound => 0x6A83,
            Refusal::Offset => 0x6B00,
            Refusal::Memory => 0x6581,
            Refusal::NoDiagnosis => 0x6F00,
        })
    }
}

impl From<StoreError> for Refusal {
    fn from(_: StoreError) -> Self {
        Refusal::Memory
    }
}

impl From<NvmFault> for Refusal {
    fn from(_: NvmFault) -> Self {
        Refusal::Memory
    }
}

impl From<EngineFault> for Refusal {
    fn from(_: EngineFault) -> Self {
        Refusal::NoDiagnosis
    }
}
