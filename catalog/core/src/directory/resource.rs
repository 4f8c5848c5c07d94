//! Resources 信息资源: the entries of the directory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::format::ResourceFormat;
use super::item::{DataClass, InformationItem, Opening, Sharing};
use super::lifecycle::LifecycleState;
use super::verification::VerificationProfile;
use crate::dataset::Shape;
use crate::ids::{ColumnName, DepartmentId, ResourceCode, SqlName};
use crate::time::Timestamp;

/// Update cycle 更新周期.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateCycle {
    /// 实时
    RealTime,
    /// 每日
    Daily,
    /// 每周
    Weekly,
    /// 每月
    Monthly,
    /// 每季度
    Quarterly,
    /// 每半年
    HalfYearly,
    /// 每年
    Yearly,
    /// 不定期
    Irregular,
}

impl UpdateCycle {
    /// All cycles with their Chinese names.
    pub const ALL: [(UpdateCycle, &'static str); 8] = [
        (Self::RealTime, "实时"),
        (Self::Daily, "每日"),
        (Self::Weekly, "每周"),
        (Self::Monthly, "每月"),
        (Self::Quarterly, "每季度"),
        (Self::HalfYearly, "每半年"),
        (Self::Yearly, "每年"),
        (Self::Irregular, "不定期"),
    ];

    /// The Chinese name.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(cycle, _)| *cycle == self).map_or("", |(_, name)| name)
    }

    /// Reads the Chinese name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(cycle, _)| *cycle)
    }
}

/// Sharing method 共享方式: class and type as the sheet writes them (共享平台方式 / 数据库, 邮件, 介质).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharingMethod {
    /// 共享方式分类
    pub class: String,
    /// 共享方式类型
    pub kind: String,
}

/// One resource with its thirteen core metadata items and this product's extensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resource {
    /// Code 信息资源代码: the identity.
    pub code: ResourceCode,
    /// Machine name, the table in SQL, unique within the provider.
    pub sql_name: SqlName,
    /// Chinese name 信息资源名称, unique within the provider.
    pub title: String,
    /// Provider 信息资源提供方.
    pub provider: DepartmentId,
    /// Names of the classification below 类: 项, 目, 细目分类1, 细目分类1.1. Empty trailing ones are left out.
    pub classification: Vec<String>,
    /// Abstract 信息资源摘要.
    #[serde(rename = "abstract")]
    pub summary: String,
    /// Format 信息资源格式.
    pub format: ResourceFormat,
    /// Information items 信息项, in order.
    pub items: Vec<InformationItem>,
    /// Sharing method 共享方式.
    pub sharing_method: SharingMethod,
    /// Update cycle 更新周期.
    pub update_cycle: UpdateCycle,
    /// Publication date 发布日期.
    #[schema(value_type = Option<String>, format = Date)]
    pub published_on: Option<chrono::NaiveDate>,
    /// Related resources 关联资源代码.
    #[serde(default)]
    pub related: Vec<ResourceCode>,
    /// Resources that it is made from 来源资源代码, as a table of figures is from the register that it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived_from: Vec<ResourceCode>,
    /// Business matter 关联业务事项.
    #[serde(default)]
    pub business_matter: String,
    /// Sub-organisation 下设机构.
    #[serde(default)]
    pub sub_organisation: String,
    /// Topic under which it is open 开放主题分类.
    #[serde(default)]
    pub open_topic: String,
    /// Keywords 关键字.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Data class of the whole.
    #[serde(default)]
    pub data_class: DataClass,
    /// Whether the rows are about natural persons.
    #[serde(default)]
    pub personal: bool,
    /// Licence of what is open: an SPDX id or address. Nothing opens without one.
    #[serde(default)]
    pub licence: Option<String>,
    /// Contact 联系方式.
    #[serde(default)]
    pub contact: Option<String>,
    /// Time covered, as `2020-01-01/2025-12-31`.
    #[serde(default)]
    pub temporal_coverage: Option<String>,
    /// Space covered: a division code.
    #[serde(default)]
    pub spatial_coverage: Option<String>,
    /// Key columns: a row's identity within the dataset.
    #[serde(default)]
    pub key: Vec<ColumnName>,
    /// Sort columns of the physical layout: open or unconditionally shared, never personal.
    #[serde(default)]
    pub sort: Vec<ColumnName>,
    /// The column that names the data subject.
    #[serde(default)]
    pub subject: Option<ColumnName>,
    /// What others may have checked against the rows without seeing them 比对核验.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["id_number+name"]))]
    pub verifications: Vec<VerificationProfile>,
}

impl Resource {
    /// The resource's own sharing attribute: the most permissive of its items.
    pub fn sharing(&self) -> Option<&Sharing> {
        self.items.iter().map(|item| &item.sharing).max()
    }

    /// The resource's own opening attribute: the most permissive of its items.
    pub fn opening(&self) -> &Opening {
        self.items.iter().map(|item| &item.opening).max().unwrap_or(&Opening::Closed)
    }

    /// The item of a column.
    pub fn item(&self, column: &str) -> Option<&InformationItem> {
        self.items.iter().find(|item| item.column.as_str() == column)
    }

    /// The resource with the columns, key and order of a stored version, shown by the directory of today.
    pub fn as_stored(&self, retired: &[InformationItem], shape: Shape) -> Self {
        let past = |column: &str| retired.iter().find(|item| item.column.as_str() == column);
        let seen = |item: InformationItem| {
            let column = item.column.clone();
            item.as_stored(self.item(column.as_str()), past(column.as_str()))
        };
        let items: Vec<_> = shape.items.into_iter().map(seen).collect();
        let resource = Self { items, key: shape.key, sort: shape.sort, ..self.clone() };
        let columns: Vec<_> = resource.items.iter().map(|item| item.column.clone()).collect();
        resource.naming_only(|name| columns.contains(name))
    }

    /// The resource whose subject and verifications name no other columns than those.
    pub fn naming_only(mut self, is_named: impl Fn(&ColumnName) -> bool) -> Self {
        self.subject = self.subject.filter(&is_named);
        self.verifications.retain(|profile| profile.columns().into_iter().all(&is_named));
        self
    }

    /// Whether the public's directory lists it: open, or open under a condition.
    pub fn is_publicly_listed(&self) -> bool {
        *self.opening() != Opening::Closed
    }
}

/// A resource as the directory keeps it: the working state, what is published, and who did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The working state, which the provider edits.
    pub draft: Resource,
    /// What is published and in force; `None` before the first publication and after a withdrawal.
    pub published: Option<Resource>,
    /// Items that were published once and are no more, as the directory last described them: old versions still hold
    /// them, and who may see them there is decided by this.
    #[serde(default)]
    pub retired: Vec<InformationItem>,
    /// Where the draft stands.
    pub state: LifecycleState,
    /// Counts every change; an update names the revision that it has seen.
    pub revision: i64,
    /// Who has edited the draft since the last publication: none of them reviews it.
    pub authors: BTreeSet<String>,
    /// The reviewer's remark on a return or rejection.
    pub remark: Option<String>,
    /// Last change.
    pub updated_at: Timestamp,
}
