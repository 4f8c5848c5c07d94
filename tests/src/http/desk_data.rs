//! The desk of a department's directory, data and openings, by form.

mod entries;
mod uploading;

use catalog_core::Role;
use exchange_crypto::SigningKey;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::http::sign_in::cookie;
use crate::support::city::{CODE, City, ROWS, departments};
use crate::support::python::browser;
use crate::support::server::{Answer, Call};

const NEW: &str = "301001-000007";
const PASSWORD: &str = "正确的马-电池-订书钉-2026";
const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}{{7*7}}";

/// What a form sends.
fn encoded(fields: &[(&str, &str)]) -> String {
    let safe = |text: &str| -> String {
        let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    fields.iter().map(|(name, value)| format!("{}={}", safe(name), safe(value))).collect::<Vec<_>>().join("&")
}

fn form<'a>(path: &str, fields: &[(&str, &str)]) -> Call<'a> {
    Call::new(Method::POST, path).body(encoded(fields), "application/x-www-form-urlencoded")
}

/// A form with files: each with its name in the form and its file name.
fn multipart<'a>(path: &str, fields: &[(&str, &str)], files: &[(&str, &str, &str)]) -> Call<'a> {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    for (name, file, content) in files {
        body += &format!(
            "--cut\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             content-type: application/octet-stream\r\n\r\n{content}\r\n"
        );
    }
    body += "--cut--\r\n";
    Call::new(Method::POST, path).body(body, "multipart/form-data; boundary=cut")
}

async fn shown(city: &City, path: &str, by: &SigningKey) -> String {
    let answer = city.server.send(Call::get(path).by(by)).await;
    answer.ok_bytes();
    assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    answer.text()
}

/// Where a form that was done leads.
fn gone_on(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.header("location").to_owned()
}

/// The page that says why a form was not done.
fn again(answer: &Answer, status: StatusCode) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text());
    let page = answer.text();
    assert!(page.contains("role=\"alert\""), "{page}");
    page
}

/// Sheet and extension of one more resource, such as the department exports them, with a type that there is not.
async fn sheets(city: &City, number: &str, title: &str, name: &str) -> [String; 2] {
    let mut sheets = Vec::new();
    for part in ["sheet", "extension"] {
        let path = format!("/api/v1/directory/export?format=csv&part={part}");
        let text = city.server.send(Call::get(path).by(&city.editor)).await;
        text.ok_bytes();
        let text = text.text().replace("301001/000001", number).replace("行政处罚信息", title);
        sheets.push(text.replace("penalty", name).replace("货币型Y", "不存在的类型"));
    }
    [sheets.remove(0), sheets.remove(0)]
}

/// The hidden fields of the first form that leads to the editor.
fn hidden(page: &str) -> Vec<(String, String)> {
    let form = page.split("action=\"/desk/directory/new\"").nth(1).expect("a way to the editor");
    let form = form.split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
        value
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&")
    };
    let tags = form.split("<input type=\"hidden\" ").skip(1);
    tags.map(|tag| (attribute(tag, "name"), attribute(tag, "value"))).collect()
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_brings_a_sheet_mends_a_cell_and_it_is_published_delivered_and_opened() {
    let city = City::without_data().await;
    let server = &city.server;
    let [sheet, extension] = sheets(&city, "301001/000007", "行政许可信息", "permit").await;
    let files = [("sheet", "a.csv", sheet.as_str()), ("extension", "b.csv", extension.as_str())];
    let send = |what: &str| multipart("/desk/directory/import", &[("do", what)], &files).by(&city.editor);
    for what in ["check", "import"] {
        let answer = server.send(send(what)).await;
        answer.ok_bytes();
        let page = answer.text();
        assert!(page.contains("class=\"wrong\" id=\"c-0-P"), "the problem is at its cell: {page}");
        assert!(page.contains("不存在的类型"), "{page}");
    }
    let entry = format!("/desk/directory/{NEW}");
    assert_eq!(server.send(Call::get(&entry).by(&city.editor)).await.status, 404, "nothing is half there");

    // The way from the sheet to the form, with everything that the sheet says.
    let mut fields = hidden(&server.send(send("check")).await.text());
    fields.push(("do".to_owned(), "show".to_owned()));
    let page = server.send(form("/desk/directory/new", &pairs(&fields)).by(&city.editor)).await.text();
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("行政许可信息"), "{page}");
    let wrong = fields.iter_mut().find(|(_, value)| value == "不存在的类型").unwrap();
    wrong.1 = "货币型Y".to_owned();
    fields.last_mut().unwrap().1 = "save".to_owned();
    let saved = server.send(form("/desk/directory/new", &pairs(&fields)).by(&city.editor)).await;
    assert_eq!(gone_on(&saved), entry);
    let twice = server.send(form("/desk/directory/new", &pairs(&fields)).by(&city.editor)).await;
    again(&twice, StatusCode::CONFLICT);
    // Somebody who has seen an older revision does not write over a newer one.
    let mut older = fields.clone();
    older.push(("revision".to_owned(), "0".to_owned()));
    let edit = format!("{entry}/edit");
    again(&server.send(form(&edit, &pairs(&older)).by(&city.editor)).await, StatusCode::CONFLICT);

    let step = |step: &str| form(&entry, &[("step", step), ("remark", "已核对")]);
    gone_on(&server.send(step("submit_registration").by(&city.editor)).await);
    let refused = server.send(step("approve_registration").by(&city.editor)).await;
    assert!(again(&refused, StatusCode::FORBIDDEN).contains("已核对"), "what was typed stays");
    assert!(shown(&city, "/desk/reviews", &city.reviewer).await.contains("行政许可信息"));
    let stale = form(&entry, &[("step", "approve_registration"), ("remark", "已核对"), ("revision", "0")]);
    again(&server.send(stale.by(&city.reviewer)).await, StatusCode::CONFLICT);
    gone_on(&server.send(step("approve_registration").by(&city.reviewer)).await);
    gone_on(&server.send(step("submit_publication").by(&city.editor)).await);
    let bulk = [("code", "301001/000007"), ("step", "approve_publication")];
    let many = server.send(form("/desk/directory", &bulk).by(&city.reviewer)).await;
    assert!(many.text().contains("已发布"), "{}", many.text());
    assert!(shown(&city, &entry, &city.editor).await.contains("没有差异"));

    // Two rows lack what is required.
    let mut rows = "case_no,county,person,amount,note\n,360481,甲(合成),1,\n,360481,乙(合成),2,\n".to_owned();
    rows.extend((0..20).map(|row| format!("B{row},360481,王五(合成),{row},\n")));
    let upload = |fields: &[(&str, &str)]| {
        let path = format!("/desk/datasets/{NEW}/upload");
        multipart(&path, fields, &[("file", "rows.csv", &rows)]).by(&city.editor)
    };
    let strict = server.send(upload(&[("threshold", "0.01"), ("change", "replace")])).await;
    assert!(again(&strict, StatusCode::UNPROCESSABLE_ENTITY).contains("value=\"0.01\""));
    let report = server.send(upload(&[("threshold", "0.2"), ("change", "replace")])).await;
    report.ok_bytes();
    let report = report.text();
    assert!(report.contains("<dd>22</dd>") && report.contains("<dd>2</dd>"), "{report}");
    assert!(report.contains("<code>case_no</code>"), "{report}");
    let mut forms = report.split("method=\"post\" action=\"");
    let waiting = forms.find(|rest| rest.starts_with("/desk/datasets/")).unwrap();
    let waiting = waiting.split('"').next().unwrap().replace("&#38;", "&");
    assert!(shown(&city, &waiting, &city.editor).await.contains("尚未发布"));
    let version = gone_on(&server.send(form(&waiting, &[]).by(&city.editor)).await);
    assert_eq!(version, format!("/desk/datasets/{NEW}/versions/1"));
    let quality = shown(&city, &version, &city.editor).await;
    assert!(quality.contains("/quarantine\""), "{quality}");

    opened(&city).await;
}

/// Items of the new resource become open after a review by another person.
async fn opened(city: &City) {
    let server = &city.server;
    let new = format!("/desk/openings/new?resource={NEW}");
    assert!(shown(city, &new, &city.editor).await.contains("案号"));
    let nothing = server
        .send(form(&new, &[("legal_basis", "政府信息公开条例"), ("doors", "api")]).by(&city.editor))
        .await;
    assert!(again(&nothing, StatusCode::BAD_REQUEST).contains("政府信息公开条例"), "what was typed stays");
    let wanted = [
        ("items", "case_no"),
        ("items", "amount"),
        ("doors", "api"),
        ("doors", "file"),
        ("masks", "case_no="),
        ("legal_basis", "政府信息公开条例 第二十条"),
    ];
    let review = gone_on(&server.send(form(&new, &wanted).by(&city.editor)).await);
    let number = review.rsplit('/').next().unwrap();
    let path = format!("/api/v1/matters/{number}");
    let matter = server.send(Call::get(&path).by(&city.editor)).await.ok();
    if matter["state"] == "completing" {
        let justified = form(&review, &[("event", "justify"), ("reason", "合成数据")]);
        assert_eq!(gone_on(&server.send(justified.by(&city.editor)).await), review);
    }
    let page = shown(city, &review, &city.reviewer).await;
    assert!(page.contains("value=\"grant\""), "{page}");
    assert!(!shown(city, &review, &city.editor).await.contains("value=\"grant\""), "four eyes");
    let questions = matter["content"]["checklist"].as_array().unwrap().len();
    let empty = server.send(form(&review, &[("event", "grant"), ("answers", "")]).by(&city.reviewer)).await;
    assert!(empty.status.is_client_error(), "{}", empty.text());
    let mut answers = vec![("event", "grant")];
    answers.extend((0..questions).flat_map(|_| [("answers", "yes"), ("notes", "")]));
    gone_on(&server.send(form(&review, &answers).by(&city.reviewer)).await);
    assert_eq!(server.send(Call::get(&path).by(&city.editor)).await.ok()["state"], "passed");
    assert!(shown(city, "/desk/openings?settled=true", &city.editor).await.contains(number));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stays_and_runs_nowhere() {
    let city = City::new().await;
    let edit = format!("/desk/directory/{CODE}/edit");
    let page = shown(&city, &edit, &city.editor).await;
    assert!(page.contains("value=\"案号\""), "{page}");
    let fields = [("do", "save"), ("revision", "1"), ("d-0-7", HOSTILE), ("d-0-8", "301001/000001")];
    let answer = city.server.send(form(&edit, &fields).by(&city.editor)).await;
    // It breaks rules, so that it is kept beside the entry.
    assert_eq!(gone_on(&answer), edit);
    let page = shown(&city, &edit, &city.editor).await;
    assert!(!page.contains("<script>alert") && page.contains("alert(1)"), "{page}");
    let longer = [("do", "add"), ("d-0-7", HOSTILE)];
    let page = city.server.send(form(&edit, &longer).by(&city.editor)).await.text();
    assert!(page.contains("id=\"item-2\"") && page.contains("alert(1)"), "{page}");
    let shorter = [("do", "remove-0"), ("d-0-14", "一"), ("d-1-14", "二")];
    let page = city.server.send(form(&edit, &shorter).by(&city.editor)).await.text();
    assert!(page.contains("value=\"二\"") && !page.contains("value=\"一\""), "{page}");
    let entry =
        city.server.send(Call::get(format!("/api/v1/resources/{CODE}/entry")).by(&city.editor)).await.ok();
    assert_eq!(entry["draft"]["title"], "行政处罚信息", "the entry is as it was");
    let file = HOSTILE.replace('"', "");
    let sheet = multipart("/desk/directory/import", &[("do", "check")], &[("sheet", &file, HOSTILE)]);
    let answer = city.server.send(sheet.by(&city.editor)).await;
    assert!(!answer.text().contains("<script>alert"), "{}", answer.text());
    for number in ["9", "-1", "x", HOSTILE] {
        let withdraw = [("do", "withdraw"), ("number", number), ("reason", HOSTILE)];
        let answer =
            city.server.send(form(&format!("/desk/datasets/{CODE}"), &withdraw).by(&city.editor)).await;
        assert!(answer.status.is_client_error(), "{number}: {}", answer.status);
        assert!(!answer.text().contains("<script>alert"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_versions_are_withdrawn_by_form() {
    let city = City::new().await;
    let path = format!("/desk/datasets/{CODE}");
    let records = [("do", "withdraw_records"), ("keys", "A1\nA2\n"), ("reason", "撤回两条")];
    gone_on(&city.server.send(form(&path, &records).by(&city.editor)).await);
    assert!(shown(&city, &path, &city.editor).await.contains("撤回两条"));
    let again_records = [("do", "reinstate_records"), ("keys", "A9"), ("reason", "并未撤回")];
    let refused = city.server.send(form(&path, &again_records).by(&city.editor)).await;
    assert!(refused.text().contains("A9"), "what was typed stays");
    let version = [("do", "withdraw"), ("number", "1"), ("reason", "整版撤回")];
    let refused = city.server.send(form(&path, &version).by(&city.reviewer)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    gone_on(&city.server.send(form(&path, &version).by(&city.editor)).await);
    assert!(shown(&city, &path, &city.editor).await.contains("整版撤回"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_department_sees_and_changes_nothing() {
    let city = City::new().await;
    let [_, gaj] = departments();
    let stranger =
        city.server.person("stranger", Some(&gaj), &[Role::DirectoryEditor, Role::DataSteward]).await;
    assert!(!shown(&city, "/desk/directory", &stranger).await.contains("301001"));
    assert!(!shown(&city, "/desk/datasets", &stranger).await.contains("301001"));
    let (entry, data) = (format!("/desk/directory/{CODE}"), format!("/desk/datasets/{CODE}"));
    for path in [
        entry.clone(),
        format!("{entry}/edit"),
        data.clone(),
        format!("{data}/upload"),
        format!("{data}/versions/1"),
        format!("/desk/openings/new?resource={CODE}"),
    ] {
        assert_eq!(city.server.send(Call::get(&path).by(&stranger)).await.code(), "not_found", "{path}");
    }
    for call in [
        form(&entry, &[("step", "withdraw"), ("remark", "x")]),
        form(&format!("{entry}/edit"), &[("do", "save")]),
        form(&data, &[("do", "withdraw"), ("number", "1"), ("reason", "x")]),
        multipart(&format!("{data}/upload"), &[], &[("file", "a.csv", "case_no\n1\n")]),
    ] {
        assert_eq!(city.server.send(call.by(&stranger)).await.code(), "not_found");
    }
    assert_eq!(city.server.send(Call::get("/desk/directory")).await.code(), "unauthenticated");
}

/// People of the department with passwords, as a browser signs them in.
async fn with_passwords(city: &City, names: &[&str]) {
    let security = city.server.person("security", None, &[Role::SecurityAdministrator]).await;
    for name in names {
        let call = Call::new(Method::POST, format!("/api/v1/people/{name}/invitation")).by(&security);
        let code = city.server.send(call).await.ok()["code"].as_str().unwrap().to_owned();
        let password = json!({"name": name, "code": code, "new_password": PASSWORD});
        city.server.send(Call::post("/api/v1/session/password", &password)).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_takes_no_step() {
    let city = City::new().await;
    with_passwords(&city, &["editor"]).await;
    let body = json!({"name": "editor", "password": PASSWORD});
    let cookie = cookie(&city.server.send(Call::post("/api/v1/session", &body)).await);
    let data = format!("/desk/datasets/{CODE}");
    let withdraw = [("do", "withdraw"), ("number", "1"), ("reason", "伪造")];
    let fields = [("threshold", "0.2"), ("change", "replace")];
    let upload = || multipart(&format!("{data}/upload"), &fields, &[("file", "a.csv", ROWS)]);
    for call in [form(&data, &withdraw), upload()] {
        let forged = call.header("cookie", &cookie).header("origin", "https://evil.example");
        let answer = city.server.send(forged).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    }
    let versions = city.server.send(Call::get(format!("/api/v1/resources/{CODE}/versions"))).await.ok();
    assert_eq!((versions.as_array().map(Vec::len), &versions[0]["state"]), (Some(1), &json!("published")));
    city.server.send(upload().header("cookie", &cookie).header("origin", &city.server.base)).await.ok_bytes();
    let own = form(&data, &withdraw).header("cookie", &cookie).header("origin", &city.server.base);
    gone_on(&city.server.send(own).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_walk_through_the_desk_of_data() {
    let city = City::without_data().await;
    with_passwords(&city, &["editor", "reviewer"]).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut arguments = vec![city.server.base.clone(), PASSWORD.to_owned()];
    let mut rows = "case_no,county,person,amount,note\n,360481,甲(合成),1,\n,360481,乙(合成),2,\n".to_owned();
    rows.extend((0..60).map(|row| format!("B{row},360481,王五(合成),{row},\n")));
    arguments.push(write("rows.csv", &rows));
    for (number, title, name) in
        [("301001/000007", "行政许可信息", "permit"), ("301001/000008", "行政检查信息", "inspection")]
    {
        let [sheet, extension] = sheets(&city, number, title, name).await;
        arguments.push(number.replace('/', "-"));
        arguments.push(write(&format!("{name}.csv"), &sheet));
        arguments.push(write(&format!("{name}-extension.csv"), &extension));
    }
    let walk =
        move || browser("walk_desk_data.mjs", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let walked: Value = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["ends"], json!(["审查通过", "审查通过"]), "{walked:#}");
}
