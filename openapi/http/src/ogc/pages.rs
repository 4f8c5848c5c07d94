//! The same as pages for people. Every text from outside is escaped.

use exchange_query::Feature;
use serde_json::Value;

use super::collection::Collection;

fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n{body}\n</html>\n"
    )
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
pub(super) fn links(document: &Value) -> String {
    let body = format!("<p>{}{}", escaped(text(document, "description")), list(links_of(document)));
    page(text(document, "title"), &body)
}

pub(super) fn conformance(classes: &[&str]) -> String {
    let items: String = classes.iter().map(|class| format!("<li><code>{class}</code>")).collect();
    page("符合的标准 Conformance", &format!("<ul>{items}</ul>"))
}

pub(super) fn collections(whole: &Value, all: &[Value]) -> String {
    let one = |collection: &Value| {
        let title = escaped(text(collection, "title"));
        format!(
            "<h2>{title}</h2><p>{}{}",
            escaped(text(collection, "description")),
            list(links_of(collection))
        )
    };
    let body = list(links_of(whole)) + &all.iter().map(one).collect::<String>();
    page("空间数据集 Collections", &body)
}

pub(super) fn queryables(collection: &Collection) -> String {
    let row = |(name, title, kind): (&str, &str, String)| {
        format!("<tr><td><code>{}</code><td>{}<td>{}", escaped(name), escaped(title), escaped(&kind))
    };
    let items = collection.queryables.iter();
    let items = items.map(|item| (item.column.as_str(), item.title.as_str(), item.item_type.to_string()));
    let geometry = (collection.geometry(), "几何图形 Geometry", "geometry".to_owned());
    let rows: String = items.chain([geometry]).map(row).collect();
    let table = format!("<table><tr><th>列名 Name<th>名称 Title<th>类型 Type{rows}</table>");
    page(&format!("{} 可查询项 Queryables", collection.title), &table)
}

pub(super) fn features(
    collection: &Collection,
    names: &[String],
    features: &[Feature],
    total: Option<u64>,
    links: &[Value],
) -> String {
    let head: String =
        names.iter().map(|name| format!("<th>{}", escaped(&titled(collection, name)))).collect();
    let row = |feature: &Feature| {
        let cells: String = feature.cells.iter().map(|cell| format!("<td>{}", escaped(cell))).collect();
        format!("<tr>{cells}")
    };
    let rows: String = features.iter().map(row).collect();
    let total = total.map(|total| format!("，共 of {total}")).unwrap_or_default();
    let body =
        format!("<p>{} 条 features{total}{}<table><tr>{head}{rows}</table>", features.len(), list(links));
    page(&collection.title, &body)
}

pub(super) fn feature(
    collection: &Collection,
    names: &[String],
    feature: &Feature,
    links: &[Value],
) -> String {
    let row = |(name, value): (&String, &String)| {
        format!("<tr><th>{}<td>{}", escaped(&titled(collection, name)), escaped(value))
    };
    let rows: String = names.iter().zip(&feature.cells).map(row).collect();
    let geometry = escaped(&feature.geometry);
    page(&collection.title, &format!("{}<table>{rows}</table><pre>{geometry}</pre>", list(links)))
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
