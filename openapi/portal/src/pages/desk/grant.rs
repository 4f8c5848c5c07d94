//! Building a grant: what a provider gives of what was asked, and what its holder would see.

use askama::Template;
use catalog_core::directory::{ItemKind, ItemType, Resource};
use catalog_core::matter::{Ask, Content, Event};
use catalog_core::policy::{Mask, VisibleColumn};
use catalog_core::services::MatterView;
use openapi_contract::GrantPreview;

use super::matters::event_word;
use super::scope::{ScopeTable, proposal};
use crate::around::Around;
use crate::asks::AskForm;
use crate::typed::Typed;

/// What one grant would show.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Counts, columns and masks.
    pub grant: GrantPreview,
    /// The first rows as its holder would see them, where the reader reads the resource anyhow.
    pub rows: Option<Vec<Vec<String>>>,
}

/// The page on which a provider weighs and decides its part of an application.
#[derive(Template)]
#[template(path = "desk/grant.html")]
pub struct GrantPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The provider's part.
    pub view: &'a MatterView,
    /// What is decided about, each with its resource: what was asked; what was proposed, where that waits for its second person.
    pub asked: &'a [(Ask, Resource)],
    /// What is typed.
    pub typed: &'a Typed,
    /// What it would show, once that was asked.
    pub previews: Option<&'a [Preview]>,
}

impl GrantPage<'_> {
    fn forms(&self) -> Vec<AskForm<'_>> {
        let asked = self.asked.iter().enumerate();
        let typed = self.typed;
        asked.map(|(place, (ask, resource))| AskForm { place, resource, typed, asked: Some(ask) }).collect()
    }

    fn number(&self) -> &str {
        &self.view.matter.number
    }

    fn may(&self, event: &str) -> bool {
        self.view.yours.iter().any(|own| event_word(own) == event)
    }

    /// Whether one person proposes and another decides.
    fn is_second(&self) -> bool {
        self.view.next.contains(&Event::Return)
    }

    fn proposal(&self) -> Vec<ScopeTable> {
        let resources: Vec<_> = self.asked.iter().map(|(_, resource)| resource).collect();
        proposal(&self.a, &self.view.matter, &resources)
    }

    /// Whether a scope waits for its second person.
    fn has_proposal(&self) -> bool {
        matches!(&self.view.matter.content, Content::Provision(part) if part.proposed.is_some())
            && self.is_second()
    }

    /// Whether less is on the table than what was asked.
    fn is_narrowed(&self) -> bool {
        let matter = &self.view.matter;
        matches!(&matter.content, Content::Provision(part) if part.is_narrowed(matter.state))
    }

    fn proposes(&self) -> bool {
        self.view.next.contains(&Event::Propose)
    }

    fn title(&self, preview: &Preview) -> String {
        let found = self.asked.iter().find(|(ask, _)| ask.resource == preview.grant.resource);
        found.map(|(_, resource)| resource.title.clone()).unwrap_or_default()
    }

    /// What an item is called; its column where that is not known.
    fn item<'p>(&'p self, preview: &Preview, column: &'p str) -> &'p str {
        let found = self.asked.iter().find(|(ask, _)| ask.resource == preview.grant.resource);
        let items = found.map(|(_, resource)| resource.items.as_slice()).unwrap_or_default();
        items.iter().find(|item| item.column.as_str() == column).map_or(column, |item| &item.title)
    }

    /// How many rows the whole resource has.
    fn of_rows(&self, preview: &Preview) -> Option<String> {
        let rows = preview.grant.of_rows.and_then(|rows| u64::try_from(rows).ok())?;
        Some(self.a.number(&rows))
    }

    /// An invented value as the grant would show it.
    fn example(&self, column: &VisibleColumn) -> String {
        masked(example(column.stored_type), column.mask.as_ref())
    }
}

/// An invented value of a type.
fn example(item_type: ItemType) -> &'static str {
    match item_type.kind {
        ItemKind::C | ItemKind::M => "示例文字甲乙丙",
        ItemKind::N | ItemKind::Y => "1234.00",
        ItemKind::I => "1234",
        ItemKind::B | ItemKind::F => "1.5",
        ItemKind::D => "2026-01-31",
        ItemKind::T => "2026-01-31 09:30:00",
        ItemKind::L => "true",
        ItemKind::G => "POINT (116 29.7)",
    }
}

/// What a mask makes of an invented value.
fn masked(value: &str, mask: Option<&Mask>) -> String {
    let length = value.chars().count();
    let stars = |count: usize| "*".repeat(count);
    match mask {
        None => value.to_owned(),
        Some(Mask::Null) => "—".to_owned(),
        Some(Mask::Constant { text }) => text.clone(),
        Some(Mask::KeepFirst { count }) => {
            let count = usize::from(*count).min(length);
            value.chars().take(count).collect::<String>() + &stars(length - count)
        }
        Some(Mask::KeepLast { count }) => {
            let hidden = length.saturating_sub(usize::from(*count));
            stars(hidden) + &value.chars().skip(hidden).collect::<String>()
        }
        Some(Mask::Year) => value.chars().take(4).collect(),
        Some(Mask::Bucket { width }) => {
            let whole: u32 = value.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_default();
            (whole / (*width).max(1) * *width).to_string()
        }
        Some(Mask::Pseudonym { .. }) => "3f9a0c…（32 位）".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_values_look_as_masked_ones_do() {
        assert_eq!(masked("示例文字", Some(&Mask::KeepFirst { count: 1 })), "示***");
        assert_eq!(masked("示例文字", Some(&Mask::KeepLast { count: 9 })), "示例文字");
        assert_eq!(masked("1234.00", Some(&Mask::Bucket { width: 100 })), "1200");
        assert_eq!(masked("2026-01-31", Some(&Mask::Year)), "2026");
    }
}
