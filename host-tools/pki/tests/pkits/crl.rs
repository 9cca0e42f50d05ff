//! CRLs as far as NIST's basic revocation tests need them, written for these tests alone.

use der::{Decode, Encode, asn1::ObjectIdentifier};
use pki::relying::{
    self,
    certificate::Certificate,
    path::{self, Revocation, Rules, Status, names},
};
use std::cell::Cell;
use time::OffsetDateTime;
use x509_cert::{
    crl::CertificateList,
    ext::pkix::{CrlDistributionPoints, crl::dp::IssuingDistributionPoint, name::DistributionPointName},
    time::Time,
};

/// The `AssociatedOid` of x509-cert 0.3 is that of another extension.
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

pub(crate) struct Lists<'a> {
    lists: Vec<Vec<u8>>,
    certificates: &'a [Certificate],
    anchors: &'a [Certificate],
    /// Who signed a list is believed because of a list, and so on; not for ever.
    depth: Cell<u8>,
}

impl<'a> Lists<'a> {
    pub(crate) fn new(lists: Vec<Vec<u8>>, certificates: &'a [Certificate], anchors: &'a [Certificate]) -> Self {
        Lists { lists, certificates, anchors, depth: Cell::new(0) }
    }

    /// Whether a list is one to go by.
    fn holds(&self, list: &CertificateList, issuer: &Certificate, at: OffsetDateTime) -> bool {
        let tbs = &list.tbs_cert_list;
        let extensions = tbs.crl_extensions.iter().flatten();
        let entries =
            tbs.revoked_certificates.iter().flatten().flat_map(|entry| entry.crl_entry_extensions.iter().flatten());
        let understood =
            !extensions.chain(entries).any(|one| one.critical && one.extn_id != ISSUING_DISTRIBUTION_POINT);
        let current = moment(&tbs.this_update) <= at && tbs.next_update.as_ref().is_some_and(|next| at <= moment(next));
        let known = list.signature_algorithm == tbs.signature;
        understood && current && known && self.is_signed(list, issuer, at)
    }

    fn is_signed(&self, list: &CertificateList, issuer: &Certificate, at: OffsetDateTime) -> bool {
        let (Ok(signed), Some(signature)) = (list.tbs_cert_list.to_der(), list.signature.as_bytes()) else {
            return false;
        };
        let signers = [issuer].into_iter().chain(self.certificates).chain(self.anchors);
        signers.filter(|signer| names::same(signer.subject(), &list.tbs_cert_list.issuer)).any(|signer| {
            let may = signer.extensions().key_usage.as_ref().is_none_or(|usage| usage.crl_sign());
            let did = signer.key().is_ok_and(|key| relying::opens(&key, 0x03, &signed, signature).is_ok());
            may && did && (signer == issuer || self.anchors.contains(signer) || self.believes(signer, at))
        })
    }

    fn believes(&self, signer: &Certificate, at: OffsetDateTime) -> bool {
        if self.depth.get() > 2 {
            return false;
        }
        self.depth.set(self.depth.get() + 1);
        let judged = path::validate(signer, self.certificates, self.anchors, &Rules::default(), at, self);
        self.depth.set(self.depth.get() - 1);
        judged.is_ok()
    }
}

impl Revocation for Lists<'_> {
    fn status(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Status {
        let lists = self.lists.iter().filter_map(|bytes| CertificateList::from_der(bytes).ok());
        let mut own = lists
            .filter(|list| names::same(&list.tbs_cert_list.issuer, certificate.issuer()) && covers(list, certificate));
        let Some(list) = own.find(|list| self.holds(list, issuer, at)) else {
            return Status::Unavailable("no list".into());
        };
        let revoked = list.tbs_cert_list.revoked_certificates.unwrap_or_default();
        match revoked
            .iter()
            .find(|entry| entry.serial_number.as_bytes() == certificate.fields().serial_number().as_bytes())
        {
            Some(entry) => Status::Revoked { at: moment(&entry.revocation_date), reason: None },
            None => Status::Good,
        }
    }
}

/// Whether a list is for everything, or for a distribution point that the certificate names.
fn covers(list: &CertificateList, certificate: &Certificate) -> bool {
    let mut extensions = list.tbs_cert_list.crl_extensions.iter().flatten();
    let Some(point) = extensions.find(|one| one.extn_id == ISSUING_DISTRIBUTION_POINT) else { return true };
    let Ok(point) = IssuingDistributionPoint::from_der(point.extn_value.as_bytes()) else { return false };
    let partial = point.only_contains_user_certs
        || point.only_contains_ca_certs
        || point.only_contains_attribute_certs
        || point.indirect_crl
        || point.only_some_reasons.is_some();
    let Some(DistributionPointName::FullName(own)) = point.distribution_point else { return false };
    let Ok(Some((_, named))) = certificate.fields().get_extension::<CrlDistributionPoints>() else { return false };
    let names = named.0.into_iter().filter_map(|point| match point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    !partial && names.flatten().any(|name| own.contains(&name))
}

fn moment(time: &Time) -> OffsetDateTime {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
