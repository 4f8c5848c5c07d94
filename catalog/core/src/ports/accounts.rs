//! Accounts, sessions, and mail to those who hold them.

use async_trait::async_trait;

use crate::account::{Account, Session};
use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::time::Timestamp;

/// Local accounts and sessions.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// The account of that login name.
    async fn account(&self, person: &str) -> Result<Option<Account>>;
    /// All accounts, by login name.
    async fn accounts(&self) -> Result<Vec<Account>>;
    /// The account whose address has that keyed hash.
    async fn account_by_contact(&self, hash: &str) -> Result<Option<Account>>;
    /// Writes an account and raises its revision, which must be the one seen (0 for a new account), else `conflict`.
    /// With `ends_sessions` all sessions of the person end in the same transaction. Counting a try is no change that
    /// evidence tells of; every other write has its event.
    async fn save_account(
        &self,
        account: &Account,
        ends_sessions: bool,
        change: Option<&EvidenceRecord>,
    ) -> Result<()>;
    /// Begins a session, and with it writes the account that was signed in to, if there is one.
    async fn add_session(
        &self,
        session: &Session,
        account: Option<&Account>,
        change: &EvidenceRecord,
    ) -> Result<()>;
    /// The session whose token has that digest.
    async fn session_by_digest(&self, token_digest: &str) -> Result<Option<Session>>;
    /// The session of that id.
    async fn session(&self, id: &str) -> Result<Option<Session>>;
    /// Notes that a session was used.
    async fn session_used(&self, id: &str, at: Timestamp) -> Result<()>;
    /// Ends a session; one that is over already is `not_found`.
    async fn end_session(&self, id: &str, change: &EvidenceRecord) -> Result<()>;
    /// Forgets sessions whose end has passed; answers how many.
    async fn forget_sessions(&self, now: Timestamp) -> Result<u64>;
}

/// A letter by e-mail. It carries no data values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Address of the receiver.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Hands letters on to whatever delivers them. What it has taken survives a power cut.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Takes a letter that was written at that time.
    async fn send(&self, mail: &Mail, at: Timestamp) -> Result<()>;
}
