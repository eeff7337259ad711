//! Might this be a secret? A doubt is enough: what is taken for one is asked for once more, what is not goes into a file.

/// Parts of a variable's name that speak of a secret.
const NAMES: [&str; 14] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE",
    "CREDENTIAL",
    "ACCESS_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "SALT",
    "COOKIE",
];

/// The whole of a name, or its end.
const ENDINGS: [&str; 4] = ["_PASS", "_PWD", "_AUTH", "_DSN"];

/// Beginnings of keys and tokens that services hand out.
const BEGINNINGS: [&str; 14] = [
    "AKIA",
    "ASIA",
    "sk_live",
    "sk_test",
    "sk-",
    "rk_live",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "xox",
    "eyJ",
    "AIza",
    "-----BEGIN",
];

/// Text that stands for itself in whatever holds it.
const LEAST_RANDOM: usize = 20;

pub fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // Where a secret is, is none: `…_FILE`, `…_PATH`, `TOKEN_URL`, `PASSWORD_MIN_LENGTH`.
    let is_about = [
        "_FILE", "_PATH", "_LENGTH", "_TTL", "_EXPIRY", "_URL", "_NAME", "_ENABLED",
    ];
    let named = (NAMES.iter().any(|part| name.contains(part))
        && !is_about.iter().any(|end| name.ends_with(end)))
        || ENDINGS
            .iter()
            .any(|end| name.ends_with(end) || name == end.trim_start_matches('_'));
    named
        || has_password(value)
        || BEGINNINGS.iter().any(|start| value.starts_with(start))
        || is_random(value)
}

/// `scheme://user:password@host`.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return false;
    };
    user.split_once(':')
        .is_some_and(|(_, password)| !password.is_empty())
}

/// Long, one piece, letters and digits mixed: what a generator makes. Names of hosts and paths have dots and slashes.
fn is_random(value: &str) -> bool {
    let in_one_piece = value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+=_-".contains(c));
    let changes = value
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    value.len() >= LEAST_RANDOM && in_one_piece && changes >= 4
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn names_and_values_give_secrets_away() {
        for (name, value) in [
            ("POSTGRES_PASSWORD", "x"),
            ("db_pass", "x"),
            ("JWT_SECRET_KEY", "x"),
            ("GITHUB_TOKEN", ""),
            ("DATABASE_URL", "postgres://app:hunter2@db:5432/shop"),
            ("STRIPE", "sk_live_abc"),
            ("ANYTHING", "8f14e45fceea167a5a36dedd4bea2543"),
            ("KEY_PEM", "-----BEGIN RSA PRIVATE KEY-----"),
            ("SENTRY_DSN", "https://abc@sentry.example.com/1"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
    }

    #[test]
    fn what_everybody_may_know_is_none() {
        for (name, value) in [
            ("PORT", "8080"),
            ("REDIS_URL", "redis://cache:6379/0"),
            ("LOG_LEVEL", "debug"),
            ("TOKEN_URL", "https://login.example.com/oauth/token"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("BUCKET", "my-company-website-assets-production"),
            ("COMPASS", "north"),
            ("HOST", "ec2-198-51-100-1.compute-1.amazonaws.com"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }
}
