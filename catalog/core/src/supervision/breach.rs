//! Limits that have passed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::duty::Duty;
use super::{Period, Place, Placed};
use crate::deadline::LimitKind;
use crate::evidence::Fact;
use crate::evidence::fact::MatterFact;
use crate::ids::DepartmentId;
use crate::matter::MatterKind;
use crate::time::Timestamp;

/// A limit that passed before what it was for was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Breach {
    /// Number of the matter.
    pub matter: String,
    /// Its kind.
    pub kind: MatterKind,
    /// What the limit is for.
    pub limit: LimitKind,
    /// Who missed it; `None` is the data authority.
    pub department: Option<DepartmentId>,
    /// When it passed.
    pub due: Timestamp,
    /// When it was done after all.
    pub ended: Option<Timestamp>,
    /// The record that says so: the matter's newest step.
    pub evidence: Place,
}

/// The newest state of every matter, as the log has it.
#[derive(Debug, Default)]
pub struct Breaches {
    newest: BTreeMap<String, (Place, MatterFact)>,
    duty: Duty,
}

impl Breaches {
    /// Takes the next record.
    pub fn take(&mut self, placed: &Placed) {
        if let Some(fact) = &placed.record.fact {
            self.duty.take(fact, placed.record.at);
        }
        if let Some(Fact::Matter(fact)) = &placed.record.fact {
            self.newest.insert(fact.number.clone(), (placed.place, fact.clone()));
        }
    }

    /// The limits that passed in the period, the oldest first. Who missed one is told as in an assessment: the successor of a
    /// department that ended before the period did.
    pub fn within(&self, period: Period) -> Vec<Breach> {
        let mut breaches: Vec<_> =
            self.newest.values().flat_map(|(place, fact)| of(&self.duty, *place, fact)).collect();
        breaches.retain(|breach| period.contains(breach.due) && is_late(breach.due, breach.ended, period));
        let (successions, last) = (self.duty.successions(), period.last());
        for department in breaches.iter_mut().filter_map(|breach| breach.department.as_mut()) {
            *department = successions.heir_of(department, last);
        }
        breaches.sort_by(|a, b| (a.due, &a.matter).cmp(&(b.due, &b.matter)));
        breaches
    }
}

fn of(duty: &Duty, place: Place, fact: &MatterFact) -> impl Iterator<Item = Breach> {
    fact.limits.iter().filter_map(move |limit| {
        Some(Breach {
            matter: fact.number.clone(),
            kind: fact.kind,
            limit: limit.kind,
            department: duty.responsible(fact, limit).cloned(),
            due: limit.due?,
            ended: limit.ended,
            evidence: place,
        })
    })
}

/// Whether nothing was done when it was due, at the latest by the end of the period.
fn is_late(due: Timestamp, ended: Option<Timestamp>, period: Period) -> bool {
    ended.map_or(due < period.until, |ended| due <= ended)
}
