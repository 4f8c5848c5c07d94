//! What all state machines have in common: a table of rules, and clocks that run in some of the states.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::vocabulary::{Event, MatterKind, State};
use super::{
    application, correction_notice, demand, disclosure, emergency_grant, grant_import, letter, objection,
    opening_item, provision, secrecy_review,
};
use crate::deadline::LimitKind;
use crate::error::{Error, ErrorCode, Result};

/// Who may bring an event about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Whoever opened the matter, or the department that did.
    Applicant,
    /// The handling role of the handling department.
    Handler,
    /// The same, and a person who took no part in what is decided (four eyes).
    SecondHandler,
    /// The data authority.
    Authority,
    /// The same, and a person who took no part in what is decided.
    SecondAuthority,
    /// The platform itself.
    Machine,
}

/// One line of a state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// In this state …
    pub from: State,
    /// … this event …
    pub event: Event,
    /// … leads here …
    pub to: State,
    /// … when these bring it about.
    pub by: By,
}

/// A limit that belongs to states: it starts when the matter enters one in which it runs, stands still where the other
/// side must act, and ends when the matter enters any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The limit.
    pub limit: LimitKind,
    /// Where it runs.
    pub runs: &'static [State],
    /// Where it stands still.
    pub stands: &'static [State],
}

/// The state machine of one kind of matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Where matters of the kind may begin.
    pub initial: &'static [State],
    /// The table.
    pub rules: &'static [Rule],
    /// The limits.
    pub clocks: &'static [Clock],
    /// What may happen once in a matter.
    pub once: &'static [Event],
    /// What may happen only so long after receipt.
    pub within: &'static [(Event, LimitKind)],
}

impl Machine {
    /// The machine of a kind.
    pub fn of(kind: MatterKind) -> &'static Self {
        match kind {
            MatterKind::Application => &application::MACHINE,
            MatterKind::Provision => &provision::MACHINE,
            MatterKind::EmergencyGrant => &emergency_grant::MACHINE,
            MatterKind::GrantImport => &grant_import::MACHINE,
            MatterKind::Objection => &objection::MACHINE,
            MatterKind::Demand => &demand::MACHINE,
            MatterKind::Disclosure => &disclosure::MACHINE,
            MatterKind::Letter => &letter::MACHINE,
            MatterKind::SecrecyReview => &secrecy_review::MACHINE,
            MatterKind::OpeningItem => &opening_item::MACHINE,
            MatterKind::CorrectionNotice => &correction_notice::MACHINE,
        }
    }

    /// The rule for an event in a state. Everything without a rule is illegal.
    pub fn rule(&self, state: State, event: Event) -> Option<&'static Rule> {
        self.rules.iter().find(|rule| rule.from == state && rule.event == event)
    }
}

/// The state after an event; `illegal_state` where the kind's table has no such line.
pub fn next(kind: MatterKind, state: State, event: Event) -> Result<State> {
    Machine::of(kind).rule(state, event).map(|rule| rule.to).ok_or_else(|| {
        let legal: Vec<_> = legal_events(kind, state).map(Event::label).collect();
        let instead = if legal.is_empty() {
            "没有后续步骤".to_owned()
        } else {
            format!("可以：{}", legal.join("、"))
        };
        let message = format!("{kind}处于“{state}”，不能“{event}”；{instead}");
        Error::new(ErrorCode::IllegalState, message)
    })
}

/// What can happen in a state.
pub fn legal_events(kind: MatterKind, state: State) -> impl Iterator<Item = Event> {
    Machine::of(kind).rules.iter().filter(move |rule| rule.from == state).map(|rule| rule.event)
}

/// One line of a table, short enough to be one.
pub(super) const fn rule(from: State, event: Event, to: State, by: By) -> Rule {
    Rule { from, event, to, by }
}
