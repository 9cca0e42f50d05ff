//! How much of a journal's log matters to a walk.

use crate::journal::Journal;

/// How the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Log {
    /// With room for a try charged.
    Roomy,
    /// So that a try charged moves it.
    Full,
    /// With something that is no record.
    Torn,
}

impl Log {
    /// Of a memory.
    pub(crate) fn of(journal: &Journal<'_>) -> Self {
        match (journal.is_clean(), journal.has_room_for(2)) {
            (false, _) => Log::Torn,
            (true, false) => Log::Full,
            (true, true) => Log::Roomy,
        }
    }
}
