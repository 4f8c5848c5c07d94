//! `gc`: erases objects that no version needs, and withdrawn records whose time is over.

use catalog_core::{Error, Result};
use http::Method;
use openapi_contract::{GarbageCollected, GarbageCollection};

use crate::cli::Global;
use crate::client::{Client, Payload};
use crate::output;

/// Collects the garbage.
pub(crate) async fn run(client: &Client, global: &Global, dry_run: bool) -> Result<()> {
    let body = serde_json::to_value(GarbageCollection { dry_run }).map_err(Error::internal)?;
    let path = "/api/v1/maintenance/gc";
    let collected: GarbageCollected = client.json(Method::POST, path, Payload::Json(body)).await?;
    let verb = if dry_run { "would be erased" } else { "erased" };
    let (objects, bytes, kept) = (collected.objects.len(), collected.bytes, collected.kept);
    let rows: i64 = collected.versions.iter().filter_map(|version| version.rows).sum();
    let records = match (collected.versions.len(), dry_run) {
        (0, _) => String::new(),
        (versions, true) => format!("; withdrawn records of {versions} versions are due"),
        (versions, false) => format!("; {rows} withdrawn rows erased from {versions} versions"),
    };
    let text = format!("{objects} objects, {bytes} bytes {verb}; {kept} stay{records}");
    output::outcome(global, &collected, text);
    Ok(())
}
