//! What departments' reorganisation and substitutes make of a principal.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog_core::directory::{Succession, SuccessionState};
use catalog_core::substitution::Substitution;
use catalog_core::{Channel, DepartmentId, Principal, Role, Timestamp};
use exchange_crypto::SigningKey;

use super::fake::Fake;
use super::{BASE, NOW, arrival};
use crate::{AuthError, Presented};

fn called(fake: &Arc<Fake>, id: &str, now: Timestamp) -> Result<Principal, AuthError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(fake.authenticator().principal_called(id, now))
}

fn department(id: &str) -> Option<DepartmentId> {
    Some(DepartmentId::new(id).unwrap())
}

fn substitution(id: &str, department: Option<DepartmentId>) -> Substitution {
    Substitution {
        id: id.to_owned(),
        person: "deputy".to_owned(),
        department,
        role: Role::Approver,
        from: NOW,
        until: NOW.plus_seconds(60),
        reason: "休假".to_owned(),
        named_by: "security".to_owned(),
    }
}

#[test]
fn a_substitute_who_left_the_department_holds_the_role_no_longer() {
    let fake = Arc::new(Fake::default());
    fake.add_person("deputy", &[Role::DirectoryEditor], true);
    let names = [("here", department("scjg")), ("elsewhere", department("gaj")), ("nowhere", None)];
    *fake.substitutions.lock().unwrap() =
        names.into_iter().map(|(id, department)| substitution(id, department)).collect();
    let held = called(&fake, "deputy", NOW).unwrap();
    assert_eq!(held.substitutions, ["here"]);
    assert!(held.has(Role::Approver));
    assert!(!called(&fake, "deputy", NOW.plus_seconds(60)).unwrap().has(Role::Approver), "over");
    fake.people.lock().unwrap().get_mut("deputy").unwrap().department = None;
    let held = called(&fake, "deputy", NOW).unwrap();
    assert!(held.substitutions.is_empty() && !held.has(Role::Approver), "without a department there is none");
}

#[test]
fn what_a_department_continues_is_known_with_its_own_attributes() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let succession = |state| Succession {
        id: "1".to_owned(),
        predecessor: DepartmentId::new("old").unwrap(),
        successor: DepartmentId::new("scjg").unwrap(),
        resources: BTreeSet::new(),
        from: NOW,
        basis: "方案".to_owned(),
        state,
        proposed_by: "officer".to_owned(),
        carried_out: None,
    };
    let old = DepartmentId::new("old").unwrap();
    for state in [SuccessionState::Proposed, SuccessionState::Cancelled] {
        *fake.successions.lock().unwrap() = vec![succession(state)];
        assert!(!called(&fake, &key.public().id(), NOW).unwrap().acts_for(&old), "{state:?}");
    }
    *fake.successions.lock().unwrap() = vec![succession(SuccessionState::Confirmed)];
    let heir = called(&fake, &key.public().id(), NOW).unwrap();
    assert!(heir.acts_for(&old));
    assert_eq!(heir.attributes_of(&old)["division_code"], "360481");
    assert_eq!(heir.attributes["division_code"], "360400");
    assert!(called(&fake, "nobody", NOW).is_err());
}

/// Asks one authenticator again and again.
fn ask(
    authenticator: &crate::Authenticator,
    key: &SigningKey,
    now: Timestamp,
) -> Result<Principal, AuthError> {
    let (mut parts, ()) = http::Request::get("/x").body(()).unwrap().into_parts();
    let uri = format!("{BASE}/x");
    crate::sign_request(key, &http::Method::GET, &uri, &mut parts.headers, None, now).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    Ok(runtime
        .block_on(authenticator.authenticate(arrival(
            &parts,
            &Presented::of(&parts.headers),
            Channel::Api,
            now,
        )))?
        .principal()
        .clone())
}

#[test]
fn a_department_is_remembered_until_the_catalogue_changes_or_its_time_comes() {
    let fake = Arc::new(Fake::default());
    let (key, authenticator) = (fake.department(), fake.authenticator());
    let id = key.public().id();
    *fake.held.lock().unwrap() = Some(1);
    *fake.successions.lock().unwrap() = vec![Succession {
        id: "1".to_owned(),
        predecessor: DepartmentId::new("old").unwrap(),
        successor: DepartmentId::new("scjg").unwrap(),
        resources: BTreeSet::new(),
        from: NOW.plus_seconds(60),
        basis: "方案".to_owned(),
        state: SuccessionState::Confirmed,
        proposed_by: "officer".to_owned(),
        carried_out: None,
    }];
    let old = DepartmentId::new("old").unwrap();
    assert!(!ask(&authenticator, &key, NOW).unwrap().acts_for(&old));
    let known = fake.keys.lock().unwrap().remove(&id).unwrap();
    assert!(!ask(&authenticator, &key, NOW.plus_seconds(59)).unwrap().acts_for(&old), "not asked again");
    assert!(ask(&authenticator, &key, NOW.plus_seconds(60)).is_err(), "its time has come: asked again");
    assert!(ask(&authenticator, &key, NOW.plus_seconds(30)).is_ok());
    *fake.held.lock().unwrap() = Some(2);
    assert!(ask(&authenticator, &key, NOW.plus_seconds(30)).is_err(), "the catalogue has changed");

    fake.keys.lock().unwrap().insert(id.clone(), known);
    assert!(ask(&authenticator, &key, NOW.plus_seconds(60)).unwrap().acts_for(&old));
    assert!(ask(&authenticator, &key, NOW.plus_seconds(3_600)).is_err(), "its key is over");
    assert!(ask(&authenticator, &key, NOW.plus_seconds(-3_601)).is_err(), "its key is not valid yet");
}
