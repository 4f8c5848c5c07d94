//! `replay`: is the answer what its query gives again?

use catalog_core::{Error, ErrorCode, Result};
use exchange_auth::JwkSet;
use http::Method;
use openapi_contract::{Receipt, Replay, Verdict};

use super::{receipt, segment, verify};
use crate::cli;
use crate::cli::Global;
use crate::client::{Client, Payload};
use crate::output;

/// Checks receipt and answer here, has the query run again where the data is, and says what came of it.
pub(crate) async fn run(client: &Client, global: &Global, options: &cli::Replay) -> Result<()> {
    let path = &options.receipt;
    let no_receipt = || {
        let message = format!("{} is no receipt: `shuqiao receipt ID -o FILE` fetches one", path.display());
        Error::new(ErrorCode::InvalidInput, message)
    };
    let read = receipt::read(path)?.ok_or_else(no_receipt)?;
    let keys = match &options.keys {
        Some(file) => verify::key_set(file)?,
        None => served_keys(client).await?,
    };
    receipt::genuine(&read, &keys)?;
    // Auditors have no salts; the server checks the answer with those that it keeps.
    if !read.salts.is_empty() {
        receipt::committed(&read, &options.answer)?;
    }
    let outcome = asked(client, &read, options).await?;
    output::document_if_json(global, &outcome);
    let Replay { verdict, reason, rows, missing, added, .. } = &outcome;
    let reason = reason.as_deref().unwrap_or_default();
    match verdict {
        Verdict::Same => {
            output::done_unless_json(
                global,
                format!("the same: the query gives the {rows} rows of the answer again"),
            );
            Ok(())
        }
        Verdict::Differs => {
            let counted =
                || format!("{missing} of the answer's {rows} do not come again, {added} are not in it");
            let what = if reason.is_empty() { counted() } else { reason.to_owned() };
            Err(Error::new(ErrorCode::Corrupt, format!("the query gives other rows: {what}")))
        }
        Verdict::OtherAnswer => Err(Error::new(ErrorCode::Corrupt, reason)),
        Verdict::NotReplayable => Err(Error::new(ErrorCode::NotReplayable, reason)),
    }
}

/// The platform's keys as it serves them.
pub(super) async fn served_keys(client: &Client) -> Result<JwkSet> {
    client.json(Method::GET, "/.well-known/jwks.json", Payload::Empty).await
}

async fn asked(client: &Client, read: &Receipt, options: &cli::Replay) -> Result<Replay> {
    let id = read.records.first().map_or("", |record| record.request_id.as_str());
    let answer = Payload::File(&options.answer, "application/octet-stream", None);
    client.json(Method::POST, &format!("/receipts/{}/replay", segment(id)), answer).await
}
