//! Receipts: what evidence holds about one answer, signed.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::evidence::Event;
use catalog_core::{Error, OpContext, Principal, Role};
use datasets_store::jws::sign_detached;
use exchange_crypto::{Digest, to_hex};
use exchange_ledger::{Committed, Inclusion, Kept, Leaf};
use openapi_contract::{LeafProof, Receipt, Salt};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Id;
use crate::problem::Refusal;

/// The `typ` of a receipt's signature, so that no other signed document passes for one.
const SIGNATURE_TYPE: &str = "shuqiao-receipt";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_receipt))
}

/// What evidence holds about one answer of the caller's, proven to be in the log, and signed
///
/// `shuqiao verify` checks it offline, with nothing but the platform's public keys. The id stands in the answer's field `shuqiao-receipt`. Auditors see every receipt, without salts.
#[utoipa::path(get, path = "/receipts/{id}", tag = "evidence",
    params(("id" = String, Path, description = "Id of the receipt")),
    responses((status = 200, description = "The records, their proofs, and the salts that open their commitments", body = Receipt)))]
async fn get_receipt(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Receipt>, Refusal> {
    Ok(Json(receipt(&app, &ctx.principal, &id).await?))
}

/// The receipt of a request, as somebody may see it.
pub(crate) async fn receipt(app: &Arc<App>, principal: &Principal, id: &str) -> Result<Receipt, Error> {
    let holder = holder(app, principal, id).await?;
    let wanted = id.to_owned();
    let receipt = Arc::clone(app).prove(move |app| assemble(app, &wanted, holder.as_deref())).await?;
    receipt.ok_or_else(|| missing(id))
}

pub(crate) fn missing(id: &str) -> Error {
    Error::not_found(format!("receipt {}", id.chars().take(60).collect::<String>()))
}

/// Whose receipts the caller may see: those of its own names, or, for auditors, everybody's.
pub(crate) async fn holder(app: &App, principal: &Principal, id: &str) -> Result<Option<Vec<String>>, Error> {
    // Nobody makes the server search without a proof of identity.
    if principal.department.is_none() && principal.roles.is_empty() {
        return Err(missing(id));
    }
    match principal.has(Role::Auditor) {
        true => Ok(None),
        false => app.services.names_in_evidence(principal).await.map(Some),
    }
}

/// The evidence of a request, for its holder, or for auditors where none is named.
pub(crate) fn leaves_of(app: &App, id: &str, holder: Option<&[String]>) -> Result<Vec<Leaf>, Error> {
    let mut leaves = app.evidence.find(id)?;
    leaves.retain(|leaf| {
        leaf.record.request_id == id && holder.is_none_or(|names| names.contains(&leaf.record.actor.id))
    });
    Ok(leaves)
}

/// The receipt as its holder sees it, or as auditors do, without salts.
fn assemble(app: &App, id: &str, holder: Option<&[String]>) -> Result<Option<Receipt>, Error> {
    let leaves = leaves_of(app, id, holder)?;
    if leaves.is_empty() {
        return Ok(None);
    }
    let Inclusion { paths, signed } = app.evidence.prove(&leaves)?;
    let mut salts = Vec::new();
    for leaf in leaves.iter().filter(|_| holder.is_some()) {
        salts.extend(app.vault.of_record(&leaf.record.id)?.into_iter().map(named));
    }
    let proof = |(leaf, path): (&Leaf, Vec<Digest>)| LeafProof {
        index: leaf.index,
        path: path.iter().map(Digest::to_base64).collect(),
    };
    let proofs = leaves.iter().zip(paths).map(proof).collect();
    let records: Vec<_> = leaves.into_iter().map(|leaf| leaf.record).collect();
    let ended = !records.iter().all(|record| matches!(record.event, Event::AccessStarted { .. }));
    let (issued_at, checkpoint) = (app.now(), signed.note.to_string());
    let mut receipt =
        Receipt { issued_at, records, ended, proofs, checkpoint, salts, signature: String::new() };
    let statement = serde_json_canonicalizer::to_vec(&receipt.statement()).map_err(Error::internal)?;
    receipt.signature = sign_detached(&statement, SIGNATURE_TYPE, &app.signer);
    Ok(Some(receipt))
}

fn named(kept: Kept) -> Salt {
    let of = match kept.of {
        Committed::Request => "request",
        Committed::Answer => "answer",
    };
    Salt { record: kept.record, of: of.to_owned(), salt: to_hex(&kept.salt) }
}
