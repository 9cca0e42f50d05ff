//! What is said on the control channel: one JSON object a line, each way. (docs/CONTROL.md)

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};
use zeroize::Zeroizing;

/// What a hand at the readers does. `reader` may be left out where there is only one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Tell what is in the readers.
    List {},
    /// Put a card in.
    Insert {
        #[serde(default)]
        reader: String,
        card: String,
    },
    /// Take the card out.
    Remove {
        #[serde(default)]
        reader: String,
    },
    /// Take the card out and put another one in.
    Swap {
        #[serde(default)]
        reader: String,
        card: String,
    },
    /// Give power, or take it away.
    Power {
        #[serde(default)]
        reader: String,
        on: bool,
    },
    /// Warm reset.
    Reset {
        #[serde(default)]
        reader: String,
    },
    /// Pull the card out in the middle of its work: in memory operation `word`, counted from 0 and from now.
    Cut {
        #[serde(default)]
        reader: String,
        word: u64,
        #[serde(default)]
        tear: Tear,
        /// For the bits of a torn word.
        #[serde(default)]
        seed: u64,
    },
    /// Keep the card as it is.
    Snapshot {
        #[serde(default)]
        reader: String,
        name: String,
    },
    /// Make the card again what it was.
    Restore {
        #[serde(default)]
        reader: String,
        name: String,
    },
    /// Write every exchange of all readers to a file of the server's; without one, stop.
    Trace { file: Option<PathBuf> },
    /// The holder types this PIN on the reader's keys; without one, gives up.
    Press {
        #[serde(default)]
        reader: String,
        pin: Option<Pin>,
    },
    /// Send every event from now on, as lines of a trace, until the connection ends.
    Watch {},
    /// End the server.
    Stop {},
}

/// A PIN on its way to the keys of a reader.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pin(pub(crate) Zeroizing<String>);

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin")
    }
}

/// What a cut leaves of the word or page in flight.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tear {
    /// Nothing happened.
    #[default]
    Before,
    /// It was complete.
    After,
    /// The first half of the bytes.
    FirstHalf,
    /// The last half of the bytes.
    LastHalf,
    /// Any of the bits, by seed.
    Bits,
}

/// What is known of a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub reader: String,
    /// Id of the card; none where there is none, or somebody else's.
    pub card: Option<String>,
    pub present: bool,
    pub powered: bool,
    pub atr: String,
    pub connections: u32,
    pub exclusive: bool,
    /// Insertions and removals so far.
    pub events: u32,
    /// Tries left, by PIN.
    pub pins: BTreeMap<String, u8>,
    pub snapshots: Vec<String>,
}

/// What is answered, after clients can see the effect.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readers: Option<Vec<About>>,
}
