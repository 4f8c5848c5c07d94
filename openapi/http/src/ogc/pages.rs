//! The same as pages for people, within the portal's frame. Every text from outside is escaped.

use axum::response::Response;
use catalog_core::directory::ItemKind;
use exchange_query::Feature;
use openapi_portal::{Around, FramedPage};
use serde_json::Value;

use super::ROOT;
use super::collection::Collection;
use super::features::encoded;
use crate::portal::Visit;
use crate::problem::Refusal;

/// A page's title, what it stands below, and its content in HTML.
pub(super) struct Content {
    title: String,
    /// Whether a department wrote the title.
    is_written: bool,
    above: String,
    body: String,
}

impl Content {
    /// The page in the portal's frame.
    pub(super) fn shown(&self, visit: &Visit) -> Result<Response, Refusal> {
        let Self { title, is_written, above, body } = self;
        visit.page(&FramedPage { a: visit.around(), title, is_written: *is_written, above, content: body })
    }

    /// A page with a title of our own.
    fn ours(title: &str, above: String, body: String) -> Self {
        Self { title: title.to_owned(), is_written: false, above, body }
    }

    /// A page about a collection.
    fn of(a: &Around<'_>, collection: &str, title: &str, body: String) -> Self {
        let up = anchor("", &collection_page(a, collection, ""), title);
        let above = format!("{} / <span lang=\"zh-CN\">{up}</span>", doors(a, true));
        Self { title: title.to_owned(), is_written: true, above, body }
    }
}

/// The way up: to the landing page, and to the collections.
fn doors(a: &Around<'_>, has_collections: bool) -> String {
    let landing = anchor("", &a.to(format!("{ROOT}?f=html")), a.say("地图服务", "Map services"));
    match has_collections {
        true => {
            let all = a.to(format!("{ROOT}/collections?f=html"));
            format!("{landing} / {}", anchor("", &all, a.say("空间数据集", "Datasets with places")))
        }
        false => landing,
    }
}

/// The address of a collection as a page, or of what lies below it.
fn collection_page(a: &Around<'_>, code: &str, below: &str) -> String {
    a.to(format!("{ROOT}/collections/{}{below}?f=html", encoded(code)))
}

fn anchor(class: &str, href: &str, title: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<a{class} href=\"{}\">{}</a>", escaped(href), escaped(title))
}

/// A table that is scrolled by itself where it is wide; what stands in it is the department's.
fn table(class: &str, head: &str, rows: &str) -> String {
    let head = if head.is_empty() { String::new() } else { format!("<thead><tr>{head}</tr></thead>") };
    format!("<div class=\"scroll\" tabindex=\"0\"><table{class}>{head}<tbody>{rows}</tbody></table></div>")
}

fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}

fn links_of(document: &Value) -> &[Value] {
    document["links"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The way to the next page, if there is one.
fn next(a: &Around<'_>, links: &[Value]) -> String {
    let Some(next) = links.iter().find(|link| text(link, "rel") == "next") else { return String::new() };
    let address = text(next, "href");
    // What a reader asked for stands in it already; a page of collections is addressed anew.
    let address = if address.contains("lang=en") { address.to_owned() } else { a.to(address) };
    let (pages, title) = (a.say("分页", "Pages"), a.say("下一页", "Next page"));
    format!(
        "<nav class=\"pager\" aria-label=\"{pages}\"><a rel=\"next\" href=\"{}\">{title}</a></nav>",
        escaped(&address)
    )
}

/// The landing page: what is here, and how maps come to it.
pub(super) fn landing(a: &Around<'_>, door: &str) -> Content {
    let lead = a.say(
        "有空间位置的数据集，按国际标准 OGC API - Features 提供，地图软件可以直接加载。",
        "Datasets that have places, served by the standard OGC API - Features: map software loads them as they are.",
    );
    let button = anchor(
        "button",
        &a.to(format!("{ROOT}/collections?f=html")),
        a.say("查看空间数据集", "See the datasets"),
    );
    let how = a.say("在地图软件中使用", "In map software");
    let steps = a.say(
        "在 QGIS、ArcGIS Pro 等软件中新建 OGC API - Features 连接（QGIS 的“WFS / OGC API - Features”），填写下面的地址，再选择要加载的数据集。",
        "Make a new connection for OGC API - Features (in QGIS: “WFS / OGC API - Features”), give it this address, and choose a dataset.",
    );
    let programs = a.say("供程序使用", "For programs");
    let items: String = [
        (format!("{ROOT}/api"), a.say("接口说明（OpenAPI 3.0）", "Description of the API (OpenAPI 3.0)")),
        (a.to(format!("{ROOT}/conformance?f=html")), a.say("符合的标准", "What it conforms to")),
        (format!("{ROOT}?f=json"), a.say("本页的 JSON", "This page as JSON")),
    ]
    .iter()
    .map(|(address, title)| format!("<li>{}</li>", anchor("", address, title)))
    .collect();
    let body = format!(
        "<p class=\"lead\">{lead}</p><p class=\"actions\">{button}</p><h2>{how}</h2><p>{steps}</p>\
         <pre tabindex=\"0\"><code>{}</code></pre><h2>{programs}</h2><ul>{items}</ul>",
        escaped(door)
    );
    Content::ours(a.say("地图服务", "Map services"), String::new(), body)
}

pub(super) fn conformance(a: &Around<'_>, classes: &[&str]) -> Content {
    let items: String = classes.iter().map(|class| format!("<li><code>{class}</code></li>")).collect();
    let lead =
        a.say("本服务完整实现以下各类要求。", "The requirements classes that hold here, each of them whole.");
    let title = a.say("符合的标准", "What it conforms to");
    Content::ours(title, doors(a, false), format!("<p>{lead}</p><ul>{items}</ul>"))
}

pub(super) fn collections(a: &Around<'_>, whole: &Value, all: &[Value]) -> Content {
    let one = |collection: &Value| {
        let code = text(collection, "id");
        let to = |below: &str, title: &str| anchor("", &collection_page(a, code, below), title);
        format!(
            "<li class=\"card\"><h2 lang=\"zh-CN\">{}</h2><p lang=\"zh-CN\">{}</p><p class=\"quiet\">{} · {} · <code>{}</code></p></li>",
            to("", text(collection, "title")),
            escaped(text(collection, "description")),
            to("/items", a.say("要素", "Features")),
            to("/queryables", a.say("可查询项", "Queryables")),
            escaped(code),
        )
    };
    let lead = a.say(
        "每个数据集是一个要素集，可以逐页查看，也可以在地图软件中加载。",
        "Each dataset is a collection of features: see them page by page, or load them in map software.",
    );
    let empty = a.say(
        "还没有带空间位置的开放数据。部门公布含经纬度或者图形的数据后，会列在这里。",
        "No open dataset has places yet. Those with coordinates or shapes stand here once they are published.",
    );
    let list = match all.is_empty() {
        true => format!("<p class=\"empty\">{empty}</p>"),
        false => format!("<ul class=\"hits\">{}</ul>", all.iter().map(one).collect::<String>()),
    };
    let body = format!("<p class=\"lead\">{lead}</p>{list}{}", next(a, links_of(whole)));
    Content::ours(a.say("空间数据集", "Datasets with places"), doors(a, false), body)
}

/// One collection: what it is, and what can be taken of it.
pub(super) fn collection(a: &Around<'_>, described: &Value) -> Content {
    let (code, title) = (text(described, "id"), text(described, "title"));
    let items = links_of(described).iter().find(|link| text(link, "rel") == "items");
    let items = items.map(|link| text(link, "href")).unwrap_or_default();
    let crs = described["crs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let crs: String = crs
        .iter()
        .filter_map(Value::as_str)
        .map(|crs| format!("<li><code>{}</code></li>", escaped(crs)))
        .collect();
    let facts = [
        (a.say("数据资源代码", "Code"), format!("<code>{}</code>", escaped(code))),
        (a.say("接口地址", "Address of the API"), format!("<code>{}</code>", escaped(items))),
        (a.say("坐标系", "Systems of coordinates"), format!("<ul class=\"plain\">{crs}</ul>")),
    ];
    let facts: String =
        facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>")).collect();
    // Who signs in may see here what the public's page of a dataset doesn't have.
    let dataset = match a.visitor {
        Some(_) => String::new(),
        None => {
            let address = a.to(format!("/datasets/{}", encoded(code)));
            anchor("button second", &address, a.say("数据资源页面", "Page of the dataset"))
        }
    };
    let body = format!(
        "<p class=\"lead\" lang=\"zh-CN\">{}</p><p class=\"actions\">{} {} {dataset}</p><dl class=\"terms\">{facts}</dl>",
        escaped(text(described, "description")),
        anchor("button", &collection_page(a, code, "/items"), a.say("查看要素", "See the features")),
        anchor("button second", &collection_page(a, code, "/queryables"), a.say("可查询项", "Queryables")),
    );
    Content { title: title.to_owned(), is_written: true, above: doors(a, true), body }
}

pub(super) fn queryables(a: &Around<'_>, collection: &Collection) -> Content {
    let row = |(name, title, kind): (&str, &str, String)| {
        format!(
            "<tr><td><code>{}</code></td><td>{}</td><td><code>{}</code></td></tr>",
            escaped(name),
            escaped(title),
            escaped(&kind)
        )
    };
    let items = collection.queryables.iter();
    let items = items
        .map(|item| (item.column.as_str(), item.title.as_str(), type_of(a, &item.item_type.to_string())));
    let geometry = (collection.geometry(), a.say("几何图形", "Geometry"), "geometry".to_owned());
    let rows: String = items.chain([geometry]).map(row).collect();
    let head: String = [a.say("列名", "Column"), a.say("名称", "Title"), a.say("类型", "Type")]
        .iter()
        .map(|name| format!("<th scope=\"col\">{name}</th>"))
        .collect();
    let what = a.say(
        "可查询项：筛选条件里可以使用的信息项，写在地址参数或者 CQL2 条件中。",
        "Queryables: the items that conditions may name, as parameters of an address or in CQL2.",
    );
    Content::of(a, &collection.code, &collection.title, format!("<p>{what}</p>{}", table("", &head, &rows)))
}

pub(super) fn features(
    a: &Around<'_>,
    collection: &Collection,
    names: &[String],
    features: &[Feature],
    (total, links): (Option<u64>, &[Value]),
) -> Content {
    let head: String = names.iter().map(|name| headed(collection, name, "col")).collect();
    let row = |feature: &Feature| {
        let cells = names.iter().zip(&feature.cells).enumerate();
        let cells = cells.map(|(at, (name, cell))| {
            let id = (at == 0).then(|| collection.id(&feature.key)).flatten();
            let class = if is_number(collection, name) { " class=\"number\"" } else { "" };
            match id {
                Some(id) => {
                    let shown = if cell.is_empty() { &id } else { cell };
                    let address = collection_page(a, &collection.code, &format!("/items/{}", encoded(&id)));
                    format!("<td{class}>{}</td>", anchor("", &address, shown))
                }
                None => format!("<td{class}>{}</td>", escaped(cell)),
            }
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let rows: String = features.iter().map(row).collect();
    let count = a.number(&u64::try_from(features.len()).unwrap_or_default());
    let all = total
        .map(|total| format!("{}{}{}", a.say("，共 ", ", of "), a.number(&total), a.say(" 个", " in all")));
    let (here, features_here) = (a.say("本页 ", ""), a.say(" 个要素", " features on this page"));
    let shown = format!("{here}{count}{features_here}{}", all.unwrap_or_default());
    // The same features, by whatever conditions.
    let page = links.iter().find(|link| text(link, "rel") == "alternate");
    let same = page.and_then(|link| text(link, "href").strip_suffix("f=html"));
    let whole = || format!("{ROOT}/collections/{}/items?f=json", encoded(&collection.code));
    let json = same.map_or_else(whole, |address| format!("{address}f=json"));
    let rows = match features.is_empty() {
        true => format!(
            "<p class=\"empty\">{}</p>",
            a.say("没有符合条件的要素。", "No feature fits the conditions.")
        ),
        false => table(" class=\"rows\"", &head, &rows),
    };
    let body = format!(
        "<p class=\"quiet\">{shown} · {}</p>{rows}{}",
        anchor("", &json, a.say("要素的 GeoJSON", "Features as GeoJSON")),
        next(a, links)
    );
    Content::of(a, &collection.code, &collection.title, body)
}

pub(super) fn feature(
    a: &Around<'_>,
    collection: &Collection,
    names: &[String],
    feature: &Feature,
    links: &[Value],
) -> Content {
    let row = |(name, value): (&String, &String)| {
        format!("<tr>{}<td>{}</td></tr>", headed(collection, name, "row"), escaped(value))
    };
    let rows: String = names.iter().zip(&feature.cells).map(row).collect();
    let own = links.iter().find(|link| text(link, "rel") == "self");
    let geometry = match feature.geometry.as_str() {
        "null" => format!("<p>{}</p>", a.say("此要素没有几何图形。", "This feature has no geometry.")),
        geometry => format!("<pre class=\"answered\" tabindex=\"0\">{}</pre>", escaped(geometry)),
    };
    let json = format!("{}?f=json", own.map(|link| text(link, "href")).unwrap_or_default());
    let body = format!(
        "{}<h2>{}</h2>{geometry}<p>{}</p>",
        table("", "", &rows),
        a.say("几何图形", "Geometry"),
        anchor("", &json, a.say("此要素的 GeoJSON", "This feature as GeoJSON")),
    );
    Content::of(a, &collection.code, &collection.title, body)
}

/// A type as the sheet writes it, `字符型C(12)`; for readers of English `Text (12)`.
fn type_of(a: &Around<'_>, written: &str) -> String {
    let (name, rest) =
        written.split_at(written.find(|letter: char| letter.is_ascii()).unwrap_or(written.len()));
    match a.english(name) {
        Some(english) => {
            let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
            format!("{english} {rest}").trim_end().to_owned()
        }
        None => written.to_owned(),
    }
}

/// The head of a column or row: the item's title, which its department wrote.
fn headed(collection: &Collection, name: &str, scope: &str) -> String {
    let class = if scope == "col" && is_number(collection, name) { " class=\"number\"" } else { "" };
    let (language, title) = match collection.queryable(name) {
        Some(item) => (" lang=\"zh-CN\"", item.title.as_str()),
        None => ("", name),
    };
    format!("<th scope=\"{scope}\"{class}{language}>{}</th>", escaped(title))
}

fn is_number(collection: &Collection, name: &str) -> bool {
    let kind = collection.queryable(name).map(|item| item.item_type.kind);
    matches!(kind, Some(ItemKind::N | ItemKind::Y | ItemKind::B | ItemKind::I | ItemKind::F))
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
