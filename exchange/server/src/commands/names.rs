//! Departments by name, for people who don't know their codes.

use std::collections::BTreeMap;

use catalog_core::DepartmentId;
use catalog_core::directory::Department;
use catalog_core::matter::Applicant;
use catalog_core::policy::Grantee;
use http::Method;

use crate::client::{Client, Payload};

/// Names of departments by their codes. Without them codes stand alone.
#[derive(Default)]
pub(super) struct Names(BTreeMap<DepartmentId, String>);

impl Names {
    /// The names that the platform knows; none, where it does not tell.
    pub(super) async fn from(client: &Client) -> Self {
        let told = client.json::<Vec<Department>>(Method::GET, "/api/v1/departments", Payload::Empty).await;
        Self(told.unwrap_or_default().into_iter().map(|known| (known.id, known.name)).collect())
    }

    /// `九江市民政局（mzj）`.
    pub(super) fn department(&self, id: &DepartmentId) -> String {
        self.0.get(id).map_or(id.to_string(), |name| format!("{name}（{id}）"))
    }

    /// Who holds a grant.
    pub(super) fn grantee(&self, grantee: &Grantee) -> String {
        match grantee {
            Grantee::Department(id) => self.department(id),
            Grantee::Developer(account) => format!("开发者 {account}"),
            Grantee::Public => "公众".to_owned(),
        }
    }

    /// Who asks in a matter.
    pub(super) fn applicant(&self, applicant: &Applicant) -> String {
        match applicant {
            Applicant::Department(id) => self.department(id),
            Applicant::Developer(account) => format!("开发者 {account}"),
            Applicant::Authority => "共享主管部门".to_owned(),
            Applicant::Public(_) => "社会公众".to_owned(),
        }
    }
}
