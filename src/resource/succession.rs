//! What is a resource called while its successor stands beside it? The old one's address, the new one's name.

use super::Address;

/// What parts the number from the name in a deposed object's address. No name of a stack holds it.
const DEPOSED: char = '~';

/// What a successor is called after the first: AWS lets only one object have the plain name at a time.
const NAMES: std::ops::RangeInclusive<u32> = 2..=99;

/// A physical name that AWS lets only one object have, of a kind whose successor may have another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueName {
    /// The name.
    pub name: String,
    /// How many characters AWS takes.
    pub longest: usize,
}

impl UniqueName {
    /// The names that a successor may have, the plain one first.
    pub fn candidates(&self) -> impl Iterator<Item = String> {
        let plain = std::iter::once(self.name.clone());
        plain.chain(NAMES.map(|number| self.numbered(number)))
    }

    /// Whether `name` is this one, or a successor's of it.
    pub fn covers(&self, name: &str) -> bool {
        self.candidates().any(|candidate| candidate == name)
    }

    /// A name that is too long with its number loses characters before it.
    fn numbered(&self, number: u32) -> String {
        let suffix = format!("-{number}");
        let room = self.longest.saturating_sub(suffix.len());
        let stem: String = self.name.chars().take(room).collect();
        format!("{}{suffix}", stem.trim_end_matches('-'))
    }
}

impl Address {
    /// Where the object is recorded from the moment that its successor takes its address: Terraform
    /// calls such an object deposed. The first number that is not taken.
    pub fn deposed(&self, taken: impl Fn(&Address) -> bool) -> Address {
        let current = self.current();
        (1_u32..)
            .map(|number| {
                let name = format!("{}{DEPOSED}{number}", current.name());
                Address::new(current.kind(), name)
            })
            .find(|address| !taken(address))
            .unwrap_or(current)
    }

    /// Whether it is a deposed object's.
    pub fn is_deposed(&self) -> bool {
        self.name().contains(DEPOSED)
    }

    /// The address that the object had, and that its successor has.
    pub fn current(&self) -> Address {
        let name = self.name().split(DEPOSED).next().unwrap_or_default();
        Address::new(self.kind(), name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposed_object_has_the_first_free_number_and_leads_back_to_its_address() {
        let address: Address = "log_group./ecs/nginx".parse().unwrap();
        let first = address.deposed(|_| false);
        assert_eq!(first.to_string(), "log_group./ecs/nginx~1");
        let second = address.deposed(|taken| *taken == first);
        assert_eq!(second.to_string(), "log_group./ecs/nginx~2");
        assert!(first.is_deposed() && !address.is_deposed());
        assert_eq!(second.current(), address);
        // One that is deposed is not deposed again under a name of its own.
        assert_eq!(first.deposed(|taken| *taken == first), second);
    }

    #[test]
    fn a_successors_name_keeps_within_what_aws_takes() {
        let name = UniqueName {
            name: "ecs-navi-backend-tg".into(),
            longest: 32,
        };
        let candidates: Vec<String> = name.candidates().take(3).collect();
        assert_eq!(
            candidates,
            [
                "ecs-navi-backend-tg",
                "ecs-navi-backend-tg-2",
                "ecs-navi-backend-tg-3"
            ]
        );
        let long = UniqueName {
            name: "a-name-of-thirty-two-characters-".into(),
            longest: 32,
        };
        let second = long.candidates().nth(1).unwrap();
        assert_eq!(second, "a-name-of-thirty-two-character-2");
        assert!(long.covers(&second) && !long.covers("a-name-of-thirty-two-character-1"));
    }
}
