//! Receipts: what evidence holds about one answer, signed.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{Error, OpContext, Role};
use datasets_store::jws::sign_detached;
use exchange_crypto::to_hex;
use exchange_ledger::{Committed, Filter};
use openapi_contract::{Receipt, Salt};
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

/// What evidence holds about one answer of the caller's, signed
///
/// The id stands in the answer's field `shuqiao-receipt`. Auditors see every receipt, without salts.
#[utoipa::path(get, path = "/receipts/{id}", tag = "evidence",
    params(("id" = String, Path, description = "Id of the receipt")),
    responses((status = 200, description = "The records, and the salts that open their commitments", body = Receipt)))]
async fn get_receipt(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Receipt>, Refusal> {
    let missing = || Error::not_found(format!("receipt {}", id.chars().take(60).collect::<String>()));
    // A log is read from its start: nobody makes the server do so without a proof of identity.
    if ctx.principal.department.is_none() && ctx.principal.roles.is_empty() {
        return Err(missing().into());
    }
    let auditor = ctx.principal.has(Role::Auditor);
    let principal = (!auditor).then(|| ctx.principal.id.clone());
    let filter = Filter { request_id: Some(id.clone()), principal, ..Filter::default() };
    let place = Arc::clone(&app.receipts).acquire_owned().await.map_err(Error::internal)?;
    let found = tokio::task::spawn_blocking(move || {
        // The search goes on when nobody waits for it any longer, and keeps its place until its end.
        let _place = place;
        read(&app, filter, !auditor)
    });
    let receipt = found.await.map_err(Error::internal)??;
    receipt.map(Json).ok_or_else(|| missing().into())
}

fn read(app: &App, filter: Filter, with_salts: bool) -> Result<Option<Receipt>, Error> {
    let mut records = Vec::new();
    for leaf in app.evidence.scan(filter)? {
        records.push(leaf?.record);
    }
    let mut salts = Vec::new();
    for record in records.iter().filter(|_| with_salts) {
        salts.extend(app.salts.of_record(&record.id)?.into_iter().map(|(of, salt)| named(record, of, &salt)));
    }
    if records.is_empty() {
        return Ok(None);
    }
    let document = serde_json_canonicalizer::to_vec(&records).map_err(Error::internal)?;
    let signature = sign_detached(&document, SIGNATURE_TYPE, &app.signer);
    let ended = !records.iter().all(|record| matches!(record.event, Event::AccessStarted { .. }));
    Ok(Some(Receipt { records, ended, salts, signature }))
}

fn named(record: &EvidenceRecord, of: Committed, salt: &[u8]) -> Salt {
    let of = match of {
        Committed::Request => "request",
        Committed::Answer => "answer",
    };
    Salt { record: record.id.clone(), of: of.to_owned(), salt: to_hex(salt) }
}
