//! What of the stack may no run replace or remove?

use crate::resource::Protection;
use crate::stack::{Protect, Stack};

/// As the stack file has it.
pub fn protection(stack: &Stack) -> Protection {
    match &stack.protect {
        Protect::Nothing => Protection::Nothing,
        Protect::Everything => Protection::Everything,
        Protect::Kinds(kinds) => Protection::Kinds(kinds.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kinds::Kind;
    use crate::stack::{self, Variables};

    fn of(line: &str) -> Protection {
        let text = format!(
            "stack: shop\n{line}\nservices: {{ web: {{ containers: {{ web: {{ image: nginx }} }} }} }}\n"
        );
        let loaded = stack::load("navi.yaml", &text, &Variables::default());
        let loaded = loaded.unwrap_or_else(|errors| panic!("{}", errors.render(120)));
        protection(&loaded.stack)
    }

    #[test]
    fn it_is_what_the_file_says_and_without_a_word_nothing() {
        assert_eq!(of(""), Protection::Nothing);
        assert_eq!(of("protect: false"), Protection::Nothing);
        assert_eq!(of("protect: true"), Protection::Everything);
        let kinds = ["hosted_zone", "vpc"].map(str::to_owned);
        assert_eq!(
            of("protect: [vpc, hosted_zone, vpc]"),
            Protection::Kinds(BTreeSet::from(kinds))
        );
    }

    #[test]
    fn every_kind_can_be_protected() {
        let names: BTreeSet<String> = Kind::ALL
            .iter()
            .map(|kind| kind.name().to_owned())
            .collect();
        let listed: Vec<String> = names.iter().cloned().collect();
        assert_eq!(
            of(&format!("protect: [{}]", listed.join(", "))),
            Protection::Kinds(names)
        );
    }

    #[test]
    fn nothing_else_can_be() {
        let schema = stack::schema();
        // One of the words, or a variable.
        let words = &schema["$defs"]["ResourceKind"]["anyOf"][0]["enum"];
        let words = words.as_array().unwrap();
        let kinds: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(
            kinds, known,
            "the list of kinds in stack/file.rs follows that in kinds/mod.rs"
        );
    }
}
