//! Before anything becomes open: the machine checks the data, then a reviewer the check list. A finding is mended, or
//! justified, before a reviewer who did neither decides.
//!
//! A review that passes is an opening 开放: without a condition a grant to the public is made with it, under a condition
//! developers apply for grants within it. Every later version is checked as the opening shows it; one with new findings
//! waits for a review of its own, whose parent is the opening.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::Ask;
use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::context::Channel;
use crate::dataset::Audience;
use crate::deadline::LimitKind;
use crate::ids::{ColumnName, ResourceCode};
use crate::policy::{Filter, GrantKind, GrantTerms, Grantee, Mask};
use crate::time::Timestamp;

/// One question of the check list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckItem {
    /// The question, such that yes means no objection.
    pub question: String,
    /// The answer.
    pub answer: Option<bool>,
    /// A remark.
    #[serde(default)]
    pub note: String,
}

/// A person's answer to a question of the check list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckAnswer {
    /// Yes means no objection.
    pub answer: bool,
    /// A remark; needed where the answer is no.
    #[serde(default)]
    pub note: String,
}

impl CheckItem {
    /// Whether it is answered, and a no has its remark.
    pub fn is_settled(&self) -> bool {
        self.answer.is_some_and(|yes| yes || !self.note.trim().is_empty())
    }
}

/// What the machine found in the data, counted and never quoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The rule: `identity_number`, `mobile_number`, `phone_number`, `bank_card`, `email`, `name`, `personal_item`,
    /// `rare_combination`, `unread_material`.
    pub rule: String,
    /// The item; several for combinations.
    pub columns: Vec<ColumnName>,
    /// Rows concerned; of the version with most of them, where several were checked.
    pub rows: u64,
    /// Rows of that version that would be open.
    #[serde(default)]
    pub of: u64,
    /// For materials: SHA-256 over the digests of all that it is about, so that others are another finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materials: Option<String>,
}

impl Finding {
    /// Whether it is the same in no fewer rows and in no smaller share of them.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        let share = |rows: u64, of: u64| u128::from(rows) * u128::from(of);
        self.rule == other.rule
            && self.columns == other.columns
            && self.materials == other.materials
            && self.rows >= other.rows
            && share(self.rows, other.of) >= share(other.rows, self.of)
    }
}

/// A finding that people have looked at and let pass, in later versions too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JustifiedFinding {
    /// The rule.
    pub rule: String,
    /// The items.
    pub columns: Vec<ColumnName>,
    /// Why it does no harm.
    pub reason: String,
    /// The rows that it was looked at for.
    #[serde(default)]
    pub rows: u64,
    /// Rows among which it was looked at.
    #[serde(default)]
    pub of: u64,
    /// The very materials that it was looked at in, as in [`Finding::materials`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materials: Option<String>,
}

impl JustifiedFinding {
    /// Whether it lets that finding pass: in no more rows, or in no larger share of them, so that data may grow as they are. Who
    /// is alone by some of the items is alone by all of them: a combination that was justified covers smaller ones. What was
    /// found in materials passes in those very ones alone.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.rule == finding.rule
            && self.materials == finding.materials
            && (finding.rows <= self.rows || self.is_no_smaller_share(finding))
            && finding.columns.iter().all(|column| self.columns.contains(column))
    }

    fn is_no_smaller_share(&self, finding: &Finding) -> bool {
        // For how many of how many was not always said.
        self.of > 0
            && u128::from(finding.rows) * u128::from(self.of)
                <= u128::from(self.rows) * u128::from(finding.of)
    }
}

/// What is to become open: items, rows, masks and doors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningTerms {
    /// The resource.
    pub resource: ResourceCode,
    /// The items.
    pub items: Vec<ColumnName>,
    /// The rows; all without a filter.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Filter>,
    /// Masks on items.
    #[serde(default)]
    pub masks: BTreeMap<ColumnName, Mask>,
    /// Doors: SQL, API, file.
    pub doors: BTreeSet<Channel>,
    /// The law or decision it rests on.
    pub legal_basis: String,
    /// End of the term, excluded; `None` for no end.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// For 有条件开放, the terms that a developer accepts with an application; open to everyone without.
    #[serde(default)]
    pub condition: Option<String>,
    /// Further items by whose combination somebody could be recognised, beside those that the machine takes by itself.
    #[serde(default)]
    pub quasi_identifiers: Option<Vec<ColumnName>>,
}

impl OpeningTerms {
    /// For whom it opens.
    pub fn audience(&self) -> Audience {
        match self.condition {
            None => Audience::Public,
            Some(_) => Audience::Developers,
        }
    }

    /// The terms of the grant that it is, or for a conditional one of the widest that can be given within it.
    pub fn grant(&self, from: Timestamp) -> GrantTerms {
        let (kind, grantee) = match self.condition {
            None => (GrantKind::Public, Grantee::Public),
            Some(_) => (GrantKind::Conditional, Grantee::Developer(String::new())),
        };
        let words = (self.condition.as_deref().unwrap_or_default(), self.legal_basis.as_str());
        let terms = self.ask().terms(kind, grantee, words, (from, self.valid_until));
        GrantTerms { purpose: terms.purpose.filter(|purpose| !purpose.is_empty()), ..terms }
    }

    /// The widest ask within it.
    pub fn ask(&self) -> Ask {
        Ask {
            resource: self.resource.clone(),
            items: self.items.clone(),
            filter: self.filter.clone(),
            masks: self.masks.clone(),
            doors: self.doors.clone(),
            statistics: None,
            accepted_terms: None,
            demands_matter: false,
            demands_operator: false,
        }
    }
}

/// A secrecy review 保密审查 of items that are to become open, or of a version of what is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecrecyReview {
    /// What becomes open.
    pub opening: OpeningTerms,
    /// The version that waits, where the opening stands and a version of it has new findings.
    #[serde(default)]
    pub version: Option<i64>,
    /// The check list.
    #[serde(default)]
    pub checklist: Vec<CheckItem>,
    /// The versions that the last machine check went through.
    #[serde(default)]
    pub checked: Vec<i64>,
    /// What it found in them.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What people have let pass.
    #[serde(default)]
    pub justified: Vec<JustifiedFinding>,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Checking],
    rules: RULES,
    clocks: &[Clock {
        limit: LimitKind::SecrecyReview,
        runs: &[State::Checking, State::Examining],
        stands: &[State::Completing],
    }],
    once: &[],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Checking, Event::Find, State::Completing, By::Machine),
    rule(State::Checking, Event::Clear, State::Examining, By::Machine),
    rule(State::Checking, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Completing, Event::Complete, State::Checking, By::Applicant),
    rule(State::Completing, Event::Justify, State::Examining, By::Applicant),
    rule(State::Completing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Examining, Event::Grant, State::Passed, By::SecondHandler),
    rule(State::Examining, Event::Refuse, State::Refused, By::SecondHandler),
    rule(State::Examining, Event::Return, State::Completing, By::SecondHandler),
    rule(State::Examining, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Passed, Event::Revoke, State::Revoked, By::Handler),
];
