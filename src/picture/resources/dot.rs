//! How is the resource graph written for Graphviz? From left to right in the order of making.

use std::fmt::Write;

use super::super::dot::{look, quoted, signed};
use super::{Resources, word};
use crate::resource::Gate;

impl Resources {
    pub fn dot(&self) -> String {
        let mut text = String::new();
        let mut line = |content: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{content}");
        };
        line(&format!("digraph {} {{", quoted(&self.stack)));
        line("  graph [rankdir=LR, fontname=\"Helvetica\", labelloc=t, labeljust=l];");
        line("  node [shape=box, fontname=\"Helvetica\", fontsize=11];");
        line("  edge [fontname=\"Helvetica\", fontsize=9];");
        line(&format!(
            "  label={};",
            quoted(&format!("{}, {}", self.stack, self.caption))
        ));
        for node in &self.nodes {
            let address = node.address.to_string();
            line(&format!(
                "  {} [label={}{}];",
                quoted(&address),
                quoted(&signed(node.mark, &address)),
                look(node.mark)
            ));
        }
        for (from, to, gate) in self.edges() {
            let style = match gate {
                Gate::None => "dotted",
                Gate::Exists => "solid",
                Gate::Ready => "bold",
            };
            let [dependent, dependency] =
                [from, to].map(|index| quoted(&self.nodes[index].address.to_string()));
            line(&format!(
                "  {dependency} -> {dependent} [label={}, style={style}];",
                quoted(word(gate))
            ));
        }
        line("}");
        text
    }
}
