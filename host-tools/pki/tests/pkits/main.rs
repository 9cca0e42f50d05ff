//! Paths against NIST's Public Key Interoperability Test Suite, every test of it: judged, or left with a reason.

mod crl;

use der::asn1::ObjectIdentifier;
use pki::relying::{
    certificate::{Certificate, Malformed},
    path::{self, Policies, Refused, Rules},
};
use serde::Deserialize;
use std::collections::BTreeSet;
use time::{OffsetDateTime, macros::datetime};

/// After every notBefore that is not in a far future, before every notAfter that is not long past.
const AT: OffsetDateTime = datetime!(2020-01-01 00:00 UTC);

#[derive(Deserialize)]
struct Suite {
    test: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    number: String,
    title: String,
    target: String,
    certificates: Vec<String>,
    crls: Vec<String>,
    valid: Option<bool>,
    #[serde(default)]
    runs: Vec<Run>,
    left: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Run {
    #[serde(default)]
    policies: Vec<u32>,
    #[serde(default)]
    explicit: bool,
    #[serde(default)]
    inhibit_mapping: bool,
    #[serde(default)]
    inhibit_any: bool,
    valid: bool,
    user: Option<User>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum User {
    Any(String),
    These(Vec<u32>),
}

fn file(kind: &str, name: &str) -> Vec<u8> {
    let path = vectors::path("../pkits").join(kind).join(format!("{name}.{}", &kind[..3].replace("cer", "crt")));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn suite() -> Vec<Test> {
    toml::from_str::<Suite>(&vectors::text("../pkits/tests.toml")).expect("the form").test
}

fn policy(number: u32) -> ObjectIdentifier {
    ObjectIdentifier::new("2.16.840.1.101.3.2.1.48").expect("an arc").push_arc(number).expect("an arc")
}

fn certificate(name: &str) -> Result<Certificate, Malformed> {
    Certificate::parse(&file("certs", name))
}

#[derive(Debug)]
enum Why {
    #[expect(dead_code, reason = "shown where a test fails")]
    Malformed(Malformed),
    Refused(Refused),
}

/// Whether a path was refused for what its section is about, and not for something else by luck.
fn is_about(section: &str, why: &Why) -> bool {
    use Refused as R;
    let Why::Refused(refused) = why else { return section == "4.1" };
    match section {
        "4.1" => matches!(refused, R::Signature(_) | R::Algorithm),
        "4.2" => matches!(refused, R::NotYet { .. } | R::Expired { .. }),
        "4.3" => matches!(refused, R::Issuer(_)),
        "4.4" => matches!(refused, R::Status { .. }),
        "4.5" => matches!(refused, R::Status { .. } | R::NotAuthority(_)),
        "4.6" => matches!(refused, R::NotAuthority(_) | R::PathLength(_)),
        "4.7" => matches!(refused, R::KeyUsage(_) | R::Status { .. }),
        "4.8" | "4.9" | "4.11" | "4.12" => *refused == R::Policy,
        "4.10" => matches!(refused, R::Policy | R::MappedAny),
        "4.13" => *refused == R::NameConstraints,
        "4.16" => matches!(refused, R::UnknownCritical(_)),
        other => panic!("nothing is said of {other}"),
    }
}

fn judge(test: &Test, run: &Run) -> Result<Policies, Why> {
    let anchors = [certificate("TrustAnchorRootCertificate").map_err(Why::Malformed)?];
    // A certificate beside the leaf that cannot be read is one that is not there.
    let others: Vec<Certificate> = test.certificates.iter().filter_map(|name| certificate(name).ok()).collect();
    let target = certificate(&test.target).map_err(Why::Malformed)?;
    let lists = test.crls.iter().map(|name| file("crls", name)).collect();
    let rules = Rules {
        policies: run.policies.iter().map(|number| policy(*number)).collect(),
        require_explicit_policy: run.explicit,
        inhibit_policy_mapping: run.inhibit_mapping,
        inhibit_any_policy: run.inhibit_any,
    };
    let lists = crl::Lists::new(lists, &others, &anchors);
    path::validate(&target, &others, &anchors, &rules, AT, &lists).map_err(Why::Refused)
}

fn is_as_expected(section: &str, run: &Run, judged: &Result<Policies, Why>) -> bool {
    let expected = run.user.as_ref().map(|user| match user {
        User::Any(any) => {
            assert_eq!(any, "any");
            Policies::Any
        }
        User::These(numbers) => Policies::These(numbers.iter().map(|number| policy(*number)).collect()),
    });
    match judged {
        Ok(policies) if run.valid => expected.is_none_or(|expected| expected == *policies),
        Ok(_) => run.valid,
        Err(why) => !run.valid && is_about(section, why),
    }
}

#[test]
fn every_test_is_as_nist_says_or_left_with_a_reason() {
    let suite = suite();
    assert_eq!(suite.len(), 224, "PKITS has this many tests");
    let numbers: BTreeSet<&str> = suite.iter().map(|test| test.number.as_str()).collect();
    assert_eq!(numbers.len(), 224, "each once");
    let (mut judged, mut runs, mut left, mut failed) = (0, 0, Vec::new(), Vec::new());
    for test in &suite {
        let defaults = test.valid.map(|valid| Run { valid, ..Run::default() });
        let all: Vec<&Run> = test.runs.iter().chain(&defaults).collect();
        assert!(!all.is_empty(), "{}: nothing expected", test.number);
        let seen: Vec<_> = all.iter().map(|run| judge(test, run)).collect();
        match &test.left {
            Some(reason) => left.push(format!("{} {}: {reason}", test.number, test.title)),
            None => {
                judged += 1;
                runs += all.len();
                let section = test.number.rsplit_once('.').expect("three numbers").0;
                if !all.iter().zip(&seen).all(|(run, seen)| is_as_expected(section, run, seen)) {
                    failed.push(format!("{} {}: {seen:?}", test.number, test.title));
                }
            }
        }
    }
    println!("PKITS: {judged} tests judged ({runs} runs), {} left:\n  {}", left.len(), left.join("\n  "));
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}
