//! The decision about reading one resource: pure, total, closed until granted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bound::{BoundPolicy, GrantedPolicy};
use super::grant::{Grant, GrantKind};
use crate::context::{Channel, OpContext, PrincipalKind, Role};
use crate::dataset::Audience;
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::GrantId;

/// Permit or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The access may happen, under the obligations.
    Permit,
    /// It may not.
    Deny,
}

/// What decided: the "why" of every verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum DecidedBy {
    /// A grant; `None` is the provider's standing own grant.
    Grant {
        /// Its identity.
        id: Option<GrantId>,
        /// Its kind.
        kind: GrantKind,
    },
    /// A role that allows the action.
    Role {
        /// The role.
        role: Role,
    },
    /// A rule that refuses, with the code that a door answers and the reason for people.
    Rule {
        /// Stable code.
        code: ErrorCode,
        /// What is missing and what to do.
        reason: String,
    },
}

/// A verdict with its reason and, where it permits a read, what may be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Permit or deny.
    pub effect: Effect,
    /// The grant, role or rule that decided.
    pub determined_by: DecidedBy,
    /// What a permitted read must be bound to.
    pub obligations: Option<GrantedPolicy>,
}

impl Decision {
    pub(super) fn deny(code: ErrorCode, reason: impl Into<String>) -> Self {
        let determined_by = DecidedBy::Rule { code, reason: reason.into() };
        Self { effect: Effect::Deny, determined_by, obligations: None }
    }

    fn permit(grant: Option<&Grant>, kind: GrantKind, policy: BoundPolicy) -> Self {
        let id = grant.map(|grant| grant.id.clone());
        Self {
            effect: Effect::Permit,
            determined_by: DecidedBy::Grant { id: id.clone(), kind },
            obligations: Some(GrantedPolicy { grant: id, kind, policy }),
        }
    }

    /// The policy to read under, or the refusal as an error.
    pub fn into_policy(self) -> Result<GrantedPolicy> {
        match (self.obligations, self.determined_by) {
            (Some(policy), _) => Ok(policy),
            (None, DecidedBy::Rule { code, reason }) => Err(Error::new(code, reason)),
            (None, _) => Err(Error::new(ErrorCode::Forbidden, "the access is not allowed")),
        }
    }

    /// Nothing on a permit, the refusal as an error.
    pub fn into_permission(self) -> Result<()> {
        match (self.effect, self.determined_by) {
            (Effect::Permit, _) => Ok(()),
            (_, DecidedBy::Rule { code, reason }) => Err(Error::new(code, reason)),
            _ => Err(Error::new(ErrorCode::Forbidden, "the action is not allowed")),
        }
    }
}

/// Decides whether the caller may read the resource, and under which one of its grants.
///
/// `resource` is the published entry and `grants` are all grants to it, of whomever and in whatever state: what does
/// not cover the caller, the door or the moment does not count. The stated purpose picks among conditional grants,
/// the other kinds fit every purpose. Where the caller's department and ones that it continues hold grants, its own go first.
/// Without a purpose: own, else the only conditional or unconditional one, else
/// public. Several that could answer are refused by name: grants are never merged.
pub fn decide_read(ctx: &OpContext, resource: &Resource, grants: &[Grant]) -> Decision {
    decide_version(ctx, resource, resource, grants)
}

/// [`decide_read`] about one version: `stored` is the resource as that version holds it, to whose columns the policy is
/// bound. What the caller may know of is still decided by the directory of today.
pub fn decide_version(ctx: &OpContext, resource: &Resource, stored: &Resource, grants: &[Grant]) -> Decision {
    match basis(ctx, resource, grants) {
        Ok(Basis::Own) => Decision::permit(None, GrantKind::Own, BoundPolicy::everything(stored)),
        Ok(Basis::Grant(grant)) => bind(ctx, stored, grant),
        Err(denied) => denied,
    }
}

/// The audience for which a version must be cleared before the caller sees it; `None` for departments, which see all.
///
/// Refuses whoever has nothing that could answer, as [`decide_version`] would, before any version is looked at.
pub fn audience_of(ctx: &OpContext, resource: &Resource, grants: &[Grant]) -> Result<Option<Audience>> {
    match basis(ctx, resource, grants) {
        Ok(Basis::Own) => Ok(None),
        Ok(Basis::Grant(grant)) => Ok(grant.terms.grantee.audience()),
        Err(denied) => denied.into_permission().map(|()| None),
    }
}

/// The one thing under which a read happens.
enum Basis<'a> {
    Own,
    Grant(&'a Grant),
}

#[expect(clippy::result_large_err, reason = "the denial is the answer of `decide_version`")]
fn basis<'a>(ctx: &OpContext, resource: &Resource, grants: &'a [Grant]) -> Result<Basis<'a>, Decision> {
    if ctx.principal.roles.iter().any(|role| role.is_administrator()) {
        return Err(Decision::deny(ErrorCode::Forbidden, "an administrator 三员 reads no data"));
    }
    if reads_own(ctx, resource) {
        return Ok(Basis::Own);
    }
    let usable: Vec<&Grant> = grants
        .iter()
        .filter(|grant| grant.terms.resource == resource.code && grant.is_in_force(ctx.now))
        .filter(|grant| grant.terms.grantee.covers(&ctx.principal) && may_use(ctx, grant))
        .collect();
    match choose(ctx, &usable) {
        Choice::One(grant) => Ok(Basis::Grant(grant)),
        Choice::Several(grants) => Err(ambiguous(&grants)),
        Choice::None => Err(refuse(ctx, resource, &usable)),
    }
}

fn reads_own(ctx: &OpContext, resource: &Resource) -> bool {
    ctx.principal.acts_for(&resource.provider) && reads_for_department(ctx)
}

/// Whether the principal reads in its department's name: an analyst, a data steward, or its machine.
fn reads_for_department(ctx: &OpContext) -> bool {
    let principal = &ctx.principal;
    principal.kind == PrincipalKind::Machine
        || principal.has(Role::Analyst)
        || principal.has(Role::DataSteward)
}

/// A department's grant serves those who read for it; a public one serves everyone.
fn may_use(ctx: &OpContext, grant: &Grant) -> bool {
    let reader = match grant.terms.grantee {
        super::Grantee::Department(_) => reads_for_department(ctx),
        super::Grantee::Developer(_) | super::Grantee::Public => true,
    };
    reader && grant.terms.doors.contains(&ctx.channel)
}

enum Choice<'a> {
    None,
    One(&'a Grant),
    Several(Vec<&'a Grant>),
}

fn choose<'a>(ctx: &OpContext, usable: &[&'a Grant]) -> Choice<'a> {
    let of = |kind: GrantKind| usable.iter().copied().filter(move |grant| grant.terms.kind == kind);
    let mut conditional: Vec<_> = of(GrantKind::Conditional).collect();
    if let Some(purpose) = &ctx.purpose {
        conditional.retain(|grant| grant.terms.purpose.as_ref() == Some(purpose));
        if conditional.is_empty() {
            conditional = of(GrantKind::Unconditional).collect();
        }
    } else {
        conditional.extend(of(GrantKind::Unconditional));
    }
    if conditional.is_empty() {
        conditional = of(GrantKind::Public).collect();
    }
    let own = |grant: &&Grant| grant.terms.grantee.is_own_of(&ctx.principal);
    if conditional.iter().any(own) {
        conditional.retain(own);
    }
    match conditional.as_slice() {
        [] => Choice::None,
        [one] => Choice::One(one),
        _ => Choice::Several(conditional),
    }
}

fn bind(ctx: &OpContext, resource: &Resource, grant: &Grant) -> Decision {
    let missing = |what: &str| {
        let reason = format!("the grant {} demands {what}; name it in the signed request", grant.id);
        Decision::deny(ErrorCode::ObligationMissing, reason)
    };
    if grant.terms.demands_matter && ctx.matter.is_none() {
        return missing("a matter number 办件号");
    }
    if grant.terms.demands_operator && ctx.operator.is_none() {
        return missing("the operator's staff id");
    }
    match BoundPolicy::bind(&grant.terms, resource, grant.terms.grantee.attributes(&ctx.principal)) {
        Ok(policy) if policy.columns.is_empty() => {
            let reason = match grant.terms.statistics {
                None => format!("every item of the grant {} has been closed or withheld since", grant.id),
                Some(_) => format!(
                    "a dimension of the grant {} is closed, withheld or not in the data, and cells of fewer dimensions \
                     would show small groups: apply for a new grant",
                    grant.id
                ),
            };
            Decision::deny(ErrorCode::NotGranted, reason)
        }
        Ok(policy) => Decision::permit(Some(grant), grant.terms.kind, policy),
        Err(error) => {
            let reason = format!("the grant {} can't be bound: {}", grant.id, error.message);
            Decision::deny(ErrorCode::NotGranted, reason)
        }
    }
}

fn ambiguous(grants: &[&Grant]) -> Decision {
    let names: Vec<_> = grants
        .iter()
        .map(|grant| {
            let purpose = grant.terms.purpose.as_deref().unwrap_or("any");
            format!("{} (purpose: {purpose}, {})", grant.id, grant.terms.grantee.label())
        })
        .collect();
    let purposes: BTreeSet<_> = grants.iter().map(|grant| grant.terms.purpose.as_deref()).collect();
    let how = match purposes.len() == grants.len() {
        true => "state the purpose of one",
        false => {
            "a purpose that only one of them has chooses it; where predecessors' have the same, apply for a grant of your \
             own department, which goes first, or have one of them revoked"
        }
    };
    let reason = format!("several grants could answer; {how}: {}", names.join("; "));
    Decision::deny(ErrorCode::AmbiguousGrant, reason)
}

/// What the caller's directory lists is refused with the reason; what it may not know of does not exist.
fn refuse(ctx: &OpContext, resource: &Resource, usable: &[&Grant]) -> Decision {
    if !ctx.principal.sees_whole_directory() && !resource.is_publicly_listed() {
        return Decision::deny(ErrorCode::NotFound, format!("resource {} does not exist", resource.code));
    }
    let name = format!("{} {}", resource.code, resource.title);
    let why = if usable.is_empty() {
        format!("no grant lets you read {name} through the {} door", channel_name(ctx.channel))
    } else {
        format!("no grant lets you read {name} for the purpose stated")
    };
    let how = match resource.sharing() {
        Some(crate::directory::Sharing::Withheld { basis }) => format!("it is withheld: {basis}"),
        _ => format!(
            "apply to its provider `{}`, naming items, rows, purpose and legal basis",
            resource.provider
        ),
    };
    Decision::deny(ErrorCode::NotGranted, format!("{why}; {how}"))
}

fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Api => "API",
        Channel::Sql => "SQL",
        Channel::File => "file",
        Channel::Verification => "verification",
        Channel::CommandLine => "command-line",
    }
}
