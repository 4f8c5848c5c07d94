//! What the public asks: opened by anyone, followed by a number and a code. The door makes the code and shows it once; the
//! matter knows its digest.

use chrono::Months;
use exchange_crypto::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Round, Services};
use crate::confidential::{Confidential, Safe, line_problem, text_problem, whole};
use crate::context::{OpContext, Principal, PrincipalKind, Role};
use crate::deadline::Light;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Event as Evidence, EvidenceRecord, entity};
use crate::ids::DepartmentId;
use crate::matter::{
    Applicant, By, Content, Event, Machine, Matter, MatterKind, Move, Outcome, State, legal_events,
};
use crate::notice::{Notice, NoticeEntry, subject};
use crate::ports::MatterChange;
use crate::time::Timestamp;

/// A matter as its applicant sees it: without staff, and with the reasons that notices tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PublicMatter {
    /// Its number.
    pub number: String,
    /// Its kind.
    pub kind: MatterKind,
    /// What it is about.
    pub title: String,
    /// Who handles it, by name.
    pub department: String,
    /// Where it stands.
    pub state: State,
    /// The same in Chinese.
    pub state_label: String,
    /// The worst light of its open limits.
    pub light: Option<Light>,
    /// When the nearest limit ends: the applicant's own, while something is to be completed.
    pub due: Option<Timestamp>,
    /// What the applicant may do now.
    pub next: Vec<Event>,
    /// What was decided about a disclosure request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What has happened, oldest first.
    pub history: Vec<PublicStep>,
    /// The notices.
    pub notices: Vec<NoticeEntry>,
}

/// One step, without who took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicStep {
    /// When.
    pub at: Timestamp,
    /// What; `None` for the opening.
    pub event: Option<Event>,
    /// The state after it, in Chinese.
    pub state: String,
    /// Why, where a notice tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The article it rests on, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

impl Services {
    /// Opens a disclosure request or a letter of whoever holds the code of that digest. Without a department the authority
    /// routes it.
    pub async fn open_public_matter(
        &self,
        ctx: &OpContext,
        content: Content,
        department: Option<&DepartmentId>,
        confidential: &Confidential,
        code: &Digest,
    ) -> Result<PublicMatter> {
        check_public(&content)?;
        confidential.check()?;
        let department = match department {
            Some(id) => Some(self.department(ctx, id).await?.id),
            None => None,
        };
        let state = if department.is_some() { State::Deciding } else { State::Routing };
        let number = self.new_number(ctx, content.kind()).await?;
        let applicant = Applicant::Public(code.to_hex());
        let by = (Some(Principal::public().id), ctx.now);
        let matter = Matter::open(
            number.clone(),
            content,
            applicant,
            department,
            state,
            by,
            &self.settings.deadlines,
        )?;
        let event = Self::matter_event(ctx, &matter);
        let change = MatterChange {
            matters: vec![(matter.clone(), None, event)],
            confidential: Some((number.clone(), self.sealed(&number, confidential)?)),
            ..MatterChange::default()
        };
        self.store.save_matters(&change).await?;
        self.relay().await?;
        self.public_view(ctx, &matter).await
    }

    /// The matter of that number, for whoever has its code.
    pub async fn public_matter(&self, ctx: &OpContext, number: &str, code: &Digest) -> Result<PublicMatter> {
        let matter = self.by_code(number, code).await?;
        self.public_view(ctx, &matter).await
    }

    /// A step of the applicant: withdrawal, or completion with what was missing.
    pub async fn act_on_public_matter(
        &self,
        ctx: &OpContext,
        number: &str,
        code: &Digest,
        (event, text): (Event, Option<&str>),
    ) -> Result<PublicMatter> {
        let mut matter = self.by_code(number, code).await?;
        let seen = matter.revision;
        let step = Move { event, reason: None, legal_basis: None, at: ctx.now };
        matter.take_by_public(&step, &self.settings.deadlines)?;
        let mut change = MatterChange::default();
        if event == Event::Complete {
            let text = text.unwrap_or_default();
            whole(text_problem("text", text).into_iter().collect())?;
            let mut confidential = self.confided(number).await?;
            confidential.supplements.push(text.to_owned());
            change.confidential = Some((number.to_owned(), self.sealed(number, &confidential)?));
        }
        let evidence = Self::matter_event(ctx, &matter);
        change.matters.push((matter.clone(), Some(seen), evidence));
        self.store.save_matters(&change).await?;
        self.relay().await?;
        self.public_view(ctx, &matter).await
    }

    /// Erases identity and words at once, where nothing needs them any more: letters that are settled, and what was withdrawn
    /// or not accepted. A decision about a disclosure request needs its parties until its term is over.
    pub async fn erase_public_matter(&self, ctx: &OpContext, number: &str, code: &Digest) -> Result<()> {
        let matter = self.by_code(number, code).await?;
        let is_needed = matter.kind() == MatterKind::Disclosure && matter.state != State::Withdrawn;
        if !matter.state.is_settled() || is_needed {
            let message = "办理尚未结束，或者决定的救济期限尚未届满，申请人信息暂不能销毁";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        self.erase_confided(ctx, number).await?;
        self.relay().await
    }

    /// Who asks and what they wrote, for the handling role. Each reading is evidence.
    pub async fn confidential(&self, ctx: &OpContext, number: &str) -> Result<Confidential> {
        let matter = self.visible_matter(ctx, number).await?;
        if !matter.is_public() {
            return Err(Error::not_found(format!("a confidential applicant of the matter {number}")));
        }
        if !may_read_applicant(ctx, &matter) {
            return Err(Error::new(ErrorCode::Forbidden, "申请人的身份和内容只供承办部门的承办角色查阅"));
        }
        let confidential = self.confided(number).await?;
        let sealed = self.store.confidential(number).await?.unwrap_or_default();
        self.leave(ctx, "applicant.read", entity::applicant(number), sealed.as_bytes()).await?;
        Ok(confidential)
    }

    /// Whether the caller may learn who asks in a matter of the public.
    pub fn may_open_seal(ctx: &OpContext, matter: &Matter) -> bool {
        matter.is_public() && may_read_applicant(ctx, matter)
    }

    /// The notices of a matter that concerns the caller.
    pub async fn notices(&self, ctx: &OpContext, number: &str) -> Result<Vec<NoticeEntry>> {
        let matter = self.visible_matter(ctx, number).await?;
        Ok(Notice::of(&matter).into_iter().map(|(entry, _)| entry).collect())
    }

    /// One of them. The applicant of the public is named to the handling role alone, which is evidence.
    pub async fn notice(&self, ctx: &OpContext, number: &str, sequence: usize) -> Result<Notice> {
        let matter = self.visible_matter(ctx, number).await?;
        let applicant = match &matter.applicant {
            Applicant::Public(_) if may_read_applicant(ctx, &matter) => {
                match self.confidential(ctx, number).await {
                    Ok(confidential) => confidential.applicant.name,
                    Err(error) if error.code == ErrorCode::NotFound => ERASED.to_owned(),
                    Err(error) => return Err(error),
                }
            }
            Applicant::Public(_) => "（申请人信息仅供承办角色查阅）".to_owned(),
            Applicant::Department(department) => self.department_name(Some(department)).await?,
            Applicant::Developer(account) => {
                self.store.person(account).await?.map_or(account.clone(), |person| person.name)
            }
            Applicant::Authority => self.department_name(None).await?,
        };
        self.filled(&matter, sequence, &applicant).await
    }

    /// One of them, for whoever has the code.
    pub async fn public_notice(&self, number: &str, code: &Digest, sequence: usize) -> Result<Notice> {
        let matter = self.by_code(number, code).await?;
        let applicant = match self.confided(number).await {
            Ok(confidential) => confidential.applicant.name,
            Err(error) if error.code == ErrorCode::NotFound => ERASED.to_owned(),
            Err(error) => return Err(error),
        };
        self.filled(&matter, sequence, &applicant).await
    }

    /// Writes down that a notice is handed out as these bytes.
    pub async fn notice_issued(&self, ctx: &OpContext, notice: &Notice, document: &[u8]) -> Result<()> {
        self.leave(ctx, "notice.issued", entity::notice(&notice.entry.number), document).await
    }

    /// Erases what was confided with matters whose term is over. One that can't be erased now stays for the next round.
    pub(super) async fn erase_overdue(&self, ctx: &OpContext, round: &mut Round) -> Result<()> {
        for number in self.store.confidential_numbers().await? {
            match self.erase_if_over(ctx, &number).await {
                Ok(is_erased) => round.erased += usize::from(is_erased),
                Err(error) => round.failed.push((number, error)),
            }
        }
        Ok(())
    }

    async fn erase_if_over(&self, ctx: &OpContext, number: &str) -> Result<bool> {
        match self.store.matter(number).await? {
            Some(matter) if !self.is_over(&matter, ctx.now) => Ok(false),
            _ => self.erase_confided(ctx, number).await,
        }
    }

    fn is_over(&self, matter: &Matter, now: Timestamp) -> bool {
        let months = Months::new(self.settings.notices.identity_months);
        let end = matter.history.last().map(|step| step.at.shanghai_date());
        let day = end.and_then(|day| day.checked_add_months(months));
        matter.state.is_settled() && day.is_some_and(|day| Timestamp::start_of_shanghai_day(day) <= now)
    }

    /// Whether something was still there to erase. The key first: a row without one is nothing but an entry to remove, and a
    /// key without a row may open a copy of it elsewhere.
    pub(in crate::services) async fn erase_confided(&self, ctx: &OpContext, number: &str) -> Result<bool> {
        self.safe()?.destroy(number)?;
        let Some(sealed) = self.store.confidential(number).await? else { return Ok(false) };
        let event = Self::change(ctx, "applicant.erased", entity::applicant(number), &sealed);
        self.store.erase_confidential(number, &event).await?;
        Ok(true)
    }

    pub(super) fn sealed(&self, number: &str, confidential: &Confidential) -> Result<String> {
        let text = serde_json::to_vec(confidential).map_err(Error::internal)?;
        self.safe()?.seal(number, &text)
    }

    /// What was confided with a matter; `not_found` once it is erased.
    pub(super) async fn confided(&self, number: &str) -> Result<Confidential> {
        let sealed = self.store.confidential(number).await?;
        let sealed = sealed
            .ok_or_else(|| Error::new(ErrorCode::NotFound, format!("{number} 的申请人信息已按期销毁")))?;
        let text = self.safe()?.open(number, &sealed)?;
        serde_json::from_slice(&text).map_err(Error::internal)
    }

    pub(in crate::services) fn safe(&self) -> Result<&dyn Safe> {
        let message = "no keys are kept here, so nothing confidential is taken or given";
        self.safe.as_deref().ok_or_else(|| Error::new(ErrorCode::Unavailable, message))
    }

    /// A wrong code and a number that does not exist are told alike.
    async fn by_code(&self, number: &str, code: &Digest) -> Result<Matter> {
        let matter = self.store.matter(number).await?.filter(|matter| match &matter.applicant {
            Applicant::Public(digest) => Digest::from_hex(digest).is_ok_and(|kept| kept.is_same(code)),
            _ => false,
        });
        matter.ok_or_else(|| Error::new(ErrorCode::NotFound, "办件号或查询码不正确"))
    }

    async fn public_view(&self, ctx: &OpContext, matter: &Matter) -> Result<PublicMatter> {
        let told = Notice::of(matter);
        let step = |step: &crate::matter::Step| {
            let is_told = told.iter().any(|(_, of)| std::ptr::eq(*of, step));
            PublicStep {
                at: step.at,
                event: step.event,
                state: step.state.label().to_owned(),
                reason: step.reason.clone().filter(|_| is_told),
                legal_basis: step.legal_basis.clone().filter(|_| is_told),
            }
        };
        let own_due = matter.completion_due(&self.settings.deadlines);
        let own = |event: &Event| {
            let rule = Machine::of(matter.kind()).rule(matter.state, *event);
            rule.is_some_and(|rule| rule.by == By::Applicant)
        };
        let outcome = match &matter.content {
            Content::Disclosure(disclosure) => disclosure.outcome.clone(),
            _ => None,
        };
        Ok(PublicMatter {
            number: matter.number.clone(),
            kind: matter.kind(),
            title: subject(&matter.content),
            department: self.department_name(matter.handler.department.as_ref()).await?,
            state: matter.state,
            state_label: matter.state.label().to_owned(),
            light: matter.light(ctx.now),
            due: own_due.or(matter.limit().and_then(|limit| limit.reckoning.due)),
            next: legal_events(matter.kind(), matter.state).filter(own).collect(),
            outcome,
            history: matter.history.iter().map(step).collect(),
            notices: told.iter().map(|(entry, _)| entry.clone()).collect(),
        })
    }

    async fn filled(&self, matter: &Matter, sequence: usize, applicant: &str) -> Result<Notice> {
        let department = self.department_name(matter.handler.department.as_ref()).await?;
        Notice::filled(matter, sequence, (applicant, &department), &self.settings.notices)
    }

    /// The name of a department; without one, of the data authority.
    pub(in crate::services) async fn department_name(&self, id: Option<&DepartmentId>) -> Result<String> {
        let Some(id) = id else { return Ok(self.settings.notices.authority.clone()) };
        Ok(self.store.department(id).await?.map_or(id.to_string(), |department| department.name))
    }

    /// Writes down that something was handed out; without that it is not.
    async fn leave(&self, ctx: &OpContext, action: &str, entity: String, what: &[u8]) -> Result<()> {
        let entity_digest = Digest::of(what).to_hex();
        let event = Evidence::Changed { action: action.to_owned(), entity, entity_digest };
        self.log.append(EvidenceRecord::new(ctx, event)).await.map(drop).map_err(|error| {
            let message = "evidence can't be written, so nothing is handed out; try again later";
            Error::new(ErrorCode::EvidenceUnavailable, message).with_internal(error)
        })
    }
}

/// In place of a name that is erased.
const ERASED: &str = "（申请人信息已按期销毁）";

/// The handling role of the department; before a department has it, the authority, which must know what it routes.
fn may_read_applicant(ctx: &OpContext, matter: &Matter) -> bool {
    let principal = &ctx.principal;
    let handles = match &matter.handler.department {
        Some(_) => matter.handler.covers(principal),
        None => principal.has(Role::AuthorityOfficer),
    };
    handles && principal.kind != PrincipalKind::Machine
}

fn check_public(content: &Content) -> Result<()> {
    let problems = match content {
        Content::Disclosure(disclosure) => {
            vec![line_problem("title", &disclosure.title), line_problem("form", &disclosure.form)]
        }
        Content::Letter(letter) => vec![line_problem("title", &letter.title)],
        _ => return Err(Error::new(ErrorCode::InvalidInput, format!("“{}”不能这样发起", content.kind()))),
    };
    whole(problems.into_iter().flatten().collect())
}
