//! A department, or a registered developer, applies for data: what the authority checks before the providers decide.
//!
//! Each provider decides its own part as a matter of its own, see [`super::provision`]. A renewal is an application that
//! names the part it renews.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::context::Channel;
use crate::deadline::LimitKind;
use crate::ids::{ColumnName, ResourceCode};
use crate::policy::{Filter, GrantKind, GrantTerms, Grantee, Mask, Statistics};
use crate::time::Timestamp;

/// What is asked of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The resource.
    pub resource: ResourceCode,
    /// Items.
    pub items: Vec<ColumnName>,
    /// Rows; all without a filter.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Filter>,
    /// Masks on items.
    #[serde(default)]
    pub masks: BTreeMap<ColumnName, Mask>,
    /// Doors: SQL, API, file, verification.
    pub doors: BTreeSet<Channel>,
    /// Cells instead of rows, for a statistics-only grant.
    #[serde(default)]
    pub statistics: Option<Statistics>,
    /// For a developer, the number of the opening whose terms are accepted: what is open under a condition needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_terms: Option<String>,
    /// Whether every request must name a matter number 办件号.
    #[serde(default)]
    pub demands_matter: bool,
    /// Whether every request must name the operator's staff id.
    #[serde(default)]
    pub demands_operator: bool,
}

/// An application 数据共享申请 for data of one or several providers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// What is asked, a resource at most once.
    pub asks: Vec<Ask>,
    /// Purpose: the business matter 业务事项 that needs the data.
    pub purpose: String,
    /// The law that gives the applicant the task.
    pub legal_basis: String,
    /// End of the term, excluded.
    pub valid_until: Timestamp,
    /// Calls expected per day.
    #[serde(default)]
    pub calls_per_day: Option<u64>,
    /// Rows expected per day.
    #[serde(default)]
    pub rows_per_day: Option<u64>,
    /// The provision that it renews: the new term then begins where that one ends.
    #[serde(default)]
    pub renews: Option<String>,
}

impl Application {
    /// The terms of a grant for one of its asks.
    pub fn terms(&self, ask: &Ask, kind: GrantKind, grantee: Grantee, from: Timestamp) -> GrantTerms {
        let term = (from, Some(self.valid_until));
        let terms = ask.terms(kind, grantee, (&self.purpose, &self.legal_basis), term);
        GrantTerms { calls_per_day: self.calls_per_day, rows_per_day: self.rows_per_day, ..terms }
    }
}

impl Ask {
    /// The terms of a grant for it: purpose and legal basis, start and end of the term.
    pub fn terms(
        &self,
        kind: GrantKind,
        grantee: Grantee,
        (purpose, legal_basis): (&str, &str),
        (from, until): (Timestamp, Option<Timestamp>),
    ) -> GrantTerms {
        GrantTerms {
            kind,
            resource: self.resource.clone(),
            grantee,
            items: self.items.clone(),
            filter: self.filter.clone(),
            masks: self.masks.clone(),
            purpose: Some(purpose.to_owned()),
            legal_basis: legal_basis.to_owned(),
            valid_from: Some(from),
            valid_until: until,
            doors: self.doors.clone(),
            demands_matter: self.demands_matter,
            demands_operator: self.demands_operator,
            statistics: self.statistics.clone(),
            calls_per_day: None,
            rows_per_day: None,
        }
    }
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Submitted],
    rules: RULES,
    clocks: &[Clock {
        limit: LimitKind::FormalCheck,
        runs: &[State::Submitted],
        stands: &[State::Completing],
    }],
    once: &[Event::AskCompletion],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Submitted, Event::AskCompletion, State::Completing, By::Authority),
    rule(State::Submitted, Event::Accept, State::Accepted, By::Authority),
    rule(State::Submitted, Event::AcceptAtOnce, State::Accepted, By::Machine),
    rule(State::Submitted, Event::Reject, State::NotAccepted, By::Authority),
    rule(State::Submitted, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Completing, Event::Complete, State::Submitted, By::Applicant),
    rule(State::Completing, Event::Abandon, State::Withdrawn, By::Authority),
    rule(State::Completing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Accepted, Event::End, State::Ended, By::Machine),
];
