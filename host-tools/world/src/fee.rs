//! What things cost 手数料. (service.md §12)

use pki::kind::CardProfile;
use serde::Serialize;

/// An amount, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fee {
    /// Yen.
    pub yen: u32,
    /// Why, in Japanese.
    pub why: &'static str,
}

impl Fee {
    /// 無料
    pub const FREE: Fee = Fee { yen: 0, why: "無料（当分の間）" };
}

/// Of a copy of the resident record at a kiosk: each municipality has its own, and this is a decision. (docs/decisions/0024)
pub const KIOSK: Fee = Fee { yen: 200, why: "コンビニ交付 住民票の写し" };

/// Of certificates: free; ¥500 on a Juki card; after a loss what [`AFTER_LOSS`] says.
#[must_use]
pub fn certificates(profile: &CardProfile, after_loss: bool) -> Fee {
    match (profile.is_juki_card(), after_loss) {
        (true, _) => Fee { yen: 500, why: "住基カードの電子証明書" },
        (false, true) => Fee { yen: AFTER_LOSS.1, why: "紛失等による再発行" },
        (false, false) => Fee::FREE,
    }
}

/// Of a card: free; ¥500 for a Juki card; after a loss what [`AFTER_LOSS`] says.
#[must_use]
pub fn card(profile: &CardProfile, after_loss: bool) -> Fee {
    match (profile.is_juki_card(), after_loss) {
        (true, _) => Fee { yen: 500, why: "住民基本台帳カード" },
        (false, true) => Fee { yen: AFTER_LOSS.0, why: "紛失等による再交付" },
        (false, false) => Fee::FREE,
    }
}

/// Card and certificates after a loss. The texts say that there is a charge and not which: these are decisions.
/// (docs/decisions/0021)
pub const AFTER_LOSS: (u32, u32) = (800, 200);

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of service.md §12.
    #[test]
    fn the_fee_table() {
        let profile = |name| CardProfile::by_name(name).expect(name);
        assert_eq!(certificates(&profile("card"), false).yen, 0);
        assert_eq!(card(&profile("card"), false).yen, 0);
        assert_eq!(certificates(&profile("juki-card"), false).yen, 500);
        assert_eq!(card(&profile("juki-card"), false).yen, 500);
        assert!(card(&profile("card"), true).yen > 0 && certificates(&profile("card"), true).yen > 0);
    }
}
