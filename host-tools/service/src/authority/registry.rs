//! Who knows what is true: implemented by a world's database, and in memory for tests.

use super::TokenHash;
use pki::{
    profile::Hierarchy,
    revocation::{Revoked, Status},
};
use serde::{Deserialize, Serialize};
use std::future::Future;
use time::OffsetDateTime;

/// Why a registry told nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// It would, a little later.
    #[error("the register is busy; try again")]
    Busy,
    /// It cannot.
    #[error("the register cannot be read: {0}")]
    Broken(String),
}

/// An entry of a CRL, and on which municipality's list it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedEntry {
    /// Serial number, moment, reason.
    pub revoked: Revoked,
    /// The code of the municipality that the certificate's distribution point names.
    pub municipality: String,
}

/// The record of certificates, verifiers and time.
pub trait Registry: Send + Sync + 'static {
    /// What time it is in this world, whose clock can be set.
    fn now(&self) -> impl Future<Output = Result<OffsetDateTime, RegistryError>> + Send;

    /// Of one certificate; [`Status::Unknown`] where it was never issued.
    fn status(&self, hierarchy: Hierarchy, serial: u32) -> impl Future<Output = Result<Status, RegistryError>> + Send;

    /// A number that is another one whenever [`Registry::revoked`] would tell something else, apart from certificates that expired.
    fn revision(&self, hierarchy: Hierarchy) -> impl Future<Output = Result<u64, RegistryError>> + Send;

    /// Everything that is held or revoked and has not expired.
    fn revoked(&self, hierarchy: Hierarchy) -> impl Future<Output = Result<Vec<RevokedEntry>, RegistryError>> + Send;

    /// The next cRLNumber of this authority, given once.
    fn crl_number(&self, hierarchy: Hierarchy) -> impl Future<Output = Result<u64, RegistryError>> + Send;

    /// The next serial number of this authority, given once: for the certificates of its OCSP responder.
    fn next_serial(&self, hierarchy: Hierarchy) -> impl Future<Output = Result<u32, RegistryError>> + Send;

    /// The verifier whose token has this hash, if its registration has not ended.
    fn verifier(&self, token: TokenHash) -> impl Future<Output = Result<Option<Verifier>, RegistryError>> + Send;
}

/// A registered relying party 署名検証者・利用者証明検証者.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// Under which it is registered.
    pub name: String,
    /// As what.
    pub category: Category,
}

/// Who may verify. (service.md §13)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// 1 行政機関等
    Administration,
    /// 2 裁判所
    Court,
    /// 3 申請等に付随する事項を受ける指定・登録・認定法人
    Intermediary,
    /// 4 認定認証事業者
    AccreditedCertification,
    /// 5 特定認証業務を行う者
    SpecifiedCertification,
    /// 6 申請に必要な証明書類を提供する者
    RecordProvider,
    /// 7 士業団体
    ProfessionalAssociation,
    /// 8 証明書類を提供する者が属する団体
    ProviderBody,
}

impl Category {
    /// All of them, in the order of the law.
    pub const ALL: [Category; 8] = [
        Category::Administration,
        Category::Court,
        Category::Intermediary,
        Category::AccreditedCertification,
        Category::SpecifiedCertification,
        Category::RecordProvider,
        Category::ProfessionalAssociation,
        Category::ProviderBody,
    ];

    /// 1 to 8.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::ALL.into_iter().zip(1..).find(|(one, _)| *one == self).map_or(0, |(_, number)| number)
    }

    /// From 1 to 8.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// What it is.
    #[must_use]
    pub const fn english(self) -> &'static str {
        match self {
            Category::Administration => "administrative body",
            Category::Court => "court",
            Category::Intermediary => "designated body that receives matters attached to applications",
            Category::AccreditedCertification => "accredited certification business",
            Category::SpecifiedCertification => "approved specified certification business",
            Category::RecordProvider => "body that provides records needed for applications",
            Category::ProfessionalAssociation => "professional association whose members file for others",
            Category::ProviderBody => "body to which providers of records belong",
        }
    }

    /// The same in Japanese.
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            Category::Administration => "行政機関等",
            Category::Court => "裁判所",
            Category::Intermediary => "申請等に付随する事項を受ける指定・登録・認定法人",
            Category::AccreditedCertification => "認定認証事業者",
            Category::SpecifiedCertification => "特定認証業務を行う者",
            Category::RecordProvider => "申請に必要な証明書類を提供する者",
            Category::ProfessionalAssociation => "士業団体",
            Category::ProviderBody => "証明書類を提供する者が属する団体",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_eight_categories() {
        for number in 1..=8 {
            assert_eq!(Category::from_number(number).map(Category::number), Some(number));
        }
        assert_eq!([0, 9, 255].map(Category::from_number), [None; 3]);
    }
}
