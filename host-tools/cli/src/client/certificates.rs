//! The certificate viewer, and files out of it.

use super::{place, refused, secret, with_card};
use crate::{
    args::{self, Language},
    failure::Failure,
    out::say,
    private,
};
use pki::{
    birthday,
    client::{
        Passwords,
        viewer::{self, Place, Shown, Term},
    },
};
use serde_json::json;

/// `jitsuin client show`
pub(super) fn show(show: &args::ClientShow) -> Result<(), Failure> {
    let sign_pin = show.sign_pin.as_deref().map(secret).transpose()?;
    let (all, now) = with_card(&show.on, |at_hand| {
        let now = at_hand.now;
        let read = viewer::read(&mut at_hand.jpki()?, sign_pin.as_ref().map(|pin| pin.as_str())).map_err(refused)?;
        Ok((read, now))
    })?;
    let mut shown = Vec::new();
    for (place, der) in &all {
        let parsed = der.as_deref().map(|der| Shown::new(*place, der, now)).transpose();
        let parsed = parsed.map_err(|error| Failure::Refused(format!("{}: {error}", place.names()[0])))?;
        shown.push((*place, parsed));
    }
    if show.json {
        let present: Vec<&Shown> = shown.iter().filter_map(|(_, shown)| shown.as_ref()).collect();
        return crate::print_json(&json!({ "certificates": present }));
    }
    for (place, shown) in &shown {
        match shown {
            Some(shown) => print(shown, show.lang),
            None => say!("{}: {}\n", title(*place, show.lang), pick(["none on this card", "ありません"], show.lang)),
        }
    }
    if sign_pin.is_none() {
        let closed = ["closed; --sign-pin opens it", "署名用暗証番号（--sign-pin）が必要です"];
        say!("{}: {}", title(Place::OwnSignature, show.lang), pick(closed, show.lang));
    }
    shown.iter().filter_map(|(_, shown)| shown.as_ref()).for_each(notice);
    Ok(())
}

fn pick([english, japanese]: [&str; 2], language: Language) -> String {
    match language {
        Language::En => english.to_owned(),
        Language::Ja => japanese.to_owned(),
        Language::Both if english == japanese => english.to_owned(),
        Language::Both => format!("{japanese} ({english})"),
    }
}

fn title(place: Place, language: Language) -> String {
    pick(place.names(), language)
}

fn print(shown: &Shown, language: Language) {
    // Anybody's card may hold anything.
    let plain = |value: &str| value.replace(char::is_control, "\u{FFFD}");
    let line = |label, value: &str| say!("  {}: {}", pick(label, language), plain(value));
    say!("{}", title(shown.certificate, language));
    line(["subject", "主体者"], &pick([&shown.subject, &shown.subject_japanese], language));
    if let Some(holder) = &shown.holder {
        line(["name", "氏名"], &holder.name);
        line(["address", "住所"], &holder.address);
        let unknown = pick(["unknown", "不詳"], language);
        line(["date of birth", "生年月日"], shown.birth.as_ref().unwrap_or(&unknown));
        let sex = match holder.sex.as_str() {
            "1" => ["male", "男"],
            "2" => ["female", "女"],
            _ => ["other", "－"],
        };
        line(["sex", "性別"], &pick(sex, language));
    }
    line(["issuer", "発行者"], &shown.issuer);
    let day = |era: &str, at| match language {
        Language::Ja => era.to_owned(),
        _ => format!("{era} ({})", birthday::jst_date(at)),
    };
    line(["date of issue", "発行年月日"], &day(&shown.issued, shown.not_before));
    line(["last day of validity", "有効期間の満了日"], &day(&shown.expires, shown.not_after));
    line(["serial number", "発行番号"], &shown.serial);
    line(["fingerprint, SHA-256", "フィンガープリント SHA-256"], &shown.sha256);
    say!("");
}

/// What the client tells at log-on of the PC.
fn notice(shown: &Shown) {
    let ([english, japanese], day, era) = (shown.certificate.names(), shown.last_day(), &shown.expires);
    match shown.term {
        Term::Within => {}
        Term::NotYet => eprintln!("注意: {japanese}は有効期間の前です (the {english} is not valid yet)"),
        Term::Ending => eprintln!(
            "お知らせ: {japanese}の有効期間は{era}に満了します。更新できます \
             (the {english} ends on {day}, in less than three months; it can be renewed)"
        ),
        Term::Expired => {
            eprintln!("注意: {japanese}の有効期間は{era}に満了しました (the {english} expired on {day})");
        }
    }
}

/// `jitsuin client export`
pub(super) fn export(export: &args::ClientExport) -> Result<(), Failure> {
    let place = place(export.certificate);
    if place == Place::OwnSignature && export.sign_pin.is_none() {
        return Err(Failure::Usage("the signature certificate is read with its password: --sign-pin PASSWORD".into()));
    }
    // Before a password is presented for nothing.
    if !export.force && export.out.exists() {
        return Err(Failure::Refused(format!("{}: exists already; --force overwrites it", export.out.display())));
    }
    let pin = export.sign_pin.as_deref().filter(|_| place == Place::OwnSignature).map(secret).transpose()?;
    let der = with_card(&export.on, |at_hand| {
        let mut jpki = at_hand.jpki()?;
        if let Some(pin) = &pin {
            Passwords::open(&mut jpki, place.half(), pin).map_err(refused)?;
        }
        Ok(place.read(&mut jpki)?)
    })?;
    let der = der.ok_or_else(|| Failure::Refused(format!("this card has no {}", place.names()[0])))?;
    private::write(&export.out, &der, export.force)?;
    say!("{}: {} bytes", export.out.display(), der.len());
    Ok(())
}
