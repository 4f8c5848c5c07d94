//! What a grant would show, before it is made.

use super::Services;
use super::datasets::Dataset;
use super::grants::action_for;
use super::withdrawals::not_withdrawn;
use crate::context::OpContext;
use crate::dataset::latest;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::matter::{Content, Provision};
use crate::policy::{BoundPolicy, Grant, GrantKind, GrantTerms, GrantedPolicy, Grantee};
use crate::ports::Shapes;

/// A grant that is not made, and what its holder would see.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The grant, which nothing knows of.
    pub grant: Grant,
    /// The newest version as its holder would see it; none where there is no data yet.
    pub dataset: Option<Dataset>,
    /// Why it may not be made: what its holder would see together with what it has.
    pub undoes: Option<String>,
}

impl Services {
    /// Works out what a grant would show, for whoever may make it. That it was asked is evidence.
    pub async fn propose(&self, ctx: &OpContext, shapes: &dyn Shapes, terms: GrantTerms) -> Result<Proposal> {
        let resource = self.published(&terms.resource).await?;
        Self::permit(ctx, action_for(terms.kind, &terms.grantee)?, Some(&resource.provider))?;
        let grant = Self::new_grant(ctx, terms, &resource)?;
        let undoes = match self.check_linkage(&grant, &resource, &[]).await {
            Ok(_) => None,
            Err(error) if error.code == ErrorCode::Conflict => Some(error.message),
            Err(error) => return Err(error),
        };
        let event = Self::change(ctx, "grant.weighed", entity::proposal(&resource.code), &grant.terms);
        self.log.append(event).await?;
        let versions = self.store.versions(&resource.code).await?;
        let Some(version) = latest(&versions, ctx.now) else {
            return Ok(Proposal { grant, dataset: None, undoes });
        };
        let entry = self.store.entry(&resource.code).await?;
        let retired = entry.map(|entry| entry.retired).unwrap_or_default();
        let stored = resource.as_stored(&retired, shapes.shape(version).await?);
        let attributes = match &grant.terms.grantee {
            Grantee::Department(id) => self.department(ctx, id).await?.subject_attributes(),
            Grantee::Developer(_) | Grantee::Public => Default::default(),
        };
        let acts = self.store.record_withdrawals(&resource.code).await?;
        let hidden = not_withdrawn(&stored, &acts, version, &versions)?;
        let policy = BoundPolicy::bind(&grant.terms, &stored, &attributes)?.narrowed(hidden);
        let granted = GrantedPolicy { grant: Some(grant.id.clone()), kind: grant.terms.kind, policy };
        let dataset = Dataset { resource: stored, granted, version: version.clone() };
        Ok(Proposal { grant, dataset: Some(dataset), undoes })
    }

    /// The terms that a provider's part of an application asks for.
    pub async fn asked_terms(&self, ctx: &OpContext, number: &str) -> Result<Vec<GrantTerms>> {
        let matter = self.matter(ctx, number).await?.matter;
        let (Content::Provision(Provision { application, .. }), Some(grantee)) =
            (&matter.content, matter.applicant.grantee())
        else {
            let message = format!("{number} is no part of an application: name the provider's part");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        };
        let terms = |ask| application.terms(ask, GrantKind::Conditional, grantee.clone(), ctx.now);
        Ok(application.asks.iter().map(terms).collect())
    }
}
