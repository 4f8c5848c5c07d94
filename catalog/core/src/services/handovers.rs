//! Resources that are handed over to another department 职能划转, when their date has come.

use std::collections::BTreeSet;

use super::Services;
use super::directory::entry_change;
use super::words::only_operator;
use crate::context::OpContext;
use crate::directory::{Succession, Successions};
use crate::error::{Error, Result};
use crate::evidence::{EvidenceRecord, Fact, entity};
use crate::ids::{DepartmentId, GrantId, ResourceCode};
use crate::matter::Matter;
use crate::ports::{Cut, Handover, MatterQuery};

/// Identities of those that could not be carried out, and why.
pub type Failed = Vec<(String, Error)>;

impl Services {
    /// The operator's round: carries out the handovers whose date has come. The directory enters the resources for the
    /// successor, with the grants on them, and what runs about them is the successor's to decide. Safe to repeat; one that
    /// fails stays for the next round.
    pub async fn hand_over(&self, ctx: &OpContext) -> Result<Failed> {
        only_operator(ctx)?;
        let all = self.store.successions().await?;
        let confirmed = Successions::new(all.clone());
        let mut failed = Failed::new();
        for succession in all.iter().filter(|succession| succession.is_due(ctx.now)) {
            if let Err(error) = self.carry_out(ctx, &confirmed, succession).await {
                failed.push((succession.id.clone(), error));
            }
        }
        self.relay().await?;
        Ok(failed)
    }

    async fn carry_out(&self, ctx: &OpContext, all: &Successions, plan: &Succession) -> Result<()> {
        let mut entries = Vec::new();
        let mut moved = BTreeSet::new();
        for code in &plan.resources {
            let Some(mut entry) = self.store.entry(code).await? else { continue };
            if !all.gives(plan, &entry.draft.provider) {
                continue;
            }
            let seen = entry.revision;
            entry.hand_over(&plan.successor, ctx.now);
            let event = entry_change(ctx, "resource.handed_over", &entry);
            entries.push((entry, seen, event));
            moved.insert(code.clone());
        }
        let matters = self.matters_handed_over(ctx, all, plan, &moved).await?;
        let done = Succession { carried_out: Some(ctx.now), ..plan.clone() };
        let change = Self::succession_event(ctx, "succession.carried_out", &done);
        let succession = (done, plan.clone());
        self.store.hand_over(&Handover { succession, change, entries, matters }).await?;
        // Who read them as their own does so no longer.
        moved.into_iter().for_each(|code| self.cut(Cut::Resource(code)));
        Ok(())
    }

    /// What the predecessor handles about these resources, and can still take a step.
    async fn matters_handed_over(
        &self,
        ctx: &OpContext,
        all: &Successions,
        plan: &Succession,
        moved: &BTreeSet<ResourceCode>,
    ) -> Result<Vec<(Matter, Option<i64>, EvidenceRecord)>> {
        let mut changed = Vec::new();
        for mut matter in self.store.matters(&MatterQuery::default()).await? {
            let handler = matter.handler.department.clone();
            let gives = |handler: &DepartmentId| all.gives(plan, handler);
            let Some(from) = handler.filter(gives).filter(|_| matter.is_about(moved) && matter.can_go_on())
            else {
                continue;
            };
            let (seen, granted) = (matter.revision, self.granted_on(&matter, moved).await?);
            let all_grants = !granted.is_empty() && granted.len() == matter.grants.len();
            if matter.is_about_only(moved) || all_grants {
                matter.hand_over(&plan.successor);
                let event = Self::handed_event(ctx, &matter, &from);
                changed.push((matter, Some(seen), event));
            } else if matter.grants.is_empty() || !granted.is_empty() {
                let number = self.new_number(ctx, matter.kind()).await?;
                let part = matter.divide(number, moved, &granted, &plan.successor);
                changed.push((matter.clone(), Some(seen), Self::kept_event(ctx, &matter)));
                let event = Self::handed_event(ctx, &part, &from);
                changed.push((part, None, event));
            }
        }
        Ok(changed)
    }

    /// The grants of a matter that are on these resources.
    async fn granted_on(&self, matter: &Matter, moved: &BTreeSet<ResourceCode>) -> Result<BTreeSet<GrantId>> {
        let mut granted = BTreeSet::new();
        for id in &matter.grants {
            if self.store.grant(id).await?.is_some_and(|grant| moved.contains(&grant.terms.resource)) {
                granted.insert(id.clone());
            }
        }
        Ok(granted)
    }

    fn handed_event(ctx: &OpContext, matter: &Matter, from: &DepartmentId) -> EvidenceRecord {
        Self::change(ctx, "matter.handed_over", entity::matter(&matter.number), matter)
            .stating(Fact::of_matter_handed_over(matter, from))
    }

    /// The evidence of a matter that has changed without a step.
    pub(super) fn kept_event(ctx: &OpContext, matter: &Matter) -> EvidenceRecord {
        Self::change(ctx, "matter.adjusted", entity::matter(&matter.number), matter)
            .stating(Fact::of_matter_without_step(matter))
    }
}
