//! What happens to an entry: edits and steps of its life cycle, by persons named.

use std::collections::BTreeSet;

use super::Resource;
use super::lifecycle::{LifecycleState, LifecycleStep};
use super::resource::Entry;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::DepartmentId;
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

impl Entry {
    /// A new entry with its first draft.
    pub fn new(draft: Resource, author: &str, now: Timestamp) -> Self {
        Self {
            draft,
            published: None,
            retired: Vec::new(),
            state: LifecycleState::Draft,
            revision: 1,
            authors: [author.to_owned()].into(),
            remark: None,
            updated_at: now,
        }
    }

    /// Replaces the draft. Its author joins those who have edited it before; a change to what is published begins a
    /// new list.
    ///
    /// # Errors
    /// `illegal_state` while a review runs.
    pub fn edit(&mut self, draft: Resource, author: &str, now: Timestamp) -> Result<()> {
        let next = self.state_after(LifecycleStep::Edit)?;
        if self.state == LifecycleState::Published {
            self.authors.clear();
        }
        self.authors.insert(author.to_owned());
        self.draft = draft;
        self.changed(next, None, now);
        Ok(())
    }

    /// Moves on one step, other than an edit. A review step is taken by none of the authors; a return, rejection or
    /// withdrawal says why.
    ///
    /// # Errors
    /// `forbidden` for an author who reviews, `invalid_input` without the remark that the step needs, `illegal_state` for a
    /// step that the state does not allow.
    pub fn advance(
        &mut self,
        step: LifecycleStep,
        by: &str,
        remark: Option<String>,
        now: Timestamp,
    ) -> Result<()> {
        let code = &self.draft.code;
        if step.is_review() && self.authors.contains(by) {
            let message = format!(
                "you edited {code} since its last publication; a person of the department who did not reviews it"
            );
            return Err(Error::new(ErrorCode::Forbidden, message));
        }
        if step.needs_remark() && remark.as_deref().is_none_or(|text| text.trim().is_empty()) {
            return Err(Error::new(ErrorCode::InvalidInput, "say why, in a remark"));
        }
        let next = self.state_after(step)?;
        match step {
            LifecycleStep::ApprovePublication => {
                self.draft.published_on.get_or_insert(now.shanghai_date());
                self.put_in_force(Some(self.draft.clone()));
            }
            LifecycleStep::Withdraw if self.published.is_none() => {
                let message = format!("{code} is not published, so there is nothing to withdraw");
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
            LifecycleStep::Withdraw => self.put_in_force(None),
            _ => {}
        }
        self.changed(next, remark, now);
        Ok(())
    }

    /// Takes what is published out of force and gives the entry back to its authors, for nobody knows any longer what was
    /// published last. Grants on it rest meanwhile.
    pub(crate) fn suspend(&mut self, remark: String, now: Timestamp) {
        self.put_in_force(None);
        self.changed(LifecycleState::Returned, Some(remark), now);
    }

    /// Enters it for another provider, draft and published state alike. Where it stands in its life cycle stays.
    pub fn hand_over(&mut self, provider: &DepartmentId, now: Timestamp) {
        for resource in std::iter::once(&mut self.draft).chain(&mut self.published) {
            resource.provider = provider.clone();
        }
        self.revision += 1;
        self.updated_at = now;
    }

    /// Puts a new state in force, or none; items that it lacks are remembered.
    fn put_in_force(&mut self, resource: Option<Resource>) {
        let old = std::mem::replace(&mut self.published, resource);
        self.retired.extend(old.into_iter().flat_map(|resource| resource.items));
        let mut seen = BTreeSet::new();
        // What was retired last is what counts; what is in force again is not retired.
        self.retired.reverse();
        let published = self.published.as_ref();
        self.retired.retain(|item| {
            published.is_none_or(|resource| resource.item(item.column.as_str()).is_none())
                && seen.insert(item.column.clone())
        });
        self.retired.reverse();
    }

    fn state_after(&self, step: LifecycleStep) -> Result<LifecycleState> {
        self.state.after(step).ok_or_else(|| {
            let offered = LifecycleStep::ALL.into_iter().filter(|step| self.state.after(*step).is_some());
            let offered: Vec<_> = offered.map(LifecycleStep::label).collect();
            let message = format!(
                "an entry in state {} can't take the step {}; it can take: {}",
                self.state.label(),
                step.label(),
                offered.join(", ")
            );
            Error::new(ErrorCode::IllegalState, message)
        })
    }

    fn changed(&mut self, state: LifecycleState, remark: Option<String>, now: Timestamp) {
        self.state = state;
        self.revision += 1;
        self.remark = remark;
        self.updated_at = now;
    }
}
