//! The rules that a resource must satisfy (guide of 2017). Each has a stable name, `subject.rule`, and a message that
//! says how to mend it. What needs other resources (names unique within a department) is the store's to check.

mod items;
mod layout;
mod resource;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod values;

pub(super) use items::{OPEN_WITHOUT_CONDITION, VALUE_SEPARATORS};
pub(super) use resource::LIST_SEPARATORS;

use super::Resource;
use crate::error::Problem;

/// Every rule that the resource breaks; empty when it is valid. Places are written `items[3].column`, counted from 0.
pub fn check(resource: &Resource) -> Vec<Problem> {
    let mut found = Findings::default();
    text::check(resource, &mut found);
    resource::check(resource, &mut found);
    items::check(resource, &mut found);
    layout::check(resource, &mut found);
    found.0
}

/// Collects problems while the rules run.
#[derive(Default)]
struct Findings(Vec<Problem>);

impl Findings {
    /// Records the problem unless `good` holds.
    fn expect(&mut self, good: bool, at: impl Into<String>, rule: &str, message: impl Into<String>) {
        if !good {
            self.0.push(Problem::new(at, rule, message));
        }
    }

    /// Records every name that occurs twice.
    fn expect_unique<T: AsRef<str>>(&mut self, names: &[T], at: &str, rule: &str, what: &str) {
        for (place, name) in names.iter().enumerate() {
            let seen = names[..place].iter().any(|earlier| earlier.as_ref() == name.as_ref());
            self.expect(!seen, format!("{at}[{place}]"), rule, format!("`{}`: {what}", name.as_ref()));
        }
    }
}
