//! The public asks for what is not open (政府信息公开条例, articles 29 to 37). What was completed is answered within a new
//! limit (article 30); what a third party is asked stands still (article 33). Whoever names no department is routed by the
//! authority; a department that is not responsible gives it back (article 36).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{ApplicantKind, Event, Ground, State};
use crate::deadline::LimitKind;
use crate::ids::ResourceCode;

/// A disclosure request 依申请公开. Who asks and what they wrote stands nowhere in it: see
/// [`Confidential`](crate::confidential::Confidential).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// What is asked for, in a line, without personal data.
    pub title: String,
    /// In which form: paper, file.
    pub form: String,
    /// As what the applicant asks.
    pub applicant_kind: ApplicantKind,
    /// The resource that holds it, once that is known.
    #[serde(default)]
    pub resource: Option<ResourceCode>,
    /// What was decided.
    #[serde(default)]
    pub outcome: Option<Outcome>,
}

/// What a decision gives and withholds (article 37: what can be told apart is disclosed in part).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// What is disclosed, and how it reaches the applicant.
    #[serde(default)]
    pub given: String,
    /// What is withheld, each with its ground.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
    /// Why nothing is disclosed.
    #[serde(default)]
    pub ground: Option<Ground>,
}

/// A part that is withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// What.
    pub what: String,
    /// The ground of law.
    pub ground: Ground,
    /// Its article.
    pub article: String,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Deciding, State::Routing],
    rules: RULES,
    clocks: &[
        Clock {
            limit: LimitKind::DisclosureAnswer,
            runs: &[State::Routing, State::Deciding],
            stands: &[State::Consulting],
        },
        Clock { limit: LimitKind::ThirdPartyOpinion, runs: &[State::Consulting], stands: &[] },
    ],
    once: &[Event::AskCompletion, Event::Extend],
    within: &[(Event::AskCompletion, LimitKind::DisclosureCompletion)],
};

const RULES: &[Rule] = &[
    rule(State::Routing, Event::Route, State::Deciding, By::Authority),
    rule(State::Routing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Deciding, Event::Return, State::Routing, By::Handler),
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
