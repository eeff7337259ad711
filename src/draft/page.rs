//! How is a draft written, so that its owner is glad of it: what counts, nothing that is a default anyway, and notes where they belong?

use std::fmt::Write;

use super::{
    Certificate, Container, ContainerCheck, Count, Draft, Ingress, Network, Note, Route, Service,
};

/// Longer lists and mappings get a line for each part.
const LONGEST_LINE: usize = 100;

/// How a value gets to where `secrets` says that it is.
pub const PARAMETERS: &str = "The parameters under `secrets` must be there before `navi up`: aws ssm put-parameter --type SecureString --name NAME --value VALUE";

/// The text of the stack file.
pub fn write(draft: &Draft, opening: &str) -> String {
    let mut page = Page::default();
    page.comment(opening);
    page.comment("`navi config` shows every default, docs/STACK_FILE.md every key; `navi up --sandbox` tries it without an account.");
    page.notes(&draft.notes);
    if draft.needs_parameters() {
        page.comment(PARAMETERS);
    }
    page.put("stack", &scalar(&draft.stack));
    if let Some(region) = &draft.region {
        page.put("region", &scalar(region));
    }
    page.network(&draft.network);
    if let Some(ingress) = &draft.ingress {
        page.ingress(ingress);
    }
    if let Some(namespace) = &draft.namespace {
        page.blank();
        page.comment("Services find each other under these names: SERVICE.NAMESPACE.");
        let name = map(&[("name", scalar(namespace))]);
        page.put("namespace", &name);
    }
    page.blank();
    page.open("services");
    for (index, service) in draft.services.iter().enumerate() {
        if index > 0 {
            page.blank();
        }
        page.service(service);
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    depth: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        let indent = "  ".repeat(self.depth);
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "{indent}{text}");
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&format!("# {line}"));
        }
    }

    fn notes(&mut self, notes: &[Note]) {
        for note in notes {
            self.comment(&note.to_string());
        }
    }

    fn put(&mut self, key: &str, value: &str) {
        self.line(&format!("{}: {value}", scalar(key)));
    }

    fn open(&mut self, key: &str) {
        self.line(&format!("{}:", scalar(key)));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
    }

    fn maybe<T: std::fmt::Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(key, &value.to_string());
        }
    }

    /// Keys and values, in one line where they fit.
    fn put_map(&mut self, key: &str, entries: &[(&str, String)]) {
        let short = map(entries);
        if 2 * self.depth + key.len() + short.len() <= LONGEST_LINE {
            return self.put(key, &short);
        }
        self.open(key);
        for (key, value) in entries {
            self.put(key, value);
        }
        self.close();
    }

    /// Keys and values with a line for each: such lists grow.
    fn put_lines(&mut self, key: &str, entries: &[(String, String)]) {
        if entries.is_empty() {
            return;
        }
        self.open(key);
        for (key, value) in entries {
            self.put(key, value);
        }
        self.close();
    }

    fn put_list(&mut self, key: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let short = format!("[{}]", items.join(", "));
        if 2 * self.depth + key.len() + short.len() <= LONGEST_LINE {
            return self.put(key, &short);
        }
        self.open(key);
        for item in items {
            self.line(&format!("- {item}"));
        }
        self.close();
    }

    fn network(&mut self, network: &Network) {
        let Network {
            notes,
            cidr,
            nat,
            public,
            private,
            existing,
        } = network;
        let has_subnets = !public.is_empty() || !private.is_empty();
        if cidr.is_none() && nat.is_none() && !has_subnets && existing.is_none() {
            self.notes(notes);
            return;
        }
        self.blank();
        self.open("network");
        self.notes(notes);
        self.maybe("cidr", cidr.as_deref().map(scalar));
        self.maybe("nat", *nat);
        if has_subnets {
            self.open("subnets");
            for (tier, subnets) in [("public", public), ("private", private)] {
                let written = subnets
                    .iter()
                    .map(|(zone, range)| (zone.as_str(), scalar(range)));
                let written: Vec<_> = written.collect();
                if !written.is_empty() {
                    self.put_map(tier, &written);
                }
            }
            self.close();
        }
        if let Some(existing) = existing {
            self.comment("Looked up, and never changed, tagged or removed.");
            self.open("vpc");
            self.put("find", &scalar(&existing.vpc));
            self.open("subnets");
            self.put_list("public", &scalars(&existing.public));
            self.put_list("private", &scalars(&existing.private));
            self.close();
            self.close();
        }
        self.close();
    }

    fn ingress(&mut self, ingress: &Ingress) {
        if ingress.certificate.is_none() && ingress.zone.is_none() && ingress.allow.is_empty() {
            self.notes(&ingress.notes);
            return;
        }
        self.blank();
        self.open("ingress");
        self.notes(&ingress.notes);
        match &ingress.certificate {
            Some(Certificate::Arn(arn)) => {
                self.put("certificate", &map(&[("arn", scalar(arn))]));
            }
            Some(Certificate::Request(names)) => {
                let names = format!("[{}]", scalars(names).join(", "));
                self.put("certificate", &map(&[("request", names)]));
            }
            None => {}
        }
        if let Some(zone) = &ingress.zone {
            self.comment(
                "The hosted zone must be in this account; `create` in place of `find` makes one.",
            );
            self.put("zone", &map(&[("find", scalar(zone))]));
        }
        self.put_list("allow", &scalars(&ingress.allow));
        self.close();
    }

    fn service(&mut self, service: &Service) {
        self.open(&service.name);
        self.notes(&service.notes);
        match &service.count {
            Some(Count::Fixed(count)) => self.put("count", &count.to_string()),
            Some(Count::Scaled(keys)) => {
                let keys: Vec<_> = keys
                    .iter()
                    .map(|(key, value)| (*key, value.to_string()))
                    .collect();
                self.put_map("count", &keys);
            }
            None => {}
        }
        self.maybe("cpu", service.cpu);
        self.maybe("memory", service.memory);
        if service.is_arm {
            self.put("architecture", "arm64");
        }
        self.maybe("ephemeral_storage", service.ephemeral_storage);
        if let Some(share) = service.spot {
            self.put("spot", &map(&[("share", share.to_string())]));
        }
        self.maybe("subnets", service.subnets);
        if service.exec {
            self.put("exec", "true");
        }
        self.put_list("depends_on", &scalars(&service.depends_on));
        if let Some(route) = &service.route {
            self.put_map("route", &route_entries(route));
        }
        if !service.health_check.is_empty() {
            self.put_map("health_check", &service.health_check);
        }
        self.maybe(
            "deregistration_delay",
            service.deregistration_delay.as_deref(),
        );
        if service.circuit_breaker {
            self.put(
                "deployment",
                &map(&[("circuit_breaker", "true".to_owned())]),
            );
        }
        let rules = service.allow.iter();
        let rules: Vec<String> = rules
            .map(|(from, port)| map(&[("from", scalar(from)), ("port", port.to_string())]))
            .collect();
        self.put_list("allow", &rules);
        self.open("containers");
        for container in &service.containers {
            self.container(container);
        }
        self.close();
        self.close();
    }

    fn container(&mut self, container: &Container) {
        self.open(&container.name);
        self.notes(&container.notes);
        self.put("image", &scalar(&container.image));
        let ports: Vec<String> = container.ports.iter().map(u16::to_string).collect();
        self.put_list("ports", &ports);
        self.put_list("entrypoint", &scalars(&container.entrypoint));
        self.put_list("command", &scalars(&container.command));
        self.put_lines("environment", &with_scalars(&container.environment));
        self.put_lines("secrets", &with_scalars(&container.secrets));
        if container.may_end {
            self.put("essential", "false");
        }
        let waits = container.depends_on.iter();
        let waits: Vec<_> = waits
            .map(|(name, condition)| (name.as_str(), (*condition).to_owned()))
            .collect();
        if !waits.is_empty() {
            self.put_map("depends_on", &waits);
        }
        if let Some(check) = &container.health_check {
            self.container_check(check);
        }
        self.maybe("stop_timeout", container.stop_timeout.as_deref());
        if let Some(retention) = &container.retention {
            self.put("logs", &map(&[("retention", retention.clone())]));
        }
        self.close();
    }

    fn container_check(&mut self, check: &ContainerCheck) {
        self.open("health_check");
        self.put_list("command", &scalars(&check.command));
        for (key, value) in &check.others {
            self.put(key, value);
        }
        self.close();
    }
}

fn route_entries(route: &Route) -> Vec<(&'static str, String)> {
    let parts = [
        ("host", &route.host),
        ("path", &route.path),
        ("to", &route.to),
    ];
    let given = parts.into_iter();
    given
        .filter_map(|(key, value)| Some((key, scalar(value.as_deref()?))))
        .collect()
}

fn map(entries: &[(&str, String)]) -> String {
    match entries {
        [] => "{}".to_owned(),
        _ => {
            let parts: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}: {value}", scalar(key)))
                .collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

fn scalars(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| scalar(text)).collect()
}

fn with_scalars(entries: &[(String, String)]) -> Vec<(String, String)> {
    let entries = entries.iter();
    entries
        .map(|(key, value)| (key.clone(), scalar(value)))
        .collect()
}

/// A text as YAML has it, with quotes where it would be taken for something else by any reader of YAML.
fn scalar(text: &str) -> String {
    let is_plain_inside = |c: char| c.is_ascii_alphanumeric() || "_-./@+".contains(c);
    // A colon ends a key only before a space; at the end of the text it might.
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.chars().all(|c| is_plain_inside(c) || c == ':')
        && !text.ends_with(':')
        && !text.contains(":/ ");
    let word = text.to_ascii_lowercase();
    let is_word =
        ["true", "false", "yes", "no", "on", "off", "y", "n", "null"].contains(&word.as_str());
    let is_number = text.parse::<f64>().is_ok()
        || text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(':');
    match is_plain && !is_word && !is_number {
        true => text.to_owned(),
        false => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_text_holds_it_comes_back_as_text() {
        for text in [
            "plain",
            "no",
            "1e3",
            "22:22",
            "8080",
            "a: b",
            "a #b",
            "- x",
            "*x",
            "&x",
            "!x",
            "%x",
            "@x",
            "`x",
            "{x",
            "[x",
            "\"x\"",
            "'x'",
            "\\",
            "",
            " x ",
            "x:",
            "~",
            "line\nline",
            "tab\there",
            "ü",
            "key=value",
            "/etc/x",
            "${A}",
            "? x",
            "null",
            ",",
            "a,b",
        ] {
            let written = format!("key: {}\nlist: [{}]\n", scalar(text), scalar(text));
            let read: std::collections::BTreeMap<String, serde_json::Value> =
                serde_saphyr::from_str(&written).unwrap();
            assert_eq!(read["key"], serde_json::json!(text), "{written}");
            assert_eq!(read["list"], serde_json::json!([text]), "{written}");
        }
    }
}
