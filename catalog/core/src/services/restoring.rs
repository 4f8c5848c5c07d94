//! After a restore: the catalogue is an earlier one, and the log is not. What the log knows to have ended since ends again
//! before anybody is served.
//!
//! An event names what it changed and holds the digest of its new state, and of some all of it. Where that says everything, as
//! for a grant or a department, the same is done again; where it does not, the safer answer is given, until somebody who knows
//! says it anew: a person whose rights have changed can't sign in, an account that has changed has no password, a key, a
//! developer key or a substitution that has changed is over, a dataset from which records were withdrawn is closed, an
//! entry of the directory that was published anew is out of force, and every subscription is suspended.

mod directory;
mod organisation;

use std::collections::{BTreeMap, BTreeSet};

use exchange_crypto::Digest;
use serde::Serialize;

use super::Services;
use crate::account::Account;
use crate::api_key::ApiKey;
use crate::context::{OpContext, PrincipalKind};
use crate::dataset::{RecordAct, RecordWithdrawal, Tombstone};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Event, EvidenceRecord, Fact, entity};
use crate::ids::{ColumnName, GrantId, ResourceCode};
use crate::policy::Revocation;

/// The columns of a withdrawal whose records nobody knows any longer. No version has it, so all are closed.
const UNKNOWN: &str = "withdrawn_before_restore";

/// Kinds of entities of which the newest event says what they are, compared by digest.
const NEWEST_COUNTS: [&str; 5] = ["person", "account", "key", "api_key", "substitution"];

/// What ended again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndedAgain {
    /// The event in the log that says that it had ended, or what was done in its place.
    pub action: String,
    /// What: `grant 019a…`.
    pub entity: String,
}

impl EndedAgain {
    fn of(record: &EvidenceRecord) -> Self {
        let (action, entity) = match &record.event {
            Event::Changed { action, entity, .. } => (action.clone(), entity.clone()),
            other => (other.name().to_owned(), String::new()),
        };
        Self { action, entity }
    }
}

impl Services {
    /// Records that the catalogue is from now on the one that knew the first `records` of an epoch of the log, out of the
    /// backup whose manifest has that digest. What was changed after them is undone by this.
    pub async fn restored(&self, ctx: &OpContext, (epoch, records): (u64, u64), backup: &str) -> Result<()> {
        let event = Event::Changed {
            action: "restored".to_owned(),
            entity: entity::catalogue(epoch, records),
            entity_digest: backup.to_owned(),
        };
        self.log.append(EvidenceRecord::new(ctx, event)).await.map(drop)
    }

    /// Records that no key opens the sealed texts of these months any longer, for the keys are from before them. Of what was
    /// asked until now in them only the commitments are left.
    pub async fn texts_lost(&self, ctx: &OpContext, months: &[String]) -> Result<()> {
        for month in months {
            let lost = Self::change(ctx, "texts.lost", format!("month {month}"), month);
            self.log.append(lost).await?;
        }
        Ok(())
    }

    /// Ends what these records, which are later than the catalogue, say to have ended. By the operator.
    pub async fn end_again(&self, ctx: &OpContext, since: &[EvidenceRecord]) -> Result<Vec<EndedAgain>> {
        if ctx.principal.kind != PrincipalKind::Operator {
            return Err(Error::new(ErrorCode::Forbidden, "a restore is the operator's"));
        }
        let (mut ended, mut newest) = (Vec::new(), BTreeMap::new());
        // What an earlier restore ended again, it ended in another catalogue; the log says why, and here that counts.
        let measures: BTreeSet<_> =
            since.iter().filter(is_restore).map(|record| &record.request_id).collect();
        let mut younger = BTreeSet::new();
        for record in since {
            let Event::Changed { action, entity, entity_digest } = &record.event else { continue };
            if measures.contains(&record.request_id) {
                // From here on the log tells of that catalogue, which may give the same numbers again.
                younger.clear();
                continue;
            }
            younger.extend(numbered(action, entity));
            if younger.contains(entity) {
                continue;
            }
            match entity.split_once(' ') {
                Some((kind, id)) if NEWEST_COUNTS.contains(&kind) => {
                    newest.insert((kind, id), (record, entity_digest));
                }
                _ => ended.extend(self.end_one_again(ctx, record, action, entity).await?),
            }
        }
        for ((kind, id), (record, digest)) in newest {
            let has_ended = match kind {
                "person" => self.lock_out(ctx, id, digest).await?,
                "account" => self.reset_account(ctx, id, digest).await?,
                "key" => self.end_key_again(ctx, record, id, digest).await?,
                "api_key" => self.end_api_key_again(ctx, record, id, digest).await?,
                _ => self.end_substitution_again(ctx, record, id, digest).await?,
            };
            ended.extend(has_ended.then(|| EndedAgain::of(record)));
        }
        ended.extend(self.suspend_restored(ctx).await?.iter().map(|id| EndedAgain {
            action: "subscription.suspended".to_owned(),
            entity: entity::subscription(id),
        }));
        self.relay().await?;
        Ok(ended)
    }

    /// What was still there to end, or to be entered.
    async fn end_one_again(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        action: &str,
        entity: &str,
    ) -> Result<Option<EndedAgain>> {
        match (&record.fact, action) {
            (Some(Fact::Department(department)), _) => {
                return self.enter_department_again(ctx, department).await;
            }
            (Some(Fact::Succession(succession)), _) => return self.succeed_again(ctx, succession).await,
            (_, "resource.published") => {
                let code = entity.split_once(' ').map_or("", |(_, code)| code);
                return self.suspend_entry(ctx, record, &ResourceCode::new(code)?).await;
            }
            _ => {}
        }
        let has_ended = self.has_ended_again(ctx, record, action, entity).await?;
        Ok(has_ended.then(|| EndedAgain::of(record)))
    }

    /// Whether something was still there to end.
    async fn has_ended_again(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        action: &str,
        entity: &str,
    ) -> Result<bool> {
        let reason = again(record);
        let name = entity.split_once(' ').map_or("", |(_, name)| name);
        let (at, by) = (record.at, record.actor.id.clone());
        match action {
            "grant.revoked" => {
                let revocation = Revocation { at, by, reason };
                let change = Self::change(ctx, action, entity.to_owned(), &revocation);
                unless_over(self.store.revoke_grant(&GrantId::new(name)?, &revocation, &change).await)
            }
            "version.withdrawn" => {
                let Some((number, code)) = name.split_once(" of ") else { return Err(unreadable(entity)) };
                let number = number.parse().map_err(|_| unreadable(entity))?;
                let tombstone = Tombstone { at, by, reason };
                let code = ResourceCode::new(code)?;
                let change = Self::change(ctx, action, entity.to_owned(), &tombstone)
                    .stating(Fact::of_withdrawn(&code, number));
                unless_over(self.store.withdraw_version(&code, number, &tombstone, &change).await)
            }
            "records.withdrawn" => {
                let Some((_, code)) = entity.split_once(" of ") else { return Err(unreadable(entity)) };
                self.close_dataset(ctx, record, entity, &ResourceCode::new(code)?).await
            }
            "resource.withdrawn" => self.withdraw_again(ctx, &ResourceCode::new(name)?, reason).await,
            "ticket.revoked" => {
                let change = Self::change(ctx, action, entity.to_owned(), &name);
                unless_over(self.store.revoke_ticket(name, at, &change).await)
            }
            "contribution.refused" => self.refuse_again(ctx, name, (by, at, reason)).await,
            "applicant.erased" => self.erase_confided(ctx, name).await,
            "query.deleted" => self.delete_query_again(ctx, name).await,
            _ => Ok(false),
        }
    }

    /// Closes a dataset from which records were withdrawn that nobody can name any longer, until its provider says the
    /// withdrawal again.
    async fn close_dataset(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        entity: &str,
        code: &ResourceCode,
    ) -> Result<bool> {
        if self.store.entry(code).await?.is_none() {
            return Ok(false);
        }
        let withdrawal = RecordWithdrawal {
            id: uuid::Uuid::now_v7().to_string(),
            resource: code.clone(),
            act: RecordAct::Withdraw,
            columns: vec![ColumnName::new(UNKNOWN)?],
            again: None,
            keys: vec![vec![record.id.clone()]],
            tombstone: Tombstone { at: record.at, by: record.actor.id.clone(), reason: again(record) },
        };
        let change = Self::change(ctx, "records.withdrawn", entity.to_owned(), &withdrawal);
        self.store.withdraw_records(&withdrawal, &change).await?;
        Ok(true)
    }

    /// Ends the account of a person who is not what the log says they are.
    async fn lock_out(&self, ctx: &OpContext, id: &str, stated: &str) -> Result<bool> {
        let found = self.store.person(id).await?;
        let Some(mut person) = found.filter(|person| person.active && digest(person) != stated) else {
            return Ok(false);
        };
        person.active = false;
        let change = Self::change(ctx, "person.put", entity::person(id), &person);
        self.store.put_person(&person, &change).await?;
        Ok(true)
    }

    /// Takes password, code and address from an account that is not what the log says it is, and ends its sessions.
    async fn reset_account(&self, ctx: &OpContext, id: &str, stated: &str) -> Result<bool> {
        let found = self.store.account(id).await?;
        let Some(account) = found.filter(|account| digest(&account.facts()) != stated) else {
            return Ok(false);
        };
        let account = Account { password: None, code: None, contact: None, ..account };
        let change = Self::change(ctx, "account.reset", entity::account(id), &account.facts());
        self.store.save_account(&account, true, Some(&change)).await?;
        Ok(true)
    }

    /// Ends a key whose period is not what the log says it is.
    async fn end_key_again(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        id: &str,
        stated: &str,
    ) -> Result<bool> {
        let Some(mut key) = self.store.key(id).await?.filter(|key| digest(key) != stated) else {
            return Ok(false);
        };
        if key.valid_until.is_some_and(|end| end <= record.at) {
            return Ok(false);
        }
        key.valid_until = Some(record.at.max(key.valid_from));
        let change = Self::change(ctx, "key.retired", entity::key(id), &key);
        self.store.put_key(&key, &change).await?;
        Ok(true)
    }

    /// Revokes a developer key that is not what the log says it is.
    async fn end_api_key_again(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        id: &str,
        stated: &str,
    ) -> Result<bool> {
        let is_other = |key: &ApiKey| key.revoked_at.is_none() && digest(key) != stated;
        match self.store.api_key(id).await?.filter(is_other) {
            Some(key) => unless_over(self.end_api_key(ctx, key, record.at).await),
            None => Ok(false),
        }
    }
}

fn is_restore(record: &&EvidenceRecord) -> bool {
    record.event.restored_to().is_some()
}

/// What came to be by this event under a number that is given in order, and may end later: it is none of an older catalogue's,
/// even where that has one of the same name.
fn numbered(action: &str, entity: &str) -> Option<String> {
    match action {
        "version.published" | "version.announced" => Some(entity.to_owned()),
        "matter.opened" => entity.split_once(' ').map(|(_, number)| entity::applicant(number)),
        _ => None,
    }
}

fn again(record: &EvidenceRecord) -> String {
    format!("恢复备份后按存证重新执行 (done again after a restore, by record {})", record.id)
}

/// As [`Services::change`] makes it.
fn digest(state: &impl Serialize) -> String {
    Digest::of(&serde_json::to_vec(state).unwrap_or_default()).to_hex()
}

/// Nothing is left to be done where it is over, or was made after the backup.
fn unless_over(done: Result<()>) -> Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.code, ErrorCode::NotFound | ErrorCode::IllegalState) => Ok(false),
        Err(error) => Err(error),
    }
}

fn unreadable(entity: &str) -> Error {
    let message =
        format!("the log says that `{entity}` has ended, which this program can't read: use a newer one");
    Error::new(ErrorCode::Corrupt, message)
}
