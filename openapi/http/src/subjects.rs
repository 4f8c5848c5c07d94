//! Who saw a subject's record 谁看过我: look-ups by the keyed hash in evidence, everything else by testing the subject's row
//! in the versions and under the policies that evidence names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::Resource;
use catalog_core::evidence::{Event, EvidenceRecord, SourceRead};
use catalog_core::identity::canonical_identifier;
use catalog_core::policy::{Action, Filter, Literal, Operand, VisibleColumn, decide_action};
use catalog_core::services::{PastRead, VersionSelector};
use catalog_core::{Channel, ColumnName, Error, ErrorCode, Fault, OpContext, ResourceCode, Result, Role};
use exchange_crypto::{MacKey, to_hex};
use exchange_ledger::{Filter as Wanted, Leaf};
use exchange_query::OpenTable;
use openapi_contract::{Certainty, SubjectAccess, SubjectAccesses, SubjectQuery};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Input, invalid};
use crate::inspection::place;
use crate::problem::Refusal;

/// Accesses that are looked at for one page.
const PAGE_ACCESSES: usize = 1_000;
/// Characters of a number that names a subject.
const MAX_NUMBER: usize = 64;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_subject_accesses))
}

/// Who saw a subject's record: certainly, and possibly; that it was asked is evidence, without the number
///
/// For auditors, and for a department's approver about the department's own data, who names the matter number of the subject's
/// request. Neither rows nor values are shown.
#[utoipa::path(post, path = "/api/v1/subject-accesses", tag = "evidence", request_body = SubjectQuery,
    responses((status = 200, description = "Oldest first", body = SubjectAccesses)))]
async fn list_subject_accesses(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(query): Input<SubjectQuery>,
) -> Result<Json<SubjectAccesses>, Refusal> {
    Ok(Json(accesses_of(&app, &ctx, query).await?))
}

/// A page of the accesses that showed a subject's record.
pub(crate) async fn accesses_of(
    app: &Arc<App>,
    ctx: &OpContext,
    query: SubjectQuery,
) -> Result<SubjectAccesses, Refusal> {
    permit(ctx)?;
    let number = without_blanks(&query.subject);
    if number.is_empty() || number.chars().count() > MAX_NUMBER {
        return Err(invalid("`subject` is the number that names the subject, 1 to 64 characters"));
    }
    let after = query.after.as_deref().map(place).transpose()?;
    let subject = hash(&app.subject_key, &canonical(&number));
    app.services.record_trace(ctx, &subject).await?;
    let wanted = Wanted { from: query.from, until: query.until, after, ..Wanted::default() };
    let (found, next) = Arc::clone(app).prove(move |app| accesses(app, wanted)).await?;
    let mut tracing =
        Tracing { app, ctx, number, subject, resources: HashMap::new(), tested: HashMap::new() };
    let mut accesses = Vec::new();
    for access in &found {
        for source in &access.sources {
            if query.resource.as_ref().is_none_or(|code| *code == source.resource) {
                accesses.extend(tracing.traced(access, source).await?);
            }
        }
    }
    Ok(SubjectAccesses { subject: tracing.subject, accesses, next })
}

/// Auditors trace everywhere; a department's approver traces its own data, for a matter.
fn permit(ctx: &OpContext) -> Result<()> {
    if ctx.principal.has(Role::Auditor) {
        return Ok(());
    }
    let own = ctx.principal.department.as_ref();
    decide_action(&ctx.principal, Action::TraceSubject, own).into_permission()?;
    if ctx.matter.as_deref().unwrap_or_default().trim().is_empty() {
        let message = "name the matter number 办件号 of the subject's request (field shuqiao-matter)";
        return Err(Error::new(ErrorCode::ObligationMissing, message));
    }
    Ok(())
}

fn without_blanks(number: &str) -> String {
    number.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The one way to write a number by which it is found: that of indexes too, so that no spelling is another subject.
fn canonical(number: &str) -> String {
    canonical_identifier(number)
}

/// How evidence names a subject.
fn hash(key: &MacKey, number: &str) -> String {
    to_hex(&key.tag(number.as_bytes()))
}

/// The keyed hash of a subject's number, in whatever way it is written: in hex it is how evidence names the subject.
pub(crate) fn tag_of(app: &App, number: &str) -> [u8; 32] {
    app.subject_key.tag(canonical(number).as_bytes())
}

/// A look-up of subjects: a selection that filters by the column with their numbers, in whatever way.
pub(crate) struct LookUp {
    /// That column.
    pub(crate) column: ColumnName,
    /// The numbers that the filter demands.
    numbers: Vec<String>,
}

impl LookUp {
    /// Keyed hashes of the subjects that it names, and of those whom it has shown: whoever asks for all from a number to the
    /// same number, or for all that are like it, looks it up too.
    pub(crate) fn hashes(self, app: &App, shown: Vec<String>) -> Vec<String> {
        hashes(app, self.numbers.into_iter().chain(shown))
    }
}

/// Keyed hashes of subjects by their numbers, each once.
pub(crate) fn hashes(app: &App, numbers: impl IntoIterator<Item = String>) -> Vec<String> {
    let hashes = numbers.into_iter().map(|number| hash(&app.subject_key, &canonical(&number)));
    hashes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The look-up that a selection is, if it is one.
pub(crate) async fn asked_for(
    app: &App,
    code: &ResourceCode,
    filter: Option<&Filter>,
) -> Result<Option<LookUp>> {
    let Some(filter) = filter else { return Ok(None) };
    let resource = app.services.resource_of_evidence(code).await?;
    let Some(column) = resource.and_then(|resource| resource.subject) else { return Ok(None) };
    let mut is_look_up = false;
    filter.each_column(&mut |name| is_look_up |= name == column.as_str());
    let mut numbers = Vec::new();
    values(filter, column.as_str(), &mut numbers);
    Ok(is_look_up.then_some(LookUp { column, numbers }))
}

/// The values with which a filter compares a column.
fn values(filter: &Filter, subject: &str, found: &mut Vec<String>) {
    let mut take = |value: &Operand| match value {
        Operand::Literal(Literal::Text(text)) => found.push(text.clone()),
        Operand::Literal(Literal::Int(number)) => found.push(number.to_string()),
        _ => {}
    };
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().for_each(|part| values(part, subject, found));
        }
        Filter::Not(part) => values(part, subject, found),
        Filter::Eq(column, value) | Filter::Ne(column, value) if column == subject => take(value),
        Filter::In(column, all) if column == subject => all.iter().for_each(take),
        _ => {}
    }
}

/// An access with rows, as evidence tells.
struct Access {
    record: EvidenceRecord,
    sources: Vec<SourceRead>,
    subjects: Vec<String>,
    read: PastRead,
    /// Rows that left, and whether the answer left whole; `None` where its end is not known.
    end: Option<(u64, bool)>,
}

/// A page of accesses, and where the next one begins.
fn accesses(app: &App, wanted: Wanted) -> Result<(Vec<Access>, Option<String>)> {
    let mut found = Vec::new();
    let mut last = None;
    for leaf in app.evidence.scan(wanted)? {
        let Leaf { epoch, index, record, .. } = leaf?;
        let (sources, subjects, now, end) = match &record.event {
            Event::Access { sources, subjects, now, rows, .. } => {
                (sources, subjects, now, Some((*rows, true)))
            }
            Event::AccessStarted { sources, subjects, now, .. } => {
                (sources, subjects, now, end_of(app, &record)?)
            }
            _ => continue,
        };
        // An answer without rows shows no record.
        if sources.is_empty() || end.is_some_and(|(rows, _)| rows == 0) {
            continue;
        }
        if found.len() == PAGE_ACCESSES {
            return Ok((found, last));
        }
        let (sources, subjects) = (sources.clone(), subjects.clone());
        let now = now.unwrap_or(record.at);
        let read = PastRead { sources: sources.clone(), department: record.actor.department.clone(), now };
        last = Some(format!("{epoch}-{index}"));
        found.push(Access { record, sources, subjects, read, end });
    }
    Ok((found, None))
}

fn end_of(app: &App, started: &EvidenceRecord) -> Result<Option<(u64, bool)>> {
    let leaves = app.evidence.find(&started.request_id)?;
    Ok(leaves.into_iter().find_map(|leaf| match leaf.record.event {
        Event::AccessEnded { rows, complete, .. } => Some((rows, complete)),
        _ => None,
    }))
}

/// Whether a policy showed the subject's row of a version.
#[derive(Clone)]
enum Tested {
    /// It did not.
    Hidden,
    /// It did; that many rows it showed in all.
    Shown(u64),
    /// In cells of many alone.
    InCells,
    /// That can't be tested any more.
    Unknown(String),
}

/// What is known while one subject is traced.
struct Tracing<'a> {
    app: &'a Arc<App>,
    ctx: &'a OpContext,
    /// The number as it was asked for, without blanks.
    number: String,
    subject: String,
    resources: HashMap<ResourceCode, Option<Resource>>,
    /// By resource, version and digest of the bound policy: equal ones show equal data.
    tested: HashMap<(ResourceCode, i64, String), (Tested, Vec<String>)>,
}

impl Tracing<'_> {
    async fn traced(&mut self, access: &Access, source: &SourceRead) -> Result<Option<SubjectAccess>> {
        if !self.concerns(&source.resource).await? {
            return Ok(None);
        }
        let (tested, items) = self.test(access, source).await?;
        let was_named = access.subjects.contains(&self.subject);
        let Some((certainty, reason)) = verdict(access, &tested, was_named) else { return Ok(None) };
        let actor = &access.record.actor;
        Ok(Some(SubjectAccess {
            at: access.record.at,
            request: access.record.request_id.clone(),
            department: actor.department.clone(),
            purpose: actor.purpose.clone(),
            matter: actor.matter.clone(),
            door: actor.channel,
            resource: source.resource.clone(),
            version: source.version,
            grant: source.grant.clone(),
            items,
            certainty,
            reason,
        }))
    }

    /// Whether the resource is about subjects, and the caller's to tell of.
    async fn concerns(&mut self, code: &ResourceCode) -> Result<bool> {
        if !self.resources.contains_key(code) {
            let resource = self.app.services.resource_of_evidence(code).await?;
            self.resources.insert(code.clone(), resource);
        }
        let principal = &self.ctx.principal;
        Ok(self.resources.get(code).and_then(Option::as_ref).is_some_and(|resource| {
            resource.subject.is_some()
                && (principal.has(Role::Auditor) || principal.acts_for(&resource.provider))
        }))
    }

    async fn test(&mut self, access: &Access, source: &SourceRead) -> Result<(Tested, Vec<String>)> {
        let name = (source.resource.clone(), source.version, source.policy_digest.clone());
        if let Some(known) = self.tested.get(&name) {
            return Ok(known.clone());
        }
        let version = VersionSelector::Number(source.version);
        let found = match self.app.tables.reopen(&access.read, &source.resource, version).await {
            Ok(table) => {
                let titles = table.dataset.granted.policy.columns.iter();
                let titles = titles.map(|column| column.title.clone()).collect();
                match self.row_in(table).await {
                    Ok(tested) => (tested, titles),
                    // One version that can't be asked hides no other: only a fault of the server ends the search.
                    Err(error) if error.code.fault() == Fault::Server => return Err(error),
                    Err(error) => (Tested::Unknown(error.message), titles),
                }
            }
            Err(error) => (Tested::Unknown(error.message), Vec::new()),
        };
        self.tested.insert(name, found.clone());
        Ok(found)
    }

    /// Looks for the subject's row among those that the policy shows.
    async fn row_in(&self, mut table: OpenTable) -> Result<Tested> {
        let resource = &table.dataset.resource;
        let subject = resource.subject.clone();
        let Some(item) = subject.and_then(|column| resource.item(column.as_str()).cloned()) else {
            return Ok(Tested::Unknown("the version has no column that names subjects".to_owned()));
        };
        let policy = &mut table.dataset.granted.policy;
        if policy.columns.is_empty() {
            return Ok(Tested::Hidden);
        }
        let in_cells = policy.statistics.take().is_some();
        // The same rows, seen by the one column that names the subject.
        policy.columns = vec![VisibleColumn {
            column: item.column.clone(),
            title: item.title,
            stored_type: item.item_type,
            mask: None,
        }];
        Ok(match (self.is_among(&table, item.column.as_str()).await?, in_cells) {
            (false, _) => Tested::Hidden,
            (true, true) => Tested::InCells,
            (true, false) => Tested::Shown(self.count(table, None).await?),
        })
    }

    /// Whether a row holds the number, however its letters are written: not every directory demands large ones.
    async fn is_among(&self, table: &OpenTable, column: &str) -> Result<bool> {
        let spellings = [self.number.clone(), self.number.to_uppercase(), self.number.to_lowercase()];
        for number in BTreeSet::from(spellings) {
            let own = Filter::Eq(column.to_owned(), Operand::Literal(Literal::Text(number)));
            match self.count(table.clone(), Some(own)).await {
                Ok(0) => {}
                Ok(_) => return Ok(true),
                // No value of the column's type is written like this: no row can hold it.
                Err(error) if error.code == ErrorCode::InvalidInput => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    async fn count(&self, table: OpenTable, filter: Option<Filter>) -> Result<u64> {
        self.app.engine.count(self.app.place(self.ctx).await?, self.ctx, table, filter).await
    }
}

/// How sure it is that the access showed the record; `None` where it did not.
fn verdict(access: &Access, tested: &Tested, was_named: bool) -> Option<(Certainty, String)> {
    let possible = |reason: &str| Some((Certainty::Possible, reason.to_owned()));
    if was_named && !matches!(tested, Tested::Hidden) {
        return Some((Certainty::Certain, "looked up by the subject's number".to_owned()));
    }
    let all = match tested {
        Tested::Hidden => return None,
        Tested::Unknown(reason) => {
            return possible(&format!("can't be tested any more: {reason}"));
        }
        Tested::InCells => return possible("counted in a cell of many"),
        Tested::Shown(all) => *all,
    };
    // Files and selections show rows as they are: whoever got as many as there are got them all.
    let shows_rows =
        matches!(access.record.actor.channel, Channel::File | Channel::Api) && access.sources.len() == 1;
    match access.end {
        Some((rows, true)) if shows_rows && rows == all => {
            Some((Certainty::Certain, format!("all {all} rows were given")))
        }
        None => possible("its end is not in evidence"),
        Some(_) => possible("the policy showed the row, what was asked is not known"),
    }
}
