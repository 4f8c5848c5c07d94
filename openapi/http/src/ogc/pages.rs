//! The same as pages for people, within the portal's frame. Every text from outside is escaped.

use axum::response::Response;
use exchange_query::Feature;
use openapi_portal::FramedPage;
use serde_json::Value;

use super::collection::Collection;
use crate::portal::Visit;
use crate::problem::Refusal;

/// A page's title, and its content in HTML.
pub(super) struct Content {
    title: String,
    body: String,
}

impl Content {
    /// The page in the portal's frame.
    pub(super) fn shown(&self, visit: &Visit) -> Result<Response, Refusal> {
        visit.page(&FramedPage { a: visit.around(), title: &self.title, content: &self.body })
    }
}

fn page(title: &str, body: String) -> Content {
    Content { title: title.to_owned(), body }
}

/// A table that is scrolled by itself where it is wide.
fn table(rows: &str) -> String {
    format!("<div class=\"scroll\" tabindex=\"0\"><table>{rows}</table></div>")
}

fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}

fn list(links: &[Value]) -> String {
    let item = |link: &Value| {
        let (href, title) = (escaped(text(link, "href")), escaped(text(link, "title")));
        format!("<li><a rel=\"{}\" href=\"{href}\">{title}</a>", escaped(text(link, "rel")))
    };
    format!("<ul>{}</ul>", links.iter().map(item).collect::<String>())
}

fn links_of(document: &Value) -> &[Value] {
    document["links"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A document that is a title, a text and links.
pub(super) fn links(document: &Value) -> Content {
    let body = format!("<p>{}{}", escaped(text(document, "description")), list(links_of(document)));
    page(text(document, "title"), body)
}

pub(super) fn conformance(classes: &[&str]) -> Content {
    let items: String = classes.iter().map(|class| format!("<li><code>{class}</code>")).collect();
    page("符合的标准 Conformance", format!("<ul>{items}</ul>"))
}

pub(super) fn collections(whole: &Value, all: &[Value]) -> Content {
    let one = |collection: &Value| {
        let title = escaped(text(collection, "title"));
        format!(
            "<h2>{title}</h2><p>{}{}",
            escaped(text(collection, "description")),
            list(links_of(collection))
        )
    };
    let body = list(links_of(whole)) + &all.iter().map(one).collect::<String>();
    page("空间数据集 Collections", body)
}

pub(super) fn queryables(collection: &Collection) -> Content {
    let row = |(name, title, kind): (&str, &str, String)| {
        format!("<tr><td><code>{}</code><td>{}<td>{}", escaped(name), escaped(title), escaped(&kind))
    };
    let items = collection.queryables.iter();
    let items = items.map(|item| (item.column.as_str(), item.title.as_str(), item.item_type.to_string()));
    let geometry = (collection.geometry(), "几何图形 Geometry", "geometry".to_owned());
    let rows: String = items.chain([geometry]).map(row).collect();
    let head = "<tr><th scope=\"col\">列名 Name<th scope=\"col\">名称 Title<th scope=\"col\">类型 Type";
    page(&format!("{} 可查询项 Queryables", collection.title), table(&format!("{head}{rows}")))
}

pub(super) fn features(
    collection: &Collection,
    names: &[String],
    features: &[Feature],
    total: Option<u64>,
    links: &[Value],
) -> Content {
    let head: String = names
        .iter()
        .map(|name| format!("<th scope=\"col\">{}", escaped(&titled(collection, name))))
        .collect();
    let row = |feature: &Feature| {
        let cells: String = feature.cells.iter().map(|cell| format!("<td>{}", escaped(cell))).collect();
        format!("<tr>{cells}")
    };
    let rows: String = features.iter().map(row).collect();
    let total = total.map(|total| format!("，共 of {total}")).unwrap_or_default();
    let rows = table(&format!("<tr>{head}{rows}"));
    page(&collection.title, format!("<p>{} 条 features{total}{}{rows}", features.len(), list(links)))
}

pub(super) fn feature(
    collection: &Collection,
    names: &[String],
    feature: &Feature,
    links: &[Value],
) -> Content {
    let row = |(name, value): (&String, &String)| {
        format!("<tr><th scope=\"row\">{}<td>{}", escaped(&titled(collection, name)), escaped(value))
    };
    let rows: String = names.iter().zip(&feature.cells).map(row).collect();
    let geometry = escaped(&feature.geometry);
    let rows = table(&rows);
    page(&collection.title, format!("{}{rows}<pre tabindex=\"0\">{geometry}</pre>", list(links)))
}

/// The title of an item where conditions may name it, else its machine name.
fn titled(collection: &Collection, name: &str) -> String {
    collection.queryable(name).map_or_else(|| name.to_owned(), |item| item.title.clone())
}

/// Text that an HTML parser reads as nothing but text, in an element or a quoted attribute.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}
