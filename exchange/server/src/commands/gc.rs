//! `gc`: erases objects that no version needs.

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
    let text = format!("{objects} objects, {bytes} bytes {verb}; {kept} stay");
    output::outcome(global, &collected, text);
    Ok(())
}
