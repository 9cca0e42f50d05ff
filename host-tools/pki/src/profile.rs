//! Certificate profiles, extension by extension, under names of our own. (pki.md §2–7, §11)
//!
//! String types, extension sets, order and criticality are the real ones; organisation, policy, hosts and places are not, so
//! that nobody can take one of these certificates for real.

use crate::person::{Person, Substituted};
use der::{
    Any, Encode,
    asn1::{BitString, Ia5String, Null, ObjectIdentifier, OctetString, PrintableStringRef, Utf8StringRef},
    flagset::FlagSet,
};
use rand_core::CryptoRng;
use time::OffsetDateTime;
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::{
        Extension,
        pkix::{
            AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
            CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, IssuerAltName, KeyUsage, KeyUsages,
            SubjectAltName, SubjectKeyIdentifier,
            certpolicy::{PolicyInformation, PolicyQualifierInfo},
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName, OtherName},
        },
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
    serial_number::SerialNumber,
};

/// Municipality code of the invented municipality. (card.md D-52)
pub const MUNICIPALITY_CODE: &str = "99999";

const ORGANIZATION: &str = "JPKI-SIM-TEST";
const AUTHORITY: &str = "Simulator test authority - not a public body";
const JAPANESE_ORGANIZATION: &str = "公的個人認証模擬環境（試験用）";
const JAPANESE_AUTHORITY: &str = "模擬認証局（実在の機関ではありません）";
const PREFECTURE: &str = "Mogi-ken";
const MUNICIPALITY: &str = "Shiken-shi";
const CPS: &str = "http://cps.jpki-sim.test/";
const OCSP: &str = "http://ocsp.jpki-sim.test/";

const COUNTRY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANIZATION_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const LOCALITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.7");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
const OCSP_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CPS_QUALIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.1");
const ATTRIBUTES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.5");

/// A municipality that certificates name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Municipality {
    /// 全国地方公共団体コード
    pub code: &'static str,
    /// Its prefecture, romanised.
    pub prefecture: &'static str,
    /// Its name, romanised.
    pub name: &'static str,
}

impl Municipality {
    /// The invented ones.
    pub const ALL: [Municipality; 1] =
        [Municipality { code: MUNICIPALITY_CODE, prefecture: PREFECTURE, name: MUNICIPALITY }];
    /// The one whose counter issues.
    pub const SHIKEN: Municipality = Self::ALL[0];

    /// The municipality of a code.
    #[must_use]
    pub fn by_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|municipality| municipality.code == code)
    }
}

/// One of the hierarchies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hierarchy {
    /// 署名用
    Signature,
    /// 利用者証明用
    Authentication,
    /// The prefectural CA of the Juki card's time 都道府県知事. (pki.md §13, P-09)
    Prefecture,
}

impl Hierarchy {
    /// Short name, used for files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Hierarchy::Signature => "signature",
            Hierarchy::Authentication => "authentication",
            Hierarchy::Prefecture => "prefecture",
        }
    }

    /// The hierarchy of a short name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [Hierarchy::Signature, Hierarchy::Authentication, Hierarchy::Prefecture]
            .into_iter()
            .find(|one| one.name() == name)
    }

    const fn unit(self) -> &'static str {
        match self {
            Hierarchy::Signature => "Simulated JPKI for digital signature",
            Hierarchy::Authentication => "Simulated JPKI for user authentication",
            Hierarchy::Prefecture => "Simulated prefecture Mogi-ken",
        }
    }

    const fn japanese_unit(self) -> &'static str {
        match self {
            Hierarchy::Signature => "公的個人認証模擬環境（試験用）署名用",
            Hierarchy::Authentication => "公的個人認証模擬環境（試験用）利用者証明用",
            Hierarchy::Prefecture => "模擬県知事（試験用）",
        }
    }

    /// The JPKI-TEST policy; production policies are never used. (pki.md §7.1, P-08)
    #[must_use]
    pub const fn policy(self) -> ObjectIdentifier {
        match self {
            Hierarchy::Signature | Hierarchy::Prefecture => ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.0.20"),
            Hierarchy::Authentication => ObjectIdentifier::new_unwrap("1.2.392.200149.8.5.1.0.30"),
        }
    }

    /// Distinguished name of the CA.
    ///
    /// # Errors
    /// Only of the encoder.
    pub fn authority(self) -> der::Result<Name> {
        let (unit, authority) = (self.unit(), AUTHORITY);
        name(&[(ORGANIZATION_NAME, ORGANIZATION), (ORGANIZATIONAL_UNIT, unit), (ORGANIZATIONAL_UNIT, authority)])
    }

    fn japanese(self) -> der::Result<Name> {
        let (unit, authority) = (self.japanese_unit(), JAPANESE_AUTHORITY);
        name(&[
            (ORGANIZATION_NAME, JAPANESE_ORGANIZATION),
            (ORGANIZATIONAL_UNIT, unit),
            (ORGANIZATIONAL_UNIT, authority),
        ])
    }

    /// Name of the CRL distribution point of a municipality, in its certificates and in its CRL. (pki.md §2)
    ///
    /// # Errors
    /// Only of the encoder.
    pub fn distribution_point(self, municipality: &Municipality) -> der::Result<Name> {
        name(&[
            (ORGANIZATION_NAME, ORGANIZATION),
            (ORGANIZATIONAL_UNIT, self.unit()),
            (ORGANIZATIONAL_UNIT, "CRL Distribution Points"),
            (ORGANIZATIONAL_UNIT, municipality.prefecture),
            (COMMON_NAME, &format!("{} CRLDP", municipality.name)),
        ])
    }

    /// Subject of the certificate with which its OCSP answers are signed. (P-07)
    ///
    /// # Errors
    /// Only of the encoder.
    pub fn responder(self) -> der::Result<Name> {
        name(&[
            (ORGANIZATION_NAME, ORGANIZATION),
            (ORGANIZATIONAL_UNIT, self.unit()),
            (ORGANIZATIONAL_UNIT, AUTHORITY),
            (COMMON_NAME, "OCSP Responder"),
        ])
    }
}

/// Subject of a signature certificate.
///
/// # Errors
/// Only of the encoder.
pub fn signature_subject(common_name: &str) -> der::Result<Name> {
    name(&[(LOCALITY, PREFECTURE), (LOCALITY, MUNICIPALITY), (COMMON_NAME, common_name)])
}

/// Subject of a user authentication certificate.
///
/// # Errors
/// Only of the encoder.
pub fn authentication_subject(common_name: &str) -> der::Result<Name> {
    name(&[(COMMON_NAME, common_name)])
}

/// Common name of a signature certificate: time of application in Japan ‖ running number ‖ municipality ‖ 003A. (P-10)
#[must_use]
pub fn signature_common_name(now: OffsetDateTime, number: u32) -> String {
    let at = crate::birthday::jst(now);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:05}{}003A",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        number % 100_000,
        MUNICIPALITY_CODE
    )
}

/// Common name of a user authentication certificate: 14 random characters ‖ municipality ‖ 003A. (P-10)
#[must_use]
pub fn authentication_common_name(rng: &mut impl CryptoRng) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let random: String = (0..14).map(|_| char::from(ALPHABET[(rng.next_u32() % 36) as usize])).collect();
    format!("{random}{}003A", MUNICIPALITY_CODE)
}

/// C=JP as PrintableString, then the given attributes as UTF8String, one an RDN. (pki.md §2)
fn name(attributes: &[(ObjectIdentifier, &str)]) -> der::Result<Name> {
    let country = Any::encode_from(&PrintableStringRef::new("JP")?)?;
    let mut all = vec![(COUNTRY_NAME, country)];
    for (oid, text) in attributes {
        all.push((*oid, Any::encode_from(&Utf8StringRef::new(text)?)?));
    }
    let mut sequence = RdnSequence::default();
    for (oid, value) in all {
        sequence.push(RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid, value }])?);
    }
    Ok(Name::hazmat_from_rdn_sequence(sequence))
}

pub(crate) fn extension(oid: &str, critical: bool, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id: ObjectIdentifier::new(oid)?, critical, extn_value: OctetString::new(value.to_der()?)? })
}

fn key_usage(usages: impl Into<FlagSet<KeyUsages>>) -> der::Result<Extension> {
    extension("2.5.29.15", true, &KeyUsage(usages.into()))
}

pub(crate) fn directory(name: Name) -> Vec<GeneralName> {
    vec![GeneralName::DirectoryName(name)]
}

fn distribution_points(name: Name) -> der::Result<Extension> {
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(directory(name))),
        reasons: None,
        crl_issuer: None,
    };
    extension("2.5.29.31", false, &CrlDistributionPoints(vec![point]))
}

fn subject_key_identifier(identifier: &[u8]) -> der::Result<Extension> {
    extension("2.5.29.14", false, &SubjectKeyIdentifier(OctetString::new(identifier)?))
}

/// Which root signed: key identifier, name and serial, since all generations share their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its subjectKeyIdentifier.
    pub key_identifier: [u8; 20],
    /// Its serial number.
    pub serial: SerialNumber,
}

pub(crate) fn authority_key_identifier(hierarchy: Hierarchy, issuer: &Issuer) -> der::Result<Extension> {
    let value = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_identifier)?),
        authority_cert_issuer: Some(directory(hierarchy.authority()?)),
        authority_cert_serial_number: Some(issuer.serial.clone()),
    };
    extension("2.5.29.35", false, &value)
}

fn policies(hierarchy: Hierarchy) -> der::Result<Extension> {
    let qualifier = PolicyQualifierInfo {
        policy_qualifier_id: CPS_QUALIFIER,
        qualifier: Some(Any::encode_from(&Ia5String::new(CPS)?)?),
    };
    let policy = PolicyInformation { policy_identifier: hierarchy.policy(), policy_qualifiers: Some(vec![qualifier]) };
    extension("2.5.29.32", true, &CertificatePolicies(vec![policy]))
}

fn issuer_alternative_name(hierarchy: Hierarchy) -> der::Result<Extension> {
    extension("2.5.29.18", false, &IssuerAltName(directory(hierarchy.japanese()?)))
}

/// Extensions of a root, in order. (pki.md §3)
///
/// # Errors
/// Only of the encoder.
pub fn root(hierarchy: Hierarchy, key_identifier: &[u8; 20]) -> der::Result<Vec<Extension>> {
    Ok(vec![
        key_usage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)?,
        extension("2.5.29.17", false, &SubjectAltName(directory(hierarchy.japanese()?)))?,
        extension("2.5.29.19", true, &BasicConstraints { ca: true, path_len_constraint: None })?,
        distribution_points(hierarchy.authority()?)?,
        subject_key_identifier(key_identifier)?,
    ])
}

/// Extensions of a signature certificate, in order; those of a Juki card's certificate are the same. (pki.md §4, P-09)
///
/// # Errors
/// Only of the encoder.
pub fn signature(
    hierarchy: Hierarchy,
    person: &Person,
    issuer: &Issuer,
    key_identifier: &[u8; 20],
) -> der::Result<Vec<Extension>> {
    Ok(vec![
        key_usage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation)?,
        attributes(person)?,
        policies(hierarchy)?,
        issuer_alternative_name(hierarchy)?,
        distribution_points(hierarchy.distribution_point(&Municipality::SHIKEN)?)?,
        authority_key_identifier(hierarchy, issuer)?,
        subject_key_identifier(key_identifier)?,
    ])
}

/// Extensions of a user authentication certificate, in order. (pki.md §5)
///
/// # Errors
/// Only of the encoder.
pub fn authentication(issuer: &Issuer, key_identifier: &[u8; 20]) -> der::Result<Vec<Extension>> {
    let hierarchy = Hierarchy::Authentication;
    let ocsp = AccessDescription {
        access_method: OCSP_ACCESS,
        access_location: GeneralName::UniformResourceIdentifier(Ia5String::new(OCSP)?),
    };
    Ok(vec![
        key_usage(KeyUsages::DigitalSignature)?,
        extension("2.5.29.37", false, &ExtendedKeyUsage(vec![CLIENT_AUTHENTICATION]))?,
        policies(hierarchy)?,
        issuer_alternative_name(hierarchy)?,
        distribution_points(hierarchy.distribution_point(&Municipality::SHIKEN)?)?,
        extension("1.3.6.1.5.5.7.1.1", false, &AuthorityInfoAccessSyntax(vec![ocsp]))?,
        authority_key_identifier(hierarchy, issuer)?,
        subject_key_identifier(key_identifier)?,
    ])
}

/// Extensions of the certificate with which OCSP answers are signed. Nobody asks for its own status: it lives for days. (P-07, RFC
/// 6960 §4.2.2.2)
///
/// # Errors
/// Only of the encoder.
pub fn responder(hierarchy: Hierarchy, issuer: &Issuer, key_identifier: &[u8; 20]) -> der::Result<Vec<Extension>> {
    Ok(vec![
        key_usage(KeyUsages::DigitalSignature)?,
        extension("2.5.29.37", false, &ExtendedKeyUsage(vec![OCSP_SIGNING]))?,
        extension("1.3.6.1.5.5.7.48.1.5", false, &Null)?,
        authority_key_identifier(hierarchy, issuer)?,
        subject_key_identifier(key_identifier)?,
    ])
}

/// The personal attributes, in the order .1 .4 .3 .5 .2 .6. (pki.md §6)
fn attributes(person: &Person) -> der::Result<Extension> {
    let Substituted { text: name, map: name_map } = person.certificate_name();
    let Substituted { text: address, map: address_map } = person.certificate_address();
    let values = [
        (1, name),
        (4, person.certificate_birth()),
        (3, person.sex.code().to_owned()),
        (5, address),
        (2, name_map),
        (6, address_map),
    ];
    let mut names = Vec::new();
    for (number, text) in values {
        names.push(GeneralName::OtherName(OtherName {
            type_id: ATTRIBUTES.push_arc(number)?,
            value: Any::encode_from(&Utf8StringRef::new(&text)?)?,
        }));
    }
    extension("2.5.29.17", false, &SubjectAltName(names))
}

/// SHA-1 of the subjectPublicKey's content. (pki.md §7.2)
#[must_use]
pub fn key_identifier(key: &BitString) -> [u8; 20] {
    use sha1::Digest;
    sha1::Sha1::digest(key.raw_bytes()).into()
}
