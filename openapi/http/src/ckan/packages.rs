//! Datasets as CKAN's packages, and their files as its resources.
//!
//! Ids are made of the code, which is never given again: `301001-000001` is a package, `301001-000001-csv` its CSV file, and
//! `301001-000001-csv-gz` the same compressed. They are names that CKAN itself accepts for packages, resources and tables; no
//! client asks for more of them than that.

use std::collections::HashMap;

use catalog_core::directory::classification::name_of;
use catalog_core::directory::{Department, Opening, Resource, ValueFormat};
use catalog_core::policy::VisibleColumn;
use catalog_core::ports::{SearchOrder, SearchQuery};
use catalog_core::services::Listed;
use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result, Timestamp};
use exchange_query::export::Format;
use serde_json::{Value, json};

use super::Call;
use super::arguments::Arguments;
use super::envelope::address;
use super::site::licence_address;
use crate::downloads::{Kind, OF_ROWS};
use crate::problem::Refusal;

/// The most packages of one answer.
pub(super) const MAX_PACKAGES: u64 = 1_000;
/// More than these, which a harvester's page has, take a place among the queries.
const FEW_PACKAGES: usize = 100;

pub(super) async fn list(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let (limit, offset) = (given.count("limit")?.unwrap_or(u64::MAX), given.count("offset")?.unwrap_or(0));
    given.finish()?;
    let found = call.app.services.codes(&call.ctx, by_code(offset, limit)).await?;
    Ok(found.codes.iter().map(|code| Value::from(code.path_form())).collect())
}

pub(super) async fn list_with_resources(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let limit = given.count("limit")?.unwrap_or(MAX_PACKAGES).min(MAX_PACKAGES);
    let (offset, page) = (given.count("offset")?, given.count("page")?);
    given.finish()?;
    let offset = offset.or(page.map(|page| page.saturating_sub(1).saturating_mul(limit)));
    let found = call.app.services.codes(&call.ctx, by_code(offset.unwrap_or(0), limit)).await?;
    Ok(packages(call, &found.codes).await?.into())
}

/// These places of the directory by code.
fn by_code(offset: u64, limit: u64) -> SearchQuery {
    SearchQuery {
        order: SearchOrder::Code,
        offset: place(offset),
        limit: place(limit),
        ..SearchQuery::default()
    }
}

/// A place as the directory counts them.
pub(super) fn place(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) async fn show(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let id = given.needed("id")?;
    given.finish()?;
    let listed = call.app.services.listed(&call.ctx, &code_of(&id)?).await?;
    Ok(package(call, &departments(call).await?, &listed))
}

pub(super) async fn show_resource(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let id = given.needed("id")?;
    given.finish()?;
    let listed = call.app.services.listed(&call.ctx, &table_of(&id)?).await?;
    let found = resources(call, &listed).into_iter().find(|resource| resource["id"] == id.as_str());
    found.ok_or_else(|| unknown(&id).into())
}

/// What stands at these places.
pub(super) fn part<T>(
    all: impl Iterator<Item = T>,
    offset: Option<u64>,
    limit: Option<u64>,
) -> impl Iterator<Item = T> {
    let places = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    all.skip(places(offset.unwrap_or(0))).take(limit.map_or(usize::MAX, places))
}

/// The code that a package's id or name is.
pub(super) fn code_of(id: &str) -> Result<ResourceCode> {
    ResourceCode::from_path(id).map_err(|_| unknown(id))
}

/// The code of the dataset whose file, or table, has this id.
pub(super) fn table_of(id: &str) -> Result<ResourceCode> {
    let of_file = |kind: &Kind| id.strip_suffix(&ending(*kind)).and_then(|id| code_of(id).ok());
    code_of(id).ok().or_else(|| OF_ROWS.iter().find_map(of_file)).ok_or_else(|| unknown(id))
}

/// How the id of a file ends: `-csv`, `-csv-gz`.
fn ending(kind: Kind) -> String {
    kind.suffix().replace('.', "-")
}

/// CKAN's name of a format.
fn format_name(kind: Kind) -> String {
    match kind {
        Kind::Data(Format::GeoJson) => "GeoJSON".to_owned(),
        Kind::Data(Format::Parquet) => "Parquet".to_owned(),
        other => other.extension().to_uppercase(),
    }
}

fn unknown(id: &str) -> Error {
    let shown: String = id.chars().take(60).collect();
    Error::new(ErrorCode::NotFound, format!("there is no dataset or resource \"{shown}\""))
}

/// All departments by their ids.
pub(super) type Departments = HashMap<DepartmentId, Department>;

pub(super) async fn departments(call: &Call) -> Result<Departments> {
    let all = call.app.services.departments(&call.ctx).await?.into_iter();
    Ok(all.map(|department| (department.id.clone(), department)).collect())
}

/// The packages of these codes; what was withdrawn meanwhile is left out.
pub(super) async fn packages(call: &Call, codes: &[ResourceCode]) -> Result<Vec<Value>> {
    let _place = match codes.len() > FEW_PACKAGES {
        true => Some(call.app.page(&call.ctx).await?),
        false => None,
    };
    let departments = departments(call).await?;
    let mut packages = Vec::with_capacity(codes.len());
    for code in codes {
        match call.app.services.listed(&call.ctx, code).await {
            Ok(listed) => packages.push(package(call, &departments, &listed)),
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(packages)
}

fn package(call: &Call, departments: &Departments, listed: &Listed) -> Value {
    let Listed { resource, version, since, modified, .. } = listed;
    let id = resource.code.path_form();
    let department = departments.get(&resource.provider);
    let provider = department.map_or(resource.provider.as_str(), |department| &department.name);
    let licence = resource.licence.as_deref();
    let (files, tags) = (resources(call, listed), tags(resource));
    let mut package = json!({
        "id": id, "name": id, "title": resource.title, "notes": resource.summary, "type": "dataset", "state": "active",
        "private": false, "url": address(&call.app, &format!("/datasets/{id}")),
        "version": version.as_ref().map(|version| version.number.to_string()),
        "author": provider, "author_email": null, "maintainer": provider, "maintainer_email": null,
        "license_id": licence, "license_title": licence, "license_url": licence.map(licence_address),
        "isopen": licence.is_some() && *resource.opening() == Opening::Open,
        "owner_org": resource.provider, "organization": department.map(organization), "creator_user_id": null,
        "groups": [group(group_id(&resource.code), &group_title(resource))],
        "num_tags": tags.len(), "tags": tags, "num_resources": files.len(), "resources": files, "extras": extras(resource, materials(call, listed)),
        "relationships_as_subject": [], "relationships_as_object": [],
    });
    // Harvesters compare these: one that is not known is absent.
    for (name, time) in [("metadata_created", since.or(*modified)), ("metadata_modified", *modified)] {
        if let Some(time) = time {
            package[name] = time_text(time).into();
        }
    }
    package
}

/// The files of a dataset; none where the caller may not read it, or there is no data.
pub(super) fn resources(call: &Call, listed: &Listed) -> Vec<Value> {
    let (Some(version), Some(policy)) = (&listed.version, &listed.policy) else { return Vec::new() };
    let code = listed.resource.code.path_form();
    let changed = version.effective_from().unwrap_or(version.published_at);
    let file = |(position, kind): (usize, Kind)| {
        let (format, title) = (format_name(kind), &listed.resource.title);
        let essence = |kind: Kind| kind.media_type().split(';').next().unwrap_or_default();
        let inside = match kind {
            Kind::Gzip(format) => Some(essence(Kind::Data(format))),
            _ => None,
        };
        let name = match kind {
            Kind::MarkedCsv => format!("{title} {format}（带 BOM，供电子表格软件打开）"),
            _ => format!("{title} {format}"),
        };
        let path = kind.address(&format!("/datasets/{code}/latest.{}", kind.extension()));
        // A table of the datastore is named by a file in one of the formats of its answers.
        let is_table = matches!(kind, Kind::Data(format) if Format::parse(format.extension()).is_some());
        let created = time_text(listed.since.unwrap_or(changed));
        json!({
            "id": format!("{code}{}", ending(kind)), "package_id": code, "name": name,
            "description": listed.resource.summary, "format": format, "mimetype": essence(kind), "mimetype_inner": inside,
            "url": address(&call.app, &path), "url_type": null,
            "resource_type": "file", "datastore_active": is_table, "state": "active", "position": position, "hash": "",
            "size": null, "cache_url": null, "cache_last_updated": null, "created": created,
            "last_modified": time_text(changed), "metadata_modified": time_text(changed), "version": version.number.to_string(),
        })
    };
    Kind::of(policy, version).enumerate().map(file).collect()
}

fn tags(resource: &Resource) -> Vec<Value> {
    resource.keywords.iter().map(|word| tag(word)).collect()
}

/// A keyword.
pub(super) fn tag(word: &str) -> Value {
    json!({ "id": word, "name": word, "display_name": word, "state": "active", "vocabulary_id": null })
}

/// A department.
pub(super) fn organization(department: &Department) -> Value {
    json!({
        "id": department.id, "name": department.id, "title": department.name, "display_name": department.name,
        "type": "organization", "is_organization": true, "state": "active", "approval_status": "approved",
        "description": "", "image_url": "", "image_display_url": "",
    })
}

/// A 项 of the classification.
pub(super) fn group(id: &str, title: &str) -> Value {
    json!({
        "id": id, "name": id, "title": title, "display_name": title, "type": "group", "is_organization": false,
        "state": "active", "approval_status": "approved", "description": "", "image_url": "", "image_display_url": "",
    })
}

/// 类 and 项: the first three digits of a code.
fn group_id(code: &ResourceCode) -> &str {
    code.classification().get(..3).unwrap_or_default()
}

/// What a 项 is called: by the guide, else as its resources say.
pub(super) fn group_title(resource: &Resource) -> String {
    let id = group_id(&resource.code);
    let by_guide = id.chars().next().and_then(|category| name_of(category, id.get(1..).unwrap_or_default()));
    let by_city = resource.classification.first().map(String::as_str);
    by_guide.or(by_city).unwrap_or(id).to_owned()
}

/// Where the materials 附件 are that rows name in the sight of the caller: as many as rows, they are no resources.
fn materials(call: &Call, listed: &Listed) -> Option<String> {
    let (version, policy) = (listed.version.as_ref()?, listed.policy.as_ref()?);
    let is_named = |column: &VisibleColumn| {
        let item = listed.resource.item(column.column.as_str());
        column.mask.is_none() && item.is_some_and(|item| item.format == Some(ValueFormat::Material))
    };
    let (code, number) = (listed.resource.code.path_form(), version.number);
    let place = address(&call.app, &format!("/datasets/{code}/versions/{number}/materials/"));
    let shows_rows = policy.statistics.is_none();
    (shows_rows && policy.columns.iter().any(is_named)).then(|| format!("{place}{{sha256}}"))
}

fn extras(resource: &Resource, materials: Option<String>) -> Vec<Value> {
    let opening = match resource.opening() {
        Opening::Open => "无条件开放",
        Opening::Conditional { .. } => "有条件开放",
        Opening::Closed => "不开放",
    };
    let table = format!("{}.{}", resource.provider, resource.sql_name);
    let all = [
        ("code", Some(resource.code.as_str())),
        ("sql_table", Some(table.as_str())),
        ("sharing", resource.sharing().map(|sharing| sharing.label())),
        ("opening", Some(opening)),
        ("update_cycle", Some(resource.update_cycle.label())),
        ("format_class", Some(resource.format.class.as_str())),
        ("open_topic", Some(resource.open_topic.as_str()).filter(|topic| !topic.is_empty())),
        ("temporal_coverage", resource.temporal_coverage.as_deref()),
        ("spatial_coverage", resource.spatial_coverage.as_deref()),
        ("contact", resource.contact.as_deref()),
        ("materials", materials.as_deref()),
    ];
    let present = all.into_iter().filter_map(|(key, value)| Some((key, value?)));
    present.map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// CKAN's times: UTC, with micros and without a zone.
pub(super) fn time_text(time: Timestamp) -> String {
    let text = time.to_string();
    let text = text.trim_end_matches('Z');
    match text.contains('.') {
        true => text.to_owned(),
        false => format!("{text}.000000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_codes() {
        let code = ResourceCode::new("301001/000001").unwrap();
        assert_eq!(code_of("301001-000001").unwrap(), code);
        for kind in OF_ROWS {
            assert_eq!(table_of(&format!("301001-000001{}", ending(kind))).unwrap(), code);
        }
        for id in ["301001-000001", "301001-000001-csv", "301001-000001-csv-gz", "301001-000001-csv-bom"] {
            assert_eq!(table_of(id).unwrap(), code);
        }
        for id in [
            "",
            "x",
            "301001-000001-exe",
            "301001-000001-csv-csv",
            "301001-000001-gz",
            "../301001-000001",
            "301001",
        ] {
            assert_eq!(table_of(id).unwrap_err().code, ErrorCode::NotFound, "{id}");
        }
    }

    #[test]
    fn times_have_no_zone() {
        let time = |text: &str| time_text(Timestamp::parse(text).unwrap());
        assert_eq!(time("2026-01-31T16:00:00+08:00"), "2026-01-31T08:00:00.000000");
        assert_eq!(time("2026-01-31T08:00:00.25Z"), "2026-01-31T08:00:00.250");
    }
}
