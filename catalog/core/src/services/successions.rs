//! Departments that continue others, or take over resources of theirs 机构改革: two officers of the data authority make it so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::{OpContext, PrincipalKind, Role};
use crate::directory::{Resource, Succession, SuccessionState, Successions};
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::evidence::{Fact, entity};
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::{Action, Sight};
use crate::time::Timestamp;

/// A time after every succession: those that lie ahead count too.
pub(super) const EVER: Timestamp = Timestamp(i64::MAX);

/// Who continues a department, or takes over resources of it, from when on, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heir {
    /// The department that continues it, which exists.
    pub successor: DepartmentId,
    /// The resources that are handed over 职能划转; without any the department as a whole is continued, and ends.
    #[serde(default)]
    pub resources: BTreeSet<ResourceCode>,
    /// From when on; with the confirmation, without it. It can't lie behind.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The document that orders it.
    pub basis: String,
}

impl Services {
    /// All successions, by date. Confirmed ones are public to everyone, as departments are; the authority and auditors see
    /// also those that are proposed or were cancelled, and who proposed them.
    pub async fn successions(&self, ctx: &OpContext) -> Result<Vec<Succession>> {
        let mut all = self.store.successions().await?;
        if !ctx.principal.has(Role::AuthorityOfficer) && !ctx.principal.has(Role::Auditor) {
            all.retain(|succession| succession.state == SuccessionState::Confirmed);
            all.iter_mut().for_each(|succession| succession.proposed_by.clear());
        }
        match ctx.principal.sees_whole_directory() {
            true => Ok(all),
            false => self.known_to_all(all).await,
        }
    }

    /// The successions with the resources that the public knows of: one that hands over no such is left out, for without any
    /// it would be the end of a department.
    async fn known_to_all(&self, all: Vec<Succession>) -> Result<Vec<Succession>> {
        let mut known = Vec::with_capacity(all.len());
        for mut succession in all {
            let was_whole = succession.is_whole();
            for code in std::mem::take(&mut succession.resources) {
                if self.listed_for_all(&code).await?.is_some() {
                    succession.resources.insert(code);
                }
            }
            if was_whole || !succession.is_whole() {
                known.push(succession);
            }
        }
        Ok(known)
    }

    /// Proposes that a department is continued by another, or that resources of it are handed over. Nothing follows from it
    /// before a second officer has confirmed it.
    ///
    /// # Errors
    /// `conflict` where the department has a successor, where a name is taken at the successor's, or where the two together
    /// would see what their grants keep apart: the problems name the grants that must end first. `forbidden` for somebody of
    /// the successor.
    pub async fn propose_succession(
        &self,
        ctx: &OpContext,
        predecessor: &DepartmentId,
        heir: &Heir,
    ) -> Result<Succession> {
        let all = self.reorganise(ctx, &heir.successor).await?;
        self.department(ctx, predecessor).await?;
        self.department(ctx, &heir.successor).await?;
        let from = heir.from.unwrap_or(ctx.now);
        if from < ctx.now {
            let message = "`from` lies behind: what was done since was done by the department itself";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        if heir.basis.trim().is_empty() {
            return Err(Error::new(ErrorCode::InvalidInput, "name in `basis` the document that orders it"));
        }
        let succession = Succession {
            id: uuid::Uuid::now_v7().to_string(),
            predecessor: predecessor.clone(),
            successor: heir.successor.clone(),
            resources: heir.resources.clone(),
            from,
            basis: heir.basis.clone(),
            state: SuccessionState::Proposed,
            proposed_by: ctx.principal.id.clone(),
            carried_out: None,
        };
        self.check_succession(ctx, all, &succession).await?;
        let change = Self::succession_event(ctx, "succession.proposed", &succession);
        self.store.add_succession(&succession, &change).await?;
        self.relay().await?;
        Ok(succession)
    }

    /// Confirms what another officer has proposed. It counts from its date on, at the earliest from now: then the keys and
    /// people of a department that ends can't act, and the successor has its data, grants and matters.
    ///
    /// # Errors
    /// As for the proposal, whose reasons are looked at anew; `forbidden` for whoever proposed it.
    pub async fn confirm_succession(&self, ctx: &OpContext, id: &str) -> Result<Succession> {
        let seen = self.succession(ctx, id).await?;
        let all = self.reorganise(ctx, &seen.successor).await?;
        if seen.proposed_by == ctx.principal.id {
            let message = "you proposed it; another officer of the authority confirms it (four eyes)";
            return Err(Error::new(ErrorCode::Forbidden, message));
        }
        if seen.state != SuccessionState::Proposed {
            return Err(Error::new(ErrorCode::IllegalState, "only what is proposed can be confirmed"));
        }
        let from = seen.from.max(ctx.now);
        let succession = Succession { state: SuccessionState::Confirmed, from, ..seen.clone() };
        self.check_succession(ctx, all, &succession).await?;
        self.change_succession(ctx, "succession.confirmed", succession, &seen).await
    }

    /// Calls off what is proposed, or confirmed for a date that lies ahead. One officer is enough: nothing changes hands.
    ///
    /// # Errors
    /// `illegal_state` from its date on.
    pub async fn cancel_succession(&self, ctx: &OpContext, id: &str, reason: &str) -> Result<Succession> {
        Self::permit(ctx, Action::Reorganise, None)?;
        let seen = self.succession(ctx, id).await?;
        if reason.trim().is_empty() {
            return Err(Error::new(ErrorCode::InvalidInput, "say in `reason` why it is called off"));
        }
        // A handover that could not be carried out can be called off on its day, too.
        let is_open = seen.from > ctx.now || seen.is_handover_of(&seen.predecessor);
        let lies_ahead = seen.state == SuccessionState::Confirmed && is_open;
        if seen.state != SuccessionState::Proposed && !lies_ahead {
            let message = "it is in force or called off already; a new succession changes what is in force";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        let basis = format!("{}（撤销：{reason}）", seen.basis);
        let succession = Succession { state: SuccessionState::Cancelled, basis, ..seen.clone() };
        self.change_succession(ctx, "succession.cancelled", succession, &seen).await
    }

    async fn change_succession(
        &self,
        ctx: &OpContext,
        action: &str,
        succession: Succession,
        seen: &Succession,
    ) -> Result<Succession> {
        let change = Self::succession_event(ctx, action, &succession);
        self.store.change_succession(&succession, seen, &change).await?;
        self.relay().await?;
        Ok(succession)
    }

    /// The evidence of a succession's newest step.
    pub(super) fn succession_event(
        ctx: &OpContext,
        action: &str,
        succession: &Succession,
    ) -> crate::evidence::EvidenceRecord {
        Self::change(ctx, action, entity::succession(&succession.id), succession)
            .stating(Fact::of_succession(succession))
    }

    async fn succession(&self, ctx: &OpContext, id: &str) -> Result<Succession> {
        let all = self.successions(ctx).await?;
        let found = all.into_iter().find(|succession| succession.id == id);
        found.ok_or_else(|| Error::not_found(format!("succession `{id}`")))
    }

    /// Permits an officer to propose or confirm a succession, who gains nothing by it; answers all that there are.
    async fn reorganise(&self, ctx: &OpContext, successor: &DepartmentId) -> Result<Vec<Succession>> {
        Self::permit(ctx, Action::Reorganise, None)?;
        let forbid = |message: &str| Err(Error::new(ErrorCode::Forbidden, message));
        if ctx.principal.kind != PrincipalKind::Person {
            return forbid("two persons with accounts make a succession: sign in");
        }
        let all = self.store.successions().await?;
        let last = Successions::new(all.clone()).heir_of(successor, EVER);
        if ctx.principal.acts_for(successor) || ctx.principal.acts_for(&last) {
            return forbid("whoever acts for the successor can't decide that it becomes one");
        }
        Ok(all)
    }

    /// Refuses a succession that can't be, or that would undo what grants keep apart.
    async fn check_succession(
        &self,
        ctx: &OpContext,
        all: Vec<Succession>,
        succession: &Succession,
    ) -> Result<()> {
        let wrong = |message: String| Err(Error::new(ErrorCode::InvalidInput, message));
        let Succession { predecessor, successor, .. } = succession;
        let before = Successions::new(all.clone());
        if before.heir_of(successor, EVER) == *predecessor || predecessor == successor {
            return wrong("a department can't continue itself".to_owned());
        }
        let until = if succession.is_whole() { EVER } else { succession.eve() };
        if let Some(end) = before.end_of(predecessor, until) {
            let message =
                format!("{predecessor} has a successor already: {} from {}", end.successor, end.from);
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let is_ahead = |other: &&Succession| other.is_handover_of(predecessor) && other.id != succession.id;
        if let Some(ahead) = all.iter().find(is_ahead).filter(|_| succession.is_whole()) {
            let message = format!(
                "{predecessor} hands resources over to {} on {}: call that off, or wait until it is carried out",
                ahead.successor,
                ahead.from.shanghai_date()
            );
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        for code in &succession.resources {
            let entry = self.store.entry(code).await?;
            let entry = entry.ok_or_else(|| Error::not_found(format!("resource {code}")))?;
            if before.provider_of(code, &entry.draft.provider, succession.eve()) != *predecessor {
                return wrong(format!("{code} is not provided by {predecessor} on that day"));
            }
            for state in std::iter::once(&entry.draft).chain(&entry.published) {
                self.check_names(state, successor).await?;
            }
        }
        let confirmed = Succession { state: SuccessionState::Confirmed, ..succession.clone() };
        let others = all.into_iter().filter(|other| other.id != succession.id);
        let after = Successions::new(others.chain([confirmed]).collect());
        self.check_merger(ctx, &before, &after).await
    }

    /// A table keeps its names where it is handed over, so they must be free there.
    async fn check_names(&self, resource: &Resource, successor: &DepartmentId) -> Result<()> {
        for name in [resource.sql_name.as_str(), resource.title.as_str()] {
            let taken = self.store.entry_by_name(successor, name).await?;
            if let Some(other) = taken.filter(|other| other.draft.code != resource.code) {
                let message =
                    format!("`{name}` is a name of {} at {successor}: rename one first", other.draft.code);
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
        Ok(())
    }

    /// Refuses a merger that would show one holder what two holders see apart.
    async fn check_merger(&self, ctx: &OpContext, before: &Successions, after: &Successions) -> Result<()> {
        let grants = self.store.grants().await?;
        let entries = self.store.entries(None).await?;
        let published: BTreeMap<&ResourceCode, &Resource> = entries
            .iter()
            .filter_map(|entry| entry.published.as_ref())
            .map(|resource| (&resource.code, resource))
            .collect();
        let given = grants.iter().filter(|grant| !grant.has_ended(ctx.now)).filter_map(|grant| {
            let resource = published.get(&grant.terms.resource)?;
            Some((format!("grant {}", grant.id), Sight { resource, terms: Some(&grant.terms) }))
        });
        let own = published
            .values()
            .map(|own| (format!("own data {}", own.code), Sight { resource: own, terms: None }));
        let sights: Vec<_> = given.chain(own).collect();
        let mut problems = Vec::new();
        for (index, (name, one)) in sights.iter().enumerate() {
            for (other_name, other) in sights.iter().skip(index + 1) {
                if one.may_meet(other, before) || !one.may_meet(other, after) {
                    continue;
                }
                let message = match one.undoes(other) {
                    Some(column) => {
                        format!("with {other_name}, `{column}` is seen in clear and as a pseudonym")
                    }
                    None if one.differs_in_cells(other) => {
                        format!("with {other_name}, cells of the same data differ")
                    }
                    None => continue,
                };
                problems.push(Problem::new(name.clone(), "succession.linkage", message));
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => {
                let message = "the successor would see what the departments see apart: end one of each pair of grants first";
                Err(Error::new(ErrorCode::Conflict, message).with_problems(problems))
            }
        }
    }

    /// Who holds what at some time, for the rules about what one holder sees.
    pub(super) async fn all_successions(&self) -> Result<Successions> {
        Ok(Successions::new(self.store.successions().await?))
    }
}
