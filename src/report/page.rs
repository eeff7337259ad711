//! How does a run read as one page for a browser? Self-contained: no script, no request, nothing to install.

mod steps;
mod tables;

use super::event::Command;
use super::record::{LastRun, RunRecord};
use super::step_line::{counted, duration};
use crate::picture::{Mark, Markup};

const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded from anywhere, and nothing run, whatever a name or a message in the page holds.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The parts, with their titles.
const PARTS: [(&str, &str); 6] = [
    ("environment", "Environment"),
    ("critical-path", "What decided the time"),
    ("timeline", "Timeline"),
    ("changes", "Changes"),
    ("calls", "Calls and retries"),
    ("outputs", "Outputs"),
];

impl LastRun {
    /// The page. Two pages of one run are the same, byte for byte.
    pub fn page(&self) -> String {
        let mut page = Markup::default();
        page.raw("<!DOCTYPE html>\n")
            .open("html", &[("lang", "en")]);
        self.head(&mut page);
        page.open("body", &[]).newline();
        page.element(
            "a",
            &[("class", "skip"), ("href", "#main")],
            "Skip to the content",
        )
        .newline();
        self.header(&mut page);
        page.open("nav", &[("aria-label", "Parts of this page")])
            .open("ul", &[]);
        for (id, title) in PARTS {
            page.open("li", &[])
                .element("a", &[("href", &format!("#{id}"))], title)
                .close();
        }
        page.close().close().newline();
        page.open("main", &[("id", "main"), ("tabindex", "-1")])
            .newline();
        for (id, title) in PARTS {
            let heading = format!("{id}-heading");
            page.open("section", &[("id", id), ("aria-labelledby", &heading)])
                .element("h2", &[("id", &heading)], title)
                .newline();
            match id {
                "environment" => self.environment(&mut page),
                "critical-path" => steps::path(&mut page, &self.run),
                "timeline" => steps::timeline(&mut page, &self.run),
                "changes" => tables::changes(&mut page, &self.run),
                "calls" => tables::calls(&mut page, &self.run),
                _ => tables::outputs(&mut page, &self.urls, &self.outputs),
            }
            page.close().newline();
        }
        page.close().newline();
        page.element("footer", &[], self.footer()).newline();
        page.finish() + "\n"
    }

    fn head(&self, page: &mut Markup) {
        page.open("head", &[])
            .newline()
            .empty("meta", &[("charset", "utf-8")])
            .newline()
            .empty(
                "meta",
                &[
                    ("http-equiv", "Content-Security-Policy"),
                    ("content", POLICY),
                ],
            )
            .newline()
            .empty("meta", &[("name", "referrer"), ("content", "no-referrer")])
            .newline()
            .empty(
                "meta",
                &[
                    ("name", "viewport"),
                    ("content", "width=device-width, initial-scale=1"),
                ],
            )
            .newline()
            .empty(
                "meta",
                &[("name", "color-scheme"), ("content", "light dark")],
            )
            .newline()
            .element(
                "title",
                &[],
                format!(
                    "{} {}: {}",
                    command(&self.run),
                    self.run.stack,
                    self.outcome().0
                ),
            )
            .newline()
            .open("style", &[])
            .newline()
            .raw(STYLE)
            .close()
            .newline()
            .close()
            .newline();
    }

    fn header(&self, page: &mut Markup) {
        let run = &self.run;
        page.open("header", &[])
            .newline()
            .open("h1", &[])
            .element("code", &[], format!("navi {}", command(run)))
            .text(format!(" {}", run.stack))
            .close()
            .newline()
            .element(
                "p",
                &[("class", "where")],
                format!("{}, {}", self.place, moment(&self.began)),
            )
            .newline()
            .open("dl", &[("class", "tiles")]);
        let (outcome, class) = self.outcome();
        tile(page, "ended", outcome, class);
        tile(page, "took", &duration(run.milliseconds), "");
        let done = run.steps.iter().filter(|step| step.mark() < Mark::Open);
        let all = run.steps.len() + run.not_begun.len();
        tile(
            page,
            "steps done",
            &format!("{} of {all}", done.count()),
            "",
        );
        let calls: u32 = run.calls().map(|count| count.calls).sum();
        tile(page, "AWS calls", &calls.to_string(), "");
        let again: u32 = run.calls().map(|count| count.again()).sum();
        tile(page, "calls made again", &again.to_string(), "");
        page.close().newline();
        for (address, what) in &run.recovered {
            page.element("p", &[], format!("Recovered {address}: {what}"));
        }
        for warning in &run.warnings {
            page.element("p", &[("class", "warn")], format!("Warning: {warning}"));
        }
        page.close().newline();
    }

    /// In a word, and how that looks.
    fn outcome(&self) -> (&'static str, &'static str) {
        let run = &self.run;
        let failed = run.steps.iter().any(|step| step.failure.is_some());
        let open =
            !run.not_begun.is_empty() || run.steps.iter().any(|step| step.mark() == Mark::Open);
        match (failed, open, run.interrupted, run.timed_out) {
            (false, false, _, false) if run.steps.is_empty() => ("nothing to do", "good"),
            (false, false, _, false) => ("done", "good"),
            (_, _, true, _) => ("interrupted", "warn"),
            (_, _, _, true) => ("out of time", "warn"),
            (true, ..) => ("failed", "bad"),
            (false, ..) => ("not finished", "warn"),
        }
    }

    fn environment(&self, page: &mut Markup) {
        page.open(
            "div",
            &[
                ("class", "scroll picture"),
                ("tabindex", "0"),
                ("role", "region"),
                ("aria-label", "Picture of the environment"),
            ],
        )
        .newline()
        .raw(&self.picture.svg())
        .close()
        .newline();
    }

    fn footer(&self) -> String {
        format!(
            "Written by navi {}. It holds no secret, loads nothing and runs no script. `navi report` prints it again until the next run.",
            self.navi
        )
    }
}

fn tile(page: &mut Markup, what: &str, value: &str, class: &str) {
    page.open("div", &[])
        .element("dt", &[], what)
        .element("dd", &[("class", class)], value)
        .close();
}

fn command(run: &RunRecord) -> String {
    run.command
        .map_or_else(String::new, |command: Command| command.to_string())
}

/// `2026-01-02 03:04:05 UTC`, of RFC 3339.
fn moment(began: &str) -> String {
    match began.get(..19).and_then(|begin| begin.split_once('T')) {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => began.to_owned(),
    }
}

/// What is said where a part has nothing to show.
fn nothing(page: &mut Markup, text: &str) {
    page.element("p", &[("class", "where")], text).newline();
}

/// `3 requests`.
fn requests(count: u32) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "request")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;
    use crate::report::plain::tests::eventful_run;
    use crate::report::record::tests::recorded;

    fn eventful_page() -> String {
        LastRun {
            version: LastRun::VERSION,
            navi: "0.1.0".to_owned(),
            began: "2026-01-02T03:04:05Z".to_owned(),
            place: "account 123456789012, ap-northeast-1".to_owned(),
            run: recorded(&eventful_run()),
            picture: Picture {
                stack: "<script>alert('stack')</script>".to_owned(),
                ..Picture::default()
            },
            outputs: vec![("vpc.main.vpc_id".to_owned(), "\"><img src=x>".to_owned())],
            urls: vec![
                "https://ecs-navi.site".to_owned(),
                "javascript:alert(1)".to_owned(),
            ],
        }
        .page()
    }

    #[test]
    fn a_run_with_everything_in_it_reads_as_a_page() {
        let page = eventful_page();
        let (_, body) = page.split_once("</style>").unwrap();
        let (before, after) = body.split_once("<style>").unwrap();
        let (_, after) = after.split_once("</style>").unwrap();
        insta::assert_snapshot!(format!("{before}[the picture's style]{after}"));
    }

    #[test]
    fn nothing_in_a_name_or_a_value_becomes_markup_or_a_link_that_runs() {
        let page = eventful_page();
        for wrong in ["<script", "<img", "href=\"javascript"] {
            assert!(!page.contains(wrong), "{wrong}");
        }
        assert!(page.contains("&lt;script&gt;alert(&#39;stack&#39;)"));
    }
}
