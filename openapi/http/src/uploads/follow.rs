//! How far uploads are, for whoever sends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use datasets_ingest::{Progress, Progressed, Stage};
use http::StatusCode;
use openapi_contract::{UploadProgress, UploadStage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Follower;
use crate::app::App;
use crate::extract::{Code, CodePath, Params};
use crate::problem::Refusal;

/// Characters of a name for an upload.
const NAME: std::ops::RangeInclusive<usize> = 16..=64;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_upload_progress))
}

/// Who sends it, to which resource, and what they call it.
type Name = (String, ResourceCode, String);

/// The uploads that somebody follows, while they are checked and written. They are forgotten with the request.
#[derive(Default)]
pub(crate) struct Following(Arc<Mutex<HashMap<Name, UploadProgress>>>);

/// Tells of one upload while it lives.
pub(crate) struct Followed {
    name: Name,
    all: Arc<Mutex<HashMap<Name, UploadProgress>>>,
}

fn lock(all: &Mutex<HashMap<Name, UploadProgress>>) -> MutexGuard<'_, HashMap<Name, UploadProgress>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Following {
    /// Lets an upload be followed, whose bytes are all here.
    ///
    /// # Errors
    /// `invalid_input` for a name that is none, `conflict` for one that runs.
    pub(crate) fn begin(&self, ctx: &OpContext, code: &ResourceCode, name: &str) -> Result<Followed> {
        if !NAME.contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message =
                "`follow` is a name of 16 to 64 letters and digits, which the client draws by chance";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let name = (ctx.principal.id.clone(), code.clone(), name.to_owned());
        let mut all = lock(&self.0);
        if all.contains_key(&name) {
            return Err(Error::new(ErrorCode::Conflict, "an upload of that name is under way: draw another"));
        }
        all.insert(name.clone(), UploadProgress::default());
        Ok(Followed { name, all: Arc::clone(&self.0) })
    }

    fn get(&self, ctx: &OpContext, code: &ResourceCode, name: &str) -> Option<UploadProgress> {
        let name = (ctx.principal.id.clone(), code.clone(), name.to_owned());
        lock(&self.0).get(&name).cloned()
    }
}

impl Followed {
    /// What tells of its rows.
    pub(crate) fn follower(self: &Arc<Self>) -> Follower {
        Arc::<Self>::clone(self)
    }

    /// It is at the last: the catalogue takes the version in.
    pub(crate) fn publishes(&self) {
        if let Some(progress) = lock(&self.all).get_mut(&self.name) {
            progress.stage = UploadStage::Publishing;
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.name);
    }
}

impl Progress for Followed {
    fn progressed(&self, so_far: Progressed) {
        let mut all = lock(&self.all);
        let Some(progress) = all.get_mut(&self.name) else { return };
        progress.stage = match so_far.stage {
            Stage::Checking => UploadStage::Checking,
            Stage::Writing => UploadStage::Writing,
            Stage::Verifying => UploadStage::Verifying,
        };
        // Later stages count rows alone.
        progress.bytes_read = so_far.bytes_read.max(progress.bytes_read);
        progress.bytes_total = so_far.bytes_total.max(progress.bytes_total);
        progress.rows_read = so_far.rows_read;
        progress.rows_quarantined = so_far.rows_quarantined;
        progress.rows_written = so_far.rows_written;
    }
}

/// Which upload.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// What the upload's own `follow` said.
    follow: String,
}

/// How far an upload is, for whoever sends it: from when all its bytes are received until it is answered
#[utoipa::path(get, path = "/api/v1/resources/{code}/data/progress", tag = "data", params(CodePath, Which),
    responses((status = 200, description = "How far it is", body = UploadProgress),
        (status = 204, description = "None of the caller's of that name is under way")))]
async fn get_upload_progress(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(which): Params<Which>,
) -> Result<Response, Refusal> {
    app.services.next_version(&ctx, &code).await?;
    Ok(match app.following.get(&ctx, &code, &which.follow) {
        Some(progress) => Json(progress).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_followed_until_it_ends_by_who_sends_it_alone() {
        let following = Following::default();
        let mut ctx = exchange_auth::public_context(
            "r".to_owned(),
            catalog_core::Channel::Api,
            catalog_core::Timestamp(0),
        );
        ctx.principal.id = "clerk".to_owned();
        let mut other = ctx.clone();
        other.principal.id = "another".to_owned();
        let code: ResourceCode = "301001/000001".parse().unwrap();
        let name = "0123456789abcdef";
        for wrong in ["", "short", "0123456789abcde/", &"a".repeat(65)] {
            assert!(following.begin(&ctx, &code, wrong).is_err(), "{wrong}");
        }
        let followed = Arc::new(following.begin(&ctx, &code, name).unwrap());
        assert_eq!(
            following.begin(&ctx, &code, name).err().map(|error| error.code),
            Some(ErrorCode::Conflict)
        );
        assert_eq!(following.get(&ctx, &code, name), Some(UploadProgress::default()));
        assert_eq!(following.get(&other, &code, name), None);
        followed.progressed(Progressed {
            bytes_read: 5,
            bytes_total: 9,
            rows_read: 2,
            ..Progressed::default()
        });
        followed.progressed(Progressed {
            rows_read: 3,
            rows_written: 1,
            stage: Stage::Writing,
            ..Progressed::default()
        });
        let told = following.get(&ctx, &code, name).unwrap();
        assert_eq!((told.stage, told.bytes_read, told.rows_written), (UploadStage::Writing, 5, 1));
        drop(followed);
        assert_eq!(following.get(&ctx, &code, name), None);
    }
}
