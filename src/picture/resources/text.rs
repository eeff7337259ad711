//! How does the resource graph read on a terminal? Each resource, and below it what it needs and how far.

use std::fmt::Write;

use super::super::text::Styles;
use super::{Resources, word};

impl Resources {
    pub fn text(&self, styles: &Styles) -> String {
        let Styles { heading, faint, .. } = styles;
        let mut text = String::new();
        let mut line = |content: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{content}");
        };
        line(&format!(
            "{heading}{}{heading:#}  {faint}{}{faint:#}\n",
            self.stack, self.caption
        ));
        for node in &self.nodes {
            line(&styles.signed(node.mark, &node.address.to_string()));
            for (to, gate) in &node.needs {
                line(&format!("    {faint}{:<12}{faint:#}  {to}", word(*gate)));
            }
        }
        line("");
        line(
            "Each resource with what it needs: that one must exist, or be ready, before it is made;",
        );
        line("removal only: it must be gone before that one is removed.");
        let marks = self.marks();
        if !marks.is_empty() {
            let key: Vec<String> = marks
                .into_iter()
                .map(|mark| styles.signed(Some(mark), mark.word()))
                .collect();
            line(&key.join("   "));
        }
        text
    }
}
