//! The main job as a newcomer sees it, and the sample city checked by implementations that nobody here wrote.

use ::http::StatusCode;
use serde_json::json;

use crate::support::command::{Folder, Visitor};
use crate::support::python::python;
use crate::support::server::Call;

const TOUR: [&str; 6] = ["demo", "--people", "2000", "--exit", "--listen", "127.0.0.1:0"];

/// The part of the tour under a heading.
fn part<'a>(tour: &'a str, heading: &str) -> &'a str {
    let mut parts = tour.split("▍ ");
    parts.find(|part| part.starts_with(heading)).unwrap_or_else(|| panic!("no {heading}: {tour}"))
}

/// The rows of a part, without its heading and the headings of its columns.
fn rows(part: &str) -> Vec<&str> {
    part.trim().lines().skip(2).collect()
}

#[test]
fn the_tour_shows_the_main_job() {
    let folder = Folder::empty();
    let tour = folder.ok(&TOUR);
    let planner = rows(part(&tour, "发展改革委"));
    let county = rows(part(&tour, "瑞昌市市场监管局"));
    let welfare = rows(part(&tour, "民政局: the same words"));
    assert!(planner.len() == 4 && planner.iter().all(|row| row.contains("***")), "{tour}");
    assert!(!county.is_empty() && county.iter().all(|row| row.contains("360481") && !row.contains('*')));
    assert!(welfare.len() == 4 && welfare.iter().all(|row| row.contains('*') && !row.contains("***")));
    assert_eq!(
        rows(part(&tour, "统计局: people and social security")).len(),
        4 + 3,
        "with the lines of its SQL"
    );
    assert!(part(&tour, "Refused").contains("[not_granted]") && part(&tour, "Refused").contains("apply"));
    let open = part(&tour, "Developers");
    assert!(open.contains("genuine: sha256") && open.contains("with one bit changed: [corrupt]"));
    let materials = part(&tour, "Developers: shared materials");
    assert!(materials.contains("2026-003") && materials.contains("image/png"), "{materials}");
    assert!(part(&tour, "Developers: a key of one's own").contains("ratelimit: \""), "{tour}");
    let told = |tour: &str| part(tour, "Developers: told of a new version").to_owned();
    let first = told(&tour);
    assert!(first.contains("cn.shuqiao.subscription.challenge.v1"), "{first}");
    assert!(first.contains("version-published.v1 of 106001/000002 version 2, signed by key"), "{first}");

    let again = folder.ok(&TOUR);
    assert!(!again.contains("imported from spreadsheets"), "what is there is not built again");
    assert_eq!(rows(part(&again, "发展改革委")), planner);
    assert!(told(&again).contains("version 3, signed by key"), "each start delivers them once more: {again}");
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.data()).unwrap();
    let precious = folder.file("data/precious.txt", "mine");
    assert_eq!(folder.refusal(&TOUR), (1, "conflict".to_owned()));
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.data()).unwrap().count(), 1);
    let foreign = Folder::initialised();
    assert_eq!(foreign.refusal(&TOUR), (1, "illegal_state".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn others_find_the_sample_city_right() {
    let folder = Folder::empty();
    folder.ok(&TOUR);
    let column = |sql: &str, department: &str| {
        let csv = folder.ok(&["query", sql, "--as", department, "--format", "csv"]);
        csv.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let people = column("select id_number from gaj.population", "gaj");
    let entities = column("select credit_code from scjg.legal_entities", "scjg");
    assert!(people.len() > 1_000 && entities.len() > 100, "{} {}", people.len(), entities.len());
    let wrong = format!("{}9", &people[0][..17]);
    let input = json!({"identity": people, "credit": entities, "wrong": [&people[0], &wrong]}).to_string();
    let found = python("oracle_numbers.py", &[], &input);
    assert_eq!((&found["identity"], &found["credit"]), (&json!([]), &json!([])));
    assert_eq!(found["wrong"].as_array().unwrap().len(), usize::from(people[0] != wrong));

    let count = "select count(*) as n, sum(students) as students from jyj.schools";
    let ours = folder.rows(count, &["jyj"]);
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let file = folder.path("schools.parquet");
    visitor.download("/datasets/309001-000001/latest.parquet", &file).await;
    let asked = visitor.send(Call::post("/api/v1/sql", &json!({ "sql": count }))).await.ok();
    let theirs = python("oracle_parquet.py", &[file.to_str().unwrap(), "sum(students)"], "");
    assert_eq!(ours, asked["data"]);
    assert_eq!((&theirs["rows"], &theirs["value"]), (&ours[0]["n"], &ours[0]["students"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_open_dataset_is_there_to_take_in_every_form() {
    let folder = Folder::empty();
    folder.ok(&TOUR);
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let found = visitor.send(Call::get("/api/v1/resources?opening=open&limit=100")).await.ok();
    let mut with_data = 0;
    for hit in found["hits"].as_array().unwrap() {
        let code = hit["code"].as_str().unwrap().replace('/', "-");
        let first = visitor.send(Call::get(format!("/datasets/{code}/latest.csv"))).await;
        // Resources without data of this city are entries of the directory alone.
        if matches!(first.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
            continue;
        }
        assert!(first.ok_bytes().iter().filter(|byte| **byte == b'\n').count() > 1, "{code}");
        with_data += 1;
        for form in ["parquet", "jsonl", "manifest.json", "jws"] {
            visitor.send(Call::get(format!("/datasets/{code}/latest.{form}"))).await.ok_bytes();
        }
    }
    assert!(with_data >= 5, "{with_data} open datasets");
}

/// What stands on a page in elements of a class.
fn examples<'a>(page: &'a str, class: &str) -> Vec<&'a str> {
    let opening = format!("<code class=\"{class}\">");
    page.split(&opening).skip(1).filter_map(|part| part.split("</code>").next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_dialect_page_run_for_everybody() {
    let folder = Folder::empty();
    folder.ok(&TOUR);
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let page = visitor.send(Call::get("/api/v1/sql/dialect")).await.text();
    assert!(page.matches('&').count() == 0, "an example is taken as it stands");
    let (offered, refused) = (examples(&page, "example"), examples(&page, "refused"));
    assert!(offered.len() >= 10 && refused.len() >= 3, "{page}");
    for sql in offered {
        let answer = visitor.send(Call::post("/api/v1/sql", &json!({ "sql": sql }))).await.ok();
        assert!(!answer["data"].as_array().unwrap().is_empty(), "{sql}");
    }
    for sql in refused {
        let answer = visitor.send(Call::post("/api/v1/sql", &json!({ "sql": sql }))).await;
        assert_eq!(answer.code(), "sql_unsupported", "{sql}: {}", answer.text());
    }
}
