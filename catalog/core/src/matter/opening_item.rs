//! One item of the yearly opening plan 数据开放计划, due on the day that the plan names; or of active publication 主动公开, due so
//! long after the data exist as the law says (政府信息公开条例, article 26).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::{DepartmentId, ResourceCode};
use crate::time::Timestamp;

/// One item of the opening plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningItem {
    /// Year of the plan.
    pub year: i32,
    /// The department that opens it.
    pub department: DepartmentId,
    /// What is to be opened.
    pub title: String,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub due: NaiveDate,
    /// The resource, once it exists.
    #[serde(default)]
    pub resource: Option<ResourceCode>,
    /// Where the law sets its limit, and no plan: since when there are data of what the directory says is open to everyone, and
    /// that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_since: Option<Timestamp>,
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Planned],
    rules: RULES,
    clocks: &[Clock {
        limit: LimitKind::OpeningPlan,
        runs: &[State::Planned, State::Examining],
        stands: &[],
    }],
    once: &[],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Planned, Event::Start, State::Examining, By::Handler),
    rule(State::Planned, Event::Postpone, State::Planned, By::Authority),
    rule(State::Planned, Event::Cancel, State::Withdrawn, By::Authority),
    rule(State::Examining, Event::Return, State::Planned, By::Handler),
    rule(State::Examining, Event::Publish, State::Opened, By::Handler),
    rule(State::Planned, Event::Fulfil, State::Opened, By::Machine),
    rule(State::Examining, Event::Fulfil, State::Opened, By::Machine),
];
