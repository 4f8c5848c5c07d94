//! Opening a matter from the desk: an application built from the directory, an objection, a demand; for the data authority an emergency
//! grant, an agreement from before, an item of the opening plan.

use askama::Template;
use catalog_core::directory::{Department, Resource};
use catalog_core::ports::SearchHit;

use crate::around::Around;
use crate::asks::AskForm;
use crate::typed::Typed;

/// What can be opened: the word of the address, Chinese and English, and for what.
type Kind = (&'static str, &'static str, &'static str, &'static str, &'static str);

const KINDS: [Kind; 3] = [
    (
        "application",
        "数据共享申请",
        "Application",
        "向提供部门申请使用其数据",
        "to use data of other departments",
    ),
    (
        "objection",
        "数据异议与更正",
        "Objection",
        "数据有误、目录有误、使用不当、处罚已撤销",
        "against wrong data, entries or uses",
    ),
    ("demand", "数据需求", "Demand", "目录里没有的数据，由主管部门分派", "for data that nobody offers yet"),
];

/// What the data authority can open beside.
const OF_AUTHORITY: [Kind; 3] = [
    (
        "emergency_grant",
        "应急共享",
        "Emergency grant",
        "突发事件中先行授权，最长 72 小时，由另一人复核，提供部门事后审查",
        "for at most 72 hours; another officer decides, the provider reviews it after",
    ),
    (
        "grant_import",
        "存量协议登记",
        "Agreement from before",
        "平台上线前已批准的共享协议，由另一人复核后生效",
        "approved before the platform; another officer confirms it",
    ),
    (
        "opening_item",
        "开放计划项",
        "Item of the opening plan",
        "列入年度数据开放计划，由承办部门按期完成",
        "of the yearly plan, due on a day that it names",
    ),
];

/// The page on which a matter is opened.
#[derive(Template)]
#[template(path = "desk/new_matter.html")]
pub struct NewMatterPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The word of a kind; to be chosen if it is empty.
    pub kind: &'a str,
    /// The number of the application that is amended, instead of a new one.
    pub amends: Option<&'a str>,
    /// What is typed.
    pub typed: &'a Typed,
    /// The resources of an application, as their readers see them.
    pub resources: &'a [Resource],
    /// What a search of the directory has found.
    pub found: &'a [SearchHit],
    /// The departments.
    pub departments: &'a [Department],
    /// The first day that a term may end on.
    pub today: String,
    /// Whether the reader opens what the data authority opens.
    pub is_authority: bool,
}

impl NewMatterPage<'_> {
    fn kinds(&self) -> Vec<Kind> {
        let of_authority = OF_AUTHORITY.into_iter().filter(|_| self.is_authority);
        KINDS.into_iter().chain(of_authority).collect()
    }

    fn names_resources(&self) -> bool {
        self.kind == "application" || self.names_grantee()
    }

    /// Whether it becomes a grant to a department that somebody else names.
    fn names_grantee(&self) -> bool {
        matches!(self.kind, "emergency_grant" | "grant_import")
    }

    fn is_typed(&self, field: &str, department: &Department) -> bool {
        self.typed.of(field) == department.id.as_str()
    }

    fn action(&self) -> String {
        match self.amends {
            Some(number) => format!("/desk/matters/{number}/amend"),
            None => "/desk/matters/new".to_owned(),
        }
    }

    fn forms(&self) -> Vec<AskForm<'_>> {
        let form = |(place, resource)| AskForm { place, resource, typed: self.typed, asked: None };
        self.resources.iter().enumerate().map(form).collect()
    }

    fn is_taken(&self, hit: &SearchHit) -> bool {
        self.resources.iter().any(|resource| resource.code == hit.code)
    }

    /// The name of the department that provides what was found.
    fn provider<'h>(&'h self, hit: &'h SearchHit) -> &'h str {
        let found = self.departments.iter().find(|one| one.id.as_str() == hit.department.as_str());
        found.map_or(hit.department.as_str(), |one| &one.name)
    }

    fn title(&self) -> &str {
        let known = KINDS.iter().chain(&OF_AUTHORITY).find(|(word, ..)| *word == self.kind);
        match (self.amends, known) {
            (Some(_), _) => self.a.say("补正申请", "Amend the application"),
            (None, Some((_, chinese, english, ..))) => self.a.say(chinese, english),
            _ => self.a.say("发起办件", "Open a matter"),
        }
    }

    fn is_subject(&self, subject: &str) -> bool {
        self.typed.of("subject") == subject
    }

    fn is_user(&self, department: &Department) -> bool {
        self.typed.of("user") == department.id.as_str()
    }
}
