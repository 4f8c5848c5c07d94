//! A directory editor's and a data steward's work, from the spreadsheet to the answer, by command line alone.

use serde_json::json;

use crate::support::city::{CODE, ROWS};
use crate::support::command::Folder;

const APPLICATION: &str = r#"{"asks": [{"resource": "301001/000001", "items": ["case_no", "county", "person"],
    "filter": {"=": ["county", "360481"]}, "masks": {"person": {"mask": "keep_first", "count": 1}}, "doors": ["sql"]}],
    "purpose": "办案", "legal_basis": "警察法", "valid_until": "2099-12-31T16:00:00Z"}"#;

#[test]
fn nobody_reviews_their_own_work() {
    let folder = Folder::with_departments();
    let sheet = folder.sheet("directory.xlsx");
    let report = folder.json(&["resource", "import", &sheet, "--as", "scjg", "--operator", "wang"]);
    assert_eq!(report["imported"], json!(["301001/000001"]));
    let wang = ["--as", "scjg:directory_editor,reviewer", "--operator", "wang"];
    let step = |step: &'static str| [&["resource", "step", step], &wang[..]].concat();
    folder.ok(&step("submit-registration"));
    let (status, error) = folder.refused(&step("approve-registration"));
    assert_eq!((status, &error["problems"][0]["rule"]), (2, &json!("forbidden")), "{error}");
    let li = ["--as", "scjg:reviewer", "--operator", "li"];
    folder.ok(&[&["resource", "step", "approve-registration"], &li[..]].concat());
    let found = folder.json(&["resource", "search", "处罚", "--as", "gaj"]);
    assert_eq!(found["total"], 0, "what is not published is not found");
}

#[test]
fn a_directory_survives_export_and_import() {
    let folder = Folder::with_resource();
    let other = Folder::with_departments();
    for name in ["directory.xlsx", "directory.csv"] {
        let file = folder.path(&format!("exported-{name}")).to_str().unwrap().to_owned();
        folder.ok(&["resource", "export", &file, "--as", "scjg"]);
        let again = other.path(name).to_str().unwrap().to_owned();
        let import = ["resource", "import", &file, "--as", "scjg"];
        let extension = file.replace(".csv", ".扩展.csv");
        match name.ends_with("csv") {
            true => other.ok(&[&import[..], &["--extension", &extension]].concat()),
            false => other.ok(&import),
        };
        other.ok(&["resource", "export", &again, "--as", "scjg"]);
        let read = |path: &str| {
            let extension = std::fs::read(path.replace(".csv", ".扩展.csv")).unwrap();
            let extension = path.ends_with("csv").then_some(&extension[..]);
            catalog_sheet::read(&std::fs::read(path).unwrap(), extension).unwrap()
        };
        assert_eq!(read(&file), read(&again));
    }
}

#[test]
fn a_sheet_with_errors_names_each_cell() {
    let folder = Folder::with_departments();
    let broken = folder.file("broken.csv", "信息资源分类,信息资源名称\n甲,乙\n");
    let (status, error) = folder.refused(&["resource", "import", &broken, "--as", "scjg"]);
    assert_eq!((status, error["code"].as_str().unwrap()), (2, "invalid_input"));
    assert!(!error["problems"].as_array().unwrap().is_empty());
    let garbage = folder.file("garbage.xlsx", [0x50, 0x4b, 3, 4, 0, 0, 0, 0]);
    let (status, error) = folder.refused(&["resource", "import", &garbage, "--as", "scjg"]);
    assert_eq!(status, 2, "{error}");
    let absent = folder.refusal(&["resource", "import", "absent.xlsx", "--as", "scjg"]);
    assert_eq!(absent, (1, "unavailable".to_owned()));
}

#[test]
fn bad_rows_are_set_aside_and_too_many_of_them_refused() {
    let folder = Folder::with_resource();
    folder.file("some.csv", format!("{ROWS}A4,360481,赵六(合成),abc,四\n,360481,无号,1,五\n"));
    let ingest = ["ingest", CODE, "some.csv", "--as", "scjg"];
    let (_, error) = folder.refused(&ingest);
    assert_eq!(error["code"], "quality_threshold");
    assert!(error["problems"].to_string().contains("`abc` is no value of the item's type"), "{error}");
    let report = folder.json(&[&ingest[..], &["--threshold", "40"]].concat());
    let quality = &report["quality"];
    assert_eq!(
        (&quality["rows_read"], &quality["rows_accepted"], &quality["rows_quarantined"]),
        (&json!(5), &json!(3), &json!(2))
    );
    let columns: Vec<_> = quality["rules"].as_array().unwrap().iter().map(|rule| &rule["column"]).collect();
    assert!(columns.contains(&&json!("amount")) && columns.contains(&&json!("case_no")), "{quality}");

    for (name, content) in [
        ("empty.csv", &b""[..]),
        ("other.csv", b"a,b\n1,2\n"),
        ("cut.parquet", b"PAR1\x15\x04\x15"),
        ("wrong.xlsx", b"case_no,county\n"),
        ("text.pdf", b"%PDF"),
    ] {
        folder.file(name, content);
        let (_, code) = folder.refusal(&["ingest", CODE, name, "--as", "scjg"]);
        assert!(["invalid_input", "unsupported_format"].contains(&code.as_str()), "{name}: {code}");
    }
    let all = folder.rows("select case_no from scjg.penalty order by case_no", &["scjg"]);
    assert_eq!(
        all,
        json!([{"case_no": "A1"}, {"case_no": "A2"}, {"case_no": "A3"}]),
        "the last version stays"
    );
}

#[test]
fn what_is_not_granted_is_refused_until_it_is_and_when_it_ends() {
    let folder = Folder::with_resource();
    let rows = folder.file("penalty.csv", ROWS);
    folder.ok(&["ingest", CODE, &rows, "--as", "scjg"]);
    let sql = "select case_no, person from scjg.penalty order by case_no";
    let ask = ["query", sql, "--as", "gaj", "--purpose", "办案"];
    let (status, error) = folder.refused(&ask);
    assert_eq!((status, error["code"].as_str().unwrap()), (3, "not_granted"));
    assert!(error["message"].as_str().unwrap().contains("apply to its provider `scjg`"), "{error}");

    let file = folder.file("application.json", APPLICATION);
    let apply = ["matter", "open", "application", &file, "--as"];
    assert_eq!(folder.refusal(&[&apply[..], &["gaj:approver"]].concat()).0, 3);
    let whole = folder.json(&[&apply[..], &["gaj"]].concat())["number"].as_str().unwrap().to_owned();
    let take = |number: &str, event: &str, [role, name]: [&str; 2]| {
        folder.json(&["matter", "step", number, event, "--as", role, "--operator", name])
    };
    let part =
        take(&whole, "accept", [":authority_officer", "zhao"])["parts"][0].as_str().unwrap().to_owned();
    take(&part, "propose", ["scjg:approver", "wang"]);
    let alone = ["matter", "step", &part, "grant", "--as", "scjg:approver", "--operator", "wang"];
    assert_eq!(folder.refusal(&alone), (3, "forbidden".to_owned()), "four eyes");
    take(&part, "grant", ["scjg:approver", "li"]);
    assert!(folder.ok(&["matter", "list", "--as", "scjg:approver"]).contains(&part));
    let seen = json!([{"case_no": "A1", "person": "张*****"}, {"case_no": "A3", "person": "王*****"}]);
    assert_eq!(folder.json(&ask)["data"], seen);
    let hidden = ["query", "select note from scjg.penalty", "--as", "gaj", "--purpose", "办案"];
    assert_eq!(folder.refusal(&hidden).1, "unknown_column");

    let grants = folder.json(&["grant", "list", "--as", "scjg:approver"]);
    let id = grants[0]["id"].as_str().unwrap();
    folder.ok(&["grant", "revoke", id, "--reason", "期满", "--as", "scjg:approver"]);
    assert_eq!(folder.refusal(&ask), (3, "not_granted".to_owned()));
}
