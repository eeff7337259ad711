//! How is an environment drawn? A picture that knows no format, its layout, and one file for each format.

mod dot;
mod draw;
mod mark;
mod markup;
mod mermaid;
mod place;
mod resources;
mod route;
mod scene;
mod svg;
mod text;

pub use mark::{Mark, Marks};
pub use markup::{Markup, escaped};
pub use resources::{ResourceNode, Resources};
pub use scene::{Arrow, Lane, Line, Node, NodeKind, Picture, Remark, Subject, SubnetCell};
pub use text::Styles;
