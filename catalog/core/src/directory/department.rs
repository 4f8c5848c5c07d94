//! Departments 政务部门.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::DepartmentId;

/// The administrative level of a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 省级
    Province,
    /// 市级
    City,
    /// 县级
    County,
    /// 乡镇级
    Township,
}

impl Level {
    /// The text of the level, as in `$subject.level`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::City => "city",
            Self::County => "county",
            Self::Township => "township",
        }
    }
}

/// A legal body that provides and uses data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Department {
    /// Machine name and identity.
    pub id: DepartmentId,
    /// Full Chinese name: 九江市市场监督管理局.
    pub name: String,
    /// Unified social credit code (GB 32100), the provider code 提供方代码 of the directory.
    pub credit_code: String,
    /// Administrative level.
    pub level: Level,
    /// The department above, if it is on this platform.
    pub parent: Option<DepartmentId>,
    /// Division code of its area: 360400 for a city, 360481 for a county.
    pub division_code: String,
}

impl Department {
    /// What filters may refer to as `$subject.*`. A missing parent stays missing, so that a filter on it denies.
    pub fn subject_attributes(&self) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::from([
            ("department".to_owned(), self.id.to_string()),
            ("credit_code".to_owned(), self.credit_code.clone()),
            ("level".to_owned(), self.level.as_str().to_owned()),
            ("division_code".to_owned(), self.division_code.clone()),
        ]);
        if let Some(parent) = &self.parent {
            attributes.insert("parent".to_owned(), parent.to_string());
        }
        attributes
    }
}
