//! One governed dataset, callers with different policies, and for each a copy that holds what its policy shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, Schema};
use async_trait::async_trait;
use catalog_core::context::Role;
use catalog_core::directory::Resource;
use catalog_core::policy::{BoundPolicy, Grant, GrantKind, GrantedPolicy};
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use chrono::Datelike;
use exchange_crypto::{Digest, MacKey, to_hex};
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cells::naive;
use super::fixture::{cell, kept, parts, penalties};
use crate::{EngineParts, IndexSecrets, Limits, OpenTable, QueryEngine, Revocations, TableName, Tables};

/// Callers: rows hidden, values masked, both.
pub(crate) const CALLERS: [&str; 3] = ["rows", "masks", "both"];
/// The moment of every request.
pub(crate) const NOW: &str = "2026-11-20T08:00:00Z";
/// The grant of every caller.
pub(crate) const GRANT: &str = "01990000-0000-7000-8000-000000000001";

/// Columns of the penalties with their Chinese names.
const TITLES: [(&str, &str); 12] = [
    ("id", "序号"),
    ("dept", "部门"),
    ("secret", "证号"),
    ("amt", "数量"),
    ("money", "金额"),
    ("name", "姓名"),
    ("day", "日期"),
    ("county", "区划"),
    ("record_count", "记录数"),
    ("subject_count", "主体数"),
    ("amt_sum", "数量合计"),
    ("money_sum", "金额合计"),
];

/// Cells of so many subjects at least: some of the counties and names have them, some have not.
const LEAST_GROUP: u32 = 20;

/// Items, filter and masks of one caller's grant.
fn terms(caller: &str) -> Value {
    match caller {
        "rows" => json!({
            "items": ["id", "secret", "amt", "money", "name", "day", "county"],
            "filter": {"=": ["dept", "A"]},
        }),
        "masks" => json!({
            "items": ["id", "secret", "amt", "name", "day", "county"],
            "masks": {
                "secret": {"mask": "constant", "text": "5"},
                "amt": {"mask": "null"},
                "name": {"mask": "keep_first", "count": 1},
                "day": {"mask": "year"},
                "county": {"mask": "pseudonym", "application": "aid"},
            },
        }),
        _ => json!({
            "items": ["id", "secret", "amt", "money", "name", "day", "county"],
            "filter": {"and": [{"not": {"like": ["name", "HID%"]}}, {"<>": ["dept", "B"]}]},
            "masks": {
                "secret": {"mask": "null"},
                "amt": {"mask": "bucket", "width": 10},
                "money": {"mask": "bucket", "width": 100},
                "name": {"mask": "keep_last", "count": 1},
                "day": {"mask": "year"},
            },
        }),
    }
}

/// What the caller sees, worked out row by row by other means than the engine's.
fn copy_of(batch: &RecordBatch, caller: &str) -> RecordBatch {
    let visible = match caller {
        "masks" => batch.clone(),
        _ => kept(batch, &|batch, row| cell(batch, "dept", row).as_deref() == Some("A")),
    };
    let text = |name: &str, show: &dyn Fn(String) -> String| -> ArrayRef {
        let rows = 0..visible.num_rows();
        Arc::new(rows.map(|row| cell(&visible, name, row).map(show)).collect::<StringArray>())
    };
    let plain = |name: &str| Arc::clone(visible.column_by_name(name).unwrap());
    let year = || -> ArrayRef {
        let days = plain("day");
        let year = |day| {
            Date32Type::to_naive_date_opt(day)
                .filter(|date| date.year() < 10_000)
                .map(|date| i64::from(date.year()))
        };
        Arc::new(days.as_primitive::<Date32Type>().iter().map(|day| year(day?)).collect::<Int64Array>())
    };
    let shown = |name: &str| -> ArrayRef {
        match (caller, name) {
            ("masks", "secret") => Arc::new(StringArray::from(vec!["5"; visible.num_rows()])),
            ("masks", "amt") => new_null_array(&DataType::Int64, visible.num_rows()),
            ("masks", "name") => text(name, &|name| {
                let first: String = name.chars().take(1).collect();
                first + &"*".repeat(name.chars().count() - 1)
            }),
            ("masks", "county") => {
                let key = mask_key().derive("pseudonym:department:bureau aid");
                text(name, &|county| to_hex(&key.tag(county.as_bytes()))[..32].to_owned())
            }
            ("masks" | "both", "day") => year(),
            ("both", "secret") => new_null_array(&DataType::Utf8, visible.num_rows()),
            ("both", "amt") => {
                let column = plain(name);
                let tens = column.as_primitive::<Int64Type>().iter().map(|n| n.map(|n| n - n % 10));
                Arc::new(tens.collect::<Int64Array>())
            }
            ("both", "money") => {
                let column = plain(name);
                let floors =
                    column.as_primitive::<Decimal128Type>().iter().map(|n| n.map(|n| n - n % 10_000));
                Arc::new(floors.collect::<Decimal128Array>().with_precision_and_scale(18, 2).unwrap())
            }
            ("both", "name") => text(name, &|name| {
                let last: String = name.chars().last().into_iter().collect();
                "*".repeat(name.chars().count() - 1) + &last
            }),
            _ => plain(name),
        }
    };
    let items = terms(caller)["items"].clone();
    let items: Vec<String> = serde_json::from_value(items).unwrap();
    // Neither a constant nor the number is ever NULL, which the planner may know.
    let nullable = |name: &str| name != "id" && (caller, name) != ("masks", "secret");
    let columns = items.iter().map(|name| (name, shown(name), nullable(name)));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// How an engine reads rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Parquet, filtered above its reader.
    Files,
    /// Parquet, filtered inside its reader too.
    Pushdown,
    /// Rows at hand.
    AtHand,
}

pub(crate) const WAYS: [Way; 3] = [Way::Files, Way::Pushdown, Way::AtHand];

/// Tables by caller, name and version.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<(String, String), BTreeMap<i64, OpenTable>>);

impl Memory {
    pub(crate) fn add(&mut self, caller: &str, name: &str, table: OpenTable) {
        let versions = self.0.entry((caller.to_owned(), name.to_owned())).or_default();
        versions.insert(table.dataset.version.number, table);
    }

    pub(crate) fn table(&self, caller: &str, name: &str) -> OpenTable {
        self.0[&(caller.to_owned(), name.to_owned())][&1].clone()
    }
}

#[async_trait]
impl Tables for Memory {
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        let TableName::Sql { department, name } = table else { return Err(Error::not_found("the resource")) };
        let unknown =
            || Error::new(ErrorCode::UnknownTable, format!("there is no table {department}.{name}"));
        let name = match name.as_str() {
            "处罚" => "penalties",
            other => other,
        };
        let caller = ctx.principal.id.trim_start_matches("operator:").to_owned();
        let versions = self.0.get(&(caller, name.to_owned())).ok_or_else(unknown)?;
        let found = match version {
            VersionSelector::Latest => versions.values().next_back(),
            VersionSelector::Number(number) => versions.get(&number),
            VersionSelector::At(time) => {
                versions.values().rev().find(|table| table.dataset.version.published_at <= time)
            }
        };
        match matches!(department.as_str(), "city" | "市局") {
            true => found.cloned().ok_or_else(unknown),
            false => Err(unknown()),
        }
    }

    async fn revision(&self) -> Result<Option<i64>> {
        Ok(Some(1))
    }

    async fn readable(&self, ctx: &OpContext) -> Result<Vec<OpenTable>> {
        let caller = ctx.principal.id.trim_start_matches("operator:");
        let own = self.0.iter().filter(|((of, _), _)| of == caller);
        Ok(own.filter_map(|(_, versions)| versions.values().next_back().cloned()).collect())
    }
}

/// The files and both sets of tables.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) governed: Arc<Memory>,
    pub(crate) copies: Arc<Memory>,
}

impl World {
    pub(crate) fn new(rows: i64) -> Self {
        let folder = TempDir::new().unwrap();
        let all = penalties(rows);
        let (mut governed, mut copies) = (Memory::default(), Memory::default());
        let stored = stored(&folder, "all", &all, "penalties");
        let counties = stored_counties(&folder);
        let cells = cells(&stored, LEAST_GROUP);
        let copy_of_cells = copy(&folder, "cells", &naive(&all, LEAST_GROUP as usize), "cells");
        for caller in CALLERS {
            governed.add(caller, "penalties", granted(&stored, &terms(caller)));
            copies.add(caller, "penalties", copy(&folder, caller, &copy_of(&all, caller), "penalties"));
            governed.add(caller, "cells", cells.clone());
            copies.add(caller, "cells", copy_of_cells.clone());
            governed.add(caller, "counties", counties.clone());
            copies.add(caller, "counties", counties.clone());
        }
        Self { folder, governed: Arc::new(governed), copies: Arc::new(copies) }
    }

    /// Some penalties under some terms.
    pub(crate) fn under(terms: &Value, rows: i64) -> Self {
        let folder = TempDir::new().unwrap();
        let mut governed = Memory::default();
        let stored = stored(&folder, "all", &penalties(rows), "penalties");
        governed.add("rows", "penalties", granted(&stored, terms));
        governed.add("rows", "counties", stored_counties(&folder));
        Self { folder, governed: Arc::new(governed), copies: Arc::default() }
    }

    /// The cells of these penalties alone.
    pub(crate) fn of_cells(batch: &RecordBatch, least: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let (mut governed, mut copies) = (Memory::default(), Memory::default());
        governed.add("rows", "cells", cells(&stored(&folder, "all", batch, "penalties"), least));
        copies.add("rows", "cells", copy(&folder, "cells", &naive(batch, least as usize), "cells"));
        Self { folder, governed: Arc::new(governed), copies: Arc::new(copies) }
    }

    pub(crate) fn parts(&self, tables: &Arc<Memory>, way: Way, partitions: usize) -> EngineParts {
        let store = LocalFileSystem::new_with_prefix(self.folder.path()).unwrap();
        EngineParts {
            tables: Arc::clone(tables) as _,
            objects: Arc::new(store),
            mask_key: mask_key(),
            cursor_key: MacKey::from_bytes(&[9; 32]).unwrap(),
            limits: Limits { time: Duration::from_secs(60), memory: 64 << 20, ..Limits::default() },
            revocations: Revocations::default(),
            partitions: Some(partitions),
            parquet_pushdown: way == Way::Pushdown,
            rows_at_hand: if way == Way::AtHand { u64::MAX } else { 0 },
            lookups: self.folder.path().join("lookups"),
            index_secrets: IndexSecrets { current: MacKey::from_bytes(&[8; 32]).unwrap(), retired: None },
        }
    }

    pub(crate) fn engine(&self, way: Way, partitions: usize) -> QueryEngine {
        QueryEngine::new(self.parts(&self.governed, way, partitions)).unwrap()
    }

    pub(crate) fn oracle(&self, way: Way, partitions: usize) -> QueryEngine {
        QueryEngine::new(self.parts(&self.copies, way, partitions)).unwrap()
    }
}

/// What a caller sees, as data of its own that somebody gave it.
fn copy(folder: &TempDir, place: &str, batch: &RecordBatch, name: &str) -> OpenTable {
    let mut copy = stored(folder, place, batch, name);
    copy.dataset.granted.kind = GrantKind::Unconditional;
    copy
}

/// The stored penalties under a grant of these terms.
fn granted(stored: &OpenTable, terms: &Value) -> OpenTable {
    let mut open = stored.clone();
    let grant = grant(terms, &stored.dataset.resource);
    let policy = BoundPolicy::bind(&grant.terms, &stored.dataset.resource, &BTreeMap::new()).unwrap();
    open.dataset.granted = GrantedPolicy { grant: Some(grant.id), kind: grant.terms.kind, policy };
    open
}

/// Cells of the stored penalties, as a table of its own.
fn cells(stored: &OpenTable, least: u32) -> OpenTable {
    let mut cells = stored.clone();
    cells.dataset.resource = resource("cells", &stored.schema);
    let terms = json!({
        "items": ["county", "name"],
        "filter": {"=": ["dept", "A"]},
        "statistics": {"measures": ["amt", "money"], "subject": "secret", "min_group": least},
    });
    granted(&cells, &terms)
}

fn stored_counties(folder: &TempDir) -> OpenTable {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("code", Arc::new(StringArray::from(vec!["360481", "360402", "420281"]))),
        ("k", Arc::new(Int64Array::from(vec![5, 31, 62]))),
    ];
    stored(folder, "counties", &RecordBatch::try_from_iter(columns).unwrap(), "counties")
}

fn mask_key() -> MacKey {
    MacKey::from_bytes(&[7; 32]).unwrap()
}

/// The batch as version 1 of a resource, under its provider's own grant.
pub(crate) fn stored(folder: &TempDir, place: &str, batch: &RecordBatch, name: &str) -> OpenTable {
    let resource = resource(name, &batch.schema());
    let policy = BoundPolicy::everything(&resource);
    let granted = GrantedPolicy { grant: None, kind: GrantKind::Own, policy };
    let version = serde_json::from_value(json!({
        "resource": resource.code, "number": 1, "change": "replace", "rows": batch.num_rows(), "bytes": 0,
        "manifest_digest": Digest::of(place.as_bytes()).to_hex(), "made_at": Timestamp(0), "published_at": Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        "published_by": "steward", "state": "published", "tombstone": null,
    }));
    OpenTable {
        dataset: Dataset { resource, granted, version: version.unwrap(), until: None },
        schema: batch.schema(),
        files: parts(folder, place, batch),
        places: None,
    }
}

fn resource(name: &str, schema: &Schema) -> Resource {
    let items = schema.fields().iter().map(|field| {
        let title = TITLES.iter().find(|(column, _)| column == field.name()).map_or("项", |column| column.1);
        let kind = match field.data_type() {
            DataType::Int64 => "I",
            DataType::Decimal128(..) => "Y",
            DataType::Date32 => "D",
            _ => "C",
        };
        json!({
            "title": title, "column": field.name(), "type": {"kind": kind, "length": 0},
            "sharing": {"type": "unconditional"}, "opening": {"type": "closed"},
        })
    });
    let key: Vec<&str> = if name == "penalties" { vec!["id"] } else { vec![] };
    serde_json::from_value(json!({
        "code": if name == "penalties" { "301001/000001" } else { "301001/000002" },
        "sql_name": name, "title": "处罚", "provider": "city", "classification": [], "abstract": "synthetic",
        "format": {"class": "数据库", "kind": "mysql"}, "items": items.collect::<Vec<_>>(),
        "sharing_method": {"class": "共享平台", "kind": "数据库"}, "update_cycle": "daily", "published_on": null,
        "key": key, "verifications": if name == "penalties" { vec!["secret+name", "dept+name"] } else { vec![] },
    }))
    .unwrap()
}

fn grant(terms: &Value, resource: &Resource) -> Grant {
    let mut grant = json!({
        "id": GRANT, "kind": "unconditional", "resource": resource.code, "grantee": {"department": "bureau"},
        "legal_basis": "test", "valid_from": Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        "doors": ["sql"], "created_by": "t", "created_at": Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
    });
    grant.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let grant: Grant = serde_json::from_value(grant).unwrap();
    grant.terms.check(resource).unwrap();
    grant
}

/// The context of a caller.
pub(crate) fn context(caller: &str) -> OpContext {
    let roles = BTreeSet::from([Role::Analyst]);
    let now = Timestamp::parse(NOW).unwrap();
    exchange_auth::operator_context(caller, None, roles, "request".to_owned(), now)
}
