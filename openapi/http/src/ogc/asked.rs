//! What is asked for: the parameters of `/items` as a typed selection.

use std::collections::BTreeMap;

use catalog_core::directory::{InformationItem, ItemKind};
use catalog_core::policy::Filter;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, ResourceCode};
use exchange_query::{Condition, Selection, TableName};

use super::collection::Collection;
use super::cql2;
use super::crs::{Crs, meets_box};
use super::negotiation::{Parameters, unknown};
use super::time::lies_in;
use crate::app::App;
use crate::extract::invalid;
use crate::problem::Refusal;
use crate::records::is_value;

/// Features of a page where none are asked for.
const PAGE: u32 = 100;
/// The most features of a page; who asks for more gets these (Part 1, 7.15.2).
const MOST: u32 = 10_000;

/// The parameters of a page, taken from the address.
pub(super) struct Asked {
    limit: u32,
    cursor: Option<String>,
    count: bool,
    bbox: Option<String>,
    bbox_crs: Crs,
    datetime: Option<String>,
    filter: Option<(String, cql2::Language, Crs)>,
    /// In which system geometries go out.
    pub(super) crs: Crs,
    values: BTreeMap<String, String>,
}

impl Asked {
    pub(super) fn of(mut parameters: Parameters) -> Result<Self, Refusal> {
        let mut crs = |name: &str| -> Result<(Crs, bool), Refusal> {
            let uri = parameters.take(name);
            Ok((Crs::named(name, uri.as_deref())?, uri.is_some()))
        };
        let ((out, _), (bbox_crs, has_bbox_crs), (filter_crs, _)) =
            (crs("crs")?, crs("bbox-crs")?, crs("filter-crs")?);
        let language = match parameters.take("filter-lang").as_deref() {
            None | Some("cql2-text") => cql2::Language::Text,
            Some("cql2-json") => cql2::Language::Json,
            Some(_) => return Err(invalid("`filter-lang` is `cql2-text` or `cql2-json`")),
        };
        let bbox = parameters.take("bbox");
        if has_bbox_crs && bbox.is_none() {
            return Err(invalid("`bbox-crs` says in which system `bbox` is, and there is none"));
        }
        Ok(Self {
            limit: limit(parameters.take("limit"), PAGE, MOST)?,
            cursor: parameters.take("cursor"),
            count: match parameters.take("count").as_deref() {
                None | Some("false") => false,
                Some("true") => true,
                Some(_) => return Err(invalid("`count` is `true` or `false`")),
            },
            bbox,
            bbox_crs,
            datetime: parameters.take("datetime"),
            filter: parameters.take("filter").map(|text| (text, language, filter_crs)),
            crs: out,
            values: parameters.rest(),
        })
    }

    /// The version that is read: a cursor goes on in that of its first page.
    pub(super) fn version(&self, app: &App) -> Result<VersionSelector, Refusal> {
        match &self.cursor {
            Some(cursor) => Ok(VersionSelector::Number(app.engine.version_of(cursor)?)),
            None => Ok(VersionSelector::Latest),
        }
    }

    /// Passes over the language of a page, unless an item is called so.
    pub(super) fn pass_language(&mut self, collection: &Collection) {
        if collection.queryable("lang").is_none() {
            self.values.remove("lang");
        }
    }

    /// The page as the engine reads it.
    pub(super) fn selection(
        self,
        code: ResourceCode,
        version: VersionSelector,
        collection: &Collection,
    ) -> Result<Selection, Refusal> {
        let mut rows = Vec::new();
        if let Some(text) = &self.bbox {
            rows.push(meets_box(text, self.bbox_crs, collection)?);
        }
        if let Some(text) = &self.datetime {
            // What has no time matches every time (Part 1, 7.15.4), if it is one.
            let (column, kind) = collection
                .time()
                .map_or(("", ItemKind::T), |item| (item.column.as_str(), item.item_type.kind));
            let filter = lies_in(column, kind, text)?;
            rows.extend(collection.time().map(|_| Condition::Values(filter)));
        }
        if let Some((text, language, crs)) = &self.filter {
            rows.push(cql2::condition(text, *language, *crs, collection)?);
        }
        let values = self.values.into_iter().map(|(name, value)| equality(collection, &name, value));
        rows.extend(values.collect::<Result<Vec<_>, _>>()?);
        Ok(Selection {
            version,
            condition: (!rows.is_empty()).then_some(Condition::And(rows)),
            as_stored: true,
            limit: Some(self.limit),
            count: self.count,
            cursor: self.cursor,
            ..Selection::of(TableName::Code(code))
        })
    }
}

/// The one feature with these values in its key.
pub(super) fn one(
    code: ResourceCode,
    version: VersionSelector,
    collection: &Collection,
    key: Vec<String>,
) -> Selection {
    let parts = collection.key.iter().zip(key).map(|(column, value)| is_value(column.clone(), value));
    Selection {
        version,
        filter: Some(Filter::And(parts.collect())),
        limit: Some(1),
        ..Selection::of(TableName::Code(code))
    }
}

/// How many members of a page are wanted: so many where none are named, and never more than the most.
pub(super) fn limit(text: Option<String>, without: u32, most: u32) -> Result<u32, Refusal> {
    let Some(text) = text else { return Ok(without) };
    match text.parse::<u64>() {
        Ok(0) | Err(_) => Err(invalid("`limit` is how many are wanted, a number from 1 on")),
        Ok(number) => Ok(u32::try_from(number).unwrap_or(most).min(most)),
    }
}

/// Equality of a queryable with a value of the address.
fn equality(collection: &Collection, name: &str, value: String) -> Result<Condition, Refusal> {
    let item: &InformationItem = collection.queryable(name).ok_or_else(|| unknown(name))?;
    Ok(Condition::Values(is_value(item.column.to_string(), value)))
}

/// Nothing that is there has this id.
pub(super) fn no_feature() -> Error {
    Error::new(ErrorCode::NotFound, "there is no feature with this id")
}
