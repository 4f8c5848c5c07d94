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
    city.publish(&hostile()).await;
    walk(&["/search?q=%E5%A4%84%E7%BD%9A", "/datasets/301001-000009"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_small_and_set_no_cookie() {
    let city = City::new().await;
    for address in ["/", "/search", "/departments", "/topics", "/design", &format!("/datasets/{CODE}")] {
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
