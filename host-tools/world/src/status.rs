//! States of residents, cards and certificates, and which step is allowed from which. (service.md §16)

use pki::profile::Hierarchy;

pub use pki::revocation::Reason;

use serde::Serialize;

/// State of a certificate; that it has expired follows from its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum CertificateStatus {
    /// 有効
    Valid,
    /// 一時保留: suspended (certificateHold).
    Held,
    /// 失効
    Revoked {
        /// Why.
        reason: Reason,
    },
}

/// What may happen to a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The card was stopped by telephone.
    Suspend,
    /// The suspension is released at the counter.
    Release,
    /// It ends, for this reason, by whom or what it may be.
    Revoke(Reason),
    /// It ends on a request that its own key signed.
    RevokeOnline,
}

/// Why a step is not taken. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// 署名用 cannot be released.
    #[error("a suspended signature certificate cannot be released; it is revoked on application and issued anew")]
    SignatureRelease,
    /// Nothing to release.
    #[error("it is not suspended")]
    NotHeld,
    /// Over.
    #[error("it is revoked already")]
    Revoked,
    /// Over.
    #[error("it has expired")]
    Expired,
    /// An online request needs a valid certificate.
    #[error("it is suspended; a revocation of it is applied for at the counter")]
    Held,
}

impl CertificateStatus {
    /// The state after a step. `None` where nothing changes.
    ///
    /// # Errors
    /// [`StepError`]: what the table of service.md §16 does not allow.
    pub fn after(self, step: Step, hierarchy: Hierarchy, expired: bool) -> Result<Option<Self>, StepError> {
        if let CertificateStatus::Revoked { .. } = self {
            return Err(StepError::Revoked);
        }
        if expired {
            return Err(StepError::Expired);
        }
        let held = self == CertificateStatus::Held;
        match step {
            Step::Suspend => Ok((!held).then_some(CertificateStatus::Held)),
            Step::Release if !held => Err(StepError::NotHeld),
            Step::Release if hierarchy == Hierarchy::Authentication => Ok(Some(CertificateStatus::Valid)),
            Step::Release => Err(StepError::SignatureRelease),
            Step::Revoke(reason) => Ok(Some(CertificateStatus::Revoked { reason })),
            Step::RevokeOnline if held => Err(StepError::Held),
            Step::RevokeOnline => Ok(Some(CertificateStatus::Revoked { reason: Reason::CessationOfOperation })),
        }
    }

    /// As the database has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CertificateStatus::Valid => "valid",
            CertificateStatus::Held => "held",
            CertificateStatus::Revoked { .. } => "revoked",
        }
    }

    /// From what the database has.
    #[must_use]
    pub fn from_row(name: &str, reason: Option<i64>) -> Option<Self> {
        let reason = reason.and_then(|code| u8::try_from(code).ok()).and_then(Reason::from_code);
        match (name, reason) {
            ("valid", None) => Some(CertificateStatus::Valid),
            ("held", None) => Some(CertificateStatus::Held),
            // A hold is a state of its own here.
            ("revoked", Some(reason)) if reason != Reason::CertificateHold => {
                Some(CertificateStatus::Revoked { reason })
            }
            _ => None,
        }
    }

    /// 有効, 一時保留, 失効
    #[must_use]
    pub const fn japanese(self) -> &'static str {
        match self {
            CertificateStatus::Valid => "有効",
            CertificateStatus::Held => "一時保留",
            CertificateStatus::Revoked { .. } => "失効",
        }
    }
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// As the database has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// From what the database has.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

states! {
    /// State of a card; that it has expired follows from its date.
    CardStatus {
        /// Being made.
        Issuing = "issuing",
        /// 交付済み: with its holder.
        Issued = "issued",
        /// 一時停止
        Stopped = "stopped",
        /// 返納
        Returned = "returned",
        /// 紛失
        Lost = "lost",
    }
}

states! {
    /// State of a resident.
    ResidentStatus {
        /// 住民登録あり
        Registered = "registered",
        /// 国外転出
        MovedAbroad = "moved-abroad",
        /// 死亡
        Deceased = "deceased",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CertificateStatus::{Held, Revoked, Valid};

    /// The table of service.md §16, cell by cell.
    #[test]
    fn the_legality_table() {
        let revoked = |reason| Revoked { reason };
        let stopped = revoked(Reason::CessationOfOperation);
        let lost = Step::Revoke(Reason::KeyCompromise);
        for hierarchy in [Hierarchy::Signature, Hierarchy::Authentication] {
            let after = |from: CertificateStatus, step, expired| from.after(step, hierarchy, expired);
            assert_eq!(after(Valid, Step::Suspend, false), Ok(Some(Held)));
            assert_eq!(after(Held, Step::Suspend, false), Ok(None));
            assert_eq!(after(Valid, Step::Release, false), Err(StepError::NotHeld));
            assert_eq!(after(Valid, lost, false), Ok(Some(revoked(Reason::KeyCompromise))));
            assert_eq!(after(Held, lost, false), Ok(Some(revoked(Reason::KeyCompromise))));
            assert_eq!(after(Valid, Step::RevokeOnline, false), Ok(Some(stopped)));
            assert_eq!(after(Held, Step::RevokeOnline, false), Err(StepError::Held));
            for step in [Step::Suspend, Step::Release, lost, Step::RevokeOnline] {
                assert_eq!(after(Valid, step, true), Err(StepError::Expired));
                assert_eq!(after(Held, step, true), Err(StepError::Expired));
                assert_eq!(after(stopped, step, false), Err(StepError::Revoked));
                assert_eq!(after(stopped, step, true), Err(StepError::Revoked));
            }
        }
        assert_eq!(Held.after(Step::Release, Hierarchy::Authentication, false), Ok(Some(Valid)));
        assert_eq!(Held.after(Step::Release, Hierarchy::Signature, false), Err(StepError::SignatureRelease));
    }

    #[test]
    fn names_come_back() {
        for status in [Valid, Held, Revoked { reason: Reason::Superseded }] {
            let reason = if let Revoked { reason } = status { Some(i64::from(reason.code())) } else { None };
            assert_eq!(CertificateStatus::from_row(status.name(), reason), Some(status));
        }
        assert_eq!(CertificateStatus::from_row("revoked", None), None, "a revocation has a reason");
        assert_eq!(CertificateStatus::from_row("valid", Some(1)), None);
        assert_eq!(CertificateStatus::from_row("revoked", Some(6)), None, "a hold is no revocation here");
        for status in [CardStatus::Issuing, CardStatus::Stopped, CardStatus::Lost] {
            assert_eq!(CardStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(ResidentStatus::from_name("unknown"), None);
    }
}
