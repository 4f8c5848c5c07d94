//! `receipt` fetches one, `verify` of one says who asked what, offline, with nothing but public keys.

use std::path::Path;

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{Error, ErrorCode, Result};
use datasets_store::jws;
use exchange_auth::{Jwk, JwkSet};
use exchange_crypto::{Digest, from_base64, from_hex};
use exchange_ledger::merkle::{includes, leaf_hash};
use exchange_ledger::note::{Checkpoint, Note, NoteKey};
use exchange_ledger::opens;
use http::Method;
use openapi_contract::{LeafProof, Receipt};
use serde_json::json;

use super::{exact, segment};
use crate::cli::{Global, Verify};
use crate::client::{Client, Payload};
use crate::folder::io;
use crate::output;

/// The `typ` of a receipt's signature.
const SIGNATURE_TYPE: &str = "shuqiao-receipt";
/// Bytes of a receipt, at most. What is larger is a file of data.
const MAX_BYTES: u64 = 1 << 20;

/// Fetches a receipt of the caller's and writes it as it came.
pub(super) async fn fetch(client: &Client, global: &Global, id: &str, out: &Path) -> Result<()> {
    let address = format!("/receipts/{}", segment(id));
    let answer = client.send(Method::GET, &address, Payload::Empty, "application/json").await?;
    let content = answer.bytes().await?;
    std::fs::write(out, &content).map_err(|error| io(out, &error))?;
    let document = json!({ "written": out, "bytes": content.len() });
    output::outcome(global, &document, format!("{} written", out.display()));
    Ok(())
}

/// The server's refusal in a file, where a receipt was meant.
pub(super) fn mistaken(path: &Path) -> Result<Option<Error>> {
    let Some(document) = document(path)? else { return Ok(None) };
    let text = |name: &str| document.get(name).and_then(|value| value.as_str());
    let refusal = text("code").zip(text("detail"));
    Ok(refusal.map(|(code, detail)| {
        let what = format!("{} is a refusal of the server, no receipt: [{code}] {detail}", path.display());
        Error::new(ErrorCode::InvalidInput, what)
    }))
}

/// The JSON document in a file that is small enough to be a receipt.
fn document(path: &Path) -> Result<Option<serde_json::Value>> {
    let size = std::fs::metadata(path).map_err(|error| io(path, &error))?.len();
    if size > MAX_BYTES {
        return Ok(None);
    }
    let content = std::fs::read(path).map_err(|error| io(path, &error))?;
    Ok(serde_json::from_slice(&content).ok())
}

/// The receipt in a file, or `None` where it is another kind of file.
pub(super) fn read(path: &Path) -> Result<Option<Receipt>> {
    let Some(document) = document(path)? else { return Ok(None) };
    if document.get("checkpoint").is_none() || document.get("records").is_none() {
        return Ok(None);
    }
    let content = std::fs::read(path).map_err(|error| io(path, &error))?;
    exact::read(&content, &format!("the receipt {}", path.display())).map(Some)
}

/// Checks signature, checkpoint and proofs, and the answer if one is given.
pub(super) fn run(global: &Global, options: &Verify, receipt: &Receipt, keys: &JwkSet) -> Result<()> {
    let Genuine { key, note, head } = genuine(receipt, keys)?;
    let witnessed = options.witness.as_deref().map(|witness| cosigned(&note, witness)).transpose()?;
    if let Some(answer) = &options.answer {
        committed(receipt, answer)?;
    }
    if global.json {
        output::document(&json!({
            "records": receipt.records, "ended": receipt.ended, "origin": head.origin, "size": head.size,
            "witnessed_at": witnessed, "answer": options.answer.is_some(), "key": key.kid,
        }));
        return Ok(());
    }
    output::done(format!("genuine: {}", options.file.display()));
    receipt.records.iter().flat_map(description).for_each(output::line);
    output::line(format!("  in the log {} of {} records", head.origin, head.size));
    if let Some(time) = witnessed {
        output::line(format!("  cosigned by the witness, {time} seconds after 1970"));
    }
    match &options.answer {
        Some(answer) => output::line(format!("  and {} is the answer", answer.display())),
        None => output::line("  the answer was not checked: give its file too"),
    }
    output::line(format!("  signed by key {}", key.kid));
    Ok(())
}

/// What is proven of a receipt.
pub(super) struct Genuine<'a> {
    /// The key that signed it.
    pub(super) key: &'a Jwk,
    /// Its checkpoint, with all signatures.
    pub(super) note: Note,
    /// The head in it.
    pub(super) head: Checkpoint,
}

/// Checks a receipt's signature, checkpoint and proofs.
pub(super) fn genuine<'a>(receipt: &Receipt, keys: &'a JwkSet) -> Result<Genuine<'a>> {
    let key = signed_by(receipt, keys)?;
    let note = Note::parse(&receipt.checkpoint)?;
    let log_keys: Vec<_> = keys.keys.iter().filter_map(|key| key.public_key().ok()).collect();
    let head = note.checkpoint_by(&log_keys).map_err(|error| forged(format!("the checkpoint: {error}")))?;
    included(receipt, &head)?;
    Ok(Genuine { key, note, head })
}

fn forged(message: String) -> Error {
    Error::new(ErrorCode::Corrupt, message)
}

fn signed_by<'a>(receipt: &Receipt, keys: &'a JwkSet) -> Result<&'a Jwk> {
    let statement = serde_json_canonicalizer::to_vec(&receipt.statement()).map_err(Error::internal)?;
    let signs = |key: &&Jwk| {
        key.is_valid_at(receipt.issued_at)
            && key.public_key().is_ok_and(|public| {
                jws::verify_detached(&receipt.signature, &statement, SIGNATURE_TYPE, &public).is_ok()
            })
    };
    let message = "the receipt is not signed by a key of the platform that was valid then";
    keys.keys.iter().find(signs).ok_or_else(|| forged(message.to_owned()))
}

fn included(receipt: &Receipt, head: &Checkpoint) -> Result<()> {
    if receipt.records.is_empty() || receipt.records.len() != receipt.proofs.len() {
        return Err(forged("the receipt has not one proof for each record".to_owned()));
    }
    for (record, proof) in receipt.records.iter().zip(&receipt.proofs) {
        let leaf = leaf_hash(&serde_json_canonicalizer::to_vec(record).map_err(Error::internal)?);
        if !includes(&leaf, proof.index, head.size, &path(proof)?, &head.root) {
            return Err(forged(format!("record {} is not in the log of the checkpoint", record.id)));
        }
    }
    Ok(())
}

fn path(proof: &LeafProof) -> Result<Vec<Digest>> {
    let step = |text: &String| {
        let bytes = from_base64(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest::from_bytes).ok_or_else(|| forged("a proof has a step that is no hash".to_owned()))
    };
    proof.path.iter().map(step).collect()
}

fn cosigned(note: &Note, witness: &str) -> Result<u64> {
    let key = NoteKey::parse(witness)?;
    key.signed(note).ok_or_else(|| forged(format!("`{}` has not cosigned the checkpoint", key.name())))
}

pub(super) fn committed(receipt: &Receipt, answer: &Path) -> Result<()> {
    let content = std::fs::read(answer).map_err(|error| io(answer, &error))?;
    let commitments = receipt.records.iter().filter_map(|record| match &record.event {
        Event::Access { answer_commitment, .. } | Event::AccessEnded { answer_commitment, .. } => {
            Some((&record.id, answer_commitment))
        }
        _ => None,
    });
    for (id, commitment) in commitments {
        let salts = receipt.salts.iter().filter(|salt| salt.record == *id && salt.of == "answer");
        let mut salts = salts.filter_map(|salt| from_hex(&salt.salt).ok()).peekable();
        if salts.peek().is_none() {
            let message =
                "the receipt holds no salt for its answer: its holder gets it with the salts, auditors don't";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        if salts.any(|salt| opens(commitment, &salt, &content)) {
            return Ok(());
        }
    }
    Err(forged(format!("{} is not the answer of this receipt", answer.display())))
}

fn description(record: &EvidenceRecord) -> Vec<String> {
    let department = record.actor.department.as_ref().map_or("-", |department| department.as_str());
    let purpose = record.actor.purpose.as_deref().unwrap_or("no purpose stated");
    let mut lines =
        vec![format!("  {} {} of {department}, for {purpose}", record.at.shanghai_text(), record.actor.id)];
    if let Event::Access { sources, .. }
    | Event::AccessStarted { sources, .. }
    | Event::AccessRefused { sources, .. } = &record.event
    {
        for source in sources {
            let grant = source.grant.as_ref().map_or("own data".to_owned(), |grant| format!("grant {grant}"));
            let (resource, version) = (&source.resource, source.version);
            lines.push(format!("  read {resource} version {version} under {grant}"));
            lines.push(format!("    manifest {} policy {}", source.manifest_digest, source.policy_digest));
        }
    }
    if let Event::AccessEnded { complete: false, stopped_by, .. } = &record.event {
        lines.push(format!("  not whole: {}", stopped_by.as_deref().unwrap_or("stopped")));
    }
    lines
}
