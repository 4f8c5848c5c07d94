//! The evidence log as witnesses and holders of receipts see it: its head, and proofs. Nothing of what it records.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use catalog_core::Error;
use exchange_crypto::Digest;
use openapi_contract::{ConsistencyProof, InclusionProof};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_checkpoint))
        .routes(routes!(prove_inclusion))
        .routes(routes!(prove_consistency))
}

/// The newest head of the evidence log
///
/// A signed note (C2SP tlog-checkpoint) by a platform key, with the cosignatures of witnesses.
#[utoipa::path(get, path = "/log/checkpoint", tag = "evidence",
    responses((status = 200, description = "The note", body = String, content_type = "text/plain")))]
async fn get_checkpoint(State(app): State<Arc<App>>) -> Result<String, Refusal> {
    let head = |app: &App| match app.evidence.latest() {
        Some(signed) => Ok(signed),
        None => app.evidence.checkpoint().map_err(Error::from),
    };
    Ok(app.prove(head).await?.note.to_string())
}

/// A leaf and a tree.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LeafOfTree {
    /// Place of the leaf, counted from 0.
    index: u64,
    /// Leaves of the tree, at most as many as the newest checkpoint has.
    size: u64,
}

/// The proof that a leaf is in a tree (RFC 9162 section 2.1.3)
#[utoipa::path(get, path = "/log/proof/inclusion", tag = "evidence", params(LeafOfTree),
    responses((status = 200, description = "The path from leaf to root", body = InclusionProof)))]
async fn prove_inclusion(
    State(app): State<Arc<App>>,
    Params(LeafOfTree { index, size }): Params<LeafOfTree>,
) -> Result<Json<InclusionProof>, Refusal> {
    let path = app.prove(move |app| Ok(app.evidence.inclusion(index, size)?)).await?;
    Ok(Json(InclusionProof { index, size, path: texts(&path) }))
}

/// Two trees.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TwoTrees {
    /// Leaves of the earlier tree.
    first: u64,
    /// Leaves of the later tree, at most as many as the newest checkpoint has.
    second: u64,
}

/// The proof that a tree begins with an earlier one (RFC 9162 section 2.1.4)
#[utoipa::path(get, path = "/log/proof/consistency", tag = "evidence", params(TwoTrees),
    responses((status = 200, description = "The proof", body = ConsistencyProof)))]
async fn prove_consistency(
    State(app): State<Arc<App>>,
    Params(TwoTrees { first, second }): Params<TwoTrees>,
) -> Result<Json<ConsistencyProof>, Refusal> {
    let path = app.prove(move |app| Ok(app.evidence.consistency(first, second)?)).await?;
    Ok(Json(ConsistencyProof { first, second, path: texts(&path) }))
}

fn texts(path: &[Digest]) -> Vec<String> {
    path.iter().map(Digest::to_base64).collect()
}
