//! The door of `backup` beside a running server. It is in the folder's socket alone: a backup is written where its caller
//! says, on the server's machine.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use catalog_core::{Error, ErrorCode, OpContext, Problem, Result};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Made, Source, keys, make};

/// Its address.
pub(crate) const ADDRESS: &str = "/local/backup";

/// What is asked for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// A backup in a folder.
    Backup {
        /// Its absolute path.
        folder: PathBuf,
    },
    /// The keys in a file.
    Keys {
        /// Its absolute path.
        file: PathBuf,
        /// What seals it.
        passphrase: String,
    },
}

/// A line of the answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// Bytes done, of all.
    Progress(u64, u64),
    /// The backup is there; nothing where keys were asked for.
    Made(Option<Made>),
    /// It failed.
    Failed {
        /// The code.
        code: ErrorCode,
        /// What to do.
        message: String,
        /// Where it is wrong.
        problems: Vec<Problem>,
    },
}

/// Does what is asked for.
pub(crate) async fn serve(
    source: &Source,
    ctx: &OpContext,
    wanted: &Wanted,
    follow: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Option<Made>> {
    match wanted {
        Wanted::Backup { folder } => make(source, ctx, folder, follow).await.map(Some),
        Wanted::Keys { file, passphrase } => keys::write(source, ctx, file, passphrase).await.map(|()| None),
    }
}

/// The route.
pub(crate) fn routes(source: Source) -> Router {
    Router::new().route(ADDRESS, post(answer)).with_state(source)
}

async fn answer(
    State(source): State<Source>,
    Extension(ctx): Extension<OpContext>,
    Json(wanted): Json<Wanted>,
) -> Response {
    let (tell, told) = mpsc::unbounded_channel();
    // On a thread that may block, for its files are written there; to its end, even when nobody listens any longer.
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let progress = |done, total| drop(tell.send(Told::Progress(done, total)));
        let last = match runtime.block_on(serve(&source, &ctx, &wanted, &progress)) {
            Ok(made) => Told::Made(made),
            Err(error) => {
                tracing::warn!(%error, cause = error.internal_cause(), "a backup failed");
                Told::Failed { code: error.code, message: error.message, problems: error.problems }
            }
        };
        drop(tell.send(last));
    });
    let lines = futures::stream::unfold(told, |mut told| async move { Some((told.recv().await?, told)) });
    let lines = lines.map(|line| {
        let mut line = serde_json::to_vec(&line).map_err(std::io::Error::other)?;
        line.push(b'\n');
        Ok::<_, std::io::Error>(Bytes::from(line))
    });
    Body::from_stream(lines).into_response()
}

impl Told {
    /// The end that a line tells of.
    pub(crate) fn end(self) -> Option<Result<Option<Made>>> {
        match self {
            Self::Progress(..) => None,
            Self::Made(made) => Some(Ok(made)),
            Self::Failed { code, message, problems } => {
                Some(Err(Error::new(code, message).with_problems(problems)))
            }
        }
    }
}
