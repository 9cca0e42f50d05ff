//! Client crates from the registry, unmodified, each as a small program that talks to whatever card PC/SC shows.
//!
//! They were written by others, for real cards; nothing of the simulator is in them. `clients/run` builds them and lets
//! `host-tools/cli/tests/jitsuin/registry.rs` hold what they print against what is on the card.
//!
//! | crate | version | licence | repository |
//! |---|---|---|---|
//! | `jpki` | 0.4.3 | LGPL-2.1-or-later | siketyan/jpki-rs |
//! | `jpki-cli` (a program; installed, not linked) | 0.4.3 | LGPL-2.1-or-later | siketyan/jpki-rs |
//! | `myna` | 0.3.0 | Apache-2.0 | my-number/myna |
//! | `myna-card` | 3.3.4 | MIT | soltia48/myna-card |
//!
//! These programs are tests and are not handed on; the simulator links none of these crates. Some of what they bring along is
//! old, hence the workspace of its own.

use std::fmt::Display;

/// One line of output: a name and a value.
pub fn show(name: &str, value: &impl Display) {
    println!("{name}: {value}");
}

/// Says what went wrong, and ends the program.
pub fn fail(error: &impl Display) -> ! {
    eprintln!("{error}");
    std::process::exit(1)
}
