//! Letters and suggestions from the public. A complex one is extended, once; the authority routes those that name no
//! department, or that a department gives back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;

/// A letter or suggestion. Who wrote it and its text stand nowhere in it: see
/// [`Confidential`](crate::confidential::Confidential).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// Subject, in a line, without personal data.
    pub title: String,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Deciding, State::Routing],
    rules: RULES,
    clocks: &[Clock { limit: LimitKind::Letter, runs: &[State::Routing, State::Deciding], stands: &[] }],
    once: &[Event::Extend],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Routing, Event::Route, State::Deciding, By::Authority),
    rule(State::Routing, Event::Reject, State::NotAccepted, By::Authority),
    rule(State::Routing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Deciding, Event::Return, State::Routing, By::Handler),
    rule(State::Deciding, Event::Extend, State::Deciding, By::Handler),
    rule(State::Deciding, Event::Answer, State::Answered, By::Handler),
    rule(State::Deciding, Event::Reject, State::NotAccepted, By::Handler),
    rule(State::Deciding, Event::Withdraw, State::Withdrawn, By::Applicant),
];
