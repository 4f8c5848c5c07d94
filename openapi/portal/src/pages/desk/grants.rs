//! Grants given and held, tickets, and why an access is decided as it is.

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::policy::{Action, DecidedBy, Effect, Grant, RowVerdict};
use catalog_core::services::AccessAnswer;
use openapi_contract::TicketView;

use crate::around::Around;
use crate::asks::{DOORS, word};
use crate::typed::Typed;

/// A grant as one reader sees it.
#[derive(Debug, Clone)]
pub struct GrantLine {
    /// The grant.
    pub grant: Grant,
    /// The resource's name, where it is published.
    pub title: String,
    /// Whether the reader's side holds it, and did not give it.
    pub is_held: bool,
    /// Whether the reader may revoke it.
    pub may_revoke: bool,
}

/// Grants given and held 授权.
#[derive(Template)]
#[template(path = "desk/grants.html")]
pub struct GrantsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// `given`, `held` or nothing for both.
    pub side: &'a str,
    /// Whether ended ones are shown too.
    pub ended: bool,
    /// Words that the resource, its code or the grantee holds.
    pub words: &'a str,
    /// The grants, the newest first.
    pub lines: &'a [GrantLine],
    /// How many there are beyond those.
    pub more: usize,
    /// The time, to which terms are compared.
    pub now: Timestamp,
    /// What is typed in the form of the grant that its field `grant` names.
    pub typed: &'a Typed,
}

impl GrantsPage<'_> {
    fn state(&self, line: &GrantLine) -> (&'static str, &str) {
        let a = &self.a;
        match &line.grant.revocation {
            Some(_) => ("closed", a.say("已撤销", "revoked")),
            None if line.grant.has_ended(self.now) => ("closed", a.say("已到期", "expired")),
            None if line.grant.is_in_force(self.now) => ("open", a.say("有效", "in force")),
            None => ("conditional", a.say("尚未生效", "not yet in force")),
        }
    }

    fn may_revoke(&self, line: &GrantLine) -> bool {
        line.may_revoke && !line.grant.has_ended(self.now)
    }

    fn is_typed(&self, line: &GrantLine) -> bool {
        self.typed.of("grant") == line.grant.id.as_str()
    }

    fn typed_reason(&self, line: &GrantLine) -> &str {
        if self.is_typed(line) { self.typed.of("reason") } else { "" }
    }

    fn filter(&self, line: &GrantLine) -> String {
        line.grant
            .terms
            .filter
            .as_ref()
            .and_then(|filter| serde_json::to_string(filter).ok())
            .unwrap_or_default()
    }
}

/// Tickets 凭证 for tools that can't sign.
#[derive(Template)]
#[template(path = "desk/tickets.html")]
pub struct TicketsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The reader's own, the newest first.
    pub tickets: &'a [TicketView],
    /// The time.
    pub now: Timestamp,
}

impl TicketsPage<'_> {
    fn is_running(&self, ticket: &TicketView) -> bool {
        ticket.revoked_at.is_none() && ticket.expires_at > self.now
    }
}

/// Who may see what, and why.
#[derive(Template)]
#[template(path = "desk/why.html")]
pub struct WhyPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What is typed.
    pub typed: &'a Typed,
    /// The verdict, once something was asked.
    pub answer: Option<&'a AccessAnswer>,
}

impl WhyPage<'_> {
    fn doors(&self) -> Vec<(String, catalog_core::Channel)> {
        DOORS.iter().map(|door| (word(door), *door)).collect()
    }

    fn actions(&self) -> Vec<String> {
        let word = |action: &Action| match serde_json::to_value(action) {
            Ok(serde_json::Value::String(word)) => word,
            _ => String::new(),
        };
        Action::ALL.iter().map(word).collect()
    }

    fn permits(&self, answer: &AccessAnswer) -> bool {
        answer.decision.effect == Effect::Permit
    }

    fn by(&self, answer: &AccessAnswer) -> String {
        let a = &self.a;
        match &answer.decision.determined_by {
            DecidedBy::Grant { id: Some(id), kind } => format!("{}（{id}）", kind.label()),
            DecidedBy::Grant { id: None, kind } => kind.label().to_owned(),
            DecidedBy::Role { role } => format!("{} {}", a.say("角色", "role"), a.say_role(role)),
            DecidedBy::Rule { code, reason } => format!("{reason} ({code})"),
        }
    }

    fn row(&self, verdict: &RowVerdict) -> &str {
        match verdict {
            RowVerdict::Shown => self.a.say("会看到", "such rows are shown"),
            RowVerdict::Hidden => self.a.say("不会看到", "such rows are hidden"),
            RowVerdict::Depends => self.a.say("取决于其他信息项", "other values decide"),
        }
    }

    fn filter(&self, answer: &AccessAnswer) -> String {
        let granted = answer.decision.obligations.as_ref();
        let filter = granted.and_then(|granted| granted.policy.filter.as_ref());
        filter.and_then(|filter| serde_json::to_string(filter).ok()).unwrap_or_default()
    }
}
