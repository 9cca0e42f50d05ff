//! The table's rows in words.

use card_os::profile::{Application, Kind, Object, Operation, Phase, PinFormat, Rule, Size};

/// What an object is.
pub(super) fn kind(object: &Object) -> String {
    match object.kind {
        Kind::File(_) => "transparent".into(),
        Kind::Records(_) => "records".into(),
        Kind::DataObject { .. } => "data object".into(),
        Kind::PrivateKey { .. } => "RSA-2048 private key".into(),
        Kind::PublicKey => "RSA-2048 public key".into(),
        Kind::Pin { format: PinFormat::Digits(digits), .. } => format!("PIN, {digits} digits"),
        Kind::Pin { format: PinFormat::Password { least }, .. } => format!("password, {least}–16 characters"),
        Kind::Internal => "internal".into(),
    }
}

/// How large an object may be, where that is a question.
pub(super) fn size(object: &Object) -> Option<String> {
    match object.kind {
        // Two files of the JPKI application hold nothing that anybody could measure. (card.md D-20)
        Kind::File(Size::Fixed(0)) => None,
        Kind::File(Size::Fixed(size)) => Some(size.to_string()),
        Kind::File(Size::Written(most)) | Kind::Records(most) | Kind::DataObject { capacity: most, .. } => {
            Some(format!("≤{most}"))
        }
        _ => None,
    }
}

/// Who may do what in this phase, in the order of the table's operations: `read: anybody`.
pub(super) fn opened_by(application: &Application, object: &Object, phase: Phase) -> Vec<(&'static str, String)> {
    let operations = [
        (Operation::Read, "read"),
        (Operation::Verify, "verify"),
        (Operation::Change, "change"),
        (Operation::Sign, "sign"),
        (Operation::Authenticate, "authenticate"),
        (Operation::Decipher, "decipher"),
    ];
    let words = operations.into_iter().filter_map(|(operation, name)| {
        let who = match object.rule(operation, phase) {
            Rule::Never => return None,
            Rule::Free => "anybody".into(),
            Rule::Pins(pins) => pins.iter().map(|pin| pin_name(application, *pin)).collect::<Vec<_>>().join(" or "),
            Rule::Issuer => "issuer".into(),
        };
        Some((name, who))
    });
    words.collect()
}

fn pin_name(application: &Application, pin: u8) -> String {
    let name = application.file(u16::from(pin)).map_or("", |object| object.japanese);
    if name.is_empty() { format!("{pin:04X}") } else { format!("{name} {pin:04X}") }
}
