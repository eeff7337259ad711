//! Which resources does a person mean? An address, one with `*` in it for many, or a service's name for all of it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Address;

/// Kinds of which a stack has its own, whatever its services are called: `vpc.main` is no part of a service
/// `main`.
const OF_THE_STACK: [&str; 14] = [
    "alias_records",
    "certificate",
    "cluster",
    "elastic_ip",
    "hosted_zone",
    "internet_gateway",
    "listener",
    "load_balancer",
    "log_group",
    "namespace",
    "nat_gateway",
    "role",
    "route_table",
    "vpc",
];

/// What a person wrote where addresses are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(String);

/// A selector that nothing fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing here is called `{written}`")]
pub struct NothingSelected {
    /// What was written.
    pub written: String,
    /// What was probably meant.
    pub nearest: Option<String>,
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Err("write an address such as subnet.public-1a".to_owned()),
            text => Ok(Selector(text.to_owned())),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl Selector {
    /// Whether it means this resource. A word without a dot is a service's name.
    pub fn fits(&self, address: &Address) -> bool {
        match self.0.contains('.') || self.0.contains('*') {
            true => matches(&self.0, &address.to_string()),
            false => is_of_service(address, &self.0),
        }
    }

    /// The service it names, if it names one.
    pub fn service(&self) -> Option<&str> {
        (!self.0.contains(['.', '*'])).then_some(&self.0)
    }

    fn nearest<'a>(&self, addresses: impl IntoIterator<Item = &'a Address>) -> Option<String> {
        let mut candidates = BTreeSet::new();
        for address in addresses {
            if self.0 == address.kind() {
                return Some(format!("{}.*", self.0));
            }
            candidates.insert(address.to_string());
            if address.kind() == "ecs_service" {
                candidates.insert(address.name().to_owned());
            }
        }
        let budget = (self.0.chars().count() / 3).max(1);
        candidates
            .into_iter()
            .map(|candidate| (strsim::damerau_levenshtein(&self.0, &candidate), candidate))
            .filter(|(distance, _)| *distance <= budget)
            .min()
            .map(|(_, candidate)| candidate)
    }
}

/// Everything that the selectors mean. Each has to mean something.
pub fn select<'a>(
    selectors: &[Selector],
    addresses: impl IntoIterator<Item = &'a Address> + Clone,
) -> Result<BTreeSet<Address>, NothingSelected> {
    let mut selected = BTreeSet::new();
    for selector in selectors {
        let mut fitting = addresses
            .clone()
            .into_iter()
            .filter(|address| selector.fits(address))
            .peekable();
        if fitting.peek().is_none() {
            return Err(NothingSelected {
                written: selector.0.clone(),
                nearest: selector.nearest(addresses.clone()),
            });
        }
        selected.extend(fitting.cloned());
    }
    Ok(selected)
}

/// Whether the resource is the service's own: what the stack makes for a service has the service's name.
pub fn is_of_service(address: &Address, service: &str) -> bool {
    // What waits to be removed after its successor is up has its name with a number (`web~1`), and what a service
    // has several of comes after a slash (`web/cpu`), which no service has in its name.
    let name = address.name().split(['~', '/']).next().unwrap_or_default();
    name == service && !OF_THE_STACK.contains(&address.kind())
}

/// Whether the text is what the pattern says, whose `*` stand for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(between) = last.replace(piece) {
            match rest.find(between) {
                Some(at) => rest = &rest[at + between.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Vec<Address> {
        [
            "ecs_service.main",
            "ecs_service.web",
            "log_group./ecs/v1.2",
            "scaling_policy.web/cpu",
            "security_group.ingress",
            "security_group.web",
            "target_group.web",
            "target_group.web~1",
            "target_group.web-admin",
            "vpc.main",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec()
    }

    fn selected(texts: &[&str]) -> Result<Vec<String>, NothingSelected> {
        let selectors: Vec<Selector> = texts.iter().map(|text| text.parse().unwrap()).collect();
        select(&selectors, &addresses())
            .map(|selected| selected.iter().map(Address::to_string).collect())
    }

    #[test]
    fn an_address_means_itself_and_a_star_stands_for_anything() {
        assert_eq!(selected(&["vpc.main"]).unwrap(), ["vpc.main"]);
        assert_eq!(
            selected(&["log_group./ecs/v1.2"]).unwrap(),
            ["log_group./ecs/v1.2"]
        );
        assert_eq!(
            selected(&["ecs_service.*"]).unwrap(),
            ["ecs_service.main", "ecs_service.web"]
        );
        assert_eq!(
            selected(&["*_group.web"]).unwrap(),
            ["security_group.web", "target_group.web"]
        );
        assert_eq!(selected(&["*"]).unwrap().len(), addresses().len());
    }

    #[test]
    fn a_service_s_name_means_all_that_is_its_own() {
        assert_eq!(
            selected(&["web"]).unwrap(),
            [
                "ecs_service.web",
                "scaling_policy.web/cpu",
                "security_group.web",
                "target_group.web",
                "target_group.web~1"
            ]
        );
        assert_eq!(selected(&["main"]).unwrap(), ["ecs_service.main"]);
    }

    #[test]
    fn what_nothing_fits_is_an_error_with_what_was_meant() {
        for (written, nearest) in [
            ("vpc.mian", Some("vpc.main")),
            ("wbe", Some("web")),
            ("target_group", Some("target_group.*")),
            ("something.else", None),
            ("vpc.main*x", Some("vpc.main")),
        ] {
            let error = selected(&["web", written]).unwrap_err();
            assert_eq!(error.written, written);
            assert_eq!(error.nearest.as_deref(), nearest, "{written}");
        }
        assert!("  ".parse::<Selector>().is_err());
    }

    #[test]
    fn a_pattern_s_pieces_come_in_their_order_and_do_not_overlap() {
        for (pattern, text, fits) in [
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("a*", "a", true),
            ("*.web", "target_group.web-admin", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
