//! One provider's part of an application: decision, delivery, use, end.
//!
//! Sensitive items begin in “待初审”: one person proposes, another decides. Unconditional ones begin in “待开通”: the machine grants
//! them at once, and they are in use when there are data to read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::Application;
use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;

/// One provider's part of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provision {
    /// The application, with what it asks of this provider alone.
    pub application: Application,
    /// Whether personal, important or core items are asked for, so that two persons decide.
    pub sensitive: bool,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Deciding, State::Proposing, State::Activating],
    rules: RULES,
    clocks: &[
        Clock {
            limit: LimitKind::ConditionalDecision,
            runs: &[State::Deciding, State::Proposing, State::Confirming],
            stands: &[],
        },
        Clock { limit: LimitKind::UnconditionalAccess, runs: &[State::Activating], stands: &[] },
        Clock { limit: LimitKind::Delivery, runs: &[State::Delivering], stands: &[] },
        Clock { limit: LimitKind::Arbitration, runs: &[State::Arbitrating], stands: &[] },
    ],
    once: &[Event::Extend, Event::Escalate],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Activating, Event::GrantAtOnce, State::InUse, By::Machine),
    rule(State::Activating, Event::Revoke, State::Revoked, By::Handler),
    rule(State::Activating, Event::End, State::Ended, By::Applicant),
    rule(State::Activating, Event::Expire, State::Expired, By::Machine),
    rule(State::Deciding, Event::Grant, State::Delivering, By::Handler),
    rule(State::Deciding, Event::GrantInPart, State::Delivering, By::Handler),
    rule(State::Deciding, Event::Refuse, State::Refused, By::Handler),
    rule(State::Deciding, Event::Extend, State::Deciding, By::Handler),
    rule(State::Deciding, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Proposing, Event::Propose, State::Confirming, By::Handler),
    rule(State::Proposing, Event::Extend, State::Proposing, By::Handler),
    rule(State::Proposing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Confirming, Event::Grant, State::Delivering, By::SecondHandler),
    rule(State::Confirming, Event::GrantInPart, State::Delivering, By::SecondHandler),
    rule(State::Confirming, Event::Refuse, State::Refused, By::SecondHandler),
    rule(State::Confirming, Event::Return, State::Proposing, By::SecondHandler),
    rule(State::Confirming, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Delivering, Event::Deliver, State::InUse, By::Handler),
    rule(State::Delivering, Event::Revoke, State::Revoked, By::Handler),
    rule(State::Delivering, Event::End, State::Ended, By::Applicant),
    rule(State::Delivering, Event::Expire, State::Expired, By::Machine),
    rule(State::InUse, Event::Feedback, State::InUse, By::Applicant),
    rule(State::InUse, Event::Revoke, State::Revoked, By::Handler),
    rule(State::InUse, Event::End, State::Ended, By::Applicant),
    rule(State::InUse, Event::Expire, State::Expired, By::Machine),
    rule(State::Refused, Event::Escalate, State::Arbitrating, By::Applicant),
    rule(State::Arbitrating, Event::Return, State::Proposing, By::Authority),
    rule(State::Arbitrating, Event::Refuse, State::Ended, By::Authority),
];
