//! Notices 告知书 as documents to print.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use catalog_core::confidential::Confidential;
use catalog_core::notice::{Notice, NoticeEntry, NoticeKind};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::docx::{self, DOCX};
use crate::extract::{Id, Number};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_notices))
        .routes(routes!(get_notice))
        .routes(routes!(get_applicant))
}

/// The notices that a matter has given
#[utoipa::path(get, path = "/api/v1/matters/{id}/notices", tag = "matters",
    params(("id" = String, Path, description = "Number of the matter")),
    responses((status = 200, description = "Oldest first", body = Vec<NoticeEntry>)))]
async fn list_notices(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(number): Id,
) -> Result<Json<Vec<NoticeEntry>>, Refusal> {
    Ok(Json(app.services.notices(&ctx, &number).await?))
}

/// A notice as a document to print; its digest is evidence
#[utoipa::path(get, path = "/api/v1/matters/{id}/notices/{number}", tag = "matters",
    params(("id" = String, Path, description = "Number of the matter"),
        ("number" = i64, Path, description = "Place among its notices, from 1")),
    responses((status = 200, description = "Office Open XML", content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")))]
async fn get_notice(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(number): Id,
    Number(sequence): Number,
) -> Result<Response, Refusal> {
    let sequence = usize::try_from(sequence).unwrap_or(0);
    let notice = app.services.notice(&ctx, &number, sequence).await?;
    hand_out(&app, &ctx, notice).await
}

/// Who asks in a matter of the public, and what they wrote
///
/// For the handling role alone; each reading is evidence.
#[utoipa::path(get, path = "/api/v1/matters/{id}/applicant", tag = "matters",
    params(("id" = String, Path, description = "Number of the matter")),
    responses((status = 200, description = "Until it is erased", body = Confidential)))]
async fn get_applicant(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(number): Id,
) -> Result<Json<Confidential>, Refusal> {
    Ok(Json(app.services.confidential(&ctx, &number).await?))
}

/// The document of a notice, once evidence holds its digest.
pub(crate) async fn hand_out(app: &App, ctx: &OpContext, notice: Notice) -> Result<Response, Refusal> {
    let document = app.templates.document(&notice)?;
    app.services.notice_issued(ctx, &notice, &document).await?;
    Ok(attached(&notice.entry.number, document))
}

/// A document to save under a name, which is ASCII.
pub(crate) fn attached(name: &str, document: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}.docx\"");
    ([(CONTENT_TYPE, DOCX.to_owned()), (CONTENT_DISPOSITION, disposition)], document).into_response()
}

/// The templates of notices: the built-in ones, and those that the operator has put in their place.
pub struct Templates(BTreeMap<NoticeKind, Vec<u8>>);

impl Templates {
    /// Reads `acceptance.docx`, `refusal.docx`, … of a folder, if it is there; whatever it lacks is built in.
    ///
    /// # Errors
    /// `invalid_input`, naming the file, for a template that could not be filled.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut templates = BTreeMap::new();
        for kind in NoticeKind::ALL {
            let (name, text) = built_in(kind);
            let path = folder.join(format!("{name}.docx"));
            let template = match std::fs::read(&path) {
                Ok(template) => template,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => docx::from_text(text)?,
                Err(error) => {
                    let message = format!("can't read {}: {error}", path.display());
                    return Err(Error::new(ErrorCode::InvalidInput, message));
                }
            };
            let empty = Notice::PLACES.map(|place| (place, String::new())).into();
            docx::filled(&template, &empty).map_err(|error| {
                let message = format!("{}: {}", path.display(), error.message);
                Error::new(error.code, message)
            })?;
            templates.insert(kind, template);
        }
        Ok(Self(templates))
    }

    fn document(&self, notice: &Notice) -> Result<Vec<u8>> {
        let template = self.0.get(&notice.entry.kind);
        let template = template.ok_or_else(|| Error::internal("a kind of notice without a template"))?;
        docx::filled(template, &notice.texts)
    }
}

/// Name and text of each built-in template.
fn built_in(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::Acceptance => ("acceptance", include_str!("notices/acceptance.txt")),
        NoticeKind::Completion => ("completion", include_str!("notices/completion.txt")),
        NoticeKind::Extension => ("extension", include_str!("notices/extension.txt")),
        NoticeKind::Grant => ("grant", include_str!("notices/grant.txt")),
        NoticeKind::GrantInPart => ("grant_in_part", include_str!("notices/grant_in_part.txt")),
        NoticeKind::Refusal => ("refusal", include_str!("notices/refusal.txt")),
        NoticeKind::Answer => ("answer", include_str!("notices/answer.txt")),
        NoticeKind::Revocation => ("revocation", include_str!("notices/revocation.txt")),
        NoticeKind::Correction => ("correction", include_str!("notices/correction.txt")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_templates_have_known_places_and_replaced_ones_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        Templates::load(&folder.path().join("missing")).unwrap();
        std::fs::write(folder.path().join("refusal.docx"), docx::from_text("本市：{{number}}").unwrap())
            .unwrap();
        let own = Templates::load(folder.path()).unwrap();
        assert_eq!(own.0[&NoticeKind::Refusal], docx::from_text("本市：{{number}}").unwrap());
        std::fs::write(folder.path().join("refusal.docx"), docx::from_text("{{nummer}}").unwrap()).unwrap();
        let refused = Templates::load(folder.path()).err().unwrap();
        assert!(refused.message.contains("refusal.docx"), "{refused}");
    }
}
