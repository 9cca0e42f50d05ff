//! What people read in the table. A card has no use for it, so a build without the feature `names` leaves it out.

/// A name or a source.
#[cfg(feature = "names")]
pub type Words = &'static str;
/// A name or a source: nothing, without the feature `names`.
#[cfg(not(feature = "names"))]
pub type Words = ();

/// The words, where the table has any.
#[cfg(feature = "names")]
pub(super) const fn words(words: &'static str) -> Words {
    words
}

/// The words, where the table has any.
#[cfg(not(feature = "names"))]
pub(super) const fn words(_: &'static str) -> Words {}
