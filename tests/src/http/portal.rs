//! The portal's pages, walked through in a real browser.

use serde_json::{Value, json};

use crate::support::city::{CODE, City, resource};
use crate::support::python::browser;
use crate::support::server::Call;

/// As long as the directory lets it be, with everything that a page must not obey.
fn hostile() -> Value {
    let mut hostile = resource();
    let text = "</script><script>document.title='x'</script><img src=x onerror=alert(1)>\u{202e}\u{200b}👨‍👩‍👧{{7*7}}处罚";
    hostile["code"] = json!("301001/000009");
    hostile["sql_name"] = json!("hostile");
    hostile["title"] = json!("<b onmouseover=alert(1)>处罚</b>&quot;\"'");
    hostile["abstract"] = json!(text.repeat(5));
    hostile
}

#[tokio::test(flavor = "multi_thread")]
async fn people_walk_through_the_portal() {
    let city = City::new().await;
    let walk = async |addresses: &[&str]| {
        let all = [city.server.base.as_str()].into_iter().chain(addresses.iter().copied());
        let all: Vec<String> = all.map(str::to_owned).collect();
        let walk = move || browser("walk_portal.mjs", &all.iter().map(String::as_str).collect::<Vec<_>>());
        let walked = tokio::task::spawn_blocking(walk).await.unwrap();
        assert_eq!(walked["wrong"], json!([]), "{walked:#}");
        assert_eq!(walked["english"], "Download", "a reader without scripts came to the data: {walked:#}");
    };
    let dataset = format!("/datasets/{CODE}");
    let nothing = "/search?q=nothing-of-that-name";
    walk(&["/", "/search?opening=open", nothing, "/departments", "/topics", "/design", &dataset]).await;
    city.upload(NEXT).await;
    let changes = format!("{dataset}/changes?count=true");
    walk(&[&dataset, &changes, "/departments/scjg", "/departments/gaj", "/statistics"]).await;
    walk(&[
        "/standards",
        "/status",
        "/claim",
        "/password",
        "/ogc?f=html",
        "/ogc/collections?f=html",
        "/ogc/conformance?f=html",
    ])
    .await;
    city.publish(&hostile()).await;
    walk(&["/search?q=%E5%A4%84%E7%BD%9A", "/datasets/301001-000009", "/", "/statistics"]).await;
}

/// The next version: one row more, one less, one changed.
const NEXT: &str = "case_no,county,person,amount,note\n\
    A1,360481,张三(合成),100.50,一\nA2,360402,李四(合成),21.00,二\nA4,360481,赵六(合成),5.00,四\n";

async fn page(city: &City, address: &str) -> String {
    let answer = city.server.send(Call::get(address).header("accept", "text/html")).await;
    assert_eq!(answer.status, 200, "{address}: {}", answer.text());
    answer.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_says_what_changed_and_why_it_is_open() {
    let city = City::new().await;
    let first = page(&city, &format!("/datasets/{CODE}")).await;
    assert!(first.contains("政府信息公开条例 第二十条"), "the basis of its opening: {first}");
    assert!(!first.contains("行政处罚法 第五十条"), "what is closed is told to departments alone: {first}");
    assert!(!first.contains("/changes?"), "there is one version: {first}");
    assert!(!first.contains("张三"), "{first}");
    city.upload(NEXT).await;
    let next = page(&city, &format!("/datasets/{CODE}?lang=en")).await;
    assert!(next.contains(&format!("/datasets/{CODE}/changes?from=1&#38;until=2&#38;lang=en")), "{next}");
    assert!(next.contains("<h2 id=\"quality\">Quality report</h2>"), "{next}");
    let changes = page(&city, &format!("/datasets/{CODE}/changes?count=true&lang=en")).await;
    for count in ["<strong>1</strong> added", "<strong>1</strong> removed", "<strong>1</strong> changed"] {
        assert!(changes.contains(count), "{count}: {changes}");
    }
    let never = city.server.send(Call::get(format!("/datasets/{CODE}/changes?from=1&until=9"))).await;
    assert_eq!(never.status, 404);
    let closed = city.server.send(Call::get("/datasets/301001-000009/changes")).await;
    assert_eq!(closed.status, 404, "what is absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_what_the_public_may_count() {
    let city = City::new().await;
    let mut closed = resource();
    closed["code"] = json!("301001/000009");
    closed["sql_name"] = json!("closed");
    closed["title"] = json!("不公开的资源");
    let items = closed["items"].as_array_mut().unwrap();
    items.iter_mut().for_each(|item| item["opening"] = json!({"type": "closed"}));
    city.publish(&closed).await;
    let mut waiting = resource();
    waiting["code"] = json!("301001/000008");
    waiting["sql_name"] = json!("waiting");
    waiting["title"] = json!("尚无数据的资源");
    city.publish(&waiting).await;
    for _ in 0..3 {
        city.server.send(Call::get(format!("/datasets/{CODE}/latest.csv"))).await.ok_bytes();
    }
    let home = page(&city, "/?lang=en").await;
    assert!(home.contains("<dt>Datasets</dt><dd>2</dd>"), "{home}");
    assert!(home.contains("<dt>With open data</dt><dd>1</dd>"), "{home}");
    assert!(home.contains("<dt>Rows of open data</dt><dd>3</dd>"), "{home}");
    let all = ["/", "/statistics", "/departments/scjg", "/search", "/sitemap.xml", "/status"];
    for address in all {
        let page = page(&city, address).await;
        assert!(!page.contains("不公开的资源") && !page.contains("301001-000009"), "{address}: {page}");
    }
    let statistics = page(&city, "/statistics?lang=en").await;
    assert!(statistics.contains("<strong>1</strong> with data to take"), "{statistics}");
    assert!(statistics.contains("行政处罚信息"), "it was read: {statistics}");
    let department = page(&city, "/departments/scjg?lang=en").await;
    assert!(department.contains("<strong>100.0%</strong> updated in time"), "{department}");
    assert_eq!(city.server.send(Call::get("/departments/nobody")).await.status, 404);
    assert_eq!(city.server.send(Call::get("/departments/%3Cb%3E")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_small_and_set_no_cookie() {
    let city = City::new().await;
    let all = [
        "/",
        "/search",
        "/departments",
        "/departments/scjg",
        "/topics",
        "/design",
        "/statistics",
        "/standards",
        "/status",
    ];
    let (dataset, changes) = (format!("/datasets/{CODE}"), format!("/datasets/{CODE}/changes"));
    for address in all.into_iter().chain([dataset.as_str(), changes.as_str(), "/ogc?f=html"]) {
        let answer = city.server.send(Call::get(address).header("accept", "text/html")).await;
        assert_eq!(answer.header("set-cookie"), "", "{address}");
        assert!(answer.header("content-type").starts_with("text/html"), "{address}");
        let looks = city.server.send(Call::get("/assets/portal.css")).await.ok_bytes().len();
        assert!(answer.ok_bytes().len() + looks < 150_000, "{address}");
    }
    let again = city.server.send(Call::get("/assets/portal.css")).await;
    let tag = again.header("etag").to_owned();
    let same = city.server.send(Call::get("/assets/portal.css").header("if-none-match", &tag)).await;
    assert_eq!(same.status, 304);
    assert_eq!(city.server.send(Call::get("/assets/..%2fCargo.toml")).await.status, 404);
}

/// A form that asks for nothing, and addresses that nobody wrote.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_said() {
    let city = City::new().await;
    let status = async |address: &str| city.server.send(Call::get(address)).await.status.as_u16();
    assert_eq!(status("/search?q=&topic=&department=&opening=&format=").await, 200);
    assert_eq!(status("/search?page=0").await, 200);
    for wrong in ["/search?page=4294967296", "/search?page=x", "/search?department=%3Cb%3E"] {
        assert_eq!(status(wrong).await, 400, "{wrong}");
    }
    assert_eq!(status("/search?page=4294967295").await, 200, "an empty page");
}
