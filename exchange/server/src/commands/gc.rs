//! `gc`: erases objects that no version needs.

use catalog_core::{Result, Timestamp};
use datasets_store::Garbage;

use crate::cli::Global;
use crate::compose::Platform;
use crate::folder::io;
use crate::output;

/// Nothing younger is erased: it may belong to a version that is being written.
const GRACE_SECONDS: i64 = 3600;

/// Collects the garbage of the folder.
pub(crate) async fn run(global: &Global, dry_run: bool) -> Result<()> {
    let platform = Platform::open(&global.data_dir, None).await?;
    let ctx = platform.operator(&global.operator, Some(":system_administrator")).await?;
    let versions = platform.services().all_versions(&ctx).await?;
    let older_than = Timestamp::now().plus_seconds(-GRACE_SECONDS);
    let garbage = Garbage { older_than, dry_run };
    let mut collected = platform.datasets().gc(&versions, garbage).await?;
    let objects = platform.folder().path("objects");
    datasets_store::collect_unfinished(&objects, garbage, &mut collected)
        .map_err(|error| io(&objects, &error))?;
    platform.close().await?;
    if global.json {
        let (objects, bytes, kept) = (&collected.objects, collected.bytes, collected.kept);
        output::document(
            &serde_json::json!({ "objects": objects, "bytes": bytes, "kept": kept, "dry_run": dry_run }),
        );
        return Ok(());
    }
    let verb = if dry_run { "would be erased" } else { "erased" };
    output::done(format!(
        "{} objects, {} bytes {verb}; {} stay",
        collected.objects.len(),
        collected.bytes,
        collected.kept
    ));
    Ok(())
}
