//! What is printed on the face of a card: texts as pictures, and a figure where the photo is. (card.md §9.4)
//!
//! ```
//! let holder = portrait::Holder {
//!     name: "試験　花子",
//!     address: "模擬県試験市見本町一丁目２番３号",
//!     security_code: "2285",
//!     my_number: "000000000019",
//!     age: 46,
//!     seed: 1,
//! };
//! let face = portrait::face(&holder);
//! assert!(face.name.starts_with(b"\x89PNG"));
//! assert!(face.photo.len() <= portrait::PHOTO_MAX);
//! ```
//!
//! # Design
//!
//! | picture | points | format |
//! |---|---|---|
//! | name | 216 × 12 for each line | PNG, 1 bit grey |
//! | address | 288 × 12 for each line | PNG, 1 bit grey |
//! | security code | 24 × 12 | PNG, 1 bit grey |
//! | My Number | 72 × 12 | PNG, 1 bit grey |
//! | photo | 378 × 472 | JPEG 2000 in a JP2 file, 8 bits grey, 9/7 wavelet |
//!
//! Text is set in the [`font`] that comes with the crate; a character that it does not have is drawn as 〓. The photo is a drawn
//! [`figure`] with TEST 見本 across, which follows from a seed and the age, never from My Number: who has the picture could try all
//! numbers that give it. Its encoder is [`jpeg2000`]. All of 券面確認 0002 has to fit into its file, so long texts leave the photo
//! fewer bytes. Nothing here fails, whatever the strings, and the same holder gets the same bytes on every machine.
//! (docs/decisions/0013)
//!
//! # Not supported
//!
//! **Real photos**, **characters outside JIS X 0208** (but see 〓), **vertical text**, **shaping**.

pub mod bitmap;
pub mod figure;
pub mod font;
pub mod grey;
pub mod jpeg2000;
pub mod text;

use figure::Figure;
use grey::Grey;

/// Most bytes of name, address, photo and security code together: 5,632 bytes of the file less everything else in it.
pub const PICTURES_MAX: usize = 5632 - 603;
/// Most bytes of a photo; the one seen on a card was a little smaller.
pub const PHOTO_MAX: usize = 2000;
/// What a photo gets before a name gets more than one line.
const PHOTO_MIN: usize = 800;

/// Lines and width of texts.
const NAME: (usize, usize) = (216, 6);
const ADDRESS: (usize, usize) = (288, 9);
const SECURITY_CODE: usize = 24;
const MY_NUMBER: usize = 72;

/// Whose card it is. The strings may be anything.
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// 氏名
    pub name: &'a str,
    /// 住所
    pub address: &'a str,
    /// セキュリティコード, four digits.
    pub security_code: &'a str,
    /// 個人番号, twelve digits.
    pub my_number: &'a str,
    /// Completed years when the photo was taken.
    pub age: u8,
    /// What the photo is drawn from beside the age.
    pub seed: u64,
}

/// The pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// PNG, 216 points wide.
    pub name: Vec<u8>,
    /// PNG, 288 points wide.
    pub address: Vec<u8>,
    /// PNG, 24 × 12.
    pub security_code: Vec<u8>,
    /// PNG, 72 × 12.
    pub my_number: Vec<u8>,
    /// JP2, 378 × 472.
    pub photo: Vec<u8>,
}

/// Prints a face. Name, address, photo and security code are at most [`PICTURES_MAX`] bytes together: a photo gets what the texts leave,
/// and an endless name ends in an ellipsis.
#[must_use]
pub fn face(holder: &Holder<'_>) -> Face {
    let address = text::draw(holder.address, ADDRESS.0, ADDRESS.1).png();
    let security_code = text::draw(holder.security_code, SECURITY_CODE, 1).png();
    let left = PICTURES_MAX.saturating_sub(address.len() + security_code.len());
    let name = |lines| text::draw(holder.name, NAME.0, lines).png();
    let lines = text::count_lines(holder.name, NAME.0).min(NAME.1);
    let name = (2..=lines).rev().map(name).find(|name| name.len() + PHOTO_MIN <= left).unwrap_or_else(|| name(1));
    let photo = jpeg2000::encode(&figure(holder), left.saturating_sub(name.len()).min(PHOTO_MAX));
    let my_number = text::draw(holder.my_number, MY_NUMBER, 1).png();
    Face { name, address, security_code, my_number, photo }
}

/// The figure of [`face`]'s photo as PNG, whole and without loss, for programs that cannot show JPEG 2000.
#[must_use]
pub fn photo_png(holder: &Holder<'_>) -> Vec<u8> {
    figure(holder).png()
}

fn figure(holder: &Holder<'_>) -> Grey {
    Figure::new(holder.seed, holder.age).draw()
}

/// A seed that follows from texts: FNV-1a. Who has the photo can try texts until they give it.
#[must_use]
pub fn seed(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xFF]));
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

#[cfg(test)]
mod tests;
