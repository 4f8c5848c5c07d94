//! Computing an answer again: on the versions, at the time and under the policies that its evidence names.

mod asked;
mod awaited;
mod lines;

use std::fs::File;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::evidence::{Event, SourceRead};
use catalog_core::services::PastRead;
use catalog_core::{Error, ErrorCode, Fault, OpContext, Result, Timestamp};
use exchange_crypto::Hasher;
use exchange_ledger::{Committed, Kept, opens};
use exchange_query::replay::{Difference, compare};
use exchange_query::{PastTables, QueryRequest};
use openapi_contract::{Replay, Verdict};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::asked::sql_of;
use self::asked::{Asked, KeptText};
pub(crate) use self::awaited::{Awaited, Replays};
use crate::app::App;
use crate::extract::Id;
use crate::payload::Upload;
use crate::problem::Refusal;
use crate::receipts::leaves_of;
use crate::verifications;

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
        let mut then = ctx.clone();
        then.now = self.read.now;
        let tables = PastTables { tables: &app.tables, services: &app.services, read: self.read.clone() };
        let run = async |request| app.engine.run_again(app.place(ctx).await?, &then, &tables, request).await;
        let kept = KeptText::read(&asked.text)?;
        match kept.asked(&tables, &then).await? {
            Asked::Rows(request, open) => Ok((compare(answer, run(*request).await?).await?, open)),
            Asked::Features(page, lines) => {
                let again = lines.of(run(QueryRequest::Selection(*page)).await?);
                Ok((lines::compare(answer, again).await?, None))
            }
            Asked::Pairs(wanted) => {
                let again = app.engine.verify_again(&then, &tables, wanted).await?;
                Ok((lines::results(answer, verifications::results(&again)).await?, None))
            }
            Asked::Material(page, digest) => {
                let names_it = lines::has_rows(run(QueryRequest::Selection(*page)).await?).await?;
                Ok((lines::material(answer, digest, names_it).await?, None))
            }
        }
    }
}
