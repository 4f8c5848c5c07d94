//! Who had to act when departments are reorganised 机构改革, as the log tells.
//!
//! What a department did or missed that was continued by another counts for that one, if it ended before the end of the period;
//! in a period that was over before, it counts for the department itself. What is handed over one by one goes by the day: a limit
//! belongs to whoever handled the matter when the limit was met or passed.

use std::collections::BTreeMap;

use crate::directory::{Succession, Successions};
use crate::evidence::Fact;
use crate::evidence::fact::{LimitFact, MatterFact};
use crate::ids::DepartmentId;
use crate::time::Timestamp;

/// Successions and handovers up to a place in the log.
#[derive(Debug, Default)]
pub(super) struct Duty {
    /// By identity, as they stand now.
    successions: BTreeMap<(String, DepartmentId), Succession>,
    /// By matter: until when a department handled it that has handed it over.
    handed_over: BTreeMap<String, Vec<(Timestamp, DepartmentId)>>,
}

impl Duty {
    /// Takes the next fact.
    pub(super) fn take(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::Succession(fact) => {
                self.successions.insert((fact.id.clone(), fact.predecessor.clone()), fact.clone());
            }
            Fact::Matter(MatterFact { number, handed_over_by: Some(department), .. }) => {
                self.handed_over.entry(number.clone()).or_default().push((at, department.clone()));
            }
            _ => {}
        }
    }

    /// Who has to keep a limit; `None` is the data authority.
    pub(super) fn responsible<'a>(
        &'a self,
        fact: &'a MatterFact,
        limit: &LimitFact,
    ) -> Option<&'a DepartmentId> {
        if limit.kind.is_of_authority() {
            return None;
        }
        let ever = Timestamp(i64::MAX);
        let met_or_passed = limit.ended.unwrap_or(ever).min(limit.due.unwrap_or(ever));
        let handlers = self.handed_over.get(&fact.number).into_iter().flatten();
        let then = handlers.filter(|(until, _)| met_or_passed <= *until).map(|(_, handler)| handler).next();
        then.or(fact.department.as_ref())
    }

    /// The successions that are confirmed.
    pub(super) fn successions(&self) -> Successions {
        Successions::new(self.successions.values().cloned().collect())
    }
}
