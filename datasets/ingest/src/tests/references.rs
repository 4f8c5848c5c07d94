use catalog_core::directory::{Reference, ValueFormat};
use datasets_store::is_wkb;

use super::*;

fn reference() -> Reference {
    Reference {
        resource: ResourceCode::new("301001/000002").unwrap(),
        column: ColumnName::new("id").unwrap(),
    }
}

#[tokio::test]
async fn dangling_references_are_quarantined() {
    let mut desk = Desk::new();
    let target = desk.lenient(&things(), "target.csv", "id\na\nb\n").await;
    let mut known = LoadedReferences::default();
    known.load(&desk.store, &reference(), &target.manifest).await.unwrap();
    desk.references = Some(Arc::new(known));

    let mut source = things();
    source.items[1].reference = Some(reference());
    let prepared = desk.lenient(&source, "source.csv", "id,city\n1,a\n2,c\n3,\n").await;
    assert_eq!(desk.quarantine(&prepared.manifest), ["3 city reference c"]);

    source.items[1].reference = Some(Reference { column: ColumnName::new("city").unwrap(), ..reference() });
    let prepared = desk.lenient(&source, "source.csv", "id,city\n1,a\n2,c\n").await;
    assert!(prepared.manifest.quarantine.is_none(), "a reference nobody can answer for is not checked");
}

#[tokio::test]
async fn values_are_checked_by_format_range_and_enumeration() {
    let mut code = item("code", "代码", ItemType::sized(ItemKind::C, 18));
    code.format = Some(ValueFormat::CreditCode);
    let mut status = item("status", "状态", ItemType::sized(ItemKind::C, 4));
    status.enumeration = vec!["存续".to_owned(), "注销".to_owned()];
    let mut grade = item("grade", "等级", ItemType::plain(ItemKind::I));
    grade.enumeration = vec!["1".to_owned(), "3".to_owned()];
    let mut since = item("since", "自", ItemType::plain(ItemKind::D));
    since.minimum = Some("2020-01-01".to_owned());
    since.maximum = Some("2026-12-31".to_owned());
    let all = resource(vec![code, status, grade, since], &[], &[]);
    let content = "code,status,grade,since\n\
        91110000600037341L,存续,1,20200101\n\
        91110000600037341M,存续,3,2026-12-31\n\
        ,吊销,3,2026-12-31\n\
        ,注销,2,2026-12-31\n\
        ,注销,,2019-12-31\n\
        ,注销,,20270101\n\
        ,注销,x,2026-02-30\n";
    let desk = Desk::new();
    let prepared = desk.lenient(&all, "a.csv", content).await;
    let expected = [
        "3 code format 91110000600037341M",
        "4 status enumeration 吊销",
        "5 grade enumeration 2",
        "6 since range 2019-12-31",
        "7 since range 20270101",
        "8 grade type x",
        "8 since type 2026-02-30",
    ];
    assert_eq!(desk.quarantine(&prepared.manifest), expected);
}

#[test]
fn wkb_is_checked_to_its_last_byte() {
    let mut point = vec![1, 1, 0, 0, 0];
    point.extend_from_slice(&[0; 16]);
    assert!(is_wkb(&point));
    assert!(!is_wkb(&point[..20]));
    let mut endless = vec![1, 7, 0, 0, 0];
    endless.extend_from_slice(&u32::MAX.to_le_bytes());
    assert!(!is_wkb(&endless));
    point.push(0);
    assert!(!is_wkb(&point));
}
