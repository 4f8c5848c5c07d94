//! What stands on top of a bundle, for whoever opens it years later.

use catalog_core::confidential::is_bidi_control;
use catalog_core::directory::Resource;
use catalog_core::schema::dictionary;
use datasets_store::Manifest;
use openapi_dcat::{Described, Site};

/// The text, in Chinese and English, with the line ends that every editor shows.
pub(super) fn text(described: &Described, manifest: &Manifest, site: &Site) -> Vec<u8> {
    let Described { resource, provider, release } = described;
    let published = release.as_ref().map(|release| release.published_at.shanghai_text()).unwrap_or_default();
    let licence = match (resource.licence.as_deref(), described.licence_address()) {
        (Some(name), Some(address)) if name != address => format!("{name} {address}"),
        (Some(name), _) => name.to_owned(),
        (None, _) => "仅按授权使用 under a grant alone".to_owned(),
    };
    let (number, rows) = (manifest.version, manifest.rows);
    let facts = [
        ("名称 Title", resource.title.clone()),
        ("摘要 Summary", resource.summary.clone()),
        ("提供部门 Provider", provider.name.clone()),
        ("资源代码 Code", resource.code.to_string()),
        ("版本 Version", number.to_string()),
        ("发布时间 Published", published),
        ("行数 Rows", rows.to_string()),
        ("更新周期 Updated", resource.update_cycle.label().to_owned()),
        ("许可 Licence", licence),
        ("网页 Page", site.dataset(&resource.code)),
    ];
    let mut lines: Vec<String> = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {}", line(&value)))
        .collect();
    lines.push(String::new());
    lines.extend(files(number));
    lines.push(String::new());
    lines.extend(items(resource));
    lines.push(String::new());
    // A mark tells old editors that it is UTF-8.
    format!("\u{feff}{}", lines.join("\r\n")).into_bytes()
}

fn files(number: i64) -> Vec<String> {
    let lines = [
        "文件 Files".to_owned(),
        format!("  {number}.csv             数据，UTF-8 rows"),
        format!("  {number}.geojson         有位置时的数据 rows with places, where there are any"),
        "  csv-metadata.json  数据字典 dictionary (CSV on the Web)".to_owned(),
        "  schema.json        每行的结构 JSON Schema of a row".to_owned(),
        "  quality.json       质量报告 quality report".to_owned(),
        "  datapackage.json   Data Package 2.0".to_owned(),
        format!("  {number}.manifest.json   签名清单 manifest with the SHA-256 of each file"),
        format!("  {number}.jws             清单的签名 its detached signature"),
        "  jwks.json          平台公钥 the platform's public keys".to_owned(),
        "  check_file.sh      核验脚本 checks a file".to_owned(),
        String::new(),
        "核验 Verify".to_owned(),
        "  只需 openssl 与 sha256sum；公钥请与平台网站公布的比对。".to_owned(),
        "  With openssl and sha256sum alone; compare the keys with those on the platform's site.".to_owned(),
        format!("  sh check_file.sh {number}.csv"),
        format!(
            "  shuqiao verify {number}.csv --manifest {number}.manifest.json --jws {number}.jws --keys jwks.json"
        ),
    ];
    lines.into()
}

fn items(resource: &Resource) -> Vec<String> {
    let mut lines = vec!["信息项 Columns".to_owned()];
    for item in dictionary(resource) {
        let key =
            if resource.key.iter().any(|key| *key.as_str() == item.column) { "，主键 key" } else { "" };
        let about =
            if item.description.is_empty() { String::new() } else { format!("，{}", item.description) };
        lines.push(format!(
            "  {}: {}，{}{key}{}",
            item.column,
            line(&item.title),
            item.data_type,
            line(&about)
        ));
    }
    lines
}

/// What a department wrote, on one line and in one direction.
fn line(text: &str) -> String {
    let kept = text.chars().filter(|letter| !is_bidi_control(*letter));
    kept.map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
