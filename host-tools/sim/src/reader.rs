//! The one way host programs talk to a card: a reader with a card in it.

/// Why a reader did not deliver.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// No card, or it was pulled.
    #[error("no card in the reader")]
    NoCard,
    /// The card answered nothing sensible or went silent.
    #[error("the card went mute; power it off and on again")]
    Mute,
    /// Another program reset the card; reconnect.
    #[error("another program reset the card; connect again")]
    Reset,
    /// Another program holds the card.
    #[error("another program uses the card exclusively; wait or stop it")]
    Busy,
    /// A [guard](crate::guard) did not let the command through; the card was not asked.
    #[error("not sent to the card: {0}")]
    Guarded(String),
    /// The transport failed.
    #[error("connection to the reader: {0}")]
    Io(#[from] std::io::Error),
    /// The other side broke the protocol.
    #[error("reader protocol: {0}")]
    Protocol(String),
}

/// A reader with (perhaps) a card in it.
pub trait Reader {
    /// Cold reset. Returns the ATR.
    ///
    /// # Errors
    /// [`ReaderError`] where no card answers.
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError>;

    /// Warm reset. Returns the ATR.
    ///
    /// # Errors
    /// [`ReaderError`] where no card answers.
    fn reset(&mut self) -> Result<Vec<u8>, ReaderError>;

    /// Takes power away: the session ends, non-volatile memory stays.
    ///
    /// # Errors
    /// [`ReaderError`] where the transport failed.
    fn power_off(&mut self) -> Result<(), ReaderError>;

    /// One command APDU, one response APDU (data ‖ SW1 ‖ SW2).
    ///
    /// # Errors
    /// [`ReaderError`] where no answer came.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError>;
}
