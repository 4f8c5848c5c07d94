use super::*;
use crate::directory::format::ResourceFormat;
use crate::directory::{
    DataClass, InformationItem, ItemKind, ItemType, Opening, Reference, Sharing, SharingMethod, ValueFormat,
    VerificationProfile,
};
use crate::fixtures;
use crate::ids::{ColumnName, ResourceCode};

/// A valid resource with an item of every kind of sharing. Other tests of this crate start from it too.
pub(crate) fn sample() -> Resource {
    let item = |title: &str, column: &str, item_type, sharing, opening| InformationItem {
        item_type,
        sharing,
        opening,
        ..fixtures::item(title, column).unwrap()
    };
    let conditional = Sharing::Conditional { condition: "办理登记时核验".into() };
    let withheld = Sharing::Withheld { basis: "中华人民共和国统计法 第二十五条".into() };
    let mut credit = item(
        "统一社会信用代码",
        "credit_code",
        ItemType::sized(ItemKind::C, 18),
        Sharing::Unconditional,
        Opening::Open,
    );
    (credit.required, credit.format) = (true, Some(ValueFormat::CreditCode));
    let mut legal = item(
        "法定代表人证件号码",
        "legal_id",
        ItemType::sized(ItemKind::C, 18),
        conditional,
        Opening::Closed,
    );
    (legal.personal, legal.format) = (true, Some(ValueFormat::CitizenId));
    let mut capital =
        item("注册资本", "capital", ItemType::plain(ItemKind::Y), Sharing::Unconditional, Opening::Open);
    capital.minimum = Some("0".into());
    let turnover = item("营业额", "turnover", ItemType::plain(ItemKind::Y), withheld, Opening::Closed);
    let mut status =
        item("状态", "status", ItemType::sized(ItemKind::C, 4), Sharing::Unconditional, Opening::Open);
    status.enumeration = vec!["存续".into(), "注销".into()];
    let founded =
        item("成立日期", "founded_on", ItemType::plain(ItemKind::D), Sharing::Unconditional, Opening::Open);
    Resource {
        sql_name: "legal_entity".parse().unwrap(),
        classification: vec!["法人单位信息资源".into(), "登记信息".into()],
        summary: "全市法人单位的登记信息，样例数据为合成".into(),
        items: vec![credit, legal, capital, turnover, status, founded],
        published_on: "2026-01-05".parse().ok(),
        keywords: vec!["企业".into()],
        licence: Some("CC-BY-4.0".into()),
        contact: Some("0792-0000000".into()),
        temporal_coverage: Some("2020-01-01/..".into()),
        spatial_coverage: Some("360400".into()),
        key: vec!["credit_code".parse().unwrap()],
        sort: vec!["status".parse().unwrap()],
        subject: Some("credit_code".parse().unwrap()),
        ..fixtures::resource("scjg", "102001/000001", "法人单位基本信息").unwrap()
    }
}

fn verified(profile: &str) -> VerificationProfile {
    profile.parse().unwrap()
}

/// So many good ones.
fn profiles(count: usize) -> Vec<VerificationProfile> {
    let texts = ["credit_code", "legal_id", "status"];
    let pairs = texts.iter().flat_map(|one| texts.iter().map(move |other| (one, other)));
    let different = pairs.filter(|(one, other)| one != other);
    different.cycle().take(count).map(|(one, other)| verified(&format!("{one}+{other}"))).collect()
}

#[test]
fn the_sample_breaks_no_rule() {
    assert_eq!(check(&sample()), []);
}

/// What a change to the sample breaks, as `at rule`.
fn broken(change: impl FnOnce(&mut Resource)) -> Vec<String> {
    let mut resource = sample();
    change(&mut resource);
    check(&resource).into_iter().map(|problem| format!("{} {}", problem.at, problem.rule)).collect()
}

macro_rules! breaks {
    ($($name:ident: $expected:literal when $change:expr;)+) => {
        $(#[test] fn $name() {
            let found = broken($change);
            assert_eq!(found, [$expected], "and no other rule");
        })+
    };
}

breaks! {
    no_title: "title text.missing" when |r| r.title.clear();
    title_of_two_lines: "title text.lines" when |r| r.title = "法人\n单位".into();
    untrimmed: "abstract text.trimmed" when |r| r.summary.push(' ');
    control_character: "abstract text.control" when |r| r.summary.insert(3, '\t');
    endless: "abstract text.long" when |r| r.summary = "长".repeat(4001);
    formula: "contact text.formula" when |r| r.contact = Some("=cmd()".into());
    no_abstract: "abstract abstract.missing" when |r| r.summary.clear();
    no_classification: "classification classification.names" when |r| r.classification.clear();
    numbered_name: "classification[1] classification.numbered" when |r| r.classification[1] = "001 登记".into();
    code_of_another_base_item: "classification[0] classification.code" when |r| r.code = "101001/000001".parse().unwrap();
    topic_number_of_another_name: "classification[0] classification.code" when |r| {
        r.code = "205001/000001".parse().unwrap();
        r.classification[0] = "公共服务".into();
    };
    format_class: "format.class format.class" when |r| r.format.class = "纸".into();
    format_kind: "format.other format.other" when |r| r.format.kind = "mysql,parquet".into();
    method_class: "sharing_method.class sharing_method.class" when |r| r.sharing_method.class = "口头".into();
    method_kind: "sharing_method.kind sharing_method.kind" when |r| r.sharing_method.kind = "传真".into();
    no_licence: "licence licence.missing" when |r| r.licence = None;
    no_contact_text: "contact contact.empty" when |r| r.contact = Some(String::new());
    class_of_the_whole: "data_class data_class.whole" when |r| r.items[3].data_class = DataClass::Important;
    related_twice: "related[1] related.unique" when |r| {
        r.related = vec![code("101001/1"), code("101001/1")];
    };
    source_twice: "derived_from[1] derived_from.unique" when |r| {
        r.derived_from = vec![code("101001/1"), code("101001/1")];
    };
    source_of_itself: "derived_from derived_from.itself" when |r| r.derived_from = vec![r.code.clone()];
    verified_twice: "verifications[1] verifications.unique" when |r| r.verifications = vec![verified("credit_code+legal_id"); 2];
    verified_too_much: "verifications verifications.many" when |r| r.verifications = profiles(5);
    verified_by_itself: "verifications[0] verifications.same" when |r| r.verifications = vec![verified("status+status")];
    verified_by_nothing: "verifications[0] verifications.column" when |r| r.verifications = vec![verified("status+name")];
    verified_by_an_amount: "verifications[0] verifications.type" when
        |r| r.verifications = vec![verified("credit_code+capital")];
    related_to_itself: "related related.itself" when |r| r.related = vec![r.code.clone()];
    keyword_twice: "keywords[1] keywords.unique" when |r| r.keywords.push("企业".into());
    keyword_list: "keywords[0] keywords.text" when |r| r.keywords = vec!["企业，法人".into()];
    period: "temporal_coverage temporal_coverage.shape" when |r| r.temporal_coverage = Some("2025".into());
    reversed_period: "temporal_coverage temporal_coverage.shape" when
        |r| r.temporal_coverage = Some("2025-01-02/2025-01-01".into());
    area: "spatial_coverage spatial_coverage.shape" when |r| r.spatial_coverage = Some("九江".into());
    title_twice: "items[5].title item.title_unique" when |r| r.items[5].title = "状态".into();
    title_is_a_column: "items[5].title item.name_clash" when |r| r.items[5].title = "STATUS".into();
    text_without_length: "items[4].type type.length" when |r| r.items[4].item_type.length = 0;
    date_with_length: "items[5].type type.length" when |r| r.items[5].item_type.length = 8;
    number_of_40_digits: "items[2].type type.length" when
        |r| r.items[2].item_type = ItemType { kind: ItemKind::N, length: 40, scale: 2 };
    no_basis: "items[3].sharing sharing.basis" when
        |r| r.items[3].sharing = Sharing::Withheld { basis: String::new() };
    no_condition: "items[1].sharing sharing.condition" when
        |r| r.items[1].sharing = Sharing::Conditional { condition: String::new() };
    withheld_but_open: "items[3].opening opening.withheld" when |r| r.items[3].opening = Opening::Open;
    no_opening_condition: "items[5].opening opening.condition" when
        |r| r.items[5].opening = Opening::Conditional { condition: String::new() };
    format_of_a_date: "items[5].format format.type" when |r| r.items[5].format = Some(ValueFormat::DivisionCode);
    longitude_of_a_date: "items[5].format format.type" when |r| r.items[5].format = Some(ValueFormat::Longitude);
    citizen_id_unflagged: "items[1].personal personal.citizen_id" when |r| r.items[1].personal = false;
    value_twice: "items[4].enumeration[2] enumeration.unique" when |r| r.items[4].enumeration.push("注销".into());
    value_too_long: "items[4].enumeration enumeration.value" when
        |r| r.items[4].enumeration.push("吊销未注销".into());
    value_with_separator: "items[4].enumeration enumeration.value" when
        |r| r.items[4].enumeration.push("a|b".into());
    bound_of_a_text: "items[4].minimum range.value" when |r| r.items[4].minimum = Some("1".into());
    bound_that_is_no_date: "items[5].maximum range.value" when |r| r.items[5].maximum = Some("2026-02-30".into());
    bounds_reversed: "items[2].minimum range.order" when |r| r.items[2].maximum = Some("-1".into());
    reference_to_nowhere: "items[5].reference reference.column" when |r| {
        r.items[5].reference = Some(Reference { resource: r.code.clone(), column: column("nowhere") });
    };
    reference_to_itself: "items[5].reference reference.itself" when |r| {
        r.items[5].reference = Some(Reference { resource: r.code.clone(), column: column("founded_on") });
    };
    unknown_key: "key[1] key.column" when |r| r.key.push(column("nowhere"));
    key_that_may_be_empty: "key[0] key.required" when |r| r.key = vec![column("status")];
    sort_twice: "sort[1] sort.unique" when |r| r.sort.push(column("status"));
    sort_by_a_withheld_item: "sort[0] sort.attribute" when |r| r.sort = vec![column("turnover")];
    sort_by_a_personal_item: "sort[0] sort.attribute" when |r| r.items[4].personal = true;
    unknown_subject: "subject subject.column" when |r| r.subject = Some(column("nowhere"));
}

#[test]
fn important_data_are_never_open() {
    let found = broken(|r| r.data_class = DataClass::Important);
    assert_eq!(found.len(), 4, "one problem for each open item: {found:?}");
    assert!(found.iter().all(|line| line.ends_with("opening.data_class")));
}

#[test]
fn no_items_and_two_items_of_one_column() {
    assert!(broken(|r| r.items.clear()).contains(&"items items.missing".to_owned()));
    let found = broken(|r| r.items[5].column = column("status"));
    assert_eq!(found, ["items[5].column item.column_unique"]);
}

#[test]
fn a_withheld_resource_needs_no_sharing_method_and_free_formats_no_description() {
    let found = broken(|r| {
        r.items.truncate(1);
        r.items[0].sharing = Sharing::Withheld { basis: "保密法".into() };
        r.items[0].opening = Opening::Closed;
        r.sort.clear();
        r.sharing_method = SharingMethod { class: String::new(), kind: String::new() };
        r.format = ResourceFormat { class: "服务接口".into(), kind: "REST".into(), other: String::new() };
    });
    assert_eq!(found, [""; 0]);
}

fn code(text: &str) -> ResourceCode {
    text.parse().unwrap()
}

fn column(text: &str) -> ColumnName {
    text.parse().unwrap()
}
