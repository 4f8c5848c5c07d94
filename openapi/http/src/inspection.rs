//! Evidence as auditors search it: who saw what, when, for which purpose. No values of rows stand in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::directory::Successions;
use catalog_core::directory::sheet::{Grid, Row, Workbook};
use catalog_core::evidence::{Event, EvidenceRecord, SourceRead};
use catalog_core::{Channel, Error, ErrorCode, OpContext, ResourceCode, Result, Timestamp};
use catalog_sheet::write_xlsx;
use exchange_crypto::Digest;
use exchange_ledger::{Filter, Leaf};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use openapi_contract::header::NEXT;
use openapi_contract::{AccessStart, EvidenceLeaf, EvidencePage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Params, invalid};
use crate::problem::Refusal;

/// Records of a page where the caller does not say, and most.
const PAGE_RECORDS: usize = 100;
const MAX_RECORDS: usize = 10_000;
/// Characters of what is looked for.
const MAX_WORDS: usize = 500;

pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(search_evidence))
}

/// What is looked for; what is left out matches everything.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// From this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) from: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) until: Option<Timestamp>,
    /// Done for this department.
    pub(crate) department: Option<String>,
    /// By this principal: a login name or key id.
    pub(crate) principal: Option<String>,
    /// Reads of this resource with their ends, its downloads and its changes; with `-` for the slash or with it.
    pub(crate) resource: Option<String>,
    /// Under this grant, and what became of it.
    pub(crate) grant: Option<String>,
    /// For this purpose, as asserted.
    pub(crate) purpose: Option<String>,
    /// A kind of event (`access`, `access_refused`) or a change (`grant.created`).
    pub(crate) action: Option<String>,
    /// Of this request.
    pub(crate) request: Option<String>,
    /// Look-ups of this subject, and who asked for them: the keyed hash that `/api/v1/subject-accesses` names.
    pub(crate) subject: Option<String>,
    /// What `next` of the page before said.
    pub(crate) after: Option<String>,
    /// Records of a page, 1 to 10,000; 100 when left out.
    pub(crate) limit: Option<usize>,
    /// `json`, or `xlsx` for a spreadsheet; `json` when left out.
    pub(crate) format: Option<String>,
}

/// Search the evidence log; that it was searched is evidence too
///
/// For auditors. Neither values of rows nor texts of requests stand in evidence, only commitments to them.
#[utoipa::path(get, path = "/api/v1/evidence", tag = "evidence", params(Wanted),
    responses((status = 200, description = "Oldest first", content((EvidencePage = "application/json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))))]
async fn search_evidence(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Refusal> {
    let as_sheet = match wanted.format.as_deref() {
        None | Some("json") => false,
        Some("xlsx") => true,
        Some(_) => return Err(invalid("offered are format=json and format=xlsx")),
    };
    let page = search(&app, &ctx, &wanted).await?;
    if !as_sheet {
        return Ok(Json(page).into_response());
    }
    let next = page.next.clone();
    let write = move || write_xlsx(&Workbook { directory: grid(&page), extension: None });
    let content = tokio::task::spawn_blocking(write).await.map_err(Error::internal)??;
    let headers = [(CONTENT_TYPE, XLSX), (CONTENT_DISPOSITION, "attachment; filename=\"evidence.xlsx\"")];
    let mut response = (headers, content).into_response();
    if let Some(next) = next {
        let next = HeaderValue::from_str(&next).map_err(Error::internal)?;
        response.headers_mut().insert(NEXT, next);
    }
    Ok(response)
}

/// Searches, and leaves evidence of it.
pub(crate) async fn search(
    app: &Arc<App>,
    ctx: &OpContext,
    wanted: &Wanted,
) -> Result<EvidencePage, Refusal> {
    let limit = wanted.limit.unwrap_or(PAGE_RECORDS);
    if !(1..=MAX_RECORDS).contains(&limit) {
        return Err(invalid("`limit` lies between 1 and 10,000"));
    }
    let after = wanted.after.as_deref().map(place).transpose()?;
    let mut filter = Filter { after, ..filter(wanted)? };
    if let Some(department) = wanted.department.as_ref().and_then(|name| name.parse().ok()) {
        let successions = Successions::new(app.services.successions(ctx).await?);
        filter.predecessors = successions.predecessors_of(&department, ctx.now);
    }
    let looked_for = described(wanted);
    if looked_for.chars().count() > MAX_WORDS {
        return Err(invalid("what is looked for has at most 500 characters: it stands in evidence itself"));
    }
    app.services.inspect(ctx, &looked_for).await?;
    Ok(Arc::clone(app).prove(move |app| found(app, filter, limit)).await?)
}

/// The record at a place of the log, for auditors; that it was looked at is evidence too.
///
/// # Errors
/// `not_found` where the log has none.
pub(crate) async fn record_at(
    app: &Arc<App>,
    ctx: &OpContext,
    (epoch, index): (u64, u64),
) -> Result<EvidenceRecord> {
    app.services.inspect(ctx, &format!("place={epoch}-{index}")).await?;
    let after = before((epoch, index));
    let read = move |app: &App| {
        let mut leaves = app.evidence.scan(Filter { after, ..Filter::default() })?;
        Ok(leaves.next().transpose()?)
    };
    let found: Option<Leaf> = Arc::clone(app).prove(read).await?;
    let found = found.filter(|leaf| (leaf.epoch, leaf.index) == (epoch, index));
    let missing = || Error::not_found(format!("record {epoch}-{index} of the log"));
    found.map(|leaf| leaf.record).ok_or_else(missing)
}

/// The records at places of the log, the oldest first, for auditors; that they were looked at is evidence too.
pub(crate) async fn records_at(
    app: &Arc<App>,
    ctx: &OpContext,
    looked_for: &str,
    places: BTreeSet<(u64, u64)>,
) -> Result<EvidencePage> {
    if places.is_empty() {
        return Ok(EvidencePage { records: Vec::new(), next: None, predecessors: BTreeSet::new() });
    }
    app.services.inspect(ctx, looked_for).await?;
    let read = move |app: &App| {
        let mut records = Vec::with_capacity(places.len());
        let after = places.first().and_then(|first| before(*first));
        for leaf in app.evidence.scan(Filter { after, ..Filter::default() })? {
            if records.len() == places.len() {
                break;
            }
            let Leaf { epoch, index, hash, record } = leaf?;
            if places.contains(&(epoch, index)) {
                records.push(EvidenceLeaf { epoch, index, hash: hash.to_base64(), record, start: None });
            }
        }
        Ok(EvidencePage { records, next: None, predecessors: BTreeSet::new() })
    };
    Arc::clone(app).prove(read).await
}

/// The place behind which a record is the first.
fn before((epoch, index): (u64, u64)) -> Option<(u64, u64)> {
    match (index.checked_sub(1), epoch.checked_sub(1)) {
        (Some(before), _) => Some((epoch, before)),
        (None, Some(before)) => Some((before, u64::MAX)),
        (None, None) => None,
    }
}

fn filter(wanted: &Wanted) -> Result<Filter, Error> {
    let resource = wanted.resource.as_deref().map(ResourceCode::from_path).transpose()?;
    // Numbers of people never stand in an address: this is no way to ask with one.
    if wanted.subject.as_ref().is_some_and(|hash| Digest::from_hex(hash).is_err()) {
        return Err(Error::new(
            ErrorCode::InvalidInput,
            "`subject` is a keyed hash of 64 hex digits: POST /api/v1/subject-accesses tells it",
        ));
    }
    Ok(Filter {
        subject: wanted.subject.clone(),
        from: wanted.from,
        until: wanted.until,
        department: wanted.department.clone(),
        principal: wanted.principal.clone(),
        request_id: wanted.request.clone(),
        resource,
        grant: wanted.grant.clone(),
        purpose: wanted.purpose.clone(),
        action: wanted.action.clone(),
        predecessors: BTreeSet::new(),
        after: None,
    })
}

/// What was looked for, as evidence of the search keeps it.
fn described(wanted: &Wanted) -> String {
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
        ("request", wanted.request.clone()),
        ("subject", wanted.subject.clone()),
    ];
    let given: Vec<_> =
        named.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect();
    if given.is_empty() { "of every kind".to_owned() } else { given.join(" ") }
}

/// `epoch-index`.
pub(crate) fn place(text: &str) -> Result<(u64, u64), Refusal> {
    let numbers =
        text.split_once('-').and_then(|(epoch, index)| Some((epoch.parse().ok()?, index.parse().ok()?)));
    numbers.ok_or_else(|| invalid("`after` is what `next` of the page before said"))
}

fn found(app: &App, filter: Filter, limit: usize) -> Result<EvidencePage> {
    let mut records: Vec<EvidenceLeaf> = Vec::new();
    let predecessors = filter.predecessors.clone();
    let mut starts = Starts::default();
    for leaf in app.evidence.scan(filter)? {
        let leaf = leaf?;
        if records.len() == limit {
            let next = records.last().map(|last| format!("{}-{}", last.epoch, last.index));
            return Ok(EvidencePage { records, next, predecessors });
        }
        let start = starts.of(app, &leaf)?;
        let Leaf { epoch, index, hash, record } = leaf;
        records.push(EvidenceLeaf { epoch, index, hash: hash.to_base64(), record, start });
    }
    Ok(EvidencePage { records, next: None, predecessors })
}

/// The starts that stand on a page, by epoch and request; the others are looked up.
#[derive(Default)]
struct Starts(HashMap<(u64, String), AccessStart>);

impl Starts {
    /// The start that belongs to a record, if that ends an access.
    fn of(&mut self, app: &App, leaf: &Leaf) -> Result<Option<AccessStart>> {
        let of_request = (leaf.epoch, leaf.record.request_id.clone());
        if let Some(start) = started(leaf) {
            self.0.insert(of_request, start);
            return Ok(None);
        }
        match self.0.get(&of_request).filter(|_| leaf.record.event.is_end()) {
            Some(start) => Ok(Some(start.clone())),
            None => Ok(app.evidence.start_of(leaf)?.as_ref().and_then(started)),
        }
    }
}

fn started(leaf: &Leaf) -> Option<AccessStart> {
    match &leaf.record.event {
        Event::AccessStarted { sources, .. } => {
            Some(AccessStart { index: leaf.index, at: leaf.record.at, sources: sources.clone() })
        }
        _ => None,
    }
}

/// The ends of the accesses that begin on a page and end behind it, by the places of their starts.
pub(crate) async fn ends_behind(
    app: &Arc<App>,
    page: &EvidencePage,
) -> Result<HashMap<(u64, u64), EvidenceLeaf>> {
    let ended: BTreeSet<_> =
        page.records.iter().filter_map(|leaf| Some((leaf.epoch, leaf.start.as_ref()?.index))).collect();
    let is_open = |leaf: &&EvidenceLeaf| {
        matches!(leaf.record.event, Event::AccessStarted { .. }) && !ended.contains(&(leaf.epoch, leaf.index))
    };
    let of_request = |leaf: &EvidenceLeaf| ((leaf.epoch, leaf.index), leaf.record.request_id.clone());
    let open: Vec<_> = page.records.iter().filter(is_open).map(of_request).collect();
    let look_up = move |app: &App| {
        let mut found = HashMap::new();
        for (place, request) in open {
            if let Some(Leaf { epoch, index, hash, record }) = app.evidence.end_of(place, &request)? {
                let hash = hash.to_base64();
                found.insert(place, EvidenceLeaf { epoch, index, hash, record, start: None });
            }
        }
        Ok::<_, Error>(found)
    };
    Arc::clone(app).prove(look_up).await
}

/// The columns of the spreadsheet.
const COLUMNS: [&str; 16] = [
    "时间",
    "事件",
    "对象",
    "部门",
    "主体",
    "操作人",
    "用途",
    "办件号",
    "入口",
    "授权",
    "行数",
    "字节",
    "结果",
    "请求编号",
    "存证位置",
    "存证哈希",
];

fn grid(page: &EvidencePage) -> Grid {
    let header = COLUMNS.map(str::to_owned).to_vec();
    // A sheet that ends early says so.
    let more = page.next.iter().map(|next| vec![format!("还有更多：从 {next} 之后继续（after={next}）")]);
    let rows = std::iter::once(header).chain(page.records.iter().map(cells)).chain(more);
    let rows = (1..).zip(rows).map(|(number, cells)| Row { number, cells }).collect();
    Grid { name: "存证".to_owned(), rows }
}

fn cells(leaf: &EvidenceLeaf) -> Vec<String> {
    let EvidenceRecord { request_id, at, actor, event, .. } = &leaf.record;
    let told = told_at(leaf);
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    vec![
        at.shanghai_text(),
        event.name().to_owned(),
        told.about,
        actor.department.as_ref().map(ToString::to_string).unwrap_or_default(),
        actor.id.clone(),
        text(&actor.operator),
        text(&actor.purpose),
        text(&actor.matter),
        door(actor.channel).to_owned(),
        told.grants,
        number(told.rows),
        number(told.bytes),
        told.outcome,
        request_id.clone(),
        format!("{}-{}", leaf.epoch, leaf.index),
        leaf.hash.clone(),
    ]
}

pub(crate) fn door(channel: Channel) -> &'static str {
    match channel {
        Channel::Api => "接口",
        Channel::Sql => "SQL",
        Channel::File => "文件",
        Channel::Verification => "核验",
        Channel::CommandLine => "命令行",
    }
}

/// What one row of the spreadsheet says of an event.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) about: String,
    pub(crate) grants: String,
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) outcome: String,
}

fn told(event: &Event) -> Told {
    let read = |sources: &[SourceRead]| Told {
        about: read_of(sources),
        grants: grants_of(sources),
        ..Told::default()
    };
    match event {
        Event::AccessStarted { sources, .. } => read(sources),
        Event::Access { sources, rows, bytes, .. } => {
            Told { rows: Some(*rows), bytes: Some(*bytes), outcome: "完整".to_owned(), ..read(sources) }
        }
        Event::AccessEnded { rows, bytes, complete, stopped_by, .. } => {
            let outcome = match (complete, stopped_by) {
                (true, _) => "完整".to_owned(),
                (false, code) => format!("中断 {}", code.as_deref().unwrap_or_default()),
            };
            Told { rows: Some(*rows), bytes: Some(*bytes), outcome, ..Told::default() }
        }
        Event::AccessRefused { code, sources, .. } => {
            Told { outcome: format!("拒绝 {code}"), ..read(sources) }
        }
        Event::Changed { entity, .. } => Told { about: entity.clone(), ..Told::default() },
        Event::EpochStarted { kept, lost, .. } => {
            Told { outcome: format!("保留 {kept} 条，缺失 {lost} 条"), ..Told::default() }
        }
        Event::OpenDownloads { resource, count, bytes } => Told {
            about: resource.to_string(),
            bytes: Some(*bytes),
            outcome: format!("公开下载 {count} 次"),
            ..Told::default()
        },
    }
}

/// The same of a record at its place: an end says what its start says of what was read.
pub(crate) fn told_at(leaf: &EvidenceLeaf) -> Told {
    let told = told(&leaf.record.event);
    match &leaf.start {
        Some(start) if told.about.is_empty() => {
            Told { about: read_of(&start.sources), grants: grants_of(&start.sources), ..told }
        }
        _ => told,
    }
}

fn read_of(sources: &[SourceRead]) -> String {
    joined(sources.iter().map(|source| format!("{} 第{}版", source.resource, source.version)))
}

fn grants_of(sources: &[SourceRead]) -> String {
    joined(sources.iter().filter_map(|source| source.grant.as_ref()).map(ToString::to_string))
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("；")
}
