//! `jitsuin learn`

use crate::support::{World, binary, jitsuin, run, until};
use serde_json::Value;
use std::{fs, process::Stdio};

/// A few symbols, so that a card in a reader is learned at once.
const FEW: &str = "select 00A4040C0AD392F000260100000001\nquery 00200098\npower power\n";
const WRONG: &str = "wrong 002000980430303030 destructive\n";

/// Name of the first reader of `serve`.
const READER: &str = "Jitsuin Virtual Reader 00 00";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_sample_card_is_the_model_and_is_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let [machine, drawing] = ["card.json", "card.dot"].map(|name| folder.path().join(name).display().to_string());
    let out = ["--out", &machine, "--out", &drawing];
    let said = jitsuin([&["learn", "--extra", "0", "--diff", "--json"], &out[..]].concat()).succeeded();
    let told = json(&said.out);
    assert!(told["states"].as_u64() >= Some(100) && told["symbols"] == 16, "{told}");
    assert!(told["difference"].is_null() && told["compared_with"] == "the model", "{told}");
    assert_eq!(told["asked"]["states"], told["states"], "what was learned is minimal");
    assert!(fs::read_to_string(&drawing).expect("dot").starts_with("digraph card {"));
    // Nothing has to be asked again.
    let said = jitsuin(["learn", "--from", &machine, &format!("--diff={machine}")]).succeeded();
    assert!(said.out.contains("answers every word of these symbols as"), "{}", said.out);
    jitsuin(["learn", "--from", &machine, "--diff"]).succeeded();
    jitsuin(["learn", "--from", &machine, "--out", &drawing]).failed(1, &["exists already", "--force"]);
    jitsuin(["learn", "--from", &machine, "--out", &drawing, "--force"]).succeeded();
    // One answer otherwise, and it is found: the first query at the domain.
    let text = fs::read_to_string(&machine).expect("a machine");
    fs::write(&machine, text.replacen("6A88", "6A82", 1)).expect("writes");
    let said = jitsuin(["learn", "--from", &machine, "--diff"]).failed(1, &["the model", "1 steps"]);
    assert!(said.out.ends_with("  1  query-auth  6A82  |  6A88\n"), "{}", said.out);
}

#[test]
fn two_cards_of_a_world_are_told_apart() {
    let world = World::new();
    let (one, other) = (world.issue(&["--profile", "jpki-only"]), world.issue(&["--profile", "blocked-6983"]));
    let image = fs::read(world.image(&one)).expect("an image");
    let [machine, alphabet] = ["one.json", "alphabet.txt"].map(|name| world.file(name).display().to_string());
    let own = format!("# Locks a PIN.\n{FEW}{WRONG}right 002000980431323334 destructive\n");
    fs::write(&alphabet, own).expect("writes");
    world.run(&["learn", &one, "--alphabet", &alphabet, "--diff", "--out", &machine]).succeeded();
    let diff = format!("--diff={machine}");
    let said = world.run(&["learn", &other, "--alphabet", &alphabet, &diff]).failed(1, &[&other, &machine, "5 steps"]);
    let trace =
        "  1  select  9000\n  2  wrong   63C2\n  3  wrong   63C1\n  4  wrong   63C0\n  5  wrong   6983  |  6984\n";
    assert!(said.out.ends_with(trace), "{}", said.out);
    assert_eq!(fs::read(world.image(&one)).expect("an image"), image, "a copy was asked");
    world.run(&["learn", &one, &diff]).failed(2, &["one.json", "other alphabets"]);
}

#[test]
fn a_card_in_a_reader_is_asked_only_what_it_can_stand() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let [socket, few, all] = ["pcsc", "few.txt", "all.txt"].map(|name| world.file(name).display().to_string());
    fs::write(&few, FEW).expect("writes");
    fs::write(&all, format!("{FEW}{WRONG}")).expect("writes");
    let served = world.serve(&card, &["--pcsc", &socket]);
    let learn = |options: &[&str]| jitsuin([&["learn", "--pcsc", &socket, "--random", "20"], options].concat());
    let said = learn(&["--alphabet", &few, "--diff"]).succeeded();
    assert!(said.out.contains("2 states, 3 symbols"), "{}", said.out);
    learn(&[]).failed(2, &["right-auth, wrong-auth", "--allow-destructive", "--control"]);
    learn(&["--alphabet", &all]).failed(2, &["wrong may spend"]);
    // Restored for each word: domain and JPKI, each with 3, 2, 1 and 0 tries.
    let control = format!("{socket}.ctl");
    let restored = ["--reader", READER, "--control", &control, "--alphabet", &all];
    let said = learn(&[&restored[..], &["--diff"]].concat()).succeeded();
    assert!(said.out.contains("8 states, 4 symbols"), "{}", said.out);
    let list = || json(&jitsuin(["ctl", "--control", &control, "list", "--json"]).succeeded().out);
    let tries = || list()[0]["pins"]["JPKI: user authentication PIN"].clone();
    assert_eq!(tries(), 3);
    // Interrupted in the midst of it, the card is what it was.
    let mut command = binary();
    command.args(["learn", "--pcsc", &socket, "--extra", "4"]).args(restored).stderr(Stdio::piped());
    let child = command.spawn().expect("starts");
    until("a try is spent", || tries() != 3);
    run(std::process::Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())])).succeeded();
    let said = crate::support::Said::from(child.wait_with_output().expect("ends"));
    said.failed(1, &["interrupted; nothing was learned"]);
    assert_eq!(tries(), 3);
    // Not restored, it answers otherwise the second time; the word is told.
    learn(&["--alphabet", &all, "--allow-destructive"]).failed(1, &["does not answer alike", "[select, "]);
    served.interrupt();
}

#[test]
fn wrong_usage_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file.txt").display().to_string();
    let with = |text: &str| fs::write(&file, text).expect("writes");
    with("a 00\n");
    jitsuin(["learn", "--alphabet", &file]).failed(2, &["file.txt: line 1: \"a\"", "4 to"]);
    with("attributes 808A220000\n");
    jitsuin(["learn", "--alphabet", &file, "--diff"]).failed(2, &["\"attributes\"", "--diff=FILE"]);
    jitsuin(["learn", "--from", &file]).failed(2, &["file.txt: no automaton"]);
    jitsuin(["learn", "--alphabet", "/nonexistent"]).failed(2, &["/nonexistent"]);
    jitsuin(["learn", "--diff=/nonexistent"]).failed(2, &["/nonexistent"]);
    jitsuin(["learn", "--out", "card.svg"]).failed(2, &[".json or .dot", "dot -Tsvg"]);
    jitsuin(["learn", "--control", "x"]).failed(2, &["--pcsc"]);
    jitsuin(["learn", "--pcsc", "/nonexistent", "--allow-destructive"]).failed(1, &["/nonexistent", "serve --pcsc"]);
    jitsuin(["learn", "world"]).failed(2, &["CARD"]);
    let printed = jitsuin(["learn", "--print-alphabet"]).succeeded().out;
    with(&printed);
    let again = jitsuin(["learn", "--alphabet", &file, "--print-alphabet"]).succeeded().out;
    assert!(printed.contains("wrong-auth") && again == printed);
}
