//! The cover page: what the bundle proves and how to check it, readable without the product.

use catalog_core::Timestamp;
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::matter::Event as Step;
use exchange_auth::JwkSet;
use exchange_crypto::Digest;
use exchange_ledger::note::NoteKey;

use super::super::names::Names;
use super::Case;
use super::grounds::State;

const TITLE: &str = "政务数据共享电子存证";
const STYLE: &str = "body{font:16px/1.7 serif;max-width:50em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;\
    width:100%;margin:1em 0}td,th{border:1px solid #888;padding:.3em .6em;text-align:left;vertical-align:top;\
    word-break:break-all}th{width:9em;font-weight:normal;background:#eee}code{word-break:break-all}";

/// A part of the page: a heading, sentences, and rows of a table.
struct Part {
    heading: String,
    sentences: Vec<String>,
    rows: Vec<(String, String)>,
}

/// The page as HTML that loads nothing.
pub(super) fn html(cases: &[Case], keys: &JwkSet, witnesses: &[NoteKey], names: &Names) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<meta charset=\"utf-8\">\n<title>{TITLE}</title>\n<style>{STYLE}</style>\n\
         <h1>{TITLE}</h1>\n"
    );
    for Part { heading, sentences, rows } in parts(cases, keys, witnesses, names) {
        out += &format!("<h2>{}</h2>\n", escaped(&heading));
        sentences.iter().for_each(|sentence| out += &format!("<p>{}</p>\n", escaped(sentence)));
        if !rows.is_empty() {
            out += "<table>\n";
            for (name, value) in rows {
                out += &format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(&name), escaped(&value));
            }
            out += "</table>\n";
        }
    }
    out + "</html>\n"
}

/// The same as plain text.
pub(super) fn text(cases: &[Case], keys: &JwkSet, witnesses: &[NoteKey], names: &Names) -> String {
    let mut out = format!("{TITLE}\n");
    for Part { heading, sentences, rows } in parts(cases, keys, witnesses, names) {
        out += &format!("\n{}\n", on_one_line(&heading));
        sentences.iter().for_each(|sentence| out += &format!("  {}\n", on_one_line(sentence)));
        rows.iter().for_each(|(name, value)| {
            out += &format!("  {}：{}\n", on_one_line(name), on_one_line(value));
        });
    }
    out
}

/// What people of other departments wrote is shown, and never obeyed.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            _ if is_misleading(character) => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if is_misleading(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and those that turn the direction of what follows.
fn is_misleading(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn parts(cases: &[Case], keys: &JwkSet, witnesses: &[NoteKey], names: &Names) -> Vec<Part> {
    let mut parts = vec![purpose(cases.len())];
    for (number, case) in (1..).zip(cases) {
        parts.extend(of_case(number, case, names));
    }
    parts.extend([of_keys(keys, witnesses), by_hand(), by_program()]);
    parts
}

fn sentences(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn purpose(count: usize) -> Part {
    let mut all = vec![format!(
        "本压缩包含 {count} 份数据访问回执，供法院、复议机关和审计机关独立核验，不需要本系统。"
    )];
    all.extend(sentences(&[
        "每份回执证明：何时、由哪个部门、为何种用途、依据哪项授权，读取了哪个资源的哪个版本，提供了多少行数据。",
        "回执由平台签名；其中每条记录都在只能追加的存证日志（默克尔树，RFC 9162）中，日志的检查点由平台签名，并可由独立见证人联署。\
         改动任何一条记录的任何一个字节，核验都不会通过。",
        "附有授权和办件的，可核验其内容与记录中的摘要一致：是谁提出、谁审核、谁决定，依据什么。",
        "日志不保存查询语句、数据内容和个人标识，只保存加盐摘要（承诺）。附有答复的，可核验答复与记录中的承诺一致。",
        "本封面（部门名称取自出具时的部门目录）和 receipt.json 由出具方整理，如与 check.sh 核验后打印的记录不一致，以后者为准；check.sh 可与数桥公开源代码中的同名文件比对。",
        "核验只证明记录与答复未被改动、由所列公钥签名；公钥是否属于该平台，请与平台公布的公钥（/.well-known/jwks.json）或见证人处的记录比对。",
    ]));
    Part { heading: "一、本包证明什么".to_owned(), sentences: all, rows: Vec::new() }
}

fn of_case(number: usize, case: &Case, names: &Names) -> Vec<Part> {
    let mut rows = vec![("文件".to_owned(), format!("receipts/{number:03}/receipt.json"))];
    rows.push(("出具时间".to_owned(), case.receipt.issued_at.shanghai_text()));
    for record in &case.receipt.records {
        rows.extend(of_record(record, names));
    }
    let ended = if case.receipt.ended { "已结束" } else { "出具时尚未结束" };
    rows.push(("答复状态".to_owned(), ended.to_owned()));
    let answer = match &case.answer {
        Some(answer) => format!("已附，{} 字节，SHA-256 {}", answer.len(), Digest::of(answer).to_hex()),
        None => "未附".to_owned(),
    };
    rows.push(("答复原文".to_owned(), answer));
    case.states.iter().for_each(|state| rows.extend(of_state(state, names)));
    vec![Part { heading: format!("回执 {number}"), sentences: Vec::new(), rows }]
}

/// What the decision says: of a grant what it gives, of a matter who did what.
fn of_state(state: &State, names: &Names) -> Vec<(String, String)> {
    let named = |name: &str, value: String| (name.to_owned(), value);
    match state {
        State::Grant(grant) => {
            let terms = &grant.terms;
            let items: Vec<_> = terms.items.iter().map(ToString::to_string).collect();
            let rows = terms.filter.as_ref().map_or("全部".to_owned(), json);
            let until = terms.valid_until.map_or("不限".to_owned(), Timestamp::shanghai_text);
            let from = terms.valid_from.unwrap_or(grant.created_at).shanghai_text();
            vec![
                named("授权", grant.id.to_string()),
                named("授予", names.grantee(&terms.grantee)),
                named("资源及信息项", format!("{}：{}", terms.resource, items.join("、"))),
                named("行条件", rows),
                named("脱敏", if terms.masks.is_empty() { "无".to_owned() } else { json(&terms.masks) }),
                named("授权用途", terms.purpose.clone().unwrap_or_else(|| "不限".to_owned())),
                named("依据", terms.legal_basis.clone()),
                named("授权期限", format!("{from} 至 {until}")),
            ]
        }
        State::Matter(matter) => {
            let mut rows = vec![
                named("办件", format!("{} {}", matter.number, matter.kind())),
                named("申请人", names.applicant(&matter.applicant)),
            ];
            let steps = matter.history.iter().map(|step| {
                let event = step.event.map_or("提出".to_owned(), |event| event.to_string());
                let by = step.by.as_deref().unwrap_or("平台");
                let grounds = [&step.reason, &step.legal_basis];
                let grounds =
                    grounds.into_iter().flatten().map(|text| format!("，{text}")).collect::<String>();
                named("办理", format!("{} {event}（{}），{by}{grounds}", step.at.shanghai_text(), step.state))
            });
            rows.extend(steps);
            rows
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn of_record(record: &EvidenceRecord, names: &Names) -> Vec<(String, String)> {
    let actor = &record.actor;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "未注明".to_owned());
    let mut rows = vec![
        ("记录时间".to_owned(), record.at.shanghai_text()),
        ("请求编号".to_owned(), record.request_id.clone()),
        ("部门".to_owned(), actor.department.as_ref().map_or("无".to_owned(), |id| names.department(id))),
        ("主体（公钥或账号）".to_owned(), actor.id.clone()),
        ("操作人".to_owned(), text(&actor.operator)),
        ("用途".to_owned(), text(&actor.purpose)),
        ("办件号".to_owned(), text(&actor.matter)),
    ];
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    match &record.event {
        Event::AccessStarted { sources, .. }
        | Event::Access { sources, .. }
        | Event::AccessRefused { sources, .. } => {
            for source in sources {
                let grant =
                    source.grant.as_ref().map_or("本部门数据".to_owned(), |id| format!("授权 {id}"));
                row("读取", format!("{} 第 {} 版，{grant}", source.resource, source.version));
                row("数据与策略摘要", format!("{} / {}", source.manifest_digest, source.policy_digest));
            }
        }
        _ => {}
    }
    match &record.event {
        Event::Access { rows, bytes, .. } => row("提供", format!("{rows} 行，{bytes} 字节，完整")),
        Event::AccessEnded { rows, bytes, complete, stopped_by, .. } => {
            let whole = if *complete { "完整".to_owned() } else { format!("中断 {}", text(stopped_by)) };
            row("提供", format!("{rows} 行，{bytes} 字节，{whole}"));
        }
        Event::AccessRefused { code, .. } => row("拒绝", code.clone()),
        Event::Changed { action, entity, .. } => row("变更", format!("{} {entity}", in_words(action))),
        _ => {}
    }
    rows
}

/// An action with its Chinese name, where it has one.
fn in_words(action: &str) -> String {
    let label = match action {
        "grant.created" => Some("授权"),
        "grant.revoked" => Some("撤销授权"),
        "matter.opened" => Some("提出办件"),
        _ => action.strip_prefix("matter.").and_then(|word| {
            let event = serde_json::from_value::<Step>(serde_json::Value::String(word.to_owned()));
            event.ok().map(Step::label)
        }),
    };
    label.map_or(action.to_owned(), |label| format!("{label}（{action}）"))
}

fn of_keys(keys: &JwkSet, witnesses: &[NoteKey]) -> Part {
    let time = |seconds: Option<i64>, none: &str| {
        let time = seconds.map(|seconds| Timestamp(seconds.saturating_mul(1_000_000)).shanghai_text());
        time.unwrap_or_else(|| none.to_owned())
    };
    let platform = keys.keys.iter().map(|key| {
        let period = format!("{} 至 {}", time(key.nbf, "不限"), time(key.exp, "今"));
        (format!("keys/{}.pem", key.kid), format!("平台公钥 {}，有效期 {period}", key.crv))
    });
    let witnesses = (1..).zip(witnesses);
    let witnesses = witnesses
        .map(|(number, key)| (format!("keys/witness-{number}.pem"), format!("见证人 {} 的公钥", key.name())));
    Part {
        heading: "二、公钥及其历史".to_owned(),
        sentences: sentences(&["keys/jwks.json 是平台历次公钥及有效期；同名 .pem 文件供 openssl 使用。"]),
        rows: platform.chain(witnesses).collect(),
    }
}

fn by_hand() -> Part {
    let rows = [
        ("全部核验", "sh check.sh"),
        ("文件清单", "sha256sum -c SHA256SUMS"),
        (
            "回执签名（JWS，RFC 7515、8037）",
            "openssl pkeyutl -verify -pubin -inkey keys/公钥.pem -rawin -in receipts/001/statement.body -sigfile receipts/001/statement.sig",
        ),
        (
            "检查点签名（C2SP tlog-checkpoint）",
            "openssl pkeyutl -verify -pubin -inkey keys/公钥.pem -rawin -in receipts/001/checkpoint.body -sigfile receipts/001/checkpoint.sig",
        ),
        (
            "记录在日志中（RFC 9162）",
            "叶子 = SHA-256(0x00 ‖ leaf.json)；逐个 step 文件：left 为 SHA-256(0x01 ‖ step ‖ 当前值)，right 为 SHA-256(0x01 ‖ 当前值 ‖ step)；\
             最后的值等于 checkpoint.body 第三行",
        ),
        ("授权和办件", "sha256sum state.json，结果等于 leaf.json 中的 entity_digest"),
        ("答复", "cat answer.salt answer | sha256sum，结果等于 leaf.json 中的 answer_commitment"),
    ];
    let rows = rows.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Part {
        heading: "三、用通用工具核验".to_owned(),
        sentences: sentences(&[
            "只需要 openssl（3.0 以上）和 sha256sum。每个 .body 文件是被签名的原文，.sig 是签名，.key 指明所用公钥。",
            "公钥为国密 SM2 的，核验签名的命令另加 -digest sm3 -pkeyopt distid:1234567812345678。",
        ]),
        rows: rows.to_vec(),
    }
}

fn by_program() -> Part {
    Part {
        heading: "四、用数桥程序核验".to_owned(),
        sentences: sentences(&[
            "shuqiao verify receipts/001/receipt.json --keys keys/jwks.json",
            "附有答复的：shuqiao verify receipts/001/receipt.json receipts/001/records/01/answer --keys keys/jwks.json（分段答复的结束记录在 records/02）",
        ]),
        rows: Vec::new(),
    }
}
