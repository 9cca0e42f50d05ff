//! Invented residents, and cards for them.

use crate::support::{Said, World, jitsuin, jitsuin_with_input};
use serde_json::Value;
use std::fs;

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).expect("json")
}

/// What the world keeps about the card that was issued.
fn kept(world: &World, issued: &Said) -> Value {
    world.record(json(issued)["id"].as_str().expect("an id"))
}

#[test]
fn the_same_seed_invents_the_same_people() {
    let people =
        |options: &[&str]| json(&jitsuin([&["person", "--json", "--on", "2026-11-24"], options].concat()).succeeded());
    let three = people(&["--seed", "7", "--count", "3"]);
    assert_eq!(three.as_array().expect("a list").len(), 3);
    assert_eq!(three[0], people(&["--seed", "7"]), "one alone is an object");
    assert_ne!(three[0], people(&["--seed", "8"]));
    for person in three.as_array().expect("a list") {
        assert!(person["my_number"].as_str().expect("a number").starts_with("00000"));
        assert_eq!(person["security_code"].as_str().expect("a code").len(), 4);
        assert!(person["name"].as_str().expect("a name").contains('\u{3000}'));
    }
    for person in people(&["--seed", "1", "--count", "20", "--age", "14..15", "--short"]).as_array().expect("a list") {
        let birth = person["birth"].as_str().expect("a day");
        assert!(("2010-11-25".."2012-11-25").contains(&birth), "{birth}");
        let text =
            person["name"].as_str().expect("a name").len() + person["address"].as_str().expect("an address").len();
        assert!(text <= 95, "card.md §9.3: 128 bytes with 32 around them");
    }
}

#[test]
fn text_says_everything_and_how_to_do_it_again() {
    let said = jitsuin(["person", "--age", "30"]).succeeded();
    for word in ["住所", "aged 30", "個人番号", "セキュリティコード"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let seed = said.err.trim().rsplit(' ').next().expect("a seed").to_owned();
    assert_eq!(jitsuin(["person", "--age", "30", "--seed", &seed]).succeeded().out, said.out);
}

#[test]
fn faces_are_written() {
    let folder = tempfile::tempdir().expect("folder");
    let faces = folder.path().join("some/faces");
    jitsuin(["person", "--seed", "3", "--count", "2", "--faces", faces.to_str().expect("plain")]).succeeded();
    for number in ["0001", "0002"] {
        for (name, magic) in [
            ("name.png", &b"\x89PNG"[..]),
            ("address.png", b"\x89PNG"),
            ("security-code.png", b"\x89PNG"),
            ("my-number.png", b"\x89PNG"),
            ("photo.jp2", b"\0\0\0\x0CjP  "),
        ] {
            assert!(fs::read(faces.join(format!("{number}-{name}"))).expect(name).starts_with(magic), "{name}");
        }
    }
    let taken = folder.path().join("file");
    fs::write(&taken, "").expect("writes");
    jitsuin(["person", "--faces", taken.to_str().expect("plain")]).failed(1, &["file"]);
}

#[test]
fn an_invented_person_gets_a_card() {
    let world = World::new();
    let people = jitsuin(["person", "--json", "--seed", "5", "--age", "40"]).succeeded().out;
    let person: Value = serde_json::from_str(&people).expect("json");
    let said = jitsuin_with_input(&["issue", world.name(), "--person", "-", "--json"], people.as_bytes()).succeeded();
    assert_eq!(json(&said)["person"]["name"], person["name"]);
    assert!(json(&said)["person"].get("my_number").is_none(), "nobody asked for it");
    assert_eq!(kept(&world, &said)["person"]["my_number"], person["my_number"]);
    let path = world.file("person.json");
    fs::write(&path, format!("[{people}]")).expect("writes");
    let card = world.issue(&["--person", path.to_str().expect("plain")]);
    world.run(&["check", &card]).succeeded();
    // Without one, a My Number is given.
    let mut bare = person;
    bare.as_object_mut().expect("an object").retain(|key, _| key != "my_number" && key != "security_code");
    fs::write(&path, bare.to_string()).expect("writes");
    let said = world.run(&["issue", "--json", "--person", path.to_str().expect("plain")]).succeeded();
    assert!(kept(&world, &said)["person"]["my_number"].as_str().expect("given").starts_with("00000"));
}

#[test]
fn a_card_of_an_earlier_version_is_still_shown() {
    let world = World::new();
    let card = world.issue(&[]);
    world.make_first_format(|record| {
        record["person"].as_object_mut().expect("an object").remove("my_number").expect("was there");
    });
    world.run(&["show", &card]).succeeded();
    world.run(&["check", &card]).succeeded();
}

#[test]
fn bad_people_are_told_apart() {
    let world = World::new();
    let issue = |text: &str| jitsuin_with_input(&["issue", world.name(), "--person", "-"], text.as_bytes());
    let good = jitsuin(["person", "--json", "--seed", "5"]).succeeded().out;
    let two = jitsuin(["person", "--json", "--count", "2"]).succeeded().out;
    let marked = good.replace("\"my_number\": \"00000", "\"my_number\": \"10000");
    issue("").failed(2, &["jitsuin person --json"]);
    issue("{}").failed(2, &["missing field"]);
    issue("\u{0}").failed(2, &[]);
    issue(&two).failed(2, &["2 residents", "give one"]);
    issue(&good.replace('\u{3000}', " ")).failed(2, &["ideographic space"]);
    issue(&good.replace("\"name\"", "\"pin\"")).failed(2, &["unknown field"]);
    issue(&marked).failed(2, &["check digit"]);
    issue(&format!("{good}{}", " ".repeat(70_000))).failed(2, &["65536"]);
    world.run(&["issue", "--person", "sample-3"]).failed(2, &["sample-1"]);
    world.run(&["issue", "--person", world.name()]).failed(2, &["directory"]);
    assert!(world.run(&["show"]).succeeded().out.contains(" 0 cards"), "nothing was begun");
    for (options, word) in [
        (&["--age", "30..20"][..], "20..30"),
        (&["--age", "x"], "20..30"),
        (&["--age", "0..111"], "110"),
        (&["--count", "0"], "1..=10000"),
        (&["--count", "1000000000"], "1..=10000"),
        (&["--short", "--long"], "cannot be used"),
        (&["--on", "2026-02-30"], "YYYY-MM-DD"),
        (&["--on", "1868-01-25"], "nobody"),
        (&["--on=-9999-01-01"], "nobody"),
    ] {
        jitsuin([&["person"], options].concat()).failed(2, &[word]);
    }
}

#[test]
fn a_number_without_the_mark_is_warned_about() {
    let world = World::new();
    let specimen = r#"{"name": "試験　花子", "address": "模擬県", "birth": "1980-02-17", "sex": "not-applicable", "my_number": "123456789018"}"#;
    let said = jitsuin_with_input(&["issue", world.name(), "--person", "-"], specimen.as_bytes()).succeeded();
    assert!(said.err.contains("never use a real person's"), "{}", said.err);
}
