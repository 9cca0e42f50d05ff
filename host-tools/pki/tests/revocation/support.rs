//! Authorities of two generations, leaves, and openssl.

use pki::{
    birthday,
    ca::{Authority, Issued, pem},
    person::Person,
    profile::Hierarchy,
    revocation::{Reason, Revoked, certificate::Certificate},
};
use rsa::{
    PrivateKey,
    pkcs8::{EncodePrivateKey, LineEnding},
};
use sim::rng::SimRng;
use std::{path::PathBuf, process::Command, sync::LazyLock};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// openssl looks at the real clock for some of its checks, so this is the real time; the authorities are an hour old.
pub(crate) static NOW: LazyLock<OffsetDateTime> =
    LazyLock::new(|| OffsetDateTime::now_utc().replace_nanosecond(0).expect("a moment"));

pub(crate) struct Made {
    pub(crate) authentication: Authority,
    /// The same name, another key.
    pub(crate) next_generation: Authority,
    pub(crate) key: PrivateKey,
    pub(crate) signature_leaf: Issued,
    /// Of the user authentication CA.
    pub(crate) leaves: [Issued; 3],
    pub(crate) next_leaf: Issued,
}

pub(crate) static MADE: LazyLock<Made> = LazyLock::new(|| {
    let mut rng = SimRng::seeded(51);
    let begin = *NOW - Duration::hours(1);
    let mut create = |hierarchy| Authority::create(hierarchy, begin, &mut rng).expect("root");
    let signature = create(Hierarchy::Signature);
    let authentication = create(Hierarchy::Authentication);
    let next_generation = create(Hierarchy::Authentication);
    let key = pki::keys::generate(&mut rng).expect("key");
    let person = Person::sample("sample-1").expect("sample");
    let end = birthday::by_birthday(person.birth, birthday::jst_date(begin), None);
    let public = key.as_public_key();
    let signature_leaf =
        signature.issue_signature(0x10_0002, &person, "20251016172600001349999900A", public, begin, end);
    let leaf = |authority: &Authority, serial, name: &str| {
        authority.issue_authentication(serial, name, public, begin, end).expect("issues")
    };
    Made {
        signature_leaf: signature_leaf.expect("issues"),
        leaves: [(2, "A"), (3, "B"), (4, "C")].map(|(serial, name)| leaf(&authentication, 0x10_0000 + serial, name)),
        next_leaf: leaf(&next_generation, 0x10_0002, "D"),
        authentication,
        next_generation,
        key,
    }
});

impl Made {
    pub(crate) fn root(&self) -> Certificate {
        parsed(self.authentication.root())
    }

    /// The first leaf is good, the second held, the third revoked.
    pub(crate) fn entries(&self) -> Vec<Revoked> {
        let entry = |index: usize, reason| Revoked {
            serial: self.leaves[index].serial,
            at: *NOW - Duration::minutes(9),
            reason,
        };
        vec![entry(2, Reason::KeyCompromise), entry(1, Reason::CertificateHold)]
    }
}

pub(crate) fn parsed(der: &[u8]) -> Certificate {
    Certificate::parse(der).expect("a certificate")
}

/// A folder with files for openssl.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// `None`, said aloud, where there is no openssl.
    pub(crate) fn new(test: &str) -> Option<Folder> {
        if Command::new("openssl").arg("version").output().is_err() {
            vectors::skipped(&format!("{test}: install openssl"));
            return None;
        }
        Some(Folder(tempfile::tempdir().expect("folder")))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("writes");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("reads")
    }

    pub(crate) fn certificate(&self, name: &str, der: &[u8]) {
        self.write(name, pem(der));
    }

    pub(crate) fn key(&self, name: &str, key: &PrivateKey) {
        self.write(name, key.to_pkcs8_pem(LineEnding::LF).expect("pem"));
    }

    /// index.txt of `openssl ca`: what it knows, good or revoked with a reason.
    pub(crate) fn index(&self, entries: &[(u32, Option<&str>)]) {
        let at = "260101000000Z";
        let line = |(serial, revoked): &(u32, Option<&str>)| match revoked {
            None => format!("V\t491231235959Z\t\t{serial:06X}\tunknown\t/CN=x\n"),
            Some(reason) => format!("R\t491231235959Z\t{at}{reason}\t{serial:06X}\tunknown\t/CN=x\n"),
        };
        self.write("index.txt", entries.iter().map(line).collect::<String>());
    }

    /// Both streams, and whether it succeeded.
    pub(crate) fn openssl(&self, arguments: &str) -> (bool, String) {
        let run = Command::new("openssl").args(arguments.split(' ')).current_dir(self.0.path()).output().expect("runs");
        (run.status.success(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
    }

    /// It succeeded and said all of this.
    #[track_caller]
    pub(crate) fn says(&self, arguments: &str, words: &[&str]) {
        let (done, said) = self.openssl(arguments);
        assert!(done, "openssl {arguments}\n{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in\n{said}");
        }
    }
}
