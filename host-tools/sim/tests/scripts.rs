//! Every card script of `vectors/data/scripts` against the real card.

use card_os::{Response, identity::Behaviour, profile::Model};
use sim::{card::Simulated, sample};
use vectors::script::{Script, Step};

fn card(kind: &str) -> Simulated {
    match kind {
        "blank" => sample::blank(Model::CARD),
        "issued" => sample::issued(true),
        "no-signature" => sample::issued(false),
        "jpki-only" => sample::issued_as(Model::JPKI_ONLY, true),
        "android" => sample::issued_as(Model::ANDROID, true),
        "iphone" => sample::issued_as(Model::IPHONE, true),
        "juki-card" => sample::issued_as(Model::JUKI_CARD, true),
        "clears-on-reset" => sample::issued_with(Behaviour { clears_on_warm_reset: true, ..Behaviour::default() }),
        "clears-on-select" => sample::issued_with(Behaviour { clears_on_select: true, ..Behaviour::default() }),
        "blocked-6983" => sample::issued_with(Behaviour { blocked_as_iso: true, ..Behaviour::default() }),
        "password-per-signature" => {
            sample::issued_with(Behaviour { password_per_signature: true, ..Behaviour::default() })
        }
        other => panic!("no card of kind {other:?}"),
    }
}

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

#[test]
fn every_script_is_followed() {
    let (mut wrong, mut scripts, mut exchanges) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(vectors::path("scripts")).expect("the folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let script =
            Script::parse(&vectors::text(&format!("scripts/{name}"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut card = card(&script.card);
        scripts += 1;
        for step in &script.steps {
            match step {
                Step::Power => drop(card.power_on()),
                Step::Reset => drop(card.reset()),
                Step::Exchange { line, command, expected } => {
                    exchanges += 1;
                    let response = transmit(&mut card, command);
                    if !expected.matches(&response) {
                        wrong.push(format!(
                            "{name}:{line}: {} < {}",
                            hex::encode_upper(command),
                            hex::encode_upper(response)
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(scripts >= 11 && exchanges > 300, "{scripts} scripts, {exchanges} exchanges");
}
