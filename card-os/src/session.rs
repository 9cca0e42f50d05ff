//! What the card remembers between two commands, and what makes it forget. (card.md §7.5)

use crate::{
    messaging::Messaging,
    perso::Incoming,
    profile::{Application, ISD, Object},
    scp03::{Channel, Pending},
};
use core::hint;

/// State of the issuer channel.
#[derive(Debug, Default)]
pub enum Issuer {
    /// Nobody knocked.
    #[default]
    Closed,
    /// INITIALIZE UPDATE was answered.
    Pending(Pending),
    /// EXTERNAL AUTHENTICATE succeeded.
    Open(Channel),
}

impl Issuer {
    fn fork(&self) -> Self {
        match self {
            Issuer::Closed => Issuer::Closed,
            Issuer::Pending(pending) => Issuer::Pending(pending.fork()),
            Issuer::Open(channel) => Issuer::Open(channel.fork()),
        }
    }
}

/// The volatile state: one current application, one current EF, the security status.
#[derive(Debug)]
pub struct Session {
    application: &'static Application,
    file: Option<&'static Object>,
    /// Which PIN objects are verified, by their bits; and which are not. Only what both say holds.
    verified: u32,
    unverified: u32,
    /// Digest of the body of a terminal certificate, between the two steps of `80 A2`.
    pub(crate) terminal: Option<[u8; 32]>,
    terminal_accepted: bool,
    /// Secure messaging of the 入力補助 application.
    pub(crate) messaging: Option<Messaging>,
    pub(crate) issuer: Issuer,
    pub(crate) incoming: Option<Incoming>,
}

impl Default for Session {
    /// Power-on: the ISD is current and nothing is verified.
    fn default() -> Self {
        Session {
            application: &ISD,
            file: None,
            verified: 0,
            unverified: !0,
            terminal: None,
            terminal_accepted: false,
            messaging: None,
            issuer: Issuer::Closed,
            incoming: None,
        }
    }
}

impl Session {
    /// The current application.
    #[must_use]
    pub fn application(&self) -> &'static Application {
        self.application
    }

    /// Whether the issuer security domain is current.
    #[must_use]
    pub fn at_isd(&self) -> bool {
        self.application == &ISD
    }

    /// The current EF.
    #[must_use]
    pub fn file(&self) -> Option<&'static Object> {
        self.file
    }

    /// SELECT of an application: another one clears the security status, the same one keeps it unless the card is one that
    /// `clears` it (card.md D-27); either way no EF is current, and secure messaging and issuer channel end.
    pub fn select_application(&mut self, application: &'static Application, clears: bool) {
        if clears || self.application != application {
            self.forget();
        }
        self.application = application;
        self.file = None;
        self.terminal = None;
        self.terminal_accepted = false;
        self.messaging = None;
        self.close_channel();
    }

    /// Makes an EF of the current application the current one.
    pub fn select_file(&mut self, file: &'static Object) {
        self.file = Some(file);
    }

    /// Warm reset: the application stays; status, secure messaging and the accepted terminal do too, unless the card is one
    /// that `clears` them; no EF is current, the issuer channel ends. (card.md D-28)
    pub fn warm_reset(&mut self, clears: bool) {
        if clears {
            self.forget();
            self.messaging = None;
            self.terminal_accepted = false;
        }
        self.file = None;
        self.terminal = None;
        self.close_channel();
    }

    /// Ends the issuer channel and whatever was half written through it.
    pub fn close_channel(&mut self) {
        self.issuer = Issuer::Closed;
        self.incoming = None;
    }

    /// The PIN object was verified.
    pub fn raise(&mut self, pin: &Object) {
        self.verified |= pin.bit();
        // The bit is made anew: it is not to be wrong in both.
        self.unverified &= !hint::black_box(pin).bit();
    }

    /// The PIN object was presented wrongly; only its status is lost. (card.md D-26)
    pub fn lower(&mut self, pin: &Object) {
        self.verified &= !pin.bit();
        self.unverified |= hint::black_box(pin).bit();
    }

    fn forget(&mut self) {
        (self.verified, self.unverified) = (0, !0);
    }

    /// Whether the PIN object with this EF identifier is verified.
    #[must_use]
    pub fn is_verified(&self, pin: u8) -> bool {
        let bit = 1 << (pin & 0x1F);
        self.verified & bit != 0 && hint::black_box(self.unverified) & bit == 0
    }

    /// Whether one of the PIN objects with these EF identifiers is verified.
    #[must_use]
    pub fn is_any_verified(&self, pins: &[u8]) -> bool {
        pins.iter().any(|pin| self.is_verified(*pin))
    }

    /// A terminal certificate held. Nothing is known that it would open. (card.md D-41)
    pub fn accept_terminal(&mut self) {
        self.terminal_accepted = true;
    }

    /// Whether a terminal certificate was accepted since the application was selected.
    #[must_use]
    pub fn has_terminal(&self) -> bool {
        self.terminal_accepted
    }

    /// Whether secure messaging is on.
    #[must_use]
    pub fn is_messaging(&self) -> bool {
        self.messaging.is_some()
    }

    /// Whether a secure channel strong enough for issuer acts is open. (card.md D-44)
    #[must_use]
    pub fn is_issuer(&self) -> bool {
        matches!(&self.issuer, Issuer::Open(channel) if channel.level().c_mac() && channel.level().c_decryption())
    }

    /// The sanctioned duplicate, for snapshots by the simulator.
    pub(crate) fn fork(&self) -> Self {
        Session {
            application: self.application,
            file: self.file,
            verified: self.verified,
            unverified: self.unverified,
            terminal: self.terminal,
            terminal_accepted: self.terminal_accepted,
            messaging: self.messaging.as_ref().map(Messaging::fork),
            issuer: self.issuer.fork(),
            incoming: self.incoming.as_ref().map(Incoming::fork),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::JPKI;

    #[test]
    fn a_warm_reset_clears_what_was_won_where_the_card_does_so() {
        for clears in [false, true] {
            let mut session = Session::default();
            session.select_application(&JPKI, false);
            JPKI.file(0x0018).into_iter().for_each(|pin| session.raise(pin));
            assert!(session.is_verified(0x18));
            session.accept_terminal();
            session.warm_reset(clears);
            assert_eq!((session.is_verified(0x18), session.has_terminal()), (!clears, !clears));
            assert_eq!(session.application(), &JPKI);
        }
    }
}
