//! What the data authority opens by a form: an emergency grant 应急共享, an agreement from before 存量协议登记, an item of the opening
//! plan 开放计划. Each is decided by another person, or by the department that it is about.

use catalog_core::matter::{Ask, Content, EmergencyGrant, GrantImport, OpeningItem};
use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result};
use openapi_portal::{Typed, asks_of};

use super::new::end_of_term;

/// Whether a matter of the kind is about one resource.
pub(super) fn names_one(kind: &str) -> bool {
    matches!(kind, "emergency_grant" | "grant_import")
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

fn number<T: std::str::FromStr>(typed: &Typed, name: &str, message: &str) -> Result<T> {
    typed.of(name).trim().parse().map_err(|_| wrong(message))
}

fn department(typed: &Typed, name: &str) -> Result<DepartmentId> {
    DepartmentId::new(typed.filled(name).ok_or_else(|| wrong("请选择部门"))?)
}

fn one_ask(typed: &Typed) -> Result<Ask> {
    match <[Ask; 1]>::try_from(asks_of(typed)?) {
        Ok([ask]) => Ok(ask),
        Err(_) => Err(wrong("请选择一项数据资源")),
    }
}

/// What the form of a kind sends.
///
/// # Errors
/// `invalid_input` for any other kind, and for what is not filled in right.
pub(super) fn content(kind: &str, typed: &Typed) -> Result<Content> {
    let text = |name: &str| typed.of(name).trim().to_owned();
    match kind {
        "emergency_grant" => Ok(Content::EmergencyGrant(EmergencyGrant {
            grantee: department(typed, "grantee")?,
            ask: one_ask(typed)?,
            purpose: text("purpose"),
            legal_basis: text("legal_basis"),
            hours: number(typed, "hours", "请填时长，1 至 72 小时")?,
        })),
        "grant_import" => Ok(Content::GrantImport(GrantImport {
            grantee: department(typed, "grantee")?,
            ask: one_ask(typed)?,
            purpose: text("purpose"),
            legal_basis: text("legal_basis"),
            approved_by: text("approved_by"),
            document_number: text("document_number"),
            valid_until: end_of_term(typed)?,
        })),
        "opening_item" => Ok(Content::OpeningItem(OpeningItem {
            year: number(typed, "year", "请填计划年度，写作 2026")?,
            department: department(typed, "department")?,
            title: text("title"),
            due: number(typed, "due", "请填完成日期，写作 2026-12-31")?,
            resource: typed.filled("resource").map(ResourceCode::from_path).transpose()?,
            data_since: None,
        })),
        _ => Err(wrong("请选择要发起的办件类型")),
    }
}
