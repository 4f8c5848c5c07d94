//! Datasets as the public's directory lists them.

use std::sync::Arc;

use catalog_core::directory::Department;
use catalog_core::schema::visible;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use openapi_dcat::{Described, File, Release, opened};

use crate::app::App;
use crate::downloads::Kind;

/// The datasets of a page with what is to be said of them. What was withdrawn since it was found is left out.
pub(super) async fn described(
    app: &Arc<App>,
    ctx: &OpContext,
    codes: &[ResourceCode],
) -> Result<Vec<Described>> {
    let departments = app.services.departments(ctx).await?;
    let mut all = Vec::with_capacity(codes.len());
    for code in codes {
        match one(app, ctx, code, &departments).await {
            Ok(described) => all.push(described),
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

async fn one(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    departments: &[Department],
) -> Result<Described> {
    let resource = app.services.resource(ctx, code).await?;
    let provider = departments.iter().find(|department| department.id == resource.provider);
    let provider = provider.cloned().ok_or_else(|| Error::internal(format!("{code} has no provider")))?;
    let (resource, release) = match app.services.open(ctx, &app.datasets, code, VersionSelector::Latest).await
    {
        Ok(dataset) => (visible(&dataset.resource, &dataset.granted.policy), Some(release(&dataset))),
        Err(error) => {
            // One damaged dataset hides no other.
            if !is_without_data(&error) {
                let (request_id, cause) = (&ctx.request_id, error.internal_cause());
                tracing::error!(request_id, %code, error = %error.code, cause, "listed without its data");
            }
            (opened(resource), None)
        }
    };
    Ok(Described { resource, provider, release })
}

/// Whether the code says that there are no data for this reader, and nothing was opened.
pub(crate) fn is_without_data(error: &Error) -> bool {
    let says = matches!(error.code, ErrorCode::NotFound | ErrorCode::NotGranted | ErrorCode::Withdrawn);
    says && error.opened().is_empty()
}

/// The files of a version; their sizes are said where they are known to be written.
fn release(dataset: &Dataset) -> Release {
    let version = &dataset.version;
    let kinds = Kind::of(&dataset.granted.policy, version).filter(|kind| matches!(kind, Kind::Data(_)));
    let file = |kind: Kind| File {
        format: kind.extension(),
        media_type: kind.media_type().to_owned(),
        stored: None,
    };
    Release { number: version.number, published_at: version.published_at, files: kinds.map(file).collect() }
}
