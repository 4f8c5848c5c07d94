use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::context::{Channel, OpContext, Principal, PrincipalKind, Role};
use crate::directory::{
    InformationItem, ItemKind, ItemType, Opening, Resource, Sharing, Successions, ValueFormat,
};
use crate::error::ErrorCode;
use crate::fixtures;
use crate::ids::{ColumnName, DepartmentId, GrantId, ResourceCode, SqlName};
use crate::policy::filter::{Literal, parse_decimal};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn item(column: &str, kind: ItemKind, sharing: Sharing, opening: Opening) -> InformationItem {
    let item = fixtures::item(&format!("项{column}"), column).unwrap();
    InformationItem { item_type: ItemType::plain(kind), sharing, opening, ..item }
}

fn resource() -> Resource {
    let conditional = || Sharing::Conditional { condition: "业务需要".into() };
    Resource {
        sql_name: SqlName::new("people").unwrap(),
        items: vec![
            item("name", ItemKind::C, conditional(), Opening::Closed),
            item("county", ItemKind::C, Sharing::Unconditional, Opening::Open),
            item("income", ItemKind::Y, conditional(), Opening::Closed),
            item("secret", ItemKind::C, Sharing::Withheld { basis: "法".into() }, Opening::Closed),
        ],
        personal: true,
        ..fixtures::resource("gaj", "301001/000001", "人口").unwrap()
    }
}

fn analyst(department: &str) -> Principal {
    Principal {
        kind: PrincipalKind::Person,
        id: format!("{department}-analyst"),
        department: Some(DepartmentId::new(department).unwrap()),
        predecessors: BTreeMap::new(),
        roles: BTreeSet::from([Role::Analyst]),
        substitutions: Vec::new(),
        attributes: BTreeMap::from([("division_code".to_owned(), "360481".to_owned())]),
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests of the decision stand in for authentication")]
fn context(principal: Principal, purpose: Option<&str>) -> OpContext {
    OpContext::authenticated(principal, "r1".into(), Channel::Sql, NOW).asserting(
        purpose.map(str::to_owned),
        None,
        None,
    )
}

fn grant(number: u8, kind: GrantKind, grantee: Grantee, purpose: Option<&str>) -> Grant {
    Grant {
        id: GrantId::new(format!("01890000-0000-7000-8000-0000000000{number:02x}")).unwrap(),
        terms: GrantTerms {
            kind,
            resource: resource().code,
            grantee,
            items: vec![ColumnName::new("county").unwrap()],
            filter: None,
            masks: BTreeMap::new(),
            purpose: purpose.map(str::to_owned),
            legal_basis: "条例".into(),
            valid_from: Some(NOW),
            valid_until: Some(NOW.plus_seconds(60)),
            doors: BTreeSet::from([Channel::Sql]),
            demands_matter: false,
            demands_operator: false,
            statistics: None,
            calls_per_day: None,
            rows_per_day: None,
        },
        created_by: "a".into(),
        created_at: NOW,
        revocation: None,
    }
}

fn to_mzj(number: u8, kind: GrantKind, purpose: Option<&str>) -> Grant {
    grant(number, kind, Grantee::Department(DepartmentId::new("mzj").unwrap()), purpose)
}

/// The code of a refusal, or the kind and last digits of the grant that decided.
fn verdict(ctx: &OpContext, grants: &[Grant]) -> String {
    match decide_read(ctx, &resource(), grants).determined_by {
        DecidedBy::Rule { code, .. } => code.as_str().to_owned(),
        DecidedBy::Grant { id, kind } => {
            format!("{kind:?} {}", id.map_or(String::new(), |id| id.as_str()[34..].to_owned()))
        }
        DecidedBy::Role { role } => format!("{role:?}"),
    }
}

#[test]
fn nothing_is_read_without_a_grant() {
    assert_eq!(verdict(&context(analyst("mzj"), None), &[]), "not_granted");
    assert_eq!(verdict(&context(analyst("gaj"), None), &[]), "Own ");
    assert_eq!(verdict(&context(Principal::public(), None), &[]), "not_granted");
}

#[test]
fn the_public_does_not_learn_of_what_is_closed() {
    let mut closed = resource();
    closed.items.retain(|item| item.opening == Opening::Closed);
    let decided = decide_read(&context(Principal::public(), None), &closed, &[]);
    assert!(matches!(decided.determined_by, DecidedBy::Rule { code: ErrorCode::NotFound, .. }));
}

#[test]
fn administrators_read_no_data_even_of_their_department() {
    for role in [Role::SystemAdministrator, Role::SecurityAdministrator, Role::Auditor] {
        let mut principal = analyst("gaj");
        principal.roles.insert(role);
        assert_eq!(verdict(&context(principal, None), &[]), "forbidden");
    }
}

#[test]
fn only_those_who_read_for_a_department_use_its_grants() {
    let mut editor = analyst("mzj");
    editor.roles = BTreeSet::from([Role::DirectoryEditor]);
    let grants = [to_mzj(1, GrantKind::Unconditional, None)];
    assert_eq!(verdict(&context(editor, None), &grants), "not_granted");
    assert_eq!(verdict(&context(analyst("mzj"), None), &grants), "Unconditional 01");
}

#[test]
fn the_purpose_picks_among_conditional_grants_and_ambiguity_is_refused() {
    let grants = [
        to_mzj(1, GrantKind::Conditional, Some("低保")),
        to_mzj(2, GrantKind::Conditional, Some("养老")),
        to_mzj(3, GrantKind::Unconditional, None),
        grant(4, GrantKind::Public, Grantee::Public, None),
    ];
    let ask = |purpose, grants: &[Grant]| verdict(&context(analyst("mzj"), purpose), grants);
    assert_eq!(ask(Some("低保"), &grants), "Conditional 01");
    assert_eq!(ask(Some("养老"), &grants), "Conditional 02");
    assert_eq!(ask(Some("其他"), &grants), "Unconditional 03");
    assert_eq!(ask(None, &grants), "ambiguous_grant");
    assert_eq!(ask(None, &grants[..1]), "Conditional 01");
    assert_eq!(ask(None, &grants[3..]), "Public 04");
    assert_eq!(verdict(&context(Principal::public(), None), &grants), "Public 04");
}

#[test]
fn term_revocation_and_door_bind() {
    let base = to_mzj(1, GrantKind::Unconditional, None);
    type Change = fn(&mut Grant);
    let cases: [(Change, &str); 6] = [
        (|_| (), "Unconditional 01"),
        (|grant| grant.terms.valid_from = Some(NOW.plus_seconds(1)), "not_granted"),
        (|grant| grant.terms.valid_until = Some(NOW), "not_granted"),
        (
            |grant| {
                grant.revocation = Some(Revocation { at: NOW, by: "a".into(), reason: "b".into() });
            },
            "not_granted",
        ),
        (
            // The request had arrived before, and waited.
            |grant| {
                let at = NOW.plus_seconds(1);
                grant.revocation = Some(Revocation { at, by: "a".into(), reason: "b".into() });
            },
            "not_granted",
        ),
        (|grant| grant.terms.doors = BTreeSet::from([Channel::File]), "not_granted"),
    ];
    for (change, expected) in cases {
        let mut grant = base.clone();
        change(&mut grant);
        assert_eq!(verdict(&context(analyst("mzj"), None), &[grant]), expected);
    }
}

#[test]
fn demanded_fields_and_subject_attributes_must_be_there() {
    let mut demanding = to_mzj(1, GrantKind::Unconditional, None);
    demanding.terms.demands_matter = true;
    assert_eq!(verdict(&context(analyst("mzj"), None), &[demanding]), "obligation_missing");

    let mut own_county = to_mzj(1, GrantKind::Unconditional, None);
    let subject = Operand::Subject { subject: "division_code".into() };
    own_county.terms.filter = Some(Filter::Eq("county".into(), subject));
    let decision = decide_read(&context(analyst("mzj"), None), &resource(), &[own_county.clone()]);
    let bound = decision.into_policy().unwrap().policy.filter;
    assert_eq!(bound, Some(Filter::Eq("county".into(), TypedLiteral::Text("360481".into()))));

    let mut nowhere = analyst("mzj");
    nowhere.attributes.clear();
    assert_eq!(verdict(&context(nowhere, None), &[own_county]), "not_granted");
}

#[test]
fn a_grant_is_checked_against_its_resource() {
    let rules = |change: fn(&mut Grant)| {
        let mut grant = to_mzj(1, GrantKind::Conditional, Some("低保"));
        change(&mut grant);
        match grant.terms.check(&resource()) {
            Ok(()) => vec![],
            Err(error) => error.problems.into_iter().map(|problem| problem.rule).collect(),
        }
    };
    let column = |name: &str| ColumnName::new(name).unwrap();
    assert_eq!(rules(|_| ()), [""; 0]);
    assert_eq!(rules(|grant| grant.terms.items.clear()), ["grant.items"]);
    assert_eq!(rules(|grant| grant.terms.purpose = None), ["grant.purpose"]);
    assert_eq!(rules(|grant| grant.terms.legal_basis.clear()), ["grant.legal_basis"]);
    assert_eq!(rules(|grant| grant.terms.doors.clear()), ["grant.doors"]);
    assert_eq!(rules(|grant| grant.terms.calls_per_day = Some(1_000_000_000_000)), [""; 0]);
    assert_eq!(rules(|grant| grant.terms.calls_per_day = Some(1_000_000_000_001)), ["grant.expected"]);
    assert_eq!(rules(|grant| grant.terms.rows_per_day = Some(u64::MAX)), ["grant.expected"]);
    assert_eq!(rules(|grant| grant.terms.items = vec![ColumnName::new("secret").unwrap()]), ["grant.item"]);
    assert_eq!(rules(|grant| grant.terms.items = vec![ColumnName::new("nothing").unwrap()]), ["grant.item"]);
    let mut public = grant(1, GrantKind::Public, Grantee::Public, None);
    assert!(public.terms.check(&resource()).is_ok());
    public.terms.items.push(column("name"));
    assert!(public.terms.check(&resource()).is_err());
    let mut masked = to_mzj(1, GrantKind::Conditional, Some("低保"));
    masked.terms.masks.insert(column("county"), Mask::Year);
    assert!(masked.terms.check(&resource()).is_err());
}

fn statistics() -> Statistics {
    Statistics {
        measures: vec![ColumnName::new("income").unwrap()],
        subject: ColumnName::new("name").unwrap(),
        min_group: 5,
    }
}

#[test]
fn statistics_are_checked_when_they_are_granted() {
    let rules = |change: fn(&mut GrantTerms)| {
        let mut terms = to_mzj(1, GrantKind::Conditional, Some("低保")).terms;
        terms.statistics = Some(statistics());
        change(&mut terms);
        match terms.check(&resource()) {
            Ok(()) => vec![],
            Err(error) => error.problems.into_iter().map(|problem| problem.rule).collect(),
        }
    };
    fn of(terms: &mut GrantTerms) -> &mut Statistics {
        terms.statistics.as_mut().unwrap()
    }
    assert_eq!(rules(|_| ()), [""; 0]);
    assert_eq!(rules(|terms| of(terms).min_group = 1), ["grant.min_group"]);
    assert_eq!(rules(|terms| of(terms).subject = ColumnName::new("nothing").unwrap()), ["grant.subject"]);
    assert_eq!(rules(|terms| of(terms).subject = ColumnName::new("county").unwrap()), ["grant.subject"]);
    assert_eq!(rules(|terms| of(terms).measures.push(ColumnName::new("name").unwrap())), ["grant.measure"]);
    assert_eq!(
        rules(|terms| of(terms).measures.push(ColumnName::new("nothing").unwrap())),
        ["grant.measure"]
    );
    assert_eq!(
        rules(|terms| of(terms).measures.push(ColumnName::new("income").unwrap())),
        ["grant.column"],
        "one sum twice"
    );
    let masked = |terms: &mut GrantTerms| {
        terms.masks.insert(ColumnName::new("county").unwrap(), Mask::Null);
    };
    assert_eq!(rules(masked), ["grant.mask"]);

    let mut clashing = resource();
    clashing.items[1].column = ColumnName::new("record_count").unwrap();
    let mut terms = to_mzj(1, GrantKind::Conditional, Some("低保")).terms;
    (terms.items, terms.statistics) = (vec![clashing.items[1].column.clone()], Some(statistics()));
    assert_eq!(terms.check(&clashing).unwrap_err().problems[0].rule, "grant.column");
}

#[test]
fn a_statistics_only_grant_shows_cells_and_nothing_else() {
    let mut terms = to_mzj(1, GrantKind::Conditional, Some("低保")).terms;
    terms.statistics = Some(statistics());
    let seen = |terms: &GrantTerms, resource: &Resource| {
        let policy = BoundPolicy::bind(terms, resource, &BTreeMap::new()).unwrap();
        assert!(!policy.is_transparent());
        let shown = crate::schema::visible(resource, &policy).items;
        let names: Vec<String> = policy.columns.iter().map(|column| column.column.to_string()).collect();
        assert_eq!(names, shown.iter().map(|item| item.column.to_string()).collect::<Vec<_>>());
        names
    };
    let mut changed = resource();
    assert_eq!(seen(&terms, &changed), ["county", "record_count", "subject_count", "income_sum"]);
    changed.items[2].sharing = Sharing::Withheld { basis: "法".into() };
    assert_eq!(seen(&terms, &changed), ["county", "record_count", "subject_count"], "a withheld sum is gone");
    changed.items[1].sharing = Sharing::Withheld { basis: "法".into() };
    assert_eq!(seen(&terms, &changed), [""; 0], "without a dimension there is no cell");
    let mut wider = terms.clone();
    wider.items.push(ColumnName::new("income").unwrap());
    wider.statistics.as_mut().unwrap().measures.clear();
    let all = ["county", "income", "record_count", "subject_count"];
    assert_eq!(seen(&wider, &resource()), all);
    for hidden in [1, 2] {
        let mut changed = resource();
        changed.items[hidden].sharing = Sharing::Withheld { basis: "法".into() };
        assert_eq!(seen(&wider, &changed), [""; 0], "fewer dimensions are other cells");
    }
    let rows = GrantTerms { statistics: None, ..terms.clone() };
    let digest = |terms| BoundPolicy::bind(terms, &resource(), &BTreeMap::new()).unwrap().digest();
    assert_ne!(digest(&rows), digest(&terms));
    let more = GrantTerms { statistics: Some(Statistics { min_group: 6, ..statistics() }), ..terms.clone() };
    assert_ne!(digest(&more), digest(&terms));
}

/// What is undone by what: by the number's format, by a reference, by the same item; in grants, own and public data.
#[test]
fn a_pseudonym_beside_its_identifier_is_found() {
    let mut people = resource();
    people.items[0].format = Some(ValueFormat::CitizenId);
    let mut cases = resource();
    cases.code = ResourceCode::new("301001/000002").unwrap();
    cases.provider = DepartmentId::new("rsj").unwrap();
    for (item, column) in cases.items.iter_mut().zip(["party", "place", "fine", "inner"]) {
        item.column = ColumnName::new(column).unwrap();
    }
    let name = |column: &str| ColumnName::new(column).unwrap();
    let terms = |resource: &Resource, to: Grantee, item: &str, pseudonym: bool| {
        let mut terms = grant(1, GrantKind::Unconditional, to, None).terms;
        terms.resource = resource.code.clone();
        terms.items = vec![name(item)];
        if pseudonym {
            terms.masks.insert(name(item), Mask::Pseudonym { application: "aid".into() });
        }
        terms
    };
    let mzj = || Grantee::Department(DepartmentId::new("mzj").unwrap());
    let hidden = terms(&people, mzj(), "name", true);
    let undone = |cases: &Resource, clear: Option<&GrantTerms>| {
        let hidden = Sight { resource: &people, terms: Some(&hidden) };
        let clear = Sight { resource: cases, terms: clear };
        assert_eq!(hidden.undoes(&clear), clear.undoes(&hidden));
        hidden.may_meet(&clear, &Successions::default()) && hidden.undoes(&clear).is_some()
    };
    let party = terms(&cases, mzj(), "party", false);
    assert!(!undone(&cases, Some(&party)), "another identifier");
    let mut numbered = cases.clone();
    numbered.items[0].format = Some(ValueFormat::CitizenId);
    assert!(undone(&numbered, Some(&party)), "another column with the same kind of number");
    assert!(!undone(&numbered, Some(&terms(&cases, mzj(), "place", false))), "not shown");
    assert!(!undone(&numbered, Some(&terms(&cases, mzj(), "party", true))), "a pseudonym too");
    let mut referring = cases.clone();
    referring.items[0].reference =
        Some(crate::directory::Reference { resource: people.code.clone(), column: name("name") });
    assert!(undone(&referring, Some(&party)), "a reference to the very item");
    let jyj = Grantee::Department(DepartmentId::new("jyj").unwrap());
    assert!(!undone(&numbered, Some(&terms(&cases, jyj, "party", false))), "another holder");
    assert!(
        undone(&numbered, Some(&terms(&cases, Grantee::Public, "party", false))),
        "everybody holds what is public"
    );
    assert!(!undone(&numbered, None), "somebody else's own data");
    numbered.provider = DepartmentId::new("mzj").unwrap();
    assert!(undone(&numbered, None), "the holder's own data");
    assert!(
        undone(&people, Some(&terms(&people, mzj(), "name", false))),
        "the same data for another purpose"
    );
}

#[test]
fn what_is_closed_or_withheld_later_is_no_longer_shown() {
    let shown = |grant: &Grant, resource: &Resource| {
        let decision = decide_read(&context(analyst("mzj"), None), resource, std::slice::from_ref(grant));
        decision.into_policy().map_or(0, |granted| granted.policy.columns.len())
    };
    let (public, shared) =
        (grant(1, GrantKind::Public, Grantee::Public, None), to_mzj(2, GrantKind::Unconditional, None));
    let mut changed = resource();
    assert_eq!((shown(&public, &changed), shown(&shared, &changed)), (1, 1));
    changed.items[1].opening = Opening::Conditional { condition: "申请".into() };
    assert_eq!((shown(&public, &changed), shown(&shared, &changed)), (0, 1));
    changed.items[1].sharing = Sharing::Withheld { basis: "法".into() };
    assert_eq!(shown(&shared, &changed), 0);
}

#[test]
fn a_developer_sees_no_more_of_the_directory_than_the_public() {
    let mut developer = Principal::public();
    developer.roles = BTreeSet::from([Role::Developer]);
    assert!(!developer.sees_whole_directory());
    assert!(analyst("mzj").sees_whole_directory());
}

#[test]
fn a_pseudonym_is_the_grantees_own_and_never_public() {
    let county = || ColumnName::new("county").unwrap();
    let pseudonym = || Mask::Pseudonym { application: "aid".into() };
    let mut public = grant(1, GrantKind::Public, Grantee::Public, None);
    public.terms.masks.insert(county(), pseudonym());
    assert!(public.terms.check(&resource()).is_err());
    let bound = |to: &str| {
        let to = Grantee::Department(DepartmentId::new(to).unwrap());
        let mut grant = grant(1, GrantKind::Unconditional, to, None);
        grant.terms.masks.insert(county(), pseudonym());
        BoundPolicy::bind(&grant.terms, &resource(), &BTreeMap::new()).unwrap().columns.remove(0).mask
    };
    assert_ne!(bound("mzj"), bound("jyj"));
    assert_eq!(bound("mzj"), bound("mzj"));
}

#[test]
fn filters_read_as_documented() {
    let text = r#"{"and":[{"=":["county",{"subject":"division_code"}]},{"in":["name",["甲","乙"]]},
        {"between":["income",1,"2.50"]},{"not":{"like":["name","张%"]}},{"is_null":"name"}]}"#;
    let filter: Filter = serde_json::from_str(text).unwrap();
    filter.check(&column_types(&resource())).unwrap();
    let again: Filter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
    assert_eq!(filter, again);
    for wrong in [
        r#"{"=":["nothing","x"]}"#,
        r#"{"=":["income","abc"]}"#,
        r#"{"=":["income","1.234"]}"#,
        r#"{"=":["income",{"subject":"level"}]}"#,
        r#"{"=":["county",{"subject":"salary"}]}"#,
        r#"{"like":["income","1%"]}"#,
        r#"{"like":["name","a\\%"]}"#,
    ] {
        let filter: Filter = serde_json::from_str(wrong).unwrap();
        assert!(filter.check(&column_types(&resource())).is_err(), "{wrong}");
    }
}

#[test]
fn a_filter_is_bounded_in_depth_and_width() {
    let leaf = || Filter::<Operand>::IsNull("name".into());
    let wide = |count| Filter::Or(std::iter::repeat_with(leaf).take(count).collect());
    let deep = |count: usize| (0..count).fold(leaf(), |inner, _| Filter::Not(Box::new(inner)));
    let check = |filter: Filter| filter.check(&column_types(&resource())).is_ok();
    assert!(check(wide(filter::MAX_NODES - 1)) && !check(wide(filter::MAX_NODES)));
    assert!(check(deep(filter::MAX_DEPTH - 1)) && !check(deep(filter::MAX_DEPTH)));
}

#[test]
fn roles_that_must_not_meet() {
    assert!(Role::may_combine(&BTreeSet::from([Role::Analyst, Role::DirectoryEditor])));
    assert!(!Role::may_combine(&BTreeSet::from([Role::Auditor, Role::SystemAdministrator])));
    assert!(!Role::may_combine(&BTreeSet::from([Role::Auditor, Role::Analyst])));
    assert!(!Role::may_combine(&BTreeSet::from([Role::Developer, Role::Analyst])));
}

/// The whole role x action matrix, for one's own department and for another: a change of policy is a diff.
#[test]
fn the_matrix_of_roles_and_actions() {
    let mut matrix = String::new();
    for action in Action::ALL {
        for role in Role::ALL {
            let mut principal = analyst("gaj");
            principal.roles = BTreeSet::from([role]);
            let may = |owner: &str| {
                let owner = DepartmentId::new(owner).unwrap();
                decide_action(&principal, action, Some(&owner)).effect == Effect::Permit
            };
            match (may("gaj"), may("mzj")) {
                (true, true) => matrix.push_str(&format!("{action:?} {role:?} everywhere\n")),
                (true, false) => matrix.push_str(&format!("{action:?} {role:?} own department\n")),
                _ => {}
            }
        }
    }
    insta::assert_snapshot!(matrix);
}

proptest! {
    #[test]
    fn decimals_are_exact_or_refused(value in -10i64.pow(15)..10i64.pow(15), scale in 0i8..6) {
        let divisor = 10i64.pow(u32::try_from(scale).unwrap());
        let sign = if value < 0 { "-" } else { "" };
        let text = if scale == 0 {
            value.to_string()
        } else {
            let (whole, part) = (value.abs() / divisor, value.abs() % divisor);
            format!("{sign}{whole}.{part:0width$}", width = usize::try_from(scale).unwrap())
        };
        prop_assert_eq!(parse_decimal(&text, 18, scale), Some(i128::from(value)));
        prop_assert_eq!(parse_decimal(&format!("{text}x"), 18, scale), None);
    }

    #[test]
    fn the_decimal_reader_never_panics(text: String, precision in 0u8..40, scale in -3i8..40) {
        let _ = parse_decimal(&text, precision, scale);
    }

    /// Whatever grants there are, a permit names exactly one of them, in force and for whoever asks.
    #[test]
    fn a_permit_names_one_grant_that_covers_the_caller(
        shape in prop::collection::vec((0u8..3, 0u8..3, any::<bool>(), 0u8..3), 0..6),
        purpose in prop::option::of(0u8..3),
    ) {
        let grants: Vec<_> = shape.iter().enumerate().map(|(index, (kind, to, live, purpose))| {
            let kind = [GrantKind::Unconditional, GrantKind::Conditional, GrantKind::Public][usize::from(*kind)];
            let grantee = match (kind, to) {
                (GrantKind::Public, _) => Grantee::Public,
                (_, 0) => Grantee::Developer("mzj-analyst".into()),
                (_, 1) => Grantee::Department(DepartmentId::new("mzj").unwrap()),
                _ => Grantee::Department(DepartmentId::new("jyj").unwrap()),
            };
            let mut grant = grant(u8::try_from(index).unwrap(), kind, grantee, Some(&purpose.to_string()));
            if !live { grant.terms.valid_until = Some(NOW); }
            grant
        }).collect();
        let purpose = purpose.map(|purpose| purpose.to_string());
        let ctx = context(analyst("mzj"), purpose.as_deref());
        if let DecidedBy::Grant { id, .. } = decide_read(&ctx, &resource(), &grants).determined_by {
            let used = grants.iter().find(|grant| Some(&grant.id) == id.as_ref()).unwrap();
            prop_assert!(used.is_in_force(NOW));
            prop_assert!(used.terms.grantee.covers(&ctx.principal));
            prop_assert!(used.terms.kind != GrantKind::Conditional || purpose.is_none() || used.terms.purpose == purpose);
        }
    }
}

#[test]
fn literals_take_the_type_of_their_column() {
    let text = |text: &str| Literal::Text(text.into());
    let typed = |literal, kind| filter::typed_literal(&literal, ItemType::plain(kind));
    assert_eq!(typed(Literal::Int(3), ItemKind::I), Ok(TypedLiteral::Int(3)));
    assert!(typed(Literal::Int(3), ItemKind::C).is_err());
    assert!(typed(text("2026-02-30"), ItemKind::D).is_err());
    assert!(typed(text("2026-02-28"), ItemKind::D).is_ok());
    assert!(typed(text("NaN"), ItemKind::B).is_err());
    assert!(typed(text("x"), ItemKind::G).is_err());
}

/// A department that continues two others, each of another county.
fn heir() -> Principal {
    let county = |code: &str| BTreeMap::from([("division_code".to_owned(), code.to_owned())]);
    let predecessor = |name: &str, code: &str| (DepartmentId::new(name).unwrap(), county(code));
    let predecessors = BTreeMap::from([predecessor("mzj", "360402"), predecessor("rsj", "360403")]);
    Principal { predecessors, ..analyst("zfw") }
}

fn to(name: &str, number: u8, purpose: &str) -> Grant {
    let grantee = Grantee::Department(DepartmentId::new(name).unwrap());
    grant(number, GrantKind::Conditional, grantee, Some(purpose))
}

#[test]
fn the_own_grant_goes_before_those_of_predecessors() {
    let (first, second) = (to("mzj", 1, "救助"), to("rsj", 2, "就业"));
    let grants = [first.clone(), second.clone()];
    assert_eq!(verdict(&context(heir(), Some("救助")), &grants), "Conditional 01");
    assert_eq!(verdict(&context(heir(), Some("就业")), &grants), "Conditional 02");
    assert_eq!(verdict(&context(heir(), None), &grants), "ambiguous_grant");
    let grants = [first, second, to("zfw", 3, "救助")];
    assert_eq!(verdict(&context(heir(), Some("救助")), &grants), "Conditional 03");
    assert_eq!(verdict(&context(heir(), Some("就业")), &grants), "Conditional 02", "a purpose of its own");
    assert_eq!(verdict(&context(heir(), None), &grants), "Conditional 03");
    // Two of the same purpose: no purpose chooses between them, and the message says what does.
    let alike = [to("mzj", 1, "救助"), to("rsj", 2, "救助")];
    let refused = decide_read(&context(heir(), Some("救助")), &resource(), &alike).into_policy().unwrap_err();
    assert_eq!(refused.code, ErrorCode::AmbiguousGrant);
    assert!(
        refused.message.contains("department:rsj") && refused.message.contains("apply for a grant"),
        "{refused}"
    );
}

#[test]
fn a_grant_means_the_department_that_it_was_given_to() {
    let mut given = to("rsj", 1, "就业");
    given.terms.filter = serde_json::from_str(r#"{"=": ["county", {"subject": "division_code"}]}"#).unwrap();
    let shown = |grants: &[Grant], who: Principal| {
        let policy = decide_read(&context(who, None), &resource(), grants).into_policy().unwrap().policy;
        serde_json::to_string(&policy.filter).unwrap()
    };
    assert!(shown(&[given.clone()], heir()).contains("360403"), "and not the successor's 360481");
    given.terms.grantee = Grantee::Department(DepartmentId::new("zfw").unwrap());
    assert!(shown(&[given], heir()).contains("360481"));
}
