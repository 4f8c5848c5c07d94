//! The page of a dataset.

use catalog_core::directory::InformationItem;
use datasets_store::Manifest;
use openapi_dcat::{Described, File, Site, schema_org};

/// The page, with what search engines read in it.
pub(super) fn page(site: &Site, described: &Described, manifest: Option<&Manifest>) -> String {
    let Described { resource, provider, release } = described;
    let code = resource.code.path_form();
    let columns: String = resource.items.iter().map(column).collect();
    let licence = described.licence_address().map_or_else(
        || "无：仅按授权使用 none: used under a grant alone".to_owned(),
        |address| {
            let name = escaped(resource.licence.as_deref().unwrap_or_default());
            format!("<a rel=\"license\" href=\"{}\">{name}</a>", escaped(&address))
        },
    );
    let (version, data) = match (release, manifest) {
        (Some(release), Some(manifest)) => {
            let file = |file: &File| {
                let (name, (bytes, sha256)) =
                    (release.file_name(file), file.stored.clone().unwrap_or_default());
                format!(
                    "<tr><td><a href=\"/datasets/{code}/{name}\">{name}</a><td>{bytes}<td><code>{sha256}</code>"
                )
            };
            let files: String = release.files.iter().map(file).collect();
            let (number, published) = (release.number, release.published_at.shanghai_text());
            let version = format!("{number}（{published}，{} 行 rows）", manifest.rows);
            (
                version,
                include_str!("data.html")
                    .replace("{files}", &files)
                    .replace("{version}", &number.to_string()),
            )
        }
        _ => ("无：尚未开放 none: not open yet".to_owned(), String::new()),
    };
    // Inside a script no tag may begin.
    let linked = schema_org(site, described).to_string().replace('<', "\\u003c");
    include_str!("dataset.html")
        .replace("{data}", &data)
        .replace("{code}", &code)
        .replace("{columns}", &columns)
        .replace("{version}", &version)
        .replace("{licence}", &licence)
        .replace("{provider}", &escaped(&provider.name))
        .replace("{title}", &escaped(&resource.title))
        .replace("{summary}", &escaped(&resource.summary))
        .replace("{linked}", &linked)
}

fn column(item: &InformationItem) -> String {
    format!("<tr><td>{}<td><code>{}</code>", escaped(&item.title), item.column)
}

/// Text that an HTML parser reads as nothing but text, in an element or a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A brace would begin a place of the template.
            '{' => out.push_str("&#123;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use catalog_core::fixtures;

    use super::*;

    #[test]
    fn no_text_leaves_its_place() {
        let mut resource = fixtures::resource("scjg", "301001/000001", "</script><b>{summary}").unwrap();
        resource.summary = "{linked}".to_owned();
        let provider = fixtures::department("scjg", "局").unwrap();
        let described = Described { resource, provider, release: None };
        let page = page(&Site::new("https://a.example").unwrap(), &described, None);
        assert_eq!(page.matches("</script>").count(), 1, "{page}");
        assert!(page.contains("<h1>&lt;/script&gt;&lt;b&gt;&#123;summary}</h1>"), "{page}");
        assert!(page.contains("\"name\":\"\\u003c/script>\\u003cb>{summary}\""), "{page}");
        assert_eq!(page.matches("\"@type\":\"Dataset\"").count(), 1, "{page}");
    }
}
