//! One provider's part of an application: decision, delivery, use, end.
//!
//! Sensitive items begin in “待初审”: one person proposes, another decides. Unconditional ones begin in “待开通”: the machine grants
//! them at once, and they are in use when there are data to read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::{Application, Ask};
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
    /// The scope that was proposed last, within what was asked, as a grant in part would give it; nothing where the proposal was made
    /// of words alone. It binds whoever decides about it; whoever asked is not shown it before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<Vec<Ask>>,
}

impl Provision {
    /// What is decided about in a state: what was proposed while it waits for its second person, else what was asked.
    pub fn on_the_table(&self, state: State) -> &[Ask] {
        let proposed = self.proposed.as_deref().filter(|_| state == State::Confirming);
        proposed.unwrap_or(&self.application.asks)
    }

    /// Whether what is decided about is less than what was asked: then it can't be granted as it was asked.
    pub fn is_narrowed(&self, state: State) -> bool {
        let in_order = |asks: &[Ask]| {
            let mut asks = asks.to_vec();
            asks.iter_mut().for_each(|ask| ask.items.sort());
            asks.sort_by(|one, other| one.resource.cmp(&other.resource));
            asks
        };
        in_order(self.on_the_table(state)) != in_order(&self.application.asks)
    }
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
