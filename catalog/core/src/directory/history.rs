//! The history of an entry 目录历史: each revision with the step that made it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Resource;
use super::diff::{Change, diff};
use super::lifecycle::LifecycleState;
use super::resource::Entry;
use crate::evidence::{Event, EvidenceRecord};
use crate::ids::DepartmentId;
use crate::time::Timestamp;

/// A revision as the catalogue keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number: an entry counts every change.
    pub revision: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it; empty for what is older than the history.
    pub by: String,
    /// For which department they acted.
    pub department: Option<DepartmentId>,
    /// The member of staff, as a machine asserted them.
    pub operator: Option<String>,
    /// What was done: `resource.edited`, `resource.published`.
    pub action: String,
    /// The evidence of it, by its id in the log; empty for what is older than the history.
    pub record: String,
    /// Where the draft stood before; `None` for the first.
    pub from: Option<LifecycleState>,
    /// Where it stands since.
    pub to: LifecycleState,
    /// Why.
    pub remark: Option<String>,
    /// What the draft says since; `None` where it says what it said before.
    pub draft: Option<Resource>,
}

impl Revision {
    /// What is said to have been done where an entry is older than its history.
    pub const OLDER: &str = "resource.older";

    /// The revision at which an entry stood when its history began: nothing is known of how it came about.
    pub fn older(entry: &Entry) -> Self {
        Self {
            revision: entry.revision,
            at: entry.updated_at,
            by: String::new(),
            department: None,
            operator: None,
            action: Self::OLDER.to_owned(),
            record: String::new(),
            from: None,
            to: entry.state,
            remark: entry.remark.clone(),
            draft: Some(entry.draft.clone()),
        }
    }

    /// The revision that a change makes of what the catalogue has before it.
    pub fn made(before: Option<&Entry>, entry: &Entry, change: &EvidenceRecord) -> Self {
        let action = match &change.event {
            Event::Changed { action, .. } => action.clone(),
            other => other.name().to_owned(),
        };
        let is_same = before.is_some_and(|before| before.draft == entry.draft);
        Self {
            revision: entry.revision,
            at: entry.updated_at,
            by: change.actor.id.clone(),
            department: change.actor.department.clone(),
            operator: change.actor.operator.clone(),
            action,
            record: change.id.clone(),
            from: before.map(|before| before.state),
            to: entry.state,
            remark: entry.remark.clone(),
            draft: (!is_same).then(|| entry.draft.clone()),
        }
    }
}

/// A step in the history of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryStep {
    /// The revision that it made.
    pub revision: i64,
    /// When it was taken.
    pub at: Timestamp,
    /// Who took it; empty where the entry is older than its history.
    pub by: String,
    /// For which department they acted.
    pub department: Option<DepartmentId>,
    /// The member of staff, as a machine asserted them.
    pub operator: Option<String>,
    /// What was done: `resource.edited`, `resource.published`; `resource.older` for the revision at which the entry stood when its
    /// history began.
    pub action: String,
    /// The evidence of it, by its id in the log; empty where the entry is older than its history.
    pub record: String,
    /// Where the draft stood before; `None` for the first.
    pub from: Option<LifecycleState>,
    /// Where it stands since.
    pub to: LifecycleState,
    /// Why.
    pub remark: Option<String>,
    /// What it changed in the draft, for the department alone. Of the first that is known nothing is told.
    pub changes: Vec<Change>,
}

/// A part of the steps of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryPart {
    /// The steps, the newest first.
    pub steps: Vec<HistoryStep>,
    /// The revision behind which the next part begins, if there is one.
    pub next: Option<i64>,
}

/// The steps of some revisions, both the newest first; with what they changed in the draft, if the reader may know it. `before` is what
/// the draft said before the oldest of them.
pub fn steps(history: Vec<Revision>, mut before: Option<Resource>, tells_changes: bool) -> Vec<HistoryStep> {
    let mut steps = Vec::with_capacity(history.len());
    for one in history.into_iter().rev() {
        let changes = match (&before, &one.draft) {
            (Some(before), Some(after)) if tells_changes => diff(Some(before), after),
            _ => Vec::new(),
        };
        let Revision { revision, at, by, department, operator, action, record, from, to, remark, draft } =
            one;
        steps.push(HistoryStep {
            revision,
            at,
            by,
            department,
            operator,
            action,
            record,
            from,
            to,
            remark,
            changes,
        });
        before = draft.or(before);
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn a_part_of_a_history_is_told_by_what_stood_before_it() {
        let resource = fixtures::resource("scjg", "301001/000001", "样例").unwrap();
        let first = Entry::new(resource.clone(), "editor", Timestamp(1));
        let renamed = |revision, title: &str| {
            let draft = Resource { title: title.to_owned(), ..resource.clone() };
            Revision::older(&Entry { draft, revision, ..first.clone() })
        };
        let unchanged = Revision { draft: None, ..renamed(3, "") };
        let history = vec![renamed(4, "丙"), unchanged, renamed(2, "乙")];
        let told = |steps: &[HistoryStep]| {
            steps.iter().map(|step| (step.revision, step.changes.len())).collect::<Vec<_>>()
        };
        let known = steps(history.clone(), Some(resource.clone()), true);
        assert_eq!(told(&known), [(4, 1), (3, 0), (2, 1)]);
        assert_eq!(known[0].changes[0].before.as_deref(), Some("乙"));
        assert_eq!(told(&steps(history.clone(), None, true)), [(4, 1), (3, 0), (2, 0)]);
        assert_eq!(told(&steps(history, Some(resource), false)), [(4, 0), (3, 0), (2, 0)]);
    }
}
