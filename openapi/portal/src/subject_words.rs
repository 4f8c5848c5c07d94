//! What evidence calls the things that changed, in the reader's words: their kind, and what they are called.

use catalog_core::supervision::Indicator;

use crate::around::Around;
use crate::names::{Names, beside};

/// Kinds of things, as evidence names them, in Chinese and in English.
const KINDS: [(&str, &str, &str); 25] = [
    ("account", "账号", "account"),
    ("answer", "答复", "answer"),
    ("api_key", "开发者密钥", "developer key"),
    ("applicant", "申请人，办件", "applicant of matter"),
    ("backup", "备份", "backup"),
    ("catalogue", "目录，存证位置", "catalogue at record"),
    ("contribution", "评价或成果", "feedback or work"),
    ("department", "部门", "department"),
    ("grant", "授权", "grant"),
    ("key", "密钥", "key"),
    ("matter", "办件", "matter"),
    ("month", "月份", "month"),
    ("notice", "通知书，办件", "notice of matter"),
    ("notification", "通知", "notification"),
    ("person", "人员", "person"),
    ("query", "保存的查询", "saved query"),
    ("report", "年度报告", "annual report"),
    ("resource", "数据资源", "resource"),
    ("session", "会话", "session"),
    ("subject", "数据主体", "data subject"),
    ("subscription", "订阅", "subscription"),
    ("substitution", "代办", "substitution"),
    ("succession", "机构改革", "reorganisation"),
    ("supervision", "监察", "supervision"),
    ("ticket", "访问凭证", "ticket"),
];

/// The login name or the key that a subject of evidence names, if it names one.
pub fn named_in(subject: &str) -> Option<&str> {
    let (kind, which) = subject.split_once(' ')?;
    match kind {
        "account" | "key" | "person" => Some(which),
        "letter" => which.strip_prefix("to "),
        _ => None,
    }
}

/// The code of the resource that a subject of evidence names, if it names one.
pub fn resource_in(subject: &str) -> Option<&str> {
    let Some((kind, which)) = subject.split_once(' ') else { return Some(subject) };
    match kind {
        "resource" => Some(which),
        "proposal" => which.strip_prefix("on "),
        "version" => which.split_once(" of ").map(|(_, code)| code),
        "upload" | "access" => which.split_once(" to ").map(|(_, code)| code),
        _ => which.strip_prefix("records of "),
    }
}

impl Names {
    /// A subject of evidence in words: `person chen` is 人员 陈晨（chen）, where the reader is told the name.
    pub(crate) fn subject(&self, a: &Around<'_>, subject: &str) -> String {
        let Some((kind, which)) = subject.split_once(' ') else { return self.resource(a, subject) };
        if let Some(phrase) = self.phrase(a, kind, which) {
            return phrase;
        }
        let Some((_, chinese, english)) = KINDS.iter().find(|(known, ..)| *known == kind) else {
            return subject.to_owned();
        };
        let name = match kind {
            "account" | "person" if self.is_known(which) => Some(self.principal(a, which)),
            "key" if self.is_known(which) => return key_of(a, &self.principal(a, which), which),
            "resource" => return format!("{} {}", a.say(chinese, english), self.resource(a, which)),
            "department" => Some(self.department(which).to_owned()).filter(|name| name != which),
            _ => None,
        };
        let kind = a.say(chinese, english);
        match name {
            Some(name) => format!("{kind} {}", beside(a, &name, which)),
            None => format!("{kind} {which}"),
        }
    }

    /// What is no kind with a name behind it.
    fn phrase(&self, a: &Around<'_>, kind: &str, which: &str) -> Option<String> {
        let of = |apart: &str| which.split_once(apart);
        let in_words = |chinese: String, english: String| match a.tag() {
            "en" => Some(english),
            _ => Some(chinese),
        };
        if let Some(resource) = which.strip_prefix("records of ") {
            let resource = self.resource(a, resource);
            return in_words(format!("{resource} 的 {kind} 条记录"), format!("{kind} records of {resource}"));
        }
        match kind {
            "version" => {
                let (number, resource) = of(" of ")?;
                let resource = self.resource(a, resource);
                in_words(format!("{resource} 第 {number} 版"), format!("{resource}, version {number}"))
            }
            "upload" => {
                let (id, resource) = of(" to ")?;
                let resource = self.resource(a, resource);
                in_words(format!("{resource} 的材料 {id}"), format!("material {id} of {resource}"))
            }
            "access" => {
                let (who, resource) = of(" to ")?;
                let (who, resource) = (self.principal(a, who), self.resource(a, resource));
                in_words(format!("{who} 能否看到 {resource}"), format!("whether {who} may see {resource}"))
            }
            "limit" => {
                let matter = which.strip_prefix("of matter ")?;
                in_words(format!("办件 {matter} 的期限"), format!("limit of matter {matter}"))
            }
            "proposal" => {
                let resource = self.resource(a, which.strip_prefix("on ")?);
                in_words(format!("{resource} 的拟授权"), format!("proposed grant on {resource}"))
            }
            "letter" => {
                let id = which.strip_prefix("to ")?;
                let name = self.principal(a, id);
                in_words(format!("给 {name} 的信"), format!("letter to {name}"))
            }
            "unfinished" => {
                in_words(format!("未完成的目录草稿 {which}"), format!("unfinished draft {which}"))
            }
            "evidence" if which == "of every kind" => Some(a.say("全部存证", "all evidence").to_owned()),
            "evidence" => in_words(format!("存证检索 {which}"), format!("evidence with {which}")),
            "report" => self.report(a, which),
            "supervision" => self.supervised(a, which),
            _ => None,
        }
    }

    /// An annual report: `sharing 2026 of scjg`.
    fn report(&self, a: &Around<'_>, which: &str) -> Option<String> {
        let (what, department) = which.split_once(" of ")?;
        let (what, year) = what.split_once(' ')?;
        let what = match what {
            "sharing" => a.say("数据共享年度报告", "sharing report"),
            "disclosure" => a.say("政府信息公开年度报告", "disclosure report"),
            _ => return None,
        };
        let whose = match department {
            "all" => a.say("全部部门", "all departments"),
            department => self.department(department),
        };
        Some(format!("{whose} · {what} {year}"))
    }

    /// The board, the assessment or a figure of it, without its period.
    fn supervised(&self, a: &Around<'_>, which: &str) -> Option<String> {
        let what = which.split(" from=").next()?;
        match what {
            "board" => return Some(a.say("电子监察", "board of supervision").to_owned()),
            "assessment" => return Some(a.say("考核评估", "assessment").to_owned()),
            _ => {}
        }
        let (indicator, department) = what.strip_suffix(" in the assessment")?.split_once(" of ")?;
        let indicator = Indicator::ALL.into_iter().find(|known| known.as_str() == indicator)?;
        let whose = match self.department(department) {
            name if name == department => a.whose(department),
            name => name,
        };
        Some(format!("{whose} · {}", a.indicator(&indicator)))
    }
}

/// Whose key, and how it begins.
fn key_of(a: &Around<'_>, holder: &str, id: &str) -> String {
    let begin: String = id.chars().take(8).collect();
    format!("{} {}", a.say("密钥", "key"), beside(a, holder, &format!("{begin}…")))
}

#[cfg(test)]
mod tests {
    use catalog_core::services::PrincipalName;
    use openapi_dcat::Site;

    use super::*;
    use crate::{Identity, Language};

    #[test]
    fn subjects_are_called_by_their_names_where_they_are_told() {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let chinese = Around::plain(&site, &identity, Language::Chinese, "/");
        let english = Around { language: Language::English, ..chinese.clone() };
        let name = |id: &str, is_key| PrincipalName {
            id: id.to_owned(),
            name: Some("陈晨".to_owned()),
            department: None,
            is_key,
        };
        let names = Names::new(&[], vec![name("chen", false), name("0123456789", true)]);
        for (subject, in_chinese, in_english) in [
            ("person chen", "人员 陈晨（chen）", "person 陈晨 (chen)"),
            ("person other", "人员 other", "person other"),
            ("key 0123456789", "密钥 陈晨（01234567…）", "key 陈晨 (01234567…)"),
            ("key 9", "密钥 9", "key 9"),
            ("version 2 of 301001/000001", "301001/000001 第 2 版", "301001/000001, version 2"),
            ("3 records of 301001/000001", "301001/000001 的 3 条记录", "3 records of 301001/000001"),
            (
                "limit of matter SQ-2026-000001",
                "办件 SQ-2026-000001 的期限",
                "limit of matter SQ-2026-000001",
            ),
            ("letter to chen", "给 陈晨 的信", "letter to 陈晨"),
            (
                "report sharing 2026 of all",
                "全部部门 · 数据共享年度报告 2026",
                "all departments · sharing report 2026",
            ),
            ("supervision board from=1 until=2", "电子监察", "board of supervision"),
            (
                "supervision open of authority in the assessment from=1 until=2",
                "主管部门 · 开放率",
                "data authority · Open",
            ),
            ("evidence of every kind", "全部存证", "all evidence"),
            ("something else", "something else", "something else"),
            ("", "", ""),
        ] {
            assert_eq!(names.subject(&chinese, subject), in_chinese);
            assert_eq!(names.subject(&english, subject), in_english);
        }
        let titles = [("301001/000001".to_owned(), "常住人口".to_owned())];
        let names = names.with_titles(titles.into_iter().collect());
        for (subject, in_chinese) in [
            ("resource 301001/000001", "数据资源 常住人口（301001/000001）"),
            ("301001/000001", "常住人口（301001/000001）"),
            ("version 2 of 301001/000001", "常住人口（301001/000001） 第 2 版"),
            ("resource 301001/000002", "数据资源 301001/000002"),
        ] {
            assert_eq!(names.subject(&chinese, subject), in_chinese);
        }
        let code = Some("301001/000001");
        for subject in ["resource 301001/000001", "3 records of 301001/000001", "301001/000001"] {
            assert_eq!(resource_in(subject), code);
        }
        assert_eq!(resource_in("person chen"), None);
        assert_eq!(
            ["person chen", "letter to chen", "matter 1", ""].map(named_in),
            [Some("chen"), Some("chen"), None, None]
        );
    }
}
