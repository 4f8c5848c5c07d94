//! Revoking and reading grants; only the decision of a matter makes one.

use std::collections::BTreeMap;

use super::Services;
use crate::context::{OpContext, PrincipalKind, Role};
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{EvidenceRecord, Fact, entity};
use crate::ids::{DepartmentId, GrantId};
use crate::policy::{Action, Grant, GrantKind, GrantTerms, Grantee, Revocation, Sight, decide_action};
use crate::ports::Cut;

impl Services {
    /// The evidence of a new grant.
    pub(super) fn grant_created(ctx: &OpContext, grant: &Grant) -> EvidenceRecord {
        let change = Self::change(ctx, "grant.created", entity::grant(&grant.id), grant);
        change.stating(Fact::of_grant(grant))
    }

    /// A grant whose terms fit the resource. Whoever asks for it has decided that it may be.
    pub(super) fn new_grant(ctx: &OpContext, mut terms: GrantTerms, resource: &Resource) -> Result<Grant> {
        check_licence(&terms, resource)?;
        terms.valid_from.get_or_insert(ctx.now);
        terms.check(resource)?;
        Ok(Grant {
            id: GrantId::new(uuid::Uuid::now_v7().to_string())?,
            terms,
            created_by: ctx.principal.id.clone(),
            created_at: ctx.now,
            revocation: None,
        })
    }

    /// Refuses a grant that another one undoes, or that undoes another one, and says how many grants it has looked at. Those
    /// `beside` it are about to be made together with it.
    ///
    /// A pseudonym is undone where its holder sees the same identifier in clear, in its own data and in public data
    /// too; cells are where it sees other cells of the same dataset.
    pub(super) async fn check_linkage(
        &self,
        grant: &Grant,
        resource: &Resource,
        beside: &[Grant],
    ) -> Result<usize> {
        let grants = self.store.grants().await?;
        let entries = self.store.entries(None).await?;
        let successions = self.all_successions().await?;
        let published: BTreeMap<_, _> = entries
            .iter()
            .filter_map(|entry| entry.published.as_ref())
            .map(|resource| (&resource.code, resource))
            .collect();
        let new = Sight { resource, terms: Some(&grant.terms) };
        let given =
            grants.iter().chain(beside).filter(|other| !other.has_ended(grant.created_at)).filter_map(
                |other| {
                    let resource = published.get(&other.terms.resource)?;
                    Some((format!("the grant {}", other.id), Sight { resource, terms: Some(&other.terms) }))
                },
            );
        let own = published
            .values()
            .map(|own| (format!("its own data {}", own.code), Sight { resource: own, terms: None }));
        for (name, other) in given.chain(own).filter(|(_, other)| new.may_meet(other, &successions)) {
            if let Some(column) = new.undoes(&other) {
                return Err(Error::new(
                    ErrorCode::Conflict,
                    format!(
                        "with {name} the holder would see `{column}` both in clear and as a pseudonym: mask both or \
                         neither"
                    ),
                ));
            }
            if new.differs_in_cells(&other) {
                let message = format!(
                    "{name} gives cells of the same data, and their differences would show small groups"
                );
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
        Ok(grants.len())
    }

    /// Revokes a grant at once, running reads included.
    pub async fn revoke_grant(&self, ctx: &OpContext, id: &GrantId, reason: &str) -> Result<Grant> {
        let mut grant = self.store.grant(id).await?.ok_or_else(|| Error::not_found(format!("grant {id}")))?;
        let entry = self.store.entry(&grant.terms.resource).await?;
        let provider = entry.as_ref().map(|entry| &entry.draft.provider);
        Self::permit(ctx, action_for(grant.terms.kind, &grant.terms.grantee)?, provider)?;
        if reason.trim().is_empty() {
            return Err(Error::new(ErrorCode::InvalidInput, "a revocation needs a reason"));
        }
        let revocation = Revocation { at: ctx.now, by: ctx.principal.id.clone(), reason: reason.to_owned() };
        let change = Self::change(ctx, "grant.revoked", entity::grant(id), &revocation);
        let revoked = self.store.revoke_grant(id, &revocation, &change).await;
        self.cut(Cut::Grant(id.clone()));
        revoked?;
        self.relay().await?;
        grant.revocation = Some(revocation);
        Ok(grant)
    }

    /// The grants that concern the caller: those it holds, and those on resources of its department. Auditors and
    /// the authority see all.
    pub async fn grants(&self, ctx: &OpContext) -> Result<Vec<Grant>> {
        let principal = &ctx.principal;
        let all = self.store.grants().await?;
        if principal.has(Role::Auditor) || principal.has(Role::AuthorityOfficer) {
            return Ok(all);
        }
        let mut visible = Vec::new();
        for grant in all {
            let provider = self.store.entry(&grant.terms.resource).await?.map(|entry| entry.draft.provider);
            let decides = decide_action(principal, Action::ManageGrants, provider.as_ref());
            if grant.terms.grantee.covers(principal) || decides.into_permission().is_ok() {
                visible.push(match principal.kind {
                    // Which of its people decided is the provider's matter.
                    PrincipalKind::Public => {
                        let by = named(provider);
                        let revocation = grant.revocation.map(|end| Revocation { by: by.clone(), ..end });
                        Grant { created_by: by, revocation, ..grant }
                    }
                    _ => grant,
                });
            }
        }
        Ok(visible)
    }
}

fn named(provider: Option<DepartmentId>) -> String {
    provider.map(|id| id.to_string()).unwrap_or_default()
}

/// Opening to the public is a reviewer's act, granting to somebody an approver's.
pub(super) fn action_for(kind: GrantKind, grantee: &Grantee) -> Result<Action> {
    let wrong = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
    match (kind, grantee) {
        (GrantKind::Own, _) => wrong("an own grant is standing and never made"),
        (GrantKind::Public, Grantee::Public) => Ok(Action::ReviewOpening),
        (GrantKind::Public, _) | (_, Grantee::Public) => {
            wrong("a public grant, and no other, goes to the public")
        }
        _ => Ok(Action::ManageGrants),
    }
}

fn check_licence(terms: &GrantTerms, resource: &Resource) -> Result<()> {
    if terms.kind == GrantKind::Public && resource.licence.is_none() {
        let message =
            format!("{} has no licence, and nothing opens without one: add it to the entry", resource.code);
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    Ok(())
}
