//! SELECT. (card.md §3)

use super::{Card, Response};
use crate::{
    platform::{Engine, Nvm},
    profile::{Application, Object},
    refusal::Refusal,
};
use rand_core::TryCryptoRng;

impl<N: Nvm, E: Engine, R: TryCryptoRng> Card<N, E, R> {
    /// Partial names and next occurrence. (card.md §3.3, D-04)
    pub(super) fn select_name(
        &mut self,
        name: &[u8],
        next: bool,
        fci: Option<u32>,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let matches = |application: &&&'static Application| application.aid.starts_with(name);
        let current = self.session.application();
        let found = if next && matches(&&current) {
            self.chip
                .model
                .applications
                .iter()
                .filter(matches)
                .skip_while(|application| **application != current)
                .nth(1)
        } else {
            self.chip.model.applications.iter().find(matches)
        };
        self.select_application(found.ok_or(Refusal::FileNotFound)?, fci, out)
    }

    pub(super) fn select_application(
        &mut self,
        application: &'static Application,
        fci: Option<u32>,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        if let Some(ne) = fci {
            let length = u8::try_from(application.aid.len()).map_err(|_| Refusal::NoDiagnosis)?;
            if ne < u32::from(length) + 4 {
                return Err(Refusal::Length);
            }
            out.extend_from_slice(&[0x6F, length + 2, 0x84, length]).map_err(|_| Refusal::NoDiagnosis)?;
            out.extend_from_slice(application.aid).map_err(|_| Refusal::NoDiagnosis)?;
        }
        self.session.select_application(application, self.chip.behaviour.clears_on_select);
        Ok(())
    }

    /// SELECT of an EF. (card.md D-08, D-09)
    pub(super) fn select_file(&mut self, identifier: u16) -> Result<(), Refusal> {
        let file: Option<&'static Object> =
            self.session.application().file(identifier).filter(|_| !self.session.at_isd());
        self.session.select_file(file.ok_or(Refusal::FileNotFound)?);
        Ok(())
    }

    /// SELECT of the MF, which the card does not have. (card.md D-10)
    pub(super) fn select_master(&self, named: bool, le: bool) -> Result<(), Refusal> {
        match (named, self.session.at_isd(), le) {
            (true, _, _) => Err(Refusal::FileNotFound),
            (false, true, _) => Err(Refusal::NoMasterFile),
            (false, false, true) => Err(Refusal::Length),
            (false, false, false) => Ok(()),
        }
    }
}
