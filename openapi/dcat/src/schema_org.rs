//! A dataset in the terms of schema.org, as search engines read them in pages.

use catalog_core::directory::Opening;
use serde_json::{Map, Value, json};

use crate::dataset::{Described, File, Release};
use crate::site::Site;

/// The `Dataset` in JSON-LD. Inside a page, `<` must be escaped.
pub fn schema_org(site: &Site, described: &Described) -> Value {
    let Described { resource, provider, release } = described;
    let page = site.dataset(&resource.code);
    let publisher = json!({
        "@type": "GovernmentOrganization", "name": provider.name, "identifier": provider.credit_code,
    });
    let variables = resource
        .items
        .iter()
        .map(|item| json!({ "@type": "PropertyValue", "name": item.title, "propertyID": item.column }));
    let members = [
        ("@context", json!("https://schema.org/")),
        ("@type", json!("Dataset")),
        ("@id", json!(format!("{page}#dataset"))),
        ("url", json!(page)),
        ("identifier", json!(resource.code)),
        ("name", json!(resource.title)),
        ("description", json!(if resource.summary.is_empty() { &resource.title } else { &resource.summary })),
        ("inLanguage", json!("zh")),
        ("isAccessibleForFree", json!(*resource.opening() == Opening::Open)),
        ("publisher", publisher.clone()),
        ("creator", publisher),
        ("variableMeasured", variables.collect()),
        ("includedInDataCatalog", json!({ "@type": "DataCatalog", "url": site.address("/catalog") })),
    ];
    let mut dataset = Map::from_iter(members.map(|(name, value)| (name.to_owned(), value)));
    let optional = [
        ("keywords", (!resource.keywords.is_empty()).then(|| json!(resource.keywords))),
        ("license", described.licence_address().map(Value::from)),
        ("datePublished", resource.published_on.map(|day| json!(day.to_string()))),
        ("temporalCoverage", resource.temporal_coverage.as_ref().map(|period| json!(period))),
        ("spatialCoverage", resource.spatial_coverage.as_ref().map(|code| json!(code))),
        ("dateModified", release.as_ref().map(|release| json!(release.published_at))),
        ("version", release.as_ref().map(|release| json!(release.number.to_string()))),
        ("distribution", release.as_ref().map(|release| downloads(&page, release))),
    ];
    dataset.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    dataset.into()
}

fn downloads(page: &str, release: &Release) -> Value {
    let download = |file: &File| {
        let mut download = json!({
            "@type": "DataDownload", "contentUrl": format!("{page}/{}", release.file_name(file)),
            "encodingFormat": file.essence(),
        });
        if let Some((bytes, sha256)) = &file.stored {
            download["contentSize"] = json!(format!("{bytes} B"));
            download["sha256"] = json!(sha256);
        }
        download
    };
    release.files.iter().map(download).collect()
}
