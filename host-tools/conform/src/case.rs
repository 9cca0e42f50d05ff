//! A case: what a card must answer, where that is written, and how sure it is.

use crate::step::{Steps, Wrong};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, path::Path};
use toml::Spanned;

/// Longest file of cases, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// Most cases of one file.
const CASES_MAX: usize = 2000;
/// Most files of a folder.
const FILES_MAX: usize = 200;

/// The cases that come with the tool, by file.
const BUILT_IN: [(&str, &str); 14] = [
    ("02-link.toml", include_str!("../../../vectors/conformance/02-link.toml")),
    ("03-selection.toml", include_str!("../../../vectors/conformance/03-selection.toml")),
    ("04-rules.toml", include_str!("../../../vectors/conformance/04-rules.toml")),
    ("05-commands.toml", include_str!("../../../vectors/conformance/05-commands.toml")),
    ("06-files.toml", include_str!("../../../vectors/conformance/06-files.toml")),
    ("07-pins.toml", include_str!("../../../vectors/conformance/07-pins.toml")),
    ("08-signatures.toml", include_str!("../../../vectors/conformance/08-signatures.toml")),
    ("09-siblings.toml", include_str!("../../../vectors/conformance/09-siblings.toml")),
    ("10-certificates.toml", include_str!("../../../vectors/conformance/10-certificates.toml")),
    ("11-card-manager.toml", include_str!("../../../vectors/conformance/11-card-manager.toml")),
    ("12-terminal.toml", include_str!("../../../vectors/conformance/12-terminal.toml")),
    ("13-messaging.toml", include_str!("../../../vectors/conformance/13-messaging.toml")),
    ("14-robustness.toml", include_str!("../../../vectors/conformance/14-robustness.toml")),
    ("16-other-cards.toml", include_str!("../../../vectors/conformance/16-other-cards.toml")),
];

/// Why cases cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file or folder that cannot be read.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// More than anybody writes.
    #[error("{0}: {1}")]
    Limit(String, String),
    /// Not the format.
    #[error("{file}:{line}: {what}")]
    Format {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// How sure a fact is. (card.md §0)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confidence {
    /// Measured and agreed.
    A,
    /// Measured by one credible source, or agreed by clients.
    B,
    /// Somebody's assumption.
    C,
    /// A decision of the specification about what nobody has published: D-nn.
    Decision(u8),
}

impl Confidence {
    /// A card that does otherwise is wrong. Assumptions and decisions bind nobody: a card that does otherwise differs.
    #[must_use]
    pub fn binds(&self) -> bool {
        matches!(self, Confidence::A | Confidence::B)
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "A" => Some(Confidence::A),
            "B" => Some(Confidence::B),
            "C" => Some(Confidence::C),
            _ => {
                let number = text.strip_prefix("D-").filter(|digits| digits.len() == 2)?;
                number.parse().ok().map(Confidence::Decision)
            }
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Confidence::A => f.write_str("A"),
            Confidence::B => f.write_str("B"),
            Confidence::C => f.write_str("C"),
            Confidence::Decision(number) => write!(f, "D-{number:02}"),
        }
    }
}

impl Serialize for Confidence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a case does to a card that is not a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing: the card is as it was.
    #[default]
    None,
    /// Presents wrong values; the case ends with the right one.
    SpendsTries,
    /// Changes a PIN; the case ends by changing it back.
    ChangesCard,
    /// Leaves something locked for good.
    Locks,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::None => "nothing",
            Effect::SpendsTries => "spends-tries",
            Effect::ChangesCard => "changes-card",
            Effect::Locks => "locks",
        })
    }
}

/// A case.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// Stable, such as `SEL-003`.
    pub id: String,
    /// What is so, in a sentence.
    pub title: String,
    /// Section of the specification, such as `3.2`.
    pub section: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Traits that the card must have, or with a `!` must not have.
    pub needs: Vec<String>,
    /// What it does to the card.
    pub effect: Effect,
    /// Thousands of commands.
    pub long: bool,
    /// What must be so before.
    pub given: Option<String>,
    /// What a card that passes shows, where the title does not say it.
    pub proves: Option<String>,
    /// Title of the file that it stands in.
    pub chapter: String,
    #[serde(skip)]
    pub(crate) steps: Steps,
}

/// Cases in their order.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    chapter: String,
    #[serde(default)]
    case: Vec<WrittenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    id: Spanned<String>,
    title: String,
    section: String,
    confidence: Spanned<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    effect: Effect,
    #[serde(default)]
    long: bool,
    given: Option<String>,
    proves: Option<String>,
    steps: Spanned<String>,
}

impl Suite {
    /// The cases that come with the tool.
    ///
    /// # Errors
    /// [`CaseError`]: never for what was tested.
    pub fn built_in() -> Result<Suite, CaseError> {
        let mut suite = Suite::default();
        BUILT_IN.iter().try_for_each(|(file, text)| suite.add(file, text))?;
        Ok(suite)
    }

    /// Adds every `.toml` file of a folder.
    ///
    /// # Errors
    /// [`CaseError`].
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), CaseError> {
        let io = |error| CaseError::Io(folder.display().to_string(), error);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|end| end == "toml") {
                files.push(path);
            }
        }
        files.sort();
        if files.len() > FILES_MAX {
            return Err(CaseError::Limit(folder.display().to_string(), format!("more than {FILES_MAX} files")));
        }
        for path in files {
            let name = path.display().to_string();
            self.add(&name, &limited_text(&path)?)?;
        }
        Ok(())
    }

    /// Adds the cases of a file.
    ///
    /// # Errors
    /// [`CaseError::Format`], [`CaseError::Limit`].
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), CaseError> {
        let place = Place { file, text };
        let written: WrittenFile = toml::from_str(text).map_err(|error| {
            place.at(error.span().map_or(0, |span| span.start), error.message().trim_end().to_owned())
        })?;
        if written.case.len() > CASES_MAX {
            return Err(CaseError::Limit(file.into(), format!("more than {CASES_MAX} cases")));
        }
        let mut known: BTreeSet<String> = self.cases.iter().map(|case| case.id.clone()).collect();
        for case in written.case {
            let start = case.id.span().start;
            let case = place.case(case, &written.chapter)?;
            if !known.insert(case.id.clone()) {
                return Err(place.at(start, format!("{}: there is a case with this id", case.id)));
            }
            self.cases.push(case);
        }
        Ok(())
    }

    /// The cases.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Keeps the cases whose id is one of these, or begins with one of these and a hyphen.
    ///
    /// # Errors
    /// The first that names no case.
    pub fn keep(&mut self, names: &[String]) -> Result<(), String> {
        let fits = |case: &Case, name: &str| {
            case.id.eq_ignore_ascii_case(name)
                || case.id.split_once('-').is_some_and(|(chapter, _)| chapter.eq_ignore_ascii_case(name))
        };
        if let Some(name) = names.iter().find(|name| !self.cases.iter().any(|case| fits(case, name))) {
            return Err(format!("{name}: no case has this id, and no chapter; --list shows all"));
        }
        self.cases.retain(|case| names.is_empty() || names.iter().any(|name| fits(case, name)));
        Ok(())
    }
}

/// Text of a file that is not too long.
pub(crate) fn limited_text(path: &Path) -> Result<String, CaseError> {
    let name = path.display().to_string();
    let io = |error| CaseError::Io(name.clone(), error);
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > FILE_MAX {
        return Err(CaseError::Limit(name, format!("longer than {FILE_MAX} bytes")));
    }
    std::fs::read_to_string(path).map_err(io)
}

/// A file, to tell lines of it.
struct Place<'t> {
    file: &'t str,
    text: &'t str,
}

impl Place<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    fn at(&self, offset: usize, what: String) -> CaseError {
        CaseError::Format { file: self.file.to_owned(), line: self.line(offset), what }
    }

    fn case(&self, written: WrittenCase, chapter: &str) -> Result<Case, CaseError> {
        let id = written.id.get_ref().clone();
        if !is_id(&id) {
            return Err(self.at(written.id.span().start, format!("{id}: not an id such as SEL-003")));
        }
        let confidence = Confidence::parse(written.confidence.get_ref()).ok_or_else(|| {
            let what = format!("{}: confidence is A, B, C or a decision such as D-07", written.confidence.get_ref());
            self.at(written.confidence.span().start, what)
        })?;
        let start = written.steps.span().start;
        let steps = Steps::parse(written.steps.get_ref()).map_err(|Wrong { line, what }| {
            // The first line break after the opening marks belongs to no line of the text.
            let skipped = usize::from(self.text.get(start..).is_some_and(|text| text.starts_with("'''\n")));
            let line = self.line(start) + skipped + line - 1;
            CaseError::Format { file: self.file.to_owned(), line, what: format!("{id}: {what}") }
        })?;
        if steps.main.is_empty() {
            return Err(self.at(start, format!("{id}: a case without steps shows nothing")));
        }
        Ok(Case {
            id,
            title: written.title,
            section: written.section,
            confidence,
            needs: written.needs,
            effect: written.effect,
            long: written.long,
            given: written.given,
            proves: written.proves,
            chapter: chapter.to_owned(),
            steps,
        })
    }
}

/// Capital letters, a hyphen, digits and perhaps a small letter.
fn is_id(id: &str) -> bool {
    let Some((chapter, number)) = id.split_once('-') else { return false };
    let letters = chapter.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    letters
        && (2..=12).contains(&chapter.len())
        && (1..=6).contains(&digits.len())
        && number.len() <= digits.len() + 1
        && digits.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "chapter = \"x\"\n[[case]]\nid = \"SEL-001\"\ntitle = \"t\"\nsection = \"3.2\"\n\
                        confidence = \"B\"\nsteps = '''\npower\n'''\n";

    fn read(text: &str) -> Result<Suite, CaseError> {
        let mut suite = Suite::default();
        suite.add("f.toml", text).map(|()| suite)
    }

    #[test]
    fn a_case_is_read_and_found() {
        let mut suite = read(CASE).expect("reads");
        assert!(suite.cases()[0].confidence.binds());
        suite.keep(&["sel".into()]).expect("a chapter");
        suite.keep(&["SEL-001".into()]).expect("an id");
        assert!(suite.keep(&["SEL-002".into()]).is_err());
    }

    #[test]
    fn a_wrong_file_is_told_with_its_line() {
        let wrong = [
            (CASE.replace("power", "power\njump"), 9),
            (CASE.replace("SEL-001", "sel"), 3),
            (CASE.replace("\"B\"", "\"E\""), 6),
            (CASE.replace("title", "tittle"), 4),
            (CASE.replace("power", "#"), 7),
            (format!("{CASE}{}", CASE.split_once('\n').expect("two lines").1), 11),
            (CASE.replace("steps = '''", "steps ="), 8),
        ];
        for (text, line) in wrong {
            let said = read(&text).expect_err(&text).to_string();
            assert!(said.starts_with(&format!("f.toml:{line}: ")), "{said}");
        }
    }
}
