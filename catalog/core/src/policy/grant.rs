//! Grants 授权: everything that is read is read under one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::{ColumnTypes, Filter};
use super::mask::Mask;
use super::statistics::Statistics;
use crate::context::{Channel, Principal, PrincipalKind, Role};
use crate::dataset::Audience;
use crate::directory::{DataClass, InformationItem, Opening, Resource, Sharing};
use crate::error::{Error, Problem, Result};
use crate::ids::{ColumnName, DepartmentId, GrantId, ResourceCode};
use crate::time::Timestamp;

/// Why a grant exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// A department reads what it provides; standing, never stored.
    Own,
    /// Unconditionally shared, given by the machine.
    Unconditional,
    /// Decided by the provider for one purpose.
    Conditional,
    /// An open publication: a grant to the public, made by its review.
    Public,
}

impl GrantKind {
    /// The Chinese name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Own => "本部门数据",
            Self::Unconditional => "无条件共享",
            Self::Conditional => "有条件共享",
            Self::Public => "向社会开放",
        }
    }
}

/// To whom a grant is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// One department.
    Department(DepartmentId),
    /// One registered developer, by account.
    Developer(String),
    /// Everyone.
    Public,
}

impl Grantee {
    /// One unambiguous name: of whoever holds pseudonyms, above all.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Department(department) => format!("department:{department}"),
            Self::Developer(account) => format!("developer:{account}"),
            Self::Public => "public".to_owned(),
        }
    }

    /// The audience outside government that it belongs to.
    pub fn audience(&self) -> Option<Audience> {
        match self {
            Self::Department(_) => None,
            Self::Developer(_) => Some(Audience::Developers),
            Self::Public => Some(Audience::Public),
        }
    }

    /// Whether it is the principal's own department, and not one that this continues.
    pub(super) fn is_own_of(&self, principal: &Principal) -> bool {
        matches!(self, Self::Department(department) if principal.department.as_ref() == Some(department))
    }

    /// What `$subject.*` means in a grant to it: the attributes of the department that it was given to, also where another
    /// continues that department.
    pub(super) fn attributes<'a>(&self, principal: &'a Principal) -> &'a BTreeMap<String, String> {
        match self {
            Self::Department(department) => principal.attributes_of(department),
            Self::Developer(_) | Self::Public => &principal.attributes,
        }
    }

    /// Whether the principal is covered.
    pub fn covers(&self, principal: &Principal) -> bool {
        match self {
            Self::Department(department) => principal.acts_for(department),
            Self::Developer(account) => {
                principal.kind == PrincipalKind::Person
                    && principal.has(Role::Developer)
                    && principal.department.is_none()
                    && principal.id == *account
            }
            Self::Public => true,
        }
    }
}

/// The end of a grant before its term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revocation {
    /// When; from then on nothing is read under the grant.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The most calls or rows a day that a holder may expect. Evidence states what was declared, and a number beyond 2^53 has no
/// exact form in canonical JSON (RFC 8785).
const MAX_PER_DAY: u64 = 1_000_000_000_000;

/// What a grant gives: named items and rows of one resource, for one grantee, purpose and term. It is what an approver
/// says about a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GrantTerms {
    /// Why the grant exists: `unconditional`, `conditional` or `public`.
    pub kind: GrantKind,
    /// The resource.
    pub resource: ResourceCode,
    /// To whom.
    pub grantee: Grantee,
    /// The items granted; all others are absent from the schema.
    pub items: Vec<ColumnName>,
    /// The rows granted; all without a filter.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Filter>,
    /// Masks on granted items.
    #[serde(default)]
    pub masks: BTreeMap<ColumnName, Mask>,
    /// The purpose (business matter) for a conditional grant; the other kinds fit every purpose.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Law, regulation or decision it rests on.
    pub legal_basis: String,
    /// First instant of the term; the moment it is made, if left out.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// End of the term, excluded; `None` for no end.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// The doors through which it may be used.
    pub doors: BTreeSet<Channel>,
    /// Whether every request must name a matter number 办件号.
    #[serde(default)]
    pub demands_matter: bool,
    /// Whether every request must name the operator's staff id.
    #[serde(default)]
    pub demands_operator: bool,
    /// Calls a day that the holder expects: more are an anomaly that supervision shows, and no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_day: Option<u64>,
    /// Rows a day that the holder expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_day: Option<u64>,
    /// Makes the grant statistics-only: cells by the items granted, in place of rows.
    #[serde(default)]
    pub statistics: Option<Statistics>,
}

/// Terms that somebody gave, and their end if they were revoked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// Identity.
    pub id: GrantId,
    /// What it gives.
    #[serde(flatten)]
    pub terms: GrantTerms,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Set once, when it is revoked.
    #[serde(default)]
    pub revocation: Option<Revocation>,
}

impl Grant {
    /// Whether the term runs at `now` and nobody has revoked it.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.terms.valid_from.unwrap_or(self.created_at) <= now && !self.has_ended(now)
    }

    /// The times at which its term begins and ends.
    pub fn turns(&self) -> impl Iterator<Item = Timestamp> {
        [Some(self.terms.valid_from.unwrap_or(self.created_at)), self.terms.valid_until].into_iter().flatten()
    }

    /// Whether the term is over at `now`, or somebody has revoked it. A revocation is never dated ahead: it holds for
    /// requests that came before it, too.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.revocation.is_some() || self.terms.valid_until.is_some_and(|end| end <= now)
    }
}

impl GrantTerms {
    /// Checks the terms of a new grant against the published resource: items, filter, masks, term, basis.
    ///
    /// A withheld item is never granted to another, a closed one never to the public.
    pub fn check(&self, resource: &Resource) -> Result<()> {
        let mut problems = Vec::new();
        let mut wrong =
            |at: &str, rule: &str, message: String| problems.push(Problem::new(at, rule, message));
        if self.items.is_empty() {
            wrong("items", "grant.items", "name at least one item".to_owned());
        }
        if self.legal_basis.trim().is_empty() {
            wrong("legal_basis", "grant.legal_basis", "name the law or decision it rests on".to_owned());
        }
        if self.doors.is_empty() {
            wrong("doors", "grant.doors", "name at least one door".to_owned());
        }
        if self.kind == GrantKind::Conditional && self.purpose.as_deref().unwrap_or("").trim().is_empty() {
            wrong("purpose", "grant.purpose", "a conditional grant names its purpose".to_owned());
        }
        if self.valid_until.is_some_and(|end| self.valid_from.is_some_and(|start| end <= start)) {
            wrong("valid_until", "grant.term", "the term ends before it begins".to_owned());
        }
        for (at, expected) in [("calls_per_day", self.calls_per_day), ("rows_per_day", self.rows_per_day)] {
            if expected.is_some_and(|expected| expected > MAX_PER_DAY) {
                wrong(at, "grant.expected", format!("expect at most {MAX_PER_DAY} a day"));
            }
        }
        for column in &self.items {
            if let Err(message) = self.check_item(resource, column) {
                wrong(column.as_str(), "grant.item", message);
            }
        }
        for column in self.masks.keys().filter(|column| !self.items.contains(column)) {
            wrong(column.as_str(), "grant.mask", format!("`{column}` is masked but not granted"));
        }
        if let Some(filter) = &self.filter
            && let Err(error) = filter.check(&column_types(resource))
        {
            problems.extend(error.problems);
        }
        if let Some(statistics) = &self.statistics {
            problems.extend(statistics.problems(self, resource));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid("the grant is not valid", problems)),
        }
    }

    fn check_item(&self, resource: &Resource, column: &ColumnName) -> Result<(), String> {
        let item = resource
            .item(column.as_str())
            .ok_or_else(|| format!("{} has no item `{column}`", resource.code))?;
        if let Some(mask) = self.masks.get(column)
            && mask.output_type(item.item_type).is_none()
        {
            return Err(format!("the mask does not fit the type of `{column}`"));
        }
        if self.grantee == Grantee::Public && matches!(self.masks.get(column), Some(Mask::Pseudonym { .. })) {
            return Err(format!("`{column}` can't be a pseudonym for the public: mask it in another way"));
        }
        self.may_show(resource, item)
    }

    /// Whether the item, as the directory has it now, may be shown under a grant of this kind.
    ///
    /// Asked when the grant is made and again at every read: what was closed or withheld since is not shown.
    pub(super) fn may_show(&self, resource: &Resource, item: &InformationItem) -> Result<(), String> {
        let column = &item.column;
        let general = item.data_class == DataClass::General;
        match &self.grantee {
            Grantee::Public if !general || item.opening != Opening::Open => Err(format!(
                "`{column}` is not open without a condition, so it can't be granted to the public"
            )),
            Grantee::Developer(_) if !general || item.opening == Opening::Closed => {
                Err(format!("`{column}` is not open, so it can't be granted to a developer"))
            }
            Grantee::Department(to) if *to != resource.provider => match &item.sharing {
                Sharing::Withheld { basis } => Err(format!("`{column}` is withheld: {basis}")),
                Sharing::Conditional { .. } if self.kind == GrantKind::Unconditional => {
                    Err(format!("`{column}` is shared under a condition; make a conditional grant"))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// The columns of a resource with their types, for checking and binding filters.
pub fn column_types(resource: &Resource) -> ColumnTypes<'_> {
    resource.items.iter().map(|item| (item.column.as_str(), item.item_type)).collect()
}
