//! One page that needs nothing but itself.

use super::{Report, escaped, word};
use crate::run::{Outcome, Verdict};
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
td.n,th.n{text-align:right}
code,pre{font:13px/1.4 ui-monospace,monospace}
pre{overflow-x:auto;background:#8881;padding:.6rem;white-space:pre-wrap;word-break:break-all}
.passed{color:#16803c}.failed{color:#c62828;font-weight:600}.differs{color:#b26a00;font-weight:600}.other{color:#777}
details{margin:.2rem 0}summary{cursor:pointer}";

/// The report as a page.
#[must_use]
pub fn html(report: &Report) -> String {
    let subject = escaped(&report.subject);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Conformance of {subject}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<h1>Conformance of {subject}</h1>\n"
    );
    let traits = escaped(&report.traits.join(", "));
    let (when, tool) = (escaped(&report.when), escaped(&report.tool));
    let _ = writeln!(out, "<p>{when}, {tool}. The card has: {traits}. Secret values are blanked.</p>");
    totals(&mut out, report);
    for (chapter, outcomes) in report.chapters() {
        let _ = writeln!(out, "<h2>{}</h2>\n<table>", escaped(chapter));
        out.push_str("<tr><th>Case</th><th>Verdict</th><th>Confidence</th><th>Section</th><th>What is so</th></tr>\n");
        outcomes.into_iter().for_each(|outcome| row(&mut out, outcome));
        out.push_str("</table>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Differs => "differs",
        Verdict::NotApplicable | Verdict::NotRun => "other",
    }
}

fn totals(out: &mut String, report: &Report) {
    const VERDICTS: [Verdict; 5] =
        [Verdict::Passed, Verdict::Failed, Verdict::Differs, Verdict::NotApplicable, Verdict::NotRun];
    out.push_str("<table>\n<tr><th>Chapter</th>");
    for verdict in VERDICTS {
        let _ = write!(out, "<th class=\"n\">{}</th>", word(verdict));
    }
    out.push_str("</tr>\n");
    let all: (&str, Vec<&Outcome>) = ("All", report.outcomes.iter().collect());
    for (chapter, outcomes) in report.chapters().into_iter().chain([all]) {
        let _ = write!(out, "<tr><td>{}</td>", escaped(chapter));
        for verdict in VERDICTS {
            let count = outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
            let class = if count > 0 { class(verdict) } else { "other" };
            let _ = write!(out, "<td class=\"n {class}\">{count}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn row(out: &mut String, outcome: &Outcome) {
    let (id, title, section) = (escaped(&outcome.id), escaped(&outcome.title), escaped(&outcome.section));
    let (class, word) = (class(outcome.verdict), word(outcome.verdict));
    let _ = write!(out, "<tr id=\"{id}\"><td><code>{id}</code></td><td class=\"{class}\">{word}</td>");
    let _ = write!(out, "<td>{}</td><td>{section}</td><td>{title}", outcome.confidence);
    if let Some(reason) = &outcome.reason {
        let _ = write!(out, "<br>{}", escaped(reason));
    }
    if !outcome.exchanges.is_empty() {
        let open = if outcome.verdict == Verdict::Failed { " open" } else { "" };
        let step = outcome.step.as_deref().map(escaped).unwrap_or_default();
        let _ = write!(out, "<details{open}><summary>At <code>{step}</code></summary><pre>");
        for one in &outcome.exchanges {
            let _ = writeln!(out, "# {}: {}", one.line, escaped(&one.name));
            let _ = writeln!(out, "&gt; {}\n&lt; {} {}", escaped(&one.command), escaped(&one.response), one.sw);
        }
        out.push_str("</pre></details>");
    }
    out.push_str("</td></tr>\n");
}
