//! People, their roles, and who stands in for them.

use askama::Template;
use catalog_core::directory::Department;
use catalog_core::ports::Person;
use catalog_core::substitution::Substitution;
use catalog_core::{Role, Timestamp};

use crate::around::Around;
use crate::names::Names;
use crate::pager::Pager;

/// The people with an account.
#[derive(Template)]
#[template(path = "desk/people.html")]
pub struct PeoplePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Those that are looked for.
    pub people: &'a [Person],
    /// How many there are in all.
    pub total: u64,
    /// What is looked for.
    pub words: &'a str,
    /// The ways through the list.
    pub pager: Pager,
    /// The departments to choose from.
    pub departments: &'a [Department],
    /// What was typed of a new person.
    pub entered: &'a Person,
}

impl PeoplePage<'_> {
    /// A department's name.
    fn department<'d>(&'d self, id: &'d str) -> &'d str {
        let found = self.departments.iter().find(|department| department.id.as_str() == id);
        found.map_or(id, |department| &department.name)
    }

    fn roles(&self) -> [Role; 10] {
        Role::ALL
    }
}

/// One person.
#[derive(Template)]
#[template(path = "desk/person.html")]
pub struct PersonPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The person, as they are or as was typed.
    pub entered: &'a Person,
    /// The departments to choose from.
    pub departments: &'a [Department],
    /// A code that was made just now, and its end: shown this once.
    pub code: Option<(&'a str, Timestamp)>,
}

impl PersonPage<'_> {
    fn roles(&self) -> [Role; 10] {
        Role::ALL
    }
}

/// A substitute as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnteredSubstitution {
    /// Login name.
    pub person: String,
    /// The role.
    pub role: Option<Role>,
    /// The first day; empty for at once.
    pub from: String,
    /// The last day.
    pub until: String,
    /// Why.
    pub reason: String,
}

/// Substitutes 代办.
#[derive(Template)]
#[template(path = "desk/substitutions.html")]
pub struct SubstitutionsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// All of them, those that are over too.
    pub substitutions: &'a [Substitution],
    /// What was typed.
    pub entered: &'a EnteredSubstitution,
    /// The time.
    pub now: Timestamp,
    /// Who the people and departments are.
    pub names: &'a Names,
}

impl SubstitutionsPage<'_> {
    fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| role.is_of_a_department()).collect()
    }
}
