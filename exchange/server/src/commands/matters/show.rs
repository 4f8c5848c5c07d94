//! A matter as people see it: what a step has made of it, or all that there is to decide on.

use std::collections::BTreeSet;

use catalog_core::Timestamp;
use catalog_core::deadline::Light;
use catalog_core::matter::{
    Applicant, Application, Ask, By, Content, Event, Machine, Matter, OpeningTerms, Step,
};
use catalog_core::services::MatterView;

use crate::commands::names::Names;
use crate::output;

/// The word of an event, as the command line takes it.
pub(super) fn spelled(event: Event) -> String {
    word(&event).replace('_', "-")
}

/// As the API writes it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Where it stands, and what comes next.
pub(super) fn brief(view: &MatterView) {
    let matter = &view.matter;
    output::done(format!("{} {}: {}", matter.number, matter.kind(), matter.state));
    findings(matter);
    for part in &view.parts {
        output::line(format!("  {part}"));
    }
    ahead(view);
}

/// What there is to decide on.
pub(super) fn whole(view: &MatterView, names: &Names) {
    let matter = &view.matter;
    output::done(format!("{} {}: {}", matter.number, matter.kind(), matter.state));
    let handler = matter.handler.department.as_ref();
    let handler = handler.map_or("共享主管部门".to_owned(), |department| names.department(department));
    output::line(format!("  申请人 {}", names.applicant(&matter.applicant)));
    output::line(format!("  承办 {handler}，{}", matter.handler.role.label()));
    if let Some(parent) = &matter.parent {
        output::line(format!("  来自 {parent}"));
    }
    content(&matter.content, names).iter().for_each(|text| output::line(format!("  {text}")));
    findings(matter);
    for part in &view.parts {
        output::line(format!("  分办 {part}"));
    }
    for grant in &matter.grants {
        output::line(format!("  授权 {grant}"));
    }
    output::line("  办理");
    matter.history.iter().for_each(|step| output::line(format!("    {}", taken(step))));
    ahead(view);
}

fn findings(matter: &Matter) {
    let Content::SecrecyReview(review) = &matter.content else { return };
    for finding in &review.findings {
        output::line(format!("  {} × {} {}", finding.rows, listed(&finding.columns), finding.rule));
    }
}

fn listed(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("、")
}

fn taken(step: &Step) -> String {
    let event = step.event.map_or("提出".to_owned(), |event| event.to_string());
    let by = step.by.as_deref().unwrap_or("平台");
    let grounds = [&step.reason, &step.legal_basis];
    let grounds: String = grounds.into_iter().flatten().map(|text| format!("，{text}")).collect();
    format!("{}  {event}（{}）  {by}{grounds}", step.at.shanghai_text(), step.state)
}

fn content(content: &Content, names: &Names) -> Vec<String> {
    match content {
        Content::Application(application) => application_lines(application),
        Content::Provision(part) => {
            let mut lines = application_lines(&part.application);
            let proposed = part.proposed.iter().flatten().flat_map(ask_lines);
            lines.extend(proposed.map(|line| format!("初审拟定 {line}")));
            lines
        }
        Content::EmergencyGrant(emergency) => {
            let mut lines = vec![format!("授予 {}", names.department(&emergency.grantee))];
            lines.extend(grounds(&emergency.purpose, &emergency.legal_basis));
            lines.push(format!("期限 {} 小时", emergency.hours));
            lines.extend(ask_lines(&emergency.ask));
            lines
        }
        Content::GrantImport(import) => {
            let mut lines = vec![format!("授予 {}", names.department(&import.grantee))];
            lines.extend(grounds(&import.purpose, &import.legal_basis));
            lines.push(format!("批准 {} {}", import.approved_by, import.document_number));
            lines.push(term(Some(import.valid_until)));
            lines.extend(ask_lines(&import.ask));
            lines
        }
        Content::SecrecyReview(review) => opening_lines(&review.opening),
        Content::Objection(objection) => {
            let mut lines = vec![format!("异议 {} {}", word(&objection.subject), objection.resource)];
            lines.extend(objection.user.as_ref().map(|user| format!("使用部门 {}", names.department(user))));
            lines.push(format!("说明 {}", objection.description));
            lines.extend(objection.receipt.as_ref().map(|receipt| format!("回执 {receipt}")));
            lines
        }
        Content::Demand(demand) => {
            let mut lines = vec![format!("数据 {}：{}", demand.title, demand.items.join("、"))];
            lines.extend(grounds(&demand.purpose, &demand.legal_basis));
            lines
        }
        Content::OpeningItem(item) => vec![format!(
            "计划 {} 年 {} {}，{} 前",
            item.year,
            names.department(&item.department),
            item.title,
            item.due
        )],
        Content::Disclosure(request) => vec![format!("公开 {}（{}）", request.title, request.form)],
        Content::Letter(letter) => vec![format!("来信 {}", letter.title)],
        Content::CorrectionNotice(notice) => vec![format!(
            "更正 {}：第 {} 版起有误，第 {} 版已更正，见 {}",
            notice.resource, notice.wrong_since, notice.corrected_by, notice.objection
        )],
    }
}

fn application_lines(application: &Application) -> Vec<String> {
    let mut lines = grounds(&application.purpose, &application.legal_basis).to_vec();
    lines.push(term(Some(application.valid_until)));
    lines.extend(application.renews.as_ref().map(|renewed| format!("续期 {renewed}")));
    lines.extend(application.asks.iter().flat_map(ask_lines));
    lines
}

fn opening_lines(opening: &OpeningTerms) -> Vec<String> {
    let mut lines = vec![format!("依据 {}", opening.legal_basis), term(opening.valid_until)];
    lines.push(match &opening.condition {
        None => "开放 向社会无条件开放".to_owned(),
        Some(condition) => format!("开放 有条件：{condition}"),
    });
    lines.extend(ask_lines(&opening.ask()));
    lines
}

fn grounds(purpose: &str, legal_basis: &str) -> [String; 2] {
    [format!("用途 {purpose}"), format!("依据 {legal_basis}")]
}

fn term(until: Option<Timestamp>) -> String {
    format!("期限至 {}", until.map_or("不限".to_owned(), Timestamp::shanghai_end))
}

fn ask_lines(ask: &Ask) -> Vec<String> {
    let doors: Vec<_> = ask.doors.iter().map(word).collect();
    let mut lines = vec![
        format!("资源 {}", ask.resource),
        format!("  信息项 {}", listed(&ask.items)),
        format!("  行条件 {}", ask.filter.as_ref().map_or("全部".to_owned(), word)),
        format!("  方式 {}", doors.join("、")),
    ];
    lines.extend(ask.masks.iter().map(|(column, mask)| format!("  脱敏 {column} {}", word(mask))));
    if let Some(statistics) = &ask.statistics {
        lines.push(format!("  仅统计，每组不少于 {}", statistics.min_group));
    }
    lines
}

/// The caller's steps, or else who has the next; and until when.
fn ahead(view: &MatterView) {
    let matter = &view.matter;
    if !view.yours.is_empty() {
        let next: Vec<_> = view.yours.iter().map(|event| format!("{} {event}", spelled(*event))).collect();
        output::line(format!("  next: {}", next.join(", ")));
    } else if !matter.state.is_settled() {
        let machine = Machine::of(matter.kind());
        let rules = view.next.iter().filter_map(|event| machine.rule(matter.state, *event));
        // Who may only take back what was asked is not who it waits for.
        let rules = rules.filter(|rule| rule.event != Event::Withdraw);
        let who: BTreeSet<_> = rules.filter_map(|rule| actor(matter, rule.by)).collect();
        if !who.is_empty() {
            output::line(format!("  waits for {}", who.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    if let Some(due) = view.due {
        let light = view.light.map_or("", |light| match light {
            Light::Paused => ", paused 停计",
            Light::Green => ", green 绿灯",
            Light::Yellow => ", yellow 黄灯",
            Light::Red => ", red 红灯",
        });
        output::line(format!("  due {}{light}", due.shanghai_end()));
    }
}

/// Who brings a step about, as `--as` names them; the platform itself is nobody.
fn actor(matter: &Matter, by: By) -> Option<String> {
    let handler = || {
        let department = matter.handler.department.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{department}:{}", word(&matter.handler.role))
    };
    match by {
        By::Machine => None,
        By::Applicant => Some(match &matter.applicant {
            Applicant::Department(department) => department.to_string(),
            Applicant::Developer(account) => account.clone(),
            Applicant::Authority => ":authority_officer".to_owned(),
            Applicant::Public(_) => "the applicant".to_owned(),
        }),
        By::Handler => Some(handler()),
        By::SecondHandler => Some(format!("{}, another person", handler())),
        By::Authority => Some(":authority_officer".to_owned()),
        By::SecondAuthority => Some(":authority_officer, another person".to_owned()),
    }
}
