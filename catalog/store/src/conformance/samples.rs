//! Synthetic departments, resources and events. Nobody and nothing in them exists.

use catalog_core::context::Channel;
use catalog_core::directory::format::{CLASSES, ResourceFormat};
use catalog_core::directory::resource::Entry;
use catalog_core::directory::{
    DataClass, Department, InformationItem, ItemKind, ItemType, Level, LifecycleState, Opening, Resource,
    Sharing, SharingMethod, UpdateCycle,
};
use catalog_core::evidence::{Actor, Event, EvidenceRecord};
use catalog_core::{ColumnName, DepartmentId, ResourceCode, Result, Timestamp};

/// The event of a change, with an identity of its own.
pub fn event(action: &str) -> EvidenceRecord {
    EvidenceRecord {
        id: uuid::Uuid::now_v7().to_string(),
        request_id: "request".to_owned(),
        at: Timestamp(1_790_000_000_000_000),
        actor: Actor {
            id: "tester".to_owned(),
            department: None,
            operator: None,
            purpose: None,
            matter: None,
            channel: Channel::CommandLine,
        },
        event: Event::Changed {
            action: action.to_owned(),
            entity: "sample".to_owned(),
            entity_digest: "00".repeat(32),
        },
    }
}

/// A department.
pub fn department(id: &str, name: &str) -> Result<Department> {
    Ok(Department {
        id: DepartmentId::new(id)?,
        name: name.to_owned(),
        credit_code: "11360400MB00000000".to_owned(),
        level: Level::City,
        parent: None,
        division_code: "360400".to_owned(),
    })
}

/// A resource of `provider`, shared and open without condition.
pub fn resource(provider: &str, code: &str, title: &str) -> Result<Resource> {
    let code = ResourceCode::new(code)?;
    Ok(Resource {
        sql_name: code.default_sql_name()?,
        code,
        title: title.to_owned(),
        provider: DepartmentId::new(provider)?,
        classification: vec!["公共服务".to_owned()],
        summary: String::new(),
        format: ResourceFormat {
            class: "数据库".to_owned(), kind: "mysql".to_owned(), other: String::new()
        },
        items: vec![item("编号", "number")?],
        sharing_method: SharingMethod {
            class: "共享平台方式".to_owned(), kind: "数据库".to_owned()
        },
        update_cycle: UpdateCycle::Daily,
        published_on: None,
        related: Vec::new(),
        business_matter: String::new(),
        sub_organisation: String::new(),
        open_topic: String::new(),
        keywords: Vec::new(),
        data_class: DataClass::General,
        personal: false,
        licence: None,
        contact: None,
        temporal_coverage: None,
        spatial_coverage: None,
        key: Vec::new(),
        sort: Vec::new(),
        subject: None,
    })
}

/// An information item, shared and open without condition.
pub fn item(title: &str, column: &str) -> Result<InformationItem> {
    Ok(InformationItem {
        title: title.to_owned(),
        column: ColumnName::new(column)?,
        item_type: ItemType::sized(ItemKind::C, 20),
        sharing: Sharing::Unconditional,
        opening: Opening::Open,
        data_class: DataClass::General,
        personal: false,
        required: false,
        format: None,
        enumeration: Vec::new(),
        minimum: None,
        maximum: None,
        reference: None,
    })
}

/// The first revision of an entry that is published as it stands.
pub fn published(resource: Resource) -> Entry {
    Entry {
        published: Some(resource.clone()),
        draft: resource,
        state: LifecycleState::Published,
        revision: 1,
        author: "editor".to_owned(),
        remark: None,
        updated_at: Timestamp(1_790_000_000_000_000),
    }
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
