//! Verification 比对核验: whether pairs of values agree with records that nobody is shown.

mod enumeration;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use catalog_core::directory::VerificationProfile;
use catalog_core::{Error, OpContext, ResourceCode};
use exchange_crypto::to_hex;
use exchange_query::{Pair, TableName, Verdict, Verification, Verified};
use http::header;
use openapi_contract::header::VERSIONS;
use openapi_contract::{
    VerificationAnswer, VerificationAnswers, VerificationBatch, VerificationRequest, VerificationResult,
};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::evidence::Reading;
use crate::extract::Input;
use crate::problem::Refusal;
use crate::records::look_up_place;
use crate::subjects;
pub(crate) use enumeration::Enumeration;

/// How the addresses of verification begin.
pub(crate) const PREFIX: &str = "/api/v1/verifications";
/// Where many pairs are verified at once.
pub(crate) const BATCH: &str = "/api/v1/verifications/batch";
/// Bytes of a request for many: 10,000 pairs of long names.
pub(crate) const BATCH_BYTES: u64 = 4 << 20;

/// Subjects that evidence names of one request: of more, whoever traces one is told that they may be among them.
const NAMED_SUBJECTS: usize = 100;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(verify_pair)).routes(routes!(verify_pairs))
}

/// Verify one pair of values against records that are not shown
///
/// Under a grant for verification. All answers are equally long and take the same work. `limit_rate` where one subject is asked for
/// too often, or most of what is asked for is unknown.
#[utoipa::path(post, path = "/api/v1/verifications", tag = "data", request_body = VerificationRequest,
    responses((status = 200, description = "Whether they agree", body = VerificationAnswer)))]
async fn verify_pair(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(request): Input<VerificationRequest>,
) -> Result<Response, Refusal> {
    let VerificationRequest { resource, profile, identifier, attribute } = request;
    let pairs = vec![Pair { identifier, attribute }];
    let (verified, subjects) = verified(&app, &ctx, resource, profile, pairs).await?;
    let result = verified.verdicts.first().copied().map(said).ok_or_else(|| Error::internal("no verdict"))?;
    told(&verified, subjects, &VerificationAnswer { result })
}

/// Verify up to 10,000 pairs of values
#[utoipa::path(post, path = "/api/v1/verifications/batch", tag = "data", request_body = VerificationBatch,
    responses((status = 200, description = "Whether they agree, in the order of the pairs", body = VerificationAnswers)))]
async fn verify_pairs(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(request): Input<VerificationBatch>,
) -> Result<Response, Refusal> {
    let VerificationBatch { resource, profile, pairs } = request;
    let pairs = pairs.into_iter().map(|(identifier, attribute)| Pair { identifier, attribute }).collect();
    let (verified, subjects) = verified(&app, &ctx, resource, profile, pairs).await?;
    let results = results(&verified);
    told(&verified, subjects, &VerificationAnswers { results })
}

/// The verdicts, and keyed hashes of the subjects that were asked for.
async fn verified(
    app: &Arc<App>,
    ctx: &OpContext,
    resource: ResourceCode,
    profile: VerificationProfile,
    pairs: Vec<Pair>,
) -> Result<(Verified, Vec<String>), Refusal> {
    let (identifier, table) = (profile.identifier.clone(), TableName::Code(resource));
    let _place = look_up_place(app, ctx, pairs.len()).await?;
    let source = app.engine.verifiable(ctx, &table, &profile).await?;
    let tags: Vec<_> = pairs.iter().map(|pair| subjects::tag_of(app, &pair.identifier)).collect();
    // All keys of a department are one caller.
    let who = &ctx.principal;
    let caller = who.department.as_ref().map_or_else(|| who.id.clone(), ToString::to_string);
    let passed = app.enumeration.pass(caller, &tags, ctx.now);
    // Who is stopped here has asked for what they may: evidence says so.
    let passed = passed.map_err(|error| error.after_opening(vec![source]))?;
    let wanted = Verification { table, profile, pairs };
    let verified = app.engine.verify(ctx, wanted).await?;
    passed.answered(verified.verdicts.iter().filter(|verdict| **verdict == Verdict::Unknown).count());
    let is_subject = verified.subject.as_ref() == Some(&identifier);
    let named: BTreeSet<_> = tags.into_iter().collect();
    let subjects = match is_subject && named.len() <= NAMED_SUBJECTS {
        true => named.iter().map(|tag| to_hex(tag)).collect(),
        false => Vec::new(),
    };
    Ok((verified, subjects))
}

/// What is said of each pair.
pub(crate) fn results(verified: &Verified) -> Vec<VerificationResult> {
    verified.verdicts.iter().copied().map(said).collect()
}

fn said(verdict: Verdict) -> VerificationResult {
    match verdict {
        Verdict::Match => VerificationResult::Match,
        Verdict::Mismatch => VerificationResult::Mismatch,
        Verdict::Unknown => VerificationResult::Unknown,
    }
}

/// The answer, with what evidence must know of it: pairs that were asked for, whatever came of them.
fn told(verified: &Verified, subjects: Vec<String>, answer: &impl Serialize) -> Result<Response, Refusal> {
    let source = &verified.source;
    let reading = Reading::of(vec![source.clone()]);
    reading.rows.store(verified.verdicts.len() as u64, std::sync::atomic::Ordering::Relaxed);
    let reading = Reading { subjects, now: Some(verified.now), ..reading };
    let body = serde_json::to_vec(answer).map_err(Error::internal)?;
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header(VERSIONS, format!("{}={}", source.resource.path_form(), source.version))
        .extension(reading)
        .body(Body::from(body));
    Ok(response.map_err(Error::internal)?)
}
