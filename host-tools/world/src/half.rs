//! One half of a card: a key pair and its certificate.

use crate::{certificate::Certificate, error::WorldError, status::CertificateStatus, world::World};
use card_os::sign;
use pki::{
    ca::{CaError, pem},
    card_record::{CardRecord, KeyOrigin},
    keys,
    person::Person,
    profile::{self, Hierarchy, MUNICIPALITY_CODE},
};
use rand_core::CryptoRng;
use sim::{engine, issuer::Issuer};
use time::{Date, OffsetDateTime};

/// What a half is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Whose certificate.
    pub(crate) hierarchy: Hierarchy,
    /// The moment of the application.
    pub(crate) applied: OffsetDateTime,
    /// notBefore
    pub(crate) begins: OffsetDateTime,
    /// Its last day.
    pub(crate) last_day: Date,
}

/// Groupings of the key and of the certificate.
pub(crate) const fn groupings(hierarchy: Hierarchy) -> (u16, u16) {
    match hierarchy {
        Hierarchy::Signature | Hierarchy::Prefecture => (0x011A, 0x0101),
        Hierarchy::Authentication => (0x0117, 0x010A),
    }
}

/// Grouping of the PIN object.
pub(crate) const fn pin(hierarchy: Hierarchy) -> u16 {
    match hierarchy {
        Hierarchy::Signature | Hierarchy::Prefecture => 0x011B,
        Hierarchy::Authentication => 0x0118,
    }
}

/// Puts a new key pair and its certificate on the card in the channel. The certificate is on record when the caller puts it there.
pub(crate) fn make(
    world: &World,
    record: &CardRecord,
    holder: &Person,
    issuer: &mut Issuer<'_>,
    wanted: Wanted,
    rng: &mut impl CryptoRng,
    step: &mut dyn FnMut(&str),
) -> Result<Certificate, WorldError> {
    let Wanted { hierarchy, applied, begins, last_day } = wanted;
    let (key_object, certificate_object) = groupings(hierarchy);
    let public = match record.keys {
        KeyOrigin::OnCard => {
            step(&format!("{}: the card makes its key pair 鍵ペア生成", hierarchy.name()));
            let public = keys::public(&issuer.generate_key(key_object)?)?;
            step(&format!("{}: the public key goes to the authority", hierarchy.name()));
            public
        }
        KeyOrigin::Imported => {
            step(&format!("{}: making and importing the key pair", hierarchy.name()));
            let key = keys::generate(rng).map_err(CaError::Key)?;
            let crt = engine::crt(&key).map_err(|_| WorldError::Rule("the key pair could not be made".into()))?;
            issuer.store(key_object, sign::to_bytes(&crt).as_ref())?;
            key.as_public_key().clone()
        }
    };
    let authority = world
        .authorities
        .get(hierarchy)
        .ok_or_else(|| WorldError::Rule(format!("this world has no {} CA yet", hierarchy.name())))?;
    let serial = world.next(hierarchy.name())?;
    let issued = match hierarchy {
        Hierarchy::Authentication => {
            let name = profile::authentication_common_name(rng);
            authority.issue_authentication(serial, &name, &public, begins, last_day)?
        }
        Hierarchy::Signature | Hierarchy::Prefecture => {
            // The serial number is unique in its CA, which the card's number is not once a certificate is renewed. (P-10)
            let name = profile::signature_common_name(applied, serial);
            authority.issue_signature(serial, holder, &name, &public, begins, last_day)?
        }
    };
    step(&format!("{}: storing certificate {serial:06X}, {} bytes", hierarchy.name(), issued.der.len()));
    issuer.store(certificate_object, &issued.der)?;
    Ok(Certificate {
        hierarchy,
        serial,
        card: record.id.clone(),
        resident: String::new(),
        municipality: MUNICIPALITY_CODE.into(),
        begins,
        ends: pki::birthday::last_second(last_day),
        status: CertificateStatus::Valid,
        since: None,
        pem: pem(&issued.der),
    })
}
