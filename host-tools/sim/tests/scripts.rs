//! Every card script of `vectors/data/scripts` against the real card.

use card_os::Response;
use sim::{card::Simulated, sample};
use vectors::script::{Script, Step};

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
        let mut card =
            sample::of_kind(&script.card).unwrap_or_else(|| panic!("{name}: no card of kind {:?}", script.card));
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
