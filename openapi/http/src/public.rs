//! What the public asks: disclosure requests and letters, opened by anyone, followed by number and code. Whoever has signed in asks
//! here as anyone does: the wrapper looks at no proof of identity, and leaves none behind.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use catalog_core::confidential::Confidential;
use catalog_core::matter::{Content, Disclosure, Letter};
use catalog_core::services::PublicMatter;
use catalog_core::{DepartmentId, Error, OpContext, Result};
use exchange_auth::OneTimeCode;
use exchange_crypto::Digest;
use http::StatusCode;
use openapi_contract::{CodeProof, DisclosureInput, LetterInput, OpenedPublicMatter, PublicAct};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, Number};
use crate::notices::hand_out;
use crate::problem::Refusal;
use crate::wire::Wire;

/// Where disclosure requests come in.
pub(crate) const DISCLOSURES: &str = "/api/v1/disclosure-requests";
/// Where letters come in.
pub(crate) const LETTERS: &str = "/api/v1/letters";
/// Where both are followed.
pub(crate) const MATTERS: &str = "/api/v1/public-matters/";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_disclosure_request))
        .routes(routes!(create_letter))
        .routes(routes!(follow_matter))
        .routes(routes!(advance_own_matter))
        .routes(routes!(get_own_notice))
        .routes(routes!(erase_applicant))
}

/// Ask for information that is not open 依申请公开
///
/// For anyone, without a key. The answer shows a number and a code, by which the request is followed; the code is shown once.
#[utoipa::path(post, path = "/api/v1/disclosure-requests", tag = "public", request_body = DisclosureInput,
    responses((status = 201, description = "Received", body = OpenedPublicMatter)))]
async fn create_disclosure_request(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(input): Input<DisclosureInput>,
) -> Result<(StatusCode, Json<OpenedPublicMatter>), Refusal> {
    Ok((StatusCode::CREATED, Json(disclose(&app, &ctx, input).await?)))
}

/// Opens a disclosure request.
pub(crate) async fn disclose(
    app: &Arc<App>,
    ctx: &OpContext,
    input: DisclosureInput,
) -> Result<OpenedPublicMatter> {
    let DisclosureInput { applicant, applicant_kind, title, text, form, department } = input;
    let content = Disclosure { title, form, applicant_kind, resource: None, outcome: None };
    open(app, ctx, Content::Disclosure(content), department, Confidential::new(applicant, text)).await
}

/// Write to a department 来信
///
/// For anyone, without a key. The answer shows a number and a code, by which the letter is followed; the code is shown once.
#[utoipa::path(post, path = "/api/v1/letters", tag = "public", request_body = LetterInput,
    responses((status = 201, description = "Received", body = OpenedPublicMatter)))]
async fn create_letter(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(input): Input<LetterInput>,
) -> Result<(StatusCode, Json<OpenedPublicMatter>), Refusal> {
    Ok((StatusCode::CREATED, Json(write(&app, &ctx, input).await?)))
}

/// Opens a letter.
pub(crate) async fn write(app: &Arc<App>, ctx: &OpContext, input: LetterInput) -> Result<OpenedPublicMatter> {
    let LetterInput { applicant, title, text, department } = input;
    let content = Content::Letter(Letter { title });
    open(app, ctx, content, department, Confidential::new(applicant, text)).await
}

async fn open(
    app: &Arc<App>,
    ctx: &OpContext,
    content: Content,
    department: Option<DepartmentId>,
    confidential: Confidential,
) -> Result<OpenedPublicMatter> {
    app.public_gate.enter(app.limits.public_matters, ctx.now)?;
    let code = OneTimeCode::generate().map_err(Error::from)?;
    let (services, ctx, digest) = (app.services.clone(), ctx.clone(), code.digest);
    let opened = async move {
        services.open_public_matter(&ctx, content, department.as_ref(), &confidential, &digest).await
    };
    let matter = App::to_the_end(opened).await?;
    Ok(OpenedPublicMatter { code: code.code, matter })
}

/// See where one's request or letter stands
#[utoipa::path(post, path = "/api/v1/public-matters/{id}", tag = "public", request_body = CodeProof,
    params(("id" = String, Path, description = "Number of the matter: GK-2026-000001")),
    responses((status = 200, description = "State, light, history and notices", body = PublicMatter)))]
async fn follow_matter(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Id(number): Id,
    Input(CodeProof { code }): Input<CodeProof>,
) -> Result<Json<PublicMatter>, Refusal> {
    Ok(Json(follow(&app, &ctx, wire, &number, &code).await?))
}

/// Where a matter stands, for whoever has its code.
pub(crate) async fn follow(
    app: &App,
    ctx: &OpContext,
    wire: Wire,
    number: &str,
    code: &str,
) -> Result<PublicMatter> {
    let code = proven(app, ctx, wire, number, code).await?;
    app.services.public_matter(ctx, number, &code).await
}

/// Complete or withdraw one's request or letter
#[utoipa::path(post, path = "/api/v1/public-matters/{id}/steps", tag = "public", request_body = PublicAct,
    params(("id" = String, Path, description = "Number of the matter")),
    responses((status = 200, description = "The matter after the step", body = PublicMatter)))]
async fn advance_own_matter(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Id(number): Id,
    Input(PublicAct { code, event, text }): Input<PublicAct>,
) -> Result<Json<PublicMatter>, Refusal> {
    Ok(Json(act(&app, &ctx, wire, number, PublicAct { code, event, text }).await?))
}

/// Takes a step of the applicant, to its end.
pub(crate) async fn act(
    app: &Arc<App>,
    ctx: &OpContext,
    wire: Wire,
    number: String,
    PublicAct { code, event, text }: PublicAct,
) -> Result<PublicMatter> {
    let code = proven(app, ctx, wire, &number, &code).await?;
    let (services, ctx) = (app.services.clone(), ctx.clone());
    let act =
        async move { services.act_on_public_matter(&ctx, &number, &code, (event, text.as_deref())).await };
    App::to_the_end(act).await
}

/// A notice of one's request or letter, as a document to print
#[utoipa::path(post, path = "/api/v1/public-matters/{id}/notices/{number}", tag = "public", request_body = CodeProof,
    params(("id" = String, Path, description = "Number of the matter"),
        ("number" = i64, Path, description = "Place among its notices, from 1")),
    responses((status = 200, description = "Office Open XML", content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")))]
async fn get_own_notice(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Id(number): Id,
    Number(sequence): Number,
    Input(CodeProof { code }): Input<CodeProof>,
) -> Result<Response, Refusal> {
    let sequence = usize::try_from(sequence).unwrap_or(0);
    notice(&app, &ctx, wire, (&number, &code), sequence).await
}

/// The document of a notice, for whoever has the matter's number and code.
pub(crate) async fn notice(
    app: &App,
    ctx: &OpContext,
    wire: Wire,
    (number, code): (&str, &str),
    sequence: usize,
) -> Result<Response, Refusal> {
    let code = proven(app, ctx, wire, number, code).await?;
    let notice = app.services.public_notice(number, &code, sequence).await?;
    hand_out(app, ctx, notice).await
}

/// Have one's identity and words erased at once, where nothing needs them any more
#[utoipa::path(post, path = "/api/v1/public-matters/{id}/erasure", tag = "public", request_body = CodeProof,
    params(("id" = String, Path, description = "Number of the matter")),
    responses((status = 204, description = "Erased")))]
async fn erase_applicant(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Id(number): Id,
    Input(CodeProof { code }): Input<CodeProof>,
) -> Result<StatusCode, Refusal> {
    erase(&app, &ctx, wire, number, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erases identity and words, to the end.
pub(crate) async fn erase(
    app: &Arc<App>,
    ctx: &OpContext,
    wire: Wire,
    number: String,
    code: &str,
) -> Result<()> {
    let code = proven(app, ctx, wire, &number, code).await?;
    let (services, ctx) = (app.services.clone(), ctx.clone());
    App::to_the_end(async move { services.erase_public_matter(&ctx, &number, &code).await }).await
}

/// The digest of a code that is the matter's own. Others are counted.
async fn proven(app: &App, ctx: &OpContext, wire: Wire, number: &str, code: &str) -> Result<Digest> {
    let tried = app.public_gate.try_code(wire.address, number, ctx.now)?;
    let digest = OneTimeCode::digest_of(code);
    app.services.public_matter(ctx, number, &digest).await?;
    app.public_gate.was_right(tried);
    Ok(digest)
}
