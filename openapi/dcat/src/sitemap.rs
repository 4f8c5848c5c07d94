//! Sitemaps for search engines (sitemaps.org 0.9).

use std::io;

use catalog_core::{Error, Result};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A list of pages, at most 50,000 of them.
///
/// # Errors
/// `internal`, which memory never gives.
pub fn sitemap(addresses: &[String]) -> Result<Vec<u8>> {
    written("urlset", "url", addresses).map_err(Error::internal)
}

/// A list of sitemaps.
///
/// # Errors
/// `internal`, which memory never gives.
pub fn sitemap_index(addresses: &[String]) -> Result<Vec<u8>> {
    written("sitemapindex", "sitemap", addresses).map_err(Error::internal)
}

fn written(list: &str, member: &str, addresses: &[String]) -> io::Result<Vec<u8>> {
    let mut out = Writer::new(Vec::new());
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let start = BytesStart::new(list);
    out.write_event(Event::Start(
        start.with_attributes([("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9")]),
    ))?;
    for address in addresses {
        out.write_event(Event::Start(BytesStart::new(member)))?;
        out.create_element("loc").write_text_content(BytesText::new(address))?;
        out.write_event(Event::End(BytesEnd::new(member)))?;
    }
    out.write_event(Event::End(BytesEnd::new(list)))?;
    Ok(out.into_inner())
}
