//! Which tables, items and rows are in view, by which grant, and what is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::Resource;
use catalog_core::policy::{BoundFilter, DecidedBy, Filter, Mask, TypedLiteral, VisibleColumn};
use catalog_core::ports::SearchQuery;
use catalog_core::services::{AccessQuestion, Dataset};
use catalog_core::{Channel, DepartmentId, Error, ErrorCode, OpContext, ResourceCode, Result};
use openapi_contract::{ColumnInView, TableInView, TableOutOfView, TablesInView};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

/// Tables of one answer.
const TABLES: usize = 100;
/// Tables out of view that are looked at for one answer.
const OTHERS: u32 = 30;
/// Characters of what is looked for.
const MAX_WORDS: usize = 100;
/// Characters of a condition; the rest is left to `/api/v1/resources/{code}/why`.
const MAX_CONDITION: usize = 2_000;

/// Which tables.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// A part of the table's name, title or code, or of the provider's machine name; at most 100 characters.
    #[serde(default)]
    q: String,
    /// What `next` of the page before said.
    after: Option<String>,
}

/// The tables in view: each with its columns, masks and rows, and the grant by which the caller sees it; and some that are not,
/// with the reason
#[utoipa::path(get, path = "/api/v1/sql/tables", tag = "sql", params(Wanted),
    responses((status = 200, description = "At most 100 tables, by code", body = TablesInView)))]
pub(super) async fn list_tables_in_view(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Wanted { q, after }): Params<Wanted>,
) -> Result<Json<TablesInView>, Refusal> {
    Ok(Json(in_view(&app, &ctx, &q, after.as_deref()).await?))
}

/// The tables that the caller can read by SQL as it asks, and others of its directory.
pub(crate) async fn in_view(
    app: &App,
    ctx: &OpContext,
    words: &str,
    after: Option<&str>,
) -> Result<TablesInView> {
    let words = words.trim().to_lowercase();
    if words.chars().count() > MAX_WORDS {
        let message = format!("a name to look for has at most {MAX_WORDS} characters");
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    let after = after.map(ResourceCode::from_path).transpose()?;
    let mut ctx = ctx.clone();
    ctx.channel = Channel::Sql;
    let _place = app.page(&ctx).await?;
    let departments = app.services.departments(&ctx).await?;
    let names: BTreeMap<_, _> = departments.into_iter().map(|one| (one.id, one.name)).collect();
    let is_wanted = |resource: &Resource| is_called(resource, &words);
    let found = app.services.readable_page(&ctx, &app.datasets, &is_wanted, after.as_ref(), TABLES).await?;
    let (readable, next) = found;
    let mut view = TablesInView { next, ..TablesInView::default() };
    for (code, dataset) in readable {
        match dataset {
            Ok(dataset) => view.tables.push(table(app, &ctx, &names, &dataset).await?),
            Err(error) => {
                tracing::warn!(%code, code = %error.code, cause = error.internal_cause(), "a table can't be shown");
            }
        }
    }
    if after.is_none() {
        view.others = others(app, &ctx, &names, &words, &view.tables).await?;
    }
    Ok(view)
}

/// Names alone are compared: items of a resource may be nothing that the caller knows of.
fn is_called(resource: &Resource, words: &str) -> bool {
    let names = [
        resource.title.as_str(),
        resource.sql_name.as_str(),
        resource.provider.as_str(),
        resource.code.as_str(),
    ];
    words.is_empty() || names.iter().any(|name| name.to_lowercase().contains(words))
}

fn name_of(names: &BTreeMap<DepartmentId, String>, id: &DepartmentId) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_string())
}

async fn table(
    app: &App,
    ctx: &OpContext,
    names: &BTreeMap<DepartmentId, String>,
    dataset: &Dataset,
) -> Result<TableInView> {
    let Dataset { resource, granted, version, .. } = dataset;
    let asked = AccessQuestion {
        resource: resource.code.clone(),
        principal: None,
        action: None,
        door: Some(Channel::Sql),
        purpose: ctx.purpose.clone(),
        item: None,
        row: BTreeMap::new(),
    };
    // The policy of the version names records that are withdrawn; what the grant says does not.
    let answer = app.services.explain(ctx, ctx.principal.clone(), &asked).await?;
    let rows = answer.decision.obligations.and_then(|granted| granted.policy.filter);
    Ok(TableInView {
        department: resource.provider.to_string(),
        department_name: name_of(names, &resource.provider),
        name: resource.sql_name.to_string(),
        title: resource.title.clone(),
        code: resource.code.clone(),
        version: version.number,
        kind: granted.kind,
        grant: granted.grant.as_ref().map(ToString::to_string),
        article: answer.article,
        columns: granted.policy.columns.iter().map(column).collect(),
        hidden: granted.policy.denied,
        rows: rows.as_ref().map(|filter| shortened(condition(filter))),
        is_cells: granted.policy.statistics.is_some(),
    })
}

fn column(visible: &VisibleColumn) -> ColumnInView {
    let VisibleColumn { column, title, stored_type, mask } = visible;
    let masked = mask.as_ref().and_then(|mask| mask.output_type(*stored_type));
    ColumnInView {
        name: column.to_string(),
        title: title.clone(),
        data_type: masked.unwrap_or(*stored_type).to_string(),
        mask: mask.as_ref().map(|mask| mask_name(mask).to_owned()),
    }
}

fn mask_name(mask: &Mask) -> &'static str {
    match mask {
        Mask::Null => "null",
        Mask::Constant { .. } => "constant",
        Mask::KeepFirst { .. } => "keep_first",
        Mask::KeepLast { .. } => "keep_last",
        Mask::Year => "year",
        Mask::Bucket { .. } => "bucket",
        Mask::Pseudonym { .. } => "pseudonym",
    }
}

/// Tables of the caller's directory that are refused, with the reason; what has no data yet is not among them.
async fn others(
    app: &App,
    ctx: &OpContext,
    names: &BTreeMap<DepartmentId, String>,
    words: &str,
    tables: &[TableInView],
) -> Result<Vec<TableOutOfView>> {
    let query = SearchQuery { text: words.to_owned(), limit: OTHERS, ..SearchQuery::default() };
    let mut others = Vec::new();
    for hit in app.services.search(ctx, query).await?.hits {
        if tables.iter().any(|table| table.code == hit.code) {
            continue;
        }
        let Ok(decision) = app.services.why(ctx, &hit.code).await else { continue };
        if let DecidedBy::Rule { code, reason } = decision.determined_by {
            others.push(TableOutOfView {
                code: hit.code,
                title: hit.title,
                department_name: name_of(names, &hit.department),
                reason_code: code,
                reason,
            });
        }
    }
    Ok(others)
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CONDITION) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A filter as a condition of SQL, for people.
fn condition(filter: &BoundFilter) -> String {
    let compared = |column: &str, operator: &str, value: &TypedLiteral| {
        format!("{column} {operator} {}", literal(value))
    };
    let joined = |parts: &[BoundFilter], word: &str, empty: &str| match parts {
        [] => empty.to_owned(),
        [one] => condition(one),
        parts => parts.iter().map(|part| format!("({})", condition(part))).collect::<Vec<_>>().join(word),
    };
    match filter {
        Filter::And(parts) => joined(parts, " AND ", "TRUE"),
        Filter::Or(parts) => joined(parts, " OR ", "FALSE"),
        Filter::Not(part) => format!("NOT ({})", condition(part)),
        Filter::Eq(column, value) => compared(column, "=", value),
        Filter::Ne(column, value) => compared(column, "<>", value),
        Filter::Lt(column, value) => compared(column, "<", value),
        Filter::Le(column, value) => compared(column, "<=", value),
        Filter::Gt(column, value) => compared(column, ">", value),
        Filter::Ge(column, value) => compared(column, ">=", value),
        Filter::In(column, values) => {
            format!("{column} IN ({})", values.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Filter::Between(column, low, high) => {
            format!("{column} BETWEEN {} AND {}", literal(low), literal(high))
        }
        Filter::Like(column, pattern) => format!("{column} LIKE {}", quoted(pattern)),
        Filter::IsNull(column) => format!("{column} IS NULL"),
    }
}

fn literal(value: &TypedLiteral) -> String {
    match value {
        TypedLiteral::Text(text) => quoted(text),
        TypedLiteral::Int(number) => number.to_string(),
        TypedLiteral::Decimal { unscaled, scale, .. } => decimal(*unscaled, *scale),
        TypedLiteral::Double(number) => number.to_string(),
        TypedLiteral::Float(number) => number.to_string(),
        TypedLiteral::Date(date) => format!("DATE '{date}'"),
        TypedLiteral::Timestamp(at) => format!("TIMESTAMP '{at}'"),
        TypedLiteral::Bool(flag) => flag.to_string().to_uppercase(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An exact number with its digits after the point.
fn decimal(unscaled: i128, scale: i8) -> String {
    let places = usize::try_from(scale).unwrap_or_default();
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if unscaled < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_written_as_sql() {
        let eq =
            |column: &str, value: &str| Filter::Eq(column.to_owned(), TypedLiteral::Text(value.to_owned()));
        assert_eq!(condition(&eq("county", "3'6")), "county = '3''6'");
        let both = Filter::And(vec![eq("a", "1"), Filter::Not(Box::new(Filter::IsNull("b".to_owned())))]);
        assert_eq!(condition(&both), "(a = '1') AND (NOT (b IS NULL))");
        assert_eq!(condition(&Filter::Or(Vec::new())), "FALSE");
    }

    #[test]
    fn exact_numbers_keep_their_digits() {
        assert_eq!(decimal(10_050, 2), "100.50");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(7, 0), "7");
    }
}
