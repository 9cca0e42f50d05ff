//! A card as text.

use super::{
    CertificateView, View,
    view::{ApplicationView, FileView, PersonalView, PinState, PinView, Told},
};
use crate::out::say_line as say;

/// Prints everything, the important first.
pub(super) fn print(view: &View) {
    holder(view);
    view.certificates.iter().for_each(print_certificate);
    for certificate in &view.card_verifiable_certificates {
        let (place, issuer, subject) = (certificate.place, &certificate.issuer, &certificate.subject);
        say!("  card-verifiable certificate, {place}: {subject} by {issuer}, {}", believed(certificate.believed));
    }
    line("共通カードAP: the card has the key that its issuer knows", &view.internal_authentication, |_| {
        String::new()
    });
    print_personal(&view.personal);
    if let Some(numbers) = &view.face_numbers {
        say!("  照合番号A {}  照合番号B {}  セキュリティコード {}", numbers.a, numbers.b, numbers.security_code);
    }
    for application in &view.applications {
        print_application(application, view);
    }
}

fn issued(view: &View) {
    let text = |pointer| view.text(pointer);
    say!("{}  製造番号 {}  life cycle: {}", text("/id"), text("/serial"), view.life_cycle);
    say!("  profile  {}: {} {}", text("/profile/name"), text("/profile/title"), text("/profile/japanese"));
    say!("  holder   {}  born {}  {}", text("/person/name"), text("/person/birth"), text("/person/address"));
    say!("  issued   {}  expires {}  keys {}", text("/issued"), text("/expires"), text("/keys"));
}

fn holder(view: &View) {
    if view.record.is_null() {
        say!(
            "a card in a reader; who issued it is not known: believed is what agrees with the CA certificates on the card"
        );
    } else {
        issued(view);
    }
    match &view.atr {
        Some(atr) => {
            say!("  ATR      {}  {} convention, {}", atr.bytes, atr.convention, atr.protocol_text());
            if !atr.statements.is_empty() {
                say!("           {}", atr.statements.join(", "));
            }
        }
        None => say!("  ATR      makes no sense"),
    }
    if let Some(token) = &view.token {
        let (label, model, serial) = (&token.label, &token.model, &token.serial);
        say!("  token    {label}  model {model}  serial {serial}  flags {}", token.flag_names().join(" "));
        let (least, most) = (token.shortest_pin, token.longest_pin);
        say!(
            "           PINs of {least} to {most} characters, hardware {}, firmware {}",
            token.hardware,
            token.firmware
        );
    }
    if let Some(number) = &view.card_number {
        say!(
            "  card number (共通カードAP)  製造番号 {}  municipality {}  expires {}",
            number.serial,
            number.municipality,
            number.expires
        );
    }
}

fn print_certificate(certificate: &CertificateView) {
    let CertificateView { name, japanese, file, .. } = certificate;
    let Some(seen) = &certificate.certificate else {
        say!("  {name} {japanese} ({file}): {}", certificate.state);
        return;
    };
    let verdict = believed(certificate.believed == Some(true));
    say!("  {name} {japanese} ({file}): serial {}, {} bytes, {verdict}", seen.serial, seen.bytes);
    say!("    {} to {}", moment(seen.not_before), moment(seen.not_after));
    say!("    subject {}", seen.subject);
    say!("    issuer  {}", seen.issuer);
    if let Some(holder) = &seen.holder {
        say!("    holder  {}  born {}  sex {}  {}", holder.name, holder.birth, holder.sex, holder.address);
        if holder.name_substitutions.contains('1') || holder.address_substitutions.contains('1') {
            say!(
                "    replaced characters: name {}, address {}",
                holder.name_substitutions,
                holder.address_substitutions
            );
        }
    }
}

fn print_personal(personal: &PersonalView) {
    line("個人番号 (My Number)", &personal.my_number, |number| number.digits.clone());
    line("基本4情報 (four attributes)", &personal.attributes, |attributes| {
        let [name, address, birth, sex] = [&attributes.name, &attributes.address, &attributes.birth, &attributes.sex];
        format!("{name}  {address}  born {birth}  sex {sex}")
    });
    line("生年月日情報 (age record)", &personal.age, |age| format!("born {}", age.birth));
    line("券面情報 (card face)", &personal.face, |face| {
        format!(
            "born {}  sex {}  expires {}  name {} bytes, address {} bytes, photo {} bytes",
            face.birth, face.sex, face.expires, face.name_image_bytes, face.address_image_bytes, face.photo_bytes
        )
    });
    line("個人番号 (My Number as an image)", &personal.my_number_image, |image| {
        format!("{} bytes", image.image_bytes)
    });
    line("券面事項確認AP: the card has the key of its records", &personal.face_key, |_| String::new());
    line("券面事項入力補助AP: the card has the key of its records", &personal.text_key, |_| String::new());
}

fn line<T>(name: &str, told: &Option<Told<T>>, value: impl FnOnce(&T) -> String) {
    let Some(told) = told else { return };
    let verdict = match &told.why_not {
        None => believed(told.believed).to_owned(),
        Some(why) => format!("NOT BELIEVED: {why}"),
    };
    let value = told.value.as_ref().map(value).filter(|value| !value.is_empty());
    say!("  {name}: {}{verdict}", value.map(|value| value + ", ").unwrap_or_default());
}

fn believed(yes: bool) -> &'static str {
    if yes { "believed" } else { "NOT BELIEVED" }
}

fn print_application(application: &ApplicationView, view: &View) {
    say!("{} {}  {}", application.japanese, application.name, application.aid);
    for line in &application.control_information {
        say!("  {line}");
    }
    if application.files.iter().any(|file| file.kind == "data object") {
        for object in &view.data_objects {
            say!("  {}  {}: {}", object.tag, object.name, object.content);
        }
        return;
    }
    application.files.iter().for_each(print_file);
}

fn print_file(file: &FileView) {
    let size = file.size.as_ref().map(|size| format!(", {size} bytes")).unwrap_or_default();
    let mut access: Vec<String> = file.access.iter().map(|(operation, who)| format!("{operation}: {who}")).collect();
    if access.is_empty() {
        access.push("nobody".into());
    }
    let state = match (&file.pin, file.seen.as_deref()) {
        (Some(pin), _) => format!("; {}", pin_state(pin)),
        (None, Some("read") | None) => String::new(),
        (None, Some(word)) => format!("; not read: {word}"),
    };
    let names = format!("{} {}", file.name, file.japanese);
    say!("  {}  {}: {}{size}; {}{state}", file.identifier, names.trim_end(), file.kind, access.join(", "));
}

fn pin_state(pin: &PinView) -> String {
    let PinView { left, of, state } = pin;
    match state {
        PinState::Usable => format!("{left} of {of} tries left"),
        PinState::Blocked => format!("{left} of {of} tries left: locked, `jitsuin reset-pin` opens it"),
        PinState::NeverSet => "never set: nothing that it opens was issued".into(),
        PinState::BlockedByDesign => "blocked on every card".into(),
    }
}

fn moment(moment: time::OffsetDateTime) -> String {
    moment.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
