//! 住民票の写し as a kiosk prints it: one page of PDF 1.7, marked as simulated.
//!
//! The texts are Unicode under the predefined CMap UniJIS-UTF16-H of the character collection Adobe-Japan1 (ISO 32000-1 §9.7.5.2), so
//! that no font is in the file: whoever shows it has one for Japanese.

use crate::{paper::MARK, register::Registered};
use pdf_writer::{
    Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use pki::{birthday, era, person::Sex};
use std::collections::BTreeSet;
use time::OffsetDateTime;

const FONT: Name<'_> = Name(b"F1");
const FACE: Name<'_> = Name(b"HeiseiKakuGo-W5");
/// A4, in points.
const PAGE: Rect = Rect { x1: 0.0, y1: 0.0, x2: 595.0, y2: 842.0 };
const LEFT: f32 = 72.0;
const TOP: f32 = 770.0;
const STEP: f32 = 26.0;
/// From a label to its value.
const COLUMN: f32 = 140.0;
const SIZE: f32 = 12.0;
/// Characters that fit beside a label.
const WIDTH: usize = 26;

/// What stands on the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copy<'a> {
    pub(crate) holder: &'a Registered,
    pub(crate) since: OffsetDateTime,
    pub(crate) request: u32,
    pub(crate) now: OffsetDateTime,
    pub(crate) with_my_number: bool,
}

impl Copy<'_> {
    /// Labels and what stands beside them.
    fn lines(&self) -> Vec<[String; 2]> {
        let person = &self.holder.person;
        let sex = match person.sex {
            Sex::Male => "男",
            Sex::Female => "女",
            Sex::Unknown | Sex::NotApplicable => "―",
        };
        let day = |at| era::written(birthday::jst_date(at));
        let alone = |text: &str| [text.to_owned(), String::new()];
        let line = |label: &str, value: &str| [label.to_owned(), value.to_owned()];
        let mut lines = vec![
            alone(MARK),
            alone("住民票の写し (copy of the resident record)"),
            alone(""),
            line("氏名 (name)", &person.name),
            line("生年月日 (birth)", &era::written(person.birth)),
            line("性別 (sex)", sex),
        ];
        for (index, part) in folded(&person.address).iter().enumerate() {
            lines.push(line(if index == 0 { "住所 (address)" } else { "" }, part));
        }
        lines.push(line("記載日 (on record)", &day(self.since)));
        if let Some(number) = person.my_number.as_ref().filter(|_| self.with_my_number) {
            lines.push(line("個人番号 (My Number)", number.digits()));
        }
        lines.extend([
            alone(""),
            line("発行番号 (number)", &format!("{:06}", self.request)),
            line("発行日 (date)", &day(self.now)),
            alone("コンビニ交付（模擬） (printed at a simulated kiosk)"),
            alone(MARK),
        ]);
        lines
    }

    /// The page.
    pub(crate) fn to_pdf(self) -> Vec<u8> {
        let lines = self.lines();
        let [catalog, pages, page, text, font, face, descriptor, unicode, info] =
            [1, 2, 3, 4, 5, 6, 7, 8, 9].map(Ref::new);
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        pdf.document_info(info).title(TextStr("住民票の写し（模擬） SIMULATED"));
        let mut about = pdf.page(page);
        about.media_box(PAGE).parent(pages).contents(text);
        about.resources().fonts().pair(FONT, font);
        about.finish();
        pdf.stream(text, &written(&lines));
        let japanese = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Japan1"), supplement: 6 };
        pdf.type0_font(font)
            .base_font(Name(b"HeiseiKakuGo-W5-UniJIS-UTF16-H"))
            .encoding_predefined(Name(b"UniJIS-UTF16-H"))
            .descendant_font(face)
            .to_unicode(unicode);
        let mut cid = pdf.cid_font(face);
        cid.subtype(CidFontType::Type0).base_font(FACE).system_info(japanese).font_descriptor(descriptor);
        // Latin letters are half as wide as the others.
        cid.default_width(1000.0).widths().same(1, 230, 500.0);
        cid.finish();
        pdf.font_descriptor(descriptor)
            .name(FACE)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-92.0, -250.0, 1010.0, 922.0))
            .italic_angle(0.0)
            .ascent(752.0)
            .descent(-221.0)
            .cap_height(737.0)
            .stem_v(114.0);
        pdf.cmap(unicode, &to_unicode(&lines));
        pdf.finish()
    }
}

/// An address that does not fit beside its label goes on below.
fn folded(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(WIDTH).map(|part| part.iter().collect()).collect()
}

fn written(lines: &[[String; 2]]) -> Vec<u8> {
    let codes = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    let mut content = Content::new();
    content.begin_text().set_font(FONT, SIZE).next_line(LEFT, TOP);
    for [label, value] in lines {
        content.show(Str(&codes(label)));
        content.next_line(COLUMN, 0.0).show(Str(&codes(value))).next_line(-COLUMN, -STEP);
    }
    content.end_text();
    content.finish().into_vec()
}

/// For programs that take the text out again: the codes are UTF-16 already. A character of two codes has no place in it; the
/// predefined CMap tells it.
fn to_unicode(lines: &[[String; 2]]) -> Vec<u8> {
    let system = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"UCS"), supplement: 0 };
    let mut map = UnicodeCmap::<u16>::new(Name(b"Jitsuin-UCS"), system);
    let used: BTreeSet<char> = lines.iter().flatten().flat_map(|text| text.chars()).collect();
    for character in used {
        if let Ok(code) = u16::try_from(u32::from(character)) {
            map.pair(code, character);
        }
    }
    map.finish().into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded() {
        assert_eq!(folded(&"あ".repeat(WIDTH)).len(), 1);
        assert_eq!(folded(&"あ".repeat(WIDTH + 1)), ["あ".repeat(WIDTH), "あ".to_owned()]);
    }
}
