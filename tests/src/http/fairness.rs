//! What must hold between those who ask and those who decide: who asks confidentially is known to nobody, nobody judges
//! themselves, nobody busies everybody, and the limits of law begin by themselves.

use std::path::Path;

use ::http::Method;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use super::sign_in::cookie;
use crate::support::city::{CODE, City, department, departments};
use crate::support::command::Folder;
use crate::support::server::{Answer, Bounds, Call, Server};

/// A time of 2026 in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

async fn act(server: &Server, number: &Value, act: Value, by: &SigningKey) -> Answer {
    let path = format!("/api/v1/matters/{}/steps", number.as_str().unwrap());
    server.send(Call::post(path, &act).by(by)).await
}

async fn get(server: &Server, path: &str, by: &SigningKey) -> Answer {
    server.send(Call::get(format!("/api/v1/{path}")).by(by)).await
}

/// How often a text stands in the files of a folder, the catalogue's own apart: it knows its people.
fn occurrences(folder: &Path, text: &str) -> usize {
    let count = |path: &Path| {
        let content = std::fs::read(path).unwrap();
        content.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
    };
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: std::path::PathBuf| match path.is_dir() {
        true => occurrences(&path, text),
        false if path.file_name().unwrap().to_string_lossy().starts_with("catalogue.sqlite") => 0,
        false => count(&path),
    };
    entries.map(of).sum()
}

const WHO: &str = "shenqingren-7f3a";
const TEXT: &str = "合成内容：请公开瑶光项目经费";

#[tokio::test(flavor = "multi_thread")]
async fn who_has_signed_in_leaves_no_trace_at_the_doors_of_the_public() {
    let server = Server::start_at(Bounds::default(), at("03-02T10:00")).await;
    let [scjg, gaj] = departments();
    server.department(&scjg).await;
    server.department(&gaj).await;
    let citizen = server.person(WHO, Some(&gaj), &[Role::Analyst]).await;
    let approver = server.person("approver", Some(&scjg), &[Role::Approver]).await;
    let folder = server.folder.path();
    let before = occurrences(folder, WHO);
    assert!(before > 0, "the search finds what is there");

    let request = json!({
        "applicant": {"name": "合成甲", "phone": "000-5550-1990"}, "applicant_kind": "natural_person",
        "title": "经费", "text": TEXT, "form": "电子文件", "department": "scjg",
    });
    let opened = server.send(Call::post("/api/v1/disclosure-requests", &request).by(&citizen)).await.ok();
    let letter =
        json!({"applicant": {"name": "合成甲", "phone": "1"}, "title": "建议", "text": TEXT, "wrong": 1});
    let refused = server.send(Call::post("/api/v1/letters", &letter).by(&citizen)).await;
    assert_eq!(refused.code(), "invalid_input");
    let own = format!("/api/v1/public-matters/{}", opened["number"].as_str().unwrap());
    let code = &opened["code"];
    server.send(Call::post(&own, &json!({"code": code})).by(&citizen)).await.ok();
    server.send(Call::post(&own, &json!({"code": "wrong"})).by(&citizen)).await.code();
    let grant = json!({"code": code, "event": "grant"});
    assert_eq!(
        server.send(Call::post(format!("{own}/steps"), &grant).by(&citizen)).await.code(),
        "forbidden"
    );
    let notice = format!("{own}/notices/1");
    server.send(Call::post(notice, &json!({"code": code})).by(&citizen)).await.ok_bytes();
    server
        .send(Call::post(format!("{own}/steps"), &json!({"code": code, "event": "withdraw"})).by(&citizen))
        .await
        .ok();
    server.send(Call::post(format!("{own}/erasure"), &json!({"code": code})).by(&citizen)).await.ok();
    for _ in 0..2 {
        get(&server, "matters", &approver).await.ok();
    }

    server.app.drain().await.unwrap();
    assert_eq!(occurrences(folder, WHO), before);
    assert_eq!(occurrences(folder, TEXT), 0);
    let day = std::fs::read_to_string(folder.join("access/2026-03-02.log")).unwrap();
    let lines: Vec<Value> = day.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (public, others): (Vec<_>, Vec<_>) = lines.iter().partition(|line| {
        let path = line["path"].as_str().unwrap();
        ["disclosure-requests", "letters", "public-matters"].iter().any(|door| path.contains(door))
    });
    assert!(public.iter().all(|line| line["address"].is_null() && line["principal"].is_null()), "{public:?}");
    assert_eq!(public.len(), 8);
    assert!(others.iter().any(|line| !line["address"].is_null() && line["principal"] == "approver"));
}

#[tokio::test(flavor = "multi_thread")]
async fn third_parties_are_kept_by_no_vault_where_a_step_is_refused() {
    let server = Server::start_at(Bounds::default(), at("03-02T10:00")).await;
    let [scjg, _] = departments();
    server.department(&scjg).await;
    let approver = server.person("approver", Some(&scjg), &[Role::Approver]).await;
    let steward = server.person("steward", Some(&scjg), &[Role::DataSteward]).await;
    let request = json!({
        "applicant": {"name": "合成甲", "phone": "1"}, "applicant_kind": "natural_person",
        "title": "经费", "text": TEXT, "form": "电子文件", "department": "scjg",
    });
    let opened = server.send(Call::post("/api/v1/disclosure-requests", &request)).await.ok();
    let consult =
        json!({"event": "consult", "third_party": {"name": "合成第三方玉衡", "text": "是否同意？"}});
    assert_eq!(act(&server, &opened["number"], consult.clone(), &steward).await.code(), "forbidden");
    act(&server, &opened["number"], consult, &approver).await.ok();
    let refused = server.events("access_refused");
    assert_eq!(refused.len(), 1, "the refusal is evidence");
    let kept = server.app.vault.of_record(refused[0]["id"].as_str().unwrap()).unwrap();
    assert!(!kept.is_empty());
    for kept in kept {
        let text = String::from_utf8_lossy(&kept.text).into_owned();
        assert!(text.contains("/steps") && !text.contains("玉衡"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_judged_by_the_provider_or_the_authority_and_disputes_by_whoever_took_no_part() {
    let city = City::new_at(at("03-02T10:00")).await;
    let [scjg, gaj] = departments();
    let server = &city.server;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let accused = server.person("accused", Some(&gaj), &[Role::DataSteward]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let colleague = server.person("colleague", None, &[Role::AuthorityOfficer]).await;
    let seconded = server.person("seconded", Some(&scjg), &[Role::AuthorityOfficer]).await;
    let object = async |against: &str, by: &SigningKey| {
        let objection = json!({
            "subject": "use", "resource": "301001/000001", "user": against, "description": "超出用途使用",
        });
        server.send(Call::post("/api/v1/objections", &objection).by(by)).await.ok()
    };
    let uphold = json!({"event": "uphold", "reason": "属实"});
    let refuse = json!({"event": "refuse", "reason": "不属实", "legal_basis": "政务数据共享条例"});

    let against_user = object("gaj", &city.editor).await;
    assert_eq!(against_user["handler"]["department"], "scjg");
    assert_eq!(act(server, &against_user["number"], uphold.clone(), &accused).await.code(), "not_found");
    act(server, &against_user["number"], uphold.clone(), &city.editor).await.ok();

    let against_provider = object("scjg", &analyst).await;
    assert_eq!(against_provider["handler"], json!({"department": null, "role": "authority_officer"}));
    let number = &against_provider["number"];
    for own_side in [&city.editor, &accused, &seconded] {
        let told = act(server, number, uphold.clone(), own_side).await.code();
        assert!(["forbidden", "not_found"].contains(&told.as_str()), "{told}");
    }
    act(server, number, refuse.clone(), &officer).await.ok();
    act(server, number, json!({"event": "escalate", "reason": "有证据"}), &analyst).await.ok();
    for part in [&officer, &seconded] {
        assert_eq!(act(server, number, uphold.clone(), part).await.code(), "forbidden");
    }
    act(server, number, uphold, &colleague).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_developer_asks_so_much_and_no_more() {
    let city = City::new().await;
    let server = &city.server;
    let developer = server.person("dev", None, &[Role::Developer]).await;
    let other = server.person("other", None, &[Role::Developer]).await;
    let demand = |by| {
        let demand =
            json!({"title": "合成数据", "items": ["编号"], "purpose": "研究", "legal_basis": "开放协议"});
        server.send(Call::post("/api/v1/demands", &demand).by(by))
    };
    // All at once: the bound holds for those that run beside each other too.
    let answers = futures::future::join_all((0..14).map(|_| demand(&developer))).await;
    let taken = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(taken, 10);
    let refused = answers.iter().find(|answer| !answer.status.is_success()).unwrap();
    assert_eq!((refused.code(), refused.status.as_u16()), ("limit_rate".to_owned(), 429));
    demand(&other).await.ok();
    // Nor more than twenty at the same time, however slowly they come.
    let (start, day) = (server.now(), 90_000);
    server.set_clock(start.plus_seconds(day));
    for _ in 0..10 {
        demand(&developer).await.ok();
    }
    server.set_clock(start.plus_seconds(2 * day));
    let refused = demand(&developer).await;
    assert_eq!(refused.code(), "limit_rate");
    assert!(refused.text().contains("20 matters of yours are open"), "{}", refused.text());
    let first = answers.iter().find(|answer| answer.status.is_success()).unwrap().json();
    city.act(&first["number"], &json!({"event": "withdraw"}), &developer).await.ok();
    demand(&developer).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_matters_have_pages() {
    let city = City::new_at(at("03-02T10:00")).await;
    let [_, gaj] = departments();
    let server = &city.server;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    for _ in 0..5 {
        let demand = json!({"title": "合成", "items": [], "purpose": "办案", "legal_basis": "警察法"});
        server.send(Call::post("/api/v1/demands", &demand).by(&analyst)).await.ok();
    }
    for by in [&analyst, &officer] {
        let (mut numbers, mut path) = (Vec::new(), "/api/v1/matters?kind=demand&limit=2".to_owned());
        let mut pages = 0;
        loop {
            let page = server.send(Call::get(&path).by(by)).await;
            numbers.extend(page.ok().as_array().unwrap().iter().map(|matter| matter["number"].clone()));
            pages += 1;
            let link = page.header("link").to_owned();
            let Some(next) = link.strip_prefix('<').and_then(|link| link.split_once('>')) else {
                assert_eq!(page.header("shuqiao-next"), "");
                break;
            };
            assert_eq!(next.1, "; rel=\"next\"");
            assert!(next.0.ends_with(page.header("shuqiao-next")));
            path = next.0.to_owned();
        }
        let all: Vec<_> = (1..=5).map(|number| json!(format!("XQ-2026-00000{number}"))).collect();
        assert_eq!((numbers, pages), (all, 3));
    }
    for wrong in ["limit=0", "limit=1001", "after=x", "after=1."] {
        assert_eq!(
            get(server, &format!("matters?{wrong}"), &analyst).await.code(),
            "invalid_input",
            "{wrong}"
        );
    }
    let yellow = get(server, "matters?light=yellow&limit=2", &officer).await;
    assert_eq!((yellow.ok(), yellow.header("link")), (json!([]), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_law_begin_with_what_begins_them() {
    let city = City::without_data_at(at("03-02T10:00")).await;
    let [_, gaj] = departments();
    let server = &city.server;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let clock = async || server.services.run_clock(&server.operator(&[])).await.unwrap();

    // Without a condition: access within a working day. The grant is there at once, the data are not.
    let application = json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "amount"], "doors": ["sql"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-12-30T16:00:00Z",
    });
    let whole = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
    assert_eq!(whole["state"], "accepted", "{whole}");
    let part = whole["parts"][0].as_str().unwrap().to_owned();
    let view = get(server, &format!("matters/{part}"), &analyst).await.ok();
    assert_eq!(
        (&view["state"], &view["limits"][0]["kind"]),
        (&json!("activating"), &json!("unconditional_access"))
    );
    assert_eq!((&view["due"], view["grants"].as_array().unwrap().len()), (&json!("2026-03-03T16:00:00Z"), 1));
    server.set_clock(at("03-04T00:01"));
    assert_eq!(get(server, "matters?light=red", &officer).await.ok()[0]["number"], json!(part));
    let march = "supervision?from=2026-03-01T00:00:00%2B08:00&until=2026-05-01T00:00:00%2B08:00";
    let breach = &get(server, march, &officer).await.ok()["breaches"][0];
    assert_eq!((&breach["limit"], &breach["department"]), (&json!("unconditional_access"), &json!("scjg")));
    assert_eq!(clock().await.begun, 0, "no data, nothing to publish");
    city.upload(crate::support::city::ROWS).await;
    assert_eq!(get(server, &format!("matters/{part}"), &analyst).await.ok()["state"], "in_use");
    clock().await;
    let number = whole["number"].as_str().unwrap();
    assert_eq!(get(server, &format!("matters/{number}"), &analyst).await.ok()["state"], "ended");

    // Open by the directory, and data exist: published within twenty working days.
    let items = get(server, "matters?kind=opening_item", &city.editor).await.ok();
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    let item = items[0]["number"].clone();
    assert_eq!(items[0]["limits"][0]["kind"], "active_publication");
    assert_eq!(items[0]["due"], "2026-04-01T16:00:00Z", "from the day of the data on");
    assert_eq!(clock().await.begun, 0, "once");
    let later = json!({"event": "postpone", "due": "2026-12-01", "reason": "改期"});
    assert_eq!(act(server, &item, later, &officer).await.code(), "illegal_state");
    act(server, &item, json!({"event": "start"}), &city.editor).await.ok();
    assert_eq!(act(server, &item, json!({"event": "publish"}), &city.editor).await.code(), "illegal_state");
    server.set_clock(at("04-02T00:01"));
    let breaches = get(server, march, &officer).await.ok()["breaches"].clone();
    assert_eq!(breaches[1]["limit"], "active_publication", "{breaches}");
    city.grant(&json!({
        "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no", "county", "amount"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    }))
    .await;
    let item = get(server, &format!("matters/{}", item.as_str().unwrap()), &city.editor).await.ok();
    assert_eq!((&item["state"], &item["history"][2]["by"]), (&json!("opened"), &Value::Null));
    assert_eq!(clock().await.begun, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_penalty_that_is_no_more_is_withdrawn_in_three_days() {
    let city = City::new_at(at("03-02T10:00")).await;
    let server = &city.server;
    let objection = json!({
        "subject": "penalty", "resource": "301001/000001", "description": "决定已被撤销，见回执",
    });
    let opened = server.send(Call::post("/api/v1/objections", &objection).by(&city.editor)).await.ok();
    assert_eq!(
        (&opened["limits"][0]["kind"], &opened["due"]),
        (&json!("penalty_withdrawal"), &json!("2026-03-05T16:00:00Z"))
    );
    server.set_clock(at("03-03T10:00"));
    let number = &opened["number"];
    act(server, number, json!({"event": "uphold", "reason": "属实"}), &city.editor).await.ok();
    let correct = json!({"event": "correct"});
    assert_eq!(act(server, number, correct.clone(), &city.editor).await.code(), "illegal_state");
    let withdrawal = json!({"keys": [["A1"]], "reason": "处罚决定已撤销"});
    let path = format!("/api/v1/resources/{CODE}/records/withdraw");
    server.send(Call::new(Method::POST, path).json(&withdrawal).by(&city.editor)).await.ok();
    assert_eq!(act(server, number, correct, &city.editor).await.ok()["state"], "answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn developers_who_received_a_wrong_record_are_written_to() {
    let city = City::new().await;
    let [_, gaj] = departments();
    let server = &city.server;
    let rsj = department("rsj", "九江市人力资源和社会保障局", "11360400MD0000003X");
    server.department(&rsj).await;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let outbox = server.folder.path().join("outbox");
    let letters = || -> Vec<String> {
        let files = std::fs::read_dir(&outbox).unwrap().map(|file| file.unwrap().path());
        files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    };
    let body = json!({"name": "李开发", "email": "li.dev@example.cn"});
    server.send(Call::post("/api/v1/developers", &body)).await.ok();
    let letter = crate::support::python::python("read_letter.py", &[], &letters()[0]);
    let text = letter["text"].as_str().unwrap();
    let behind = |mark: &str| text.split_once(mark).unwrap().1.lines().next().unwrap().trim().to_owned();
    let (login, code) = (behind("登录名："), behind("一次性验证码："));
    let password = json!({"name": login, "code": code, "new_password": "correct horse battery"});
    server.send(Call::post("/api/v1/session/password", &password)).await.ok();
    let signed_in = json!({"name": login, "password": "correct horse battery"});
    let session = server.send(Call::post("/api/v1/session", &signed_in)).await;
    let cookie = cookie(&session);
    let sql = json!({"sql": "select case_no, amount from scjg.penalty"});
    let read = Call::post("/api/v1/sql", &sql).header("cookie", &cookie).header("origin", &server.base);
    server.send(read).await.ok();
    std::fs::remove_dir_all(&outbox).unwrap();
    std::fs::create_dir(&outbox).unwrap();

    let objection = json!({"subject": "data", "resource": "301001/000001", "description": "罚款金额有误"});
    let opened = server.send(Call::post("/api/v1/objections", &objection).by(&analyst)).await.ok();
    let number = &opened["number"];
    act(server, number, json!({"event": "uphold", "reason": "录入错误"}), &city.editor).await.ok();
    city.upload("case_no,county,person,amount,note\nA1,360481,张三(合成),2.00,一\n").await;
    act(server, number, json!({"event": "correct", "version": 2}), &city.editor).await.ok();
    let letters = letters();
    assert_eq!(letters.len(), 1);
    let letter = crate::support::python::python("read_letter.py", &[], &letters[0]);
    assert_eq!(letter["to"], "li.dev@example.cn");
    let text = letter["text"].as_str().unwrap();
    assert!(
        text.contains("301001/000001") && text.contains(number.as_str().unwrap()) && !text.contains("A1"),
        "{text}"
    );
    let told: Vec<_> =
        server.events("changed").into_iter().filter(|event| event["action"] == "developer.told").collect();
    assert_eq!((told.len(), &told[0]["entity"]), (1, &json!(format!("letter to {login}"))));
    assert_eq!(Folder::of(server).json(&["audit"])["findings"], json!([]), "no row was made by this");
}
