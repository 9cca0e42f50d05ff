//! PINs at home: tries left, and new values.

use super::{refused, secret, with_card};
use crate::{
    args::{self, Pin},
    failure::Failure,
    out::say,
};
use pki::client::{
    Password, Passwords,
    passwords::{Tries, Weakness},
};
use serde_json::json;

/// `jitsuin client status`
pub(super) fn status(status: &args::ClientStatus) -> Result<(), Failure> {
    let all = with_card(&status.on, |at_hand| Ok(Passwords::new(&mut *at_hand.reader).status()?))?;
    if status.json {
        return crate::print_json(&json!({ "passwords": all }));
    }
    for Tries { password, application, object, left, of } in &all {
        let [english, japanese] = password.names();
        let left = match left {
            None => "not on this card".to_owned(),
            Some(0) => "locked ロック; the municipal counter resets it".to_owned(),
            Some(left) => format!("{left} of {of} tries left 残り{left}回"),
        };
        say!("{japanese} ({english}), {application} {object}: {left}");
    }
    Ok(())
}

/// `jitsuin client change-pin`
pub(super) fn change(change: &args::ClientChangePin) -> Result<(), Failure> {
    let (old, new) = (secret(&change.old)?, secret(&change.new)?);
    let password = match change.pin {
        Pin::Auth => Password::Authentication,
        Pin::Sign => Password::Signature,
        Pin::Residents => Password::Residents,
        Pin::Form => Password::Form,
    };
    let weak = with_card(&change.on, |at_hand| {
        let weak = Weakness::of(&new, &old, change.birth.or(at_hand.birth));
        Passwords::new(&mut *at_hand.reader).change(password, &old, &new).map_err(refused)?;
        Ok(weak)
    })?;
    if change.json {
        return crate::print_json(&json!({ "password": password, "changed": true, "weaknesses": weak }));
    }
    for weakness in weak {
        let [english, japanese] = weakness.advice();
        eprintln!("注意: 推測されやすい暗証番号です: {japanese} (easy to guess: {english}; better change it again)");
    }
    let [english, japanese] = password.names();
    say!("{japanese} ({english}): 変更しました (changed)");
    Ok(())
}
