//! How does a picture read on a terminal? A tree of who stands where, and below it who may reach whom.

use std::fmt::Write;

use anstyle::Style;

use super::mark::Mark;
use super::scene::{Node, NodeKind, Picture};

/// The colours that repeat what the signs say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Styles {
    pub heading: Style,
    pub faint: Style,
    pub create: Style,
    pub change: Style,
    pub replace: Style,
    pub remove: Style,
}

impl Styles {
    fn of(&self, mark: Option<Mark>) -> Style {
        match mark {
            None => Style::new(),
            Some(Mark::Create) => self.create,
            Some(Mark::Change) => self.change,
            Some(Mark::Replace) => self.replace,
            Some(Mark::Remove | Mark::Failed) => self.remove,
            Some(Mark::Open) => self.faint,
        }
    }

    /// A text with its sign before it.
    pub(super) fn signed(&self, mark: Option<Mark>, text: &str) -> String {
        let style = self.of(mark);
        match mark {
            Some(mark) => format!("{style}{} {text}{style:#}", mark.sign()),
            None => text.to_owned(),
        }
    }
}

/// One line of the tree, and what hangs on it.
struct Branch {
    label: String,
    under: Vec<Branch>,
}

impl Branch {
    fn leaf(label: String) -> Self {
        Branch {
            label,
            under: Vec::new(),
        }
    }

    fn write(&self, text: &mut String, before: &str) {
        for (index, branch) in self.under.iter().enumerate() {
            let last = index + 1 == self.under.len();
            let (joint, further) = match last {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            line(text, &format!("{before}{joint}{}", branch.label));
            branch.write(text, &format!("{before}{further}"));
        }
    }
}

impl Picture {
    pub fn text(&self, styles: &Styles) -> String {
        let Styles { heading, faint, .. } = styles;
        let mut text = String::new();
        line(
            &mut text,
            &format!(
                "{heading}{}{heading:#}  {faint}{}{faint:#}\n",
                self.stack, self.caption
            ),
        );
        let vpc = self.vpc_branch(styles);
        line(&mut text, &vpc.label);
        vpc.write(&mut text, "");
        self.write_arrows(&mut text, styles);
        let marks = self.marks();
        if !marks.is_empty() {
            let key: Vec<String> = marks
                .into_iter()
                .map(|mark| styles.signed(Some(mark), mark.word()))
                .collect();
            line(&mut text, &format!("\n{}", key.join("   ")));
        }
        text
    }

    fn vpc_branch(&self, styles: &Styles) -> Branch {
        let Styles { heading, faint, .. } = styles;
        let mut vpc = Branch::leaf(styles.signed(
            self.vpc.mark,
            &format!("{heading}{}{heading:#}", self.vpc.text),
        ));
        for (index, lane) in self.lanes.iter().enumerate() {
            let mut branch = Branch::leaf(lane.title.clone());
            let width = lane.subnets.iter().map(|cell| cell.name.len()).max();
            for cell in &lane.subnets {
                let zone = cell.zone.as_deref().unwrap_or_default();
                let block = cell.cidr.as_deref().unwrap_or("looked up");
                let label = format!("{:<width$}  {block}", cell.name, width = width.unwrap_or(0));
                let zone = match zone.is_empty() {
                    true => String::new(),
                    false => format!("  {faint}{zone}{faint:#}"),
                };
                let nat = cell.nat.as_ref().map_or_else(String::new, |nat| {
                    format!("  {}", styles.signed(nat.mark, &nat.text))
                });
                let label = styles.signed(cell.mark, &label);
                branch
                    .under
                    .push(Branch::leaf(format!("{label}{zone}{nat}")));
            }
            let here = self.nodes.iter().filter(|node| node.lane == Some(index));
            branch.under.extend(here.map(|node| of_node(node, styles)));
            vpc.under.push(branch);
        }
        let remarks = self.remarks.iter();
        let remarks = remarks.map(|remark| Branch::leaf(styles.signed(remark.mark, &remark.text)));
        vpc.under.extend(remarks);
        vpc
    }

    fn write_arrows(&self, text: &mut String, styles: &Styles) {
        if self.arrows.is_empty() {
            return;
        }
        let Styles { heading, .. } = styles;
        line(text, &format!("\n{heading}who may reach whom{heading:#}"));
        let title = |index: usize| self.nodes[index].title.as_str();
        let widest = |side: fn(&super::scene::Arrow) -> usize| {
            let titles = self
                .arrows
                .iter()
                .map(|arrow| title(side(arrow)).chars().count());
            titles.max().unwrap_or(0)
        };
        let (from, to) = (widest(|arrow| arrow.from), widest(|arrow| arrow.to));
        let marked = self.arrows.iter().any(|arrow| arrow.mark.is_some());
        for arrow in &self.arrows {
            let row = format!(
                "{:<from$} → {:<to$}  {}",
                title(arrow.from),
                title(arrow.to),
                arrow.ports
            );
            let space = match (marked, arrow.mark) {
                (true, None) => "  ",
                _ => "",
            };
            line(
                text,
                &format!("  {space}{}", styles.signed(arrow.mark, &row)),
            );
        }
    }
}

fn of_node(node: &Node, styles: &Styles) -> Branch {
    let heading = styles.heading;
    let title = match node.kind {
        NodeKind::LoadBalancer => node.title.clone(),
        _ => format!("{heading}{}{heading:#}", node.title),
    };
    Branch {
        label: styles.signed(node.mark, &title),
        under: node
            .lines
            .iter()
            .map(|line| Branch::leaf(line.text().to_owned()))
            .collect(),
    }
}

fn line(text: &mut String, content: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{content}");
}
