//! What the applications beside JPKI hold of a holder, read by others and checked with their own rules. (card.md §9, §10, §13)

use super::{Issued, Programs, value};
use crate::support::{AUTH_PIN, run};
use std::process::Command;

/// A card and what its holder and its printed face say.
struct Holder {
    card: Issued,
    name: String,
    address: String,
    /// YYYY-MM-DD
    birth: &'static str,
    sex: &'static str,
    /// YYYY-MM-DD
    expiry: String,
    security_code: String,
    a: String,
    /// Era date of birth, year of expiry, security code. (card.md §7.1)
    b: String,
}

impl Holder {
    /// Holders whose text fits into 127 bytes and whose does not: other lengths, other offsets. (card.md §9.3)
    fn all() -> [Holder; 2] {
        [
            Holder::of("sample-1", "1980-02-17", "550217", "Female"),
            Holder::of("sample-2", "2004-02-29", "160229", "Male"),
        ]
    }

    fn of(sample: &str, birth: &'static str, era: &str, sex: &'static str) -> Holder {
        let card = Issued::of(&["--person", sample]);
        let record = card.world.record(&card.card);
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let [name, address, a] = ["name", "address", "my_number"].map(|field| text(&record["person"][field]));
        let (expiry, security_code) = (text(&record["expires"]), text(&record["security_code"]));
        let b = format!("{era}{}{security_code}", &expiry[..4]);
        Holder { card, name, address, birth, sex, expiry, security_code, a, b }
    }

    fn programs(&self) -> &Programs {
        &self.card.programs
    }

    /// What `myna-card` says of an application, of whose data this signer is the author.
    fn checked(&self, words: &[&str], signer: &str) -> String {
        let path = self.card.world.file(&format!("verifiable/{signer}/root.der")).display().to_string();
        let show = ["rsa", "-pubin", "-inform", "DER", "-in", &path, "-noout", "-modulus"];
        let modulus = run(Command::new("openssl").args(show)).succeeded().out;
        let modulus = modulus.trim().strip_prefix("Modulus=").expect("a modulus");
        let printed = [&self.a, &self.birth.replace('-', ""), &self.expiry[..4], &self.security_code, modulus];
        self.programs().run(&[&["myna-card"], words, &printed].concat()).succeeded().out
    }
}

#[track_caller]
fn are(said: &str, expected: &[(&str, &str)]) {
    for (name, expected) in expected {
        assert_eq!(value(said, name), *expected, "{name}");
    }
}

#[test]
#[ignore = "needs what clients/run builds"]
fn registry_jpki_text_and_face() {
    for holder in Holder::all() {
        let programs = holder.programs();
        let tries = ["text", "face-a", "face-b"].map(|which| programs.value("tries", &["jpki", "tries", which]));
        assert_eq!(tries, ["3", "10", "10"]);
        assert_eq!(programs.value("number", &["jpki", "number", AUTH_PIN]), holder.a);
        let said = programs.run(&["jpki", "attributes", AUTH_PIN]).succeeded().out;
        let birth = holder.birth.replace('-', "");
        are(&said, &[("name", &holder.name), ("address", &holder.address), ("birth", &birth), ("sex", holder.sex)]);
        let face = |which, number| programs.run(&["jpki", "face", which, number]).succeeded().out;
        let said = face("a", &holder.a);
        assert_eq!(said, face("b", &holder.b), "both numbers open the same face");
        are(&said, &[("birth", &birth), ("expiry", &holder.expiry.replace('-', ""))]);
        assert!(value(&said, "name").starts_with("89504e470d0a1a0a"), "a PNG");
        assert!(value(&said, "photo").starts_with("0000000c6a502020"), "a JPEG 2000 in its box file");
        // Every command goes out twice.
        programs.run(&["jpki", "number", "0000"]).failed(1, &["1 tries left"]);
        programs.run(&["jpki", "face", "b", "00000000000000"]).failed(1, &["8 tries left"]);
        assert_eq!(programs.value("tries", &["jpki", "tries", "face-a"]), "10");
    }
}

/// In clear and under secure messaging, by a client that was written from measurements of it. (card.md §13)
#[test]
#[ignore = "needs what clients/run builds"]
fn registry_myna_card_text() {
    for holder in Holder::all() {
        let said = holder.checked(&["text", AUTH_PIN], "text-signer");
        are(&said, &[("tries pin", "Remaining(3)"), ("tries a", "Remaining(10)"), ("tries b", "Remaining(10)")]);
        are(&said, &[("tries blocked", "Blocked"), ("number", &holder.a), ("name", &holder.name)]);
        are(&said, &[("address", &holder.address), ("birth", holder.birth), ("sex", holder.sex)]);
        are(&said, &[("certificate", "good"), ("key", "good"), ("card", "good"), ("record", "good")]);
        are(&said, &[("record of the number", "true"), ("record of the attributes", "true")]);
        are(&said, &[("enciphered as in clear", "true"), ("physical", "17")]);
        assert_ne!(value(&said, "certificate among real ones"), "good");
        let other = holder.checked(&["text", AUTH_PIN], "face-signer");
        assert_ne!(value(&other, "certificate"), "good", "the other application's root is another one");
    }
}

#[test]
#[ignore = "needs what clients/run builds"]
fn registry_myna_card_face() {
    for holder in Holder::all() {
        let said = holder.checked(&["face"], "face-signer");
        are(&said, &[("certificate", "good"), ("municipality", "99999"), ("front", "good"), ("card", "good")]);
        are(&said, &[("age", &format!("{} good", holder.birth)), ("birth", holder.birth), ("sex", holder.sex)]);
        are(&said, &[("expiry", &holder.expiry), ("image of name", "Png"), ("image of address", "Png")]);
        are(&said, &[("image of photo", "Jpeg2000"), ("number", "Png good")]);
        for refused in ["face before a credential", "number before A"] {
            assert!(value(&said, refused).contains("SW=6982"), "{refused}: {said}");
        }
        assert_ne!(value(&said, "certificate among real ones"), "good");
        let other = holder.checked(&["face"], "text-signer");
        assert_ne!(value(&other, "certificate"), "good", "the other application's root is another one");
        let said = holder.programs().run(&["myna-card", "chip"]).succeeded().out;
        are(&said, &[("chain", "good"), ("municipality", "99999"), ("expiry", &holder.expiry)]);
        are(&said, &[("atr", "3be000ff8131fe4514")]);
        assert_eq!(value(&said, "serial"), value(&said, "identification"));
    }
}
