//! The documentation of the API, rendered from its OpenAPI document, with a form to try what anyone may ask.

use askama::Template;

use crate::around::Around;

/// A part of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTag {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its operations.
    pub operations: Vec<ApiOperation>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiOperation {
    /// `GET`
    pub method: String,
    /// `/api/v1/resources/{code}`
    pub path: String,
    /// In a line.
    pub summary: String,
    /// More of it.
    pub description: String,
    /// What stands in its path and query.
    pub parameters: Vec<ApiParameter>,
    /// Media types of its body.
    pub bodies: Vec<String>,
    /// The schema of its body as JSON.
    pub body_schema: String,
    /// Statuses, what they mean, and what is answered.
    pub answers: Vec<(String, String)>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiParameter {
    /// Its name.
    pub name: String,
    /// Whether it stands in the path; else in the query.
    pub is_in_path: bool,
    /// What it means.
    pub description: String,
    /// Whether it must be given.
    pub is_required: bool,
}

/// The documentation.
#[derive(Template)]
#[template(path = "api.html")]
pub struct ApiPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// All parts.
    pub tags: &'a [ApiTag],
    /// The part that is shown.
    pub chosen: Option<&'a ApiTag>,
}

/// How to find, take, check and apply 使用指南.
#[derive(Template)]
#[template(path = "help.html")]
pub struct HelpPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
}

impl ApiPage<'_> {
    fn is_chosen(&self, tag: &ApiTag) -> bool {
        self.chosen.is_some_and(|chosen| chosen.name == tag.name)
    }

    /// What only reads may be tried.
    fn may_try(&self, operation: &ApiOperation) -> bool {
        operation.method == "GET"
    }

    fn curl(&self, operation: &ApiOperation) -> String {
        let address = self.a.site.address(&operation.path);
        match (operation.method.as_str(), operation.bodies.first()) {
            ("GET", _) => format!("curl '{address}'"),
            (method, None) => format!("curl -X {method} '{address}'"),
            (method, Some(body)) => {
                format!("curl -X {method} '{address}' -H 'content-type: {body}' --data-binary @body")
            }
        }
    }

    /// What is typed into a parameter to begin with.
    fn example(&self, parameter: &ApiParameter) -> &'static str {
        match parameter.name.as_str() {
            "code" if parameter.is_in_path => "301001-000001",
            "file" => "latest.csv",
            "limit" | "rows" => "5",
            _ => "",
        }
    }

    /// A name that stands once on the page.
    fn id(&self, place: &usize, parameter: &ApiParameter) -> String {
        format!("p{place}-{}", parameter.name)
    }
}
