//! How does the page list what was changed, what was called, and what the environment tells others?

use std::collections::BTreeMap;

use super::super::event::Action;
use super::super::record::{ChangeRecord, RunRecord};
use super::nothing;
use super::steps::said;
use crate::picture::{Mark, Markup};
use crate::resource::CallCount;

/// What happened to each resource, and the fields that differed.
pub(super) fn changes(page: &mut Markup, run: &RunRecord) {
    let groups = [
        (Mark::Create, "create", "Created"),
        (Mark::Change, "change", "Changed"),
        (Mark::Replace, "replace", "Replaced"),
        (Mark::Remove, "remove", "Removed"),
        (Mark::Failed, "failed", "Failed"),
        (Mark::Open, "open", "Not done"),
    ];
    let begun = run
        .steps
        .iter()
        .filter(|step| step.times.action != Action::Wait || step.mark() >= Mark::Open);
    let begun = begun.map(|step| (step.mark(), &step.times.address, &step.change));
    let others = run.not_begun.iter();
    let others = others.map(|step| (Mark::Open, &step.address, &step.change));
    let all: Vec<_> = begun.chain(others).collect();
    if all.is_empty() {
        return nothing(page, "Nothing was changed.");
    }
    page.open("div", &[("class", "changes")]);
    for (mark, class, title) in groups {
        let mut here: Vec<_> = all.iter().filter(|(other, ..)| *other == mark).collect();
        here.sort_by_key(|(_, address, _)| *address);
        if here.is_empty() {
            continue;
        }
        page.element("h3", &[], format!("{title} ({})", here.len()));
        page.open("ul", &[("class", class)]);
        for (_, address, change) in here {
            page.open("li", &[])
                .element(
                    "span",
                    &[("class", "sign"), ("aria-hidden", "true")],
                    mark.sign(),
                )
                .element("code", &[], address);
            fields(page, change);
            page.close().newline();
        }
        page.close();
    }
    page.close().newline();
}

/// The fields of one change, each with what it was and what it is to be.
pub(super) fn fields(page: &mut Markup, change: &ChangeRecord) {
    if !change.fields.is_empty() {
        page.open("ul", &[]);
        for field in &change.fields {
            page.open("li", &[])
                .text(format!("{}: ", field.field))
                .element("code", &[], &field.old)
                .text(" ")
                .element("span", &[("class", "arrow")], "→")
                .text(" ")
                .element("code", &[], &field.new);
            if field.replaces {
                page.text(" (needed a new one)");
            }
            page.close();
        }
        page.close();
    }
    if let Some(notice) = &change.notice {
        page.element("p", &[("class", "where")], notice);
    }
}

/// Every operation with how often it was called, the most called first.
pub(super) fn calls(page: &mut Markup, run: &RunRecord) {
    let mut totals: BTreeMap<&str, CallCount> = BTreeMap::new();
    for count in run.calls() {
        let total = totals.entry(&count.operation).or_default();
        total.operation.clone_from(&count.operation);
        total.calls += count.calls;
        total.requests += count.requests;
        for (code, times) in &count.refused {
            *total.refused.entry(code.clone()).or_default() += times;
        }
    }
    let mut totals: Vec<CallCount> = totals.into_values().collect();
    totals.sort_by(|one, other| (other.calls, &one.operation).cmp(&(one.calls, &other.operation)));
    if totals.is_empty() {
        return nothing(page, "Nothing was called.");
    }
    let looks: u32 = run.looks.iter().map(|count| count.calls).sum();
    page.element(
        "p",
        &[("class", "where")],
        format!(
            "From the first step's beginning to the end of the run; {looks} of them looked at what was waited for. \
             The looks that made the plan are not among them."
        ),
    );
    table(page, "Calls by operation");
    heads(
        page,
        &["operation", "calls", "requests sent", "how it went"],
    );
    for count in &totals {
        page.open("tr", &[])
            .open("td", &[])
            .element("code", &[], &count.operation)
            .close()
            .element("td", &[("class", "number")], count.calls)
            .element("td", &[("class", "number")], count.requests)
            .element(
                "td",
                &[],
                if count.again() > 0 || !count.refused.is_empty() {
                    said(count)
                } else {
                    "answered at once".to_owned()
                },
            )
            .close()
            .newline();
    }
    page.close().close().close().newline();
}

/// The URLs, and everything that AWS told of the resources.
pub(super) fn outputs(page: &mut Markup, urls: &[String], outputs: &[(String, String)]) {
    if outputs.is_empty() && urls.is_empty() {
        return nothing(page, "Nothing is left that could tell any.");
    }
    if !urls.is_empty() {
        page.open("ul", &[]);
        for url in urls {
            page.open("li", &[]);
            // The hosts are the user's own; nothing but a web address becomes a link.
            match url.starts_with("https://") || url.starts_with("http://") {
                true => page.element("a", &[("href", url), ("rel", "noreferrer")], url),
                false => page.text(url),
            };
            page.close();
        }
        page.close().newline();
    }
    table(page, "Outputs of the resources");
    heads(page, &["output", "value"]);
    for (name, value) in outputs {
        page.open("tr", &[])
            .open("td", &[])
            .element("code", &[], name)
            .close()
            .open("td", &[])
            .element("code", &[], value)
            .close()
            .close()
            .newline();
    }
    page.close().close().close().newline();
}

/// A table that can be scrolled by the keyboard where the page is narrow. Its head comes next.
fn table(page: &mut Markup, label: &str) {
    page.open(
        "div",
        &[
            ("class", "scroll"),
            ("tabindex", "0"),
            ("role", "region"),
            ("aria-label", label),
        ],
    )
    .open("table", &[])
    .newline();
}

fn heads(page: &mut Markup, names: &[&str]) {
    page.open("thead", &[]).open("tr", &[]);
    for name in names {
        let class = if matches!(*name, "calls" | "requests sent") {
            "number"
        } else {
            ""
        };
        page.element("th", &[("scope", "col"), ("class", class)], name);
    }
    page.close().close().newline().open("tbody", &[]).newline();
}
