//! A world's own record, asked as an authority is.

use pki::{
    profile::Hierarchy,
    relying::{
        certificate::Certificate,
        path::{Revocation, Status},
    },
};
use time::OffsetDateTime;
use world::{World, certificate};

/// What is on record about certificates of one authority.
pub(crate) struct OnRecord<'w>(pub(crate) &'w World, pub(crate) Hierarchy);

impl Revocation for OnRecord<'_> {
    fn status(&self, certificate: &Certificate, _: &Certificate, _: OffsetDateTime) -> Status {
        let Ok(serial) = u32::from_str_radix(&certificate.serial(), 16) else { return Status::Unknown };
        match certificate::one(self.0, self.1, serial) {
            Ok(known) => known.map_or(Status::Unknown, |one| service::authority::status(&one).into()),
            Err(error) => Status::Unavailable(error.to_string()),
        }
    }
}
