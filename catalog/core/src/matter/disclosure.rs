//! The public asks for what is not open (政府信息公开条例, articles 29 to 37). What was completed is answered within a new
//! limit (article 30); what a third party is asked stands still (article 33).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::ResourceCode;

/// A disclosure request 依申请公开. Who asks stands nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// What is asked for.
    pub description: String,
    /// In which form: paper, file.
    pub form: String,
    /// The resource that holds it, once that is known.
    #[serde(default)]
    pub resource: Option<ResourceCode>,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Deciding],
    rules: RULES,
    clocks: &[
        Clock { limit: LimitKind::DisclosureAnswer, runs: &[State::Deciding], stands: &[State::Consulting] },
        Clock { limit: LimitKind::ThirdPartyOpinion, runs: &[State::Consulting], stands: &[] },
    ],
    once: &[Event::AskCompletion, Event::Extend],
    within: &[(Event::AskCompletion, LimitKind::DisclosureCompletion)],
};

const RULES: &[Rule] = &[
    rule(State::Deciding, Event::AskCompletion, State::Completing, By::Handler),
    rule(State::Deciding, Event::Consult, State::Consulting, By::Handler),
    rule(State::Deciding, Event::Extend, State::Deciding, By::Handler),
    rule(State::Deciding, Event::Grant, State::Answered, By::Handler),
    rule(State::Deciding, Event::GrantInPart, State::Answered, By::Handler),
    rule(State::Deciding, Event::Refuse, State::Refused, By::Handler),
    rule(State::Deciding, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Completing, Event::Complete, State::Deciding, By::Applicant),
    rule(State::Completing, Event::Abandon, State::Withdrawn, By::Handler),
    rule(State::Completing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Consulting, Event::Consulted, State::Deciding, By::Handler),
    rule(State::Consulting, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Answered, Event::Publish, State::Ended, By::Handler),
];
