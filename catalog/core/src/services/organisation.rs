//! Departments, people and tickets.

use super::Services;
use crate::account::Account;
use crate::context::{OpContext, Role};
use crate::directory::Department;
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::evidence::{Fact, entity};
use crate::identity::{is_credit_code, is_division_code};
use crate::ids::DepartmentId;
use crate::policy::Action;
use crate::ports::{KeyRecord, Person, Ticket};

impl Services {
    /// All departments, by machine name. Public to everyone.
    pub async fn departments(&self, _ctx: &OpContext) -> Result<Vec<Department>> {
        self.store.departments().await
    }

    /// One department.
    pub async fn department(&self, _ctx: &OpContext, id: &DepartmentId) -> Result<Department> {
        self.store.department(id).await?.ok_or_else(|| Error::not_found(format!("department `{id}`")))
    }

    /// Creates or changes a department.
    pub async fn put_department(&self, ctx: &OpContext, department: &Department) -> Result<()> {
        Self::permit(ctx, Action::ManageDepartments, None)?;
        // Its attributes stand in policies that its successor reads under.
        if let Some(end) = self.all_successions().await?.end_of(&department.id, ctx.now) {
            let message = format!("{} is continued by {} and stays as it was", department.id, end.successor);
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        self.check_department(department).await?;
        let change = Self::change(ctx, "department.put", entity::department(&department.id), department)
            .stating(Fact::Department(department.clone()));
        self.store.put_department(department, &change).await?;
        self.relay().await
    }

    async fn check_department(&self, department: &Department) -> Result<()> {
        let mut problems = Vec::new();
        if !is_credit_code(&department.credit_code) {
            let message = "the unified social credit code is not valid (GB 32100): check its last character";
            problems.push(Problem::new("credit_code", "department.credit_code", message));
        }
        if !is_division_code(&department.division_code) {
            let message = "a division code has 6, 9 or 12 digits";
            problems.push(Problem::new("division_code", "department.division_code", message));
        }
        if department.name.trim().is_empty() {
            problems.push(Problem::new("name", "department.name", "give the full Chinese name"));
        }
        if let Some(parent) = &department.parent
            && self.store.department(parent).await?.is_none()
        {
            let message = format!("create the parent department `{parent}` first");
            problems.push(Problem::new("parent", "department.parent", message));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid("the department is not valid", problems)),
        }
    }

    /// Creates or changes a person, their department and roles.
    pub async fn put_person(&self, ctx: &OpContext, person: &Person) -> Result<()> {
        Self::permit(ctx, Action::ManagePeople, None)?;
        if !Role::may_combine(&person.roles) {
            let message = "an administrator 三员 or developer holds that role alone";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        check_person(person)?;
        self.check_developer_name(person).await?;
        if person.id == ctx.principal.id {
            return Err(Error::new(ErrorCode::Forbidden, "nobody changes their own roles"));
        }
        if let Some(department) = &person.department {
            self.department(ctx, department).await?;
        }
        let change = Self::change(ctx, "person.put", entity::person(&person.id), person);
        self.store.put_person(person, &change).await?;
        self.relay().await
    }

    /// Creates the first system administrator, who signs with this key, or signs in by the password of this hash. The caller has
    /// proven the one-time code.
    ///
    /// # Errors
    /// `illegal_state` where an active system administrator exists, `conflict` where the id is taken.
    pub async fn claim_administration(
        &self,
        ctx: &OpContext,
        person: &Person,
        key: Option<&KeyRecord>,
        password: Option<String>,
    ) -> Result<()> {
        let administrates =
            |person: &Person| person.active && person.roles.contains(&Role::SystemAdministrator);
        if self.store.people().await?.iter().any(administrates) {
            let message =
                "there is a system administrator already; the security administrator makes accounts";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        if self.store.person(&person.id).await?.is_some() {
            let message = format!(
                "the account {} exists, and its old keys with it: choose another id, with a new code from `shuqiao init`",
                person.id
            );
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        // The account comes last: it is what ends the claim, and a crash before it leaves nothing that counts.
        if let Some(key) = key {
            let change = Self::change(ctx, "key.put", entity::key(&key.id), key);
            self.store.put_key(key, &change).await?;
        }
        if let Some(hash) = password {
            // A claim that was cut short has left one.
            let known = self.store.account(&person.id).await?;
            let mut account = known.unwrap_or_else(|| Account::of(&person.id));
            account.set_password(hash);
            let change =
                Self::change(ctx, "account.password_set", entity::account(&person.id), &account.facts());
            self.store.save_account(&account, true, Some(&change)).await?;
        }
        let change = Self::change(ctx, "administration.claimed", entity::person(&person.id), person);
        self.store.put_person(person, &change).await?;
        self.relay().await
    }

    /// All people.
    pub async fn people(&self, ctx: &OpContext) -> Result<Vec<Person>> {
        Self::permit(ctx, Action::ManagePeople, None)?;
        self.store.people().await
    }

    /// Issues a ticket that `exchange-auth` has made for the caller.
    pub async fn add_ticket(&self, ctx: &OpContext, ticket: &Ticket) -> Result<()> {
        Self::permit(ctx, Action::IssueTickets, None)?;
        if ticket.principal_id != ctx.principal.id {
            return Err(Error::new(ErrorCode::Forbidden, "a ticket is for oneself"));
        }
        let change = Self::change(ctx, "ticket.issued", entity::ticket(&ticket.id), ticket);
        self.store.add_ticket(ticket, &change).await?;
        self.relay().await
    }

    /// The caller's tickets, newest first.
    pub async fn tickets(&self, ctx: &OpContext) -> Result<Vec<Ticket>> {
        self.store.tickets_of(&ctx.principal.id).await
    }

    /// Ends one of the caller's tickets at once.
    pub async fn revoke_ticket(&self, ctx: &OpContext, id: &str) -> Result<()> {
        let own = self.store.tickets_of(&ctx.principal.id).await?;
        if !own.iter().any(|ticket| ticket.id == id) {
            Self::permit(ctx, Action::ManageKeys, None)
                .map_err(|_| Error::not_found(format!("ticket `{id}`")))?;
        }
        let change = Self::change(ctx, "ticket.revoked", entity::ticket(id), &id);
        self.store.revoke_ticket(id, ctx.now, &change).await?;
        self.relay().await
    }
}

/// The longest login name, and the longest name, in characters.
const NAME_LENGTH: usize = 64;

pub(super) fn check_person(person: &Person) -> Result<()> {
    let mut problems = Vec::new();
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "._@-".contains(sign);
    if person.id.is_empty() || person.id.len() > NAME_LENGTH || !person.id.chars().all(is_sign) {
        let message = "a login name has 1 to 64 letters, digits, dots, hyphens, `_` and `@`";
        problems.push(Problem::new("id", "person.id", message));
    }
    if person.name.trim().is_empty() || person.name.chars().count() > NAME_LENGTH {
        problems.push(Problem::new(
            "name",
            "person.name",
            "give the person's name, in at most 64 characters",
        ));
    }
    if person.department.is_none()
        && let Some(role) = person.roles.iter().find(|role| role.is_of_a_department())
    {
        let message = format!("the role {} is held in a department: name it", role.label());
        problems.push(Problem::new("department", "person.department", message));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid("the person is not valid", problems)),
    }
}
