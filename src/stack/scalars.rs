//! How is each kind of single value written: an address range, a length of time, a host name?

use ipnet::Ipv4Net;

use super::place::Place;
use super::problem::Problems;
use super::resolved::Retention;

/// What CloudWatch Logs takes (aws-behaviour §2.10).
pub(super) const RETENTION_DAYS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

pub(super) fn address_range(text: &str, place: &Place, problems: &mut Problems) -> Option<Ipv4Net> {
    let Ok(range) = text.parse::<Ipv4Net>() else {
        let hint = if text.contains(':') {
            "navi's networks are IPv4 only".to_owned()
        } else if text.parse::<std::net::Ipv4Addr>().is_ok() {
            format!(
                "add the length of the prefix: `{text}/32` is this one address, `/16` or `/24` a network"
            )
        } else {
            "write it as `10.0.0.0/16`".to_owned()
        };
        problems
            .error(place, format!("`{text}` is not an IPv4 address range"))
            .label("not a range")
            .hint(hint);
        return None;
    };
    if range != range.trunc() {
        problems
            .error(
                place,
                format!("`{text}` is an address within a range, not the range itself"),
            )
            .label("host bits are set")
            .hint(format!("the range that holds it is `{}`", range.trunc()));
        return None;
    }
    Some(range)
}

/// A length of time within the bounds that AWS takes, in seconds.
pub(super) fn seconds(
    text: &str,
    bounds: std::ops::RangeInclusive<u32>,
    place: &Place,
    problems: &mut Problems,
) -> Option<u32> {
    let Some(seconds) = parse_seconds(text) else {
        let hint = match text.parse::<u32>() {
            Ok(number) => format!("add the unit: `{number}s` for seconds"),
            Err(_) => "write it with a unit, as in `30s`, `5m` or `1h`".to_owned(),
        };
        problems
            .error(place, format!("`{text}` is not a length of time"))
            .label("not a length of time")
            .hint(hint);
        return None;
    };
    if !bounds.contains(&seconds) {
        let message = format!(
            "`{}` must be between {}s and {}s, not `{text}`",
            place.path(),
            bounds.start(),
            bounds.end()
        );
        problems.error(place, message).label("out of bounds");
        return None;
    }
    Some(seconds)
}

fn parse_seconds(text: &str) -> Option<u32> {
    let unit = text.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    let is_plain = !number.is_empty() && number.chars().all(|character| character.is_ascii_digit());
    is_plain.then_some(())?;
    number.parse::<u32>().ok()?.checked_mul(factor)
}

pub(super) fn retention(text: &str, place: &Place, problems: &mut Problems) -> Option<Retention> {
    if text == "forever" {
        return Some(Retention::Forever);
    }
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u16>().ok());
    match days {
        Some(days) if RETENTION_DAYS.contains(&days) => Some(Retention::Days(days)),
        Some(days) => {
            let next = RETENTION_DAYS
                .iter()
                .find(|possible| **possible > days)
                .unwrap_or(&3653);
            let all: Vec<String> = RETENTION_DAYS.iter().map(u16::to_string).collect();
            problems
                .error(
                    place,
                    format!("CloudWatch Logs cannot keep a log for {days} days"),
                )
                .label("not one of AWS's choices")
                .hint(format!(
                    "the next is `{next}d`; possible are {} days, or `forever`",
                    all.join(", ")
                ));
            None
        }
        None => {
            problems
                .error(place, format!("`{text}` is not a retention"))
                .label("not a number of days")
                .hint("write it in days, as in `7d` or `30d`, or `forever`");
            None
        }
    }
}

/// A domain name: labels of letters, digits and hyphens. Gives it in lower case and without a trailing dot.
pub(super) fn domain(
    text: &str,
    what: &str,
    place: &Place,
    problems: &mut Problems,
) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.len() <= 253 && name.contains('.') && name.split('.').all(is_label) {
        return Some(name);
    }
    problems
        .error(place, format!("`{text}` is not {what}"))
        .label("not a domain name")
        .hint("write a domain of at least two labels of letters, digits and hyphens, as in `example.com`");
    None
}

/// A domain whose first label may be `*`, as certificates have it.
pub(super) fn certificate_name(
    text: &str,
    place: &Place,
    problems: &mut Problems,
) -> Option<String> {
    match text.strip_prefix("*.") {
        Some(parent) => domain(parent, "a name for a certificate", place, problems)
            .map(|parent| format!("*.{parent}")),
        None => domain(text, "a name for a certificate", place, problems),
    }
}

pub(super) fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '-')
}

/// What an image reference lacks, if anything: `[registry[:port]/]path[:tag][@digest]`.
pub(super) fn image_fault(reference: &str) -> Option<String> {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    if reference.is_empty() || reference.contains(char::is_whitespace) {
        return Some("it is empty or has a space in it".to_owned());
    }
    if reference.contains("://") {
        return Some("it has a scheme; leave out everything up to `://`".to_owned());
    }
    if let Some(digest) = digest
        && !is_digest(digest)
    {
        return Some("after `@` comes a digest: `sha256:` and 64 hexadecimal digits".to_owned());
    }
    let last_slash = name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match name[last_slash..].split_once(':') {
        Some((last, tag)) => (&name[..last_slash + last.len()], Some(tag)),
        None => (name, None),
    };
    if let Some(tag) = tag
        && !is_tag(tag)
    {
        if tag.is_empty() {
            return Some("after `:` comes a tag".to_owned());
        }
        return Some(format!(
            "`{tag}` is not a tag: at most 128 letters, digits, `_`, `.` and `-`"
        ));
    }
    path_fault(path)
}

fn path_fault(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost";
    if parts.len() > 1 && is_registry(parts[0]) {
        let registry = parts.remove(0);
        let (host, port) = registry.split_once(':').unwrap_or((registry, "443"));
        if !host.split('.').all(is_label) || port.parse::<u16>().is_err() {
            return Some(format!("`{registry}` is not a registry"));
        }
    }
    let wrong = parts.iter().find(|part| !is_path_part(part))?;
    Some(match *wrong {
        "" => "a part of its path is empty".to_owned(),
        upper
            if upper
                .chars()
                .any(|character| character.is_ascii_uppercase()) =>
        {
            format!("`{upper}` has capital letters, which a repository cannot have")
        }
        other => format!("`{other}` is not a part of a repository's path"),
    })
}

fn is_path_part(part: &str) -> bool {
    let is_inner = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    part.starts_with(is_inner)
        && part.ends_with(is_inner)
        && part
            .chars()
            .all(|character| is_inner(character) || matches!(character, '.' | '_' | '-'))
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.chars().all(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
        })
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hash| {
        hash.len() == 64 && hash.chars().all(|character| character.is_ascii_hexdigit())
    })
}
