//! A dataset as a feature collection.

use catalog_core::directory::{InformationItem, ItemKind, Resource};
use catalog_core::evidence::SourceRead;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{ColumnName, Error, ErrorCode, OpContext, ResourceCode};
use exchange_query::{Features, Shape, TableName, Tables as _};

use crate::app::App;
use crate::problem::Refusal;

/// What a caller may ask of one dataset.
pub(super) struct Collection {
    pub(super) code: String,
    pub(super) title: String,
    pub(super) summary: String,
    /// Where its rows lie.
    pub(super) shape: Shape,
    /// Whether that is two columns of double precision.
    pub(super) is_double: bool,
    /// The key's columns, where all of them may stand in addresses.
    pub(super) key: Vec<String>,
    /// Items that conditions may name: seen as they are, not personal, no geometries.
    pub(super) queryables: Vec<InformationItem>,
}

impl Collection {
    /// `None` where the caller sees no places in it, or no rows.
    pub(super) fn of(dataset: &Dataset) -> Option<Self> {
        let (resource, policy) = (&dataset.resource, &dataset.granted.policy);
        if policy.statistics.is_some() {
            return None;
        }
        let is_clear = |item: &&InformationItem| {
            let is_seen = policy.columns.iter().any(|seen| seen.column == item.column && seen.mask.is_none());
            is_seen && !item.personal && resource.subject.as_ref() != Some(&item.column)
        };
        let clear: Vec<&InformationItem> = resource.items.iter().filter(is_clear).collect();
        let shape = Shape::of(clear.iter().copied())?;
        let is_clear = |name: &&ColumnName| clear.iter().any(|item| item.column == **name);
        let has_key = resource.key.iter().all(|name| is_clear(&name));
        let key = resource.key.iter().filter(|_| has_key).map(ToString::to_string);
        let queryables = clear.iter().filter(|item| item.item_type.kind != ItemKind::G);
        Some(Self {
            code: resource.code.path_form(),
            title: resource.title.clone(),
            summary: resource.summary.clone(),
            is_double: is_double(&shape, &clear),
            shape,
            key: key.collect(),
            queryables: queryables.map(|item| (*item).clone()).collect(),
        })
    }

    /// The item that a condition names, by machine name or title.
    pub(super) fn queryable(&self, name: &str) -> Option<&InformationItem> {
        self.queryables.iter().find(|item| item.column.as_str() == name || item.title == name)
    }

    /// What conditions call the geometry.
    pub(super) fn geometry(&self) -> &str {
        match &self.shape {
            Shape::Column(name) => name,
            Shape::Point { .. } => "geometry",
        }
    }

    /// The item that `datetime` is about: the first of times or dates.
    pub(super) fn time(&self) -> Option<&InformationItem> {
        self.queryables.iter().find(|item| matches!(item.item_type.kind, ItemKind::T | ItemKind::D))
    }

    pub(super) fn features(&self, latitude_first: bool) -> Features {
        Features { shape: self.shape.clone(), key: self.key.clone(), swapped: latitude_first }
    }

    /// The id of a feature in addresses; `None` where its key is not whole.
    pub(super) fn id(&self, key: &[String]) -> Option<String> {
        match key {
            [] => None,
            [one] => Some(one.clone()),
            several => {
                let escaped = several.iter().map(|value| value.replace('%', "%25").replace(';', "%3B"));
                Some(escaped.collect::<Vec<_>>().join(";"))
            }
        }
    }

    /// The values that an id names, one for each column of the key; `None` where there can be no such feature.
    pub(super) fn key_of(&self, id: &str) -> Option<Vec<String>> {
        let values: Vec<String> = match self.key.len() {
            0 => return None,
            1 => vec![id.to_owned()],
            _ => id.split(';').map(|value| value.replace("%3B", ";").replace("%25", "%")).collect(),
        };
        (values.len() == self.key.len()).then_some(values)
    }
}

/// Whether a resource may have places, as the directory describes it today.
pub(super) fn may_have_places(resource: &Resource) -> bool {
    Shape::of(&resource.items).is_some()
}

/// Whether a row lies in two columns of double precision.
fn is_double(shape: &Shape, items: &[&InformationItem]) -> bool {
    let is_double = |name: &&str| {
        items.iter().any(|item| item.column.as_str() == *name && item.item_type.kind == ItemKind::B)
    };
    matches!(shape, Shape::Point { .. }) && shape.columns().iter().all(is_double)
}

/// A version of a dataset as the caller sees it, and how evidence names it.
pub(super) async fn open(
    app: &App,
    ctx: &OpContext,
    code: ResourceCode,
    version: VersionSelector,
) -> Result<(Collection, SourceRead), Refusal> {
    let open = app.tables.open(ctx, &TableName::Code(code), version).await?;
    let missing = || {
        let message = "no feature collection: what you see of this resource has no places";
        Error::new(ErrorCode::NotFound, message)
    };
    let collection = Collection::of(&open.dataset).ok_or_else(missing)?;
    Ok((collection, open.dataset.source()))
}
