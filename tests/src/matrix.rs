//! Roles, actions and resources, as a text that an auditor reads: `tests/matrix/roles.txt`, made from the policy itself.
//! `UPDATE_MATRIX=1` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use catalog_core::context::PrincipalKind;
use catalog_core::directory::{Opening, Resource};
use catalog_core::fixtures;
use catalog_core::policy::{
    Action, DecidedBy, Effect, Grant, GrantKind, GrantTerms, Grantee, decide_action, decide_read,
};
use catalog_core::{Channel, DepartmentId, OpContext, Role, Timestamp};
use exchange_auth::{operator_context, public_context};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_795_309_200_000_000);

/// Someone who acts, by the name of a line.
struct Subject {
    name: String,
    ctx: OpContext,
}

/// Everyone whom the policy tells apart: each role, in the department `own` where it is held in one, or in `other`.
fn subjects() -> Vec<Subject> {
    let mut subjects = Vec::new();
    for role in Role::ALL {
        let departments: &[Option<&str>] = match role.is_of_a_department() {
            true => &[Some("own"), Some("other")],
            false => &[None],
        };
        for department in departments {
            let place = department.map_or(String::new(), |name| format!(" of {name}"));
            subjects.push(subject(
                &format!("{}{place}", name(json!(role))),
                PrincipalKind::Person,
                *department,
                Some(role),
            ));
        }
    }
    for department in ["own", "other"] {
        let name = format!("machine of {department}");
        subjects.push(subject(&name, PrincipalKind::Machine, Some(department), None));
    }
    let ctx = public_context("r".to_owned(), Channel::Api, NOW);
    subjects.push(Subject { name: "the public".to_owned(), ctx });
    subjects
}

fn subject(name: &str, kind: PrincipalKind, department: Option<&str>, role: Option<Role>) -> Subject {
    let department = department.map(|id| fixtures::department(id, id).unwrap());
    let roles = role.into_iter().collect::<BTreeSet<_>>();
    let mut ctx = operator_context("someone", department.as_ref(), roles, "r".to_owned(), NOW);
    ctx.principal.kind = kind;
    ctx.principal.id = "someone".to_owned();
    ctx.channel = Channel::Api;
    Subject { name: name.to_owned(), ctx }
}

/// A value as it is written everywhere.
fn name(value: Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn actions() -> String {
    let mut text = String::from(
        "1. What roles may do\n\n\
         o: to what is of the department `own`; x: of another department; p: to what is of none. A line is one role, held alone.\n",
    );
    let own = DepartmentId::new("own").unwrap();
    let third = DepartmentId::new("third").unwrap();
    for action in Action::ALL {
        writeln!(text, "\n{}", name(json!(action))).unwrap();
        for Subject { name: who, ctx } in subjects() {
            let may = |owner| decide_action(&ctx.principal, action, owner).effect == Effect::Permit;
            let cells = [('o', may(Some(&own))), ('x', may(Some(&third))), ('p', may(None))];
            if cells.iter().any(|(_, may)| *may) {
                let cells: String = cells.iter().map(|(sign, may)| if *may { *sign } else { '-' }).collect();
                writeln!(text, "  {who:<36} {cells}").unwrap();
            }
        }
    }
    text
}

/// A resource of the department `own` whose one item is open to the public in this way.
fn resource(opening: &Opening) -> Resource {
    let mut resource = fixtures::resource("own", "301001/000001", "样例").unwrap();
    resource.items[0].opening = opening.clone();
    resource
}

fn grant(kind: GrantKind, grantee: Grantee) -> Grant {
    let terms = GrantTerms {
        kind,
        resource: "301001/000001".parse().unwrap(),
        grantee,
        items: vec!["number".parse().unwrap()],
        filter: None,
        masks: Default::default(),
        purpose: None,
        legal_basis: "样例".to_owned(),
        valid_from: None,
        valid_until: None,
        doors: [Channel::Api].into(),
        demands_matter: false,
        demands_operator: false,
        statistics: None,
        calls_per_day: None,
        rows_per_day: None,
    };
    Grant {
        id: "019aa0c4-0000-7000-8000-000000000001".parse().unwrap(),
        terms,
        created_by: "approver".to_owned(),
        created_at: NOW,
        revocation: None,
    }
}

fn reading() -> String {
    let openings = [
        ("open 无条件开放", Opening::Open),
        ("conditionally open 有条件开放", Opening::Conditional { condition: "样例".to_owned() }),
        ("closed 不予开放", Opening::Closed),
    ];
    let other = || Grantee::Department(DepartmentId::new("other").unwrap());
    let grants = [
        ("no grant", vec![]),
        ("to other", vec![grant(GrantKind::Conditional, other())]),
        ("to developer", vec![grant(GrantKind::Conditional, Grantee::Developer("someone".to_owned()))]),
        ("public", vec![grant(GrantKind::Public, Grantee::Public)]),
    ];
    let mut text = String::from(
        "\n\n2. Who reads a resource of the department `own`, under which grant\n\n\
         A cell is the kind of the grant that decides, or the code of the refusal. `not_found`: it is not even listed.\n",
    );
    for (title, opening) in openings {
        writeln!(text, "\n{title}").unwrap();
        let heads: String = grants.iter().map(|(head, _)| format!(" {head:<14}")).collect();
        writeln!(text, "  {:<36}{}", "", heads.trim_end()).unwrap();
        for Subject { name: who, ctx } in subjects() {
            let mut line = format!("  {who:<36}");
            for (_, grants) in &grants {
                let decision = decide_read(&ctx, &resource(&opening), grants);
                let cell = match decision.determined_by {
                    DecidedBy::Grant { kind, .. } => name(json!(kind)),
                    DecidedBy::Rule { code, .. } => code.to_string(),
                    DecidedBy::Role { role } => name(json!(role)),
                };
                write!(line, " {cell:<14}").unwrap();
            }
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
    }
    text
}

#[test]
fn the_matrix_of_roles_is_that_of_the_policy() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix/roles.txt");
    let text = format!(
        "Roles, actions and resources. Made from the policy: UPDATE_MATRIX=1 rewrites it.\n\n{}{}",
        actions(),
        reading()
    );
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "tests/matrix/roles.txt is not that of the policy: UPDATE_MATRIX=1 rewrites it");
}
