//! Synthetic departments, resources and events, for the tests and benches of every crate. Nobody and nothing in them exists.
//!
//! Each is the plainest of its kind; a test changes what it is about: `Resource { personal: true, ..resource(…)? }`.

use std::collections::BTreeSet;

use crate::context::Channel;
use crate::dataset::{ChangeKind, Version, VersionState};
use crate::directory::format::ResourceFormat;
use crate::directory::resource::Entry;
use crate::directory::{
    DataClass, Department, InformationItem, ItemKind, ItemType, Level, LifecycleState, Opening, Resource,
    Sharing, SharingMethod, UpdateCycle,
};
use crate::error::Result;
use crate::evidence::{Actor, Event, EvidenceRecord};
use crate::ids::{ColumnName, DepartmentId, ResourceCode};
use crate::time::Timestamp;

/// When everything here happens: in September 2026.
pub const NOW: Timestamp = Timestamp(1_790_000_000_000_000);

/// The event of a change, with an identity of its own.
pub fn event(action: &str) -> EvidenceRecord {
    EvidenceRecord {
        id: uuid::Uuid::now_v7().to_string(),
        request_id: "request".to_owned(),
        at: NOW,
        actor: Actor {
            id: "tester".to_owned(),
            department: None,
            operator: None,
            purpose: None,
            matter: None,
            ticket: None,
            substitutions: Vec::new(),
            channel: Channel::CommandLine,
        },
        event: Event::Changed {
            action: action.to_owned(),
            entity: "sample".to_owned(),
            entity_digest: "00".repeat(32),
        },
        fact: None,
    }
}

/// A department of the city.
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

/// A resource of `provider` with one item, `number`; no key, no licence.
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
        derived_from: Vec::new(),
        verifications: Vec::new(),
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

/// An information item of 20 characters, shared and open without condition.
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

/// A readable version without rows, made and published at that time.
pub fn version(resource: &ResourceCode, number: i64, at: Timestamp) -> Version {
    Version {
        resource: resource.clone(),
        number,
        change: ChangeKind::Replace,
        rows: 0,
        delivered: 0,
        rejected: 0,
        bytes: 0,
        manifest_digest: String::new(),
        based_on: None,
        made_at: at,
        published_at: at,
        published_by: "steward".to_owned(),
        state: VersionState::Published,
        tombstone: None,
        breaking: None,
        cleared: BTreeSet::new(),
        erased_through: None,
        replaced: Vec::new(),
    }
}

/// The first revision of an entry that is published as it stands.
pub fn published(resource: Resource) -> Entry {
    Entry {
        published: Some(resource.clone()),
        state: LifecycleState::Published,
        ..Entry::new(resource, "editor", NOW)
    }
}
