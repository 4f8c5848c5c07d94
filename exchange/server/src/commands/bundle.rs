//! `evidence bundle`: one ZIP with everything that a court needs to check answers without this product.
//!
//! Its bytes follow from its content alone: made twice of the same, it is the same file.

mod cover;
mod files;
mod grounds;

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use catalog_core::{Error, ErrorCode, Result};
use exchange_auth::JwkSet;
use exchange_ledger::note::NoteKey;
use http::Method;
use openapi_contract::Receipt;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::names::Names;
use super::replay::served_keys;
use super::{receipt, segment, verify};
use crate::cli::{Bundle, Command, EvidenceCommand, Global};
use crate::client::{Client, Payload};
use crate::folder::io;
use crate::output;
use files::Files;
use grounds::State;

/// One request's receipt, the answer where it is given, and the rows of the catalogue that the request made.
struct Case {
    receipt: Receipt,
    answer: Option<Vec<u8>>,
    states: Vec<State>,
}

/// The options of a bundle that needs nothing but the files that are given.
pub(super) fn without_server(command: &Command) -> Option<&Bundle> {
    let Command::Evidence(evidence) = command else { return None };
    let Some(EvidenceCommand::Bundle(options)) = &evidence.command else { return None };
    let are_files = options.receipts.iter().all(|name| Path::new(name).is_file());
    (options.keys.is_some() && are_files && !options.grounds).then_some(options)
}

/// Checks every receipt and answer, and writes the ZIP if all are genuine.
pub(super) async fn run(client: Option<&Client>, global: &Global, options: &Bundle) -> Result<()> {
    let keys = match (&options.keys, client) {
        (Some(file), _) => verify::key_set(file)?,
        (None, Some(client)) => served_keys(client).await?,
        (None, None) => return Err(Error::internal("no keys and no server")),
    };
    let witnesses = options.witnesses.iter().map(|key| NoteKey::parse(key).map_err(Error::from));
    let witnesses = witnesses.collect::<Result<Vec<_>>>()?;
    let mut cases = Vec::with_capacity(options.receipts.len());
    for name in &options.receipts {
        let receipt = receipt_called(client, name).await?;
        receipt::genuine(&receipt, &keys)
            .map_err(|error| Error::new(error.code, format!("{name}: {}", error.message)))?;
        cases.push(Case { receipt, answer: None, states: Vec::new() });
    }
    if let (true, Some(client)) = (options.grounds, client) {
        add_grounds(client, &mut cases, &keys).await?;
    }
    for answer in &options.answers {
        give(&mut cases, answer)?;
    }
    let names = match client {
        Some(client) => Names::from(client).await,
        None => Names::default(),
    };
    let files = Files::of(&cases, &keys, &witnesses, &names)?;
    let content = zipped(&files)?;
    // A file is there whole or not at all.
    let part = options.out.with_extension("part");
    fs::write(&part, &content).map_err(|error| io(&part, &error))?;
    fs::rename(&part, &options.out).map_err(|error| io(&options.out, &error))?;
    let document = json!({ "written": options.out, "bytes": content.len(), "receipts": cases.len() });
    output::outcome(
        global,
        &document,
        format!("{} written, {} receipts", options.out.display(), cases.len()),
    );
    Ok(())
}

/// The decisions behind all answers, each once.
async fn add_grounds(client: &Client, cases: &mut Vec<Case>, keys: &JwkSet) -> Result<()> {
    let mut grounds: Vec<Case> = Vec::new();
    for case in cases.iter() {
        for ground in grounds::of(client, &case.receipt).await? {
            receipt::genuine(&ground.receipt, keys)?;
            if !grounds.iter().any(|known| known.receipt.records == ground.receipt.records) {
                grounds.push(ground);
            }
        }
    }
    cases.append(&mut grounds);
    Ok(())
}

async fn receipt_called(client: Option<&Client>, name: &str) -> Result<Receipt> {
    let path = Path::new(name);
    if path.is_file() {
        let found = receipt::read(path)?;
        return found.ok_or_else(|| Error::new(ErrorCode::InvalidInput, format!("{name} is no receipt")));
    }
    let missing = || Error::new(ErrorCode::NotFound, format!("there is no file {name}"));
    let address = format!("/receipts/{}", segment(name));
    client.ok_or_else(missing)?.json(Method::GET, &address, Payload::Empty).await
}

/// Gives the answer to the receipt that commits to it.
fn give(cases: &mut [Case], answer: &Path) -> Result<()> {
    let is_its =
        |case: &&mut Case| case.answer.is_none() && receipt::committed(&case.receipt, answer).is_ok();
    let Some(case) = cases.iter_mut().find(is_its) else {
        let message = format!(
            "{} is the answer of none of the receipts, or they are an auditor's, without salts",
            answer.display()
        );
        return Err(Error::new(ErrorCode::Corrupt, message));
    };
    case.answer = Some(fs::read(answer).map_err(|error| io(answer, &error))?);
    Ok(())
}

fn zipped(files: &Files) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for (name, content) in files.iter() {
        zip.start_file(name, options).map_err(Error::internal)?;
        zip.write_all(content).map_err(Error::internal)?;
    }
    Ok(zip.finish().map_err(Error::internal)?.into_inner())
}
