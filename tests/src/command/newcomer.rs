//! What people stumble over on their first day: each command says what it did not do, and what to do instead.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::evidence::with_access;
use crate::support::command::{Folder, Visitor};
use crate::support::server::Call;

const SQL: &str = "select case_no from scjg.penalty order by case_no";
const APPLICATION: &str = r#"{"asks": [{"resource": "301001/000001", "items": ["case_no", "county", "person"],
    "filter": {"=": ["county", "360481"]}, "doors": ["sql"]}],
    "purpose": "办案", "legal_basis": "警察法", "valid_until": "2099-12-31T16:00:00Z"}"#;

fn samples(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../datasets/samples").join(name)
}

fn told(folder: &Folder, arguments: &[&str]) -> String {
    folder.refused(arguments).1["message"].as_str().unwrap().to_owned()
}

#[test]
fn the_clerks_files_hold_one_wrong_cell_and_two_wrong_rows() {
    let folder = Folder::initialised();
    folder.ok(&["org", "put", samples("directory/departments.json").to_str().unwrap()]);
    let sheet = fs::read_to_string(samples("clerk/目录.csv")).unwrap();
    let extension = samples("clerk/扩展.csv").to_str().unwrap().to_owned();
    let import = |sheet: &str| {
        ["resource", "import", sheet, "--extension", &extension, "--as", "scjg:directory_editor"]
            .map(str::to_owned)
    };
    let wrong = import(&folder.file("wrong.csv", &sheet));
    let (_, error) = folder.refused(&wrong.each_ref().map(String::as_str));
    let problems = error["problems"].as_array().unwrap();
    assert_eq!((problems.len(), &problems[0]["rule"]), (1, &json!("sharing.condition")), "{error}");
    let mended =
        import(&folder.file("mended.csv", sheet.replace("有条件共享,,", "有条件共享,履行法定职责,")));
    let report = folder.json(&mended.each_ref().map(String::as_str));
    assert_eq!(report["problems"], json!([]), "{report}");
    for (step, role, operator) in [
        ("submit-registration", "scjg", "wang"),
        ("approve-registration", "scjg:reviewer", "li"),
        ("submit-publication", "scjg", "wang"),
        ("approve-publication", "scjg:reviewer", "li"),
    ] {
        folder.ok(&["resource", "step", step, "--as", role, "--operator", operator]);
    }
    let rows = samples("clerk/法人.csv");
    let report = folder.json(&["ingest", "102001/000001", rows.to_str().unwrap(), "--as", "scjg"]);
    let quality = &report["quality"];
    assert_eq!((&quality["rows_accepted"], &quality["rows_quarantined"]), (&json!(298), &json!(2)));
}

#[test]
fn a_matter_shows_what_is_asked_and_the_callers_own_steps() {
    let folder = with_access();
    let file = folder.file("application.json", APPLICATION);
    let apply = ["matter", "open", "application", &file, "--as", "gaj", "--operator", "chen"];
    let whole = folder.json(&apply);
    assert_eq!(whole["yours"], json!(["withdraw"]), "{whole}");
    let number = whole["number"].as_str().unwrap();
    let accept = ["matter", "step", number, "受理", "--as", ":authority_officer", "--operator", "zhao"];
    let accepted = folder.json(&accept);
    let part = accepted["parts"][0].as_str().unwrap();
    let show = |who: &str, name: &str| folder.ok(&["matter", "show", part, "--as", who, "--operator", name]);
    let seen = show("scjg:approver", "wang");
    for said in [
        "301001/000001",
        "case_no、county、person",
        "360481",
        "办案",
        "警察法",
        "方式 sql",
        "operator:zhao",
        "gaj",
    ] {
        assert!(seen.contains(said), "{said}: {seen}");
    }
    assert!(seen.contains("next: propose 提出初审意见") && !seen.contains("withdraw"), "{seen}");
    let stranger = show("scjg:reviewer", "wang");
    assert!(!stranger.contains("next:") && stranger.contains("waits for scjg:approver"), "{stranger}");
    folder.ok(&["matter", "step", part, "propose", "--as", "scjg:approver", "--operator", "wang"]);
    assert!(!show("scjg:approver", "wang").contains("grant 同意"), "four eyes");
    assert!(show("scjg:approver", "li").contains("grant 同意, grant-in-part 部分同意"));
    let unknown = ["matter", "step", part, "approve", "--as", "scjg:approver"];
    assert!(told(&folder, &unknown).contains("`approve` is no step; `shuqiao matter show"));
    folder.ok(&["matter", "step", part, "grant", "--as", "scjg:approver", "--operator", "li"]);
    let grants = folder.ok(&["grant", "list", "--as", "scjg:approver"]);
    assert!(
        grants.contains("有条件共享") && grants.contains("（gaj）") && grants.contains("2099-12-31 24:00")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_fetched_by_a_command_and_other_files_are_told_apart() {
    let folder = with_access();
    let asked = folder.run(&["query", SQL, "--as", "scjg", "--operator", "wang", "--format", "json"]);
    let aside = String::from_utf8(asked.stderr).unwrap();
    let id = aside.split_whitespace().nth(1).unwrap().trim_end_matches(';').to_owned();
    let answer = folder.file("answer.json", &asked.stdout);
    let receipt = folder.path("receipt.json").to_str().unwrap().to_owned();
    let fetch = ["receipt", &id, "-o", &receipt, "--as", "scjg"];
    assert_eq!(folder.refusal(&[&fetch[..], &["--operator", "li"]].concat()).1, "not_found");
    folder.ok(&[&fetch[..], &["--operator", "wang"]].concat());
    let serving = folder.serve();
    folder.ok(&[&fetch[..], &["--operator", "wang"]].concat());
    let visitor = Visitor::of(&serving).await;
    let keys = visitor.send(Call::get("/.well-known/jwks.json")).await;
    let keys = folder.file("jwks.json", keys.ok_bytes());
    drop(serving);
    folder.ok(&["verify", &receipt, &answer, "--keys", &keys]);

    let problem = folder.file("problem.json", r#"{"code": "not_found", "detail": "there is no receipt x"}"#);
    let refusal = told(&folder, &["verify", &problem, "--keys", &keys]);
    assert!(refusal.contains("a refusal of the server") && refusal.contains("no receipt x"), "{refusal}");
    for file in [&[answer.as_str()][..], &[answer.as_str(), receipt.as_str()]] {
        let said = told(&folder, &[&["verify"], file, &["--keys", &keys]].concat());
        assert!(said.contains("is no receipt"), "{said}");
    }
}

#[test]
fn whom_a_command_acts_for_is_said_once() {
    let folder = with_access();
    let plain = told(&folder, &["query", SQL]);
    assert!(plain.contains("reads no data") && plain.contains("--as DEPARTMENT:ROLE"), "{plain}");
    let key = folder.machine_key("scjg");
    let remote = ["query", SQL, "--server", "http://127.0.0.1:9", "--key", &key, "--as", "scjg"];
    let (status, error) = folder.refused(&remote);
    assert_eq!((status, error["code"].as_str().unwrap()), (2, "invalid_input"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("the key says who you are"), "{error}");
}

#[test]
fn a_sheet_of_many_problems_is_told_briefly_and_whole_to_programs() {
    let folder = Folder::with_departments();
    let [sheet, extension] = ["目录.csv", "扩展.csv"].map(|name| samples("clerk").join(name));
    let mut rows = fs::read_to_string(extension).unwrap();
    let strange: String = (0..20).map(|row| format!("999001/{row:06},没有{}\n", ",".repeat(20))).collect();
    rows += &strange;
    let extension = folder.file("many.csv", rows);
    let import = ["resource", "import", sheet.to_str().unwrap(), "--extension", &extension, "--as", "scjg"];
    let printed = folder.run(&import);
    let (out, err) = (String::from_utf8(printed.stdout).unwrap(), String::from_utf8(printed.stderr).unwrap());
    assert!(!out.contains('✓'), "nothing was imported: {out}");
    assert!(err.matches("is not a resource of the first sheet").count() == 5, "{err}");
    assert!(err.contains("and 15 more of this kind"), "{err}");
    let report: Value = folder.refused(&import).1;
    assert!(report["problems"].as_array().unwrap().len() > 20);
}

#[test]
fn a_city_of_another_size_is_not_passed_off_as_the_wanted_one() {
    let folder = Folder::empty();
    let demo = |people: &'static str| ["demo", "--people", people, "--exit", "--listen", "127.0.0.1:0"];
    folder.ok(&demo("1000"));
    let other = told(&folder, &demo("2000"));
    assert!(other.contains("1000 people") && other.contains("--data-dir"), "{other}");
    folder.ok(&["demo", "--exit", "--listen", "127.0.0.1:0"]);
}
