//! The requests: every route of the document, with each of its parts broken in turn.

use serde_json::Value;

use super::bodies::{self, Named};
use super::tables::{ACTIONS, CKAN, FIELDS, FILTERS, PARTS, PROOFS, TARGETS, VALUES};
use crate::http::ogc::PLACES;
use crate::support::city::CODE;

/// Random requests for each route.
const RANDOM: usize = 4;
/// Where the random ones begin: the same ones each time.
const SEED: u64 = 0x5eed_2026_1122_0001;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Attack {
    pub(super) route: String,
    pub(super) method: String,
    pub(super) target: Vec<u8>,
    pub(super) fields: Vec<(&'static str, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// Whether it says itself who asks.
    pub(super) proves_itself: bool,
    /// Whether it ends before its body does.
    pub(super) is_cut: bool,
    what: String,
}

impl Attack {
    /// What was sent, short enough to be read.
    pub(super) fn shown(&self) -> String {
        let short = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let cut: String = text.chars().take(160).collect();
            cut.escape_debug().to_string()
        };
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| format!("{name}: {}", short(value))).collect();
        let Self { method, what, .. } = self;
        format!("{what}: {method} {} {fields:?} {}", short(&self.target), short(&self.body))
    }

    fn with(&self, what: impl Into<String>) -> Self {
        Self { what: what.into(), ..self.clone() }
    }

    fn at(&self, what: &str, target: Vec<u8>) -> Self {
        Self { target, ..self.with(what) }
    }

    fn sending(&self, (what, media_type, body): &Named) -> Self {
        let mut fields = self.fields.clone();
        fields.retain(|(name, _)| *name != "content-type");
        fields.push(("content-type", media_type.as_bytes().to_vec()));
        Self { fields, body: body.clone(), ..self.with(*what) }
    }
}

/// One operation of the document.
struct Route {
    path: String,
    /// Names of the parameters of its query.
    query: Vec<String>,
    /// Names of the members of its body, where it takes one.
    members: Option<Vec<String>>,
    /// The request as it should be.
    plain: Attack,
}

impl Route {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let names = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let query = names.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect();
        let members = operation["requestBody"].is_object().then(|| members(document, operation));
        let mut fields = Vec::new();
        let mut body = Vec::new();
        if members.is_some() {
            fields.push(("content-type", b"application/json".to_vec()));
            body = b"{}".to_vec();
        }
        let plain = Attack {
            route: format!("{} {path}", method.to_uppercase()),
            method: method.to_uppercase(),
            target: filled(path, None).into_bytes(),
            fields,
            body,
            proves_itself: false,
            is_cut: false,
            what: "as it should be".to_owned(),
        };
        Self { path: path.to_owned(), query, members, plain }
    }

    /// Files and the doors of other protocols get everything that is wrong; of the others each gets a part of it, and
    /// together they get everything.
    fn share<'a, T>(&self, all: &'a [T], place: usize, parts: usize) -> impl Iterator<Item = &'a T> {
        const KEEN: [&str; 5] = ["/datasets/", "/delta-sharing/", "/ogc", "/catalog", "/api/3/"];
        let parts = if KEEN.iter().any(|door| self.path.starts_with(door)) { 1 } else { parts };
        all.iter().skip(place % parts).step_by(parts)
    }

    fn paths(&self, place: usize) -> Vec<Attack> {
        let mut all = Vec::new();
        for name in placeholders(&self.path) {
            for part in self.share(&PARTS, place, 2) {
                let address = filled(&self.path, Some(name));
                let (before, after) = address.split_once("\u{1}").unwrap();
                let target = [before.as_bytes(), *part, after.as_bytes()].concat();
                all.push(self.plain.at("a path", target));
            }
            let long = filled(&self.path, Some(name)).replace('\u{1}', &"x".repeat(9_000));
            all.push(self.plain.at("a long path", long.into_bytes()));
        }
        all
    }

    fn queries(&self, place: usize) -> Vec<Attack> {
        let ask = |query: &[u8]| {
            let target = [self.plain.target.as_slice(), b"?", query].concat();
            self.plain.at("a query", target)
        };
        let mut all = vec![
            ask(b"nonsense=1"),
            ask(b"&&&=&=="),
            ask(b"%FF=%FF&\xff"),
            ask("x=1&".repeat(2_000).as_bytes()),
            ask(&[b"a=", "y".repeat(60_000).as_bytes()].concat()),
        ];
        for (number, name) in self.query.iter().enumerate() {
            let named = |value: &[u8]| [name.as_bytes(), b"=", value].concat();
            all.extend(self.share(&VALUES, place + number, 2).map(|value| ask(&named(value))));
            all.push(ask(&[named(b"1"), b"&".to_vec(), named(b"2")].concat()));
            all.push(ask(&named("(".repeat(3_000).as_bytes())));
        }
        all
    }

    fn headers(&self, place: usize) -> Vec<Attack> {
        let fields = self.share(&FIELDS, place, 8).map(|(name, value)| {
            let mut attack = self.plain.with("a field");
            attack.fields.retain(|(known, _)| known != name);
            attack.fields.push((*name, value.to_vec()));
            attack
        });
        let proofs = PROOFS.iter().skip(place % 6).step_by(6).map(|fields| {
            let mut attack = self.plain.with("a proof");
            attack.fields.extend(fields.iter().map(|(name, value)| (*name, value.to_vec())));
            attack.proves_itself = true;
            // Else the server would wait for a body that never comes.
            attack.is_cut =
                fields.iter().any(|(name, _)| ["content-length", "transfer-encoding"].contains(name));
            attack
        });
        let methods = ["HEAD", "OPTIONS", "PATCH", "TRACE", "NONSENSE"];
        let other = methods.iter().skip(place % 2).step_by(2).map(|method| {
            let mut attack = self.plain.with("a method");
            attack.method = (*method).to_owned();
            attack
        });
        fields.chain(proofs).chain(other).collect()
    }

    fn bodies(&self) -> Vec<Attack> {
        let Some(members) = &self.members else { return Vec::new() };
        let mut all = bodies::for_anything();
        all.extend(bodies::for_members(members));
        if self.path.ends_with("/sql") {
            all.extend(bodies::for_sql());
        }
        if self.path.starts_with("/delta-sharing/") {
            all.extend(bodies::for_delta());
        }
        if ["/api/v1/session", "/api/v1/session/password"].contains(&self.path.as_str()) {
            // Each that can be read costs the work of a password.
            all.truncate(22);
        }
        let mut sent: Vec<_> = all.iter().map(|body| self.plain.sending(body)).collect();
        sent.push(Attack { is_cut: true, ..self.plain.with("a body that is cut") });
        let mut twice = self.plain.with("chunks that are none");
        twice.fields.push(("transfer-encoding", b"chunked".to_vec()));
        (twice.body, twice.is_cut) = (b"zz\r\n\xff\r\n".to_vec(), true);
        sent.push(twice);
        sent
    }

    fn random(&self, random: &mut Random) -> Vec<Attack> {
        let attack = |random: &mut Random| {
            let mut target = self.plain.target.clone();
            match self.query.get(random.below(self.query.len().max(1))) {
                Some(name) => target.extend_from_slice(format!("?{name}=").as_bytes()),
                None => target.push(b'/'),
            }
            for _ in 0..=random.below(30) {
                let byte = u8::try_from(random.below(256)).unwrap();
                match byte.is_ascii_graphic() && byte != b'#' {
                    true => target.push(byte),
                    false => target.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                }
            }
            self.plain.at("at random", target)
        };
        (0..RANDOM).map(|_| attack(random)).collect()
    }
}

/// All requests, the same ones in the same order each time.
pub(super) fn all(document: &Value) -> Vec<Attack> {
    let mut random = Random(SEED);
    let mut all = Vec::new();
    for (place, route) in routes(document).iter().enumerate() {
        all.extend(route.paths(place));
        all.extend(route.queries(place));
        all.extend(route.headers(place));
        all.extend(route.bodies());
        all.extend(route.random(&mut random));
        if place == 0 {
            all.extend(TARGETS.iter().map(|target| route.plain.at("a target", target.to_vec())));
        }
        match route.plain.route.as_str() {
            "GET /api/3/action/{action}" => all.extend(of_ckan(route)),
            "POST /api/3/action/{action}" => {
                for action in ACTIONS {
                    let target = format!("/api/3/action/{action}").into_bytes();
                    let asked = route.plain.at("an action", target);
                    all.extend(bodies::for_ckan().iter().map(|body| asked.sending(body)));
                }
            }
            "GET /ogc/collections/{code}/items" => all.extend(of_filters(route)),
            _ => {}
        }
    }
    all
}

fn of_ckan(route: &Route) -> Vec<Attack> {
    let asked = ACTIONS.iter().flat_map(|action| {
        CKAN.iter().map(move |query| format!("/api/3/action/{action}?{query}").into_bytes())
    });
    asked.map(|target| route.plain.at("an action", target)).collect()
}

fn of_filters(route: &Route) -> Vec<Attack> {
    let deep = format!("{}seats = 1{}", "(".repeat(2_000), ")".repeat(2_000));
    let chain = vec!["seats = 1"; 3_000].join(" AND ");
    let texts = FILTERS.iter().map(|filter| (*filter).to_owned()).chain([deep, chain]);
    let texts = texts.map(|filter| format!("filter={}&filter-lang=cql2-text", encoded(&filter)));
    let json = [
        "{\"op\":\"=\"}".to_owned(),
        "{\"op\":\"=\",\"args\":[{\"property\":\"seats\"},{}]}".to_owned(),
        "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"shape\"},{\"type\":\"Point\",\"coordinates\":[]}]}".to_owned(),
        "{\"op\":\"in\",\"args\":[1e400]}".to_owned(),
        format!("{}1{}", "{\"op\":\"not\",\"args\":[".repeat(2_000), "]}".repeat(2_000)),
    ];
    let json = json.map(|filter| format!("filter={}&filter-lang=cql2-json", encoded(&filter)));
    let asked =
        texts.chain(json).map(|query| format!("/ogc/collections/{PLACES}/items?{query}").into_bytes());
    asked.map(|target| route.plain.at("a filter", target)).collect()
}

fn routes(document: &Value) -> Vec<Route> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "put", "post", "delete"].contains(&method.as_str()) {
                all.push(Route::read(document, path, method, operation));
            }
        }
    }
    all
}

/// Names of the members that the body of an operation has.
fn members(document: &Value, operation: &Value) -> Vec<String> {
    let mut schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        schema = &document["components"]["schemas"][name];
    }
    schema["properties"].as_object().map(|known| known.keys().cloned().collect()).unwrap_or_default()
}

/// Names of the parameters in a path.
fn placeholders(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

/// A path with parameters as they may be; `\u{1}` in place of the broken one.
fn filled(path: &str, broken: Option<&str>) -> String {
    let mut address = path.to_owned();
    for name in placeholders(path) {
        let value = match name {
            _ if Some(name) == broken => "\u{1}",
            "code" if path.starts_with("/ogc") => PLACES,
            "code" => CODE,
            "number" | "before" => "1",
            "file" => "latest.csv",
            "action" => "package_list",
            "id" | "share" => "scjg",
            "schema" => "default",
            "table" => "penalty",
            "feature" => "P1",
            _ => "x",
        };
        address = address.replace(&format!("{{{name}}}"), value);
    }
    address
}

/// A text as it stands in an address.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Numbers that are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}
