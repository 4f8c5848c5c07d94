//! What people and departments are called: tables of the desk show names in place of login names, keys and machine names.

use std::collections::BTreeMap;

use catalog_core::directory::Department;
use catalog_core::policy::Grantee;
use catalog_core::services::PrincipalName;

use crate::around::Around;

/// The names that a page needs. What has none is called by its id.
#[derive(Debug, Clone, Default)]
pub struct Names {
    departments: BTreeMap<String, String>,
    people: BTreeMap<String, PrincipalName>,
    titles: BTreeMap<String, String>,
}

impl Names {
    /// Of these departments, and of who is behind login names and keys.
    pub fn new(departments: &[Department], people: Vec<PrincipalName>) -> Self {
        let of = |department: &Department| (department.id.to_string(), department.name.clone());
        Self {
            departments: departments.iter().map(of).collect(),
            people: people.into_iter().map(|one| (one.id.clone(), one)).collect(),
            titles: BTreeMap::new(),
        }
    }

    /// The same with titles of resources, by their codes.
    pub fn with_titles(self, titles: BTreeMap<String, String>) -> Self {
        Self { titles, ..self }
    }

    /// A resource by its title and its code.
    pub fn resource(&self, a: &Around<'_>, code: &str) -> String {
        match self.titles.get(code) {
            Some(title) => beside(a, title, code),
            None => code.to_owned(),
        }
    }

    /// All departments: machine name and name.
    pub fn departments(&self) -> impl Iterator<Item = (&String, &String)> {
        self.departments.iter()
    }

    /// A department's name.
    pub fn department<'n>(&'n self, id: &'n str) -> &'n str {
        self.departments.get(id).map_or(id, String::as_str)
    }

    /// Who is behind a login name or a key: a person's name, or whose machine it is.
    pub fn principal(&self, a: &Around<'_>, id: &str) -> String {
        let Some(found) = self.people.get(id) else {
            // Who runs the platform works by its command, under whatever name they give there: nobody is taken for a person by it.
            return match id {
                "platform" => a.say("本平台", "this platform").to_owned(),
                "public" => a.say("社会公众", "the public").to_owned(),
                "operator:clock" => a.say("定时任务", "a scheduled task").to_owned(),
                _ => match id.strip_prefix("operator:") {
                    Some(name) => {
                        format!("{name}{}", a.say("（服务器命令行）", " (the server's command line)"))
                    }
                    None => id.to_owned(),
                },
            };
        };
        match (&found.name, &found.department) {
            (Some(name), _) => name.clone(),
            (None, Some(department)) => {
                let name = self.department(department.as_str());
                format!("{name}{}", a.say("的系统", ", its machine"))
            }
            (None, None) => a.say("本平台", "this platform").to_owned(),
        }
    }

    /// Whether somebody is called otherwise than by their id.
    pub fn is_known(&self, id: &str) -> bool {
        self.people.contains_key(id)
    }

    /// To whom a grant is given.
    pub fn grantee(&self, a: &Around<'_>, grantee: &Grantee) -> String {
        match grantee {
            Grantee::Department(department) => self.department(department.as_str()).to_owned(),
            Grantee::Developer(account) => self.principal(a, account),
            Grantee::Public => a.say("社会公众", "the public").to_owned(),
        }
    }
}

/// A name, and what stands for it in the log.
pub(crate) fn beside(a: &Around<'_>, name: &str, id: &str) -> String {
    match a.tag() {
        "en" => format!("{name} ({id})"),
        _ => format!("{name}（{id}）"),
    }
}
