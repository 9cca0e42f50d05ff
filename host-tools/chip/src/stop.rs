//! Why the chip stands still.

/// What ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// It waits for a byte of the line.
    #[error("it waits")]
    Idle,
    /// The instructions that it was given are used up.
    #[error("it has not come to an end")]
    Limit,
    /// The processor cannot go on.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The firmware ended itself.
    #[error("the firmware ended itself")]
    Exit,
    /// Power has gone at a word of the file.
    #[error("power has gone")]
    Cut,
}

/// What no processor goes on from without a handler, and there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No instruction of this processor, at this address.
    #[error("no instruction at {0:#010x}")]
    Undefined(u32),
    /// No memory to run from.
    #[error("no program at {0:#010x}")]
    Fetch(u32),
    /// No memory to read.
    #[error("nothing to read at {0:#010x}")]
    Load(u32),
    /// No memory to write.
    #[error("nothing to write at {0:#010x}")]
    Store(u32),
    /// Words that must lie on a border, and do not.
    #[error("{0:#010x} is on no border")]
    Unaligned(u32),
    /// A jump to what is not Thumb.
    #[error("a jump to {0:#010x}, which is not Thumb")]
    State(u32),
    /// A write beside the file.
    #[error("a write past the end of the file")]
    File,
}
