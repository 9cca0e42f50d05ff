//! Files of cases and subjects come from anybody.

use crate::cards::Issued;
use conform::{case::Suite, subject::Subject};
use proptest::prelude::*;

/// A file that is nearly right: one of the tool's own with a piece replaced.
fn nearly() -> impl Strategy<Value = String> {
    const FILES: [&str; 3] = [
        include_str!("../../../../vectors/conformance/04-rules.toml"),
        include_str!("../../../../vectors/conformance/07-pins.toml"),
        include_str!("../../../../vectors/conformance/13-messaging.toml"),
    ];
    let piece = prop_oneof![
        ".{0,8}",
        Just("[[[[[[".to_owned()),
        Just("for n in 0000..FFFF\n".to_owned()),
        Just("A5*65544".to_owned()),
        Just("?9-1".to_owned()),
        Just("end\n".to_owned()),
        Just("let x = {x}{x}\n".to_owned()),
        Just("as a.b".to_owned()),
    ];
    (prop::sample::select(&FILES[..]), any::<prop::sample::Index>(), 0usize..40, piece).prop_map(
        |(text, at, length, piece)| {
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            let rest = chars[at..].iter().skip(length);
            chars[..at].iter().copied().chain(piece.chars()).chain(rest.copied()).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_suite_or_an_error(text in prop_oneof![".{0,200}", nearly()]) {
        let _ = Suite::default().add("any.toml", &text);
    }

    #[test]
    fn any_secret_lines_are_taken_or_refused_without_being_told(text in "[a-z=\n #]{0,40}", secret in "[0-9]{17,20}") {
        let mut subject = Subject::new("x");
        let text = format!("{text}\nauthentication={secret}");
        let said = subject.add_lines(&text).expect_err("too long").to_string();
        prop_assert!(!said.contains(&secret), "{}", said);
    }
}

#[test]
fn values_do_not_grow_without_end() {
    let doubling = "let x = {x}{x}\n".repeat(390);
    let text = format!(
        "chapter = \"x\"\n[[case]]\nid = \"OWN-001\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\n\
         steps = '''\nlet x = 00\n{doubling}'''\n"
    );
    let mut suite = Suite::default();
    suite.add("own.toml", &text).expect("reads");
    let outcomes = Issued::get().run(&suite, true, &|card| Box::new(card));
    assert!(
        outcomes[0].reason.as_deref().is_some_and(|why| why.contains("more than 1048576 bytes")),
        "{:?}",
        outcomes[0]
    );
}
