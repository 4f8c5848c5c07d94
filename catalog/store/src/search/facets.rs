//! Counts per field and value over the matching rows.

use catalog_core::Result;
use catalog_core::ports::Facet;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::filter::Matching;
use crate::failure::failed;

/// The facets and their columns.
const FIELDS: [(&str, &str); 6] = [
    ("department", "department"),
    ("sharing", "sharing"),
    ("opening", "opening"),
    ("update_cycle", "update_cycle"),
    ("format", "format"),
    ("classification", "item"),
];

/// Counts every facet in one statement. With words the matching rows are found once and kept; without, every
/// field is counted on its own index.
pub(super) async fn count(connection: &mut AnyConnection, matching: &Matching) -> Result<Vec<Facet>> {
    let source = if matching.ranked { "FROM matched s" } else { &matching.source };
    let counts = FIELDS.map(|(field, column)| {
        format!(
            "SELECT '{field}' AS field, s.{column} AS value, COUNT(*) AS number {source} GROUP BY s.{column}"
        )
    });
    let matched = match matching.ranked {
        true => {
            let columns = FIELDS.map(|(_, column)| format!("s.{column}")).join(", ");
            format!("WITH matched AS MATERIALIZED (SELECT {columns} {}) ", matching.source)
        }
        false => String::new(),
    };
    let sql = format!("{matched}{}", counts.join(" UNION ALL "));
    let rows = matching.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(connection).await.map_err(failed)?;
    let mut facets = FIELDS.map(|(field, _)| Facet { field: field.to_owned(), counts: Vec::new() });
    for row in &rows {
        let field: &str = row.try_get("field").map_err(failed)?;
        let number: i64 = row.try_get("number").map_err(failed)?;
        if let Some(facet) = facets.iter_mut().find(|facet| facet.field == field) {
            facet.counts.push((row.try_get("value").map_err(failed)?, number.unsigned_abs()));
        }
    }
    for facet in &mut facets {
        facet.counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    }
    Ok(facets.into())
}
