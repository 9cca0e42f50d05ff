//! When which harm is done: a plan, read from TOML, by a name, or a number.

use super::{
    act::{Act, Atr, Length},
    forge::Forgery,
    pattern::Pattern,
};
use serde::Deserialize;
use std::{path::Path, time::Duration};
use toml::Spanned;

/// Longest plan, in bytes.
const FILE_MAX: usize = 64 * 1024;
/// Most rules of a plan.
const RULES_MAX: usize = 256;
/// Most bytes that one answer grows by, or one GET RESPONSE gives.
const BYTES_MAX: usize = 1 << 20;
/// Longest delay: what a client waits for at all.
const DELAY_MAX: Duration = Duration::from_secs(600);
/// Most bits that are turned over.
const BITS_MAX: usize = 4096;
/// Longest ATR that a rule gives, and the lengths above 33 that readers take for none.
const ATR_MAX: usize = 255;
/// How often a plan that is only a number does harm.
const CHANCE: &str = "[[rule]]\nchance = 0.25\ndo = \"anything\"\n[[rule]]\nchance = 0.1\ndo = \"atr\"\n";

/// Plans that come with the simulator: name, what they do, TOML.
pub const BUILT_IN: [(&str, &str, &str); 12] = [
    ("short", "answers with too few bytes, or with the status word alone", include_str!("plans/short.toml")),
    ("long", "answers with too many bytes, to beyond what an APDU holds", include_str!("plans/long.toml")),
    ("more", "61xx without end", include_str!("plans/more.toml")),
    ("wrong-le", "6Cxx without end", include_str!("plans/wrong-le.toml")),
    ("words", "other status words", include_str!("plans/words.toml")),
    ("lengths", "wrong lengths in TLV and DER", include_str!("plans/lengths.toml")),
    ("certificates", "certificates that are none", include_str!("plans/certificates.toml")),
    ("atr", "answers to reset of any length", include_str!("plans/atr.toml")),
    ("bits", "single bits turned over", include_str!("plans/bits.toml")),
    ("slow", "answers that take seconds", include_str!("plans/slow.toml")),
    ("mute", "no answer now and then", include_str!("plans/mute.toml")),
    ("pulled", "the card is pulled out in the middle of a response", include_str!("plans/pulled.toml")),
];

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file that cannot be read.
    #[error("{0}: {1}; a plan is a file, `seed:NUMBER` or one of {names}", names = names())]
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
    /// Not a number.
    #[error("{0:?}: a seed is a number, as in `seed:42`")]
    Seed(String),
}

fn names() -> String {
    BUILT_IN.map(|(name, ..)| name).join(", ")
}

/// When a rule acts, of the commands that it is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// Each time.
    Always,
    /// This time only, counted from 1.
    Nth(u64),
    /// Each time that this number divides.
    Every(u64),
    /// With this probability.
    Chance(f64),
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Line of its plan, from 1.
    pub line: usize,
    /// The commands it is about; an ATR has none.
    pub pattern: Pattern,
    /// When.
    pub when: When,
    /// What it does.
    pub act: Act,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where it came from.
    pub name: String,
    /// From which everything follows that is left to chance.
    pub seed: u64,
    /// Those that apply act one after another.
    pub rules: Vec<Rule>,
}

impl Plan {
    /// `seed:NUMBER`, the name of a plan that comes with the simulator, or the path of a file.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn load(text: &str) -> Result<Self, PlanError> {
        if let Some(number) = text.strip_prefix("seed:") {
            return number.parse().map(Plan::seeded).map_err(|_| PlanError::Seed(number.into()));
        }
        if let Some((name, _, toml)) = BUILT_IN.into_iter().find(|(name, ..)| *name == text) {
            return Plan::parse(name, toml);
        }
        let io = |error| PlanError::Io(text.into(), error);
        let length = std::fs::metadata(Path::new(text)).map_err(io)?.len();
        if length > FILE_MAX as u64 {
            return Err(PlanError::Limit(text.into(), format!("longer than {FILE_MAX} bytes")));
        }
        Plan::parse(text, &std::fs::read_to_string(text).map_err(io)?)
    }

    /// Every answer is spoilt with a probability of one in four, in any way.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut plan = Plan::parse(&format!("seed:{seed}"), CHANCE).unwrap_or(Plan {
            name: String::new(),
            seed,
            rules: Vec::new(),
        });
        plan.seed = seed;
        plan
    }

    /// A plan in TOML.
    ///
    /// # Errors
    /// [`PlanError::Format`] with its line, [`PlanError::Limit`].
    pub fn parse(name: &str, text: &str) -> Result<Self, PlanError> {
        if text.len() > FILE_MAX {
            return Err(PlanError::Limit(name.into(), format!("longer than {FILE_MAX} bytes")));
        }
        let at = |offset: usize, what: String| PlanError::Format {
            file: name.into(),
            line: text.get(..offset).unwrap_or(text).matches('\n').count() + 1,
            what,
        };
        let written: WrittenPlan = toml::from_str(text)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().trim_end().into()))?;
        if !(1..=RULES_MAX).contains(&written.rule.len()) {
            return Err(PlanError::Limit(name.into(), format!("a plan has 1 to {RULES_MAX} rules")));
        }
        let rule = |written: Spanned<WrittenRule>| {
            let start = written.span().start;
            let line = text.get(..start).unwrap_or(text).matches('\n').count() + 1;
            written.into_inner().rule(line).map_err(|what| at(start, what))
        };
        let rules = written.rule.into_iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Plan { name: name.into(), seed: written.seed, rules })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPlan {
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    rule: Vec<Spanned<WrittenRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    when: Option<String>,
    nth: Option<u64>,
    every: Option<u64>,
    chance: Option<f64>,
    #[serde(rename = "do")]
    act: String,
    bytes: Option<usize>,
    bits: Option<usize>,
    ms: Option<u64>,
    sw: Option<String>,
    data: Option<String>,
    atr: Option<String>,
    inner: Option<bool>,
    how: Option<String>,
}

impl WrittenRule {
    fn rule(mut self, line: usize) -> Result<Rule, String> {
        let when = match (self.nth, self.every, self.chance) {
            (None, None, None) => When::Always,
            (Some(nth @ 1..), None, None) => When::Nth(nth),
            (None, Some(every @ 1..), None) => When::Every(every),
            (None, None, Some(chance)) if (0.0..=1.0).contains(&chance) => When::Chance(chance),
            (None, None, Some(_)) => return Err("`chance` is a number from 0 to 1".into()),
            (Some(0), ..) | (_, Some(0), _) => return Err("`nth` and `every` count from 1".into()),
            _ => return Err("one of `nth`, `every` and `chance`, not more".into()),
        };
        let pattern = self.when.take();
        if self.act == "atr" && pattern.is_some() {
            return Err("an ATR answers no command: `when` has no meaning with `atr`".into());
        }
        let pattern = pattern.map_or_else(|| Ok(Pattern::any()), |text| text.parse())?;
        let act = self.act()?;
        let left = [
            ("bytes", self.bytes.is_some()),
            ("bits", self.bits.is_some()),
            ("ms", self.ms.is_some()),
            ("sw", self.sw.is_some()),
            ("data", self.data.is_some()),
            ("atr", self.atr.is_some()),
            ("inner", self.inner.is_some()),
            ("how", self.how.is_some()),
        ];
        match left.into_iter().find(|(_, is_left)| *is_left) {
            Some((name, _)) => Err(format!("`{name}` has no meaning with `{}`", self.act)),
            None => Ok(Rule { line, pattern, when, act }),
        }
    }

    /// Takes what the act needs.
    fn act(&mut self) -> Result<Act, String> {
        Ok(match self.act.as_str() {
            "short" => Act::Short(limited("bytes", self.bytes.take(), 1, BYTES_MAX)?),
            "word-only" => Act::WordOnly,
            "empty" => Act::Empty,
            "one-byte" => Act::OneByte,
            "long" => Act::Long(limited("bytes", self.bytes.take(), 1, BYTES_MAX)?),
            "more" => Act::More(limited("bytes", self.bytes.take(), 255, BYTES_MAX)?),
            "wrong-le" => Act::WrongLe,
            "word" => Act::Word(self.sw.take().map(|text| word(&text)).transpose()?),
            "data" => {
                let text = self.data.take().ok_or("`data` wants `data`, in hexadecimal")?;
                Act::Data(hex::decode(text.replace(' ', "")).map_err(|error| format!("`data`: {error}"))?)
            }
            "length" => {
                let how = self.how.take().ok_or("`length` wants `how`")?;
                Act::Length { inner: self.inner.take().unwrap_or(false), how: named::<Length>(&how)? }
            }
            "certificate" => Act::Certificate(self.how.take().map(|how| named::<Forgery>(&how)).transpose()?),
            "delay" => {
                let delay = Duration::from_millis(self.ms.take().ok_or("`delay` wants `ms`")?);
                if delay > DELAY_MAX {
                    return Err(format!("`ms` is {} at most", DELAY_MAX.as_millis()));
                }
                Act::Delay(delay)
            }
            "mute" => Act::Mute,
            "pull" => Act::Pull,
            "atr" => Act::Atr(match (self.atr.take(), self.bytes.take()) {
                (None, None) => Atr::Any,
                (None, count) => Atr::Count(limited("bytes", count, 0, ATR_MAX)?),
                (Some(text), None) => match hex::decode(text.replace(' ', "")) {
                    Ok(atr) if atr.len() <= ATR_MAX => Atr::Bytes(atr),
                    Ok(_) => return Err(format!("an ATR of {ATR_MAX} bytes at most")),
                    Err(error) => return Err(format!("`atr`: {error}")),
                },
                (Some(_), Some(_)) => return Err("`atr` or `bytes`, not both".into()),
            }),
            "flip" => Act::Flip(limited("bits", self.bits.take(), 1, BITS_MAX)?),
            "anything" => Act::Anything,
            other => {
                return Err(format!(
                    "{other:?}: no such act; there are short, word-only, empty, one-byte, long, more, wrong-le, word, data, length, \
                     certificate, delay, mute, pull, atr, flip, anything"
                ));
            }
        })
    }
}

fn limited(name: &str, given: Option<usize>, usual: usize, most: usize) -> Result<usize, String> {
    match given.unwrap_or(usual) {
        value if value <= most => Ok(value),
        _ => Err(format!("`{name}` is {most} at most")),
    }
}

fn word(text: &str) -> Result<[u8; 2], String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| format!("`sw` is four hexadecimal digits, not {text:?}"))
}

/// The one of this name, as serde has them.
fn named<'a, T: Deserialize<'a>>(name: &'a str) -> Result<T, String> {
    let deserializer = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
    T::deserialize(deserializer).map_err(|error| format!("`how`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_that_come_along_are_plans() {
        for (name, about, toml) in BUILT_IN {
            let plan = Plan::load(name).unwrap_or_else(|error| panic!("{error}"));
            assert!(!plan.rules.is_empty() && !about.is_empty() && plan.name == name, "{toml}");
        }
        let plan = Plan::load("seed:42").expect("a seed");
        assert_eq!((plan.seed, plan.rules.len(), plan.name.as_str()), (42, 2, "seed:42"));
    }

    #[test]
    fn a_rule_has_a_line_a_pattern_a_time_and_an_act() {
        let text = "seed = 7\n\n[[rule]]\nwhen = \"00 B0 *\"\nnth = 3\ndo = \"short\"\nbytes = 4\n\n[[rule]]\ndo = \"length\"\nhow = \"huge\"\n";
        let plan = Plan::parse("p", text).expect("a plan");
        let [first, second] = &plan.rules[..] else { panic!("{plan:?}") };
        assert_eq!((plan.seed, first.line, second.line), (7, 3, 9));
        assert_eq!((first.when, &first.act), (When::Nth(3), &Act::Short(4)));
        assert!(first.pattern.fits(&[0x00, 0xB0, 1]) && !first.pattern.fits(&[0x00, 0xA4]));
        assert_eq!(second.act, Act::Length { inner: false, how: Length::Huge });
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (line, text, word) in [
            (2, "seed = 1\nrules = 3", "unknown field"),
            (1, "[[rule]]\ndo = \"bite\"", "no such act"),
            (4, "[[rule]]\ndo = \"pull\"\n\n[[rule]]\ndo = \"pull\"\nms = 3", "`ms` has no meaning"),
            (1, "[[rule]]\ndo = \"delay\"", "wants `ms`"),
            (1, "[[rule]]\ndo = \"delay\"\nms = 600001", "at most"),
            (1, "[[rule]]\ndo = \"length\"", "wants `how`"),
            (1, "[[rule]]\ndo = \"data\"", "in hexadecimal"),
            (1, "[[rule]]\ndo = \"data\"\ndata = \"0\"", "`data`: "),
            (1, "[[rule]]\ndo = \"length\"\nhow = \"odd\"", "unknown variant"),
            (1, "[[rule]]\ndo = \"certificate\"\nhow = \"odd\"", "unknown variant"),
            (1, "[[rule]]\ndo = \"word\"\nsw = \"90\"", "four hexadecimal"),
            (1, "[[rule]]\ndo = \"long\"\nbytes = 9999999", "at most"),
            (1, "[[rule]]\ndo = \"pull\"\nnth = 0", "from 1"),
            (1, "[[rule]]\ndo = \"pull\"\nnth = 1\nevery = 2", "not more"),
            (1, "[[rule]]\ndo = \"pull\"\nchance = 1.5", "from 0 to 1"),
            (1, "[[rule]]\ndo = \"pull\"\nchance = nan", "from 0 to 1"),
            (1, "[[rule]]\ndo = \"pull\"\nwhen = \"0x\"", "no hexadecimal"),
            (1, "[[rule]]\ndo = \"atr\"\nwhen = \"*\"", "no command"),
            (1, "[[rule]]\ndo = \"atr\"\natr = \"3B\"\nbytes = 3", "not both"),
            (2, "[[rule]]\nnot toml", "expected"),
        ] {
            let said = Plan::parse("p.toml", text).expect_err(text).to_string();
            assert!(said.starts_with(&format!("p.toml:{line}: ")) && said.contains(word), "{text}\n{said}");
        }
        assert!(matches!(Plan::parse("p", ""), Err(PlanError::Limit(..))));
        assert!(matches!(Plan::parse("p", &"[[rule]]\ndo=\"pull\"\n".repeat(257)), Err(PlanError::Limit(..))));
        assert!(matches!(Plan::parse("p", &" ".repeat(FILE_MAX + 1)), Err(PlanError::Limit(..))));
        assert!(matches!(Plan::load("seed:x"), Err(PlanError::Seed(_))));
        let said = Plan::load("/nonexistent").expect_err("no file").to_string();
        assert!(said.contains("seed:NUMBER") && said.contains("certificates"), "{said}");
    }
}
