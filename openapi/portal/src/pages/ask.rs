//! What the public asks: disclosure requests, letters, and where they stand. Forms send by body alone; nothing of it is in an
//! address.

use askama::Template;
use catalog_core::deadline::Light;
use catalog_core::directory::Department;
use catalog_core::matter::Event;
use catalog_core::services::PublicMatter;
use serde::Deserialize;

use crate::around::Around;

/// What somebody fills in who asks: both forms are made of it.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asking {
    /// Name of the person or body.
    pub name: String,
    /// Identity number or unified credit code.
    pub id_number: String,
    /// Telephone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// Postal address.
    pub address: String,
    /// As what the applicant asks: the value of an `ApplicantKind`.
    pub applicant_kind: String,
    /// In a line, without personal data.
    pub title: String,
    /// In words.
    pub text: String,
    /// In which form: 电子文件, 纸质.
    pub shape: String,
    /// By which way: 电子邮件, 邮寄, …
    pub way: String,
    /// What kind of letter it is.
    pub topic: String,
    /// The department that is asked; nothing where the authority routes it.
    pub department: String,
}

/// The form of a disclosure request 依申请公开.
#[derive(Template)]
#[template(path = "ask/disclosure.html")]
pub struct DisclosurePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What was typed.
    pub typed: &'a Asking,
    /// Whom one may ask.
    pub departments: &'a [Department],
}

/// The form of a letter: opinion, complaint, correction of data.
#[derive(Template)]
#[template(path = "ask/letter.html")]
pub struct LetterPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What was typed.
    pub typed: &'a Asking,
    /// Whom one may write to.
    pub departments: &'a [Department],
}

/// Number and code of what was received, shown once.
#[derive(Template)]
#[template(path = "ask/received.html")]
pub struct ReceivedPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The matter.
    pub matter: &'a PublicMatter,
    /// Its code.
    pub code: &'a str,
}

/// Where a request or a letter stands, for whoever has number and code.
#[derive(Template)]
#[template(path = "ask/matter.html")]
pub struct FollowPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The number that was typed.
    pub number: &'a str,
    /// The code that was typed: only a page that shows the matter carries it on.
    pub code: &'a str,
    /// What was typed as supplement.
    pub text: &'a str,
    /// The matter, where both are right.
    pub matter: Option<&'a PublicMatter>,
    /// Whether identity and words have just been erased.
    pub is_erased: bool,
}

/// As what one may ask: the value, in Chinese and English.
const KINDS: [(&str, &str, &str); 6] = [
    ("natural_person", "自然人", "Natural person"),
    ("enterprise", "商业企业", "Enterprise"),
    ("research", "科研机构", "Research institution"),
    ("welfare", "社会公益组织", "Public welfare organisation"),
    ("legal_service", "法律服务机构", "Legal service"),
    ("other_body", "其他组织", "Other body"),
];

/// In which form one may have it.
const SHAPES: [(&str, &str); 2] = [("电子文件", "File"), ("纸质文件", "Paper")];
/// By which way one may have it.
const WAYS: [(&str, &str); 3] = [("电子邮件", "By e-mail"), ("邮寄", "By post"), ("自行领取", "In person")];
/// What letters are about.
const TOPICS: [(&str, &str); 4] = [
    ("数据纠错", "Something in the data is wrong"),
    ("意见建议", "Opinion or proposal"),
    ("投诉", "Complaint"),
    ("数据需求", "Data that I miss"),
];

/// How an applicant wishes to have the information, as the form of this page has written it, in the reader's language.
pub(crate) fn wished_form(a: &Around<'_>, written: &str) -> String {
    let parts = written.strip_prefix("形式：").and_then(|rest| rest.split_once("；途径："));
    let named = |names: &[(&str, &'static str)], wanted: &str| {
        names.iter().find(|(chinese, _)| *chinese == wanted).map(|(_, english)| *english)
    };
    let both = parts.and_then(|(shape, way)| Some((named(&SHAPES, shape)?, named(&WAYS, way)?)));
    match both {
        Some((shape, way)) if a.tag() == "en" => format!("{shape}, {}", way.to_lowercase()),
        _ => written.to_owned(),
    }
}

impl DisclosurePage<'_> {
    fn kinds(&self) -> [(&'static str, &'static str, &'static str); 6] {
        KINDS
    }

    fn shapes(&self) -> [(&'static str, &'static str); 2] {
        SHAPES
    }

    fn ways(&self) -> [(&'static str, &'static str); 3] {
        WAYS
    }
}

impl LetterPage<'_> {
    fn topics(&self) -> [(&'static str, &'static str); 4] {
        TOPICS
    }
}

impl ReceivedPage<'_> {
    fn light(&self) -> (&'static str, &str) {
        light(&self.a, self.matter.light)
    }
}

impl FollowPage<'_> {
    fn light(&self, matter: &PublicMatter) -> (&'static str, &str) {
        light(&self.a, matter.light)
    }

    fn may(&self, matter: &PublicMatter, event: &str) -> bool {
        let event = if event == "complete" { Event::Complete } else { Event::Withdraw };
        matter.next.contains(&event)
    }
}

/// The light's class and words.
fn light<'a>(a: &Around<'a>, light: Option<Light>) -> (&'static str, &'a str) {
    match light {
        Some(Light::Green) => ("green", a.say("办理中，未到期限", "In time")),
        Some(Light::Yellow) => ("yellow", a.say("临近期限", "The limit is near")),
        Some(Light::Red) => ("red", a.say("已超过期限", "The limit has passed")),
        Some(Light::Paused) => ("paused", a.say("暂停计时", "The limit stands still")),
        None => ("paused", a.say("没有正在计算的期限", "No limit is running")),
    }
}
