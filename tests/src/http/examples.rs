//! The examples on the page of a dataset run as they stand there.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::city::{CODE, City};
use crate::support::python::interpreter;
use crate::support::server::Call;

/// The text of an example on a page.
fn example(page: &str, name: &str) -> String {
    let start = format!("<code id=\"example-{name}\">");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no example {name}: {page}"));
    let (text, _) = rest.split_once("</code>").unwrap();
    let signs = [
        ("&gt;", ">"),
        ("&lt;", "<"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ];
    signs.iter().fold(text.to_owned(), |text, (written, sign)| text.replace(written, sign))
}

/// What a program prints that runs in a folder. The reader of Parquet in Python now and then aborts as its threads end, after
/// everything is printed: then it runs again.
fn printed(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let run = || Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let is_late = |output: &Output| {
        String::from_utf8_lossy(&output.stderr).trim() == "terminate called without an active exception"
    };
    let first = run();
    let output = if is_late(&first) { run() } else { first };
    let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {told}{wrong}");
    told.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_on_a_page_run_as_shown() {
    let city = City::new().await;
    let answer = city.server.send(Call::get(format!("/datasets/{CODE}")).header("accept", "text/html")).await;
    let page = answer.text();
    let run = move || {
        let folder = tempfile::tempdir().unwrap();
        let shell = |text: &str| printed(folder.path(), "sh", &["-e", "-c", text]);
        let curl = shell(&example(&page, "curl"));
        assert!(curl.starts_with("case_no,county,amount\n"), "{curl}");
        shell(&example(&page, "fetch"));
        assert!(shell(&example(&page, "check")).ends_with("genuine: 1.csv\n"));
        let python = printed(folder.path(), &interpreter(), &["-c", &example(&page, "python")]);
        assert!(python.contains("A1") && python.ends_with("3 rows\n"), "{python}");
        let node = Path::new(&interpreter()).with_file_name("node");
        let script = example(&page, "javascript");
        let javascript =
            printed(folder.path(), &node.to_string_lossy(), &["--input-type=module", "--eval", &script]);
        assert!(javascript.contains("case_no") && javascript.ends_with("3 rows\n"), "{javascript}");
        let r = printed(folder.path(), "Rscript", &["-e", &example(&page, "r")]);
        assert!(r.contains("A1"), "{r}");
        let sql = example(&page, "sql");
        assert_eq!(sql, format!("select count(*) as n from \"{CODE}\""));
        sql
    };
    let sql = tokio::task::spawn_blocking(run).await.unwrap();
    let asked = serde_json::json!({ "sql": sql });
    let rows = city.server.send(Call::post("/api/v1/sql", &asked)).await.ok();
    assert_eq!(rows["data"][0]["n"], 3, "{rows}");
}
