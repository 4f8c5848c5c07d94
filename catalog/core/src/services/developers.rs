//! What developers may be given: what lies within an opening whose terms they accept.

use super::matters::deciding::narrowed;
use super::{Opening, Services};
use crate::context::OpContext;
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::matter::{Applicant, Ask};
use crate::policy::{GrantTerms, Grantee};

impl Services {
    /// An ask as it may be granted: of a developer, within the opening whose terms it accepts.
    pub(super) async fn within_opening(
        &self,
        ctx: &OpContext,
        applicant: &Applicant,
        ask: &Ask,
    ) -> Result<Ask> {
        let Applicant::Developer(_) = applicant else { return Ok(ask.clone()) };
        let resource = self.published(&ask.resource).await?;
        let opening = self.opening_to_developers(ctx, &resource).await?;
        if ask.accepted_terms.as_ref() != Some(&opening.number) {
            let message = format!(
                "read the terms at /api/v1/resources/{}/openings, and accept them with `accepted_terms`: \"{}\"",
                ask.resource.path_form(),
                opening.number
            );
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        self.narrowed_by(&opening, &resource, ask)
    }

    /// Terms as they may be granted: of a developer, within the opening.
    pub(super) async fn terms_within_opening(
        &self,
        ctx: &OpContext,
        terms: GrantTerms,
    ) -> Result<GrantTerms> {
        let Grantee::Developer(_) = &terms.grantee else { return Ok(terms) };
        let resource = self.published(&terms.resource).await?;
        let opening = self.opening_to_developers(ctx, &resource).await?;
        let asked = Ask {
            items: terms.items.clone(),
            filter: terms.filter.clone(),
            masks: terms.masks.clone(),
            doors: terms.doors.clone(),
            statistics: terms.statistics.clone(),
            ..opening.terms.ask()
        };
        let Ask { items, filter, masks, doors, statistics, .. } =
            self.narrowed_by(&opening, &resource, &asked)?;
        Ok(GrantTerms { items, filter, masks, doors, statistics, ..terms })
    }

    async fn opening_to_developers(&self, ctx: &OpContext, resource: &Resource) -> Result<Opening> {
        let openings = self.openings_of(ctx, resource).await?;
        openings.into_iter().find(|opening| opening.terms.condition.is_some()).ok_or_else(|| {
            let message =
                format!("{} is not open under a condition, so nobody can apply for it", resource.code);
            Error::new(ErrorCode::NotGranted, message)
        })
    }

    /// What of an ask lies within an opening. Cells are about as many subjects as no combination that is open may be rarer
    /// than, and whose they are is not the developer's to say.
    fn narrowed_by(&self, opening: &Opening, resource: &Resource, ask: &Ask) -> Result<Ask> {
        let wrong = |message: String| Err(Error::new(ErrorCode::InvalidInput, message));
        if let Some(statistics) = &ask.statistics {
            let least = self.settings.secrecy.min_group;
            if statistics.min_group < least {
                return wrong(format!("`statistics.min_group` is {least} at least for a developer"));
            }
            let is_subject = match &resource.subject {
                Some(subject) => *subject == statistics.subject,
                None => opening.terms.items.contains(&statistics.subject),
            };
            if !is_subject {
                return wrong(format!(
                    "`{}` does not say whom a record of {} is about: name its subject in `statistics.subject`",
                    statistics.subject, resource.code
                ));
            }
        }
        let within = narrowed(&[opening.terms.ask()], std::slice::from_ref(ask))?.pop();
        within.ok_or_else(|| Error::internal("an ask was lost"))
    }
}
