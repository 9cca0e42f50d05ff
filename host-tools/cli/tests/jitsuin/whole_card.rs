//! The whole card: shown, exported, drawn, explained. What is written is opened by other people's programs.

use crate::support::{AUTH_PIN, SIGN_PIN, Said, World, binary, mode, run};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

const PROFILES: [&str; 8] = ["card", "card-2", "contactless", "no-pin", "android", "iphone", "juki-card", "jpki-only"];

/// One card of each kind, which no test changes.
static CARDS: LazyLock<(World, Vec<String>)> = LazyLock::new(|| {
    let world = World::new();
    let cards = PROFILES.map(|profile| world.issue(&["--profile", profile])).to_vec();
    (world, cards)
});

/// A card is in one reader at a time, and tests run beside one another.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn card(profile: &str) -> (&'static World, &'static str) {
    let place = PROFILES.iter().position(|name| *name == profile).expect("a profile");
    (&CARDS.0, &CARDS.1[place])
}

fn show(profile: &str, options: &[&str]) -> Said {
    let (world, card) = card(profile);
    let _alone = alone();
    world.run(&[&["show", card], options].concat())
}

fn json(said: Said) -> Value {
    serde_json::from_str(&said.succeeded().out).expect("json")
}

fn record(profile: &str) -> Value {
    let (world, card) = card(profile);
    world.record(card)
}

/// My Number, the security code and 照合番号B of a card.
fn secrets(profile: &str) -> [String; 3] {
    let record = record(profile);
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned();
    let (number, code) = (text("/person/my_number"), text("/security_code"));
    // sample-1 was born in 昭和55; the card expires on a birthday. (card.md §7.1)
    let b = format!("550217{}{code}", &text("/expires")[..4]);
    [number, code, b]
}

/// What a program says; nothing, with a loud word, where it is missing.
fn outside(program: &str, package: &str, arguments: &[&str]) -> Option<Said> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(Said::from(output)),
        Err(error) => {
            vectors::skipped(&format!("{program}: {error}; apt-get install {package}"));
            None
        }
    }
}

#[test]
fn every_kind_of_card_is_shown_with_all_its_applications() {
    for (profile, applications) in [
        ("card", &["共通カードAP", "住基AP", "券面事項確認AP", "券面事項入力補助AP", "公的個人認証AP"][..]),
        ("card-2", &["extended lengths", "country 392"]),
        ("contactless", &["type B", "券面事項確認AP"]),
        ("no-pin", &["never set", "券面事項確認AP"]),
        ("android", &["JPKIAPGPSETOKEN", "公的個人認証AP", "(000A): closed"]),
        ("iphone", &["JPKIAPIOSTOKEN", "公的個人認証AP"]),
        ("juki-card", &["JPKIAPICCTOKEN ", "4–16 characters"]),
        ("jpki-only", &["公的個人認証AP"]),
    ] {
        let said = show(profile, &["--holder"]).succeeded();
        assert!(!said.out.contains("NOT BELIEVED"), "{profile}: {}", said.out);
        for word in applications {
            assert!(said.out.contains(word), "{profile}: no {word}: {}", said.out);
        }
        let siblings = said.out.contains("券面事項確認AP");
        assert_eq!(siblings, ["card", "card-2", "contactless", "no-pin"].contains(&profile), "{profile}");
        let view = json(show(profile, &["--json"]));
        assert_eq!(view["profile"]["name"], profile);
        assert_eq!(view["life_cycle"], "Issued");
        assert_eq!(view["answer_to_reset"]["check"], true, "{profile}");
    }
}

#[test]
fn what_is_free_and_what_each_value_opens() {
    let personal = |options: &[&str]| json(show("card", &[&["--json"], options].concat()))["personal"].clone();
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert!(keys(&personal(&[])).is_empty());
    let [number, _, b] = secrets("card");
    // card.md §7.4
    assert_eq!(keys(&personal(&["--birth", "550217"])), ["age", "face_key"]);
    assert_eq!(
        keys(&personal(&["--number-a", &number])),
        ["face", "face_key", "my_number", "my_number_image", "text_key"]
    );
    assert_eq!(keys(&personal(&["--number-b", &b])), ["attributes", "face", "face_key", "text_key"]);
    assert_eq!(keys(&personal(&["--form-pin", AUTH_PIN])), ["attributes", "my_number", "text_key"]);
    let whole = personal(&["--holder"]);
    assert_eq!(whole["attributes"]["name"], "試験　花子");
    assert_eq!((&whole["age"]["birth"], &whole["face"]["sex"]), (&"19800217".into(), &"2".into()));
    for (name, told) in whole.as_object().expect("an object") {
        assert_eq!(told["believed"], true, "{name}");
    }
    let enciphered = personal(&["--form-pin", AUTH_PIN, "--holder", "--secure-messaging"]);
    assert_eq!(enciphered, whole);
    let certificates = |options: &[&str]| json(show("card", &[&["--json"], options].concat()))["certificates"].clone();
    assert_eq!(certificates(&[])[0]["state"], "closed: a PIN opens it");
    let holder = &certificates(&["--sign-pin", "abc123"])[0]["holder"];
    assert_eq!((&holder["name"], &holder["birth"]), (&"試験　花子".into(), &"319800217".into()), "pki.md §6");
    let android = json(show("android", &["--json", "--auth-pin", AUTH_PIN]));
    assert_eq!(android["certificates"][2]["believed"], true, "card.md §17");
}

#[test]
fn wrong_values_are_told_and_cost_nothing() {
    let before = fs::read(card("card").0.image(card("card").1)).expect("reads");
    for (options, words) in [
        (&["--auth-pin", "0000"][..], &["利用者証明用暗証番号", "wrong value", "still has the tries"][..]),
        (&["--sign-pin", "WRONG1"], &["署名用暗証番号"]),
        (&["--form-pin", "0000"], &["券面事項入力補助用暗証番号"]),
        (&["--number-a", "000000000000"], &["照合番号A"]),
        (&["--number-b", "00000000000000"], &["照合番号B"]),
        (&["--birth", "550218"], &["生年月日"]),
    ] {
        let said = show("card", options).failed(1, words);
        assert!(!said.err.contains(options[1]), "a value is repeated: {}", said.err);
    }
    show("android", &["--form-pin", AUTH_PIN]).failed(1, &["android", "no such value"]);
    show("no-pin", &["--auth-pin", AUTH_PIN]).failed(1, &["blocked", "leave the option out"]);
    show("card", &["--secure-messaging"]).failed(2, &["--form-pin"]);
    CARDS.0.run(&["show", "--holder"]).failed(2, &["CARD"]);
    let after = fs::read(card("card").0.image(card("card").1)).expect("reads");
    assert_eq!(before, after, "the card was touched");
    assert!(show("card", &[]).succeeded().out.contains("3 of 3 tries left"));
}

#[test]
fn my_number_and_face_numbers_stay_hidden_until_they_are_asked_for() {
    let [number, code, b] = secrets("card");
    let opened = ["--holder", "--form-pin", AUTH_PIN, "--sign-pin", SIGN_PIN, "--auth-pin", AUTH_PIN];
    for options in [&[][..], &["--json"]] {
        let said = show("card", &[&opened, options].concat()).succeeded();
        for secret in [&number, &b, SIGN_PIN] {
            assert!(!said.all().contains(secret), "{options:?} shows {secret}");
        }
        let revealed = show("card", &[&opened[..], options, &["--reveal"]].concat()).succeeded();
        assert!(revealed.out.contains(&number) && revealed.out.contains(&b));
        let list = CARDS.0.run(&[&["show"], options].concat()).succeeded();
        assert!(!list.all().contains(&number));
    }
    let view = json(show("card", &["--json", "--holder"]));
    assert!(view.get("security_code").is_none() && !view.to_string().contains(&format!("\"{code}\"")));
}

/// Exports into a fresh folder.
fn export(profile: &str, options: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("out");
    let out = path.to_str().expect("plain").to_owned();
    show(profile, &[&["--export", &out], options].concat()).succeeded();
    (folder, path)
}

fn plain(path: &Path) -> String {
    path.to_str().expect("plain").to_owned()
}

#[test]
fn exported_files_are_private_whole_and_never_overwritten() {
    let [number, ..] = secrets("card");
    let (_folder, path) = export("card", &["--holder"]);
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).expect("lists") {
        let file = entry.expect("entry").path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let bytes = fs::read(&file).expect("reads");
        if file.ends_with("common-0001.bin") {
            // The sample's number is twelve digits out of many zeros, and so is this card's.
            continue;
        }
        let found = bytes.windows(number.len()).any(|window| window == number.as_bytes());
        assert!(!found, "{} holds My Number", file.display());
    }
    let hidden =
        ["form-0001.bin", "form-0003.bin", "face-0002.bin", "face-0005.bin", "my-number.png", "security-code.png"];
    for hidden in hidden {
        assert!(!path.join(hidden).exists(), "{hidden}");
    }
    show("card", &["--export", &plain(&path)]).failed(1, &["exists already", "--force"]);
    show("card", &["--export", &plain(&path), "--force", "--holder", "--reveal"]).succeeded();
    for revealed in hidden {
        assert!(path.join(revealed).exists(), "{revealed}");
    }
    assert_eq!(fs::read(path.join("form-0001.bin")).expect("reads")[3..15], *number.as_bytes());
    assert_eq!(fs::read(path.join("common-0001.bin")).expect("reads").len(), 30, "with its header");
    for profile in ["android", "iphone", "juki-card", "jpki-only", "no-pin"] {
        let (_folder, path) = export(profile, &["--holder"]);
        assert!(path.join("card.json").exists() && path.join("jpki-0006.bin").exists(), "{profile}");
    }
}

#[test]
fn openssl_reads_exported_certificates() {
    let (_folder, path) = export("card", &["--sign-pin", SIGN_PIN]);
    for (name, authority) in [("signature", "signature-CA"), ("user-authentication", "user-authentication-CA")] {
        let [leaf, root] = [name, authority].map(|name| plain(&path.join(format!("{name}-certificate.pem"))));
        let Some(said) = outside("openssl", "openssl", &["verify", "-CAfile", &root, "-ignore_critical", &leaf]) else {
            return;
        };
        assert!(said.succeeded().out.contains("OK"), "{name}");
    }
}

#[test]
fn other_programs_see_the_exported_images() {
    let (_folder, path) = export("card", &["--holder", "--reveal"]);
    for (name, size) in [("name", "216x12"), ("address", "288x12"), ("security-code", "24x12"), ("my-number", "72x12")]
    {
        let png = plain(&path.join(format!("{name}.png")));
        let Some(said) = outside("pngcheck", "pngcheck", &[&png]) else { break };
        let said = said.succeeded().out;
        assert!(said.starts_with("OK:") && said.contains(size), "{name}: {said}");
    }
    let (photo, decoded) = (plain(&path.join("photo.jp2")), path.join("photo.pgm"));
    let arguments = ["-i", &photo, "-o", &plain(&decoded)];
    if let Some(said) = outside("opj_decompress", "libopenjp2-tools", &arguments) {
        said.succeeded();
        assert!(fs::read(&decoded).expect("reads").starts_with(b"P5"), "a grey picture");
    }
}

/// Writes a report and gives the page.
fn report(world: &World, card: &str, options: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("card.html");
    let mut command = binary();
    command.args(["card", "report", world.name(), card, "--html"]).arg(&path).args(options);
    let _alone = alone();
    run(&mut command).succeeded();
    assert_eq!(mode(&path), 0o600);
    run(&mut command).failed(1, &["exists already"]);
    fs::read_to_string(&path).expect("utf-8")
}

/// Whether every element is closed where it should be, by the parser of Python's library.
const WELL_FORMED: &str = r#"
import sys
from html.parser import HTMLParser
VOID = {"meta", "img", "br"}
class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.names, self.texts = [], {}, []
    def handle_starttag(self, tag, attributes):
        self.names[tag] = self.names.get(tag, 0) + 1
        for name, value in attributes:
            if name.startswith("on") or name in ("src", "href") and not value.startswith("data:"):
                sys.exit(f"{tag} {name}={value[:60]}")
        if tag not in VOID: self.open.append(tag)
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag: sys.exit(f"</{tag}> at {self.getpos()}")
    def handle_data(self, data): self.texts.append(data)
page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
page.close()
if page.open: sys.exit(f"never closed: {page.open}")
if page.names.get("script"): sys.exit("a script")
print(" ".join(sorted(page.names)))
print("".join(page.texts))
"#;

/// The texts that a browser would show.
fn parsed(page: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("folder");
    let (script, file) = (folder.path().join("parse.py"), folder.path().join("page.html"));
    fs::write(&script, WELL_FORMED).expect("writes");
    fs::write(&file, page).expect("writes");
    Some(outside("python3", "python3", &[&plain(&script), &plain(&file)])?.succeeded().out)
}

#[test]
fn every_kind_of_card_is_drawn_in_a_page_of_its_own() {
    for (profile, words) in [
        ("card", &["個人番号カード", "昭和55年2月17日生", "試験　花子", "写", "•••• •••• ••••", "券面事項確認AP"][..]),
        ("card-2", &["command chaining"]),
        ("contactless", &["type B"]),
        ("no-pin", &["未設定 never set"]),
        ("android", &["no face data", "JPKIAPGPSETOKEN"]),
        ("iphone", &["no face data"]),
        ("juki-card", &["no face data", "住民基本台帳カード"]),
        ("jpki-only", &["no face data"]),
    ] {
        let (world, card) = card(profile);
        let page = report(world, card, &[]);
        assert!(page.contains("TEST 見本") && page.contains("default-src 'none'"), "{profile}");
        assert!(!page.contains("NOT BELIEVED"), "{profile}");
        assert!(!page.contains("http://") && !page.contains("https://"), "{profile}: an address outside");
        let Some(text) = parsed(&page) else { return };
        for word in words {
            assert!(text.contains(word), "{profile}: no {word}");
        }
    }
}

#[test]
fn the_page_shows_what_it_may_and_no_more() {
    let (world, card) = card("card");
    let [number, code, b] = secrets("card");
    let page = report(world, card, &["--sign-pin", SIGN_PIN, "--form-pin", AUTH_PIN]);
    assert!(page.contains("data:image/png;base64,") && page.contains("data:image/jp2;base64,"));
    let grouped = format!("{} {} {}", &number[..4], &number[4..8], &number[8..]);
    for secret in [&number, &grouped, &b, SIGN_PIN] {
        assert!(!page.contains(secret), "{secret}");
    }
    // Four digits may stand anywhere by chance.
    let printed = format!("</small>{code}</span>");
    assert!(!page.contains(&printed) && page.contains("</small>••••</span>"), "the code on the front");
    let page = report(world, card, &["--reveal"]);
    assert!(page.contains(&grouped) && page.contains(&printed));
}

#[test]
fn pictures_of_the_page_are_what_other_programs_see() {
    if outside("pngcheck", "pngcheck", &["-h"]).is_none() {
        return;
    }
    let (world, card) = card("card");
    assert_eq!(pictures(&report(world, card, &[])), ["378x472", "216x12", "288x12"], "photo, name, address");
    let revealed = pictures(&report(world, card, &["--reveal"]));
    assert_eq!(revealed, ["378x472", "216x12", "288x12", "24x12", "72x12"], "and security code, My Number");
}

/// Sizes of the pictures in a page, as another program sees them.
fn pictures(page: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("folder");
    let mut sizes = Vec::new();
    for (number, part) in page.split("src=\"data:image/png;base64,").skip(1).enumerate() {
        let (text, file) = (folder.path().join(format!("{number}.b64")), folder.path().join(format!("{number}.png")));
        fs::write(&text, part.split('"').next().expect("an end")).expect("writes");
        let script = format!("base64 -d '{}' > '{}'", plain(&text), plain(&file));
        assert!(Command::new("sh").args(["-c", &script]).status().expect("runs").success(), "no Base64");
        let said = run(Command::new("pngcheck").arg(&file)).succeeded().out;
        sizes.push(said.split(['(', ',']).nth(1).expect("a size").to_owned());
    }
    sizes
}

/// Files can be copied to another card, the key of INTERNAL AUTHENTICATE cannot. (card.md §5.6)
#[test]
fn a_card_without_the_key_that_its_issuer_knows_is_found_out() {
    let world = World::new();
    let card = world.issue(&[]);
    let words = "共通カードAP: the card has the key that its issuer knows: ";
    let said = world.run(&["show", &card]).succeeded();
    assert!(said.out.contains(&format!("{words}believed")), "{}", said.out);
    assert_eq!(json(world.run(&["show", &card, "--json"]))["internal_authentication"]["believed"], true);
    // The record is of another card.
    world.make_first_format(|record| {
        let key = record["authenticity_key"].as_str().expect("a key").to_owned();
        let other = format!("{}{}", &key[..500], if key[500..].starts_with('0') { "1" } else { "0" }) + &key[501..];
        record["authenticity_key"] = other.into();
    });
    let said = world.run(&["show", &card]).succeeded();
    assert!(said.out.contains(&format!("{words}NOT BELIEVED")), "{}", said.out);
    assert!(report(&world, &card, &[]).contains("NOT BELIEVED"));
    world.run(&["check", &card]).failed(1, &["checks failed"]);
}

#[test]
fn a_name_is_never_taken_for_markup() {
    let world = World::new();
    let name = "<script>alert(1)</script>　\"'&amp;";
    let address = "模擬県</td></table><img src=x onerror=alert(1)>";
    let options = ["--name", name, "--address", address, "--birth", "1980-02-17", "--sex", "female"];
    for profile in ["card", "android"] {
        let card = world.issue(&[&options[..], &["--profile", profile]].concat());
        let page = report(&world, &card, &[]);
        assert!(!page.contains("<script") && !page.contains("<img src=x"), "{profile}");
        let Some(text) = parsed(&page) else { return };
        assert!(text.contains(name) && text.contains(address), "{profile}: shown as it was written");
    }
}

#[test]
fn a_blocked_pin_is_seen_in_text_and_page() {
    let world = World::new();
    let card = world.issue(&[]);
    let wrong = "00200098 04 39393939";
    world.run(&["apdu", &card, "00A4040C0AD392F000260100000001", wrong, wrong, wrong]).succeeded();
    assert!(world.run(&["show", &card]).succeeded().out.contains("0 of 3 tries left: locked"));
    world.run(&["show", &card, "--auth-pin", AUTH_PIN]).failed(1, &["blocked", "reset-pin"]);
    let page = report(&world, &card, &[]);
    assert!(page.contains("○○○") && page.contains("閉塞 blocked"));
}

#[test]
fn answers_of_every_application_are_explained() {
    let (world, card) = card("card");
    let commands = [
        "00CA00F8000000",
        "00A4040005D39210003100",
        "00A4040C0AD3921000310001010100",
        "00B2010C00",
        "008800990401020304 00",
        "00A4040C0AD3921000310001010402",
        "00B0830000",
        "00B0010000",
        "00B0840000",
        "00B0010000",
        "00B0020000",
        "00A4040C0AD392F000260100000001",
        "00B0860000",
        "00B0880003",
        // 2,000 bytes at once: the whole file.
        "00B08A000007D0",
    ];
    let explained = |world: &World, arguments: &[&str]| {
        let _alone = alone();
        world.run(arguments).succeeded()
    };
    let said = explained(world, &[&["apdu", card], &commands[..]].concat());
    for word in [
        "= card-verifiable certificate: issuer 証明者鍵ID 8000020/001, subject 被証明者鍵ID 8999930/002",
        "= 6F file control information",
        "=   製造番号 8",
        "READ RECORD 1 of card number",
        "INTERNAL AUTHENTICATE internal authentication key",
        "= signature, 256 bytes",
        "= 256 of the 320 bytes of object FF30",
        "=   DF34 municipality code: “99999”",
        "9999921/000",
        "= token \"JPKIAPICCTOKEN2\"",
        "= signature certificate present, user authentication certificate present",
        "= certificate of ",
        "subject CN=",
    ] {
        assert!(said.out.contains(word), "no {word:?} in {}", said.out);
    }
    let (world, card) = self::card("iphone");
    let said = explained(world, &["apdu", card, "00A4040C0AD3921000310001010402", "80FC0000"]);
    assert!(said.out.contains("SELECT application D3921000310001010402"), "it has no such application: {}", said.out);
    assert!(said.out.contains("last-command mark"));
}
