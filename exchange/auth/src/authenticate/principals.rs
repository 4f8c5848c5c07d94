//! As whom whoever is proven acts: a department's machine, or a person, as the directory has them at the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog_core::context::PrincipalKind;
use catalog_core::directory::{Department, Successions};
use catalog_core::ports::{KeyOwner, KeyRecord, Ticket};
use catalog_core::remembered::Validity;
use catalog_core::subscription::Subscriber;
use catalog_core::{Channel, DepartmentId, OpContext, Principal, Role, Timestamp};

use super::{Authenticator, build, public_context, shown};
use crate::AuthError;

/// A department's key, and as whom it acts.
pub(super) struct Holder {
    pub(super) record: KeyRecord,
    pub(super) principal: Principal,
}

/// A department's ticket, the key that asked for it, and as whom it reads.
pub(super) struct Ticketed {
    pub(super) ticket: Ticket,
    key: KeyRecord,
    principal: Principal,
}

impl Ticketed {
    /// As whom it reads; refused where the key has ended.
    pub(super) fn principal(&self, now: Timestamp) -> Result<Principal, AuthError> {
        usable_at(&self.key, &[now]).map(|_| self.principal.clone())
    }
}

impl Authenticator {
    /// Whoever is known by a login name or a key id, as they would act at a time: for questions about them. It proves nothing.
    pub async fn principal_called(&self, id: &str, now: Timestamp) -> Result<Principal, AuthError> {
        match self.credentials.key(id).await? {
            Some(record) => {
                let record = self.usable_key(&record.id, &[now]).await?;
                self.principal_of_key(&record, now).await
            }
            None => self.person(id, now).await,
        }
    }

    /// What a subscriber may know of when it is told: a developer what the public may, a department what its machine may. `None`
    /// where there is no such subscriber any more. It proves nothing.
    pub async fn reader_of(
        &self,
        subscriber: &Subscriber,
        request_id: String,
        now: Timestamp,
    ) -> Result<Option<OpContext>, AuthError> {
        match subscriber {
            Subscriber::Developer(id) => {
                let person = self.credentials.person(id).await?;
                let is_one = person.is_some_and(|one| one.active && one.roles.contains(&Role::Developer));
                Ok(is_one.then(|| public_context(request_id, Channel::Api, now)))
            }
            Subscriber::Department(id) => {
                let successions = Successions::new(self.successions.successions().await?);
                let heir = successions.heir_of(id, now);
                if self.directory.department(&heir).await?.is_none() {
                    return Ok(None);
                }
                let machine = self.machine(&heir, &format!("subscriber {heir}"), now).await?;
                Ok(Some(build(machine, request_id, Channel::Api, now)))
            }
        }
    }

    pub(super) async fn usable_key(&self, id: &str, times: &[Timestamp]) -> Result<KeyRecord, AuthError> {
        let record = self.credentials.key(id).await?.ok_or_else(|| AuthError::UnknownKey(shown(id)))?;
        usable_at(&record, times).cloned()
    }

    /// Who holds a key. A department is remembered: of a person, substitutions begin and end.
    pub(super) async fn holder_of(
        &self,
        record: &KeyRecord,
        revision: i64,
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
        let principal = self.principal_of_key(record, now).await?;
        if let KeyOwner::Department(_) = record.owner {
            let until = Successions::new(self.successions.successions().await?).next_after(now);
            let holder = Holder { record: record.clone(), principal: principal.clone() };
            self.holders.put(record.id.clone(), Validity { revision, from: now, until }, Arc::new(holder));
        }
        Ok(principal)
    }

    pub(super) async fn principal_of_key(
        &self,
        record: &KeyRecord,
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
        match &record.owner {
            KeyOwner::Department(id) => self.machine(id, &record.id, now).await,
            KeyOwner::Person(id) => self.person(id, now).await,
            KeyOwner::Platform => {
                let reason = "the platform signs answers, not requests".to_owned();
                Err(AuthError::KeyNotUsable { id: record.id.clone(), reason })
            }
        }
    }

    /// Who reads by a ticket. One of a department is remembered, as its keys are.
    pub(super) async fn reader_by_ticket(
        &self,
        ticket: &Ticket,
        revision: i64,
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
        // A ticket ends with the key that asked for it.
        let key = self.usable_key(&ticket.key_id, &[now]).await?;
        let principal = self.principal_of_ticket(ticket, now).await?;
        if let KeyOwner::Department(_) = ticket.holder {
            let until = Successions::new(self.successions.successions().await?).next_after(now);
            let ticketed = Ticketed { ticket: ticket.clone(), key, principal: principal.clone() };
            let validity = Validity { revision, from: now, until };
            self.tickets.put(ticket.token_digest.clone(), validity, Arc::new(ticketed));
        }
        Ok(principal)
    }

    /// The holder of a ticket, reduced to reading: a person's reading roles, and for a machine those of an analyst.
    async fn principal_of_ticket(&self, ticket: &Ticket, now: Timestamp) -> Result<Principal, AuthError> {
        let mut principal = match &ticket.holder {
            KeyOwner::Department(id) => self.machine(id, &ticket.principal_id, now).await?,
            KeyOwner::Person(id) => self.person(id, now).await?,
            KeyOwner::Platform => return Err(AuthError::Ticket("it has no holder".to_owned())),
        };
        let reads = principal.kind == PrincipalKind::Machine
            || principal.has(Role::Analyst)
            || principal.has(Role::DataSteward);
        let developer = principal.has(Role::Developer).then_some(Role::Developer);
        principal.roles = reads.then_some(Role::Analyst).into_iter().chain(developer).collect();
        principal.kind = PrincipalKind::Person;
        Ok(principal)
    }

    /// The principal with what its department continues by now; refused where its department is continued by another.
    async fn in_office(&self, principal: Principal, now: Timestamp) -> Result<Principal, AuthError> {
        let Some(department) = &principal.department else { return Ok(principal) };
        let successions = Successions::new(self.successions.successions().await?);
        if let Some(end) = successions.end_of(department, now) {
            let reason = format!(
                "its department {department} was continued by {} on {}: act for that one",
                end.successor,
                end.from.shanghai_text()
            );
            return Err(AuthError::KeyNotUsable { id: principal.id, reason });
        }
        let mut predecessors = BTreeMap::new();
        for id in successions.predecessors_of(department, now) {
            let found = self.directory.department(&id).await?;
            predecessors.insert(id, found.map(|found| found.subject_attributes()).unwrap_or_default());
        }
        Ok(Principal { predecessors, ..principal })
    }

    async fn machine(
        &self,
        department: &DepartmentId,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
        let found = self.directory.department(department).await?;
        let department = found.ok_or_else(|| AuthError::KeyNotUsable {
            id: key_id.to_owned(),
            reason: format!("its department {department} does not exist"),
        })?;
        let machine = principal(PrincipalKind::Machine, key_id, Some(&department), BTreeSet::new());
        self.in_office(machine, now).await
    }

    pub(super) async fn person(&self, id: &str, now: Timestamp) -> Result<Principal, AuthError> {
        let unusable =
            |reason: &str| AuthError::KeyNotUsable { id: id.to_owned(), reason: reason.to_owned() };
        let person =
            self.credentials.person(id).await?.ok_or_else(|| unusable("its account does not exist"))?;
        if !person.active {
            return Err(unusable("its account is not active"));
        }
        let department = match &person.department {
            None => None,
            Some(department) => {
                let found = self.directory.department(department).await?;
                Some(found.ok_or_else(|| unusable("its department does not exist"))?)
            }
        };
        let mut person = principal(PrincipalKind::Person, id, department.as_ref(), person.roles);
        for substitution in self.credentials.substitutions_of(id).await? {
            let roles: BTreeSet<_> = person.roles.iter().copied().chain([substitution.role]).collect();
            // What has changed since it was named may have made it impossible.
            let is_in_force = substitution.is_in_force(person.department.as_ref(), now);
            if is_in_force && Role::may_combine(&roles) {
                person.roles = roles;
                person.substitutions.push(substitution.id);
            }
        }
        self.in_office(person, now).await
    }
}

/// The key, if it is valid at all these times.
pub(super) fn usable_at<'a>(record: &'a KeyRecord, times: &[Timestamp]) -> Result<&'a KeyRecord, AuthError> {
    if times.iter().any(|at| !record.is_valid_at(*at)) {
        let until = record.valid_until.map_or("without end".to_owned(), |end| format!("until {end}"));
        let reason = format!("it is valid from {} {until}", record.valid_from);
        return Err(AuthError::KeyNotUsable { id: record.id.clone(), reason });
    }
    Ok(record)
}

pub(super) fn principal(
    kind: PrincipalKind,
    id: &str,
    department: Option<&Department>,
    roles: BTreeSet<Role>,
) -> Principal {
    Principal {
        kind,
        id: id.to_owned(),
        department: department.map(|department| department.id.clone()),
        predecessors: BTreeMap::new(),
        roles,
        substitutions: Vec::new(),
        attributes: department.map(Department::subject_attributes).unwrap_or_default(),
    }
}
