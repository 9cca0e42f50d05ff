//! A survey judged: what the files say, and whether it is believed.

use super::{CardNumber, Content, Personal, SeenCertificate, Survey, TokenInformation};
use crate::{
    client::Half,
    cvc::{self, Chain},
    relying::{self, NotBelieved},
    signer::Purpose,
    verifiable::Verifiable,
};
use rsa::PublicKey;

/// Whom the judge trusts.
#[derive(Debug, Clone, Copy)]
pub struct Authorities<'a> {
    /// DER of the CA that issued signature certificates.
    pub signature: &'a [u8],
    /// DER of the CA that issued user authentication certificates.
    pub authentication: &'a [u8],
    /// Roots of face data.
    pub verifiable: Option<&'a Verifiable>,
    /// The card manager's chain, where it is known.
    pub chain: Option<&'a Chain>,
}

/// A value that can be read without being believed.
#[derive(Debug)]
pub struct Judged<T> {
    /// What it is.
    pub value: T,
    /// Whether it is believed.
    pub believed: Result<(), NotBelieved>,
}

/// A certificate on the card.
#[derive(Debug)]
pub struct CertificateFile {
    /// EF identifier in the JPKI application.
    pub file: u8,
    /// English name of the EF.
    pub name: &'static str,
    /// Japanese name of the EF.
    pub japanese: &'static str,
    /// What stands there.
    pub state: CertificateState,
}

/// What stands in the file of a certificate.
#[derive(Debug)]
pub enum CertificateState {
    /// Not read: a PIN opens it.
    Closed,
    /// Never issued.
    Empty,
    /// A certificate.
    Present(Box<Present>),
}

/// A certificate that was read.
#[derive(Debug)]
pub struct Present {
    /// Its DER.
    pub der: Vec<u8>,
    /// What it says, and whether the world's CA signed it.
    pub certificate: Result<Judged<SeenCertificate>, NotBelieved>,
}

/// A card-verifiable certificate.
#[derive(Debug)]
pub struct VerifiableCertificate {
    /// Where it was read.
    pub place: &'static str,
    /// The certificate.
    pub certificate: Result<Judged<cvc::Certificate>, NotBelieved>,
}

/// What a survey says.
#[derive(Debug)]
pub struct Findings {
    /// JPKI 0006.
    pub token: Option<TokenInformation>,
    /// JPKI 0008.
    pub availability: Option<Vec<u8>>,
    /// 共通カードAP 0001.
    pub number: Option<CardNumber>,
    /// Certificates of the JPKI application.
    pub certificates: Vec<CertificateFile>,
    /// Card-verifiable certificates.
    pub verifiable: Vec<VerifiableCertificate>,
    /// The holder.
    pub personal: Personal,
}

impl Findings {
    /// Judges a survey.
    #[must_use]
    pub fn of(survey: &Survey, authorities: Authorities<'_>) -> Self {
        let number = match survey.content(0x0201) {
            Some(Content::Records(records)) => CardNumber::first(records),
            _ => None,
        };
        Findings {
            token: survey.file(0x0106).and_then(TokenInformation::parse),
            availability: survey.file(0x0108).map(<[u8]>::to_vec),
            number,
            certificates: certificates(survey, authorities),
            verifiable: verifiable(survey, authorities),
            personal: Personal::of(survey, authorities.verifiable),
        }
    }
}

fn certificates(survey: &Survey, authorities: Authorities<'_>) -> Vec<CertificateFile> {
    let files = [
        (Half::Signature.certificate(), authorities.signature),
        (Half::Signature.authority(), authorities.signature),
        (Half::Authentication.certificate(), authorities.authentication),
        (Half::Authentication.authority(), authorities.authentication),
    ];
    let objects = survey.applications.iter().flat_map(|surveyed| &surveyed.objects);
    let seen = objects.filter_map(|seen| {
        let (file, authority) =
            files.into_iter().find(|(file, _)| u16::from_be_bytes([1, *file]) == seen.object.grouping())?;
        let state = match &seen.content {
            Content::File(content) => state(content, authority),
            _ => CertificateState::Closed,
        };
        Some(CertificateFile { file, name: seen.object.name, japanese: seen.object.japanese, state })
    });
    seen.collect()
}

fn state(content: &[u8], authority: &[u8]) -> CertificateState {
    if content.iter().all(|byte| *byte == 0) {
        return CertificateState::Empty;
    }
    let der = without_filler(content).to_vec();
    let certificate = SeenCertificate::parse(&der)
        .map(|value| Judged { value, believed: relying::chain(&der, authority) })
        .map_err(NotBelieved::Certificate);
    CertificateState::Present(Box::new(Present { der, certificate }))
}

/// The DER object at the start of a certificate's file. (card.md §6.3)
pub(super) fn without_filler(content: &[u8]) -> &[u8] {
    match *content {
        [0x30, 0x82, high, low, ..] => {
            content.get(..usize::from(u16::from_be_bytes([high, low])) + 4).unwrap_or(content)
        }
        _ => content,
    }
}

fn verifiable(survey: &Survey, authorities: Authorities<'_>) -> Vec<VerifiableCertificate> {
    let roots = authorities.verifiable;
    let judge = |bytes: &[u8], believed: &dyn Fn(&cvc::Certificate) -> bool| {
        let certificate = cvc::Certificate::parse(bytes).ok_or(NotBelieved::Form(0x7F21))?;
        let believed = if believed(&certificate) { Ok(()) } else { Err(NotBelieved::Chain) };
        Ok(Judged { value: certificate, believed })
    };
    let under = |root: Option<&PublicKey>, certificate: &cvc::Certificate| {
        root.is_some_and(|root| certificate.verify(root).is_some())
    };
    let mut all = Vec::new();
    if let Some(bytes) = survey.data_object(0x00F8) {
        let certificate = judge(bytes, &|certificate| {
            authorities.chain.is_some_and(|chain| match &chain.root {
                Some(root) => certificate.subject() == chain.intermediate && under(Some(root), certificate),
                // A world that did not keep the root knows what it signed.
                None => bytes == chain.first,
            })
        });
        all.push(VerifiableCertificate { place: "GET DATA 00F8", certificate });
    }
    if let Some(bytes) = survey.data_object(0x7F21) {
        let first = authorities.chain.and_then(|chain| cvc::Certificate::parse(&chain.first));
        let certificate = judge(bytes, &|certificate| {
            let first = first.as_ref().filter(|first| first.subject() == certificate.issuer());
            under(first.and_then(cvc::Certificate::key).as_ref(), certificate)
        });
        all.push(VerifiableCertificate { place: "GET DATA 7F21", certificate });
    }
    for (place, grouping, purpose, root) in [
        ("券面事項確認AP 0004", 0x0404, Purpose::Face, roots.map(|roots| &roots.face.root)),
        ("券面事項入力補助AP 0004", 0x0504, Purpose::Text, roots.map(|roots| &roots.text.root)),
    ] {
        if let Some(bytes) = survey.file(grouping) {
            let certificate = judge(bytes, &|certificate| {
                [certificate.issuer(), certificate.subject()] == purpose.ids() && under(root, certificate)
            });
            all.push(VerifiableCertificate { place, certificate });
        }
    }
    all
}
