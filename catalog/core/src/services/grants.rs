//! Making, revoking and reading grants.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::{Channel, OpContext, Role};
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{ColumnName, GrantId, ResourceCode};
use crate::policy::{Action, Filter, Grant, GrantKind, Grantee, Mask, Revocation, decide_action};
use crate::time::Timestamp;

/// What an approver says about a new grant; the rest is filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewGrant {
    /// `unconditional`, `conditional` or `public`.
    pub kind: GrantKind,
    /// The resource.
    pub resource: ResourceCode,
    /// To whom.
    pub grantee: Grantee,
    /// Items granted.
    pub items: Vec<ColumnName>,
    /// Rows granted.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Filter>,
    /// Masks on granted items.
    #[serde(default)]
    pub masks: BTreeMap<ColumnName, Mask>,
    /// Purpose, for a conditional grant.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Law, regulation or decision.
    pub legal_basis: String,
    /// Start of the term; now, if left out.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// End of the term.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// Doors.
    pub doors: BTreeSet<Channel>,
    /// Whether requests must name a matter number.
    #[serde(default)]
    pub demands_matter: bool,
    /// Whether requests must name the operator.
    #[serde(default)]
    pub demands_operator: bool,
    /// Smallest group, for statistics-only grants.
    #[serde(default)]
    pub min_group: Option<u32>,
}

impl Services {
    /// Makes a grant on a published resource. Opening to the public takes a reviewer, everything else an approver;
    /// both of the provider.
    pub async fn create_grant(&self, ctx: &OpContext, new: NewGrant) -> Result<Grant> {
        let resource = self.published(&new.resource).await?;
        Self::permit(ctx, action_for(new.kind, &new.grantee)?, Some(&resource.provider))?;
        check_licence(&new, &resource)?;
        let grant = filled_in(ctx, new)?;
        grant.check(&resource)?;
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
        let same_holder = others
            .iter()
            .filter(|other| other.grantee == grant.grantee && other.is_in_force(grant.created_at));
        for other in same_holder {
            let conflict =
                clear_beside_pseudonym(grant, other).or_else(|| clear_beside_pseudonym(other, grant));
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
        let entry = self.store.entry(&grant.resource).await?;
        let provider = entry.as_ref().map(|entry| &entry.draft.provider);
        Self::permit(ctx, action_for(grant.kind, &grant.grantee)?, provider)?;
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
            let provider = self.store.entry(&grant.resource).await?.map(|entry| entry.draft.provider);
            let decides = decide_action(principal, Action::ManageGrants, provider.as_ref());
            if grant.grantee.covers(principal) || decides.into_permission().is_ok() {
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

fn check_licence(new: &NewGrant, resource: &Resource) -> Result<()> {
    if new.kind == GrantKind::Public && resource.licence.is_none() {
        let message =
            format!("{} has no licence, and nothing opens without one: add it to the entry", resource.code);
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    Ok(())
}

fn filled_in(ctx: &OpContext, new: NewGrant) -> Result<Grant> {
    Ok(Grant {
        id: GrantId::new(uuid::Uuid::now_v7().to_string())?,
        kind: new.kind,
        resource: new.resource,
        grantee: new.grantee,
        items: new.items,
        filter: new.filter,
        masks: new.masks,
        purpose: new.purpose,
        legal_basis: new.legal_basis,
        valid_from: new.valid_from.unwrap_or(ctx.now),
        valid_until: new.valid_until,
        doors: new.doors,
        demands_matter: new.demands_matter,
        demands_operator: new.demands_operator,
        min_group: new.min_group,
        created_by: ctx.principal.id.clone(),
        created_at: ctx.now,
        revocation: None,
    })
}

/// A column that `masked` shows as a pseudonym and `clear` in clear.
fn clear_beside_pseudonym<'a>(masked: &'a Grant, clear: &Grant) -> Option<&'a ColumnName> {
    let pseudonyms = masked.masks.iter().filter(|(_, mask)| matches!(mask, Mask::Pseudonym { .. }));
    pseudonyms
        .map(|(column, _)| column)
        .find(|column| clear.items.contains(column) && !clear.masks.contains_key(*column))
}
