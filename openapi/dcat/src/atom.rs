//! Feeds of changes: Atom (RFC 4287) in pages (RFC 5005).

use std::io;

use catalog_core::{Error, Result, Timestamp};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::xml;

/// A page of a feed, newest change first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Its identity, the same on all pages and for ever: the address of its first page.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The address of this page.
    pub address: String,
    /// The page for people.
    pub page: String,
    /// The address of the page with older changes.
    pub next: Option<String>,
    /// Its changes.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its identity, never that of another.
    pub id: String,
    /// What has changed.
    pub title: String,
    /// Who published it.
    pub author: String,
    /// When it was published.
    pub published: Timestamp,
    /// When something was last said of it.
    pub updated: Timestamp,
    /// What kind of change it is: `published`, `announced` or `withdrawn`.
    pub kind: &'static str,
    /// What is to be said of it.
    pub summary: String,
    /// The page for people.
    pub page: String,
    /// The document about the dataset, in Turtle.
    pub description: String,
}

impl Feed {
    /// The media type.
    pub const MEDIA_TYPE: &'static str = "application/atom+xml; charset=utf-8";

    /// Writes the page.
    ///
    /// # Errors
    /// `internal`, which memory never gives.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut out = Writer::new(Vec::new());
        self.write_to(&mut out).map_err(Error::internal)?;
        Ok(out.into_inner())
    }

    fn write_to(&self, out: &mut Writer<Vec<u8>>) -> io::Result<()> {
        out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let feed = BytesStart::new("feed");
        out.write_event(Event::Start(
            feed.with_attributes([("xmlns", "http://www.w3.org/2005/Atom"), ("xml:lang", "zh-CN")]),
        ))?;
        element(out, "id", &self.id)?;
        element(out, "title", &self.title)?;
        let updated = self.changes.iter().map(|change| change.updated).max().unwrap_or_default();
        element(out, "updated", &updated.to_string())?;
        link(out, "self", Self::MEDIA_TYPE, &self.address)?;
        link(out, "first", Self::MEDIA_TYPE, &self.id)?;
        if let Some(next) = &self.next {
            link(out, "next", Self::MEDIA_TYPE, next)?;
        }
        link(out, "alternate", "text/html", &self.page)?;
        for change in &self.changes {
            change.write_to(out)?;
        }
        out.write_event(Event::End(BytesEnd::new("feed")))
    }
}

impl Change {
    fn write_to(&self, out: &mut Writer<Vec<u8>>) -> io::Result<()> {
        out.write_event(Event::Start(BytesStart::new("entry")))?;
        element(out, "id", &self.id)?;
        element(out, "title", &self.title)?;
        element(out, "published", &self.published.to_string())?;
        element(out, "updated", &self.updated.to_string())?;
        out.write_event(Event::Start(BytesStart::new("author")))?;
        element(out, "name", &self.author)?;
        out.write_event(Event::End(BytesEnd::new("author")))?;
        let category = BytesStart::new("category").with_attributes([("term", self.kind)]);
        out.write_event(Event::Empty(category))?;
        element(out, "summary", &self.summary)?;
        link(out, "alternate", "text/html", &self.page)?;
        link(out, "describedby", "text/turtle", &self.description)?;
        out.write_event(Event::End(BytesEnd::new("entry")))
    }
}

fn link(out: &mut Writer<Vec<u8>>, relation: &str, media_type: &str, address: &str) -> io::Result<()> {
    let link = BytesStart::new("link");
    out.write_event(Event::Empty(link.with_attributes([
        ("rel", relation),
        ("type", media_type),
        ("href", address),
    ])))
}

fn element(out: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    out.create_element(name).write_text_content(BytesText::new(&xml::text(text))).map(|_| ())
}
