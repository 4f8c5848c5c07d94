//! Grants given and held, and tickets.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::policy::Grant;
use openapi_contract::TicketView;

use crate::around::Around;
use crate::names::Names;
use crate::pager::Pager;
use crate::typed::Typed;

/// A grant as one reader sees it.
#[derive(Debug, Clone)]
pub struct GrantLine {
    /// The grant.
    pub grant: Grant,
    /// The resource's name, where it is published.
    pub title: String,
    /// What its items are called, by their columns.
    pub items: Arc<BTreeMap<String, String>>,
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
    /// The ways through the list.
    pub pager: Pager,
    /// The time, to which terms are compared.
    pub now: Timestamp,
    /// What is typed in the form of the grant that its field `grant` names.
    pub typed: &'a Typed,
    /// Who the people and departments are.
    pub names: &'a Names,
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

    fn item<'l>(&self, line: &'l GrantLine, column: &str) -> &'l str {
        line.items.get(column).map_or("", String::as_str)
    }

    fn rows(&self, line: &GrantLine) -> String {
        let title = |column: &str| match self.item(line, column) {
            "" => column.to_owned(),
            title => title.to_owned(),
        };
        let filter = line.grant.terms.filter.as_ref();
        filter.map(|filter| self.a.say_filter(filter, &title)).unwrap_or_default()
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
