use catalog_core::directory::{
    DataClass, Department, InformationItem, ItemKind, ItemType, Opening, Resource, Sharing, UpdateCycle,
    ValueFormat,
};
use catalog_core::{Timestamp, fixtures};
use proptest::prelude::*;

use super::*;

fn site() -> Site {
    Site::new("https://data.example.gov.cn").unwrap()
}

fn department() -> Department {
    fixtures::department("scjg", "九江市市场监督管理局").unwrap()
}

/// A resource that says something in every field.
fn full() -> Resource {
    let mut resource = fixtures::resource("scjg", "301001/000001", "行政处罚信息").unwrap();
    let text = |text: &str| text.to_owned();
    resource.summary = text("合成的 <行政处罚> \"信息\"\n第二行 & 其他");
    resource.classification = vec![text("市场监督管理局"), text("行政处罚")];
    resource.keywords = vec![text("处罚"), text("企业"), text("处罚决定")];
    resource.related = vec!["301001/000003".parse().unwrap(), "301001/000002".parse().unwrap()];
    resource.derived_from = vec!["301001/000005".parse().unwrap(), "301001/000004".parse().unwrap()];
    resource.business_matter = text("行政处罚");
    resource.sub_organisation = text("执法支队");
    resource.open_topic = text("信用服务");
    resource.format.other = text("parquet");
    resource.published_on = "2026-01-05".parse().ok();
    resource.licence = Some(text("CC-BY-4.0"));
    resource.contact = Some(text("0792-0000000"));
    resource.temporal_coverage = Some(text("2020-01-01/.."));
    resource.spatial_coverage = Some(text("360400"));
    let item = |title: &str, column: &str| fixtures::item(title, column).unwrap();
    let mut number = item("案号", "case_no");
    (number.required, number.opening) = (true, Opening::Open);
    let mut person = item("当事人", "person");
    person.personal = true;
    person.sharing = Sharing::Conditional { condition: text("办案需要") };
    person.opening = Opening::Closed;
    let mut amount = item("罚款金额", "amount");
    amount.item_type = ItemType { kind: ItemKind::N, length: 18, scale: 2 };
    (amount.minimum, amount.maximum) = (Some(text("0")), Some(text("99")));
    amount.opening = Opening::Conditional { condition: text("登记后") };
    let mut code = item("信用代码", "credit_code");
    (code.format, code.reference) = (Some(ValueFormat::CreditCode), "301001/000002#credit_code".parse().ok());
    code.sharing = Sharing::Withheld { basis: text("保密法") };
    (code.opening, code.data_class) = (Opening::Closed, DataClass::Important);
    let mut status = item("状态", "status");
    status.enumeration = vec![text("有效"), text("撤销")];
    resource.items = vec![number, person, amount, code, status];
    resource.key = vec!["case_no".parse().unwrap()];
    resource.sort = vec!["status".parse().unwrap(), "amount".parse().unwrap()];
    resource.subject = "person".parse().ok();
    (resource.personal, resource.data_class) = (true, DataClass::Important);
    resource
}

fn described(resource: Resource) -> Described {
    let file = |format: &str, media_type: &str, stored| File {
        format: format.to_owned(),
        media_type: media_type.to_owned(),
        stored,
    };
    let csv = file("csv", "text/csv; charset=utf-8; header=present", Some((42, "ab".repeat(32))));
    let release = Release {
        number: 3,
        published_at: Timestamp(1_790_000_000_000_000),
        files: vec![csv, file("parquet", "application/vnd.apache.parquet", None)],
    };
    Described { resource, provider: department(), release: Some(release) }
}

fn back(syntax: Syntax, written: &[u8]) -> Imported {
    read(&syntax.read(written, &site()).unwrap(), None, &[department()])
}

fn round(resource: &Resource) {
    for syntax in Syntax::ALL {
        let written = syntax.write(Statements::about(&site(), &[described(resource.clone())])).unwrap();
        let found = back(syntax, &written);
        assert_eq!(found.problems, [], "{}", String::from_utf8_lossy(&written));
        assert_eq!(found.resources.len(), 1);
        assert_eq!(found.resources[0].1, *resource, "{}", String::from_utf8_lossy(&written));
    }
}

#[test]
fn an_entry_with_everything_survives_each_syntax() {
    round(&full());
}

#[test]
fn materials_are_one_distribution_that_says_where_each_is() {
    let mut resource = full();
    let mut document = fixtures::item("公告文本", "document").unwrap();
    (document.format, document.item_type) = (Some(ValueFormat::Material), ItemType::sized(ItemKind::C, 64));
    resource.items.push(document);
    round(&resource);
    let turtle = |resource: Resource| {
        let said = Statements::about(&site(), &[described(resource)]);
        String::from_utf8(Syntax::Turtle.write(said).unwrap()).unwrap()
    };
    let place = "https://data.example.gov.cn/datasets/301001-000001/versions/3/materials/{sha256}";
    assert!(turtle(resource).contains(place));
    assert!(!turtle(full()).contains("materials"));
}

#[test]
fn each_update_cycle_and_kind_survives() {
    for (cycle, _) in UpdateCycle::ALL {
        round(&Resource { update_cycle: cycle, ..full() });
    }
    for (kind, _) in ItemKind::ALL {
        let mut resource = full();
        resource.items[0].item_type = ItemType::plain(kind);
        round(&resource);
    }
}

fn text() -> impl Strategy<Value = String> {
    "[^\\p{C}\\p{Z}]([^\\p{C}]{0,20}[^\\p{C}\\p{Z}])?"
}

prop_compose! {
    fn any_item()(
        title in text(), kind in 0..ItemKind::ALL.len(), length in any::<u16>(), scale in any::<u8>(), choice in 0..3usize,
        condition in text(), flags in any::<[bool; 2]>(), values in proptest::collection::vec(text(), 0..4),
        bounds in proptest::option::of((text(), text())),
    ) -> InformationItem {
        let sharing = [
            Sharing::Unconditional,
            Sharing::Conditional { condition: condition.clone() },
            Sharing::Withheld { basis: condition.clone() },
        ];
        let opening = [Opening::Open, Opening::Conditional { condition }, Opening::Closed];
        let (minimum, maximum) = bounds.unzip();
        InformationItem {
            title,
            item_type: ItemType { kind: ItemKind::ALL[kind].0, length, scale },
            sharing: sharing[choice].clone(),
            opening: opening[choice].clone(),
            personal: flags[0],
            required: flags[1],
            enumeration: values,
            minimum,
            maximum,
            ..fixtures::item("编号", "number").unwrap()
        }
    }
}

prop_compose! {
    fn any_resource()(
        texts in proptest::array::uniform6(proptest::option::of(text())), title in text(), summary in text(),
        names in proptest::collection::vec(text(), 1..5), keywords in proptest::collection::btree_set(text(), 0..4),
        items in proptest::collection::vec(any_item(), 1..5), cycle in 0..UpdateCycle::ALL.len(),
    ) -> Resource {
        let [contact, licence, matter, organisation, topic, other] = texts;
        let mut resource = Resource {
            title, summary, classification: names, keywords: keywords.into_iter().rev().collect(), contact, licence,
            business_matter: matter.unwrap_or_default(), sub_organisation: organisation.unwrap_or_default(),
            open_topic: topic.unwrap_or_default(), update_cycle: UpdateCycle::ALL[cycle].0, items,
            ..fixtures::resource("scjg", "301001/000001", "").unwrap()
        };
        resource.format.other = other.unwrap_or_default();
        for (place, item) in resource.items.iter_mut().enumerate() {
            item.column = format!("column_{place}").parse().unwrap();
        }
        resource
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_entry_survives_each_syntax(resource in any_resource()) {
        round(&resource);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for syntax in Syntax::ALL {
            if let Ok(graph) = syntax.read(&bytes, &site()) {
                read(&graph, None, &[]);
            }
        }
    }
}

#[test]
fn a_department_writes_json_under_the_context_of_the_server() {
    let document = r#"{
        "@context": "https://elsewhere.example/schemas/directory.jsonld", "@type": "Dataset",
        "code": "301001/000007", "title": "停车场", "abstract": "公共停车场", "publisher": {"creditCode": "11360400MB00000000"},
        "updateCycle": "http://publications.europa.eu/resource/authority/frequency/MONTHLY", "publishedOn": "2026-02-01",
        "classification": ["城市管理局", "停车"], "formatClass": "数据库", "formatKind": "mysql",
        "sharingMethodClass": "共享平台方式", "sharingMethodKind": "数据库", "licence": "CC-BY-4.0", "key": ["number"],
        "items": [
            {"title": "编号", "column": "number", "type": "C", "length": 20, "required": true, "sharing": "unconditional",
             "opening": "open"},
            {"title": "泊位", "column": "places", "type": "I", "sharing": "conditional", "sharingCondition": "登记",
             "opening": "closed"}
        ]
    }"#;
    let found = back(Syntax::JsonLd, document.as_bytes());
    assert_eq!(found.problems, []);
    let (_, resource) = &found.resources[0];
    assert_eq!((resource.title.as_str(), resource.update_cycle), ("停车场", UpdateCycle::Monthly));
    assert_eq!(resource.items[0].item_type, ItemType::sized(ItemKind::C, 20));
    assert!(resource.items[0].required && !resource.items[1].required);
    assert_eq!(resource.items[1].sharing, Sharing::Conditional { condition: "登记".into() });
    assert_eq!(resource.sql_name.as_str(), "r301001_000007", "as for a sheet that names none");
}

#[test]
fn nothing_is_fetched_and_no_entity_grows() {
    let foreign = br#"{"@context": "https://elsewhere.example/context.jsonld", "@type": "Dataset"}"#;
    assert!(Syntax::JsonLd.read(foreign, &site()).is_err());
    let entities = br#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>"#;
    let refused = Syntax::RdfXml.read(entities, &site()).unwrap_err();
    assert!(refused.message.contains("entities"), "{}", refused.message);
}

#[test]
fn what_is_wrong_is_said_at_its_node_and_term() {
    let written =
        String::from_utf8(Syntax::Turtle.write(Statements::about(&site(), &[described(full())])).unwrap());
    let written = written.unwrap();
    for (from, to, rule) in [
        ("sq:opening \"closed\"", "sq:opening \"ajar\"", "term.value"),
        ("sq:column \"amount\"", "sq:column \"a mount\"", "term.value"),
        ("sq:length 18", "sq:length -1", "term.value"),
        ("frequency/DAILY", "frequency/NEVER", "term.value"),
        ("\"行政处罚信息\"@zh", "\"一\"@zh , \"二\"@zh", "term.several"),
        ("11360400MB00000000", "11360400MB00000001", "provider.unknown"),
    ] {
        assert!(written.contains(from), "{from} is not in {written}");
        let found = back(Syntax::Turtle, written.replace(from, to).as_bytes());
        assert!(found.resources.is_empty(), "{to}");
        assert!(found.problems.iter().any(|problem| problem.rule == rule), "{to}: {:?}", found.problems);
        assert!(found.problems[0].at.contains("301001-000001"), "{:?}", found.problems);
    }
    let endless =
        "@prefix sq: <urn:shuqiao:directory#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
        <#d> a <http://www.w3.org/ns/dcat#Dataset> ; sq:items _:a . _:a rdf:first \"x\" ; rdf:rest _:a .";
    let found = back(Syntax::Turtle, endless.as_bytes());
    assert!(found.problems.iter().any(|problem| problem.rule == "term.list"), "{:?}", found.problems);
    assert_eq!(back(Syntax::Turtle, b"").problems[0].rule, "graph.empty");
}

#[test]
fn what_is_not_open_is_not_described_to_the_public() {
    let seen = opened(full());
    let columns: Vec<_> = seen.items.iter().map(|item| item.column.as_str()).collect();
    assert_eq!(columns, ["case_no", "amount", "status"]);
    assert_eq!((seen.subject, seen.key.len(), seen.sort.len()), (None, 1, 2));
}

#[test]
fn characters_that_xml_lacks_are_replaced_there() {
    let mut resource = full();
    resource.title = "不\u{FFFF}可".into();
    let written = Syntax::RdfXml.write(Statements::about(&site(), &[described(resource)])).unwrap();
    assert_eq!(back(Syntax::RdfXml, &written).resources[0].1.title, "不\u{FFFD}可");
}

#[test]
fn pages_lead_to_each_other() {
    let page = Page { path: "/catalog.ttl", number: 2, last: 3, total: 101 };
    let statements = catalogue(&site(), &page, &[described(full()), described(full())]);
    let written = String::from_utf8(Syntax::Turtle.write(statements).unwrap()).unwrap();
    for said in [
        "hydra:next <https://data.example.gov.cn/catalog.ttl?page=3>",
        "hydra:previous <https://data.example.gov.cn/catalog.ttl>",
        "hydra:totalItems 101",
        "a dcat:Catalog",
    ] {
        assert!(written.contains(said), "{said} is not in {written}");
    }
    assert_eq!(written.matches("a dcat:Dataset").count(), 1, "a thing is described once");
}

#[test]
fn a_dictionary_names_the_columns_of_both_addresses() {
    let described = described(opened(full()));
    let dictionary = csvw(&described, described.release.as_ref().unwrap());
    let tables = &dictionary["tables"];
    assert_eq!((tables[0]["url"].as_str(), tables[1]["url"].as_str()), (Some("latest.csv"), Some("3.csv")));
    let columns = tables[0]["tableSchema"]["columns"].as_array().unwrap();
    assert_eq!((columns.len(), columns[1]["datatype"]["base"].as_str()), (3, Some("decimal")));
    let page = schema_org(&site(), &described);
    assert_eq!(page["license"], "https://spdx.org/licenses/CC-BY-4.0");
    assert_eq!(
        page["distribution"][0]["contentUrl"],
        "https://data.example.gov.cn/datasets/301001-000001/3.csv"
    );
}

#[test]
fn feeds_and_sitemaps_escape_what_they_say() {
    let change = Change {
        id: "https://a/datasets/301001-000001#version-3".into(),
        title: "<b> & \u{1}".into(),
        author: "局".into(),
        published: Timestamp(0),
        updated: Timestamp(1),
        kind: "published",
        summary: String::new(),
        page: "https://a/?b=1&c=2".into(),
        description: "https://a/d.ttl".into(),
    };
    let feed = Feed {
        id: "https://a/feed.atom".into(),
        title: "更新".into(),
        address: "https://a/feed.atom".into(),
        page: "https://a/".into(),
        next: Some("https://a/feed.atom?before=1.301001-000001.3".into()),
        changes: vec![change],
    };
    let written = String::from_utf8(feed.write().unwrap()).unwrap();
    assert!(written.contains("<title>&lt;b&gt; &amp; \u{FFFD}</title>"), "{written}");
    assert!(written.contains("href=\"https://a/?b=1&amp;c=2\""), "{written}");
    let map = String::from_utf8(sitemap(&["https://a/?b&c".into()]).unwrap()).unwrap();
    assert!(map.contains("<url><loc>https://a/?b&amp;c</loc></url>"), "{map}");
}

#[test]
fn deep_documents_are_refused() {
    let nested = |open: &str, close: &str, inner: &str| {
        let (open, close) = (open.repeat(60_000), close.repeat(60_000));
        format!("{open}{inner}{close}")
    };
    let context = nested("[", "]", "");
    for (syntax, document) in [
        (Syntax::JsonLd, nested("{\"urn:a\":", "}", "1")),
        (Syntax::JsonLd, format!("{{\"@context\": {context}}}")),
        (Syntax::JsonLd, format!("{{\"a\\\"\": {context}}}")),
        (Syntax::Turtle, nested("[ <urn:a> ", " ]", "1") + " ."),
        (Syntax::Turtle, format!("<urn:a> <urn:b> {} .", nested("( ", " )", ""))),
        (Syntax::RdfXml, nested("<a xmlns=\"urn:a\">", "</a>", "")),
    ] {
        let refused = syntax.read(document.as_bytes(), &site()).unwrap_err();
        assert!(refused.message.contains("nested"), "{}", refused.message);
    }
    let brackets = format!("<urn:a> <urn:b> \"{}\" .", "[".repeat(2_000));
    assert_eq!(Syntax::Turtle.read(brackets.as_bytes(), &site()).unwrap().len(), 1, "text is not nested");
}
