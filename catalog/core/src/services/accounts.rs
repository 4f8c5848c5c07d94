//! Accounts and sessions. Passwords and codes are checked by who calls: nothing here sees one.

use super::Services;
use crate::account::{Account, DEVELOPER_PREFIX, Session};
use crate::context::{OpContext, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{EvidenceRecord, entity};
use crate::policy::Action;
use crate::ports::Person;

/// How often a write is tried again that another was faster than.
const RACES: u32 = 50;

impl Services {
    /// The account by which someone tries to come in, with this try counted; `None` where there is none, where it is locked,
    /// or where its person may not use it. Callers answer the same to all three, after the same work.
    pub async fn count_try(&self, ctx: &OpContext, login: &Login) -> Result<Option<Account>> {
        for _ in 0..RACES {
            let Some(mut account) = self.account(login).await? else { return Ok(None) };
            if account.is_locked(ctx.now) || !self.is_usable(&account).await? {
                return Ok(None);
            }
            account.count_try(ctx.now);
            match self.store.save_account(&account, false, None).await {
                Err(error) if error.code == ErrorCode::Conflict => continue,
                done => done?,
            }
            account.revision += 1;
            return Ok(Some(account));
        }
        Err(Error::new(ErrorCode::Unavailable, "too many are signing in as this person; try again"))
    }

    /// Leaves evidence of a try that was wrong, and of the lock that it brought about.
    pub async fn try_failed(&self, ctx: &OpContext, account: &Account) -> Result<()> {
        let name = entity::account(&account.person);
        let mut actions = vec!["sign_in.failed"];
        actions.extend(account.is_locked(ctx.now).then_some("account.locked"));
        for action in actions {
            self.log.append(Self::change(ctx, action, name.clone(), &account.facts())).await?;
        }
        Ok(())
    }

    /// Begins a session of the person of the context; `account` is the local one by which they came in.
    pub async fn begin_session(
        &self,
        ctx: &OpContext,
        session: &Session,
        account: Option<Account>,
    ) -> Result<()> {
        let account = account.map(|mut account| {
            account.forget_tries();
            account
        });
        let change = Self::change(ctx, "session.started", entity::session(&session.id), session);
        self.store.add_session(session, account.as_ref(), &change).await?;
        self.relay().await
    }

    /// Ends the session by which the caller was proven.
    pub async fn end_session(&self, ctx: &OpContext) -> Result<()> {
        let id = ctx.session.as_deref().ok_or_else(|| {
            Error::new(ErrorCode::IllegalState, "there is no session here: it ends where its cookie is sent")
        })?;
        let change = Self::change(ctx, "session.ended", entity::session(id), &id);
        self.store.end_session(id, &change).await?;
        self.relay().await
    }

    /// Gives a person a code by which they set a password, an earlier password notwithstanding; a lock ends.
    pub async fn invite(&self, ctx: &OpContext, person: &str, code_digest: String) -> Result<Account> {
        Self::permit(ctx, Action::ManagePeople, None)?;
        let found = self.store.person(person).await?;
        let found = found.ok_or_else(|| Error::not_found(format!("person `{person}`")))?;
        if !found.active {
            let message = "the person is not active: activate them first";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        if found.id == ctx.principal.id {
            return Err(Error::new(ErrorCode::Forbidden, "nobody invites themselves"));
        }
        let mut account = self.store.account(person).await?.unwrap_or_else(|| Account::of(person));
        account.give_code(code_digest, ctx.now);
        account.forget_tries();
        self.save(ctx, &account, "account.invited", false).await?;
        Ok(account)
    }

    /// Sets the password of an account whose owner has proven themselves, and ends all their sessions.
    ///
    /// A developer whose address is confirmed by this becomes a person. Whoever comes back by a code has lost the account, and
    /// maybe to somebody else: the developer keys that were made meanwhile end too. Whoever still has the password goes on
    /// with theirs, so that a usual change of it breaks no program.
    pub async fn set_password(
        &self,
        ctx: &OpContext,
        mut account: Account,
        hash: String,
        by_code: bool,
    ) -> Result<()> {
        if let Some(name) = account.applicant.clone()
            && self.store.person(&account.person).await?.is_none()
        {
            self.add_developer(ctx, &account.person, &name).await?;
        }
        account.set_password(hash);
        self.save(ctx, &account, "account.password_set", true).await?;
        match by_code {
            // Only now, when no session is left that could make another.
            true => self.revoke_api_keys_of(ctx, &account.person).await,
            false => Ok(()),
        }
    }

    /// Adds a developer: of no department, with that role alone.
    pub async fn add_developer(&self, ctx: &OpContext, id: &str, name: &str) -> Result<Person> {
        let person = Person {
            id: id.to_owned(),
            name: name.to_owned(),
            department: None,
            roles: [Role::Developer].into(),
            active: true,
        };
        super::organisation::check_person(&person)?;
        if !id.starts_with(DEVELOPER_PREFIX) || self.store.person(id).await?.is_some() {
            return Err(Error::new(ErrorCode::Conflict, "this account exists"));
        }
        let change = Self::change(ctx, "developer.registered", entity::person(id), &person);
        self.store.put_person(&person, &change).await?;
        self.relay().await?;
        Ok(person)
    }

    /// Writes what a stranger asks for: an account without a person, or a new code for one that has one.
    pub async fn save_request(&self, ctx: &OpContext, account: &Account) -> Result<()> {
        self.save(ctx, account, "account.requested", false).await
    }

    /// Forgets the address of a developer: for themselves, and for the security administrator.
    pub async fn erase_contact(&self, ctx: &OpContext, person: &str) -> Result<()> {
        let is_own = ctx.session.is_some() && ctx.principal.id == person;
        if !is_own {
            Self::permit(ctx, Action::ManagePeople, None)?;
        }
        let account = self.store.account(person).await?;
        let mut account = account.ok_or_else(|| Error::not_found(format!("account `{person}`")))?;
        account.contact = None;
        self.save(ctx, &account, "account.contact_erased", false).await
    }

    /// Erases the addresses of those who have not confirmed them while their code worked; answers how many. For the clock.
    pub async fn forget_applicants(&self, ctx: &OpContext) -> Result<usize> {
        let mut accounts = self.store.accounts().await?;
        accounts.retain(|account| {
            account.applicant.is_some() && account.contact.is_some() && account.code_digest(ctx.now).is_none()
        });
        for account in &accounts {
            let account = Account { contact: None, ..account.clone() };
            self.save(ctx, &account, "account.contact_erased", false).await?;
        }
        Ok(accounts.len())
    }

    /// The account of a login name, or of an address by its hash.
    pub async fn account(&self, login: &Login) -> Result<Option<Account>> {
        match login {
            Login::Name(name) => self.store.account(name).await,
            Login::Contact(hash) => self.store.account_by_contact(hash).await,
        }
    }

    /// The person of that login name, if they may sign in.
    pub async fn active_person(&self, id: &str) -> Result<Option<Person>> {
        Ok(self.store.person(id).await?.filter(|person| person.active))
    }

    /// Uses up the state of one redirect to an identity provider; `false` if it was used before.
    pub async fn use_sign_in_state(
        &self,
        ctx: &OpContext,
        state: &str,
        until: crate::Timestamp,
    ) -> Result<bool> {
        // Longer than it is valid, so that no clock that is a little behind sees it twice.
        self.store.use_nonce("sign-in", state, until.max(ctx.now).plus_seconds(60)).await
    }

    async fn is_usable(&self, account: &Account) -> Result<bool> {
        match self.store.person(&account.person).await? {
            Some(person) => Ok(person.active),
            None => Ok(account.applicant.is_some()),
        }
    }

    async fn save(
        &self,
        ctx: &OpContext,
        account: &Account,
        action: &str,
        ends_sessions: bool,
    ) -> Result<()> {
        let change: EvidenceRecord =
            Self::change(ctx, action, entity::account(&account.person), &account.facts());
        self.store.save_account(account, ends_sessions, Some(&change)).await?;
        self.relay().await
    }

    /// A name that developers are given by the platform is no name for anyone else.
    pub(super) async fn check_developer_name(&self, person: &Person) -> Result<()> {
        if person.id.starts_with(DEVELOPER_PREFIX) && self.store.person(&person.id).await?.is_none() {
            let message = "login names with `dev-` are given to developers who register themselves";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        Ok(())
    }
}

/// What someone types as their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A login name.
    Name(String),
    /// The keyed hash of a mail address.
    Contact(String),
}
