//! Matters 办件: everything that somebody asks for and a department must answer in time.
//!
//! A matter has a number, a content, an applicant, a handler (a department's role, never a person), a state, limits that
//! run, and a history. Its kind decides the state machine, which is a table (see [`Machine`]): what is not in the table can't
//! happen. The diagrams in `WORKFLOW.md` are drawn from the tables.

pub mod application;
mod bounds;
pub mod correction_notice;
pub mod demand;
pub mod disclosure;
pub mod emergency_grant;
mod four_eyes;
pub mod grant_import;
mod handover;
pub mod letter;
mod machine;
pub mod objection;
pub mod opening_item;
mod parties;
pub mod provision;
pub mod secrecy_review;
#[cfg(test)]
mod tests;
mod vocabulary;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use application::{Application, Ask};
pub use bounds::DeveloperBounds;
pub use correction_notice::CorrectionNotice;
pub use demand::Demand;
pub use disclosure::{Disclosure, Outcome, Withheld};
pub use emergency_grant::EmergencyGrant;
pub use grant_import::GrantImport;
pub use letter::Letter;
pub use machine::{By, Clock, Machine, Rule, legal_events, next};
pub use objection::{Objection, ObjectionSubject};
pub use opening_item::OpeningItem;
pub use provision::Provision;
pub use secrecy_review::{CheckAnswer, CheckItem, Finding, JustifiedFinding, OpeningTerms, SecrecyReview};
pub use vocabulary::{ApplicantKind, Event, Ground, MatterKind, State};

use crate::context::{Principal, PrincipalKind, Role};
use crate::deadline::{Light, LimitKind, Rules, RunningLimit};
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::ids::{DepartmentId, GrantId};
use crate::policy::{Action, Grantee, decide_action};
use crate::time::Timestamp;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Applicant {
    /// A department, or the data authority's.
    Department(DepartmentId),
    /// A registered developer, by account.
    Developer(String),
    /// The data authority, which needs no department.
    Authority,
    /// Somebody of the public, known by the digest (SHA-256, hex) of the code that was shown once.
    Public(String),
}

impl Applicant {
    /// One unambiguous name, by which matters are listed: `department:gaj`, `developer:li`, `authority`.
    pub fn label(&self) -> String {
        match self {
            Self::Department(department) => format!("department:{department}"),
            Self::Developer(account) => format!("developer:{account}"),
            Self::Authority => "authority".to_owned(),
            Self::Public(code) => format!("public:{code}"),
        }
    }

    /// Who holds a grant that the applicant is given; only departments and developers are.
    pub fn grantee(&self) -> Option<Grantee> {
        match self {
            Self::Department(department) => Some(Grantee::Department(department.clone())),
            Self::Developer(account) => Some(Grantee::Developer(account.clone())),
            Self::Authority | Self::Public(_) => None,
        }
    }

    /// Whether the principal is on the applicant's side.
    pub fn covers(&self, principal: &Principal) -> bool {
        match self {
            Self::Authority => principal.has(Role::AuthorityOfficer),
            _ => self.grantee().is_some_and(|grantee| grantee.covers(principal)),
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Handler {
    /// The department; `None` is the data authority.
    pub department: Option<DepartmentId>,
    /// The role in it.
    pub role: Role,
}

impl Handler {
    /// The name by which matters are listed: `department:scjg`, `authority`.
    pub fn label(&self) -> String {
        self.department
            .as_ref()
            .map_or("authority".to_owned(), |department| format!("department:{department}"))
    }

    /// Whether the principal holds the role in the department.
    pub fn covers(&self, principal: &Principal) -> bool {
        principal.has(self.role)
            && self.department.as_ref().is_none_or(|department| principal.acts_for(department))
    }
}

/// What a matter is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented where it is defined")]
pub enum Content {
    Application(Application),
    Provision(Provision),
    EmergencyGrant(EmergencyGrant),
    GrantImport(GrantImport),
    Objection(Objection),
    Demand(Demand),
    Disclosure(Disclosure),
    Letter(Letter),
    SecrecyReview(SecrecyReview),
    OpeningItem(OpeningItem),
    CorrectionNotice(CorrectionNotice),
}

impl Content {
    /// Its kind.
    pub fn kind(&self) -> MatterKind {
        match self {
            Self::Application(_) => MatterKind::Application,
            Self::Provision(_) => MatterKind::Provision,
            Self::EmergencyGrant(_) => MatterKind::EmergencyGrant,
            Self::GrantImport(_) => MatterKind::GrantImport,
            Self::Objection(_) => MatterKind::Objection,
            Self::Demand(_) => MatterKind::Demand,
            Self::Disclosure(_) => MatterKind::Disclosure,
            Self::Letter(_) => MatterKind::Letter,
            Self::SecrecyReview(_) => MatterKind::SecrecyReview,
            Self::OpeningItem(_) => MatterKind::OpeningItem,
            Self::CorrectionNotice(_) => MatterKind::CorrectionNotice,
        }
    }

    /// The limit of law in place of the one that the kind's table names, where the law knows a special one.
    fn limit_of(&self, limit: LimitKind) -> LimitKind {
        match (self, limit) {
            (Self::Objection(objection), LimitKind::Correction) => objection.subject.limit(),
            (Self::OpeningItem(OpeningItem { data_since: Some(_), .. }), LimitKind::OpeningPlan) => {
                LimitKind::ActivePublication
            }
            _ => limit,
        }
    }

    /// The role whose turn it is, in the department or, without one, with the data authority.
    fn handling_role(&self, department: Option<&DepartmentId>) -> Role {
        match (self, department) {
            (Self::Objection(_), None) => Role::AuthorityOfficer,
            _ => self.kind().handling_role(),
        }
    }
}

/// One step of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MatterStep)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Who: a principal's id; `None` for the platform itself.
    pub by: Option<String>,
    /// What; `None` for the opening.
    pub event: Option<Event>,
    /// The state after it.
    pub state: State,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The article it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

/// A step as somebody takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move<'a> {
    /// What happens.
    pub event: Event,
    /// Why.
    pub reason: Option<&'a str>,
    /// The article it rests on.
    pub legal_basis: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// One matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Matter {
    /// Number 办件号: `SQ-2026-000001`.
    pub number: String,
    /// The matter that brought it about.
    #[serde(default)]
    pub parent: Option<String>,
    /// What it is about.
    pub content: Content,
    /// Who asks.
    pub applicant: Applicant,
    /// Whose turn it is, wherever the applicant or the authority have none.
    pub handler: Handler,
    /// Where it stands.
    pub state: State,
    /// All limits that have run, oldest first.
    pub limits: Vec<RunningLimit>,
    /// The grants that it has made.
    #[serde(default)]
    pub grants: Vec<GrantId>,
    /// All steps, oldest first; the first is the opening.
    pub history: Vec<Step>,
    /// Counts changes: of two writers one wins.
    pub revision: i64,
}

impl Matter {
    /// Opens a matter in a state in which its kind may begin.
    pub fn open(
        number: String,
        content: Content,
        applicant: Applicant,
        department: Option<DepartmentId>,
        state: State,
        (by, at): (Option<String>, Timestamp),
        rules: &Rules,
    ) -> Result<Self> {
        let kind = content.kind();
        if !Machine::of(kind).initial.contains(&state) {
            let message = format!("{kind}不能从“{state}”开始");
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        let role = content.handling_role(department.as_ref());
        let handler = Handler { department, role };
        let opening = Step { at, by, event: None, state, reason: None, legal_basis: None };
        let mut matter = Self {
            number,
            parent: None,
            content,
            applicant,
            handler,
            state,
            limits: Vec::new(),
            grants: Vec::new(),
            history: vec![opening],
            revision: 1,
        };
        matter.set_clocks(at, rules);
        Ok(matter)
    }

    /// Its kind.
    pub fn kind(&self) -> MatterKind {
        self.content.kind()
    }

    /// When it was received.
    pub fn received(&self) -> Timestamp {
        self.history.first().map_or(Timestamp(0), |step| step.at)
    }

    /// The limit that runs or stands still, the nearest first where there are two.
    pub fn limit(&self) -> Option<&RunningLimit> {
        let open = self.limits.iter().filter(|limit| limit.is_open());
        open.min_by_key(|limit| limit.reckoning.due.unwrap_or(Timestamp(i64::MAX)))
    }

    /// The worst light of the open limits at `now`.
    pub fn light(&self, now: Timestamp) -> Option<Light> {
        self.limits.iter().filter_map(|limit| limit.light(now)).max()
    }

    /// A person's step: checks that the table allows it and them, and takes it.
    pub fn take(&mut self, principal: &Principal, step: &Move<'_>, rules: &Rules) -> Result<()> {
        // What a stranger may not do, a stranger is not told in more detail.
        next(self.kind(), self.state, step.event)?;
        let by = Machine::of(self.kind()).rule(self.state, step.event).map_or(By::Machine, |rule| rule.by);
        self.permit(principal, by)?;
        self.check_words(step)?;
        self.go(Some(principal.id.clone()), step, rules)
    }

    /// Whether the principal may take a step with that event now, so far as state, roles and earlier steps say.
    pub fn may_take(&self, principal: &Principal, event: Event) -> bool {
        let machine = Machine::of(self.kind());
        let is_over =
            machine.once.contains(&event) && self.history.iter().any(|done| done.event == Some(event));
        let rule = machine.rule(self.state, event);
        !is_over && rule.is_some_and(|rule| self.permit(principal, rule.by).is_ok())
    }

    /// Why the principal may not take a step with that event now; nothing where state, roles and earlier steps allow it.
    pub fn barred(&self, principal: &Principal, event: Event) -> Option<Error> {
        let by = match next(self.kind(), self.state, event) {
            Ok(_) => Machine::of(self.kind()).rule(self.state, event).map_or(By::Machine, |rule| rule.by),
            Err(error) => return Some(error),
        };
        let once = || match self.may_take(principal, event) {
            true => None,
            false => Some(Error::new(ErrorCode::IllegalState, format!("“{event}”只能进行一次"))),
        };
        self.permit(principal, by).err().or_else(once)
    }

    /// The step of an applicant of the public, whose code has been checked.
    pub(crate) fn take_by_public(&mut self, step: &Move<'_>, rules: &Rules) -> Result<()> {
        next(self.kind(), self.state, step.event)?;
        let rule = Machine::of(self.kind()).rule(self.state, step.event);
        if !self.is_public() || rule.map(|rule| rule.by) != Some(By::Applicant) {
            return Err(Error::new(ErrorCode::Forbidden, "这一步由承办部门完成"));
        }
        self.check_words(step)?;
        self.go(Some(Principal::public().id), step, rules)
    }

    /// Whether somebody of the public asks.
    pub fn is_public(&self) -> bool {
        matches!(self.applicant, Applicant::Public(_))
    }

    /// The platform's own step.
    pub fn take_by_machine(&mut self, event: Event, at: Timestamp, rules: &Rules) -> Result<()> {
        let rule = Machine::of(self.kind()).rule(self.state, event);
        match rule.map(|rule| rule.by) {
            Some(By::Machine) => self.go(None, &Move { event, reason: None, legal_basis: None, at }, rules),
            _ => Err(Error::new(ErrorCode::IllegalState, format!("“{event}”不是平台自己的步骤"))),
        }
    }

    /// Reckons open limits anew by a new calendar. Answers whether any reckoning changed hands.
    pub fn recompute(&mut self, rules: &Rules) -> bool {
        let changed =
            self.limits.iter_mut().map(|limit| limit.recompute(rules)).filter(|changed| *changed).count();
        changed > 0
    }

    /// Whether the principal may bring about what `by` names.
    fn permit(&self, principal: &Principal, by: By) -> Result<()> {
        let forbid = |message: &str| Err(Error::new(ErrorCode::Forbidden, message));
        let is_person = principal.kind != PrincipalKind::Machine;
        match by {
            By::Machine => return forbid("这一步由平台自动完成"),
            By::Applicant if !self.applicant.covers(principal) => return forbid("这一步由申请人完成"),
            By::Applicant => decide_action(principal, Action::Apply, None).into_permission()?,
            By::Handler | By::SecondHandler if !self.handler.covers(principal) || !is_person => {
                return forbid("这一步由承办部门的承办角色完成");
            }
            By::Authority | By::SecondAuthority if !principal.has(Role::AuthorityOfficer) || !is_person => {
                return forbid("这一步由政务数据共享主管部门完成");
            }
            _ => {}
        }
        self.check_impartial(principal, by)?;
        if matches!(by, By::SecondHandler | By::SecondAuthority) && self.has_taken_part(&principal.id) {
            return forbid("您已参与此事项的前序步骤，这一步须由另一人完成（双人复核）");
        }
        Ok(())
    }

    fn check_words(&self, step: &Move<'_>) -> Result<()> {
        let missing = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
        let mut problems = Vec::new();
        if step.event.needs_reason() && missing(step.reason) {
            problems.push(Problem::new("reason", "matter.reason", format!("“{}”须写明理由", step.event)));
        }
        if step.event.needs_legal_basis() && missing(step.legal_basis) {
            let message = format!("“{}”须写明法律依据", step.event);
            problems.push(Problem::new("legal_basis", "matter.legal_basis", message));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid("这一步缺少必填内容", problems)),
        }
    }

    fn go(&mut self, by: Option<String>, step: &Move<'_>, rules: &Rules) -> Result<()> {
        let state = next(self.kind(), self.state, step.event)?;
        self.check_time(step, rules)?;
        if step.event == Event::Extend {
            let open = self.limits.iter_mut().find(|limit| limit.is_open());
            open.ok_or_else(|| Error::new(ErrorCode::IllegalState, "没有可以延长的期限"))?
                .extend(step.at, rules)?;
        }
        self.state = state;
        self.history.push(Step {
            at: step.at,
            by,
            event: Some(step.event),
            state,
            reason: step.reason.map(str::to_owned),
            legal_basis: step.legal_basis.map(str::to_owned),
        });
        self.revision += 1;
        self.set_clocks(step.at, rules);
        Ok(())
    }

    /// When the time is over in which an applicant may complete what was found to be missing; `None` where nothing is.
    pub fn completion_due(&self, rules: &Rules) -> Option<Timestamp> {
        let asked = self.history.last().filter(|_| self.state == State::Completing)?;
        RunningLimit::start(LimitKind::Completion, asked.at, rules).reckoning.due
    }

    /// What may happen once, only so long after receipt, or only when the other side has had its time.
    fn check_time(&self, step: &Move<'_>, rules: &Rules) -> Result<()> {
        let machine = Machine::of(self.kind());
        let event = step.event;
        if machine.once.contains(&event) && self.history.iter().any(|done| done.event == Some(event)) {
            return Err(Error::new(ErrorCode::IllegalState, format!("“{event}”只能进行一次")));
        }
        for (_, limit) in machine.within.iter().filter(|(limited, _)| *limited == event) {
            let limit = RunningLimit::start(*limit, self.received(), rules);
            if limit.is_breached(step.at) {
                let message =
                    format!("“{event}”须在收到之日起 {} 个工作日内进行", rules.limits.get(limit.kind).days);
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
        }
        let waits_until = self.completion_due(rules).filter(|due| event == Event::Abandon && step.at < *due);
        if let Some(due) = waits_until {
            let message = format!("补正期限到 {} 届满，此前不能“{event}”", due.shanghai_text());
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        Ok(())
    }

    /// Starts, stops and ends limits as the state demands.
    fn set_clocks(&mut self, at: Timestamp, rules: &Rules) {
        for clock in Machine::of(self.kind()).clocks {
            let kind = self.content.limit_of(clock.limit);
            let open = self.limits.iter().position(|limit| limit.kind == kind && limit.is_open());
            let (runs, stands) = (clock.runs.contains(&self.state), clock.stands.contains(&self.state));
            match open.and_then(|index| self.limits.get_mut(index)) {
                Some(limit) if runs => limit.resume(at, rules),
                Some(limit) if stands => limit.pause(at, rules),
                Some(limit) => limit.end(at),
                None if runs => self.limits.push(self.started(kind, at, rules)),
                None => {}
            }
        }
    }

    fn started(&self, kind: LimitKind, at: Timestamp, rules: &Rules) -> RunningLimit {
        match &self.content {
            Content::OpeningItem(OpeningItem { data_since: Some(since), .. }) => {
                RunningLimit::start(kind, *since, rules)
            }
            Content::OpeningItem(item) => RunningLimit::until(kind, at, item.due, rules),
            _ => RunningLimit::start(kind, at, rules),
        }
    }

    /// Puts another day in place of the one that an opening plan named.
    pub(crate) fn postpone(&mut self, due: chrono::NaiveDate, at: Timestamp, rules: &Rules) {
        if let Content::OpeningItem(item) = &mut self.content {
            item.due = due;
        }
        self.limits.iter_mut().filter(|limit| limit.is_open()).for_each(|limit| limit.end(at));
        self.set_clocks(at, rules);
    }
}
