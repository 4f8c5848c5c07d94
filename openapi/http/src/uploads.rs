//! Data of the caller's department, from a file to a published version.

mod follow;
mod sample;
mod waiting;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::dataset::{self, ChangeKind, Notice, Version, VersionState};
use catalog_core::directory::{Reference, Resource};
use catalog_core::evidence::SourceRead;
use catalog_core::policy::GrantKind;
use catalog_core::services::{Dataset, Look, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode};
use datasets_ingest::{
    Delivery, Ingest, IngestOptions, LoadedReferences, Prepared, Progress, Progressed, SourceFormat,
};
use datasets_store::{Manifest, Quality, jws};
use exchange_auth::JwkSet;
use exchange_crypto::{Digest, PublicKey};
use exchange_query::QueryAnswer;
use futures::TryStreamExt;
use http::{HeaderMap, StatusCode, header};
use object_store::ObjectStoreExt;
use openapi_contract::{PreparedVersion, QualityReport, RuleViolations, UploadReport};
use serde::Deserialize;
use tokio::sync::OwnedRwLockReadGuard;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::waiting::waiting_versions;
use crate::app::App;
use crate::evidence::{self, Asked, Reading};
use crate::extract::{Code, CodePath, Input, Number, NumberPath, Params, essence, invalid};
use crate::openings::Check;
use crate::payload::Upload;
use crate::problem::Refusal;
use crate::records::make_ready;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(upload_data))
        .routes(routes!(publish_version))
        .routes(routes!(waiting::list_waiting_versions))
        .routes(routes!(get_quality))
        .routes(routes!(get_quarantine))
        .merge(sample::routes())
        .merge(follow::routes())
}

pub(crate) use follow::Following;
pub(crate) use sample::{SAMPLE, SAMPLE_BYTES};

/// As long as it lives no garbage is erased.
type Held = OwnedRwLockReadGuard<()>;

/// How a file becomes a version.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `replace`, `append` or `upsert`; `replace` when left out.
    #[param(inline)]
    pub(crate) change: Option<ChangeKind>,
    /// The largest share of bad rows, from 0 to 1, with which a version is still made; 0.05 when left out.
    pub(crate) threshold: Option<f64>,
    /// The file's name; its ending tells the format. Without it the media type does.
    pub(crate) name: Option<String>,
    /// Whether the version is published at once.
    #[serde(default)]
    pub(crate) publish: bool,
    /// Whether a replacement may remove or retype columns: then it is announced, and in effect after review and notice.
    #[serde(default)]
    pub(crate) breaking: bool,
    /// Why it does, for readers; needed where it is breaking.
    pub(crate) reason: Option<String>,
    /// Days from the review to the change; 30 when left out, 7 at least.
    pub(crate) notice_days: Option<u32>,
    /// A name that the client draws by chance, 16 to 64 letters and digits: under it `data/progress` tells how far the upload is.
    pub(crate) follow: Option<String>,
}

/// Upload a file: it is checked row by row, and becomes a version
///
/// Bad rows are set aside and counted; too many of them and no version is made. What is not published at once waits under
/// the number and digest of the report.
///
/// What removes or retypes columns is announced with `breaking`: it waits for review by another person, and is in effect
/// when its notice has passed. Until then `latest` keeps the old columns, and deliveries without `breaking` are checked
/// against them; another delivery with `breaking` in the announced columns keeps the announced date.
#[utoipa::path(post, path = "/api/v1/resources/{code}/data", tag = "data", params(CodePath, Wanted),
    request_body(content((String = "text/csv"), (String = "application/jsonl"), (String = "application/geo+json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Vec<u8> = "application/vnd.apache.parquet"))),
    responses((status = 201, description = "The version with its quality report", body = UploadReport)))]
async fn upload_data(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    (Extension(upload), Extension(asked)): (Extension<Arc<Upload>>, Extension<Asked>),
    Code(code): Code,
    Params(wanted): Params<Wanted>,
    follower: Option<Extension<Follower>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let delivery = delivery(&upload, wanted.name.as_deref(), &headers);
    let follower = follower.map(|Extension(follower)| follower);
    let (report, reading) = deliver(&app, &ctx, &asked, delivery, &code, &wanted, follower).await?;
    let mut response = (StatusCode::CREATED, Json(report)).into_response();
    if let Some(reading) = reading {
        response.extensions_mut().insert(reading);
    }
    Ok(response)
}

/// Checks a delivery and makes a version of it. Beside the report stands what was read of other departments for it.
pub(crate) async fn deliver(
    app: &Arc<App>,
    ctx: &OpContext,
    asked: &Asked,
    delivery: Result<Delivery, Refusal>,
    code: &ResourceCode,
    wanted: &Wanted,
    follower: Option<Follower>,
) -> Result<(UploadReport, Option<Reading>), Refusal> {
    let held = app.no_erasing().await;
    // Whoever may not deliver learns nothing of their file.
    let number = app.services.next_version(ctx, code).await?;
    let delivery = delivery?;
    let options = options(app, ctx, code, number, wanted).await?;
    let resource = expected(app, ctx, code, &options).await?;
    let followed = wanted.follow.as_deref().map(|name| app.following.begin(ctx, code, name)).transpose()?;
    let followed = followed.map(Arc::new);
    let follower = follower.or_else(|| followed.as_ref().map(|followed| followed.follower()));
    let mut references = References::default();
    let found = references.load(app, ctx, &resource).await;
    let References { loaded, sources } = references;
    // Report and refusal alike tell which values another department's data lacks.
    let reading = match sources.is_empty() {
        true => None,
        false => Some(evidence::begin(app, ctx, asked, sources.clone()).await?),
    };
    let ingest = Ingest {
        store: &app.datasets,
        resource: &resource,
        order_key: &app.layout_key,
        signing_key: &app.signer,
        divisions: app.divisions.clone(),
        references: Some(Arc::new(loaded)),
        progress: follower.unwrap_or_else(|| Arc::new(Quiet) as _),
    };
    let taken = async {
        found?;
        let prepared = ingest.prepare(&delivery, &options).await?;
        if let Some(followed) = followed.as_ref().filter(|_| wanted.publish) {
            followed.publishes();
        }
        report(app, ctx, prepared, wanted.publish.then_some(held)).await
    };
    let report = taken.await.map_err(|error| error.after_opening(sources))?;
    Ok((report, reading))
}

/// What an upload came to, published where the hold on erasing is given for it.
async fn report(
    app: &Arc<App>,
    ctx: &OpContext,
    prepared: Prepared,
    publishing: Option<Held>,
) -> Result<UploadReport, Error> {
    let published = match publishing {
        Some(held) => Some(publish(app, ctx, &prepared, held).await?),
        None => None,
    };
    Ok(UploadReport {
        prepared: PreparedVersion {
            number: prepared.manifest.version,
            manifest_digest: prepared.digest.to_hex(),
        },
        published,
        quality: quality(&prepared.manifest.quality),
    })
}

/// Publish a version that was uploaded and waits
#[utoipa::path(post, path = "/api/v1/resources/{code}/versions", tag = "data", params(CodePath),
    request_body = PreparedVersion, responses((status = 201, description = "The version", body = Version)))]
async fn publish_version(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Input(waiting): Input<PreparedVersion>,
) -> Result<(StatusCode, Json<Version>), Refusal> {
    Ok((StatusCode::CREATED, Json(publish_waiting(&app, &ctx, code, waiting).await?)))
}

/// Publishes a version that waits.
pub(crate) async fn publish_waiting(
    app: &Arc<App>,
    ctx: &OpContext,
    code: ResourceCode,
    waiting: PreparedVersion,
) -> Result<Version, Refusal> {
    let held = app.no_erasing().await;
    let prepared = waiting_version(app, ctx, code, waiting).await?;
    Ok(publish(app, ctx, &prepared, held).await?)
}

/// A version that was uploaded and waits, for who may deliver; signed by this platform.
pub(crate) async fn waiting_version(
    app: &Arc<App>,
    ctx: &OpContext,
    code: ResourceCode,
    PreparedVersion { number, manifest_digest }: PreparedVersion,
) -> Result<Prepared, Refusal> {
    app.services.next_version(ctx, &code).await?;
    let digest =
        Digest::from_hex(&manifest_digest).map_err(|_| invalid("`manifest_digest` is 64 hex digits"))?;
    let waiting = unpublished(ctx, code, PreparedVersion { number, manifest_digest });
    let (manifest, key) = signed(app, ctx, &waiting).await?;
    app.datasets.verify(&waiting, &key).await?;
    Ok(Prepared { manifest, digest })
}

/// A version that no catalogue knows yet.
fn unpublished(ctx: &OpContext, resource: ResourceCode, prepared: PreparedVersion) -> Version {
    let PreparedVersion { number, manifest_digest } = prepared;
    Version {
        resource,
        number,
        manifest_digest,
        change: ChangeKind::Replace,
        rows: 0,
        delivered: 0,
        rejected: 0,
        bytes: 0,
        based_on: None,
        made_at: ctx.now,
        published_at: ctx.now,
        published_by: ctx.principal.id.clone(),
        state: VersionState::Published,
        tombstone: None,
        breaking: None,
        cleared: Default::default(),
        erased_through: None,
        replaced: Vec::new(),
    }
}

/// The manifest of a version that waits, with the key that this platform is said to have signed it with: the manifest's signature is
/// checked by it, its objects are not.
async fn signed(app: &App, ctx: &OpContext, waiting: &Version) -> Result<(Manifest, PublicKey), Error> {
    let manifest = app.datasets.manifest(waiting).await.map_err(|error| match error {
        datasets_store::Error::Missing(_) => {
            Error::not_found(format!("a waiting version {} of that digest", waiting.number))
        }
        other => other.into(),
    })?;
    // The platform's key may have been replaced while it waited.
    let signature = app.datasets.signature(waiting).await?;
    let id = jws::key_id(&signature).map_err(Error::from)?;
    let platform = JwkSet::of_platform(&app.services.key_history(ctx).await?)?;
    let key = platform.key_at(&id, manifest.created_at).ok_or_else(|| {
        Error::new(
            ErrorCode::SignatureInvalid,
            "the waiting version is not signed by this platform: deliver it again",
        )
    })?;
    manifest.verify(&signature, &key)?;
    Ok((Manifest::clone(&manifest), key))
}

/// The quality of the delivery that a version was made of; for its provider
#[utoipa::path(get, path = "/api/v1/resources/{code}/versions/{number}/quality", tag = "data",
    params(CodePath, NumberPath), responses((status = 200, description = "Counts", body = QualityReport)))]
async fn get_quality(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Number(number): Number,
) -> Result<Json<QualityReport>, Refusal> {
    let dataset = own(&app, &ctx, &code, number).await?;
    Ok(Json(quality(&app.datasets.manifest(&dataset.version).await?.quality)))
}

/// The rows that were set aside, with the rules that they break; for the provider of the version alone
#[utoipa::path(get, path = "/api/v1/resources/{code}/versions/{number}/quarantine", tag = "data",
    params(CodePath, NumberPath),
    responses((status = 200, description = "One JSON object a line", body = String, content_type = "application/jsonl")))]
async fn get_quarantine(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Number(number): Number,
) -> Result<Response, Refusal> {
    let dataset = own(&app, &ctx, &code, number).await?;
    let manifest = app.datasets.manifest(&dataset.version).await?;
    let reading = Reading::of(vec![dataset.source()]);
    let body = match &manifest.quarantine {
        None => Body::empty(),
        Some(part) => {
            reading.rows.store(part.rows, Ordering::Relaxed);
            let path = object_store::path::Path::from(part.path.as_str());
            let found = app.datasets.objects().get(&path).await.map_err(datasets_store::Error::from)?;
            Body::from_stream(datasets_store::in_pieces(found))
        }
    };
    let mut response = ([(header::CONTENT_TYPE, "application/jsonl")], body).into_response();
    response.extensions_mut().insert(reading);
    Ok(response)
}

/// A version of the caller's own department.
pub(crate) async fn own(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
    number: i64,
) -> Result<Dataset, Error> {
    let selector = VersionSelector::Number(number);
    let dataset = app.services.open(ctx, &app.datasets, code, selector).await?;
    match dataset.granted.kind {
        GrantKind::Own => Ok(dataset),
        _ => {
            Err(Error::new(ErrorCode::Forbidden, "what was delivered is for the department that provides it"))
        }
    }
}

/// Publishes what is prepared, unless another shape has come into effect while it was made or waited.
async fn publish(app: &Arc<App>, ctx: &OpContext, prepared: &Prepared, held: Held) -> Result<Version, Error> {
    let manifest = &prepared.manifest;
    let before = in_effect(app, ctx, &manifest.resource).await?;
    make_ready(app, prepared, before.as_ref().map(|(version, _)| version)).await;
    // That took its time.
    if let Some((_, current)) = in_effect(app, ctx, &manifest.resource).await? {
        let breaks = !current.shape().broken_by(&manifest.shape().items).is_empty();
        if breaks && manifest.breaking.is_none() {
            let message = format!(
                "version {} with other columns has come into effect since: deliver again",
                current.version
            );
            return Err(Error::new(ErrorCode::BreakingChange, message));
        }
    }
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    let version = prepared.version(ctx.now, &ctx.principal.id);
    App::to_the_end(async move {
        let _until_the_catalogue_knows_it = held;
        let check = Check(&app);
        let look = Look { shapes: &app.datasets, check: &check };
        app.services.publish_version(&ctx, &look, version).await
    })
    .await
}

/// The file of a delivery; the format is told by its name, else by the media type.
pub(crate) fn delivery(
    upload: &Upload,
    name: Option<&str>,
    headers: &HeaderMap,
) -> Result<Delivery, Refusal> {
    if upload.bytes == 0 {
        return Err(invalid("send the file as the body"));
    }
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match name {
        Some(name) if name.chars().count() > 200 || name.contains(['/', '\\']) => {
            return Err(invalid("`name` is a file name of at most 200 characters, without folders"));
        }
        Some(name) => name.to_owned(),
        None => format!("data.{}", ending(&essence(media_type)).unwrap_or("unknown")),
    };
    let format = SourceFormat::of_name(&name)?;
    Ok(Delivery { path: upload.file.path().to_owned(), name, format })
}

fn ending(media_type: &str) -> Option<&'static str> {
    Some(match media_type {
        "text/csv" | "text/tab-separated-values" => "csv",
        "application/jsonl" | "application/x-ndjson" => "jsonl",
        "application/geo+json" => "geojson",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.apache.parquet" => "parquet",
        _ => return None,
    })
}

async fn options(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
    number: i64,
    wanted: &Wanted,
) -> Result<IngestOptions, Refusal> {
    let defaults = IngestOptions::new(number, ctx.now);
    let max_bad_share = wanted.threshold.unwrap_or(defaults.max_bad_share);
    if !(0.0..=1.0).contains(&max_bad_share) {
        return Err(invalid("`threshold` lies between 0 and 1"));
    }
    let reason = wanted.reason.as_deref().unwrap_or_default();
    let breaking = wanted.breaking.then(|| Notice::new(reason, wanted.notice_days)).transpose()?;
    let change = wanted.change.unwrap_or(ChangeKind::Replace);
    let previous = in_effect(app, ctx, code).await?.map(|(_, manifest)| Manifest::clone(&manifest));
    // Versions count from 1: a later one without a readable one before it would start from nothing unasked.
    if change != ChangeKind::Replace && previous.is_none() && number > 1 {
        let message = format!(
            "no version of {code} is readable, so there are no rows to add to: deliver the whole dataset as a replacement"
        );
        return Err(Error::new(ErrorCode::IllegalState, message).into());
    }
    Ok(IngestOptions {
        change,
        previous,
        max_bad_share,
        breaking,
        spill_folder: Some(app.spool.clone()),
        ..defaults
    })
}

/// The manifest of the version that `latest` means.
async fn in_effect(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
) -> Result<Option<(Version, Arc<Manifest>)>, Error> {
    let versions = app.services.versions(ctx, code).await?;
    match dataset::latest(&versions, ctx.now) {
        Some(version) => Ok(Some((version.clone(), app.datasets.manifest(version).await?))),
        None => Ok(None),
    }
}

/// The resource with the items that a delivery must have. While a breaking change is announced, what does not belong to
/// it is delivered as before, in the columns of the version in effect.
async fn expected(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
    options: &IngestOptions,
) -> Result<Resource, Error> {
    let resource = app.services.resource(ctx, code).await?;
    let Some(shape) = options.previous.as_ref().map(Manifest::shape) else { return Ok(resource) };
    if options.breaking.is_some() || shape.broken_by(&resource.items).is_empty() {
        return Ok(resource);
    }
    let versions = app.services.versions(ctx, code).await?;
    match versions.iter().any(|version| version.is_pending(ctx.now)) {
        true => Ok(Resource { items: shape.items, key: shape.key, sort: shape.sort, ..resource }),
        false => Ok(resource),
    }
}

/// What references may name, and the datasets of other departments that were asked for it.
#[derive(Default)]
struct References {
    loaded: LoadedReferences,
    sources: Vec<SourceRead>,
}

impl References {
    /// Loads the values that references may name: of the department's own datasets, and of others under a grant for
    /// verification. Without one a reference is not checked, whatever the reason: the check would be a way to ask what
    /// is in there.
    async fn load(&mut self, app: &App, ctx: &OpContext, resource: &Resource) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for reference in resource.items.iter().filter_map(|item| item.reference.as_ref()) {
            if !seen.insert((&reference.resource, &reference.column)) {
                continue;
            }
            let target = match app.services.resource(ctx, &reference.resource).await {
                Err(error) if error.code == ErrorCode::NotFound => continue,
                found => found?,
            };
            if target.provider != resource.provider {
                self.verify(app, ctx, reference).await?;
            } else if let Some((_, manifest)) = in_effect(app, ctx, &target.code).await? {
                self.loaded.load(&app.datasets, reference, &manifest).await?;
            }
        }
        Ok(())
    }

    /// Takes the values of another department's item, all of them or none.
    async fn verify(&mut self, app: &App, ctx: &OpContext, reference: &Reference) -> Result<(), Error> {
        let QueryAnswer { mut records, sources, .. } = match app.known_values(ctx, reference).await {
            Ok(answer) => answer,
            Err(error) => {
                self.sources.extend(error.opened().iter().cloned());
                return Ok(());
            }
        };
        self.sources.extend(sources);
        let mut values = LoadedReferences::default();
        values.add(reference, None)?;
        loop {
            match records.try_next().await {
                Ok(Some(batch)) => values.add(reference, batch.columns().first())?,
                Ok(None) => break,
                Err(_) => return Ok(()),
            }
        }
        self.loaded.merge(values);
        Ok(())
    }
}

/// Is told how far an upload is: put into a request's extensions by the command line in this process.
pub type Follower = Arc<dyn Progress>;

/// From a network nobody follows an upload's rows: the client follows its own sending.
struct Quiet;

impl Progress for Quiet {
    fn progressed(&self, _: Progressed) {}
}

pub(crate) fn quality(quality: &Quality) -> QualityReport {
    let rule = |rule: &datasets_store::RuleCount| RuleViolations {
        column: rule.column.clone(),
        rule: rule.rule.clone(),
        count: rule.count,
    };
    QualityReport {
        rows_read: quality.rows_read,
        rows_accepted: quality.rows_accepted,
        rows_quarantined: quality.rows_quarantined,
        rules: quality.rules.iter().map(rule).collect(),
        unchecked_references: quality.unchecked_references.clone(),
    }
}
