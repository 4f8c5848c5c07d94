//! What one person builds at the desk, another sees and approves; what waits is found; lists have an end.

use std::collections::BTreeSet;

use catalog_core::{DepartmentId, Role};
use exchange_crypto::SigningKey;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::desk_matters::{Desk, application, built, signed_in, with};
use super::schema_change::announced;
use crate::support::city::{CODE, City, ROWS, departments};
use crate::support::server::{Answer, Call};

const PEOPLE: &str = "select case_no, person from scjg.penalty order by case_no";
const REASON: [(&str, &str); 2] =
    [("reason", "仅本县，姓名脱敏"), ("legal_basis", "政务数据共享条例 第二十一条")];

/// A matter as the API shows it to whoever has the cookie.
async fn matter(desk: &Desk, address: &str, who: &str) -> Value {
    let number = address.rsplit('/').next().unwrap();
    let call = Call::get(format!("/api/v1/matters/{number}")).header("cookie", who);
    desk.city.server.send(call).await.ok()
}

/// A step by the API, as whoever has the cookie.
async fn act(desk: &Desk, address: &str, who: &str, act: &Value) -> Answer {
    let number = address.rsplit('/').next().unwrap();
    let call = Call::post(format!("/api/v1/matters/{number}/steps"), act);
    desk.city.server.send(call.header("cookie", who).header("origin", &desk.city.server.base)).await
}

fn fields<'a>(parts: &[&[(&'a str, &'a str)]]) -> Vec<(&'a str, &'a str)> {
    parts.concat()
}

/// An accepted application whose scope was proposed: the address of the provider's part, and its revision.
async fn proposed(desk: &Desk) -> (String, String) {
    let (_, part) = desk.accepted().await;
    let form = fields(&[&built(), &REASON, &[("do", "propose")]]);
    desk.done(&format!("{part}/grant"), &desk.first, &form).await;
    let revision = matter(desk, &part, &desk.second).await["revision"].to_string();
    (part, revision)
}

async fn shown(city: &City, path: &str, by: &SigningKey) -> String {
    let answer = city.server.send(Call::get(path).by(by)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_is_what_was_proposed_and_shown() {
    let desk = Desk::new().await;
    let (part, revision) = proposed(&desk).await;
    let builder = format!("{part}/grant");
    let view = matter(&desk, &part, &desk.second).await;
    let scope = view["content"]["proposed"].clone();
    assert_eq!(scope[0]["items"], json!(["case_no", "person"]), "{view}");
    let filter = json!({"and": [{"in": ["county", ["360481", "360402"]]}, {"=": ["county", "360481"]}]});
    assert_eq!(scope[0]["filter"], filter, "the rows of both");
    let asked = matter(&desk, &part, &desk.analyst).await;
    assert_eq!(asked["content"]["proposed"], Value::Null, "nothing of it before the decision: {asked}");
    assert!(!asked["history"].to_string().contains("姓名脱敏"), "nor in words: {asked}");
    let page = desk.page(&part, &desk.analyst).await;
    assert!(!page.contains("id=\"proposal\"") && !page.contains("姓名脱敏"), "{page}");
    let proposals = desk.city.server.events("changed");
    assert_eq!(proposals.iter().filter(|event| event["action"] == "matter.propose").count(), 1);

    // The second person sees both, begins with the proposal, and is offered nothing beyond it.
    let page = desk.page(&builder, &desk.second).await;
    assert!(page.contains("id=\"proposal\"") && page.contains("<ins>案号、当事人"), "{page}");
    assert!(page.contains("仅本县，姓名脱敏") && page.contains("value=\"grant_proposed\""), "{page}");
    assert!(!page.contains("value=\"grant\"") && !page.contains("0-item-county"), "{page}");
    assert!(desk.page(&part, &desk.second).await.contains("id=\"proposal\""));

    let agree = fields(&[&REASON, &[("do", "grant_proposed"), ("revision", &revision)]]);
    for (who, status) in [(&desk.first, 403), (&desk.other, 404), (&desk.steward, 403), (&desk.analyst, 403)]
    {
        assert_eq!(desk.post(&builder, who, &agree).await.status, status, "{who}");
    }
    let refused = [
        (fields(&[&REASON, &[("do", "grant_proposed"), ("revision", "1")]]), 409, "an old page"),
        (fields(&[&REASON, &[("do", "grant_proposed")]]), 400, "nobody agrees to what they have not seen"),
        (fields(&[&REASON, &[("do", "grant"), ("revision", &revision)]]), 409, "more than was proposed"),
        (
            fields(&[
                &built(),
                &[("0-items", "county"), ("do", "grant_in_part"), ("revision", &revision)],
                &REASON,
            ]),
            400,
            "an item that was asked and not proposed",
        ),
        (
            fields(&[&built(), &[("do", "grant_proposed"), ("revision", &revision)], &REASON]),
            400,
            "another form",
        ),
    ];
    for (form, status, why) in refused {
        let answer = desk.post(&builder, &desk.second, &form).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
    }
    let seen: i64 = revision.parse().unwrap();
    let wider = json!({
        "event": "grant_in_part", "revision": seen, "reason": "x", "legal_basis": "y", "asks": [{
            "resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql", "api"],
            "masks": {"person": {"mask": "keep_first", "count": 1}},
        }],
    });
    assert_eq!(
        act(&desk, &part, &desk.second, &wider).await.code(),
        "invalid_input",
        "a door beyond the proposal"
    );
    let mut unseen = wider.clone();
    unseen["asks"][0]["doors"] = json!(["sql"]);
    unseen.as_object_mut().unwrap().remove("revision");
    assert_eq!(act(&desk, &part, &desk.second, &unseen).await.code(), "invalid_input", "less, and not seen");
    let bare = json!({"event": "grant_in_part", "reason": "x", "legal_basis": "y"});
    assert_eq!(act(&desk, &part, &desk.second, &bare).await.code(), "invalid_input");
    assert_eq!(desk.ask(PEOPLE).await.code(), "unknown_column", "nothing is granted yet");

    desk.done(&builder, &desk.second, &agree).await;
    let granted = matter(&desk, &part, &desk.second).await;
    let grants: Value = {
        let call = Call::get("/api/v1/grants").header("cookie", &desk.analyst);
        desk.city.server.send(call).await.ok()
    };
    let grant = grants.as_array().unwrap().iter().find(|grant| grant["id"] == granted["grants"][0]).unwrap();
    for what in ["items", "filter", "masks", "doors"] {
        assert_eq!(grant[what], scope[0][what], "{what}");
    }
    let rows = json!([{"case_no": "A1", "person": "张*****"}, {"case_no": "A3", "person": "王*****"}]);
    assert_eq!(desk.ask(PEOPLE).await.ok()["data"], rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_was_made_anew_is_not_granted_by_an_old_page() {
    let desk = Desk::new().await;
    let (part, seen) = proposed(&desk).await;
    let builder = format!("{part}/grant");
    let back = [("event", "return"), ("reason", "再收窄"), ("revision", seen.as_str())];
    desk.done(&part, &desk.second, &back).await;
    let asked = matter(&desk, &part, &desk.analyst).await;
    assert!(!asked["history"].to_string().contains("再收窄"), "who asked is not told why: {asked}");
    let page = desk.page(&builder, &desk.first).await;
    assert!(
        page.contains("value=\"360481\"") && page.contains("id=\"0-item-county\""),
        "it begins with what was given back: {page}"
    );

    // What could not be granted is not proposed.
    let beyond = json!({"event": "propose", "asks": [{"resource": "301001/000001", "items": ["amount"], "doors": ["sql"]}]});
    assert_eq!(act(&desk, &part, &desk.first, &beyond).await.code(), "invalid_input");
    let wordless = desk.post(&builder, &desk.first, &[("do", "propose_words")]).await;
    assert_eq!(wordless.status, 400, "without a scope it says why");

    let narrower = json!({"event": "propose", "reason": "只给案号", "asks": [
        {"resource": "301001/000001", "items": ["case_no"], "doors": ["sql"]},
    ]});
    act(&desk, &part, &desk.first, &narrower).await.ok();
    let revision = matter(&desk, &part, &desk.second).await["revision"].as_i64().unwrap();
    let agree = |revision: i64| json!({"event": "grant_in_part", "reason": "同意", "legal_basis": "条例", "revision": revision});
    let old = act(&desk, &part, &desk.second, &agree(seen.parse().unwrap())).await;
    assert_eq!(old.code(), "conflict", "they saw another proposal");
    let with_asks = json!({"event": "grant", "asks": narrower["asks"]});
    assert_eq!(act(&desk, &part, &desk.second, &with_asks).await.code(), "invalid_input");
    act(&desk, &part, &desk.second, &agree(revision)).await.ok();
    assert_eq!(desk.ask(PEOPLE).await.code(), "unknown_column", "names were proposed once, and given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_in_words_leaves_the_scope_to_the_second_person() {
    let desk = Desk::new().await;
    let (_, part) = desk.accepted().await;
    let builder = format!("{part}/grant");
    let words = [("do", "propose_words"), ("reason", "建议同意")];
    desk.done(&builder, &desk.first, &words).await;
    let page = desk.page(&builder, &desk.second).await;
    assert!(page.contains("没有拟定范围") && page.contains("value=\"grant\""), "{page}");
    assert!(!page.contains("id=\"proposal\""), "{page}");
    desk.done(&builder, &desk.second, &[("do", "grant")]).await;
    assert!(desk.page(&part, &desk.second).await.contains("待交付"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_opens_its_matters_by_forms_and_another_officer_decides() {
    let desk = Desk::new().await;
    let security = desk.city.server.person("guard", None, &[Role::SecurityAdministrator]).await;
    desk.city.server.person("officer2", None, &[Role::AuthorityOfficer]).await;
    let second = signed_in(&desk.city, &security, "officer2").await;
    let new = "/desk/matters/new";
    for kind in ["emergency_grant", "grant_import", "opening_item"] {
        assert!(desk.page(new, &desk.officer).await.contains(kind));
        assert!(!desk.page(new, &desk.analyst).await.contains(kind));
    }
    let form =
        desk.page("/desk/matters/new?kind=emergency_grant&resource=301001-000001", &desk.officer).await;
    assert!(form.contains("name=\"hours\"") && form.contains("0-item-person"), "{form}");
    let ask: Vec<_> = application().into_iter().filter(|(name, _)| name.starts_with("0-")).collect();
    let emergency = |hours: &'static str| {
        let about = [
            ("kind", "emergency_grant"),
            ("resource", "301001/000001"),
            ("grantee", "gaj"),
            ("purpose", "抗洪抢险"),
            ("legal_basis", "突发事件应对法"),
            ("hours", hours),
            ("do", "submit"),
        ];
        fields(&[&about, &ask])
    };
    assert_eq!(desk.post(new, &desk.analyst, &emergency("24")).await.status, 403, "the authority's alone");
    let long = desk.post(new, &desk.officer, &emergency("73")).await;
    assert_eq!(long.status, 400);
    assert!(long.text().contains("抗洪抢险"), "what was typed stays");
    let opened = desk.done(new, &desk.officer, &emergency("24")).await;
    assert_eq!(desk.post(&opened, &desk.officer, &[("event", "grant")]).await.status, 403, "four eyes");
    assert_eq!(desk.post(&opened, &desk.first, &[("event", "grant")]).await.status, 403, "not the provider");
    assert_eq!(desk.post(&opened, &second, &[("event", "grant"), ("revision", "0")]).await.status, 409);
    desk.done(&opened, &second, &[("event", "grant"), ("revision", "1")]).await;
    let rows = desk.ask(PEOPLE).await.ok();
    assert_eq!(rows["data"].as_array().unwrap().len(), 3, "it is in force: {rows}");
    desk.done(&opened, &desk.first, &[("event", "revoke"), ("reason", "险情解除"), ("legal_basis", "法")])
        .await;

    let import = [
        ("kind", "grant_import"),
        ("resource", "301001/000001"),
        ("grantee", "gaj"),
        ("purpose", "既有协议"),
        ("legal_basis", "政务数据共享条例"),
        ("approved_by", "市大数据局"),
        ("document_number", "九数据函〔2023〕12号"),
        ("valid_until", "2098-12-31"),
        ("do", "submit"),
    ];
    let mut nobody = fields(&[&import, &ask]);
    nobody.retain(|(name, _)| *name != "grantee");
    assert_eq!(desk.post(new, &desk.officer, &nobody).await.status, 400);
    let entered = desk.done(new, &desk.officer, &fields(&[&import, &ask])).await;
    assert_eq!(desk.post(&entered, &desk.officer, &[("event", "grant")]).await.status, 403, "four eyes");
    desk.done(&entered, &second, &[("event", "grant")]).await;
    assert!(desk.page(&entered, &second).await.contains("使用中"));

    let item = [
        ("kind", "opening_item"),
        ("year", "2026"),
        ("department", "scjg"),
        ("title", "行政处罚信息开放"),
        ("due", "2026-12-31"),
        ("do", "submit"),
    ];
    assert_eq!(desk.post(new, &desk.first, &item).await.status, 403);
    let planned = desk.done(new, &desk.officer, &item).await;
    assert!(desk.page("/desk/matters", &desk.steward).await.contains(&planned), "its department finds it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_waits_is_found_by_who_may_go_on_with_it() {
    let city = City::new().await;
    let page = format!("/desk/datasets/{CODE}");
    let api = format!("/api/v1/resources/{CODE}/waiting");
    let call = Call::new(Method::POST, format!("/api/v1/resources/{CODE}/data?name=%E4%BA%8C%E6%9C%88.csv"));
    let report = city.server.send(call.body(ROWS, "text/csv").by(&city.editor)).await.ok();
    let digest = report["prepared"]["manifest_digest"].as_str().unwrap();
    let listed = shown(&city, &page, &city.editor).await;
    let address = format!("/desk/datasets/{CODE}/waiting?number=2&amp;digest={digest}");
    assert!(listed.contains(&address) || listed.contains(&address.replace("&amp;", "&#38;")), "{listed}");
    let waiting = city.server.send(Call::get(&api).by(&city.editor)).await.ok();
    assert_eq!(
        (waiting.as_array().unwrap().len(), &waiting[0]["file"]),
        (1, &json!("二月.csv")),
        "{waiting}"
    );
    assert!(!shown(&city, &page, &city.reviewer).await.contains(digest), "a reviewer delivers nothing");
    for who in [&city.reviewer, &city.approver, &city.consumer] {
        assert_eq!(city.server.send(Call::get(&api).by(who)).await.code(), "forbidden");
    }
    city.server
        .send(Call::post(format!("/api/v1/resources/{CODE}/versions"), &report["prepared"]).by(&city.editor))
        .await
        .ok();
    assert_eq!(city.server.send(Call::get(&api).by(&city.editor)).await.ok(), json!([]), "it waits no more");
    assert!(!shown(&city, &page, &city.editor).await.contains("id=\"waiting\""));

    // What holds numbers of telephones is held back from society until somebody has reviewed it.
    city.upload(&ROWS.replace("A1", "13800138000")).await;
    let held = shown(&city, &page, &city.reviewer).await;
    assert!(held.contains("id=\"clearance\"") && held.contains("/desk/openings/SC-"), "{held}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_columns_waits_on_the_reviewers_desk_and_not_on_its_authors() {
    let city = announced().await;
    let path = format!("/desk/datasets/{CODE}");
    let desk = shown(&city, "/desk", &city.reviewer).await;
    assert!(desk.contains("审核待办") && desk.contains("待结构变更审核") && desk.contains(&path), "{desk}");
    assert!(shown(&city, "/desk/reviews", &city.reviewer).await.contains(&path));
    assert!(!shown(&city, "/desk", &city.approver).await.contains("审核待办"), "who reviews nothing");
    // Whoever delivers the next of it has a hand in it.
    let [scjg, _] = departments();
    let both = city.server.person("both", Some(&scjg), &[Role::DataSteward, Role::Reviewer]).await;
    assert!(shown(&city, "/desk", &both).await.contains("待结构变更审核"));
    let rows = "case_no,county,person,note,decided_on\nA1,360481,张三(合成),一,2026-01-02\n";
    let query = "publish=true&breaking=true&reason=x&name=x.csv";
    let call =
        Call::new(Method::POST, format!("/api/v1/resources/{CODE}/data?{query}")).body(rows, "text/csv");
    city.server.send(call.by(&both)).await.ok();
    assert!(!shown(&city, "/desk", &both).await.contains("待结构变更审核"));
    let theirs = shown(&city, &path, &both).await;
    assert!(!theirs.contains("value=\"review\""), "the form is not theirs");
    assert!(
        theirs.contains("由您提交，请本部门其他人员审核") && !theirs.contains("you delivered"),
        "{theirs}"
    );
    let english = shown(&city, &format!("{path}?lang=en"), &both).await;
    assert!(english.contains("you delivered version 3 of this change"), "{english}");
    assert!(shown(&city, &path, &city.reviewer).await.contains("value=\"review\""));
}

/// What each page of a list shows of what begins so, by following the ways to the next page.
async fn walked(desk: &Desk, first: &str, who: &str, begin: &str) -> Vec<Vec<String>> {
    let (mut address, mut pages) = (first.to_owned(), Vec::new());
    loop {
        let page = desk.page(&address, who).await;
        let shown = page.split(begin).skip(1).map(|rest| {
            let end =
                rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-').unwrap_or(rest.len());
            rest[..end].to_owned()
        });
        pages.push(shown.collect::<Vec<_>>());
        let Some(rest) = page.split("rel=\"next\" href=\"").nth(1) else { return pages };
        address = rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        assert!(pages.len() < 20, "{address} leads on and on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_listed_is_on_one_page_of_its_list() {
    let desk = Desk::new().await;
    for number in 0..30 {
        let title = format!("需求{number}");
        let demand = [
            ("kind", "demand"),
            ("title", &title),
            ("purpose", "办案"),
            ("legal_basis", "法"),
            ("do", "submit"),
        ];
        desk.done("/desk/matters/new", &desk.analyst, &demand).await;
    }
    let pages = walked(&desk, "/desk/matters?side=asking", &desk.analyst, "/desk/matters/XQ-").await;
    // A page may name one twice, two pages may not.
    let demands: Vec<_> = pages.iter().flat_map(|page| page.iter().collect::<BTreeSet<_>>()).collect();
    let different: BTreeSet<_> = demands.iter().collect();
    assert_eq!((different.len(), demands.len(), pages.len()), (30, 30, 2), "each of them on one page");

    let server = &desk.city.server;
    let guard = server.person("chief", None, &[Role::SecurityAdministrator]).await;
    server.person("guard", None, &[Role::SecurityAdministrator]).await;
    let cookie = signed_in(&desk.city, &guard, "guard").await;
    let scjg = DepartmentId::new("scjg").unwrap();
    for number in 0..210 {
        let person = catalog_core::ports::Person {
            id: format!("clerk{number:03}"),
            name: "某人".to_owned(),
            department: Some(scjg.clone()),
            roles: [Role::Analyst].into(),
            active: true,
        };
        server.services.put_person(&server.security(), &person).await.unwrap();
    }
    let pages = walked(&desk, "/desk/people?q=clerk", &cookie, "/desk/people/clerk").await;
    let people: Vec<_> = pages.iter().flatten().collect();
    let different: BTreeSet<_> = people.iter().collect();
    assert_eq!((different.len(), people.len(), pages.len()), (210, 210, 3), "each of them once");
    let found = desk.page("/desk/people?q=clerk2", &cookie).await;
    assert!(!found.contains("rel=\"next\"") && !found.contains("rel=\"first\""), "one page has no ways");
    assert_eq!(desk.get("/desk/grants?after=nowhere", &desk.analyst).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_offers_what_can_be_done_with_its_entries() {
    let city = City::new().await;
    let option = |step: &str| format!("<option value=\"{step}\"");
    let editor = shown(&city, "/desk/directory", &city.editor).await;
    assert!(
        !editor.contains(&option("submit_registration")),
        "what is published is not registered: {editor}"
    );
    let reviewer = shown(&city, "/desk/directory?state=published", &city.reviewer).await;
    assert!(
        reviewer.contains(&option("withdraw")) && !reviewer.contains(&option("approve_publication")),
        "{reviewer}"
    );
    let path = format!("/api/v1/resources/{CODE}");
    let entry = crate::support::city::resource();
    city.server.send(Call::new(Method::PUT, &path).json(&entry).by(&city.editor)).await.ok();
    let editor = shown(&city, "/desk/directory", &city.editor).await;
    assert!(editor.contains(&option("submit_registration")), "a draft is: {editor}");
    assert!(
        !editor.contains(&option("submit_publication")) && !editor.contains(&option("approve_registration"))
    );
    // What is in force and was edited waits for its reviewer as what is new does.
    let submit = Call::post(format!("{path}/steps"), &json!({ "step": "submit_registration" }));
    city.server.send(submit.by(&city.editor)).await.ok();
    let desk = shown(&city, "/desk", &city.reviewer).await;
    assert!(desk.contains("<strong>1</strong> <span>条目录待审核"), "{desk}");
    let reviews = shown(&city, "/desk/reviews", &city.reviewer).await;
    assert!(
        reviews.contains(&format!("/desk/directory/{CODE}")) && !reviews.contains("writing directory"),
        "{reviews}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_a_record_is_asked_at_the_desk_with_the_duties_of_the_api() {
    let desk = Desk::new().await;
    let person = [("subject", "360481199001011234"), ("resource", "301001/000001")];
    assert_eq!(desk.post("/desk/trace", &desk.officer, &person).await.status, 403);
    assert!(
        desk.post("/desk/trace", &desk.first, &person).await.text().contains("shuqiao-matter"),
        "for a matter alone"
    );
    let empty = with(vec![("subject", " ")], &[("matter", "LX-2026-000001")]);
    assert_eq!(desk.post("/desk/trace", &desk.first, &empty).await.status, 400);
    let asked = with(person.to_vec(), &[("matter", "LX-2026-000001")]);
    let found = desk.post("/desk/trace", &desk.first, &asked).await;
    assert_eq!(found.status, 200, "{}", found.text());
    assert!(found.text().contains("id=\"found\""), "{}", found.text());
    let events = desk.city.server.events("changed");
    let told: Vec<_> =
        events.iter().filter(|event| event["action"].as_str().unwrap().contains("trace")).collect();
    assert!(!told.is_empty() && !json!(told).to_string().contains("360481199001011234"), "{told:?}");

    let guard = desk.city.server.person("chief", None, &[Role::SecurityAdministrator]).await;
    desk.city.server.person("guard", None, &[Role::SecurityAdministrator]).await;
    let cookie = signed_in(&desk.city, &guard, "guard").await;
    assert_eq!(desk.get("/desk/contacts", &desk.officer).await.status, 403);
    assert_eq!(desk.post("/desk/contacts", &cookie, &[("id", "nobody")]).await.status, 404);
    let erased = || {
        let events = desk.city.server.events("changed");
        events.iter().filter(|event| event["action"] == "account.contact_erased").count()
    };
    assert_eq!(erased(), 0, "nobody's address was erased yet");
    assert_eq!(desk.post("/desk/contacts", &cookie, &[("id", "analyst")]).await.status, 200);
    assert_eq!(erased(), 1, "it is done, and leaves evidence");
}
