//! The directory on which the checks work, and one of any size.

use std::collections::{BTreeMap, BTreeSet};

use catalog_core::context::Channel;
use catalog_core::directory::format::CLASSES;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::{Opening, Sharing, UpdateCycle};
pub use catalog_core::fixtures::{department, event, item, published, resource};
use catalog_core::policy::{Grant, GrantKind, GrantTerms, Grantee};
use catalog_core::{ColumnName, DepartmentId, GrantId, ResourceCode, Result, Timestamp};

/// A grant of one item to `rsj`, in force from the first instant.
pub(super) fn grant(resource: &ResourceCode, created_at: i64) -> Result<Grant> {
    Ok(Grant {
        id: GrantId::new(uuid::Uuid::now_v7().to_string())?,
        terms: GrantTerms {
            kind: GrantKind::Unconditional,
            resource: resource.clone(),
            grantee: Grantee::Department(DepartmentId::new("rsj")?),
            items: vec![ColumnName::new("number")?],
            filter: None,
            masks: BTreeMap::new(),
            purpose: None,
            legal_basis: "条例".to_owned(),
            valid_from: Some(Timestamp(1)),
            valid_until: None,
            doors: BTreeSet::from([Channel::Sql]),
            demands_matter: false,
            demands_operator: false,
            statistics: None,
            calls_per_day: None,
            rows_per_day: None,
        },
        created_by: "officer".to_owned(),
        created_at: Timestamp(created_at),
        revocation: None,
    })
}

/// Machine name of the department that [`catalogue_entry`] gives number `index`.
pub fn catalogue_department(index: usize) -> String {
    format!("dept{}", index % 60)
}

/// Entry number `index` of a synthetic directory of any size, for measurements: 60 departments, 12 topics, all values
/// of every facet, names and abstracts of common words.
pub fn catalogue_entry(index: usize) -> Result<Entry> {
    const SUBJECTS: [&str; 12] = [
        "人口",
        "法人",
        "社会保险",
        "公积金",
        "不动产",
        "行政许可",
        "行政处罚",
        "学籍",
        "医疗机构",
        "食品经营",
        "道路运输",
        "企业信用",
    ];
    const KINDS: [&str; 8] =
        ["基本信息", "登记信息", "缴费明细", "变更记录", "年度统计", "证照目录", "监督检查", "公示名录"];
    const PLACES: [&str; 9] =
        ["浔阳区", "濂溪区", "柴桑区", "瑞昌市", "共青城市", "庐山市", "武宁县", "修水县", "永修县"];
    let pick = |words: &[&'static str], step: usize| words[(index / step) % words.len()];
    let (subject, kind, place) = (pick(&SUBJECTS, 1), pick(&KINDS, 12), pick(&PLACES, 96));
    let code = format!("3{:02}001/{:06}", index % 12 + 1, index + 1);
    let mut resource =
        resource(&catalogue_department(index), &code, &format!("{place}{subject}{kind}{}", index / 864))?;
    resource.summary = format!(
        "{place}各部门在履行职责中形成的{subject}{kind}，用于跨部门核验和统计，按{kind}口径归集，第{index}号。"
    );
    resource.keywords = vec![subject.to_owned(), place.to_owned()];
    resource.update_cycle = UpdateCycle::ALL[index % 7].0;
    resource.format.class = CLASSES[index % CLASSES.len()].0.to_owned();
    for (number, title) in
        ["姓名", "证件号码", "统一社会信用代码", "登记日期", "状态", "金额", "办理机关", "备注"]
            .iter()
            .enumerate()
    {
        resource.items.push(item(title, &format!("item{number}"))?);
    }
    let condition = "按协议使用".to_owned();
    for item in &mut resource.items {
        match index % 5 {
            0 => item.opening = Opening::Closed,
            1 => item.opening = Opening::Conditional { condition: condition.clone() },
            _ => {}
        }
        match index % 3 {
            0 => item.sharing = Sharing::Conditional { condition: condition.clone() },
            1 => item.sharing = Sharing::Withheld { basis: "涉密".to_owned() },
            _ => {}
        }
    }
    Ok(published(resource))
}
