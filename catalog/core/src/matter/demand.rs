//! Data that no resource offers yet: the authority routes the demand to the department that should have them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::ResourceCode;

/// A demand 数据需求.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// Which data: title.
    pub title: String,
    /// Items, by their Chinese names.
    pub items: Vec<String>,
    /// Purpose: the business matter.
    pub purpose: String,
    /// The law that gives the task.
    pub legal_basis: String,
    /// The resource that meets it.
    #[serde(default)]
    pub met_by: Option<ResourceCode>,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Routing],
    rules: RULES,
    clocks: &[
        Clock { limit: LimitKind::FormalCheck, runs: &[State::Routing], stands: &[] },
        Clock { limit: LimitKind::ConditionalDecision, runs: &[State::Deciding], stands: &[] },
        Clock { limit: LimitKind::Delivery, runs: &[State::Delivering], stands: &[] },
        Clock { limit: LimitKind::Arbitration, runs: &[State::Arbitrating], stands: &[] },
    ],
    once: &[Event::Extend, Event::Escalate],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Routing, Event::Route, State::Deciding, By::Authority),
    rule(State::Routing, Event::Reject, State::NotAccepted, By::Authority),
    rule(State::Routing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Deciding, Event::Return, State::Routing, By::Handler),
    rule(State::Deciding, Event::Extend, State::Deciding, By::Handler),
    rule(State::Deciding, Event::Grant, State::Delivering, By::Handler),
    rule(State::Deciding, Event::Refuse, State::Refused, By::Handler),
    rule(State::Deciding, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Delivering, Event::Deliver, State::Answered, By::Handler),
    rule(State::Answered, Event::End, State::Ended, By::Applicant),
    rule(State::Refused, Event::Escalate, State::Arbitrating, By::Applicant),
    rule(State::Arbitrating, Event::Route, State::Deciding, By::Authority),
    rule(State::Arbitrating, Event::Refuse, State::Ended, By::Authority),
];
