//! Four eyes 双人复核: whoever has brought a decision about does not confirm it.

use super::{By, Event, Machine, Matter};

impl Matter {
    /// Whether the person has taken part in what a second person decides: by opening the matter, or by any step but giving it
    /// back as the second person or asking for more time. Not only the last step counts: a proposal that was given back and
    /// made anew by somebody else is still the work of both.
    pub(super) fn has_taken_part(&self, person: &str) -> bool {
        let before = self.history.iter().map(|step| Some(step.state));
        let before = std::iter::once(None).chain(before);
        self.history.iter().zip(before).filter(|(step, _)| step.by.as_deref() == Some(person)).any(
            |(step, before)| match (before, step.event) {
                (Some(_), Some(Event::Extend)) => false,
                (Some(state), Some(event)) => {
                    let by = Machine::of(self.kind()).rule(state, event).map(|rule| rule.by);
                    !matches!(by, Some(By::SecondHandler | By::SecondAuthority))
                }
                _ => true,
            },
        )
    }
}
