//! How does the page show what took the time? The chain that decided it, and a row for every step: when it waited for
//! others, when it called, when it waited until AWS was done.

use super::super::event::{Action, Until};
use super::super::record::{FailureRecord, NotBegun, RunRecord, StepRecord};
use super::super::step_line::{counted, duration};
use super::super::timeline::{started_after, state};
use super::{nothing, requests};
use crate::picture::{Mark, Markup};
use crate::resource::CallCount;

/// So many lines stand below the time axis at most.
const TICKS: u64 = 7;

pub(super) fn path(page: &mut Markup, run: &RunRecord) {
    if run.path.is_empty() {
        return nothing(page, "No step came to an end.");
    }
    page.element(
        "p",
        &[("class", "where")],
        "Each of these steps could begin only when the one above it had come so far; the last one ended the run.",
    );
    page.open("ol", &[("class", "chain")]).newline();
    for link in &run.path {
        page.open("li", &[]);
        let step = run.steps.iter().position(|step| {
            step.times.address == link.address && step.times.began == link.at_milliseconds
        });
        page.open("span", &[("class", "what")])
            .text("◆ ")
            .open(
                "a",
                &[("href", &format!("#step-{}", step.unwrap_or(0) + 1))],
            )
            .element("code", &[], &link.address)
            .close()
            .close();
        page.element("span", &[("class", "number")], duration(link.milliseconds));
        let width = format!("width:{}", percent(link.milliseconds, run.milliseconds));
        page.element("span", &[("class", "part"), ("style", &width)], "");
        let until = link.until.map_or_else(
            || "until the run ended".to_owned(),
            |until| format!("until it {}", state(until)),
        );
        page.element(
            "span",
            &[("class", "until")],
            format!("{}, {until}", link.action.attempt()),
        );
        page.close().newline();
    }
    page.close().newline();
}

pub(super) fn timeline(page: &mut Markup, run: &RunRecord) {
    if run.steps.is_empty() && run.not_begun.is_empty() {
        return nothing(page, "There was nothing to do.");
    }
    page.open("ul", &[("class", "legend")]);
    for (class, what) in [
        ("waited", "waits for other steps"),
        ("calls", "calls AWS"),
        ("ready", "waits until AWS is done"),
        ("critical", "◆ on the critical path"),
    ] {
        page.open("li", &[])
            .element("i", &[("class", class)], "")
            .text(what)
            .close();
    }
    page.close().newline();
    page.open("label", &[("class", "only")])
        .empty("input", &[("type", "checkbox"), ("id", "only-critical")])
        .text("only the critical path")
        .close()
        .newline();
    axis(page, run.milliseconds);
    for (index, step) in run.steps.iter().enumerate() {
        row(page, run, index, step);
    }
    for step in &run.not_begun {
        row_not_begun(page, step);
    }
}

fn axis(page: &mut Markup, total: u64) {
    let step = tick(total);
    page.open("div", &[("class", "axis"), ("aria-hidden", "true")])
        .open("div", &[]);
    for at in (0..=total / step).map(|tick| tick * step) {
        let class = if at + step / 2 > total { "last" } else { "" };
        let left = format!("left:{}", percent(at, total));
        page.element("span", &[("class", class), ("style", &left)], duration(at));
    }
    page.close().close().newline();
}

/// A round time between two lines.
fn tick(total: u64) -> u64 {
    const ROUND: [u64; 18] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000,
        300_000, 600_000,
    ];
    let fits = |tick: &u64| total / tick <= TICKS;
    ROUND.into_iter().find(fits).unwrap_or(total / TICKS)
}

fn row(page: &mut Markup, run: &RunRecord, index: usize, step: &StepRecord) {
    let times = &step.times;
    let critical = step.is_critical(&run.path);
    let mark = step.mark();
    let class = format!(
        "step {}{}",
        look(times.action, mark),
        if critical { " critical" } else { "" }
    );
    page.open(
        "details",
        &[("class", &class), ("id", &format!("step-{}", index + 1))],
    )
    .open("summary", &[]);
    page.open("span", &[("class", "what")])
        .element(
            "span",
            &[("class", "sign"), ("aria-hidden", "true")],
            sign(times.action),
        )
        .element(
            "span",
            &[("class", "hidden")],
            format!("{} ", times.action.attempt()),
        )
        .element("code", &[], &times.address);
    if critical {
        flag(page, "", "◆ critical path");
    }
    if mark == Mark::Failed {
        flag(page, "failed", "✕ failed");
    }
    if mark == Mark::Open {
        flag(page, "again", "… under way when the run ended");
    }
    let again: u32 = step.calls.iter().map(CallCount::again).sum();
    if again > 0 {
        flag(page, "again", &format!("↻ {again} again"));
    }
    page.close();
    let took = times.whole().map_or_else(|| "–".to_owned(), duration);
    page.element("span", &[("class", "number")], took);
    bars(page, run, step);
    page.close().newline();
    more(page, step);
    page.close().newline();
}

fn flag(page: &mut Markup, class: &str, text: &str) {
    page.element(
        "span",
        &[("class", format!("flag {class}").trim_end())],
        text,
    );
}

/// What is said in words below the row, drawn.
fn bars(page: &mut Markup, run: &RunRecord, step: &StepRecord) {
    let times = &step.times;
    let total = run.milliseconds;
    let ended = times.ended.unwrap_or(total);
    let returned = times.returned.unwrap_or(ended);
    let failed = step.failure.is_some();
    page.open("span", &[("class", "track"), ("aria-hidden", "true")]);
    let mut bar = |class: &str, from: u64, to: u64| {
        let place = format!(
            "left:{};width:{}",
            percent(from, total),
            percent(to.saturating_sub(from), total)
        );
        page.element("i", &[("class", class), ("style", &place)], "");
    };
    if times.began > 0 {
        bar("waited", 0, times.began);
    }
    let calls = if failed && times.returned.is_none() {
        "failed"
    } else {
        "calls"
    };
    bar(calls, times.began, returned);
    if ended > returned {
        bar(if failed { "failed" } else { "ready" }, returned, ended);
    }
    if let Some(served) = times.served {
        let place = format!("left:{}", percent(served, total));
        page.element("i", &[("class", "served"), ("style", &place)], "");
    }
    page.close();
}

fn more(page: &mut Markup, step: &StepRecord) {
    let times = &step.times;
    page.open("div", &[("class", "more")]).open("dl", &[]);
    let mut fact = |name: &str, value: String| {
        page.element("dt", &[], name).element("dd", &[], value);
    };
    if let Some(id) = &step.id {
        fact("ID", id.clone());
    }
    fact(
        "began",
        match &times.after {
            Some(after) => format!(
                "after {}, once {}",
                duration(times.began),
                started_after(after)
            ),
            None => format!("after {}, with the run", duration(times.began)),
        },
    );
    if let Some(calls) = times.calls() {
        fact("calls took", duration(calls));
    }
    if let Some(served) = times.served {
        fact("served after", duration(served.saturating_sub(times.began)));
    }
    if let Some(wait) = times.wait() {
        let until = match times.action {
            Action::Delete => Until::Gone,
            _ => Until::Ready,
        };
        fact(
            "then waited",
            format!("{}, until it {}", duration(wait), state(until)),
        );
    }
    if !times.complete && step.failure.is_none() && times.ended.is_some() {
        fact("not waited for", "it exists".to_owned());
    }
    page.close();
    if let Some(failure) = &step.failure {
        write_failure(page, failure);
    }
    if !step.change.fields.is_empty() {
        page.element("h3", &[], "Changes");
        super::tables::fields(page, &step.change);
    }
    if !step.notes.is_empty() {
        page.element("h3", &[], "What it waited for")
            .open("dl", &[]);
        for (at, note) in &step.notes {
            page.element("dt", &[("class", "number")], duration(*at))
                .element("dd", &[], note);
        }
        page.close();
    }
    if !step.calls.is_empty() {
        page.element("h3", &[], "Calls").open("ul", &[]);
        for count in &step.calls {
            page.open("li", &[])
                .element("code", &[], &count.operation)
                .text(format!(" {}", said(count)))
                .close();
        }
        page.close();
    }
    page.close();
}

/// `called 3 times: 2 refused (DependencyViolation)`.
pub(super) fn said(count: &CallCount) -> String {
    let mut text = match count.calls {
        1 => "called once".to_owned(),
        calls => format!("called {calls} times"),
    };
    let refused: Vec<String> = count
        .refused
        .iter()
        .map(|(code, times)| format!("{times} × {code}"))
        .collect();
    if !refused.is_empty() {
        text.push_str(&format!(", refused {}", refused.join(", ")));
    }
    if count.requests > count.calls {
        text.push_str(&format!(", {} sent", requests(count.requests)));
    }
    text
}

fn write_failure(page: &mut Markup, failure: &FailureRecord) {
    page.element("h3", &[("class", "bad")], "Why it failed");
    let code = failure.code.as_deref().unwrap_or_default();
    let mut told = match (code, &failure.message) {
        ("", Some(message)) => message.clone(),
        ("", None) => format!("{} had no answer", failure.operation),
        (code, _) => format!("{} answered {code}", failure.operation),
    };
    if let Some(request) = &failure.request_id {
        told.push_str(&format!(" (request {request})"));
    }
    page.element("p", &[], told);
    for line in &failure.further {
        page.element("p", &[], line);
    }
}

fn row_not_begun(page: &mut Markup, step: &NotBegun) {
    page.open("details", &[("class", "step open")])
        .open("summary", &[])
        .open("span", &[("class", "what")])
        .element(
            "span",
            &[("class", "sign"), ("aria-hidden", "true")],
            sign(step.action),
        )
        .element(
            "span",
            &[("class", "hidden")],
            format!("{} ", step.action.attempt()),
        )
        .element("code", &[], &step.address);
    let why = match step.blocked_by.is_empty() {
        true => "… not begun".to_owned(),
        false => format!("… blocked by {}", counted(step.blocked_by.len(), "step")),
    };
    flag(page, "again", &why);
    page.close()
        .element("span", &[("class", "number")], "–")
        .element("span", &[("class", "track"), ("aria-hidden", "true")], "")
        .close()
        .open("div", &[("class", "more")]);
    match step.blocked_by.is_empty() {
        true => page.element("p", &[], "The run ended before its turn came."),
        false => {
            let by: Vec<String> = step.blocked_by.iter().map(ToString::to_string).collect();
            page.element(
                "p",
                &[],
                format!("It needs what failed: {}.", by.join(", ")),
            )
        }
    };
    page.close().close().newline();
}

fn sign(action: Action) -> &'static str {
    match action {
        Action::Create | Action::Adopt => "+",
        Action::Update => "~",
        Action::Replace => "±",
        Action::Delete => "-",
        Action::Wait => "…",
    }
}

fn look(action: Action, mark: Mark) -> &'static str {
    match (mark, action) {
        (Mark::Failed, _) => "failed",
        (Mark::Open, _) | (_, Action::Wait) => "open",
        (_, Action::Create | Action::Adopt) => "create",
        (_, Action::Update) => "change",
        (_, Action::Replace) => "replace",
        (_, Action::Delete) => "remove",
    }
}

/// A part of the whole, for a style.
fn percent(part: u64, whole: u64) -> String {
    let share = part.min(whole) as f64 / whole.max(1) as f64;
    format!("{:.2}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_few_lines_at_round_times() {
        assert_eq!(tick(0), 1);
        assert_eq!(tick(49), 10);
        assert_eq!(tick(141_010), 30_000);
        assert_eq!(tick(20 * 60_000), 300_000);
        assert_eq!(tick(24 * 3_600_000), 24 * 3_600_000 / TICKS);
    }

    #[test]
    fn a_part_is_never_more_than_the_whole() {
        assert_eq!(percent(1, 4), "25.00%");
        assert_eq!(percent(5, 4), "100.00%");
        assert_eq!(percent(0, 0), "0.00%");
    }
}
