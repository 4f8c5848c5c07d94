//! One policy at this door as at the others: the same questions of the same principals, and the data as a person would cut and
//! mask them with scissors and pen.

use super::*;
use crate::http::doors::{Who, tickets};

const SPOTS: &str = "301001-000009";

/// A row of the table.
struct Spot {
    id: &'static str,
    county: &'static str,
    person: &'static str,
    amount: f64,
    note: &'static str,
    day: &'static str,
    at: Option<[f64; 2]>,
}

const fn spot(
    id: &'static str,
    county: &'static str,
    person: &'static str,
    amount: f64,
    day: &'static str,
    at: Option<[f64; 2]>,
) -> Spot {
    Spot { id, county, person, amount, note: "内部", day, at }
}

const ROWS: [Spot; 6] = [
    spot("A1", "360481", "张三(合成)", 100.25, "2026-01-01", Some([115.5, 29.5])),
    spot("A2", "360402", "李四(合成)", 20.75, "2026-01-02", Some([115.25, 29.25])),
    spot("A3", "360481", "王五(合成)", 3.25, "2026-01-03", Some([116.5, 29.75])),
    spot("A4", "360481", "赵六(合成)", 70.25, "2026-01-04", None),
    spot("A5", "360402", "孙七(合成)", 50.75, "2026-01-05", Some([116.25, 30.5])),
    spot("A6", "360481", "周八(合成)", 40.25, "2026-01-06", Some([115.75, 30.25])),
];

/// A question, the items that one must see in clear to ask it, and the rows that answer it.
type Question = (&'static [(&'static str, &'static str)], &'static [&'static str], fn(&Spot) -> bool);

fn is_in([west, south, east, north]: [f64; 4], spot: &Spot) -> bool {
    spot.at.is_some_and(|[x, y]| west <= x && x <= east && south <= y && y <= north)
}

const QUESTIONS: [Question; 12] = [
    (&[], &[], |_| true),
    (&[("county", "360481")], &["county"], |spot| spot.county == "360481"),
    (&[("bbox", "115,29,115.6,30")], &[], |spot| is_in([115.0, 29.0, 115.6, 30.0], spot)),
    (&[("bbox", "-180,-90,180,90")], &[], |spot| spot.at.is_some()),
    (&[("datetime", "2026-01-02/2026-01-04")], &["day"], |spot| {
        ("2026-01-02"..="2026-01-04").contains(&spot.day)
    }),
    (&[("filter", "amount > 50")], &["amount"], |spot| spot.amount > 50.0),
    (&[("filter", "NOT case_no IN ('A1', 'A2')")], &["case_no"], |spot| !["A1", "A2"].contains(&spot.id)),
    (&[("filter", "S_WITHIN(shape, BBOX(115,29,116,31)) OR county = '360402'")], &["county"], |spot| {
        is_in([115.0, 29.0, 116.0, 31.0], spot) || spot.county == "360402"
    }),
    (&[("filter", "S_DISJOINT(shape, BBOX(115,29,116,31))")], &[], |spot| {
        spot.at.is_some() && !is_in([115.0, 29.0, 116.0, 31.0], spot)
    }),
    (&[("bbox", "116,29,117,31"), ("county", "360402")], &["county"], |spot| spot.id == "A5"),
    (&[("filter", "note = '内部'")], &["note"], |_| true),
    // Nobody writes people into addresses.
    (&[("filter", "person LIKE '张%'")], &["nothing"], |_| true),
];

fn table() -> Value {
    let mut spots = resource();
    let mut day = item("日期", "day", "D", 0, "open");
    day["required"] = json!(true);
    let mut shape = item("位置", "shape", "G", 0, "open");
    shape["format"] = json!("geometry");
    spots["items"].as_array_mut().unwrap().extend([day, shape]);
    for (field, value) in
        [("code", json!("301001/000009")), ("sql_name", json!("spots")), ("title", json!("处罚地点"))]
    {
        spots[field] = value;
    }
    spots
}

fn rows() -> String {
    let line = |spot: &Spot| {
        let shape =
            spot.at.map(|[x, y]| format!("\"{{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[{x},{y}]}}\""));
        let Spot { id, county, person, amount, note, day, .. } = spot;
        format!("{id},{county},{person},{amount},{note},{day},{}\n", shape.unwrap_or_default())
    };
    "case_no,county,person,amount,note,day,shape\n".to_owned() + &ROWS.iter().map(line).collect::<String>()
}

/// A row as a feature with some items, its person by the first character where they are masked.
fn feature(spot: &Spot, items: &[&str], is_masked: bool) -> Value {
    let first = spot.person.chars().next().unwrap();
    let person = if is_masked { format!("{first}*****") } else { spot.person.to_owned() };
    let all = [
        ("case_no", json!(spot.id)),
        ("county", json!(spot.county)),
        ("person", json!(person)),
        ("amount", json!(spot.amount)),
        ("note", json!(spot.note)),
        ("day", json!(spot.day)),
    ];
    let shown = all.into_iter().filter(|(name, _)| items.contains(name));
    let properties: serde_json::Map<String, Value> =
        shown.map(|(name, value)| (name.to_owned(), value)).collect();
    let geometry = spot.at.map(|at| json!({"type": "Point", "coordinates": at}));
    json!({"type": "Feature", "id": spot.id, "geometry": geometry, "properties": properties})
}

/// All features that a question finds, page after page, in order of their names, and how many there are said to be; or the code
/// of a refusal.
async fn found(city: &City, who: &Who<'_>, parameters: &[(&str, &str)]) -> Result<(Vec<Value>, u64), String> {
    let paged = [("limit", "2"), ("count", "true")];
    let mut path = items(SPOTS, &parameters.iter().copied().chain(paged).collect::<Vec<_>>());
    let (mut features, mut matched) = (Vec::new(), None);
    loop {
        let answer = who.ask(city, Call::get(path)).await;
        if !answer.status.is_success() {
            return Err(answer.code());
        }
        let page = answer.json();
        features.extend(page["features"].as_array().unwrap().iter().cloned());
        let count = page["numberMatched"].as_u64().unwrap();
        assert_eq!(*matched.get_or_insert(count), count, "every page counts alike");
        match link(&page, "next") {
            Some(next) => path = next.strip_prefix(&city.server.base).unwrap().to_owned(),
            None => break,
        }
    }
    features.sort_by_key(|feature| feature["id"].to_string());
    Ok((features, matched.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn this_door_shows_each_the_same_as_the_others() {
    let city = City::new().await;
    city.publish(&table()).await;
    city.upload_to(SPOTS, &rows()).await;
    city.grant(&public(SPOTS, &["case_no", "county", "amount", "day", "shape"])).await;
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000009", "grantee": {"department": "gaj"},
        "items": ["case_no", "county", "person", "day", "shape"], "filter": {"=": ["county", "360481"]},
        "masks": {"person": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法",
        "doors": ["api"],
    }))
    .await;
    let [consumer_ticket, provider_ticket] = tickets(&city).await;
    let open = ["case_no", "county", "amount", "day"];
    let granted = ["case_no", "county", "person", "day"];
    let own = ["case_no", "county", "person", "amount", "note", "day"];
    let (consumer, provider) = (Some(&city.consumer), Some(&city.machine));
    for (name, key, ticket, seen, county) in [
        ("public", None, None, &open[..], None),
        ("consumer", consumer, None, &granted[..], Some("360481")),
        ("consumer by ticket", None, Some(consumer_ticket), &granted[..], Some("360481")),
        ("provider", provider, None, &own[..], None),
        ("provider by ticket", None, Some(provider_ticket), &own[..], None),
    ] {
        let who = Who { name, key, ticket };
        let is_masked = county.is_some();
        let is_shown = |spot: &&Spot| county.is_none_or(|county| spot.county == county);
        for (parameters, needed, holds) in QUESTIONS {
            let answered = found(&city, &who, parameters).await;
            if !needed.iter().all(|name| seen.contains(name)) {
                assert_eq!(answered, Err("unknown_column".to_owned()), "{name} asks {parameters:?}");
                continue;
            }
            let rows = ROWS.iter().filter(is_shown).filter(|spot| holds(spot));
            let expected: Vec<Value> = rows.map(|spot| feature(spot, seen, is_masked)).collect();
            let number = expected.len() as u64;
            assert_eq!(answered, Ok((expected, number)), "{name} asks {parameters:?}");
        }
        for spot in &ROWS {
            let path = format!("/ogc/collections/{SPOTS}/items/{}", spot.id);
            let answer = who.ask(&city, Call::get(path)).await;
            match is_shown(&spot) {
                true => {
                    let mut one = answer.ok();
                    one.as_object_mut().unwrap().remove("links");
                    assert_eq!(one, feature(spot, seen, is_masked), "{name}");
                }
                false => assert_eq!(answer.code(), "not_found", "{name} {}", spot.id),
            }
        }
    }
}
