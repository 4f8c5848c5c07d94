//! The documentation of the API, rendered from its OpenAPI document, with a form to try what anyone may ask.

mod document;
#[cfg(test)]
mod tests;
mod words;

use askama::Template;
use serde_json::Value;
use words::Words;

use crate::around::Around;

/// A part of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTag {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its operations.
    pub operations: Vec<ApiOperation>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiOperation {
    /// `GET`
    pub method: String,
    /// `/api/v1/resources/{code}`
    pub path: String,
    /// In a line.
    pub summary: String,
    /// More of it.
    pub description: String,
    /// What stands in its path and query.
    pub parameters: Vec<ApiParameter>,
    /// Media types of its body.
    pub bodies: Vec<String>,
    /// The schema of its body.
    pub body_schema: Option<Value>,
    /// Statuses, what they mean, and what is answered.
    pub answers: Vec<(String, String)>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiParameter {
    /// Its name.
    pub name: String,
    /// Whether it stands in the path; else in the query.
    pub is_in_path: bool,
    /// What it means.
    pub description: String,
    /// Whether it must be given.
    pub is_required: bool,
}

/// The documentation.
#[derive(Template)]
#[template(path = "api.html")]
pub struct ApiPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// All parts.
    pub tags: &'a [ApiTag],
    /// The part that is shown.
    pub chosen: Option<&'a ApiTag>,
    /// The code of a dataset that examples name.
    pub code: &'a str,
}

/// The parts of the API: name in the document, English name, Chinese name, what it is for in Chinese.
const PARTS: [(&str, &str, &str, &str); 19] = [
    ("directory", "Directory", "目录", "政务信息资源目录：查询、编制、审核、发布"),
    ("data", "Data", "数据", "数据集、版本和数据行"),
    ("sql", "SQL", "查询", "一条受控的 SQL 查询"),
    ("ckan", "CKAN", "CKAN", "CKAN Action API 第 3 版的读取部分"),
    ("downloads", "Downloads", "下载", "开放数据的整份文件，无须密钥"),
    ("catalogue", "Catalogue", "目录发布", "供其他门户采集的目录：DCAT-AP、Atom、网站地图"),
    ("delta-sharing", "Delta Sharing", "Delta Sharing", "按 Delta Sharing 协议以文件共享数据表"),
    ("ogc", "Maps", "地图服务", "OGC API – Features"),
    ("grants", "Grants", "授权", "谁可以读取什么，依据什么"),
    ("matters", "Matters", "办件", "申请、异议、供需对接及其期限"),
    ("public", "Requests of the public", "公众事项", "依申请公开、来信：任何人可以提出，凭编号和查询码跟踪"),
    ("participation", "Taking part", "公众参与", "评价和应用成果，经人工查看后公布"),
    ("subscriptions", "Subscriptions", "订阅", "签名的 Webhook：数据有变化时通知"),
    ("tickets", "Tickets", "访问凭证", "供不能签名的工具使用"),
    ("organisation", "Organisation", "组织机构", "部门、人员和密钥"),
    ("session", "Sessions", "会话", "浏览器登录和开发者注册"),
    ("supervision", "Supervision", "监督考核", "电子监察和考核评估，全部由存证得出"),
    ("evidence", "Evidence", "存证", "每一次访问留下的证据"),
    ("server", "Server", "服务器", "服务器自身：状态、维护"),
];

/// How to find, take, check and apply 使用指南.
#[derive(Template)]
#[template(path = "help.html")]
pub struct HelpPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
}

/// A part by its name in the document: English name, Chinese name, purpose in Chinese.
fn part(tag: &ApiTag) -> Option<(&'static str, &'static str, &'static str)> {
    let found = PARTS.iter().find(|(name, ..)| *name == tag.name)?;
    Some((found.1, found.2, found.3))
}

impl ApiPage<'_> {
    fn is_chosen(&self, tag: &ApiTag) -> bool {
        self.chosen.is_some_and(|chosen| chosen.name == tag.name)
    }

    /// What a part is called in the reader's language.
    fn name<'s>(&'s self, tag: &'s ApiTag) -> &'s str {
        part(tag).map_or(tag.name.as_str(), |(english, chinese, _)| self.a.say(chinese, english))
    }

    /// What a part is for.
    fn purpose<'s>(&'s self, tag: &'s ApiTag) -> &'s str {
        part(tag).map_or(tag.description.as_str(), |(.., chinese)| self.a.say(chinese, &tag.description))
    }

    /// A text of the document in the reader's language, in one paragraph.
    fn line(&self, text: &str) -> Words {
        Words::of(&self.a, text)
    }

    /// A text of the document in the reader's language, in its paragraphs.
    fn paragraphs(&self, text: &str) -> Vec<Words> {
        Words::paragraphs(&self.a, text)
    }

    /// A schema as JSON.
    fn schema(&self, schema: &Value) -> String {
        words::schema(&self.a, schema)
    }

    /// What only reads may be tried.
    fn may_try(&self, operation: &ApiOperation) -> bool {
        operation.method == "GET"
    }

    fn curl(&self, operation: &ApiOperation) -> String {
        let address = self.a.site.address(&operation.path);
        match (operation.method.as_str(), operation.bodies.first()) {
            ("GET", _) => format!("curl '{address}'"),
            (method, None) => format!("curl -X {method} '{address}'"),
            (method, Some(body)) => {
                format!("curl -X {method} '{address}' -H 'content-type: {body}' --data-binary @body")
            }
        }
    }

    /// What is typed into a parameter to begin with.
    fn example(&self, parameter: &ApiParameter) -> &str {
        match parameter.name.as_str() {
            "code" if parameter.is_in_path => self.code,
            "file" => "latest.csv",
            "limit" | "rows" => "5",
            _ => "",
        }
    }

    /// A name that stands once on the page.
    fn id(&self, place: &usize, parameter: &ApiParameter) -> String {
        format!("p{place}-{}", parameter.name)
    }
}
