//! Pages where the public takes part: asking by forms, feedback, the gallery, developers, the API's documentation.

use catalog_core::Role;
use exchange_crypto::SigningKey;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::public::Town;
use crate::support::city::{CODE, City};
use crate::support::python::browser;
use crate::support::server::{Answer, Call, Server};

const PASSWORD: &str = "正确的马-电池-订书钉-2026";
const HOSTILE: &str =
    "</textarea><script>document.title='x'</script><img src=x onerror=alert(1)>👨‍👩‍👧\u{200b}{{7*7}}";

/// What a page's form sends.
fn form<'a>(path: &str, fields: &[(&str, &str)]) -> Call<'a> {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    Call::new(Method::POST, path)
        .body(pairs.join("&"), "application/x-www-form-urlencoded")
        .header("accept", "text/html")
}

fn page<'a>(path: &str) -> Call<'a> {
    Call::get(path).header("accept", "text/html")
}

/// The text of the element of that id.
fn element(html: &str, id: &str) -> String {
    let (_, rest) = html.split_once(&format!("id=\"{id}\"")).expect(id);
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// A password for somebody who is there.
async fn account(server: &Server, security: &SigningKey, id: &str) {
    let call = Call::new(Method::POST, format!("/api/v1/people/{id}/invitation")).by(security);
    let code = server.send(call).await.ok()["code"].clone();
    let body = json!({"name": id, "code": code, "new_password": PASSWORD});
    server.send(Call::post("/api/v1/session/password", &body)).await.ok();
}

/// The cookie of who has signed in.
async fn signed_in(server: &Server, id: &str) -> String {
    let answer = server.send(Call::post("/api/v1/session", &json!({"name": id, "password": PASSWORD}))).await;
    super::sign_in::cookie(&answer)
}

/// A form of a page of ours, by who has signed in.
fn own<'a>(server: &Server, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Call<'a> {
    form(path, fields).header("cookie", cookie).header("origin", &server.base)
}

/// A city whose reviewer, officer and developer sign in by passwords.
async fn city() -> (City, SigningKey) {
    let city = City::new().await;
    let security = city.server.person("security", None, &[Role::SecurityAdministrator]).await;
    let officer = city.server.person("officer", None, &[Role::AuthorityOfficer]).await;
    city.server.person("developer", None, &[Role::Developer]).await;
    for id in ["reviewer", "officer", "developer"] {
        account(&city.server, &security, id).await;
    }
    (city, officer)
}

fn asked(email: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("applicant_kind", "natural_person"),
        ("name", "诸葛合成<b>甲"),
        ("id_number", "110101199003070000"),
        ("email", email),
        ("title", "专项资金分配结果"),
        ("text", HOSTILE),
        ("shape", "电子文件"),
        ("way", "电子邮件"),
        ("department", "scjg"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disclosure_request_goes_from_form_to_notice() {
    let town = Town::new().await;
    let server = &town.server;
    let refused = server.send(form("/ask/disclosure", &asked(""))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let text = refused.text();
    assert!(text.contains("请留下电话、电子邮箱或者通信地址"), "{text}");
    assert!(
        text.contains("诸葛合成&#60;b&#62;甲") && !text.contains("<script>document"),
        "kept, and harmless: {text}"
    );

    let opened = server.send(form("/ask/disclosure", &asked("a@example.invalid"))).await;
    assert_eq!(opened.header("cache-control"), "private, no-store");
    let text = String::from_utf8(opened.ok_bytes().to_vec()).unwrap();
    let (number, code) = (element(&text, "number"), element(&text, "code"));
    assert!(number.starts_with("GK-2026-") && code.len() >= 25 && text.contains("light green"), "{text}");

    // A wrong code shows nothing, and does not come back.
    let wrong = server.send(form("/ask/matter", &[("number", &number), ("code", "22222-22222")])).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    assert!(wrong.text().contains(&number) && !wrong.text().contains("22222-22222"));

    let complete = json!({"event": "ask_completion", "reason": "请写明文号"});
    town.act(&number, complete, &town.approver).await.ok();
    let act = async |fields: &[(&str, &str)]| {
        let both = [("number", number.as_str()), ("code", code.as_str())];
        let fields: Vec<_> = both.into_iter().chain(fields.iter().copied()).collect();
        server.send(form("/ask/matter", &fields)).await
    };
    let seen = act(&[]).await.text();
    assert_eq!(element(&seen, "state"), "待补正");
    assert!(seen.contains("请写明文号") && seen.contains("name=\"act\" value=\"complete\""), "{seen}");
    let long = "长".repeat(5001);
    let too_long = act(&[("act", "complete"), ("text", &long)]).await;
    assert_eq!(too_long.status, StatusCode::BAD_REQUEST);
    assert!(too_long.text().contains(&long), "what was typed is kept");
    let done = act(&[("act", "complete"), ("text", "文号天枢〔2025〕7号")]).await;
    assert_eq!(element(&done.text(), "state"), "待答复");

    let refusal = json!({"event": "refuse", "reason": "不掌握", "legal_basis": "政府信息公开条例 第三十六条", "outcome": {"ground": "not_held"}});
    town.act(&number, refusal, &town.approver).await.ok();
    let seen = act(&[]).await.text();
    assert!(seen.contains("本机关不掌握相关政府信息"), "{seen}");
    let notice = act(&[("act", "notice"), ("notice", "1")]).await;
    assert!(notice.ok_bytes().starts_with(b"PK"), "a document");
    assert!(notice.header("content-disposition").contains(&format!("{number}-1.docx")));
    let erase = act(&[("act", "erase")]).await;
    assert_eq!(erase.status, StatusCode::CONFLICT, "the remedies of a decision need its parties");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_is_anyone_and_leaves_no_address() {
    let (city, _) = city().await;
    let server = &city.server;
    let cookie = signed_in(server, "reviewer").await;
    let letter = [
        ("topic", "数据纠错"),
        ("name", "某"),
        ("phone", "000-5550-1990"),
        ("title", "第二行有误"),
        ("text", "应为 360481"),
    ];
    // Even from another site, with a cookie: it is anyone's letter, and changes nothing of the person's.
    let sent =
        form("/ask/letter", &letter).header("cookie", &cookie).header("origin", "https://evil.example");
    let text = String::from_utf8(server.send(sent).await.ok_bytes().to_vec()).unwrap();
    assert!(element(&text, "number").starts_with("LX-"), "{text}");
    let opened =
        server.events("changed").into_iter().rfind(|event| event["action"] == "matter.opened").unwrap();
    assert_eq!(opened["actor"]["id"], "public");

    let beside = server.send(page(&format!("/ask/letter?dataset={CODE}"))).await.text();
    assert!(beside.contains("行政处罚信息（301001/000001）"), "{beside}");
    assert!(beside.contains("<option value=\"scjg\" selected>"), "{beside}");
    server.send(page("/ask/letter?dataset=%3Cscript%3E")).await.ok_bytes();

    let code = element(&text, "code");
    let number = element(&text, "number");
    server.send(form("/ask/matter", &[("number", &number), ("code", &code)])).await.ok_bytes();
    // What such a page looks like is asked for at the same moment, with the cookie.
    server.send(Call::get("/assets/portal.css").header("cookie", &cookie)).await.ok_bytes();
    server.app.drain().await.unwrap();
    let auditor = server.person("audit", None, &[Role::Auditor]).await;
    let log = server.send(Call::get("/api/v1/access-log").by(&auditor)).await.text();
    let asked: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_traceless =
        |line: &&Value| ["/ask/", "/assets/"].iter().any(|path| line.to_string().contains(path));
    let asked: Vec<_> = asked.iter().filter(is_traceless).collect();
    assert!(!asked.is_empty(), "{log}");
    assert!(asked.iter().all(|line| line["address"].is_null() && line["principal"].is_null()), "{asked:?}");
    assert!(!log.contains(&code), "the code stands in no log");
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_is_shown_when_somebody_has_looked_and_answered_by_its_provider() {
    let (city, officer) = city().await;
    let server = &city.server;
    let address = format!("/datasets/{CODE}/feedback");
    let refused = server.send(form(&address, &[("rating", ""), ("text", HOSTILE)])).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("&#60;/textarea&#62;") && !refused.text().contains("<script>document"));
    let sent = server.send(form(&address, &[("rating", "4"), ("text", HOSTILE)])).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    let shown = async || server.send(page(&address)).await.text();
    assert!(!shown().await.contains("7*7"), "nobody has looked at it");

    // The provider's reviewer looks at it; others don't see that it is there.
    let cookie = signed_in(server, "reviewer").await;
    let listed = server.send(page("/desk/feedback").header("cookie", &cookie)).await.text();
    assert!(listed.contains("7*7") && !listed.contains("<script>document"), "{listed}");
    let waiting =
        server.send(Call::get("/api/v1/feedback/review?state=waiting").by(&city.reviewer)).await.ok();
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    let foreign =
        server.person("foreign", Some(&crate::support::city::departments()[1]), &[Role::Reviewer]).await;
    let review = format!("/api/v1/feedback/{id}/review");
    let show = json!({"show": true});
    assert_eq!(server.send(Call::post(&review, &show).by(&foreign)).await.code(), "not_found");
    assert_eq!(server.send(Call::post(&review, &show).by(&city.approver)).await.code(), "forbidden");
    assert_eq!(server.send(Call::post(&review, &show)).await.code(), "forbidden");
    assert_eq!(server.send(Call::get("/api/v1/feedback/review").by(&foreign)).await.ok(), json!([]));

    // Not from another site, and not without a reason where it is refused.
    let fields = [("id", id.as_str()), ("act", "show")];
    let foreign_site =
        form("/desk/feedback", &fields).header("cookie", &cookie).header("origin", "https://evil.example");
    assert!(server.send(foreign_site).await.status.is_client_error());
    assert!(!shown().await.contains("7*7"));
    let refuse = own(server, &cookie, "/desk/feedback", &[("id", &id), ("act", "refuse"), ("text", " ")]);
    assert_eq!(server.send(refuse).await.status, StatusCode::BAD_REQUEST);
    let done = server.send(own(server, &cookie, "/desk/feedback", &fields)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let answer = [("id", id.as_str()), ("act", "answer"), ("text", "谢谢，已更正<b>")];
    server.send(own(server, &cookie, "/desk/feedback?state=shown", &answer)).await;
    let page_now = shown().await;
    assert!(page_now.contains("7*7") && !page_now.contains("<script>document"), "{page_now}");
    assert!(page_now.contains("谢谢，已更正&#60;b&#62;") && page_now.contains("4.0"), "{page_now}");

    // What was decided the provider does not take back; the authority does.
    let hide = json!({"show": false, "reason": "含广告"});
    assert_eq!(server.send(Call::post(&review, &hide).by(&city.reviewer)).await.code(), "illegal_state");
    server.send(Call::post(&review, &hide).by(&officer)).await.ok();
    assert!(!shown().await.contains("7*7"));
    let listed =
        server.send(Call::get(format!("/api/v1/feedback?resource={}", "301001%2F000001"))).await.ok();
    assert_eq!(listed, json!({"ratings": {"count": 0, "mean_tenths": 0}, "feedback": []}));
    for action in ["made", "shown", "answered", "refused"] {
        let action = format!("contribution.{action}");
        let left = server.events("changed").iter().filter(|event| event["action"] == action.as_str()).count();
        assert_eq!(left, 1, "{action}");
    }
    // Of what the directory does not list nothing is said.
    for path in ["/datasets/301001-000009/feedback", "/api/v1/feedback?resource=301001%2F000009"] {
        assert_eq!(server.send(Call::get(path)).await.code(), "not_found", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_comes_into_the_gallery_by_the_authority() {
    let (city, _) = city().await;
    let server = &city.server;
    let fields = |link: &'static str| {
        [
            ("title", "到站提醒"),
            ("text", HOSTILE),
            ("link", link),
            ("resources", "301001/000001"),
            ("contact", "zhuge@example.invalid"),
        ]
    };
    for wrong in ["javascript:alert(1)", "data:text/html,x", "https://a:b@c.example/"] {
        let refused = server.send(form("/gallery/submit", &fields(wrong))).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(refused.text().contains("zhuge@example.invalid"), "what was typed is kept");
    }
    // A page of another site sends nothing in its visitors' names, even where they have none.
    let ours = fields("https://a.example/");
    let foreign = form("/gallery/submit", &ours).header("origin", "https://evil.example");
    assert_eq!(server.send(foreign).await.status, StatusCode::FORBIDDEN);
    let sent = server.send(form("/gallery/submit", &fields("https://a.example/x?y=1&z=2"))).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    assert!(!super::developer_keys::lies_in_folder(server, "zhuge@example.invalid"), "the contact is sealed");
    let gallery = async || server.send(page("/gallery")).await.text();
    assert!(!gallery().await.contains("到站提醒"));

    let reviewer = signed_in(server, "reviewer").await;
    let closed = server.send(page("/desk/gallery").header("cookie", &reviewer)).await;
    assert_eq!(closed.status, StatusCode::FORBIDDEN, "works are for the authority");
    let cookie = signed_in(server, "officer").await;
    let listed = server.send(page("/desk/gallery").header("cookie", &cookie)).await.text();
    assert!(listed.contains("到站提醒") && !listed.contains("zhuge@"), "{listed}");
    let id = listed.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let act = async |act: &str, text: &str| {
        server.send(own(server, &cookie, "/desk/gallery", &[("id", &id), ("act", act), ("text", text)])).await
    };
    assert!(act("contact", "").await.text().contains("zhuge@example.invalid"));
    let left = |action: &str| server.events("changed").iter().any(|event| event["action"] == action);
    assert!(left("contribution.contact_read"));
    assert_eq!(act("show", "").await.status, StatusCode::SEE_OTHER);
    let shown = gallery().await;
    assert!(
        shown.contains("到站提醒") && shown.contains("行政处罚信息") && !shown.contains("zhuge@"),
        "{shown}"
    );
    assert!(
        shown.contains("rel=\"nofollow noopener external ugc\" href=\"https://a.example/x?y=1&#38;z=2\""),
        "{shown}"
    );
    assert!(!shown.contains("<script>document"), "{shown}");
    let about = server.send(page(&format!("/gallery?dataset={CODE}"))).await.text();
    assert!(about.contains("到站提醒"));
    assert_eq!(server.send(page("/gallery?dataset=301001-000009")).await.status, StatusCode::NOT_FOUND);
    act("refuse", "链接已失效").await;
    assert!(!gallery().await.contains("到站提醒"));
    assert_ne!(act("contact", "").await.status, StatusCode::OK, "the contact is erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_contributions_are_refused() {
    let (city, _) = city().await;
    let from = |host: u8| {
        let feedback = json!({"resource": "301001/000001", "rating": 5, "text": "好"});
        Call::post("/api/v1/feedback", &feedback).header("x-forwarded-for", &format!("203.0.113.{host}"))
    };
    let mut refused: Option<Answer> = None;
    for _ in 0..21 {
        refused = Some(city.server.send(from(1)).await);
    }
    let refused = refused.unwrap();
    assert_eq!((refused.code().as_str(), refused.status.as_u16()), ("limit_rate", 429));
    let elsewhere = city.server.send(from(2)).await;
    assert_eq!(elsewhere.status, StatusCode::CREATED, "others go on");
    // As many as may wait about one dataset.
    for host in 3..=6 {
        for _ in 0..20 {
            city.server.send(from(host)).await;
        }
    }
    let full = city.server.send(from(7)).await;
    assert_eq!((full.code().as_str(), full.status.as_u16()), ("unavailable", 503));
}

#[tokio::test(flavor = "multi_thread")]
async fn developers_make_and_revoke_keys_by_forms() {
    let (city, _) = city().await;
    let server = &city.server;
    assert!(
        server.send(page("/developer")).await.text().contains("/developer/register"),
        "anyone sees how to begin"
    );
    assert_eq!(
        server.send(form("/developer", &[("act", "make"), ("name", "x")])).await.status,
        StatusCode::UNAUTHORIZED
    );
    let cookie = signed_in(server, "developer").await;
    let make = |name: &'static str| {
        own(server, &cookie, "/developer", &[("act", "make"), ("name", name), ("days", "30")])
    };
    let empty = server.send(make(" ")).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert!(empty.text().contains("value=\"30\""), "what was typed is kept");
    let made = server.send(make("地图<b>")).await.text();
    let secret = element(&made, "secret");
    assert!(secret.starts_with("sqk_") && made.contains("地图&#60;b&#62;"), "{made}");
    let used = Call::get("/datasets/301001-000001/latest.csv").header("x-api-key", &secret);
    server.send(used).await.ok_bytes();
    let own_page = async || server.send(page("/developer").header("cookie", &cookie)).await.text();
    let shown = own_page().await;
    assert!(
        !shown.contains(&secret) && shown.contains("<meter"),
        "shown once, and its use after that: {shown}"
    );
    let id = shown.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let forged = form("/developer", &[("act", "revoke"), ("key", &id)])
        .header("cookie", &cookie)
        .header("origin", "https://evil.example");
    assert!(server.send(forged).await.status.is_client_error());
    let revoked = server.send(own(server, &cookie, "/developer", &[("act", "revoke"), ("key", &id)])).await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    assert!(own_page().await.contains("已吊销"));

    // Subscriptions by the same services: this server names no networks for them.
    let fields = [("act", "make"), ("dataset", "301001/000001"), ("receiver", "https://hook.example/x")];
    let refused = server.send(own(server, &cookie, "/developer/subscriptions", &fields)).await;
    assert!(
        refused.status.is_client_error() && refused.text().contains("https://hook.example/x"),
        "{}",
        refused.text()
    );
    assert_eq!(server.send(page("/developer/subscriptions")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_documented_and_tried_without_scripts() {
    let city = City::new().await;
    let server = &city.server;
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let overview = server.send(page("/api")).await.text();
    for tag in document["tags"].as_array().unwrap() {
        let name = tag["name"].as_str().unwrap();
        if ["portal", "desk"].contains(&name) {
            continue;
        }
        assert!(overview.contains(&format!("/api?tag={name}")), "{name}");
        let part = server.send(page(&format!("/api?tag={name}"))).await;
        assert!(part.ok_bytes().len() < 400_000, "{name}");
    }
    assert_eq!(server.send(page("/api?tag=nothing")).await.status, StatusCode::NOT_FOUND);
    let tried = "/developer/try?operation=%2Fapi%2Fv1%2Fresources%2F%7Bcode%7D&p.code=301001-000001";
    let tried = server.send(Call::get(tried)).await;
    assert_eq!(
        (tried.status, tried.header("location")),
        (StatusCode::SEE_OTHER, "/api/v1/resources/301001-000001")
    );
    for wrong in [
        "/developer/try?operation=https%3A%2F%2Fevil.example",
        "/developer/try?operation=%2F%2Fevil.example",
        "/developer/try?operation=%2Fapi%2Fv1%2Fresources%2F%7Bcode%7D&p.code=..",
        "/developer/try?operation=%2Fapi%2Fv1%2Fresources%2F%7Bcode%7D",
        "/developer/try?operation=%2Fask%2Fmatter",
    ] {
        assert_eq!(server.send(Call::get(wrong)).await.code(), "invalid_input", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_take_part_in_a_browser() {
    let (city, _) = city().await;
    let base = city.server.base.clone();
    let addresses = [
        "/ask/disclosure",
        "/ask/letter",
        "/ask/matter",
        "/gallery",
        "/gallery/submit",
        "/developer",
        "/developer/register",
        "/api",
        "/api?tag=sql",
        "/help",
    ];
    let feedback = format!("/datasets/{CODE}/feedback");
    let walk = move || {
        let looked: Vec<&str> = [base.as_str(), &feedback].into_iter().chain(addresses).collect();
        let looked = browser("walk_portal.mjs", &looked);
        (looked, browser("walk_people.mjs", &[&base, CODE, PASSWORD]))
    };
    let (looked, walked) = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(looked["wrong"], json!([]), "{looked:#}");
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["numbers"].as_array().map(Vec::len), Some(2), "with scripts and without: {walked:#}");
}
