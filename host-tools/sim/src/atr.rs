//! An answer to reset taken apart. (ISO/IEC 7816-3:2006 §8.2, ISO/IEC 7816-4:2005 §8.1.1, card.md §2.1, §2.2)

use serde::Serialize;

/// What an ATR says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Atr {
    /// Every byte, in hexadecimal.
    pub bytes: String,
    /// `direct` or `inverse`.
    pub convention: &'static str,
    /// Interface bytes by name, such as `TA1`, with their values.
    pub interface: Vec<(String, u8)>,
    /// Transmission protocols that it offers: the low halves of TD1, TD2 and so on.
    pub protocols: Vec<u8>,
    /// Historical bytes, in hexadecimal.
    pub historical: String,
    /// What the historical bytes say, one statement each.
    pub statements: Vec<String>,
    /// Whether TCK makes everything after TS add up to zero; `None` where no TCK belongs.
    pub check: Option<bool>,
}

impl Atr {
    /// Takes an ATR apart. `None` for bytes that are none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&ts, rest) = bytes.split_first()?;
        let convention = match ts {
            0x3B => "direct",
            0x3F => "inverse",
            _ => return None,
        };
        let (&t0, mut rest) = rest.split_first()?;
        let (mut announced, mut round) = (t0 >> 4, 1);
        let (mut interface, mut protocols) = (Vec::new(), Vec::new());
        while announced != 0 {
            let mut next = 0;
            for (bit, letter) in (0..).zip("ABCD".chars()).filter(|(bit, _)| announced >> bit & 1 != 0) {
                let (&byte, after) = rest.split_first()?;
                rest = after;
                interface.push((format!("T{letter}{round}"), byte));
                if bit == 3 {
                    protocols.push(byte & 0x0F);
                    next = byte >> 4;
                }
            }
            (announced, round) = (next, round + 1);
        }
        let (historical, rest) = rest.split_at_checked(usize::from(t0 & 0x0F))?;
        let checked = protocols.iter().any(|protocol| *protocol != 0);
        let check = match (checked, rest) {
            (true, [_]) => Some(bytes.iter().skip(1).fold(0, |sum, byte| sum ^ byte) == 0),
            (false, []) => None,
            _ => return None,
        };
        let statements = statements(historical, &protocols);
        let (bytes, historical) = (hex::encode_upper(bytes), hex::encode_upper(historical));
        Some(Atr { bytes, convention, interface, protocols, historical, statements, check })
    }

    /// Its protocols in one line: `T=1`.
    #[must_use]
    pub fn protocol_text(&self) -> String {
        let mut names: Vec<String> = self.protocols.iter().map(|protocol| format!("T={protocol}")).collect();
        names.dedup();
        if names.is_empty() { "T=0".into() } else { names.join(", ") }
    }
}

/// Compact TLV behind category 80; a reader's own form for type B cards. (card.md §2.1, §2.2)
fn statements(historical: &[u8], protocols: &[u8]) -> Vec<String> {
    match historical {
        [] => Vec::new(),
        [0x80, rest @ ..] => compact(rest),
        // TD1 80, TD2 01: built by a contactless reader. (PC/SC part 3)
        &[a, b, c, d, rate, frame, timing, mbli] if protocols == [0x00, 0x01] => vec![
            format!("type B, application data of ATQB {a:02X}{b:02X}{c:02X}{d:02X}"),
            format!("protocol info {rate:02X}{frame:02X}{timing:02X}: FWI {}, MBLI {}", timing >> 4, mbli >> 4),
        ],
        other => vec![format!("category {:02X}, proprietary", other.first().copied().unwrap_or(0))],
    }
}

fn compact(mut bytes: &[u8]) -> Vec<String> {
    let mut statements = Vec::new();
    while let Some((&head, rest)) = bytes.split_first() {
        let Some((value, after)) = rest.split_at_checked(usize::from(head & 0x0F)) else {
            statements.push(format!("status indicator {}", hex::encode_upper(bytes)));
            break;
        };
        bytes = after;
        match (head >> 4, value) {
            (0x1, country) => statements.push(format!("country {}", hex::encode_upper(country).trim_end_matches('F'))),
            (0x3, &[services]) => service(services, &mut statements),
            (0x7, capabilities) => self::capabilities(capabilities, &mut statements),
            (tag, value) => statements.push(format!("object {tag:X}: {}", hex::encode_upper(value))),
        }
    }
    statements
}

fn service(byte: u8, statements: &mut Vec<String>) {
    let said = [(0x80, "selection by full name"), (0x40, "selection by partial name"), (0x01, "no MF")];
    statements.extend(said.into_iter().filter(|(bit, _)| byte & bit != 0).map(|(_, said)| said.into()));
}

fn capabilities(bytes: &[u8], statements: &mut Vec<String>) {
    let said = [
        (0, 0x04, "short EF identifiers"),
        (0, 0x02, "record numbers"),
        (2, 0x80, "command chaining"),
        (2, 0x40, "extended lengths"),
    ];
    let holds = |place: usize, bit: u8| bytes.get(place).is_some_and(|byte| byte & bit != 0);
    statements.extend(said.into_iter().filter(|(place, bit, _)| holds(*place, *bit)).map(|(.., said)| said.into()));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Atr {
        Atr::parse(&hex::decode(text).unwrap()).unwrap()
    }

    /// The two that card.md §2.1 decodes.
    #[test]
    fn the_specification_decodes_them_so() {
        let atr = parse("3BE000FF8131FE4514");
        let interface = [("TB1", 0x00), ("TC1", 0xFF), ("TD1", 0x81), ("TD2", 0x31), ("TA3", 0xFE), ("TB3", 0x45)];
        assert_eq!(atr.interface, interface.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!((atr.protocols.as_slice(), atr.historical.as_str(), atr.check), (&[1, 1][..], "", Some(true)));
        assert_eq!(atr.protocol_text(), "T=1");
        let atr = parse("3BDA13FF8131FB468012392F31C173C601C03B");
        assert_eq!(atr.interface.first(), Some(&("TA1".to_owned(), 0x13)));
        assert_eq!(
            atr.statements,
            [
                "country 392",
                "selection by full name",
                "selection by partial name",
                "no MF",
                "short EF identifiers",
                "record numbers",
                "command chaining",
                "extended lengths"
            ]
        );
        assert!(
            !parse("3BC5FF81 31FB4580 73C6010000".replace(' ', "").as_str())
                .statements
                .contains(&"extended lengths".into())
        );
        assert!(parse("3B888001000041E0B381A1003B").statements[1].contains("FWI 10"));
    }

    #[test]
    fn what_is_no_atr_is_none() {
        for bad in ["", "3B", "00", "3BE000", "3BE000FF8131FE451400", "3B05", "3B10"] {
            assert_eq!(Atr::parse(&hex::decode(bad).unwrap()), None, "{bad}");
        }
        assert_eq!(parse("3BE000FF8131FE4515").check, Some(false));
    }
}
