//! Evidence 存证: searched, and shown with what proves it.

use askama::Template;
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{Channel, ErrorCode, Timestamp};

use crate::around::Around;
use crate::names::Names;
use crate::pager::Pager;
use crate::refusals::title_of;

/// A field by which evidence is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchField {
    /// Its name in the address.
    pub name: &'static str,
    /// What it is called, in Chinese and in English.
    pub label: (&'static str, &'static str),
    /// `text` or `date`.
    pub kind: &'static str,
    /// What was typed.
    pub value: String,
}

/// How what a record tells of has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ending {
    /// It tells of no end.
    #[default]
    None,
    /// The answer left whole.
    Whole,
    /// It was stopped, by this code.
    Stopped(Option<String>),
    /// It was refused, with this code.
    Refused(String),
    /// An epoch began: records that were kept, and records that are lost.
    Epoch(u64, u64),
    /// Open data were downloaded so often.
    Downloads(u64),
}

/// A record as a list shows it; of an access start and end in one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Epoch and index: `0-17`; of an access where it begins.
    pub place: String,
    /// And where it ends, where that is another record.
    pub end_place: String,
    /// The request that it belongs to.
    pub request: String,
    /// When.
    pub at: Timestamp,
    /// How long it took, where start and end are two records.
    pub lasted: Option<i64>,
    /// Whether it has begun, and nothing says that it has ended.
    pub is_open: bool,
    /// What, as the log names it.
    pub event: String,
    /// Of what: the kind and which one, as the log has it; empty where data were read.
    pub about: String,
    /// The data that were read: resource and version.
    pub read: Vec<(String, i64)>,
    /// The department that acted.
    pub department: String,
    /// Who acted.
    pub principal: String,
    /// For what, as asserted.
    pub purpose: String,
    /// How it ended.
    pub outcome: Ending,
    /// Rows that left.
    pub rows: Option<u64>,
    /// Bytes that left.
    pub bytes: Option<u64>,
    /// The grants under which it was read.
    pub grants: String,
}

impl EvidenceRow {
    /// Of what it tells, in words.
    pub(crate) fn subject(&self, a: &Around<'_>, names: &Names) -> String {
        if self.read.is_empty() {
            let which = self.about.rsplit(' ').next().unwrap_or_default();
            let subject = names.subject(a, &self.about);
            return if is_uuid(which) { subject.replace(which, &last_letters(which)) } else { subject };
        }
        let read = |(code, version): &(String, i64)| of_version(a, &names.resource(a, code), *version);
        self.read.iter().map(read).collect::<Vec<_>>().join(a.say("；", "; "))
    }
}

/// Whether that is an id that the platform made, and nobody reads.
fn is_uuid(id: &str) -> bool {
    id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// The last letters of an id: those of one day begin alike.
fn last_letters(id: &str) -> String {
    id.rsplit('-').next().map(|last| format!("…{last}")).unwrap_or_default()
}

/// A version of a resource, in words.
fn of_version(a: &Around<'_>, resource: &str, version: i64) -> String {
    match a.tag() {
        "en" => format!("{resource}, version {version}"),
        _ => format!("{resource} 第 {version} 版"),
    }
}

/// Search in the evidence log, or the way to one's own receipts.
#[derive(Template)]
#[template(path = "desk/evidence.html")]
pub struct EvidenceDeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The fields of the search; without any the reader is no auditor.
    pub fields: Vec<SearchField>,
    /// What was found, oldest first.
    pub rows: Vec<EvidenceRow>,
    /// Who the people, machines and departments are.
    pub names: Names,
    /// The ways through what was found.
    pub pager: Pager,
    /// The same as a spreadsheet.
    pub sheet: String,
}

impl EvidenceDeskPage<'_> {
    fn about(&self, row: &EvidenceRow) -> String {
        row.subject(&self.a, &self.names)
    }

    /// For which department, where the name of who acted doesn't say so.
    fn department(&self, row: &EvidenceRow) -> Option<String> {
        let name = self.names.department(&row.department);
        let is_said = self.names.principal(&self.a, &row.principal).starts_with(name);
        (!name.is_empty() && !is_said).then(|| name.to_owned())
    }

    /// The grants, each with its last letters.
    fn grants<'r>(&self, row: &'r EvidenceRow) -> Vec<(&'r str, String)> {
        row.grants.split('；').filter(|id| !id.is_empty()).map(|id| (id, last_letters(id))).collect()
    }

    /// How it ended, in words, and the code of what stopped it.
    fn outcome<'r>(&self, row: &'r EvidenceRow) -> (String, &'r str) {
        let a = &self.a;
        match &row.outcome {
            Ending::None => (String::new(), ""),
            Ending::Whole => (a.say("完整", "Complete").to_owned(), ""),
            Ending::Stopped(code) => {
                let code = code.as_deref().unwrap_or_default();
                (self.because(a.say("中断", "Stopped"), code), code)
            }
            Ending::Refused(code) => (self.because(a.say("拒绝", "Refused"), code), code.as_str()),
            Ending::Epoch(kept, lost) => {
                let (kept, lost) = (a.number(kept), a.number(lost));
                let chinese = format!("保留 {kept} 条，缺失 {lost} 条");
                (a.say(&chinese, &format!("{kept} kept, {lost} lost")).to_owned(), "")
            }
            Ending::Downloads(count) => {
                let count = a.number(count);
                let chinese = format!("公开下载 {count} 次");
                (a.say(&chinese, &format!("{count} downloads")).to_owned(), "")
            }
        }
    }

    /// What happened, and why, by the code that the log has.
    fn because(&self, what: &str, code: &str) -> String {
        match ErrorCode::ALL.iter().find(|known| known.as_str() == code) {
            Some(known) => format!("{what}{}{}", self.a.say("：", ": "), title_of(*known, self.a.language)),
            None if code.is_empty() => what.to_owned(),
            None => format!("{what} {code}"),
        }
    }

    /// A time in microseconds as people read it.
    fn lasted(&self, micros: &i64) -> String {
        let milliseconds = micros.max(&0) / 1000;
        match milliseconds {
            0..1000 => format!("{milliseconds} ms"),
            1000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
            _ => format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60),
        }
    }
}

/// A line of the access log.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
pub struct AccessRow {
    /// When.
    pub at: Timestamp,
    /// Who; none for strangers.
    #[serde(default)]
    pub principal: Option<String>,
    /// From where, where that is kept.
    #[serde(default)]
    pub address: Option<String>,
    /// How.
    pub method: String,
    /// What.
    pub path: String,
    /// With which answer.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: u64,
}

/// The access log of a day 访问日志.
#[derive(Template)]
#[template(path = "desk/access_log.html")]
pub struct AccessLogPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The day.
    pub day: String,
    /// The newest lines, newest first.
    pub rows: Vec<AccessRow>,
    /// The ways through the log.
    pub pager: Pager,
    /// Whether there is a log of that day.
    pub is_there: bool,
    /// Who the people and machines are.
    pub names: Names,
}

/// One step from a leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofStep {
    /// The hash beside it, base64.
    pub sibling: String,
    /// Whether that stands on the left.
    pub is_left: bool,
    /// What both give, base64.
    pub result: String,
}

/// A record with the way from it to the root of the log.
#[derive(Debug, Clone)]
pub struct ProvenRecord {
    /// What it holds.
    pub record: EvidenceRecord,
    /// The same as JSON, readable.
    pub json: String,
    /// Place of the leaf, counted from 0.
    pub index: u64,
    /// Hash of the leaf, base64.
    pub leaf: String,
    /// The steps.
    pub steps: Vec<ProofStep>,
}

impl ProvenRecord {
    /// The hash at which the steps end.
    fn end(&self) -> &str {
        self.steps.last().map_or(&self.leaf, |step| &step.result)
    }
}

/// What evidence holds about one request, with its proof 存证回执.
#[derive(Template)]
#[template(path = "desk/proof.html")]
pub struct ProofPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Id of the request and of its receipt.
    pub id: &'a str,
    /// The records, oldest first.
    pub records: Vec<ProvenRecord>,
    /// Whether the answer has ended.
    pub ended: bool,
    /// Whether the receipt opens the commitments: its holder's does.
    pub opens: bool,
    /// The signed head of the log.
    pub checkpoint: &'a str,
    /// The log's name in it.
    pub origin: String,
    /// Records of the log in it.
    pub size: u64,
    /// The root in it, base64.
    pub root: String,
    /// Id of the key that signed the receipt.
    pub key: String,
    /// Who the people, machines and departments are.
    pub names: Names,
}

impl ProofPage<'_> {
    fn door(&self, channel: &Channel) -> &str {
        match channel {
            Channel::Api => self.a.say("接口", "API"),
            Channel::Sql => "SQL",
            Channel::File => self.a.say("文件", "Files"),
            Channel::Verification => self.a.say("核验", "Verification"),
            Channel::CommandLine => self.a.say("命令行", "Command line"),
        }
    }

    /// What a record says beside who and when: name and value.
    fn told(&self, record: &EvidenceRecord) -> Vec<(&str, String)> {
        let a = &self.a;
        let mut told = Vec::new();
        if let Event::AccessStarted { sources, .. }
        | Event::Access { sources, .. }
        | Event::AccessRefused { sources, .. } = &record.event
        {
            for source in sources {
                let grant = source
                    .grant
                    .as_ref()
                    .map_or(a.say("本部门数据", "own data"), |grant| grant.as_str());
                let resource = self.names.resource(a, source.resource.as_str());
                let version = of_version(a, &resource, source.version);
                let text = format!("{version} · {grant}");
                told.push((a.say("数据、版本与授权", "Data, version, grant"), text));
                told.push((a.say("策略摘要", "Digest of the policy"), source.policy_digest.clone()));
            }
        }
        match &record.event {
            Event::Access { rows, bytes, .. } | Event::AccessEnded { rows, bytes, .. } => {
                told.push((a.say("行数", "Rows"), a.number(rows)));
                told.push((a.say("字节", "Bytes"), a.number(bytes)));
            }
            Event::AccessRefused { code, .. } => {
                let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
                let words = known.map_or("", |known| title_of(*known, a.language));
                told.push((a.say("拒绝原因", "Refused"), format!("{words} {code}").trim_start().to_owned()));
            }
            Event::Changed { entity, entity_digest, .. } => {
                told.push((a.say("对象", "Of"), self.names.subject(a, entity)));
                told.push((a.say("新状态摘要", "Digest of its new state"), entity_digest.clone()));
            }
            Event::OpenDownloads { resource, count, .. } => {
                told.push((
                    a.say("公开下载", "Open downloads"),
                    format!("{} · {count}", self.names.resource(a, resource.as_str())),
                ));
            }
            Event::AccessStarted { .. } | Event::EpochStarted { .. } => {}
        }
        told
    }

    /// The steps as commands of openssl, which trust nobody but the file of keys.
    fn script(&self) -> String {
        let mut script = String::new();
        for (number, proven) in self.records.iter().enumerate() {
            script.push_str(&format!(
                "jq -jcS '.records[{number}]' receipt.json | (printf '\\0'; cat) | openssl dgst -sha256 -binary > node\n"
            ));
            for step in &proven.steps {
                let sibling = format!("echo {} | base64 -d", step.sibling);
                let parts = match step.is_left {
                    true => format!("{sibling}; cat node"),
                    false => format!("cat node; {sibling}"),
                };
                script.push_str(&format!(
                    "(printf '\\1'; {parts}) | openssl dgst -sha256 -binary > next; mv next node\n"
                ));
            }
            script.push_str(&format!("base64 node   # {}\n", self.root));
        }
        script.push_str(&format!(
            "jq -r .checkpoint receipt.json | head -n 3 > note\n\
             jq -r .checkpoint receipt.json | grep '^— {} ' | head -n 1 | cut -d' ' -f3 | base64 -d | tail -c 64 > signature\n\
             (printf '0*0\\005\\006\\003+ep\\003!\\0'; jq -r '.keys[] | select(.kid==\"{}\").x' jwks.json | tr -- '-_' '+/' | sed 's/$/=/' | base64 -d) | openssl pkey -pubin -inform DER -out key.pem\n\
             openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in note -sigfile signature\n",
            self.origin, self.key
        ));
        script
    }
}
