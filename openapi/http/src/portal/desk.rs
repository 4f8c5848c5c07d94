//! The desk 工作台: pages for people of departments, and for those who run the platform. Each calls the services that the API
//! calls, as the person who is signed in.

mod data;
mod entries;
mod grants;
mod matters;
mod openings;
mod oversight;
mod reviews;
mod sent;
mod why;

use std::sync::Arc;

use axum::response::Response;
use catalog_core::context::Principal;
use catalog_core::policy::{Action, decide_action};
use openapi_portal::{DeskPage, DeskPart};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::matters::{open_matters, summary};
pub(super) use self::oversight::CLAIM;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::problem::Refusal;

/// A section of the desk, with the actions of which its readers may do one: address, Chinese and English name.
type Section = (&'static [Action], (&'static str, &'static str, &'static str));

/// The sections of the desk by what they are for, in the order in which they are shown. What waits for people comes first, and
/// under no heading.
const PARTS: &[(&str, &str, &[Section])] = &[
    ("", "", WORK),
    ("目录与数据", "Directory and data", DATA),
    ("授权与凭证", "Grants and tickets", SHARING),
    ("监督与存证", "Oversight and evidence", OVERSIGHT),
    ("平台管理", "The platform", PLATFORM),
    ("", "", ACCOUNT),
];

const WORK: &[Section] = &[
    (MATTERS, ("/desk/matters", "办件", "Matters")),
    (
        &[Action::ReviewDirectory, Action::ReviewData, Action::ReviewOpening],
        ("/desk/reviews", "待审核", "Reviews"),
    ),
    (
        &[Action::AnswerFeedback, Action::ReviewContributions],
        ("/desk/feedback", "评价审核与回复", "Feedback"),
    ),
    (&[Action::ReviewContributions], ("/desk/gallery", "应用成果审核", "Gallery")),
];

const DATA: &[Section] = &[
    (&[Action::EditDirectory, Action::ReviewDirectory], ("/desk/directory", "目录编制", "Directory")),
    (&[Action::IngestData, Action::PublishData, Action::ReviewData], ("/desk/datasets", "数据挂接", "Data")),
    (
        &[Action::EditDirectory, Action::IngestData, Action::ReviewOpening],
        ("/desk/openings", "开放与保密审查", "Openings"),
    ),
];

const SHARING: &[Section] = &[
    (GRANTS, ("/desk/grants", "授权", "Grants")),
    (&[Action::IssueTickets], ("/desk/tickets", "访问凭证", "Tickets")),
    (GRANTS, ("/desk/why", "谁能看什么", "Who may see what")),
];

const OVERSIGHT: &[Section] = &[
    (&[Action::Supervise], ("/desk/supervision", "电子监察", "Supervision")),
    (&[Action::Supervise], ("/desk/assessment", "考核评估", "Assessment")),
    (REPORTS, ("/desk/reports", "年度报告", "Annual reports")),
    (EVIDENCE, ("/desk/evidence", "存证", "Evidence")),
    (&[Action::TraceSubject, Action::ReadEvidence], ("/desk/trace", "谁看过我", "Who saw a record")),
    (&[Action::ReadEvidence], ("/desk/access-log", "访问日志", "Access log")),
];

const PLATFORM: &[Section] = &[
    (&[Action::ManagePeople], ("/desk/people", "人员与角色", "People and roles")),
    (&[Action::ManagePeople], ("/desk/contacts", "开发者联系方式", "Developers' addresses")),
    (&[Action::ManagePeople], ("/desk/substitutions", "代办", "Substitutes")),
    (&[Action::ManageKeys], ("/desk/keys", "密钥", "Keys")),
    (&[Action::ManageDepartments], ("/desk/departments", "部门", "Departments")),
    (&[Action::Reorganise], ("/desk/successions", "机构改革", "Reorganisation")),
    (&[Action::MaintainStorage], ("/desk/maintenance", "运行维护", "Maintenance")),
];

const ACCOUNT: &[Section] = &[(&Action::ALL, ("/desk/account", "我的账号", "My account"))];

/// What people do in matters.
const MATTERS: &[Action] =
    &[Action::Apply, Action::ManageGrants, Action::ReviewData, Action::ReviewOpening, Action::Supervise];
/// What people do about grants.
const GRANTS: &[Action] = &[Action::Apply, Action::ManageGrants, Action::ReviewOpening, Action::Supervise];
/// What is counted in the reports of a year.
const REPORTS: &[Action] = &[
    Action::Supervise,
    Action::EditDirectory,
    Action::IngestData,
    Action::ManageGrants,
    Action::ReviewDirectory,
];
/// What leaves evidence that its department reads.
const EVIDENCE: &[Action] =
    &[Action::ReadEvidence, Action::Apply, Action::ManageGrants, Action::ReviewDirectory, Action::Supervise];

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_desk))
        .merge(entries::routes())
        .merge(data::routes())
        .merge(openings::routes())
        .merge(reviews::routes())
        .merge(matters::routes())
        .merge(grants::routes())
        .merge(why::routes())
        .merge(oversight::routes())
}

/// The parts of the desk that open to somebody.
pub(super) fn parts(principal: &Principal) -> Vec<DeskPart> {
    let may = |action: &Action| {
        decide_action(principal, *action, principal.department.as_ref()).into_permission().is_ok()
    };
    let open = |sections: &[Section]| -> Vec<_> {
        let open = sections.iter().filter(|(actions, _)| actions.iter().any(may));
        open.map(|(_, section)| *section).collect()
    };
    let parts = PARTS.iter().map(|&(chinese, english, sections)| DeskPart {
        chinese,
        english,
        sections: open(sections),
    });
    parts.filter(|part| !part.sections.is_empty()).collect()
}

/// Whether a form with a spreadsheet of the directory is sent there.
pub(crate) fn takes_sheet(path: &str) -> bool {
    path == "/desk/directory/import"
}

/// Whether a form with a file of data is sent there.
pub(crate) fn takes_file(path: &str) -> bool {
    let is_sent = path.ends_with("/upload") || path.ends_with("/materials");
    path.starts_with("/desk/datasets/") && is_sent
}

/// The desk of whoever is signed in
#[utoipa::path(get, path = "/desk", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_desk(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let open = open_matters(&visit).await?;
    let matters = match &open {
        Some((views, more)) => Some(summary(&visit, views, *more).await),
        None => None,
    };
    let reviews = reviews::waiting(&visit).await?;
    visit.page(&DeskPage { a: visit.around(), matters, reviews })
}
