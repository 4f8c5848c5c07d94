//! Making, revoking and reading grants.

use super::Services;
use crate::context::{OpContext, Role};
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{ColumnName, GrantId};
use crate::policy::{Action, Grant, GrantKind, GrantTerms, Grantee, Mask, Revocation, decide_action};

impl Services {
    /// Makes a grant on a published resource. Opening to the public takes a reviewer, everything else an approver;
    /// both of the provider.
    pub async fn create_grant(&self, ctx: &OpContext, mut terms: GrantTerms) -> Result<Grant> {
        let resource = self.published(&terms.resource).await?;
        Self::permit(ctx, action_for(terms.kind, &terms.grantee)?, Some(&resource.provider))?;
        check_licence(&terms, &resource)?;
        terms.valid_from.get_or_insert(ctx.now);
        terms.check(&resource)?;
        let grant = Grant {
            id: GrantId::new(uuid::Uuid::now_v7().to_string())?,
            terms,
            created_by: ctx.principal.id.clone(),
            created_at: ctx.now,
            revocation: None,
        };
        self.check_linkage(&grant).await?;
        let change = Self::change(ctx, "grant.created", format!("grant {}", grant.id), &grant);
        self.store.add_grant(&grant, &change).await?;
        self.relay().await?;
        Ok(grant)
    }

    /// Refuses a pseudonym whose holder sees the same identifier in clear in another dataset with that pseudonym:
    /// joining the two would undo it.
    async fn check_linkage(&self, grant: &Grant) -> Result<()> {
        let others = self.store.grants().await?;
        let same_holder = others.iter().filter(|other| {
            other.terms.grantee == grant.terms.grantee && other.is_in_force(grant.created_at)
        });
        for other in same_holder {
            let conflict = clear_beside_pseudonym(&grant.terms, &other.terms)
                .or_else(|| clear_beside_pseudonym(&other.terms, &grant.terms));
            if let Some(column) = conflict {
                let message = format!(
                    "with the grant {} the holder would see `{column}` both in clear and as a pseudonym: mask both \
                     or neither",
                    other.id
                );
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
        Ok(())
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
        let change = Self::change(ctx, "grant.revoked", format!("grant {id}"), &revocation);
        self.store.revoke_grant(id, &revocation, &change).await?;
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
                visible.push(grant);
            }
        }
        Ok(visible)
    }
}

/// Opening to the public is a reviewer's act, granting to somebody an approver's.
fn action_for(kind: GrantKind, grantee: &Grantee) -> Result<Action> {
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

/// A column that `masked` shows as a pseudonym and `clear` in clear.
fn clear_beside_pseudonym<'a>(masked: &'a GrantTerms, clear: &GrantTerms) -> Option<&'a ColumnName> {
    let pseudonyms = masked.masks.iter().filter(|(_, mask)| matches!(mask, Mask::Pseudonym { .. }));
    pseudonyms
        .map(|(column, _)| column)
        .find(|column| clear.items.contains(column) && !clear.masks.contains_key(*column))
}
