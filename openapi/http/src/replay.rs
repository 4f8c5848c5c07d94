//! Computing an answer again: on the versions, at the time and under the policies that its evidence names.

mod awaited;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use catalog_core::evidence::{Event, SourceRead};
use catalog_core::policy::Filter;
use catalog_core::services::{PastRead, VersionSelector};
use catalog_core::{Error, ErrorCode, Fault, OpContext, ResourceCode, Result, Timestamp};
use exchange_crypto::{Digest, Hasher};
use exchange_ledger::{Committed, Kept, opens};
use exchange_query::replay::{Difference, compare, leaves_open};
use exchange_query::{PastTables, QueryRequest, Selection, TableName};
use http::Uri;
use openapi_contract::{RecordsQuery, Replay, SqlQuery, Verdict};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::awaited::{Awaited, Replays};
use crate::app::App;
use crate::ckan;
use crate::extract::Id;
use crate::payload::Upload;
use crate::problem::Refusal;
use crate::receipts::leaves_of;
use crate::records::{is_value, query_of, selection};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(replay_answer))
}

/// Compute an answer again, and say whether it is the same; that it was done is evidence
///
/// The body is the answer, byte by byte. For its holder and for auditors, who learn how many rows differ and see none.
#[utoipa::path(post, path = "/receipts/{id}/replay", tag = "evidence",
    params(("id" = String, Path, description = "Id of the receipt")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "What came of it", body = Replay)))]
async fn replay_answer(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Extension(answer): Extension<Arc<Upload>>,
    Extension(awaited): Extension<Arc<Awaited>>,
) -> Result<Json<Replay>, Refusal> {
    let past = &awaited.past;
    let file = answer.file.reopen().map_err(Error::internal)?;
    let outcome = match past.answered_by(file).await {
        Ok(Some(file)) => {
            let _turn = app.replays.turn(app.limits.queue).await?;
            judged(past.computed(&app, &ctx, file).await)
        }
        Ok(None) => Ok(told(Verdict::OtherAnswer, "these bytes are not the answer that the receipt is of")),
        Err(error) => judged(Err(error)),
    };
    let word = match &outcome {
        Ok(replay) => serde_json::to_string(&replay.verdict).map_err(Error::internal)?,
        Err(error) => error.code.to_string(),
    };
    app.services.record_replay(&ctx, &id, word.trim_matches('"')).await?;
    Ok(Json(Replay { receipt: id, ..outcome? }))
}

fn told(verdict: Verdict, reason: &str) -> Replay {
    let reason = Some(reason.to_owned());
    Replay { receipt: String::new(), verdict, reason, rows: 0, missing: 0, added: 0 }
}

/// What can't be computed again is a verdict too; a fault of the server is none.
fn judged(found: Result<(Difference, Option<&'static str>)>) -> Result<Replay> {
    let (difference, open) = match found {
        Ok(found) => found,
        Err(error) if error.code == ErrorCode::LimitTime || error.code.fault() == Fault::Server => {
            return Err(error);
        }
        Err(error) => return Ok(told(Verdict::NotReplayable, &error.message)),
    };
    let Difference { rows, missing, added, cut } = difference;
    let uncounted = || {
        format!("the query gives at least {added} rows that are not in the answer: the rest is not counted")
    };
    let (verdict, reason) = match (missing + added, open) {
        (0, _) => (Verdict::Same, None),
        (_, Some(reason)) => (Verdict::NotReplayable, Some(reason.to_owned())),
        (_, None) => (Verdict::Differs, cut.then(uncounted)),
    };
    Ok(Replay { receipt: String::new(), verdict, reason, rows, missing, added })
}

fn refused(reason: impl Into<String>) -> Error {
    Error::new(ErrorCode::NotReplayable, reason)
}

/// What evidence and vault hold of an answer.
struct Past {
    read: PastRead,
    request: Option<Kept>,
    request_commitment: String,
    answer: Option<Kept>,
    answer_commitment: String,
    /// Bytes of the answer that left.
    bytes: u64,
    /// Why the answer is not whole.
    stopped: Option<String>,
}

impl Past {
    /// `None` where the caller has no such receipt.
    fn of(app: &App, id: &str, holder: Option<&[String]>) -> Result<Option<Self>> {
        let leaves = leaves_of(app, id, holder)?;
        let (mut begun, mut ended) = (None, None);
        for leaf in &leaves {
            let record = &leaf.record;
            match &record.event {
                Event::Access { sources, request_commitment, answer_commitment, now, bytes, .. } => {
                    begun = Some((record, sources, request_commitment, now));
                    ended = Some((record, answer_commitment, *bytes, None));
                }
                Event::AccessStarted { sources, request_commitment, now, .. } => {
                    begun = Some((record, sources, request_commitment, now));
                }
                Event::AccessEnded { answer_commitment, bytes, complete, stopped_by, .. } => {
                    let code = stopped_by.as_deref().unwrap_or("stopped");
                    let stopped = (!complete).then(|| format!("the answer was not whole: {code}"));
                    ended = Some((record, answer_commitment, *bytes, stopped));
                }
                _ => {}
            }
        }
        let Some((started, sources, request_commitment, now)) = begun else {
            // Refusals, and changes, have a receipt and no answer.
            return Ok(None);
        };
        let Some((end, answer_commitment, bytes, stopped)) = ended else {
            return Err(refused(
                "the answer has no end in evidence: it runs still, or the server stopped in it",
            ));
        };
        let kept = |id: &str, of| -> Result<Option<Kept>> {
            Ok(app.vault.of_record(id)?.into_iter().find(|kept| kept.of == of))
        };
        let sources: Vec<SourceRead> = sources.clone();
        let now: Timestamp = now.unwrap_or(started.at);
        Ok(Some(Self {
            read: PastRead { sources, department: started.actor.department.clone(), now },
            request: kept(&started.id, Committed::Request)?,
            request_commitment: request_commitment.clone(),
            answer: kept(&end.id, Committed::Answer)?,
            answer_commitment: answer_commitment.clone(),
            bytes,
            stopped,
        }))
    }

    /// The file again, if it is the answer.
    async fn answered_by(&self, file: File) -> Result<Option<File>> {
        let erased = || {
            refused(
                "the texts and salts of that month are erased: neither question nor answer can be checked",
            )
        };
        let salt = self.answer.as_ref().ok_or_else(erased)?.salt;
        let commitment = self.answer_commitment.clone();
        let check = move || {
            let mut hasher = Hasher::new();
            hasher.update(&salt);
            let mut reading = file.try_clone()?;
            std::io::copy(&mut reading, &mut hasher)?;
            std::io::Seek::rewind(&mut reading)?;
            Ok::<_, std::io::Error>((hasher.finish().to_hex() == commitment).then_some(file))
        };
        tokio::task::spawn_blocking(check).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Asks again, and compares.
    async fn computed(
        &self,
        app: &App,
        ctx: &OpContext,
        answer: File,
    ) -> Result<(Difference, Option<&'static str>)> {
        if let Some(stopped) = &self.stopped {
            return Err(refused(stopped));
        }
        let asked = self.request.as_ref().ok_or_else(|| refused("the text of the request is erased"))?;
        if !opens(&self.request_commitment, &asked.salt, asked.committed()) {
            return Err(Error::new(
                ErrorCode::Corrupt,
                "the text kept of the request is not what it commits to",
            ));
        }
        let (request, open) = request_of(&asked.text)?;
        let tables = PastTables { tables: &app.tables, services: &app.services, read: self.read.clone() };
        let mut then = ctx.clone();
        then.now = self.read.now;
        let again = app.engine.run_again(app.place(ctx).await?, &then, &tables, request).await?;
        Ok((compare(answer, again).await?, open))
    }
}

/// The request that a kept text is of, and what it leaves open.
fn request_of(text: &[u8]) -> Result<(QueryRequest, Option<&'static str>)> {
    let damaged = || Error::new(ErrorCode::Corrupt, "the text kept of the request is no request");
    let mut parts = text.splitn(3, |byte| *byte == b'\n');
    let head = parts.next().and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(damaged)?;
    let digest = parts.next().unwrap_or_default();
    let body = parts.next().unwrap_or_default();
    if !digest.is_empty() && Digest::of(body).to_hex().as_bytes() != digest {
        return Err(damaged());
    }
    let (method, address) = head.split_once(' ').ok_or_else(damaged)?;
    let address: Uri = address.parse().map_err(|_| damaged())?;
    let path = address.path();
    if (method, path) == ("POST", "/api/v1/sql") {
        let SqlQuery { sql } = serde_json::from_slice(body).map_err(|_| damaged())?;
        let open = leaves_open(&sql)?;
        return Ok((QueryRequest::Sql(sql), open));
    }
    let of_records = path.strip_prefix("/api/v1/resources/").and_then(|rest| rest.strip_suffix("/records"));
    if let Some(code) = of_records {
        let code = ResourceCode::from_path(code)?;
        let query = match method {
            "POST" => serde_json::from_slice(body).map_err(|_| damaged())?,
            _ => asked_by_address(&address)?,
        };
        return Ok((QueryRequest::Selection(selection(code, query).map_err(|refusal| refusal.error)?), None));
    }
    if let Some(action) = ckan::action_of(path) {
        let asked = ckan::asked_again(action, &address, body).map_err(|refusal| refusal.error)?;
        if let Some(request) = asked {
            let open = match &request {
                QueryRequest::Sql(sql) => leaves_open(sql)?,
                _ => None,
            };
            return Ok((request, open));
        }
    }
    let of_file = path.strip_prefix("/datasets/").and_then(|rest| rest.split_once('/'));
    if let Some((code, file)) = of_file
        && method == "GET"
        && [".parquet", ".csv", ".jsonl"].iter().any(|ending| file.ends_with(ending))
    {
        let table = TableName::Code(ResourceCode::from_path(code)?);
        return Ok((
            QueryRequest::Selection(Selection::of(table)),
            Some("a part of a file may be its answer"),
        ));
    }
    if let Some((code, number)) = of_shared_file(path)
        && method == "GET"
    {
        let (table, version) =
            (TableName::Code(ResourceCode::from_path(code)?), VersionSelector::Number(number));
        return Ok((
            QueryRequest::Selection(Selection { version, ..Selection::of(table) }),
            Some("one of several files of the table may be its answer, or a part of one"),
        ));
    }
    Err(refused("it was no query and no file of rows, but another request"))
}

/// The resource and the version of a shared table's file.
fn of_shared_file(path: &str) -> Option<(&str, i64)> {
    let (code, rest) = path.strip_prefix("/delta-sharing/files/")?.split_once('/')?;
    Some((code, rest.split_once('/')?.0.parse().ok()?))
}

/// The selection that an address asks for.
fn asked_by_address(address: &Uri) -> Result<RecordsQuery> {
    let query = Query::<BTreeMap<String, String>>::try_from_uri(address);
    let Query(mut values) = query.map_err(|_| refused("the address of the request can't be read"))?;
    values.remove("format");
    let mut query = query_of(&mut values).map_err(|refusal| refusal.error)?;
    let parts: Vec<_> = values.into_iter().map(|(column, value)| is_value(column, value)).collect();
    query.filter = (!parts.is_empty()).then_some(Filter::And(parts));
    Ok(query)
}
