//! Rows of a dataset, page by page, for readers without scripts.

use askama::Template;
use catalog_core::directory::Resource;

use super::looking::Looking;
use crate::around::Around;

/// A page of rows.
#[derive(Template)]
#[template(path = "dataset/rows.html")]
pub struct RowsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The entry with the items that the reader sees.
    pub resource: &'a Resource,
    /// Machine names of the columns.
    pub columns: &'a [String],
    /// The rows: a text for each column, empty where there is no value.
    pub rows: &'a [Vec<String>],
    /// The column by which rows stand, with `-` before it for greatest first.
    pub sort: Option<&'a str>,
    /// The cursor of the next page.
    pub next: Option<&'a str>,
    /// Whether this is the first page.
    pub is_first: bool,
}

impl RowsPage<'_> {
    fn code(&self) -> String {
        self.resource.code.path_form()
    }

    fn title<'s>(&'s self, column: &'s str) -> &'s str {
        self.resource.item(column).map_or(column, |item| item.title.as_str())
    }

    fn looking(&self) -> Looking<'_> {
        Looking { resource: self.resource }
    }

    fn is_number(&self, column: &str) -> bool {
        self.looking().is_number(column)
    }

    fn is_shape(&self, column: &str) -> bool {
        self.looking().is_shape(column)
    }

    fn material(&self, column: &str, cell: &str) -> Option<String> {
        self.looking().material(column, cell)
    }

    /// How rows stand by a column, as `aria-sort` says it.
    fn order(&self, column: &str) -> &'static str {
        match self.sort {
            Some(sort) if sort == column => "ascending",
            Some(sort) if sort.strip_prefix('-') == Some(column) => "descending",
            _ => "none",
        }
    }

    /// The address where rows stand by a column; the other way round if they do already.
    fn sorted(&self, column: &str) -> String {
        let sign = if self.order(column) == "ascending" { "-" } else { "" };
        self.a.to(format!("/datasets/{}/rows?sort={sign}{column}", self.code()))
    }

    fn following(&self) -> Option<String> {
        let sort = self.sort.map(|sort| format!("&sort={sort}")).unwrap_or_default();
        self.next.map(|next| self.a.to(format!("/datasets/{}/rows?cursor={next}{sort}", self.code())))
    }
}
