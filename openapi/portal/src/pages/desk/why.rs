//! Who may see what, and why.

use askama::Template;
use catalog_core::GrantId;
use catalog_core::directory::{InformationItem, Resource};
use catalog_core::policy::{Action, DecidedBy, Effect, RowVerdict};
use catalog_core::ports::SearchHit;
use catalog_core::services::AccessAnswer;

use crate::around::Around;
use crate::asks::{DOORS, word};
use crate::names::Names;
use crate::typed::Typed;

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
    /// What a search for resources has found, once one was made.
    pub found: Option<&'a [SearchHit]>,
    /// Resources to choose from, code and title: those of the reader's side, and those that it holds grants on.
    pub offered: &'a [(String, String)],
    /// Machines to ask about: key and department.
    pub machines: &'a [(String, String)],
    /// The resource that is asked about, as the reader sees it.
    pub resource: Option<&'a Resource>,
    /// Who the people, machines and departments are.
    pub names: &'a Names,
}

impl WhyPage<'_> {
    fn doors(&self) -> Vec<(String, catalog_core::Channel)> {
        DOORS.iter().map(|door| (word(door), *door)).collect()
    }

    fn actions(&self) -> Vec<(String, Action)> {
        let word = |action: &Action| match serde_json::to_value(action) {
            Ok(serde_json::Value::String(word)) => word,
            _ => String::new(),
        };
        Action::ALL.iter().map(|action| (word(action), *action)).collect()
    }

    fn items(&self) -> &[InformationItem] {
        self.resource.map(|resource| resource.items.as_slice()).unwrap_or_default()
    }

    /// What an item is called, as far as the reader is told.
    fn item(&self, column: &str) -> &str {
        let found = self.items().iter().find(|item| item.column.as_str() == column);
        found.map_or("", |item| &item.title)
    }

    fn permits(&self, answer: &AccessAnswer) -> bool {
        answer.decision.effect == Effect::Permit
    }

    fn by(&self, answer: &AccessAnswer) -> String {
        let a = &self.a;
        match &answer.decision.determined_by {
            DecidedBy::Grant { kind, .. } => a.say_grant_kind(kind).to_owned(),
            DecidedBy::Role { role } => format!("{} {}", a.say("角色", "role"), a.say_role(role)),
            DecidedBy::Rule { reason, .. } => a.told(reason).into_owned(),
        }
    }

    /// The grant that decides.
    fn grant<'w>(&self, answer: &'w AccessAnswer) -> Option<&'w GrantId> {
        match &answer.decision.determined_by {
            DecidedBy::Grant { id, .. } => id.as_ref(),
            _ => None,
        }
    }

    fn row(&self, verdict: &RowVerdict) -> &str {
        match verdict {
            RowVerdict::Shown => self.a.say("会看到", "such rows are shown"),
            RowVerdict::Hidden => self.a.say("不会看到", "such rows are hidden"),
            RowVerdict::Depends => self.a.say("取决于其他信息项", "other values decide"),
        }
    }

    /// The rows in view, in words and as the policy has them.
    fn rows(&self, answer: &AccessAnswer) -> Option<(String, String)> {
        let filter = answer.decision.obligations.as_ref()?.policy.filter.as_ref()?;
        let title = |column: &str| match self.item(column) {
            "" => column.to_owned(),
            title => title.to_owned(),
        };
        let exact = serde_json::to_string(filter).unwrap_or_default();
        Some((self.a.say_bound(filter, &title), exact))
    }
}
