//! What becomes of a matter whose resources are handed over to another department.

use std::collections::BTreeSet;

use super::{Applicant, Content, Matter, legal_events};
use crate::ids::{DepartmentId, GrantId, ResourceCode};

impl Matter {
    /// Whether anything can still happen in it.
    pub(crate) fn can_go_on(&self) -> bool {
        legal_events(self.kind(), self.state).next().is_some()
    }

    /// The resources for which its handler acts as their provider.
    fn resources(&self) -> Vec<&ResourceCode> {
        match &self.content {
            Content::Provision(part) => part.application.asks.iter().map(|ask| &ask.resource).collect(),
            Content::Objection(objection) => vec![&objection.resource],
            Content::SecrecyReview(review) => vec![&review.opening.resource],
            Content::EmergencyGrant(emergency) => vec![&emergency.ask.resource],
            Content::GrantImport(import) => vec![&import.ask.resource],
            Content::OpeningItem(item) => item.resource.iter().collect(),
            Content::Disclosure(disclosure) => disclosure.resource.iter().collect(),
            Content::Application(_)
            | Content::Demand(_)
            | Content::Letter(_)
            | Content::CorrectionNotice(_) => Vec::new(),
        }
    }

    /// Whether it is about one of these resources.
    pub(crate) fn is_about(&self, resources: &BTreeSet<ResourceCode>) -> bool {
        self.resources().into_iter().any(|code| resources.contains(code))
    }

    /// Whether it is about these resources and no others.
    pub(crate) fn is_about_only(&self, resources: &BTreeSet<ResourceCode>) -> bool {
        self.is_about(resources) && self.resources().into_iter().all(|code| resources.contains(code))
    }

    /// Gives it to another department. Its limits go on: a handover gives nobody more time.
    pub(crate) fn hand_over(&mut self, to: &DepartmentId) {
        self.handler.department = Some(to.clone());
        // An opening is asked for and reviewed in one department.
        if let Content::SecrecyReview(_) = self.content {
            self.applicant = Applicant::Department(to.clone());
        }
        self.revision += 1;
    }

    /// Splits a provider's part of an application: what it asks of these resources, and the grants on them, become a part of
    /// their own with another provider. Limits that have ended stay with the part in which they were kept or missed.
    pub(crate) fn divide(
        &mut self,
        number: String,
        resources: &BTreeSet<ResourceCode>,
        granted: &BTreeSet<GrantId>,
        to: &DepartmentId,
    ) -> Self {
        let mut part = self.clone();
        part.number = number;
        part.handler.department = Some(to.clone());
        part.limits.retain(|limit| limit.is_open());
        part.grants.retain(|grant| granted.contains(grant));
        part.revision = 1;
        self.grants.retain(|grant| !granted.contains(grant));
        self.revision += 1;
        for (matter, goes) in [(&mut *self, false), (&mut part, true)] {
            if let Content::Provision(provision) = &mut matter.content {
                let asks = [Some(&mut provision.application.asks), provision.proposed.as_mut()];
                for asks in asks.into_iter().flatten() {
                    asks.retain(|ask| resources.contains(&ask.resource) == goes);
                }
            }
        }
        part
    }
}
