//! Before anything becomes open: the machine checks the data, then a reviewer the check list. A finding is mended, or
//! justified, before a reviewer who did neither decides.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::{ColumnName, ResourceCode};

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

/// What the machine found in the data, counted and never quoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The rule: `identity_number`, `phone_number`, `name`, `rare_combination`.
    pub rule: String,
    /// The item; several for combinations.
    pub columns: Vec<ColumnName>,
    /// Rows concerned.
    pub rows: u64,
}

/// A secrecy review 保密审查 of items that are to become open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecrecyReview {
    /// The resource.
    pub resource: ResourceCode,
    /// The items.
    pub items: Vec<ColumnName>,
    /// The check list.
    pub checklist: Vec<CheckItem>,
    /// What the machine found in the last check.
    #[serde(default)]
    pub findings: Vec<Finding>,
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
    rule(State::Completing, Event::Complete, State::Checking, By::Applicant),
    rule(State::Completing, Event::Justify, State::Examining, By::Applicant),
    rule(State::Completing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Examining, Event::Grant, State::Passed, By::SecondHandler),
    rule(State::Examining, Event::Refuse, State::Refused, By::SecondHandler),
    rule(State::Examining, Event::Return, State::Completing, By::SecondHandler),
    rule(State::Examining, Event::Withdraw, State::Withdrawn, By::Applicant),
];
