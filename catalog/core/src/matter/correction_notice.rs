//! Word to a department that received a record which was wrong: it corrects what it made of it, and confirms.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::evidence::Received;
use crate::ids::ResourceCode;

/// A notice of correction 更正通知.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionNotice {
    /// The resource.
    pub resource: ResourceCode,
    /// The objection that was right.
    pub objection: String,
    /// The first version that holds the wrong record.
    pub wrong_since: i64,
    /// The version that corrects it.
    pub corrected_by: i64,
    /// What the department received of the versions between, by grant and purpose, as evidence has it.
    pub received: Vec<Received>,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Notified],
    rules: RULES,
    clocks: &[Clock { limit: LimitKind::CorrectionConfirmation, runs: &[State::Notified], stands: &[] }],
    once: &[],
    within: &[],
};

const RULES: &[Rule] = &[rule(State::Notified, Event::Confirm, State::Ended, By::Handler)];
