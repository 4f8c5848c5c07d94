//! The desk of reviews 审核, and of secrecy reviews 保密审查 before anything becomes open.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use catalog_core::dataset::Version;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::{InformationItem, Opening, Resource};
use catalog_core::matter::{Applicant, Event, Finding, SecrecyReview, Step};
use catalog_core::services::MatterView;

use super::directory::word;
use crate::around::Around;
use crate::names::Names;
use crate::pager::Pager;

/// What waits for the reader as reviewer.
#[derive(Template)]
#[template(path = "desk/reviews.html")]
pub struct ReviewsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Entries under review.
    pub entries: &'a [EntryToReview],
    /// Changes of columns.
    pub versions: &'a [VersionToReview],
    /// Secrecy reviews.
    pub openings: &'a [MatterView],
    /// How many entries and changes there are in all.
    pub counts: (usize, usize),
    /// The ways through the three lists.
    pub pagers: [Pager; 3],
    /// The titles of the resources of the secrecy reviews, by their codes.
    pub titles: &'a BTreeMap<String, String>,
    /// Who has published versions.
    pub names: &'a Names,
}

/// An entry under review.
#[derive(Debug, Clone)]
pub struct EntryToReview {
    /// The entry.
    pub entry: Entry,
    /// Why the reader does not decide about it.
    pub hindrance: Option<String>,
}

/// A change of columns that awaits review.
#[derive(Debug, Clone)]
pub struct VersionToReview {
    /// The resource's title.
    pub title: String,
    /// The version.
    pub version: Version,
    /// Why the reader does not review it.
    pub hindrance: Option<String>,
}

/// What waits for the reader as reviewer, all of which they may decide.
#[derive(Debug, Clone, Default)]
pub struct DeskReviews {
    /// Entries.
    pub entries: Vec<EntryToReview>,
    /// Changes of columns.
    pub versions: Vec<VersionToReview>,
    /// Secrecy reviews.
    pub openings: Vec<MatterView>,
}

impl ReviewsPage<'_> {
    fn state(&self, entry: &Entry) -> String {
        word(&self.a, entry.state.label())
    }
}

/// The secrecy reviews of the reader's department.
#[derive(Template)]
#[template(path = "desk/openings.html")]
pub struct OpeningsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Those that are not settled, or all.
    pub openings: &'a [MatterView],
    /// Whether settled ones are among them.
    pub settled: bool,
    /// The ways through the list.
    pub pager: Pager,
    /// The titles of their resources, by their codes.
    pub titles: &'a BTreeMap<String, String>,
}

/// What is to be opened, of a matter.
pub(crate) fn resource_of(view: &MatterView) -> String {
    match &view.matter.content {
        catalog_core::matter::Content::SecrecyReview(review) => review.opening.resource.to_string(),
        _ => String::new(),
    }
}

impl OpeningsPage<'_> {
    fn resource(&self, view: &MatterView) -> String {
        resource_of(view)
    }

    fn title(&self, view: &MatterView) -> &str {
        self.titles.get(&resource_of(view)).map_or("", String::as_str)
    }

    fn held_back(&self, view: &MatterView) -> Option<i64> {
        held_back(view)
    }
}

/// The version that a secrecy review holds back from those outside government; nothing for a first opening.
pub(crate) fn held_back(view: &MatterView) -> Option<i64> {
    match &view.matter.content {
        catalog_core::matter::Content::SecrecyReview(review) => review.version,
        _ => None,
    }
}

impl ReviewsPage<'_> {
    fn held_back(&self, view: &MatterView) -> Option<i64> {
        held_back(view)
    }

    fn resource(&self, view: &MatterView) -> String {
        resource_of(view)
    }

    fn title(&self, view: &MatterView) -> &str {
        self.titles.get(&resource_of(view)).map_or("", String::as_str)
    }
}

/// What was typed in the form of an opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedOpening {
    /// The items.
    pub items: BTreeSet<String>,
    /// Items by which somebody could be recognised together with others.
    pub quasi: BTreeSet<String>,
    /// Doors.
    pub doors: BTreeSet<String>,
    /// The mask of each item: `person=keep_first`.
    pub masks: BTreeSet<String>,
    /// The law or decision.
    pub legal_basis: String,
    /// The condition; empty for none.
    pub condition: String,
    /// The last day.
    pub until: String,
}

/// The masks that the form offers: name in the form, Chinese and English.
pub const OFFERED_MASKS: [(&str, &str, &str); 4] = [
    ("", "原样", "As it is"),
    ("null", "隐去", "Left empty"),
    ("keep_first", "只留首字", "First character alone"),
    ("year", "只留年份", "Year alone"),
];

/// The form by which items become open.
#[derive(Template)]
#[template(path = "desk/opening_form.html")]
pub struct OpeningFormPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The published resource.
    pub resource: &'a Resource,
    /// What was typed.
    pub typed: &'a TypedOpening,
}

impl OpeningFormPage<'_> {
    fn doors(&self) -> [(&'static str, &str); 3] {
        [
            ("file", self.a.say("文件下载", "Files")),
            ("api", self.a.say("接口", "API")),
            ("sql", self.a.say("SQL 查询", "SQL")),
        ]
    }

    fn masks(&self) -> [(&'static str, &str); 4] {
        OFFERED_MASKS.map(|(name, chinese, english)| (name, self.a.say(chinese, english)))
    }

    fn is_masked(&self, item: &InformationItem, mask: &str) -> bool {
        self.typed.masks.contains(&format!("{}={mask}", item.column))
    }

    fn is_chosen(&self, item: &InformationItem) -> bool {
        self.typed.items.contains(item.column.as_str())
    }

    fn is_quasi(&self, item: &InformationItem) -> bool {
        self.typed.quasi.contains(item.column.as_str())
    }

    fn is_door(&self, door: &str) -> bool {
        self.typed.doors.contains(door)
    }

    fn opening(&self, item: &InformationItem) -> (&'static str, &str) {
        match &item.opening {
            Opening::Open => ("open", self.a.say("无条件开放", "Open")),
            Opening::Conditional { .. } => ("conditional", self.a.say("有条件开放", "On application")),
            Opening::Closed => ("closed", self.a.say("不开放", "Closed")),
        }
    }
}

/// What was typed in the forms of a secrecy review.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedStep {
    /// Why.
    pub reason: String,
    /// The article.
    pub legal_basis: String,
    /// Answers to the check list, `yes` or `no`, in its order.
    pub answers: Vec<String>,
    /// Remarks, in its order.
    pub notes: Vec<String>,
}

/// One secrecy review: what the machine found, what people say of it, who decides.
#[derive(Template)]
#[template(path = "desk/secrecy.html")]
pub struct SecrecyPage<'a> {
    /// Who the people are.
    pub names: &'a Names,
    /// What surrounds it.
    pub a: Around<'a>,
    /// The matter.
    pub view: &'a MatterView,
    /// Its content.
    pub review: &'a SecrecyReview,
    /// The resource, where it is published.
    pub resource: Option<&'a Resource>,
    /// What was typed.
    pub typed: &'a TypedStep,
}

impl SecrecyPage<'_> {
    fn code(&self) -> String {
        self.review.opening.resource.path_form()
    }

    fn event(&self, event: &Event) -> String {
        wire(*event)
    }

    fn decides(&self) -> bool {
        self.view.yours.contains(&Event::Grant)
    }

    fn item(&self, column: &str) -> &str {
        let item = self.resource.and_then(|resource| resource.item(column));
        item.map_or("", |item| item.title.as_str())
    }

    fn applicant(&self) -> String {
        match &self.view.matter.applicant {
            Applicant::Department(department) => self.names.department(department.as_str()).to_owned(),
            other => other.label(),
        }
    }

    fn is_justified(&self, finding: &Finding) -> Option<&str> {
        let covering = self.review.justified.iter().find(|justified| justified.covers(finding));
        covering.map(|justified| justified.reason.as_str())
    }

    fn rule(&self, finding: &Finding) -> &str {
        let (chinese, english) = match finding.rule.as_str() {
            "identity_number" => ("疑似身份号码", "Looks like identity numbers"),
            "mobile_number" => ("疑似手机号码", "Looks like mobile numbers"),
            "phone_number" => ("疑似电话号码", "Looks like telephone numbers"),
            "bank_card" => ("疑似银行卡号", "Looks like bank cards"),
            "email" => ("疑似电子邮箱", "Looks like e-mail addresses"),
            "name" => ("疑似姓名", "Looks like names"),
            "personal_item" => ("标为个人信息的信息项", "An item of personal information"),
            "rare_combination" => ("组合后可能认出个人", "Few people share these values"),
            "unread_material" => ("未能读取的附件", "Materials that could not be read"),
            _ => ("其他", "Other"),
        };
        self.a.say(chinese, english)
    }

    fn answered(&self, place: &usize) -> &str {
        let settled = self.review.checklist.get(*place).and_then(|item| item.answer);
        let settled = settled.map_or("", |yes| if yes { "yes" } else { "no" });
        self.typed.answers.get(*place).map_or(settled, String::as_str)
    }

    fn note(&self, place: &usize) -> &str {
        let settled = self.review.checklist.get(*place).map_or("", |item| item.note.as_str());
        self.typed.notes.get(*place).map_or(settled, String::as_str)
    }

    fn step(&self, step: &Step) -> String {
        let received = || self.a.say("收到", "Received").to_owned();
        step.event.map_or_else(received, |event| self.a.say_event(&event))
    }

    /// The looks of a step's button: taking back what is open can't be undone.
    fn class(&self, event: &Event) -> &'static str {
        match event {
            Event::Revoke => "grave",
            Event::Withdraw => "second",
            _ => "primary",
        }
    }

    /// Steps that the reader may take, but those that decide or complete: they have forms of their own.
    fn others(&self) -> Vec<Event> {
        let own = [Event::Grant, Event::Refuse, Event::Return, Event::Complete];
        self.view.yours.iter().copied().filter(|event| !own.contains(event)).collect()
    }

    /// Whether one of them revokes, which names its legal basis.
    fn revokes(&self) -> bool {
        self.others().contains(&Event::Revoke)
    }

    /// The last step, where it sent the review back or ended it against who asked.
    fn verdict(&self) -> Option<&Step> {
        let last = self.view.matter.history.last()?;
        matches!(last.event, Some(Event::Return | Event::Refuse | Event::Revoke)).then_some(last)
    }

    /// Whether questions of the check list were answered, for who answers none now.
    fn shows_answers(&self) -> bool {
        !self.decides() && self.review.checklist.iter().any(|item| item.answer.is_some())
    }

    /// Whether the machine check was cut short, and would be run again.
    fn is_unchecked(&self) -> bool {
        self.view.next.contains(&Event::Clear)
    }

    fn completes(&self) -> bool {
        self.view.yours.contains(&Event::Complete)
    }

    fn is_left_to_others(&self) -> bool {
        !self.decides() && self.view.next.contains(&Event::Grant)
    }
}

/// The name of an event in forms.
fn wire(event: Event) -> String {
    let name = serde_json::to_value(event).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
