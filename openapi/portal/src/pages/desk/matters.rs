//! Matters 办件 on the desk: the list, and one of them with all that can be done about it.

use askama::Template;
use catalog_core::confidential::Confidential;
use catalog_core::deadline::{Allowance, Light, RunningLimit};
use catalog_core::directory::{Department, Resource};
use catalog_core::matter::{
    Applicant, Ask, By, Content, Event, Ground, Handler, Machine, Matter, MatterKind, ObjectionSubject,
};
use catalog_core::notice::{NoticeEntry, subject};
use catalog_core::policy::Filter;
use catalog_core::services::MatterView;
use form_urlencoded::Serializer;

use super::scope::{ScopeTable, proposal};
use crate::around::Around;
use crate::names::{Names, beside};
use crate::pager::Pager;
use crate::pages::ask::wished_form;
use crate::typed::Typed;

/// The lists of matters: the word of the address, Chinese and English.
pub(crate) const SIDES: [(&str, &str, &str); 4] = [
    ("waiting", "待我办理", "Waiting for me"),
    ("handling", "本部门承办", "Handled by us"),
    ("asking", "我方提出", "Asked by us"),
    ("all", "全部", "All"),
];

/// The kinds that a list can be narrowed to, by their words in addresses.
fn kind_word(kind: &MatterKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// What a list of matters is narrowed to; its address names all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MattersChosen {
    /// `waiting`, `handling`, `asking` or `all`.
    pub side: String,
    /// A kind.
    pub kind: Option<MatterKind>,
    /// `yellow` or `red`: that light or a worse one.
    pub light: String,
    /// Settled ones too.
    pub settled: bool,
    /// The place behind which the page begins.
    pub after: String,
}

impl MattersChosen {
    /// The address of the page that shows it.
    pub fn address(&self) -> String {
        let mut asked = Serializer::new(String::new());
        let kind = self.kind.as_ref().map(kind_word).unwrap_or_default();
        let settled = if self.settled { "true" } else { "" };
        for (name, value) in [
            ("side", self.side.as_str()),
            ("kind", &kind),
            ("light", &self.light),
            ("settled", settled),
            ("after", &self.after),
        ] {
            if !value.is_empty() {
                asked.append_pair(name, value);
            }
        }
        match asked.finish() {
            asked if asked.is_empty() => "/desk/matters".to_owned(),
            asked => format!("/desk/matters?{asked}"),
        }
    }
}

/// One line of a list of matters.
#[derive(Debug, Clone)]
pub struct MatterLine<'a> {
    /// The matter.
    pub view: &'a MatterView,
    /// Working days until it is due, today not counted; below zero since it was due.
    pub days: Option<i64>,
    /// The title of the resource after which it is named.
    pub title: Option<String>,
}

impl MatterLine<'_> {
    pub(crate) fn about(&self, a: &Around<'_>) -> String {
        about(a, &self.view.matter.content, self.title.as_deref().unwrap_or_default())
    }

    pub(crate) fn class(&self) -> &'static str {
        light_class(self.view.light)
    }
}

/// What a matter is about: where that is a resource, by its title.
fn about(a: &Around<'_>, content: &Content, title: &str) -> String {
    let (chinese, english) = match content {
        _ if title.is_empty() => return subject(content),
        Content::Objection(_) => ("的数据异议", "Objection to "),
        Content::SecrecyReview(_) => ("的保密审查", "Secrecy review of "),
        Content::CorrectionNotice(_) => ("的更正通知", "Correction of "),
        _ => return subject(content),
    };
    match a.tag() {
        "en" => format!("{english}{title}"),
        _ => format!("对“{title}”{chinese}"),
    }
}

fn light_class(light: Option<Light>) -> &'static str {
    match light {
        Some(Light::Green) => "green",
        Some(Light::Yellow) => "yellow",
        Some(Light::Red) => "red",
        Some(Light::Paused) | None => "paused",
    }
}

/// The list of matters 办件.
#[derive(Template)]
#[template(path = "desk/matters.html")]
pub struct MattersPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What the list is narrowed to.
    pub chosen: &'a MattersChosen,
    /// Its lines.
    pub lines: Vec<MatterLine<'a>>,
    /// The place behind which the next page begins.
    pub next: Option<String>,
    /// Whether the reader may open matters.
    pub may_ask: bool,
}

impl MattersPage<'_> {
    fn sides(&self) -> [(&'static str, &'static str, &'static str); 4] {
        SIDES
    }

    fn side_address(&self, side: &&str) -> String {
        MattersChosen { side: (*side).to_owned(), after: String::new(), ..self.chosen.clone() }.address()
    }

    /// What is said where the list is empty: what would be there, and where others are.
    fn nothing(&self) -> &str {
        let MattersChosen { side, kind, light, settled, after } = self.chosen;
        let is_narrowed = kind.is_some() || !light.is_empty() || *settled || !after.is_empty();
        match side.as_str() {
            _ if is_narrowed => self.a.say(
                "没有符合条件的办件，可以放宽类型或灯的条件，或者换一个列表。",
                "No matter fits: choose another kind or light, or another list.",
            ),
            "waiting" => self.a.say(
                "没有等您办理的办件。有办件需要您受理、复核或答复时列在这里，先到期的在前。",
                "Nothing waits for you. What you are to accept, confirm or answer stands here, what is due first comes first.",
            ),
            "handling" => self.a.say(
                "本部门没有在办的办件。勾选“含已办结”可以查看办结的办件。",
                "Your department handles nothing now. Tick “Settled ones too” to see what it has settled.",
            ),
            "asking" => self.a.say(
                "我方没有在办的申请、异议或需求。勾选“含已办结”可以查看办结的办件。",
                "Nothing that your side has asked is open. Tick “Settled ones too” to see what is settled.",
            ),
            _ => self.a.say("没有在办的办件。", "No matter is open."),
        }
    }

    fn kinds(&self) -> Vec<(String, &'static MatterKind)> {
        MatterKind::ALL.iter().map(|kind| (kind_word(kind), kind)).collect()
    }

    fn is_kind(&self, kind: &MatterKind) -> bool {
        self.chosen.kind == Some(*kind)
    }

    fn pager(&self) -> Pager {
        Pager::of(&self.chosen.address(), "after", self.next.as_deref())
    }
}

/// One matter with its history, and what can be done about it.
#[derive(Template)]
#[template(path = "desk/matter.html")]
pub struct MatterPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The matter.
    pub view: &'a MatterView,
    /// Working days until it is due.
    pub days: Option<i64>,
    /// The steps that the reader may take.
    pub steps: &'a [Event],
    /// Those that others may take.
    pub others: &'a [Event],
    /// Why the reader may not, where it is not for another side to do it: they have taken part already.
    pub barred: Option<&'a str>,
    /// What it asks about, as far as the reader sees it.
    pub resources: &'a [Resource],
    /// Who the people, machines and departments are.
    pub names: &'a Names,
    /// Its notices.
    pub notices: &'a [NoticeEntry],
    /// The departments, to route to.
    pub departments: &'a [Department],
    /// What is typed in the form of the step that its field `event` names.
    pub typed: &'a Typed,
    /// Who asks, where the seal was opened just now.
    pub applicant: Option<&'a Confidential>,
    /// Whether the reader may open it.
    pub may_open_seal: bool,
}

impl MatterPage<'_> {
    fn matter(&self) -> &Matter {
        &self.view.matter
    }

    /// What it is about: where that is a resource, by its name.
    fn about(&self) -> String {
        let content = &self.matter().content;
        let title = match content {
            Content::Objection(objection) => self.title(&objection.resource),
            Content::SecrecyReview(review) => self.title(&review.opening.resource),
            Content::CorrectionNotice(notice) => self.title(&notice.resource),
            _ => "",
        };
        about(&self.a, content, title)
    }

    /// The looks of a step's button: what ends a matter or a grant can't be undone.
    fn button_class(&self, event: &Event) -> &'static str {
        match event {
            Event::Revoke | Event::Withdraw | Event::Abandon | Event::Cancel | Event::End => "grave",
            _ => "",
        }
    }

    fn class(&self) -> &'static str {
        light_class(self.view.light)
    }

    fn limit_time(&self, limit: &RunningLimit) -> String {
        match limit.allowance {
            Allowance::WorkingDays(1) => self.a.say("1 个工作日", "1 working day").to_owned(),
            Allowance::WorkingDays(days) => format!("{days} {}", self.a.say("个工作日", "working days")),
            Allowance::Until(day) => day.to_string(),
        }
    }

    fn who(&self, applicant: &Applicant) -> String {
        match applicant {
            Applicant::Department(department) => self.named(department.as_str()),
            Applicant::Developer(account) => {
                format!(
                    "{} {}",
                    self.a.say("注册开发者", "developer"),
                    self.names.principal(&self.a, account)
                )
            }
            Applicant::Authority => self.a.say("政务数据主管部门", "the data authority").to_owned(),
            Applicant::Public(_) => {
                self.a.say("社会公众（身份已密封）", "somebody of the public (sealed)").to_owned()
            }
        }
    }

    fn handler(&self, handler: &Handler) -> String {
        let role = self.a.say_role(&handler.role);
        match &handler.department {
            Some(department) => format!("{} · {role}", self.named(department.as_str())),
            None => format!("{} · {role}", self.a.say("政务数据主管部门", "the data authority")),
        }
    }

    fn named(&self, department: &str) -> String {
        self.names.department(department).to_owned()
    }

    /// What others can do, each with its steps: the matter waits for them.
    fn waits_for(&self) -> Vec<(String, String)> {
        let machine = Machine::of(self.matter().kind());
        let mut waits: Vec<(String, Vec<String>)> = Vec::new();
        for event in self.others {
            let Some(rule) = machine.rule(self.matter().state, *event) else { continue };
            let another = self.a.say("（须由另一人）", " (another person)");
            let who = match rule.by {
                By::Applicant => self.who(&self.matter().applicant),
                By::Handler => self.handler(&self.matter().handler),
                By::SecondHandler => format!("{}{another}", self.handler(&self.matter().handler)),
                By::Authority => self.a.say("政务数据主管部门", "the data authority").to_owned(),
                By::SecondAuthority => {
                    format!("{}{another}", self.a.say("政务数据主管部门", "the data authority"))
                }
                By::Machine => continue,
            };
            let step = self.a.say_event(event);
            match waits.iter_mut().find(|(known, _)| *known == who) {
                Some((_, steps)) => steps.push(step),
                None => waits.push((who, vec![step])),
            }
        }
        let joined = |steps: Vec<String>| steps.join(self.a.say("、", ", "));
        waits.into_iter().map(|(who, steps)| (who, joined(steps))).collect()
    }

    fn resource(&self, code: &catalog_core::ResourceCode) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.code == *code)
    }

    /// What a resource is called, where the reader sees it.
    fn title(&self, code: &catalog_core::ResourceCode) -> &str {
        self.resource(code).map_or("", |resource| &resource.title)
    }

    /// What an item is called; empty where that is not known.
    fn item(&self, code: &catalog_core::ResourceCode, column: &str) -> &str {
        let items = self.resource(code).map(|resource| resource.items.as_slice()).unwrap_or_default();
        items.iter().find(|item| item.column.as_str() == column).map_or("", |item| &item.title)
    }

    /// Items with their names and columns.
    fn listed<'c>(
        &self,
        code: &catalog_core::ResourceCode,
        columns: impl IntoIterator<Item = &'c catalog_core::ColumnName>,
    ) -> String {
        let said = |column: &catalog_core::ColumnName| match self.item(code, column.as_str()) {
            "" => column.to_string(),
            title => beside(&self.a, title, column.as_str()),
        };
        columns.into_iter().map(said).collect::<Vec<_>>().join(self.a.say("、", ", "))
    }

    /// The rows that are asked for, in words.
    fn rows(&self, ask: &Ask, filter: &Filter) -> String {
        let title = |column: &str| match self.item(&ask.resource, column) {
            "" => column.to_owned(),
            title => title.to_owned(),
        };
        self.a.say_filter(filter, &title)
    }

    /// A resource with its name and code.
    fn called(&self, code: &catalog_core::ResourceCode) -> String {
        format!("{} {code}", self.title(code)).trim_start().to_owned()
    }

    fn asks(&self) -> Vec<&Ask> {
        match &self.matter().content {
            Content::Application(application) => application.asks.iter().collect(),
            Content::Provision(part) => part.application.asks.iter().collect(),
            Content::EmergencyGrant(emergency) => vec![&emergency.ask],
            Content::GrantImport(import) => vec![&import.ask],
            _ => Vec::new(),
        }
    }

    fn proposal(&self) -> Vec<ScopeTable> {
        proposal(&self.a, self.matter(), &self.resources.iter().collect::<Vec<_>>())
    }

    fn filter(&self, filter: &Filter) -> String {
        serde_json::to_string(filter).unwrap_or_default()
    }

    /// What stands in the content beside asks, each with its name; what people wrote is marked.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let (a, mut facts) = (&self.a, Vec::new());
        let mut add = |chinese, english, value: String| {
            if !value.is_empty() {
                facts.push((
                    match a.tag() {
                        "en" => english,
                        _ => chinese,
                    },
                    value,
                ));
            }
        };
        let code = |code: &Option<catalog_core::ResourceCode>| {
            code.as_ref().map(|code| self.called(code)).unwrap_or_default()
        };
        let number = |number: &Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        match &self.matter().content {
            Content::Application(application) => self.application(application, &mut add),
            Content::Provision(part) => {
                self.application(&part.application, &mut add);
                if part.sensitive {
                    let words = a.say(
                        "含个人信息或重要数据，须两人先后办理（双人复核）",
                        "personal or important items: two persons decide",
                    );
                    add("敏感", "Sensitive", words.to_owned());
                }
            }
            Content::EmergencyGrant(emergency) => {
                add("使用部门", "Grantee", self.named(emergency.grantee.as_str()));
                add("用途", "Purpose", emergency.purpose.clone());
                add("法律依据", "Legal basis", emergency.legal_basis.clone());
                add("时长（小时）", "Hours", emergency.hours.to_string());
            }
            Content::GrantImport(import) => {
                add("使用部门", "Grantee", self.named(import.grantee.as_str()));
                add("用途", "Purpose", import.purpose.clone());
                add("法律依据", "Legal basis", import.legal_basis.clone());
                add("批准单位", "Approved by", import.approved_by.clone());
                add("文号", "Document", import.document_number.clone());
                add("期限至", "Until", import.valid_until.shanghai_end());
            }
            Content::Objection(objection) => {
                let what = match objection.subject {
                    ObjectionSubject::Data => a.say("数据有误", "wrong data"),
                    ObjectionSubject::Directory => a.say("目录有误", "a wrong directory entry"),
                    ObjectionSubject::Use => a.say("使用不当", "a wrong use"),
                    ObjectionSubject::Penalty => a.say("处罚已撤销或变更", "a penalty that is no more"),
                };
                add("事由", "Against", what.to_owned());
                add("数据资源", "Resource", self.called(&objection.resource));
                add(
                    "被指部门",
                    "Whose use",
                    objection.user.as_ref().map(|user| self.named(user.as_str())).unwrap_or_default(),
                );
                add("说明", "Description", objection.description.clone());
                add("回执编号", "Receipt", objection.receipt.clone().unwrap_or_default());
                add("更正版本", "Corrected by version", number(&objection.corrected_by));
                add("错误起始版本", "Wrong since version", number(&objection.wrong_since));
            }
            Content::Demand(demand) => {
                add("所需数据", "Data", demand.title.clone());
                add("信息项", "Items", demand.items.join("、"));
                add("用途", "Purpose", demand.purpose.clone());
                add("法律依据", "Legal basis", demand.legal_basis.clone());
                add("满足需求的资源", "Met by", code(&demand.met_by));
            }
            Content::Disclosure(disclosure) => {
                add("所需信息", "Asked for", disclosure.title.clone());
                add("提供形式", "Form", wished_form(a, &disclosure.form));
                add("申请人类别", "Applicant", a.say_applicant(&disclosure.applicant_kind).to_owned());
                add("数据资源", "Resource", code(&disclosure.resource));
                if let Some(outcome) = &disclosure.outcome {
                    add("予以公开", "Disclosed", outcome.given.clone());
                    add(
                        "不予公开的理由",
                        "Ground",
                        outcome.ground.map(|ground| a.say_ground(&ground).to_owned()).unwrap_or_default(),
                    );
                    let withheld: Vec<_> = outcome
                        .withheld
                        .iter()
                        .map(|part| {
                            let ground = beside(a, a.say_ground(&part.ground), &part.article);
                            format!("{}{}{ground}", part.what, a.say("：", ": "))
                        })
                        .collect();
                    add("不予公开", "Withheld", withheld.join(a.say("；", "; ")));
                }
            }
            Content::Letter(letter) => add("事由", "About", letter.title.clone()),
            Content::SecrecyReview(review) => {
                let opening = &review.opening;
                add("数据资源", "Resource", self.called(&opening.resource));
                add("拟开放信息项", "Items", self.listed(&opening.resource, &opening.items));
                add("法律依据", "Legal basis", review.opening.legal_basis.clone());
                add("开放条件", "Condition", review.opening.condition.clone().unwrap_or_default());
            }
            Content::OpeningItem(item) => {
                add("部门", "Department", self.named(item.department.as_str()));
                add("内容", "Data", item.title.clone());
                add("计划时间", "Planned for", item.due.to_string());
                add("数据资源", "Resource", code(&item.resource));
            }
            Content::CorrectionNotice(notice) => add("数据资源", "Resource", self.called(&notice.resource)),
        }
        facts
    }

    fn application(
        &self,
        application: &catalog_core::matter::Application,
        add: &mut impl FnMut(&'static str, &'static str, String),
    ) {
        let number = |number: Option<u64>| number.map(|number| self.a.number(&number)).unwrap_or_default();
        add("用途（业务事项）", "Purpose", application.purpose.clone());
        add("法律依据", "Legal basis", application.legal_basis.clone());
        add("期限至", "Until", application.valid_until.shanghai_end());
        add("预计每日调用次数", "Calls a day", number(application.calls_per_day));
        add("预计每日行数", "Rows a day", number(application.rows_per_day));
        add("续期", "Renews", application.renews.clone().unwrap_or_default());
    }

    fn may(&self, event: &Event) -> bool {
        self.view.yours.contains(event)
    }

    /// Whether it is a provider's part that waits for a decision: then grants are built on a page of their own.
    fn builds_grant(&self) -> bool {
        self.matter().kind() == MatterKind::Provision
            && [Event::Propose, Event::Grant, Event::GrantInPart].iter().any(|event| self.may(event))
    }

    fn is_narrowed(&self) -> bool {
        let matter = self.matter();
        matches!(&matter.content, Content::Provision(part) if part.is_narrowed(matter.state))
    }

    /// Whether another person must take the next step.
    fn wants_second(&self, event: &Event) -> bool {
        let rule = Machine::of(self.matter().kind()).rule(self.matter().state, *event);
        rule.is_some_and(|rule| matches!(rule.by, By::SecondHandler | By::SecondAuthority))
    }

    fn is_typed(&self, event: &Event) -> bool {
        self.typed.of("event") == event_word(event)
    }

    /// What was typed in a step's own form.
    fn typed_in(&self, event: &Event, field: impl AsRef<str>) -> &str {
        if self.is_typed(event) { self.typed.of(field) } else { "" }
    }

    fn word(&self, event: &Event) -> String {
        event_word(event)
    }

    fn wants(&self, event: &Event, what: &str) -> bool {
        let (kind, event) = (self.matter().kind(), *event);
        match what {
            "legal_basis" => {
                event.needs_legal_basis()
                    || matches!(event, Event::Grant | Event::Reject | Event::Answer | Event::Extend)
            }
            "department" => event == Event::Route,
            "resource" => matches!(
                (kind, event),
                (MatterKind::Demand, Event::Deliver)
                    | (MatterKind::Disclosure | MatterKind::OpeningItem, Event::Publish)
            ),
            "version" => {
                event == Event::Correct
                    && matches!(&self.matter().content, Content::Objection(objection) if objection.subject == ObjectionSubject::Data)
            }
            "due" => event == Event::Postpone,
            "third_party" => matches!(event, Event::Consult | Event::Consulted),
            "given" => kind == MatterKind::Disclosure && matches!(event, Event::Grant | Event::GrantInPart),
            "withheld" => kind == MatterKind::Disclosure && event == Event::GrantInPart,
            "ground" => kind == MatterKind::Disclosure && event == Event::Refuse,
            "answers" => kind == MatterKind::SecrecyReview && matches!(event, Event::Grant | Event::Refuse),
            _ => false,
        }
    }

    /// Whether a step has a page of its own.
    fn has_own_page(&self, event: &Event) -> Option<String> {
        let number = &self.matter().number;
        match (self.matter().kind(), event) {
            (MatterKind::Application, Event::Complete) => Some(format!("/desk/matters/{number}/amend")),
            (MatterKind::Provision, Event::Propose | Event::GrantInPart) => {
                Some(format!("/desk/matters/{number}/grant"))
            }
            // What was asked can't be granted where less was proposed: the page of the proposal says so.
            (MatterKind::Provision, Event::Grant) if self.is_narrowed() => {
                Some(format!("/desk/matters/{number}/grant"))
            }
            _ => None,
        }
    }

    fn grounds(&self) -> Vec<(String, &'static str)> {
        let word = |ground: &Ground| match serde_json::to_value(ground) {
            Ok(serde_json::Value::String(word)) => word,
            _ => String::new(),
        };
        Ground::ALL.iter().map(|ground| (word(ground), self.a.say_ground(ground))).collect()
    }

    fn questions(&self) -> Vec<(usize, &str)> {
        match &self.matter().content {
            Content::SecrecyReview(review) => {
                review.checklist.iter().map(|item| item.question.as_str()).enumerate().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The word of a step in forms and in the API.
pub fn event_word(event: &Event) -> String {
    match serde_json::to_value(event) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
