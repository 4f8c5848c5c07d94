//! Evidence: searched by auditors, and shown with its proof to whoever may see the receipt.

mod rows;

use std::collections::BTreeSet;
use std::io::SeekFrom;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::policy::{Action, decide_action};
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use datasets_store::jws;
use exchange_crypto::{Digest, from_base64};
use exchange_ledger::merkle::{leaf_hash, node_hash};
use exchange_ledger::note::Note;
use openapi_contract::{LeafProof, Receipt};
use openapi_portal::{
    AccessLogPage, AccessRow, EvidenceDeskPage, EvidenceRow, Names, Pager, ProofPage, ProofStep,
    ProvenRecord, SearchField, named_in, resource_in,
};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{day, end, filled, start};
use crate::app::App;
use crate::extract::{Id, Params};
use crate::inspection::{self, Wanted};
use crate::maintenance::access_log;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::receipts::receipt;

/// Days of evidence that are shown before anything is asked for.
const RECENT_DAYS: i64 = 7;
const DAY_SECONDS: i64 = 86_400;
/// The end of an access log that a page reads, in bytes, and the most lines of it.
const TAIL: u64 = 256 << 10;
const LINES: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_evidence))
        .routes(routes!(show_proof))
        .routes(routes!(show_access_log))
}

/// What is looked for; an empty field is nothing asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Asked {
    /// The number of a receipt, or a place in the log: leads there.
    receipt: Option<String>,
    /// The first day, in Asia/Shanghai.
    from: String,
    /// The last day.
    until: String,
    /// Done for this department.
    department: String,
    /// By this principal.
    principal: String,
    /// About this resource.
    resource: String,
    /// Under this grant.
    grant: String,
    /// For this purpose.
    purpose: String,
    /// A kind of event, or a change.
    action: String,
    /// What the page before said.
    after: String,
}

impl Asked {
    fn wanted(&self) -> Result<Wanted> {
        Ok(Wanted {
            from: start(&self.from)?,
            until: end(&self.until)?,
            department: filled(&self.department),
            principal: filled(&self.principal),
            resource: filled(&self.resource),
            grant: filled(&self.grant),
            purpose: filled(&self.purpose),
            action: filled(&self.action),
            after: filled(&self.after),
            ..Wanted::default()
        })
    }

    fn fields(&self) -> Vec<SearchField> {
        let field =
            |name, label, kind, value: &String| SearchField { name, label, kind, value: value.clone() };
        vec![
            field("from", ("从", "From"), "date", &self.from),
            field("until", ("至（含当日）", "To, that day included"), "date", &self.until),
            field("department", ("部门", "Department"), "text", &self.department),
            field("principal", ("主体（用户名或密钥编号）", "Login name or key"), "text", &self.principal),
            field("resource", ("资源代码", "Resource"), "text", &self.resource),
            field("grant", ("授权编号", "Grant"), "text", &self.grant),
            field("purpose", ("用途", "Purpose"), "text", &self.purpose),
            field("action", ("事件", "Event"), "text", &self.action),
        ]
    }

    /// The query by which the page after this one is asked for.
    fn query(&self, after: &str) -> Result<String> {
        let asked = self.fields().into_iter().filter(|field| !field.value.is_empty());
        let asked = asked.map(|field| (field.name, field.value)).chain([("after", after.to_owned())]);
        written(asked.collect())
    }
}

/// Search evidence, or come to a receipt
#[utoipa::path(get, path = "/desk/evidence", tag = "desk", params(LanguageParam, Asked),
    responses((status = 200, description = "A page", content_type = "text/html"),
        (status = 303, description = "To the receipt that was named")))]
async fn show_evidence(visit: Visit, Params(mut asked): Params<Asked>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    if let Some(named) = asked.receipt.as_deref().and_then(filled) {
        // Numbers are letters, digits and hyphens: nothing else is put into an address.
        let number: String =
            named.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '-').collect();
        return Ok(visit.go_on(format!("/desk/evidence/{number}")));
    }
    let ctx = &visit.ctx;
    if decide_action(&ctx.principal, Action::ReadEvidence, None).into_permission().is_err() {
        let (fields, rows, names) = (Vec::new(), Vec::new(), Names::default());
        return visit.page(&EvidenceDeskPage {
            a: visit.around(),
            fields,
            rows,
            names,
            pager: Pager::default(),
            sheet: String::new(),
        });
    }
    if asked.fields().iter().all(|field| field.value.is_empty()) {
        asked.from = ctx.now.plus_seconds(-RECENT_DAYS * DAY_SECONDS).shanghai_date().to_string();
    }
    let wanted = asked.wanted()?;
    let page = inspection::search(&visit.app, ctx, &wanted).await?;
    let rows = rows::of(&page, &inspection::ends_behind(&visit.app, &page).await?);
    let next = page.next.as_deref().map(|after| asked.query(after)).transpose()?;
    let next = next.map(|query| format!("/desk/evidence?{query}"));
    let pager = Pager { next, ..Pager::of(&visit.around().address, "after", None) };
    visit.page(&EvidenceDeskPage {
        a: visit.around(),
        fields: asked.fields(),
        names: names_of(&visit, &rows).await?,
        rows,
        pager,
        sheet: sheet(&wanted)?,
    })
}

/// What people, departments and resources are called in rows.
async fn names_of(visit: &Visit, rows: &[EvidenceRow]) -> Result<Names> {
    let people: Vec<_> = rows.iter().flat_map(people_of).collect();
    let codes: Vec<_> = rows.iter().flat_map(resources_of).collect();
    visit.names_with(people, codes).await
}

/// What stands at places of the log, the oldest first, and what is called how in it.
pub(super) async fn rows_at(
    visit: &Visit,
    looked_for: &str,
    places: BTreeSet<(u64, u64)>,
) -> Result<(Vec<EvidenceRow>, Names)> {
    let page = inspection::records_at(&visit.app, &visit.ctx, looked_for, places).await?;
    let rows = rows::of(&page, &inspection::ends_behind(&visit.app, &page).await?);
    let names = names_of(visit, &rows).await?;
    Ok((rows, names))
}

/// The resources of a row.
fn resources_of(row: &EvidenceRow) -> impl Iterator<Item = &str> {
    row.read.iter().map(|(code, _)| code.as_str()).chain(resource_in(&row.about))
}

/// Who acted in a row, and whom it is about.
fn people_of(row: &EvidenceRow) -> impl Iterator<Item = &str> {
    std::iter::once(row.principal.as_str()).chain(named_in(&row.about))
}

/// The address of the same search as a spreadsheet.
fn sheet(wanted: &Wanted) -> Result<String> {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let named = [
        ("from", time(wanted.from)),
        ("until", time(wanted.until)),
        ("department", wanted.department.clone()),
        ("principal", wanted.principal.clone()),
        ("resource", wanted.resource.clone()),
        ("grant", wanted.grant.clone()),
        ("purpose", wanted.purpose.clone()),
        ("action", wanted.action.clone()),
        ("after", wanted.after.clone()),
        ("format", Some("xlsx".to_owned())),
    ];
    let given = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(format!("/api/v1/evidence?{}", written(given.collect())?))
}

/// What is asked, as it stands behind the question mark.
fn written(asked: Vec<(&str, String)>) -> Result<String> {
    serde_html_form::to_string(asked).map_err(Error::internal)
}

/// What evidence holds about a request, with its proof; a place in the log leads to the request of its record
#[utoipa::path(get, path = "/desk/evidence/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the receipt, or a place: `0-17`")),
    responses((status = 200, description = "A page", content_type = "text/html"),
        (status = 303, description = "To the request of the record at a place")))]
async fn show_proof(visit: Visit, Id(id): Id) -> Result<Response, Refusal> {
    visit.signed_in()?;
    if let Some(place) = place(&id) {
        let record = inspection::record_at(&visit.app, &visit.ctx, place).await?;
        return Ok(visit.go_on(format!("/desk/evidence/{}", record.request_id)));
    }
    let receipt = receipt(&visit.app, &visit.ctx.principal, &id).await?;
    let head = Note::parse(&receipt.checkpoint).and_then(|note| note.checkpoint()).map_err(Error::from)?;
    let proven = receipt.records.iter().zip(&receipt.proofs);
    let records =
        proven.map(|(record, proof)| shown(record, proof, head.size)).collect::<Result<Vec<_>>>()?;
    let Receipt { ended, checkpoint, salts, signature, .. } = &receipt;
    let actors = receipt.records.iter().map(|record| record.actor.id.as_str());
    let subjects = receipt.records.iter().filter_map(|record| match &record.event {
        Event::Changed { entity, .. } => named_in(entity),
        _ => None,
    });
    let people: Vec<_> = actors.chain(subjects).collect();
    let codes: Vec<_> = receipt.records.iter().flat_map(|record| codes_of(&record.event)).collect();
    visit.page(&ProofPage {
        a: visit.around(),
        id: &id,
        records,
        ended: *ended,
        opens: !salts.is_empty(),
        checkpoint,
        origin: head.origin,
        size: head.size,
        root: head.root.to_base64(),
        key: jws::key_id(signature).map_err(Error::internal)?,
        names: visit.names_with(people, codes).await?,
    })
}

/// The codes of the resources of an event.
fn codes_of(event: &Event) -> Vec<&str> {
    match event {
        Event::AccessStarted { sources, .. }
        | Event::Access { sources, .. }
        | Event::AccessRefused { sources, .. } => {
            sources.iter().map(|source| source.resource.as_str()).collect()
        }
        Event::Changed { entity, .. } => resource_in(entity).into_iter().collect(),
        Event::OpenDownloads { resource, .. } => vec![resource.as_str()],
        Event::AccessEnded { .. } | Event::EpochStarted { .. } => Vec::new(),
    }
}

/// `epoch-index`, which no number of a request looks like.
fn place(text: &str) -> Option<(u64, u64)> {
    let (epoch, index) = text.split_once('-')?;
    Some((epoch.parse().ok()?, index.parse().ok()?))
}

/// A record with each step of its proof (RFC 9162 section 2.1.3.2).
fn shown(record: &EvidenceRecord, proof: &LeafProof, size: u64) -> Result<ProvenRecord> {
    let leaf = leaf_hash(&serde_json_canonicalizer::to_vec(record).map_err(Error::internal)?);
    let (mut node, mut last) = (proof.index, size.saturating_sub(1));
    let (mut found, mut steps) = (leaf, Vec::with_capacity(proof.path.len()));
    for sibling in &proof.path {
        let beside = digest(sibling)?;
        let is_left = node & 1 == 1 || node == last;
        found = if is_left { node_hash(&beside, &found) } else { node_hash(&found, &beside) };
        steps.push(ProofStep { sibling: sibling.clone(), is_left, result: found.to_base64() });
        // A node without a sibling stands for its parents, too.
        while is_left && node & 1 == 0 && node > 0 {
            (node, last) = (node >> 1, last >> 1);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    Ok(ProvenRecord {
        record: record.clone(),
        json: serde_json::to_string_pretty(record).map_err(Error::internal)?,
        index: proof.index,
        leaf: leaf.to_base64(),
        steps,
    })
}

fn digest(text: &str) -> Result<Digest> {
    let bytes = from_base64(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest::from_bytes).ok_or_else(|| Error::internal("a step of a proof is no hash"))
}

/// The day of an access log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfDay {
    /// `2026-11-22`, in Asia/Shanghai; today without it.
    #[serde(default)]
    date: String,
    /// The lines that end before this byte of the log; the newest without it.
    before: Option<u64>,
}

/// The access log of a day, for auditors
#[utoipa::path(get, path = "/desk/access-log", tag = "desk", params(LanguageParam, OfDay),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_access_log(visit: Visit, Params(asked): Params<OfDay>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let wanted = day(&asked.date)?.unwrap_or_else(|| visit.ctx.now.shanghai_date());
    let read = match access_log(&visit.app, &visit.ctx, wanted).await {
        Ok(file) => Some(tail(file, asked.before).await.map_err(Error::internal)?),
        Err(error) if error.code == ErrorCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let (is_there, (rows, next)) = (read.is_some(), read.unwrap_or_default());
    let names = visit.names(rows.iter().filter_map(|row: &AccessRow| row.principal.as_deref())).await?;
    let a = visit.around();
    let pager = Pager::of(&a.address, "before", next.map(|next| next.to_string()).as_deref());
    visit.page(&AccessLogPage { a, day: wanted.to_string(), rows, pager, is_there, names })
}

/// The lines of a log that end before a byte of it, the newest first, and the byte before which those end that are left.
async fn tail(
    mut file: tokio::fs::File,
    before: Option<u64>,
) -> std::io::Result<(Vec<AccessRow>, Option<u64>)> {
    let length = file.metadata().await?.len();
    let end = before.unwrap_or(length).min(length);
    let begin = end.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin)).await?;
    let mut bytes = Vec::new();
    file.take(end - begin).read_to_end(&mut bytes).await?;
    let (lines, left) = last_lines(&bytes, begin);
    let rows = lines.into_iter().filter_map(|line| serde_json::from_slice(line).ok());
    Ok((rows.collect(), left))
}

/// The last lines of a part of a log that begins at a byte of it, and where the first of them begins, if anything is before it. The
/// first line of a part may be half of one, and is left.
fn last_lines(part: &[u8], begin: u64) -> (Vec<&[u8]>, Option<u64>) {
    let half = match begin {
        0 => 0,
        _ => part.iter().position(|byte| *byte == b'\n').map_or(0, |place| place + 1),
    };
    let (mut rest, mut lines) = (part.get(half..).unwrap_or_default(), Vec::new());
    while lines.len() < LINES && !rest.is_empty() {
        let whole = rest.strip_suffix(b"\n").unwrap_or(rest);
        let start = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        lines.push(whole.get(start..).unwrap_or_default());
        rest = rest.get(..start).unwrap_or_default();
    }
    // A line that is longer than a part is left out.
    let left = if lines.is_empty() { begin } else { begin + half as u64 + rest.len() as u64 };
    (lines, Some(left).filter(|left| *left > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_log_stands_on_one_page() {
        let log: Vec<_> = (0..1_234).map(|number| format!("line {number}")).collect();
        let bytes = log.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        let (mut end, mut seen) = (bytes.len() as u64, Vec::new());
        loop {
            let begin = end.saturating_sub(9_000);
            let (lines, left) = last_lines(&bytes[begin as usize..end as usize], begin);
            seen.extend(lines.into_iter().map(|line| String::from_utf8(line.to_vec()).unwrap()));
            match left {
                Some(left) => end = left,
                None => break,
            }
        }
        seen.reverse();
        assert_eq!(seen, log);
    }

    #[test]
    fn a_place_is_no_number_of_a_request() {
        assert_eq!(place("0-17"), Some((0, 17)));
        for other in ["019aa0c4-0000-7000-8000-000000000001", "17", "-", "0-", "a-1", ""] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
