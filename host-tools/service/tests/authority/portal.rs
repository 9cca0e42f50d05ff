use crate::support::{Folder, World};

#[test]
fn fingerprints_are_those_that_openssl_computes() {
    let world = World::new();
    let Some(folder) = Folder::new("fingerprints compared with openssl's", &world) else { return };
    let said = folder.openssl(&["x509", "-in", "root.pem", "-noout", "-fingerprint", "-sha256"]);
    let fingerprint = said.trim().split_once('=').expect("a fingerprint").1.replace(':', "");
    let json = world.ask("GET /fingerprints.json", &[], &[]);
    let json: serde_json::Value = serde_json::from_slice(&json.body).expect("json");
    assert_eq!(json["simulated"], true);
    assert_eq!(json["authorities"][1]["sha256"], fingerprint.as_str());
    assert_eq!(json["authorities"][1]["hierarchy"], "authentication");
    let page = world.ask("GET /fingerprints", &[], &[]);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let without_spaces = page.text().replace(' ', "");
    assert!(without_spaces.contains(&fingerprint), "{}", page.text());
    let root = world.ask("GET /fingerprints/authentication.cer", &[], &[]);
    assert_eq!((root.body.as_slice(), root.header("content-type")), (world.root, Some("application/pkix-cert")));
    assert_eq!(world.ask("GET /fingerprints/nobody.cer", &[], &[]).status, 404);
}

#[test]
fn pages_say_what_they_are_and_run_nothing() {
    let world = World::new();
    for (path, words) in
        [("/fingerprints", ["フィンガープリント", "署名用認証局"]), ("/terms", ["利用者規約", "invented"])]
    {
        let page = world.ask(&format!("GET {path}"), &[], &[]);
        let text = page.text();
        for word in words.into_iter().chain(["TEST", "試験用", "模擬"]) {
            assert!(text.contains(word), "{path}: {word}");
        }
        for name in ["jpki.go.jp", "Japan Agency", "地方公共団体情報システム機構", "<script"] {
            assert!(!text.contains(name), "{path}: {name}");
        }
        assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    }
}
