//! GnuTLS' `p11tool`: the tokens of a card, their certificates, and a signature of each key.

use super::{AUTHENTICATION, Door, MODULE, SIGNATURE, Served, Tools};
use crate::support::{AUTH_PIN, SIGN_PIN};
use std::fs;

const P11TOOL: Tools = (&["p11tool", "opensc-tool"], "gnutls-bin opensc opensc-pkcs11");

#[test]
fn p11tool_over_the_pcsc_socket() {
    finds_and_signs(Door::Socket);
}

#[test]
fn p11tool_over_pcscd_and_vpcd() {
    finds_and_signs(Door::Pcscd);
}

fn finds_and_signs(door: Door) {
    let Some(served) = Served::new(door, &[], P11TOOL) else { return };
    let p11tool = |pin: &str, arguments: &[&str]| {
        let mut command = served.clients().command("p11tool");
        command.env("GNUTLS_PIN", pin).args(["--provider", MODULE, "--batch"]).args(arguments);
        crate::support::run(&mut command)
    };
    let tokens = p11tool("", &["--list-tokens"]).succeeded().out;
    for label in ["JPKI (User Authentication PIN)", "JPKI (Digital Signature PIN)"] {
        assert_eq!(tokens.matches(&format!("Label: {label}\n")).count(), 1, "{tokens}");
    }
    let listed = p11tool("", &["--list-all-certs", AUTHENTICATION.trim_end_matches(";id=%01")]).succeeded().out;
    for label in
        ["User Authentication Certificate", "User Authentication Certificate CA", "Digital Signature Certificate CA"]
    {
        assert_eq!(listed.matches(&format!("Label: {label}\n")).count(), 1, "{listed}");
    }
    // The signature certificate tells who the holder is: nobody reads it without the password.
    let hidden = p11tool("", &["--export", &format!("{SIGNATURE};type=cert")]);
    assert!(hidden.code != Some(0) && !hidden.all().contains("BEGIN CERTIFICATE"), "{hidden:?}");
    for (token, pin, issued) in
        [(AUTHENTICATION, AUTH_PIN, "authentication.pem"), (SIGNATURE, SIGN_PIN, "signature.pem")]
    {
        let certificate = p11tool(pin, &["--login", "--export", &format!("{token};type=cert")]).succeeded().out;
        assert_eq!(certificate.trim(), fs::read_to_string(served.issued(issued)).expect("reads").trim(), "{issued}");
        let signed = p11tool(pin, &["--login", "--test-sign", &format!("{token};type=private")]).succeeded().all();
        for step in ["Signing using RSA-SHA256... ok", "Verifying against public key in the token... ok"] {
            assert!(signed.contains(step), "{signed}");
        }
    }
    let refused = p11tool("0000", &["--login", "--test-sign", &format!("{AUTHENTICATION};type=private")]);
    assert!(refused.code != Some(0) && refused.all().contains("Wrong PIN"), "{refused:?}");
}
