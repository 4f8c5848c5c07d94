//! What a grant would show, before it is made.

use super::Services;
use super::datasets::Dataset;
use super::grants::action_for;
use super::matters::deciding::narrowed;
use super::withdrawals::not_withdrawn;
use crate::context::OpContext;
use crate::dataset::latest;
use crate::directory::{Resource, ValueFormat};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::ColumnName;
use crate::matter::{Ask, Content};
use crate::policy::{BoundPolicy, Grant, GrantKind, GrantTerms, GrantedPolicy, Grantee};
use crate::ports::Shapes;

/// A grant that is not made, and what its holder would see.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The grant, which nothing knows of.
    pub grant: Grant,
    /// The newest version as its holder would see it; none where there is no data yet.
    pub dataset: Option<Dataset>,
    /// An item of the row filter that tells single subjects or records apart: how many rows such a filter lets through
    /// would tell of them, and is told to nobody.
    pub singles_out: Option<ColumnName>,
    /// Fewer rows than these are not told from none.
    pub min_group: u32,
    /// Why it may not be made: what its holder would see together with what it has.
    pub undoes: Option<String>,
}

impl Services {
    /// Works out what a grant would show, for whoever may make it, and says for what. That it was asked is evidence. What
    /// a developer would hold lies within the opening.
    pub async fn propose(&self, ctx: &OpContext, shapes: &dyn Shapes, terms: GrantTerms) -> Result<Proposal> {
        let resource = self.published(&terms.resource).await?;
        Self::permit(ctx, action_for(terms.kind, &terms.grantee)?, Some(&resource.provider))?;
        if ctx.purpose.is_none() && ctx.matter.is_none() {
            let message = "what a grant would show is counted in the data: say for what, by the purpose \
                           (field shuqiao-purpose) or the matter number (field shuqiao-matter)";
            return Err(Error::new(ErrorCode::ObligationMissing, message));
        }
        let terms = self.terms_within_opening(ctx, terms).await?;
        let grant = Self::new_grant(ctx, terms, &resource)?;
        let undoes = match self.check_linkage(&grant, &resource, &[]).await {
            Ok(_) => None,
            Err(error) if error.code == ErrorCode::Conflict => Some(error.message),
            Err(error) => return Err(error),
        };
        let event = Self::change(ctx, "grant.weighed", entity::proposal(&resource.code), &grant.terms);
        self.log.append(event).await?;
        let min_group = grant.terms.statistics.as_ref().map_or(0, |statistics| statistics.min_group);
        let min_group = min_group.max(self.settings.secrecy.min_group);
        let versions = self.store.versions(&resource.code).await?;
        let Some(version) = latest(&versions, ctx.now) else {
            return Ok(Proposal { grant, dataset: None, singles_out: None, min_group, undoes });
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
        let singles_out = singles_out(&grant.terms, &stored);
        // No grant is used: the provider looks at what is its own.
        let granted = GrantedPolicy { grant: None, kind: grant.terms.kind, policy };
        let dataset = Some(Dataset { resource: stored, granted, version: version.clone(), until: None });
        Ok(Proposal { grant, dataset, singles_out, min_group, undoes })
    }

    /// The terms that a provider's part of an application asks for, or the narrower ones of a decision in part.
    pub async fn asked_terms(
        &self,
        ctx: &OpContext,
        number: &str,
        instead: Option<&[Ask]>,
    ) -> Result<Vec<GrantTerms>> {
        let matter = self.matter(ctx, number).await?.matter;
        let (Content::Provision(part), Some(grantee)) = (&matter.content, matter.applicant.grantee()) else {
            let message = format!("{number} is no part of an application: name the provider's part");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        };
        let whole = part.on_the_table(matter.state);
        let asks = match instead {
            None => whole.to_vec(),
            Some(narrower) => narrowed(whole, narrower)?,
        };
        let application = &part.application;
        let terms = |ask| application.terms(ask, GrantKind::Conditional, grantee.clone(), ctx.now);
        Ok(asks.iter().map(terms).collect())
    }
}

/// The first item of the row filter that tells single subjects or records apart.
fn singles_out(terms: &GrantTerms, stored: &Resource) -> Option<ColumnName> {
    let mut found = None;
    terms.filter.as_ref()?.each_column(&mut |name| {
        let Some(item) = stored.item(name) else { return };
        let is_number = matches!(item.format, Some(ValueFormat::CitizenId | ValueFormat::CreditCode));
        let tells_apart = stored.subject.as_ref() == Some(&item.column) || stored.key.contains(&item.column);
        if found.is_none() && (item.personal || is_number || tells_apart) {
            found = Some(item.column.clone());
        }
    });
    found
}
