//! Lists of matters, page by page: no list holds all of them in memory.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{MatterView, Services, sees_all};
use crate::context::{OpContext, Principal, Role};
use crate::deadline::Light;
use crate::error::{Error, ErrorCode, Result};
use crate::matter::{Event, Matter, MatterKind};
use crate::ports::{MatterPlace, MatterQuery};
use crate::time::Timestamp;

/// Matters that are read in one go.
const PAGE: u32 = 500;
/// Days that are looked at for what is left of a limit.
const MOST_DAYS: usize = 4_000;

/// On which side of a matter a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Something in it waits for the caller.
    Waiting,
    /// The caller's department handles it; for its officers the data authority.
    Handling,
    /// The caller's department, or the caller, has asked for it.
    Asking,
}

/// Which matters a caller wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatterFilter {
    /// Of these kinds; of all if empty.
    pub kinds: BTreeSet<MatterKind>,
    /// Handled by this role.
    pub role: Option<Role>,
    /// With this light or a worse one.
    pub light: Option<Light>,
    /// On whose side; on any without it.
    pub side: Option<Side>,
    /// Settled ones too.
    pub settled: bool,
    /// Behind this place.
    pub after: Option<MatterPlace>,
    /// So many at most.
    pub limit: usize,
}

impl MatterFilter {
    fn takes(&self, view: &MatterView, principal: &Principal) -> bool {
        self.side.is_none_or(|side| view.stands(side, principal))
            && (self.kinds.is_empty() || self.kinds.contains(&view.matter.kind()))
            && self.role.is_none_or(|role| view.matter.handler.role == role)
            && self.light.is_none_or(|light| view.light >= Some(light))
    }
}

impl MatterView {
    /// Whether the caller, for whom it was made, stands on that side.
    pub fn stands(&self, side: Side, principal: &Principal) -> bool {
        match side {
            Side::Waiting => !self.matter.state.is_settled() && self.yours.iter().any(is_duty),
            Side::Asking => self.matter.applicant.covers(principal),
            Side::Handling => match &self.matter.handler.department {
                Some(department) => principal.acts_for(department),
                None => principal.has(Role::AuthorityOfficer),
            },
        }
    }
}

/// Whether a step is more than giving something up, or saying something about it.
fn is_duty(event: &Event) -> bool {
    !matches!(
        event,
        Event::Withdraw
            | Event::End
            | Event::Feedback
            | Event::Escalate
            | Event::Revoke
            | Event::Postpone
            | Event::Cancel
    )
}

impl Services {
    /// Working days from today, which does not count, to the last day before a limit ends; below zero since then.
    pub fn working_days_left(&self, now: Timestamp, due: Timestamp) -> i64 {
        let (today, last) = (now.shanghai_date(), due.plus_seconds(-1).shanghai_date());
        let calendar = &self.settings.deadlines.calendar;
        let count = |from: NaiveDate, to: NaiveDate| {
            let days = from.iter_days().skip(1).take_while(|day| *day <= to).take(MOST_DAYS);
            i64::try_from(days.filter(|day| calendar.is_working_day(*day)).count()).unwrap_or(i64::MAX)
        };
        if last < today { -count(last, today) } else { count(today, last) }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct MatterPage {
    /// The matters, those due first come first.
    pub matters: Vec<MatterView>,
    /// The place of the last of them, where there are more.
    pub next: Option<MatterPlace>,
}

impl Services {
    /// The matters that concern the caller, those due first come first. The authority and auditors see all.
    pub async fn matters(&self, ctx: &OpContext, filter: &MatterFilter) -> Result<MatterPage> {
        let parties = match sees_all(ctx) {
            true => vec![None],
            false => own_labels(ctx)?.into_iter().map(Some).collect(),
        };
        let kind = filter.kinds.first().copied().filter(|_| filter.kinds.len() == 1);
        let (open_only, after) = (!filter.settled, filter.after.clone());
        let mut query = MatterQuery { kind, open_only, after, ..MatterQuery::default() };
        let mut matters = Vec::new();
        while let Some(page) = self.next_of(&parties, &mut query).await? {
            let views = page.into_iter().map(|matter| MatterView::of(matter, ctx));
            for view in views.filter(|view| filter.takes(view, &ctx.principal)) {
                if matters.len() == filter.limit {
                    let next = matters.last().map(|last: &MatterView| MatterPlace::of(&last.matter));
                    return Ok(MatterPage { matters, next });
                }
                matters.push(view);
            }
        }
        Ok(MatterPage { matters, next: None })
    }

    /// The next page of what a query asks for, in its order; `None` behind the last.
    pub(in crate::services) async fn next_page(
        &self,
        query: &mut MatterQuery,
    ) -> Result<Option<Vec<Matter>>> {
        query.limit = Some(PAGE);
        let page = self.store.matters(query).await?;
        query.after = page.last().map(MatterPlace::of);
        Ok((!page.is_empty()).then_some(page))
    }

    /// The next page of the matters of several parties, each matter once.
    async fn next_of(
        &self,
        parties: &[Option<String>],
        query: &mut MatterQuery,
    ) -> Result<Option<Vec<Matter>>> {
        let mut matters = Vec::new();
        for party in parties {
            let mut of_party = MatterQuery { party: party.clone(), ..query.clone() };
            matters.extend(self.next_page(&mut of_party).await?.unwrap_or_default());
        }
        matters.sort_by_key(MatterPlace::of);
        matters.dedup_by(|one, other| one.number == other.number);
        matters.truncate(PAGE as usize);
        query.after = matters.last().map(MatterPlace::of);
        Ok((!matters.is_empty()).then_some(matters))
    }
}

/// The labels under which the caller's matters are listed.
fn own_labels(ctx: &OpContext) -> Result<Vec<String>> {
    match (&ctx.principal.department, ctx.principal.has(Role::Developer)) {
        (Some(_), _) => {
            Ok(ctx.principal.departments().map(|department| format!("department:{department}")).collect())
        }
        (None, true) => Ok(vec![format!("developer:{}", ctx.principal.id)]),
        _ => Err(Error::new(ErrorCode::Forbidden, "matters belong to departments and developers; sign in")),
    }
}
