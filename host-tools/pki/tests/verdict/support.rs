//! A small world: authorities, certificates over the sample card's keys, messages, and ways to spoil them.

use der::{Decode, Encode};
use pki::{
    application::{self, Form, Packing},
    birthday,
    ca::Authority,
    client::{Half, Jpki},
    person::Person,
    profile::{Hierarchy, authentication_common_name, signature_common_name},
    relying::{
        certificate::Certificate,
        message::Binding,
        path::{Revocation, Status},
        report::{Report, Step, Verdict},
        verdict::Verifier,
    },
};
use rsa::{
    BoxedUint, Pkcs1v15Sign, PrivateKey,
    pkcs1v15::{Signature, SigningKey},
};
use sha2::{Digest, Sha256};
use sim::{card::Direct, reader::Reader, rng::SimRng, sample};
use std::{collections::BTreeMap, sync::LazyLock};
use time::{Duration, OffsetDateTime, macros::datetime};
use x509_cert::{
    SubjectPublicKeyInfo, TbsCertificate,
    builder::{Builder, CertificateBuilder, profile::BuilderProfile},
    ext::Extension,
    name::Name,
    spki::SubjectPublicKeyInfoRef,
};

pub(crate) const ISSUED: OffsetDateTime = datetime!(2026-11-20 01:02:03 UTC);
pub(crate) const SIGNED: OffsetDateTime = datetime!(2026-11-27 03:04:05 UTC);
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-27 03:05:00 UTC);

pub(crate) struct World {
    pub(crate) signature: Authority,
    pub(crate) authentication: Authority,
    /// Of the sample card: its signature certificate, its authentication certificate.
    pub(crate) leaves: [Certificate; 2],
    /// A later signature certificate over the same key.
    pub(crate) renewed: Certificate,
    /// Another resident's key and signature certificate.
    pub(crate) other: (PrivateKey, Certificate),
    pub(crate) anchors: Vec<Certificate>,
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| World::new(ISSUED));

/// The sample card's keys, as [`Half`] counts them.
pub(crate) fn card_key(half: Half) -> PrivateKey {
    let [authentication, signature] = sample::keys();
    let key = if half == Half::Signature { signature } else { authentication };
    let [p, q] = [&key.p, &key.q].map(|prime| BoxedUint::from_be_slice_vartime(prime));
    PrivateKey::from_p_q(p, q, 65_537u64.into()).expect("a key")
}

pub(crate) fn parse(der: &[u8]) -> Certificate {
    Certificate::parse(der).expect("a certificate")
}

impl World {
    /// With certificates of this moment.
    pub(crate) fn new(issued_at: OffsetDateTime) -> Self {
        let mut rng = SimRng::seeded(31);
        // The generation before: the same name, another key.
        let former =
            Authority::create(Hierarchy::Signature, issued_at - Duration::days(1500), &mut rng).expect("a root");
        let signature = Authority::create(Hierarchy::Signature, issued_at, &mut rng).expect("a root");
        let authentication = Authority::create(Hierarchy::Authentication, issued_at, &mut rng).expect("a root");
        let stranger = PrivateKey::new(&mut rng, 2048).expect("a key");
        let issue = |name: &str, number, key: &PrivateKey, at| {
            let person = Person::sample(name).expect("a sample");
            let end = birthday::by_birthday(person.birth, birthday::jst_date(at), None);
            let common = signature_common_name(at, number);
            let issued = signature
                .issue_signature(0x10_0001 + number, &person, &common, key.as_public_key(), at, end)
                .expect("issues");
            parse(&issued.der)
        };
        let key = card_key(Half::Signature);
        let own = issue("sample-1", 1, &key, issued_at);
        let renewed = issue("sample-1", 2, &key, issued_at + Duration::hours(1));
        let other = issue("sample-2", 3, &stranger, issued_at);
        let public = card_key(Half::Authentication);
        let login = authentication
            .issue_authentication(
                0x10_0002,
                &authentication_common_name(&mut rng),
                public.as_public_key(),
                issued_at,
                birthday::jst_date(issued_at + Duration::days(1500)),
            )
            .expect("issues");
        let roots = [former.root(), authentication.root(), signature.root()];
        World {
            anchors: roots.into_iter().map(parse).collect(),
            leaves: [own, parse(&login.der)],
            renewed,
            other: (stranger, other),
            signature,
            authentication,
        }
    }
}

/// Nothing is revoked.
pub(crate) fn nothing(_: &Certificate, _: &Certificate, _: OffsetDateTime) -> Status {
    Status::Good
}

pub(crate) fn verifier(revocation: &dyn Revocation) -> Verifier<'_> {
    let (anchors, policy) = (&WORLD.anchors, Hierarchy::Signature.policy());
    Verifier { anchors, policy, revocation, binding: Binding::Required }
}

pub(crate) fn form() -> Form {
    let Person { name, address, birth, sex, .. } = Person::sample("sample-1").expect("a sample");
    let fields = BTreeMap::from([("登録番号".to_owned(), "試験 300 あ 00-00".to_owned())]);
    Form { procedure: "自動車税の住所変更届".into(), name, address, birth, sex, fields }
}

pub(crate) fn content() -> Vec<u8> {
    form().to_json().expect("json")
}

/// Signed by a key in memory.
pub(crate) fn signed_by(key: &PrivateKey, certificate: &Certificate, content: &[u8], packing: Packing) -> Vec<u8> {
    let sign = |info: &[u8]| key.sign(Pkcs1v15Sign::new_unprefixed(), info);
    application::sign(content, certificate, packing, SIGNED, sign).expect("signs")
}

/// Signed by the sample card, over a reader.
pub(crate) fn signed_by_card(content: &[u8], packing: Packing) -> Vec<u8> {
    let mut reader = Direct(sample::issued(true));
    reader.power_on().expect("powers");
    let mut jpki = Jpki::select(&mut reader).expect("selects");
    jpki.verify(Half::Signature, sample::SIGNATURE_PASSWORD).expect("is right");
    let sign = |info: &[u8]| jpki.sign(Half::Signature, 0x00, info);
    application::sign(content, &WORLD.leaves[0], packing, SIGNED, sign).expect("signs")
}

/// The usual message: attached, good.
pub(crate) fn message() -> Vec<u8> {
    signed_by(&card_key(Half::Signature), &WORLD.leaves[0], &content(), Packing::Attached)
}

pub(crate) fn judge(message: &[u8]) -> Report {
    verifier(&nothing).application(message, None, NOW)
}

/// The findings of the checks that do not hold.
pub(crate) fn bad(report: &Report) -> Vec<(Step, &'static str)> {
    assert_eq!(report.accepted, report.checks.iter().all(|check| check.verdict == Verdict::Passed));
    assert!(report.checks.iter().all(|check| !check.text_en.is_empty() && !check.text_ja.is_empty()));
    let open = report.checks.iter().filter(|check| check.verdict != Verdict::Passed);
    open.map(|check| (check.name, check.finding)).collect()
}

/// Those that failed, without those that were not run because of it.
pub(crate) fn failed(report: &Report) -> Vec<(Step, &'static str)> {
    bad(report).into_iter().filter(|(_, finding)| *finding != "not-run").collect()
}

struct Copied {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Copied {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

/// A copy of a certificate over another key, made by somebody who has a certificate and is no authority.
pub(crate) fn copied(
    victim: &Certificate,
    key: &PrivateKey,
    forger: &Certificate,
    forgers: &PrivateKey,
) -> Certificate {
    let fields = x509_cert::Certificate::from_der(victim.der()).expect("a certificate");
    let fields = fields.tbs_certificate();
    let profile = Copied {
        issuer: forger.subject().clone(),
        subject: fields.subject().clone(),
        extensions: fields.extensions().expect("extensions").clone(),
    };
    let info = SubjectPublicKeyInfo::from_key(key.as_public_key()).expect("a key");
    let serial = fields.serial_number().clone();
    let builder = CertificateBuilder::new(profile, serial, *fields.validity(), info).expect("a builder");
    let signer = SigningKey::<Sha256>::new(forgers.clone());
    parse(&builder.build::<_, Signature>(&signer).expect("signs").to_der().expect("encodes"))
}

/// The certificate with some bytes exchanged, signed again by its authority.
pub(crate) fn reissued(certificate: &Certificate, authority: &Authority, from: &[u8], to: &[u8]) -> Certificate {
    assert_eq!(from.len(), to.len(), "lengths stay");
    let mut bytes = certificate.der().to_vec();
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the bytes are there");
    bytes[at..at + to.len()].copy_from_slice(to);
    let parsed = x509_cert::Certificate::from_der(&bytes).expect("still a certificate");
    let digest = Sha256::digest(parsed.tbs_certificate().to_der().expect("encodes"));
    let signature = authority.key().sign(Pkcs1v15Sign::new::<Sha256>(), &digest).expect("signs");
    let end = bytes.len();
    bytes[end - 256..].copy_from_slice(&signature);
    parse(&bytes)
}
