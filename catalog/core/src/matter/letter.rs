//! Letters and suggestions from the public. A complex one is extended, once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;

/// A letter or suggestion. Who wrote it stands nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// Subject.
    pub title: String,
    /// Text.
    pub text: String,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Deciding],
    rules: RULES,
    clocks: &[Clock { limit: LimitKind::Letter, runs: &[State::Deciding], stands: &[] }],
    once: &[Event::Extend],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Deciding, Event::Route, State::Deciding, By::Handler),
    rule(State::Deciding, Event::Extend, State::Deciding, By::Handler),
    rule(State::Deciding, Event::Answer, State::Answered, By::Handler),
    rule(State::Deciding, Event::Reject, State::NotAccepted, By::Handler),
    rule(State::Deciding, Event::Withdraw, State::Withdrawn, By::Applicant),
];
