//! What roles may do. Reading data is not here: that is decided by grants alone.

use serde::{Deserialize, Serialize};

use super::decide::{DecidedBy, Decision, Effect};
use crate::context::{Principal, PrincipalKind, Role};
use crate::error::ErrorCode;
use crate::ids::DepartmentId;

/// Everything that can be done other than reading data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Create and change departments.
    ManageDepartments,
    /// Propose, confirm and call off that departments continue others or take resources over.
    Reorganise,
    /// Create people, give and take roles.
    ManagePeople,
    /// Register, rotate and revoke keys.
    ManageKeys,
    /// Write, import and submit directory entries of a department.
    EditDirectory,
    /// Approve, return, reject or withdraw what another person of the department submitted.
    ReviewDirectory,
    /// Upload and check data of a department.
    IngestData,
    /// Make a version visible, or withdraw one.
    PublishData,
    /// Approve a breaking change of a dataset's shape.
    ReviewData,
    /// Approve that items become open to the public.
    ReviewOpening,
    /// Make and revoke grants on a department's resources.
    ManageGrants,
    /// Open matters 办件 in the name of one's department, or as a developer, and follow them.
    Apply,
    /// Issue and revoke bearer tickets for oneself.
    IssueTickets,
    /// Read evidence and access logs.
    ReadEvidence,
    /// See all lights, breaches and anomalies, and the assessment of departments.
    Supervise,
    /// Tell a person who saw its record in a department's data.
    TraceSubject,
    /// Erase garbage, run checks on the folder.
    MaintainStorage,
    /// Look at feedback on a department's datasets before it is shown, and answer it.
    AnswerFeedback,
    /// Look at whatever the public contributes before it is shown, and decide otherwise than a provider did.
    ReviewContributions,
}

impl Action {
    /// All actions, in documentation order.
    pub const ALL: [Action; 19] = [
        Action::ManageDepartments,
        Action::Reorganise,
        Action::ManagePeople,
        Action::ManageKeys,
        Action::EditDirectory,
        Action::ReviewDirectory,
        Action::IngestData,
        Action::PublishData,
        Action::ReviewData,
        Action::ReviewOpening,
        Action::ManageGrants,
        Action::Apply,
        Action::IssueTickets,
        Action::ReadEvidence,
        Action::Supervise,
        Action::TraceSubject,
        Action::MaintainStorage,
        Action::AnswerFeedback,
        Action::ReviewContributions,
    ];

    /// What it is, for people: in English, then in Chinese.
    pub fn label(self) -> &'static str {
        match self {
            Self::ManageDepartments => "changing departments 管理部门",
            Self::Reorganise => "reorganising departments 机构改革",
            Self::ManagePeople => "changing people and roles 管理人员",
            Self::ManageKeys => "changing keys 管理密钥",
            Self::EditDirectory => "writing directory entries 编制目录",
            Self::ReviewDirectory => "reviewing directory entries 审核目录",
            Self::IngestData => "uploading data 汇集数据",
            Self::PublishData => "publishing and withdrawing data 发布数据",
            Self::ReviewData => "reviewing breaking changes of data 审核数据结构变更",
            Self::ReviewOpening => "opening data to the public 审核开放",
            Self::ManageGrants => "deciding on grants 授权",
            Self::Apply => "applying and following matters 申请办件",
            Self::IssueTickets => "issuing tickets 签发凭证",
            Self::ReadEvidence => "reading evidence 查阅存证",
            Self::Supervise => "supervising and assessing 监察考核",
            Self::TraceSubject => "tracing who saw a person's record 查询谁看过我",
            Self::MaintainStorage => "maintaining the storage 维护存储",
            Self::AnswerFeedback => "answering feedback 回复评价",
            Self::ReviewContributions => "reviewing what the public contributes 审核公众参与",
        }
    }

    /// The roles that may do it, and whether only within their own department.
    fn allowed(self) -> (&'static [Role], bool) {
        match self {
            Self::ManageDepartments => (&[Role::SystemAdministrator, Role::AuthorityOfficer], false),
            Self::Reorganise => (&[Role::AuthorityOfficer], false),
            Self::ManagePeople | Self::ManageKeys => (&[Role::SecurityAdministrator], false),
            Self::EditDirectory => (&[Role::DirectoryEditor], true),
            Self::ReviewDirectory => (&[Role::Reviewer], true),
            Self::IngestData | Self::PublishData => (&[Role::DataSteward], true),
            Self::ReviewData | Self::ReviewOpening => (&[Role::Reviewer], true),
            Self::ManageGrants => (&[Role::Approver], true),
            Self::Apply => (
                &[
                    Role::AuthorityOfficer,
                    Role::DirectoryEditor,
                    Role::DataSteward,
                    Role::Analyst,
                    Role::Developer,
                ],
                false,
            ),
            Self::IssueTickets => (&[Role::Analyst, Role::DataSteward, Role::Developer], false),
            Self::ReadEvidence => (&[Role::Auditor], false),
            Self::Supervise => (&[Role::AuthorityOfficer, Role::Auditor], false),
            Self::TraceSubject => (&[Role::Approver], true),
            Self::MaintainStorage => (&[Role::SystemAdministrator], false),
            Self::AnswerFeedback => (&[Role::DataSteward, Role::Reviewer], true),
            Self::ReviewContributions => (&[Role::AuthorityOfficer], false),
        }
    }
}

/// Decides whether the principal may do the action to something of the department.
///
/// A department's machine may do what its data steward and directory editor may: push entries and data, never
/// review, grant or administer.
pub fn decide_action(principal: &Principal, action: Action, owner: Option<&DepartmentId>) -> Decision {
    let (roles, own_only) = action.allowed();
    let machine = principal.kind == PrincipalKind::Machine
        && matches!(
            action,
            Action::EditDirectory
                | Action::IngestData
                | Action::PublishData
                | Action::Apply
                | Action::IssueTickets
        );
    let role =
        roles.iter().copied().find(|role| principal.has(*role)).or(machine.then_some(Role::DataSteward));
    let Some(role) = role else {
        let needed: Vec<_> = roles.iter().map(|role| role.label()).collect();
        let reason = format!("{} needs one of the roles {}", action.label(), needed.join(", "));
        return Decision::deny(ErrorCode::Forbidden, reason);
    };
    if own_only && owner.is_none_or(|owner| !principal.acts_for(owner)) {
        let reason = format!(
            "{} is for the department that it concerns: {}",
            action.label(),
            owner.map_or("none is named", |owner| owner.as_str())
        );
        return Decision::deny(ErrorCode::Forbidden, reason);
    }
    Decision { effect: Effect::Permit, determined_by: DecidedBy::Role { role }, obligations: None }
}
