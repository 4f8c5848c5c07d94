//! The design system on one page: every component with its name.

use askama::Template;

use crate::around::Around;
use crate::listing::Bar;

/// Colours, type and components.
#[derive(Template)]
#[template(path = "design.html")]
pub struct DesignPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
}

/// The tokens for colours, as `assets/portal.css` names them.
const COLOURS: [&str; 12] = [
    "paper",
    "raised",
    "sunken",
    "line",
    "ink",
    "quiet",
    "primary",
    "on-primary",
    "accent",
    "good",
    "warn",
    "hero",
];

impl DesignPage<'_> {
    fn bars(&self) -> Vec<Bar> {
        let bars = [("公共服务", 12), ("生态环保", 7), ("应急维稳", 0)];
        Bar::measured(bars.map(|(name, count)| Bar::new(name, None, count)).to_vec())
    }

    /// The themes, as `assets/portal.css` names them: each part is shown in both.
    fn themes(&self) -> [&'static str; 2] {
        ["day", "night"]
    }

    fn colours(&self) -> [&'static str; 12] {
        COLOURS
    }
}
