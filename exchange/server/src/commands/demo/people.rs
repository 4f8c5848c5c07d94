//! People of the demo city who sign in at its portal. Nobody knows their passwords before: each folder makes its own.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use catalog_core::ports::Person;
use catalog_core::{Error, Fault, Result};
use exchange_auth::OneTimeCode;
use http::Method;
use openapi_contract::{Invitation, NewPassword};
use serde::{Deserialize, Serialize};

use crate::client::{Assertions, Client, Payload};
use crate::commands::directory;
use crate::folder::io;
use crate::output;

/// Who they are.
const PEOPLE: &str = include_str!("people.json");

/// Somebody, with what they sign in by: first the code of their invitation, then a password.
#[derive(Serialize, Deserialize)]
struct Account {
    #[serde(flatten)]
    person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Where names and passwords stand, for the owner of the folder alone.
pub(crate) fn file(root: &Path) -> PathBuf {
    root.join("keys").join("demo").join("people.json")
}

/// Adds and invites them.
pub(crate) async fn invite(security: &Client, root: &Path) -> Result<usize> {
    let people: Vec<Person> = serde_json::from_str(PEOPLE).map_err(Error::internal)?;
    let mut accounts = Vec::new();
    for person in people {
        directory::put_person(security, &person).await?;
        let address = format!("/api/v1/people/{}/invitation", person.id);
        let made: Invitation = security.json(Method::POST, &address, Payload::Empty).await?;
        accounts.push(Account { person, code: Some(made.code), password: None });
    }
    keep(root, &accounts)?;
    Ok(accounts.len())
}

/// Gives a password to each who has none yet, as they would: by the code of their invitation.
pub(crate) async fn set_passwords(address: &str, root: &Path) -> Result<()> {
    let path = file(root);
    // A city that was built before there were people in it.
    let Ok(text) = std::fs::read(&path) else { return Ok(()) };
    let mut accounts: Vec<Account> = serde_json::from_slice(&text).map_err(Error::internal)?;
    for place in 0..accounts.len() {
        let Some(code) = accounts[place].code.clone() else { continue };
        let client = Client::of_server(address, None, Assertions::default()).await?;
        let new_password = OneTimeCode::generate()?.code;
        let name = accounts[place].person.id.clone();
        let whose = name.clone();
        let body = NewPassword { name, password: None, code: Some(code), new_password: new_password.clone() };
        let body = Payload::Json(serde_json::to_value(body).map_err(Error::internal)?);
        match client.send(Method::POST, "/api/v1/session/password", body, "application/json").await {
            Ok(_) => {}
            // A start that was cut short has used the code, or it is too old: the tour goes on without this person.
            Err(error) if error.code.fault() != Fault::Server => {
                output::line(format!("  {whose} has no password: {}", error.message));
                continue;
            }
            Err(error) => return Err(error),
        }
        accounts[place].code = None;
        accounts[place].password = Some(new_password);
        keep(root, &accounts)?;
    }
    Ok(())
}

/// Written beside its place and moved there: it is never half.
fn keep(root: &Path, accounts: &[Account]) -> Result<()> {
    let path = file(root);
    let beside = path.with_extension("new");
    let text = serde_json::to_vec_pretty(accounts).map_err(Error::internal)?;
    let write = || {
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    write().map_err(|error| io(&path, &error))
}
