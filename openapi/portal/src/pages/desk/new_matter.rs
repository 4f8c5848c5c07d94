//! Opening a matter from the desk: an application built from the directory, an objection, a demand.

use askama::Template;
use catalog_core::directory::{Department, Resource};
use catalog_core::ports::SearchHit;

use crate::around::Around;
use crate::asks::AskForm;
use crate::typed::Typed;

/// What can be opened: the word of the address, Chinese and English, and for what.
const KINDS: [(&str, &str, &str, &str, &str); 3] = [
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

/// The page on which a matter is opened.
#[derive(Template)]
#[template(path = "desk/new_matter.html")]
pub struct NewMatterPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// `application`, `objection` or `demand`; to be chosen if it is empty.
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
}

impl NewMatterPage<'_> {
    fn kinds(&self) -> [(&'static str, &'static str, &'static str, &'static str, &'static str); 3] {
        KINDS
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

    fn title(&self) -> &str {
        let known = KINDS.iter().find(|(word, ..)| *word == self.kind);
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
