//! What a change says beyond the digest of the state that it made.
//!
//! Supervision and assessment are computed from the log alone, so the log says what they count. What is public and may not be
//! forgotten by a restore stands in it whole. No values of rows stand in it, and no people: whoever is no department is named by
//! kind.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dataset::{Standing, Version};
use crate::deadline::{LimitKind, RunningLimit};
use crate::directory::resource::Entry;
use crate::directory::{Department, Opening, Resource, Succession, UpdateCycle};
use crate::ids::{DepartmentId, GrantId, ResourceCode};
use crate::matter::{Applicant, ApplicantKind, Content, Event, Ground, Matter, MatterKind, State};
use crate::policy::{Grant, GrantKind, Grantee};
use crate::time::Timestamp;

/// What was changed, in the words that are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Fact {
    /// A directory entry, as it is in force.
    Resource(ResourceFact),
    /// A version of a dataset.
    Version(VersionFact),
    /// A grant.
    Grant(GrantFact),
    /// A matter 办件.
    Matter(MatterFact),
    /// A department, whole: a restore enters it again.
    Department(Department),
    /// A department that is continued by another, or hands resources over, as far as it has come.
    Succession(Succession),
}

/// A directory entry as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceFact {
    /// The resource.
    pub resource: ResourceCode,
    /// Its provider.
    pub provider: DepartmentId,
    /// Whether it is published.
    pub published: bool,
    /// Metadata elements that are filled in.
    pub filled: u32,
    /// Metadata elements that there are.
    pub elements: u32,
    /// How often it is promised to be updated.
    pub update_cycle: UpdateCycle,
    /// Whether it is open, also under a condition.
    pub open: bool,
}

/// A version of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionFact {
    /// The resource.
    pub resource: ResourceCode,
    /// The version.
    pub version: i64,
    /// How it stands by this change.
    pub standing: Standing,
    /// Rows that were delivered for it.
    pub delivered: i64,
    /// Those of them that were kept out, for they broke a rule.
    pub rejected: i64,
}

/// A grant, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantFact {
    /// The grant.
    pub grant: GrantId,
    /// The resource.
    pub resource: ResourceCode,
    /// Why it exists.
    pub kind: GrantKind,
    /// The department that holds it, if one does.
    pub department: Option<DepartmentId>,
    /// Calls a day that its holder said to expect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_day: Option<u64>,
    /// Rows a day that its holder said to expect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_day: Option<u64>,
}

/// One step of a matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatterFact {
    /// Its number.
    pub number: String,
    /// Its kind.
    pub kind: MatterKind,
    /// The handling department; `None` is the data authority.
    pub department: Option<DepartmentId>,
    /// Who asks: a department's name, `developer`, `authority` or `public`.
    pub applicant: String,
    /// The resource that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceCode>,
    /// The step; `None` for the opening and for a reckoning by a new calendar.
    pub step: Option<Event>,
    /// Where it stands after it.
    pub state: State,
    /// The department that has handed it over, in the record that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over_by: Option<DepartmentId>,
    /// Its limits after it.
    pub limits: Vec<LimitFact>,
    /// Of a disclosure request: as what its applicant asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant_kind: Option<ApplicantKind>,
    /// Of a disclosure request that is refused: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
}

/// One limit of a matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitFact {
    /// What it is for.
    pub kind: LimitKind,
    /// Since when it runs.
    pub since: Timestamp,
    /// When it ends; `None` while it stands still.
    pub due: Option<Timestamp>,
    /// When what it was for was done.
    pub ended: Option<Timestamp>,
}

impl Fact {
    /// What is in force of an entry.
    pub(crate) fn of_entry(entry: &Entry) -> Self {
        let resource = entry.published.as_ref().unwrap_or(&entry.draft);
        let (filled, elements) = completeness(resource);
        Self::Resource(ResourceFact {
            resource: resource.code.clone(),
            provider: resource.provider.clone(),
            published: entry.published.is_some(),
            filled,
            elements,
            update_cycle: resource.update_cycle,
            open: *resource.opening() != Opening::Closed,
        })
    }

    /// How a version stands at a time.
    pub(crate) fn of_version(version: &Version, now: Timestamp) -> Self {
        Self::Version(VersionFact {
            resource: version.resource.clone(),
            version: version.number,
            standing: version.standing(now),
            delivered: version.delivered,
            rejected: version.rejected,
        })
    }

    /// That a version is withdrawn.
    pub(crate) fn of_withdrawn(resource: &ResourceCode, version: i64) -> Self {
        let resource = resource.clone();
        let standing = Standing::Withdrawn;
        Self::Version(VersionFact { resource, version, standing, delivered: 0, rejected: 0 })
    }

    /// What a grant gives, to whom.
    pub(crate) fn of_grant(grant: &Grant) -> Self {
        let terms = &grant.terms;
        let department = match &terms.grantee {
            Grantee::Department(department) => Some(department.clone()),
            Grantee::Developer(_) | Grantee::Public => None,
        };
        Self::Grant(GrantFact {
            grant: grant.id.clone(),
            resource: terms.resource.clone(),
            kind: terms.kind,
            department,
            calls_per_day: terms.calls_per_day,
            rows_per_day: terms.rows_per_day,
        })
    }

    /// A succession, without who proposed it.
    pub(crate) fn of_succession(succession: &Succession) -> Self {
        Self::Succession(Succession { proposed_by: String::new(), ..succession.clone() })
    }

    /// A matter after its newest step.
    pub(crate) fn of_matter(matter: &Matter) -> Self {
        Self::Matter(MatterFact::of(matter, matter.history.last().and_then(|step| step.event), None))
    }

    /// A matter that has changed without a step.
    pub(crate) fn of_matter_without_step(matter: &Matter) -> Self {
        Self::Matter(MatterFact::of(matter, None, None))
    }

    /// A matter that another department has handed over.
    pub(crate) fn of_matter_handed_over(matter: &Matter, by: &DepartmentId) -> Self {
        Self::Matter(MatterFact::of(matter, None, Some(by.clone())))
    }
}

impl MatterFact {
    fn of(matter: &Matter, step: Option<Event>, handed_over_by: Option<DepartmentId>) -> Self {
        let applicant = match &matter.applicant {
            Applicant::Department(department) => department.to_string(),
            Applicant::Developer(_) => "developer".to_owned(),
            Applicant::Authority => "authority".to_owned(),
            Applicant::Public(_) => "public".to_owned(),
        };
        let resource = match &matter.content {
            Content::Objection(objection) => Some(objection.resource.clone()),
            Content::SecrecyReview(review) => Some(review.opening.resource.clone()),
            Content::OpeningItem(item) => item.resource.clone(),
            _ => None,
        };
        let disclosure = match &matter.content {
            Content::Disclosure(disclosure) => Some(disclosure),
            _ => None,
        };
        Self {
            number: matter.number.clone(),
            kind: matter.kind(),
            department: matter.handler.department.clone(),
            applicant,
            resource,
            step,
            state: matter.state,
            handed_over_by,
            limits: matter.limits.iter().map(LimitFact::of).collect(),
            applicant_kind: disclosure.map(|disclosure| disclosure.applicant_kind),
            ground: disclosure.and_then(|disclosure| disclosure.outcome.as_ref()?.ground),
        }
    }
}

impl LimitFact {
    fn of(limit: &RunningLimit) -> Self {
        Self { kind: limit.kind, since: limit.since, due: limit.reckoning.due, ended: limit.ended }
    }
}

/// Metadata elements filled in, of those that an entry can have: the thirteen core ones and the extension's. What a resource
/// must have by rule counts too, so that a bare but valid entry is not empty.
fn completeness(resource: &Resource) -> (u32, u32) {
    let filled = |text: &str| !text.trim().is_empty();
    let elements = [
        !resource.classification.is_empty(),
        filled(&resource.title),
        filled(&resource.summary),
        filled(&resource.format.kind),
        !resource.items.is_empty(),
        filled(&resource.sharing_method.kind),
        resource.published_on.is_some(),
        !resource.related.is_empty(),
        filled(&resource.business_matter),
        filled(&resource.sub_organisation),
        !resource.keywords.is_empty(),
        resource.contact.as_deref().is_some_and(filled),
        resource.temporal_coverage.as_deref().is_some_and(filled),
        resource.spatial_coverage.as_deref().is_some_and(filled),
        !resource.key.is_empty(),
        *resource.opening() == Opening::Closed || resource.licence.as_deref().is_some_and(filled),
    ];
    let count = |elements: &[bool]| u32::try_from(elements.len()).unwrap_or(u32::MAX);
    let full: Vec<_> = elements.iter().copied().filter(|is_filled| *is_filled).collect();
    (count(&full), count(&elements))
}
