//! Data fields, which stay out of logs.

/// A data field or a part of one. It may hold a PIN or a key, so `Debug` shows how long it is and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Data<'a>(pub &'a [u8]);

impl core::ops::Deref for Data<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl core::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::command::{Command, Instruction, Protected};
    use apdu::Header;

    #[test]
    fn a_shown_command_keeps_its_data_to_itself() {
        let show = |bytes: &[u8]| {
            let (header, body) = (Header::parse(bytes).unwrap(), apdu::Command::parse(bytes));
            match Instruction::of(header.cla.0, header.ins, false) {
                Ok(instruction) => format!("{:?}", Command::read(instruction, header, body).unwrap()),
                Err(_) => format!("{:?}", Protected::read(header, body).unwrap()),
            }
        };
        assert_eq!(show(b"\x00\x20\x00\x98\x041234"), "Verify { pin: Sfi(24), value: 4 bytes }");
        assert_eq!(show(b"\x08\x20\x00\x91\x041234"), "Verify { pin: Sfi(17), object: 4 bytes }");
        for header in
            [[0x00, 0x24, 0x01, 0x98], [0x80, 0x32, 0x00, 0x9C], [0x80, 0x2A, 0x00, 0x80], [0x80, 0xA2, 0x06, 0xC1]]
        {
            let le: &[u8] = if header[1] == 0x2A { &[0] } else { &[] };
            let shown = show(&[&header[..], b"\x041234", le].concat());
            assert!(shown.contains(": 4 bytes") && !shown.contains("50, 51"), "{shown}");
        }
    }
}
