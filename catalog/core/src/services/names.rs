//! Who is behind the names that evidence, matters and grants have for people and machines.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::{OpContext, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::ids::DepartmentId;
use crate::policy::{Action, decide_action};
use crate::ports::{KeyOwner, Person};

/// The most names that are asked for at once.
pub const MOST_NAMES: usize = 1000;

/// Who is behind a name: a person, or the holder of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalName {
    /// What was asked for: a login name, or the id of a key.
    pub id: String,
    /// The person's name as shown; none for machines.
    pub name: Option<String>,
    /// The department of the person or the machine.
    pub department: Option<DepartmentId>,
    /// Whether it is a key, and no login name.
    pub is_key: bool,
}

impl Services {
    /// Who is behind these names, in their order; those that nobody has are left out. For departments and those who run the
    /// platform, about one another: names of developers are told to those who look after people alone.
    ///
    /// # Errors
    /// `forbidden` for developers and the public, `invalid_input` for more than 1,000 names.
    pub async fn names(&self, ctx: &OpContext, ids: &BTreeSet<String>) -> Result<Vec<PrincipalName>> {
        if !ctx.principal.sees_whole_directory() {
            return Err(Error::new(ErrorCode::Forbidden, "names of officials are for departments"));
        }
        if ids.len() > MOST_NAMES {
            return Err(Error::new(ErrorCode::InvalidInput, "at most 1,000 names are asked for at once"));
        }
        let looks_after = decide_action(&ctx.principal, Action::ManagePeople, None).into_permission().is_ok();
        let is_told = |person: &Person| looks_after || is_official(person) || person.id == ctx.principal.id;
        let mut names = Vec::with_capacity(ids.len());
        for id in ids {
            names.extend(match self.store.person(id).await?.filter(&is_told) {
                Some(person) => Some(of_person(id, person)),
                None => self.name_of_key(id, &is_told).await?,
            });
        }
        Ok(names)
    }

    /// Whose a key is, as the list of keys says to everyone, with the person's name where it may be told.
    async fn name_of_key(
        &self,
        id: &str,
        is_told: &impl Fn(&Person) -> bool,
    ) -> Result<Option<PrincipalName>> {
        let Some(key) = self.store.key(id).await? else { return Ok(None) };
        let plain = PrincipalName { id: id.to_owned(), name: None, department: None, is_key: true };
        Ok(match key.owner {
            KeyOwner::Platform => Some(plain),
            KeyOwner::Department(department) => Some(PrincipalName { department: Some(department), ..plain }),
            KeyOwner::Person(holder) => {
                let person = self.store.person(&holder).await?.filter(is_told);
                person.map(|person| PrincipalName { is_key: true, ..of_person(id, person) })
            }
        })
    }
}

/// Whether somebody acts in an office: for a department, or for the platform.
fn is_official(person: &Person) -> bool {
    person.department.is_some() || person.roles.iter().any(|role| *role != Role::Developer)
}

fn of_person(id: &str, person: Person) -> PrincipalName {
    let Person { name, department, .. } = person;
    PrincipalName { id: id.to_owned(), name: Some(name), department, is_key: false }
}
