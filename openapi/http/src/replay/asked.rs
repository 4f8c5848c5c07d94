//! What a kept text asks for. The text is all that is known: `Accept`, and which part of a file was wanted, stand nowhere.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Query;
use catalog_core::policy::filter::Literal;
use catalog_core::policy::{Filter, Operand};
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use exchange_crypto::Digest;
use exchange_query::replay::leaves_open;
use exchange_query::{Pair, PastTables, QueryRequest, Selection, TableName, Tables as _, Verification};
use http::Uri;
use openapi_contract::{
    KeyValue, RecordKey, RecordLookup, RecordsQuery, SqlQuery, VerificationBatch, VerificationRequest,
};
use percent_encoding::percent_decode_str;

use super::refused;
use crate::ckan;
use crate::downloads::{material_named, material_selection};
use crate::ogc::{self, FeatureLines};
use crate::portal;
use crate::records::{is_value, query_of, selection};
use crate::verifications;

/// What is computed again.
pub(super) enum Asked {
    /// Rows, and what the request leaves open.
    Rows(Box<QueryRequest>, Option<&'static str>),
    /// Features, each in a line of its own.
    Features(Box<Selection>, FeatureLines),
    /// Whether pairs agreed: one pair by itself, or many.
    Pairs(Verification),
    /// A material, for whoever saw a row that names it.
    Material(Box<Selection>, Digest),
}

/// The text that the vault keeps of a request: its line, the digest of its body, its body.
pub(super) struct KeptText<'a> {
    method: &'a str,
    address: Uri,
    body: &'a [u8],
}

fn damaged() -> Error {
    Error::new(ErrorCode::Corrupt, "the text kept of the request is no request")
}

impl<'a> KeptText<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<Self> {
        let mut parts = text.splitn(3, |byte| *byte == b'\n');
        let head = parts.next().and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(damaged)?;
        let digest = parts.next().unwrap_or_default();
        let body = parts.next().unwrap_or_default();
        if !digest.is_empty() && Digest::of(body).to_hex().as_bytes() != digest {
            return Err(damaged());
        }
        let (method, address) = head.split_once(' ').ok_or_else(damaged)?;
        Ok(Self { method, address: address.parse().map_err(|_| damaged())?, body })
    }

    /// What it asks for, of the tables of then.
    pub(super) async fn asked(&self, tables: &PastTables<'_>, then: &OpContext) -> Result<Asked> {
        if let Some((request, open)) = self.rows(tables, then).await? {
            return Ok(Asked::Rows(Box::new(request), open));
        }
        if let Some(asked) = self.features(tables, then).await? {
            return Ok(asked);
        }
        if let Some(wanted) = self.pairs()? {
            return Ok(Asked::Pairs(wanted));
        }
        if let Some(asked) = self.material(tables, then).await? {
            return Ok(asked);
        }
        Err(refused("it was no query and no file of rows, but another request"))
    }

    async fn rows(
        &self,
        tables: &PastTables<'_>,
        then: &OpContext,
    ) -> Result<Option<(QueryRequest, Option<&'static str>)>> {
        let (method, path) = (self.method, self.address.path());
        if let Some(sql) = self.own_sql()? {
            if path == portal::SQL && portal::is_for_people(self.body) {
                return Err(refused(
                    "the answer was a page for people: ask for its rows as a file, and check that",
                ));
            }
            let open = leaves_open(&sql)?;
            return Ok(Some((QueryRequest::Sql(sql), open)));
        }
        let of_records =
            path.strip_prefix("/api/v1/resources/").and_then(|rest| rest.strip_suffix("/records"));
        if let Some(code) = of_records {
            let code = ResourceCode::from_path(code)?;
            let query = match method {
                "POST" => serde_json::from_slice(self.body).map_err(|_| damaged())?,
                _ => asked_by_address(&self.address)?,
            };
            let selection = selection(code, query).map_err(|refusal| refusal.error)?;
            return Ok(Some((QueryRequest::Selection(selection), None)));
        }
        if let Some(found) = self.looked_up(tables, then).await? {
            return Ok(Some(found));
        }
        if let Some(action) = ckan::action_of(path) {
            let asked = ckan::asked_again(action, &self.address, self.body, (tables, then)).await;
            let Some(request) = asked.map_err(|refusal| refusal.error)? else { return Ok(None) };
            let open = match &request {
                QueryRequest::Sql(sql) => leaves_open(sql)?,
                _ => None,
            };
            return Ok(Some((request, open)));
        }
        self.file()
    }

    /// The SQL in the body of a request to one of our own doors; `None` at others.
    fn own_sql(&self) -> Result<Option<String>> {
        match (self.method, self.address.path()) {
            ("POST", "/api/v1/sql") => {
                let SqlQuery { sql } = serde_json::from_slice(self.body).map_err(|_| damaged())?;
                Ok(Some(sql))
            }
            ("POST", portal::SQL) => portal::entered_sql(self.body).map(Some).ok_or_else(damaged),
            _ => Ok(None),
        }
    }

    /// Records that were looked up, as the selection of those that have these keys.
    async fn looked_up(
        &self,
        tables: &PastTables<'_>,
        then: &OpContext,
    ) -> Result<Option<(QueryRequest, Option<&'static str>)>> {
        let rest = self.address.path().strip_prefix("/api/v1/datasets/");
        let Some((code, key)) = rest.and_then(|rest| rest.split_once("/records/")) else { return Ok(None) };
        let table = TableName::Code(ResourceCode::from_path(code)?);
        let wanted: RecordLookup = match self.method {
            "POST" => serde_json::from_slice(self.body).map_err(|_| damaged())?,
            _ => {
                let key = percent_decode_str(key).decode_utf8().map_err(|_| damaged())?.into_owned();
                let keys = vec![RecordKey::One(KeyValue::Text(key))];
                RecordLookup { keys, items: Vec::new() }
            }
        };
        let open = tables.open(then, &table, VersionSelector::Latest).await?;
        let keys: Vec<_> = wanted.keys.into_iter().map(RecordKey::into_texts).collect();
        let again = "a record that is looked up twice stands in the answer twice";
        let is_twice = keys.iter().collect::<BTreeSet<_>>().len() < keys.len();
        let columns: Vec<_> = open.dataset.resource.key.iter().map(ToString::to_string).collect();
        let literal = |value: String| Operand::Literal(Literal::Text(value));
        let filter = Some(match &columns[..] {
            [column] => Filter::In(column.clone(), keys.into_iter().flatten().map(literal).collect()),
            columns => {
                let is_of = |values: Vec<String>| {
                    let each = columns.iter().cloned().zip(values);
                    Filter::And(each.map(|(column, value)| is_value(column, value)).collect())
                };
                Filter::Or(keys.into_iter().map(is_of).collect())
            }
        });
        let selection = Selection { columns: wanted.items, filter, ..Selection::of(table) };
        Ok(Some((QueryRequest::Selection(selection), is_twice.then_some(again))))
    }

    /// Pairs that were verified.
    fn pairs(&self) -> Result<Option<Verification>> {
        let (resource, profile, pairs) = match (self.method, self.address.path()) {
            ("POST", verifications::PREFIX) => {
                let asked: VerificationRequest = serde_json::from_slice(self.body).map_err(|_| damaged())?;
                (asked.resource, asked.profile, vec![(asked.identifier, asked.attribute)])
            }
            ("POST", verifications::BATCH) => {
                let asked: VerificationBatch = serde_json::from_slice(self.body).map_err(|_| damaged())?;
                (asked.resource, asked.profile, asked.pairs)
            }
            _ => return Ok(None),
        };
        let pairs = pairs.into_iter().map(|(identifier, attribute)| Pair { identifier, attribute });
        Ok(Some(Verification { table: TableName::Code(resource), profile, pairs: pairs.collect() }))
    }

    fn file(&self) -> Result<Option<(QueryRequest, Option<&'static str>)>> {
        let path = self.address.path();
        let of_file = path.strip_prefix("/datasets/").and_then(|rest| rest.split_once('/'));
        if let Some((code, file)) = of_file
            && self.method == "GET"
            && [".parquet", ".csv", ".jsonl"].iter().any(|ending| file.ends_with(ending))
        {
            let table = TableName::Code(ResourceCode::from_path(code)?);
            let open = "a part of a file may be its answer";
            return Ok(Some((QueryRequest::Selection(Selection::of(table)), Some(open))));
        }
        if let Some((code, number)) = of_shared_file(path)
            && self.method == "GET"
        {
            let table = TableName::Code(ResourceCode::from_path(code)?);
            let selection = Selection { version: VersionSelector::Number(number), ..Selection::of(table) };
            let open = "one of several files of the table may be its answer, or a part of one";
            return Ok(Some((QueryRequest::Selection(selection), Some(open))));
        }
        Ok(None)
    }

    async fn features(&self, tables: &PastTables<'_>, then: &OpContext) -> Result<Option<Asked>> {
        if self.method != "GET" {
            return Ok(None);
        }
        let Some(code) = ogc::code_of_features(self.address.path()) else { return Ok(None) };
        let table = TableName::Code(ResourceCode::from_path(code)?);
        let open = tables.open(then, &table, VersionSelector::Latest).await?;
        let asked = ogc::asked_again(&self.address, &open.dataset).map_err(|refusal| refusal.error)?;
        Ok(asked.map(|(selection, lines)| Asked::Features(Box::new(selection), lines)))
    }

    async fn material(&self, tables: &PastTables<'_>, then: &OpContext) -> Result<Option<Asked>> {
        if self.method != "GET" {
            return Ok(None);
        }
        let Some((code, digest)) = material_named(self.address.path()) else { return Ok(None) };
        let table = TableName::Code(ResourceCode::from_path(code)?);
        let open = tables.open(then, &table, VersionSelector::Latest).await?;
        let selection = material_selection(&open.dataset, &digest);
        let selection = selection.ok_or_else(|| refused("no material is seen under the policy of then"))?;
        Ok(Some(Asked::Material(Box::new(selection), digest)))
    }
}

/// The SQL that a kept text asks, if it asks any.
pub(crate) fn sql_of(text: &[u8]) -> Option<String> {
    let kept = KeptText::read(text).ok()?;
    match ckan::action_of(kept.address.path()) {
        Some(action) => ckan::asked_sql(action, &kept.address, kept.body),
        None => kept.own_sql().ok().flatten(),
    }
}

/// The resource and the version of a shared table's file.
fn of_shared_file(path: &str) -> Option<(&str, i64)> {
    let (code, rest) = path.strip_prefix("/delta-sharing/files/")?.split_once('/')?;
    Some((code, rest.split_once('/')?.0.parse().ok()?))
}

/// The selection that an address asks for.
fn asked_by_address(address: &Uri) -> Result<RecordsQuery> {
    let query = Query::<BTreeMap<String, String>>::try_from_uri(address);
    let Query(mut values) = query.map_err(|_| refused("the address of the request can't be read"))?;
    values.remove("format");
    let mut query = query_of(&mut values).map_err(|refusal| refusal.error)?;
    let parts: Vec<_> = values.into_iter().map(|(column, value)| is_value(column, value)).collect();
    query.filter = (!parts.is_empty()).then_some(Filter::And(parts));
    Ok(query)
}
