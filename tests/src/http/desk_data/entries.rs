//! Histories of entries, unfinished drafts, and what resources are made from.

use catalog_core::directory::Resource;
use catalog_core::directory::sheet::form::EntryCells;

use super::*;
use crate::support::city::resource;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const SECRET: &str = "尚未写完的摘要";

/// When that was kept which the form of a page was made from.
fn kept_at(page: &str) -> String {
    let field = page.split("name=\"kept\" value=\"").nth(1).expect("the form of an entry");
    field.split('"').next().unwrap().to_owned()
}

/// What the form of the entry sends: as the entry is now, under another title.
async fn typed(city: &City, title: &str, kept: &str) -> Vec<(String, String)> {
    let call = Call::get(format!("/api/v1/resources/{CODE}/entry")).by(&city.editor);
    let entry = city.server.send(call).await.ok();
    let mut draft: Resource = serde_json::from_value(entry["draft"].clone()).unwrap();
    draft.title = title.to_owned();
    let cells = EntryCells::of(&draft, &departments()).unwrap();
    let mut fields: Vec<_> = cells.fields().into_iter().collect();
    let unseen = [("revision", entry["revision"].to_string()), ("kept", kept.to_owned())];
    fields.extend(unseen.map(|(name, value)| (name.to_owned(), value)));
    fields.push(("do".to_owned(), "save".to_owned()));
    fields
}

async fn history(city: &City, by: &SigningKey) -> Vec<Value> {
    let answer = city.server.send(Call::get(format!("/api/v1/resources/{CODE}/history")).by(by)).await;
    answer.ok().as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_a_history_for_those_whom_it_concerns() {
    let city = City::without_data().await;
    let server = &city.server;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let mut draft = resource();
    draft["items"].as_array_mut().unwrap().remove(4);
    draft["items"][3]["required"] = json!(true);
    draft["title"] = json!("行政处罚决定");
    let put = Call::new(Method::PUT, format!("/api/v1/resources/{CODE}")).json(&draft);
    server.send(put.by(&city.editor)).await.ok();

    let steps = history(&city, &city.editor).await;
    let told: Vec<_> = steps.iter().rev().map(|step| step["action"].as_str().unwrap()).collect();
    let expected =
        ["edited", "registration_submitted", "registered", "publication_submitted", "published", "edited"];
    assert_eq!(told, expected.map(|step| format!("resource.{step}")));
    assert_eq!((&steps[1]["by"], &steps[1]["from"]), (&json!("reviewer"), &json!("publication_review")));
    let records: Vec<_> = server.events("changed").iter().map(|event| event["id"].clone()).collect();
    assert!(steps.iter().all(|step| records.contains(&step["record"])), "each step names its evidence");
    let changed = |steps: &[Value]| steps[0]["changes"].as_array().unwrap().len();
    assert!(changed(&steps) > 3, "{:#}", steps[0]);
    let seen = history(&city, &officer).await;
    assert_eq!((seen.len(), changed(&seen)), (steps.len(), 0), "drafts are the department's own");
    for stranger in [&city.consumer, &server.person("developer", None, &[Role::Developer]).await] {
        let answer = server.send(Call::get(format!("/api/v1/resources/{CODE}/history")).by(stranger)).await;
        assert_eq!(answer.code(), "not_found");
    }
    let diff = |query: &str| Call::get(format!("/api/v1/resources/{CODE}/history/diff?{query}"));
    let between = server.send(diff("from=1&to=6").by(&city.editor)).await.ok();
    assert!(between.to_string().contains("行政处罚决定"), "{between}");
    assert_eq!(server.send(diff("from=1&to=4").by(&city.editor)).await.ok(), json!([]));
    assert_eq!(server.send(diff("from=1&to=7").by(&city.editor)).await.code(), "not_found");
    assert_eq!(server.send(diff("from=1&to=6").by(&officer)).await.code(), "not_found");

    let page = shown(&city, &format!("/desk/directory/{CODE}"), &city.editor).await;
    assert!(page.contains("提交登记") && page.contains("删除信息项 note"), "{page}");
    let path = format!("/desk/directory/{CODE}/history?from=1&to=6");
    let page = shown(&city, &path, &city.editor).await;
    assert!(page.contains("信息项 amount · 必填") && page.contains("<ins>"), "{page}");
    let page = shown(&city, &path, &officer).await;
    assert!(page.contains("提交登记") && !page.contains("行政处罚决定"), "{page}");
    parts_of_a_history(&city, draft).await;
}

/// Many changes are told in parts, each complete: the oldest step of a part too says what it changed.
async fn parts_of_a_history(city: &City, mut draft: Value) {
    for revision in 7..=56 {
        draft["title"] = json!(format!("行政处罚决定之{revision}"));
        let put = Call::new(Method::PUT, format!("/api/v1/resources/{CODE}")).json(&draft);
        city.server.send(put.by(&city.editor)).await.ok();
    }
    let path = format!("/api/v1/resources/{CODE}/history");
    let first = city.server.send(Call::get(&path).by(&city.editor)).await;
    assert_eq!(first.header("shuqiao-next"), "7");
    let first = first.ok();
    assert_eq!((first[0]["revision"].as_i64(), first[49]["revision"].as_i64()), (Some(56), Some(7)));
    assert_eq!(first[49]["changes"][0]["after"], "行政处罚决定之7", "{:#}", first[49]);
    let rest = city.server.send(Call::get(format!("{path}?after=7")).by(&city.editor)).await;
    assert_eq!(rest.header("shuqiao-next"), "");
    assert_eq!(rest.ok().as_array().map(Vec::len), Some(6));
    let path = format!("/desk/directory/{CODE}/history");
    let page = shown(city, &path, &city.editor).await;
    assert!(page.contains("?after=7\"") && !page.contains("id=\"revision-6\""), "{page}");
    let page = shown(city, &format!("{path}?after=7"), &city.editor).await;
    assert!(page.contains("id=\"revision-6\"") && !page.contains("id=\"revision-7\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_breaks_rules_is_kept_and_is_nowhere_else() {
    let city = City::without_data().await;
    let server = &city.server;
    let fields = [("do", "save"), ("d-0-7", "未完成的资源"), ("d-0-10", SECRET), ("d-0-15", "坏的类型")];
    let place = gone_on(&server.send(form("/desk/directory/new", &fields).by(&city.editor)).await);
    let page = shown(&city, &place, &city.editor).await;
    assert!(
        page.contains(SECRET) && page.contains("aria-invalid=\"true\"") && page.contains("未完成的草稿"),
        "{page}"
    );
    let list = shown(&city, "/desk/directory", &city.editor).await;
    assert!(list.contains("未完成的资源") && list.contains(&place), "{list}");

    let mut elsewhere = vec![
        "/api/v1/entries".to_owned(),
        "/api/v1/resources?q=%E6%9C%AA%E5%AE%8C%E6%88%90".to_owned(),
        "/catalog.ttl".to_owned(),
        "/search?q=%E6%9C%AA%E5%AE%8C%E6%88%90%E7%9A%84%E8%B5%84%E6%BA%90".to_owned(),
    ];
    elsewhere.extend(
        ["csv&part=sheet", "csv&part=extension", "ttl"]
            .map(|format| format!("/api/v1/directory/export?format={format}")),
    );
    for path in &elsewhere {
        let answer = server.send(Call::get(path).by(&city.editor)).await;
        answer.ok_bytes();
        assert!(!answer.text().contains(SECRET), "{path}");
    }
    let id = place.rsplit('/').next().unwrap();
    let one = format!("/api/v1/unfinished/{id}");
    assert_eq!(server.send(Call::get(&one).by(&city.editor)).await.ok()["fields"]["d-0-10"], SECRET);
    assert_eq!(server.send(Call::get(&one).by(&city.consumer)).await.code(), "not_found");
    assert_eq!(server.send(Call::get(&one).by(&city.reviewer)).await.code(), "forbidden");
    assert_eq!(server.send(Call::get(&place).by(&city.consumer)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.send(Call::get("/api/v1/unfinished").by(&city.consumer)).await.ok(), json!([]));
    assert!(!Value::from(server.events("changed")).to_string().contains(SECRET), "evidence holds digests");

    let kept_at = kept_at(&page);
    let discard = [("do", "discard"), ("kept", kept_at.as_str())];
    gone_on(&server.send(form(&place, &discard).by(&city.editor)).await);
    assert_eq!(server.send(Call::get(&one).by(&city.editor)).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_change_leaves_the_entry_until_it_is_mended() {
    let city = City::without_data().await;
    let server = &city.server;
    let edit = format!("/desk/directory/{CODE}/edit");
    let kept = |id: &str, fields: &Value, by| {
        let body = json!({"revision": 5, "fields": fields});
        server.send(Call::new(Method::PUT, format!("/api/v1/unfinished/{id}")).json(&body).by(by))
    };
    let typed = json!({"d-0-7": "改到一半", "d-0-8": "301001/000001", "x-0-99": "passed over"});
    let draft = kept(CODE, &typed, &city.editor).await.ok();
    assert_eq!((&draft["code"], &draft["fields"]["x-0-99"]), (&json!("301001/000001"), &Value::Null));
    let page = shown(&city, &edit, &city.editor).await;
    assert!(page.contains("改到一半") && page.contains("aria-invalid=\"true\""), "{page}");
    let entry = server.send(Call::get(format!("/api/v1/resources/{CODE}/entry")).by(&city.editor)).await.ok();
    assert_eq!((&entry["draft"]["title"], &entry["state"]), (&json!("行政处罚信息"), &json!("published")));

    for (id, by, code) in [
        (CODE, &city.consumer, "not_found"),
        ("301001-000099", &city.editor, "not_found"),
        ("nonsense", &city.editor, "invalid_input"),
        (CODE, &city.reviewer, "forbidden"),
    ] {
        assert_eq!(kept(id, &typed, by).await.code(), code, "{id}");
    }
    assert_eq!(kept(ID, &json!({"d-900-1": "x"}), &city.editor).await.code(), "too_large");
    let long = json!({"d-0-10": "长".repeat(100_000)});
    assert_eq!(kept(ID, &long, &city.editor).await.code(), "too_large", "lists read all of them");
    kept(ID, &json!({}), &city.editor).await.ok();
    assert_eq!(kept(ID, &json!({}), &city.editor).await.code(), "conflict", "it takes the place of none");
    assert_eq!(kept(ID, &json!({}), &city.consumer).await.code(), "not_found", "an id is its department's");

    // Mended, it is the entry's draft, and is unfinished no longer.
    let kept_at = kept_at(&page);
    let discard = [("do", "discard"), ("kept", kept_at.as_str())];
    gone_on(&server.send(form(&edit, &discard).by(&city.editor)).await);
    let page = shown(&city, &edit, &city.editor).await;
    assert!(page.contains("行政处罚信息") && !page.contains("改到一半"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_colleague_has_kept_is_neither_written_over_nor_lost() {
    let city = City::without_data().await;
    let server = &city.server;
    let edit = format!("/desk/directory/{CODE}/edit");
    let colleague = server.person("colleague", Some(&departments()[0]), &[Role::DirectoryEditor]).await;
    let path = format!("/api/v1/unfinished/{CODE}");
    let one = async || server.send(Call::get(&path).by(&city.editor)).await;
    let kept_title = async || one().await.ok()["fields"]["d-0-7"].clone();
    // Both open the form, and one of them keeps a draft.
    let clean = typed(&city, "同事改好", "").await;
    let broken = [("do", "save"), ("revision", "5"), ("d-0-7", "改到一半"), ("d-0-8", "301001/000001")];
    assert_eq!(gone_on(&server.send(form(&edit, &broken).by(&city.editor)).await), edit);

    let mut theirs = broken;
    theirs[2].1 = "同事没写完";
    let refused = server.send(form(&edit, &theirs).by(&colleague)).await;
    assert!(again(&refused, StatusCode::CONFLICT).contains("同事没写完"), "what was typed stays");
    let discard = form(&edit, &[("do", "discard"), ("kept", "")]);
    again(&server.send(discard.by(&colleague)).await, StatusCode::CONFLICT);
    gone_on(&server.send(form(&edit, &pairs(&clean)).by(&colleague)).await);
    assert_eq!(kept_title().await, "改到一半", "the form was not made from it");

    // The entry has moved on: the draft says so, and can still be finished.
    let page = shown(&city, &edit, &city.editor).await;
    assert!(page.contains("改到一半") && page.contains("<ins>同事改好</ins>"), "{page}");
    // Also when it breaks rules once more.
    let (kept, revision) = (kept_at(&page), page.split("name=\"revision\" value=\"").nth(1).unwrap());
    let again =
        [broken[0], ("revision", revision.split('"').next().unwrap()), broken[2], broken[3], ("kept", &kept)];
    assert_eq!(gone_on(&server.send(form(&edit, &again).by(&city.editor)).await), edit);
    let page = shown(&city, &edit, &city.editor).await;
    assert!(page.contains("<ins>同事改好</ins>"), "{page}");
    let mended = typed(&city, "合并两人", &kept_at(&page)).await;
    let revision = mended.iter().find(|(name, _)| name == "revision").unwrap();
    assert!(page.contains(&format!("name=\"revision\" value=\"{}\"", revision.1)), "{page}");
    gone_on(&server.send(form(&edit, &pairs(&mended)).by(&city.editor)).await);
    assert_eq!(one().await.code(), "not_found");
    assert!(shown(&city, &edit, &city.editor).await.contains("合并两人"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_discarded_by_whoever_has_seen_it() {
    let city = City::without_data().await;
    let server = &city.server;
    let path = format!("/api/v1/unfinished/{ID}");
    let keep = async |kept: &Value| {
        let body = json!({"kept": kept, "fields": {}});
        server.send(Call::new(Method::PUT, &path).json(&body).by(&city.editor)).await
    };
    let discard = async |query: &str| {
        let path = format!("{path}{query}");
        server.send(Call::new(Method::DELETE, path).by(&city.editor)).await
    };
    let first = keep(&Value::Null).await.ok()["updated_at"].clone();
    let second = keep(&first).await.ok()["updated_at"].clone();
    assert_ne!(first, second);
    assert_eq!(discard(&format!("?kept={}", first.as_str().unwrap())).await.code(), "conflict");
    discard(&format!("?kept={}", second.as_str().unwrap())).await.ok();
    keep(&Value::Null).await.ok();
    discard("").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_resource_is_made_from_itself_or_from_what_there_is_not() {
    let city = City::without_data().await;
    let server = &city.server;
    let made = |code: &str, sources: &[&str]| {
        let mut made = resource();
        let number = code.rsplit('/').next().unwrap();
        (made["code"], made["derived_from"]) = (json!(code), json!(sources));
        (made["sql_name"], made["title"]) =
            (json!(format!("made_{number}")), json!(format!("加工数据{number}")));
        made
    };
    let put = async |entry: &Value| {
        let path = format!("/api/v1/resources/{}", entry["code"].as_str().unwrap().replace('/', "-"));
        server.send(Call::new(Method::PUT, path).json(entry).by(&city.editor)).await
    };
    let (first, second) = ("301001/000021", "301001/000022");
    city.publish(&made(first, &["301001/000001"])).await;
    city.publish(&made(second, &[first])).await;
    let mut original = resource();
    original["derived_from"] = json!([second]);
    let refused = put(&original).await;
    assert_eq!(refused.json()["problems"][0]["rule"], "derived_from.circle", "{}", refused.text());
    original["derived_from"] = json!(["301001/000001"]);
    assert_eq!(put(&original).await.json()["problems"][0]["rule"], "derived_from.itself");

    // What is not there yet may be named while nobody else reads it.
    put(&made("301001/000023", &["301001/000099"])).await.ok();
    let step = |step: &str, by| {
        let path = "/api/v1/resources/301001-000023/steps".to_owned();
        server.send(Call::post(path, &json!({"step": step})).by(by))
    };
    step("submit_registration", &city.editor).await.ok();
    step("approve_registration", &city.reviewer).await.ok();
    let refused = step("submit_publication", &city.editor).await;
    assert_eq!(refused.json()["problems"][0]["rule"], "derived_from.unknown", "{}", refused.text());

    let sheet =
        server.send(Call::get("/api/v1/directory/export?format=csv&part=extension").by(&city.editor)).await;
    assert!(
        sheet.text().contains("来源资源代码") && sheet.text().contains(",301001/000021"),
        "{}",
        sheet.text()
    );
    let turtle = server.send(Call::get("/api/v1/directory/export?format=ttl").by(&city.editor)).await.text();
    assert!(turtle.contains("prov:wasDerivedFrom") && turtle.contains("sq:derivedFrom"), "{turtle}");
}
