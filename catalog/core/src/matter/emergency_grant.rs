//! An emergency: two persons of the authority grant for at most 72 hours, the provider is told at once and reviews after.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::Ask;
use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::DepartmentId;

/// The longest emergency grant, in hours.
pub const LONGEST_HOURS: u32 = 72;

/// Data of one provider for a department in an emergency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmergencyGrant {
    /// Who needs the data.
    pub grantee: DepartmentId,
    /// Which.
    pub ask: Ask,
    /// What for: the emergency.
    pub purpose: String,
    /// The law that allows it: 突发事件应对法.
    pub legal_basis: String,
    /// How long from the decision, at most 72 hours.
    pub hours: u32,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Confirming],
    rules: RULES,
    clocks: &[
        Clock { limit: LimitKind::EmergencyDecision, runs: &[State::Confirming], stands: &[] },
        Clock { limit: LimitKind::EmergencyReview, runs: &[State::Examining], stands: &[] },
    ],
    once: &[],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Confirming, Event::Grant, State::Examining, By::SecondAuthority),
    rule(State::Confirming, Event::Refuse, State::Refused, By::SecondAuthority),
    rule(State::Examining, Event::Accept, State::Ended, By::Handler),
    rule(State::Examining, Event::Revoke, State::Revoked, By::Handler),
];
