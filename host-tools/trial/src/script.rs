//! An input of a fuzz target as a script that `jitsuin apdu` replays on a card: a command in hexadecimal, `reset` or `power` a line.

use crate::{
    deeds::{Deed, deeds},
    steps::{SESSION, Step, Steps, WHOLE},
};
use std::fmt::Write;

/// Targets whose inputs are the life of a card.
pub const TARGETS: [&str; 3] = ["session", "session_structured", "whole"];

/// The script; `None` for a target whose inputs are something else.
#[must_use]
pub fn of(target: &str, input: &[u8]) -> Option<String> {
    let mut script = String::new();
    match target {
        "session" => steps(input, SESSION, &mut script),
        "whole" => steps(input, WHOLE, &mut script),
        "session_structured" => deeds(input).for_each(|deed| deed_line(&deed, &mut script)),
        _ => return None,
    }
    Some(script)
}

fn steps(input: &[u8], most: usize, script: &mut String) {
    for step in Steps::new(input).take(most) {
        match step {
            // A command of no bytes cannot be written down, and no reader sends one.
            Step::Command([]) => script.push_str("# a command of no bytes"),
            Step::Command(command) => hex(command, script),
            Step::WarmReset => script.push_str("reset"),
            Step::PowerCycle | Step::Remount => script.push_str("power"),
        }
        script.push('\n');
    }
}

fn deed_line(deed: &Deed, script: &mut String) {
    let mut command = Vec::new();
    match deed {
        Deed::WarmReset => script.push_str("reset"),
        Deed::PowerCycle | Deed::Restart => script.push_str("power"),
        Deed::Cut(operation, tear) => {
            let _ = write!(script, "# the power goes in operation {operation} of the next command: {tear:?}");
        }
        deed => {
            deed.command(&mut command);
            hex(&command, script);
            let _ = write!(script, "  # {deed:?}");
        }
    }
    script.push('\n');
}

fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        // Into a string nothing fails.
        let _ = write!(out, "{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_reads_as_a_script() {
        let input = b"\x04\x00\x20\x00\x98\x00\x00\x00\x01\x05\x00\xB0\x86\x00\x00";
        assert_eq!(of("session", input).as_deref(), Some("00200098\nreset\npower\n00B0860000\n"));
        assert!(of("session_structured", &[]).expect("a script").starts_with("00A4040C0AD392F000260100000001  #"));
        assert_eq!(of("tlv", input), None);
    }
}
