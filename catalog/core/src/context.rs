//! Who acts, for what, through which door and when: the first argument of every operation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::DepartmentId;
use crate::time::Timestamp;

/// What a person or machine may do. The three administrators (三员) are never two in one person, and none of them reads data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 系统管理员: departments, configuration, storage.
    SystemAdministrator,
    /// 安全管理员: people, roles, keys.
    SecurityAdministrator,
    /// 审计员: reads evidence and access logs.
    Auditor,
    /// 政务数据共享主管部门 officer: runs the directory, arbitrates, assesses.
    AuthorityOfficer,
    /// 目录编制员: writes a department's directory entries.
    DirectoryEditor,
    /// 数据管理员: uploads, publishes and withdraws a department's data.
    DataSteward,
    /// 审核员: reviews what an editor or steward of the department submits.
    Reviewer,
    /// 审批员: decides applications to a department's resources.
    Approver,
    /// 分析员: reads data under the department's grants.
    Analyst,
    /// 注册开发者: belongs to no department.
    Developer,
}

impl Role {
    /// All roles, in the order in which documents list them.
    pub const ALL: [Role; 10] = [
        Role::SystemAdministrator,
        Role::SecurityAdministrator,
        Role::Auditor,
        Role::AuthorityOfficer,
        Role::DirectoryEditor,
        Role::DataSteward,
        Role::Reviewer,
        Role::Approver,
        Role::Analyst,
        Role::Developer,
    ];

    /// The role as people and the command line call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::SystemAdministrator => "system_administrator 系统管理员",
            Self::SecurityAdministrator => "security_administrator 安全管理员",
            Self::Auditor => "auditor 审计员",
            Self::AuthorityOfficer => "authority_officer 主管部门人员",
            Self::DirectoryEditor => "directory_editor 目录编制员",
            Self::DataSteward => "data_steward 数据管理员",
            Self::Reviewer => "reviewer 审核员",
            Self::Approver => "approver 审批员",
            Self::Analyst => "analyst 分析员",
            Self::Developer => "developer 注册开发者",
        }
    }

    /// Whether the role is held in a department, and not for the whole platform.
    pub fn is_of_a_department(self) -> bool {
        !self.is_administrator() && !matches!(self, Role::AuthorityOfficer | Role::Developer)
    }

    /// Whether the role is one of the three administrators 三员.
    pub fn is_administrator(self) -> bool {
        matches!(self, Role::SystemAdministrator | Role::SecurityAdministrator | Role::Auditor)
    }

    /// Checks that roles may meet in one person: an administrator 三员 holds that role alone, a developer as well.
    pub fn may_combine(roles: &BTreeSet<Role>) -> bool {
        roles.len() <= 1 || !roles.iter().any(|role| role.is_administrator() || *role == Role::Developer)
    }
}

/// The kind of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// Anyone, unnamed.
    Public,
    /// A person with an account.
    Person,
    /// A department's machine that signs its requests.
    Machine,
    /// The operator at the command line of the data folder.
    Operator,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    /// What kind of actor.
    pub kind: PrincipalKind,
    /// Stable identity: a person's login name, a machine's key id, an operator's name, `public`.
    pub id: String,
    /// The department acted for; developers and the public have none.
    pub department: Option<DepartmentId>,
    /// The departments that it continues by now 机构改革, with their attributes: what is theirs is its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub predecessors: BTreeMap<DepartmentId, BTreeMap<String, String>>,
    /// Roles held in that department.
    pub roles: BTreeSet<Role>,
    /// The substitutions 代办 by which some of the roles are held, for evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutions: Vec<String>,
    /// Attributes for `$subject.*` in filters: `department`, `credit_code`, `level`, `parent`, `division_code`.
    pub attributes: BTreeMap<String, String>,
}

impl Principal {
    /// The unnamed public.
    pub fn public() -> Self {
        Self {
            kind: PrincipalKind::Public,
            id: "public".to_owned(),
            department: None,
            predecessors: BTreeMap::new(),
            roles: BTreeSet::new(),
            substitutions: Vec::new(),
            attributes: BTreeMap::new(),
        }
    }

    /// Whether the principal holds the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the whole published directory is listed: for departments and those who run the platform. Developers and
    /// the public see what is open or conditionally open.
    pub fn sees_whole_directory(&self) -> bool {
        let runs = |role: &Role| role.is_administrator() || *role == Role::AuthorityOfficer;
        self.department.is_some() || self.roles.iter().any(runs)
    }

    /// Whether the principal acts for the department: its own, or one that its own continues.
    pub fn acts_for(&self, department: &DepartmentId) -> bool {
        self.departments().any(|own| own == department)
    }

    /// The department acted for, and those that it continues.
    pub fn departments(&self) -> impl Iterator<Item = &DepartmentId> {
        self.department.iter().chain(self.predecessors.keys())
    }

    /// The attributes of one of these departments.
    pub fn attributes_of(&self, department: &DepartmentId) -> &BTreeMap<String, String> {
        self.predecessors.get(department).unwrap_or(&self.attributes)
    }
}

/// The door through which a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// HTTP API: directory, records, administration.
    Api,
    /// SQL in any form.
    Sql,
    /// Whole files and extracts.
    File,
    /// Match or no match, never a value.
    Verification,
    /// The command line on the data folder itself.
    CommandLine,
}

/// All of a context by which data are decided on, but the time: requests that share it see the same while the catalogue stays as
/// it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Circumstances {
    principal: Principal,
    purpose: Option<String>,
    /// Whether a matter is named, and an operator: grants demand no more.
    names: [bool; 2],
    channel: Channel,
}

/// The context of one operation. Only `exchange-auth` builds one (`clippy.toml` keeps it so).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpContext {
    /// Who acts.
    pub principal: Principal,
    /// Identity of the request, in answers, logs and evidence.
    pub request_id: String,
    /// The stated purpose (business matter 业务事项), as the caller asserts it.
    pub purpose: Option<String>,
    /// The matter number 办件号, as the caller asserts it.
    pub matter: Option<String>,
    /// The operator's staff id, as the caller's department asserts it.
    pub operator: Option<String>,
    /// The key whose signature has proven the caller, if it was one.
    pub key: Option<String>,
    /// The ticket by which the caller was proven, if it was one.
    pub ticket: Option<String>,
    /// The session by whose cookie the caller was proven, if it was one.
    pub session: Option<String>,
    /// The door.
    pub channel: Channel,
    /// The time of the operation; services know no other clock.
    pub now: Timestamp,
}

impl OpContext {
    /// A context for a principal whose identity has been proven.
    ///
    /// Reserved to `exchange-auth`: everything else receives a context and never makes one.
    pub fn authenticated(principal: Principal, request_id: String, channel: Channel, now: Timestamp) -> Self {
        Self {
            principal,
            request_id,
            purpose: None,
            matter: None,
            operator: None,
            key: None,
            ticket: None,
            session: None,
            channel,
            now,
        }
    }

    /// The same operation, going on at a later time: what has ended since its request arrived no longer holds.
    pub fn at(&self, now: Timestamp) -> Self {
        Self { now: now.max(self.now), ..self.clone() }
    }

    /// What data are decided on by, but the time.
    pub fn circumstances(&self) -> Circumstances {
        Circumstances {
            principal: self.principal.clone(),
            purpose: self.purpose.clone(),
            names: [self.matter.is_some(), self.operator.is_some()],
            channel: self.channel,
        }
    }

    /// The same caller, asking whether values exist: only grants for verification serve it.
    pub fn verifying(&self) -> Self {
        Self { channel: Channel::Verification, ..self.clone() }
    }

    /// The same context with what the caller asserts about its business.
    pub fn asserting(
        self,
        purpose: Option<String>,
        matter: Option<String>,
        operator: Option<String>,
    ) -> Self {
        Self { purpose, matter, operator, ..self }
    }
}
