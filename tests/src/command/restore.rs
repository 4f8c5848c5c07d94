//! What a restore does with what ended after the backup, or was closed; and a restore into another database.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ::http::Method;
use catalog_core::context::PrincipalKind;
use catalog_core::directory::Succession;
use catalog_core::services::{Heir, Services};
use catalog_core::substitution::NewSubstitution;
use catalog_core::{OpContext, Role, Timestamp};
use catalog_store::CatalogStore;
use exchange_auth::operator_context;
use exchange_ledger::{Ledger, Settings};
use serde_json::{Value, json};

use super::backup::{AS_GAJ, SQL, Town, ended};
use super::evidence::sqlite;
use crate::support::city::{CODE, department, resource};
use crate::support::command::{Visitor, key};
use crate::support::postgres::Postgres;
use crate::support::server::Call;

/// The services over a data folder, by a person in a role: for what the command line has no word for.
pub(super) async fn at_desk<T>(
    data: &Path,
    (by, role): (&str, Role),
    act: impl AsyncFnOnce(&Services, &OpContext) -> T,
) -> T {
    let address = format!("sqlite://{}", data.join("catalogue.sqlite").display());
    let store = Arc::new(CatalogStore::connect(&address).await.unwrap());
    let signer = Arc::new(key(data.join("keys/platform.pem").to_str().unwrap()));
    let origin = fs::read_to_string(data.join("evidence-origin")).unwrap();
    let ledger = Ledger::open(Settings::new(data, &origin, signer)).unwrap().0;
    let services = Services::new(store.clone(), Arc::new(ledger));
    let mut ctx = operator_context(by, None, [role].into(), "request".to_owned(), Timestamp::now());
    (ctx.principal.kind, ctx.principal.id) = (PrincipalKind::Person, by.to_owned());
    let done = act(&services, &ctx).await;
    store.close().await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn substitutes_and_departments_that_ended_after_the_backup_have_ended() {
    let town = Town::new();
    let folder = &town.folder;
    let (data, new) = (folder.data(), folder.path("new"));
    let person =
        json!({"id": "chen", "name": "陈某", "department": "gaj", "roles": ["analyst"], "active": true});
    let file = folder.file("people.json", person.to_string());
    folder.ok(&["org", "people", &file, "--as", ":security_administrator"]);
    let machine = key(&folder.machine_key("gaj"));
    let name = async || {
        let until = Timestamp::now().plus_seconds(30 * 86_400);
        let (person, reason) = ("chen".to_owned(), "休假".to_owned());
        let new = NewSubstitution { person, role: Role::Approver, from: None, until, reason };
        let named = async |services: &Services, ctx: &OpContext| services.name_substitute(ctx, &new).await;
        at_desk(&data, ("wu", Role::SecurityAdministrator), named).await.unwrap()
    };
    let (first, second) = (name().await, name().await);
    town.backup();

    let end = async |services: &Services, ctx: &OpContext| services.end_substitution(ctx, &first.id).await;
    let over = at_desk(&data, ("wu", Role::SecurityAdministrator), end).await.unwrap();
    let zfw = department("zfw", "九江市政法委员会", "11360400ME0000004X");
    let file = folder.file("departments.json", serde_json::to_string(&[zfw]).unwrap());
    folder.ok(&["org", "put", &file]);
    let (successor, basis) = ("zfw".parse().unwrap(), "机构改革方案".to_owned());
    let heir = Heir { successor, resources: Default::default(), from: None, basis };
    let gaj = "gaj".parse().unwrap();
    let propose =
        async |services: &Services, ctx: &OpContext| services.propose_succession(ctx, &gaj, &heir).await;
    let proposed = at_desk(&data, ("wu", Role::AuthorityOfficer), propose).await.unwrap();
    let confirm =
        async |services: &Services, ctx: &OpContext| services.confirm_succession(ctx, &proposed.id).await;
    let confirmed = at_desk(&data, ("zheng", Role::AuthorityOfficer), confirm).await.unwrap();
    let succession = Succession { proposed_by: String::new(), ..confirmed };

    let restored = town.restore("new", &["--log", "data"]);
    assert_eq!(
        ended(&restored),
        ["department.put", "succession.entered_again", "substitute.ended"],
        "{restored}"
    );
    assert_eq!(restored["undone"], json!([]));
    town.audited("new");
    let seen = async |services: &Services, ctx: &OpContext| {
        (services.substitutions(ctx).await.unwrap(), services.successions(ctx).await.unwrap())
    };
    let (substitutions, successions) = at_desk(&new, ("wu", Role::SecurityAdministrator), seen).await;
    assert_eq!((substitutions, successions), (vec![over, second.clone()], vec![succession.clone()]));
    let grants = [&["query", SQL, "--as", "zfw"][..], &AS_GAJ[2..]].concat();
    assert_eq!(town.json_at("new", &grants)["data"].as_array().unwrap().len(), 2, "the successor has them");
    let serving = folder.serve_at(new.to_str().unwrap());
    let visitor = Visitor::of(&serving).await;
    let asked = visitor.send(Call::post("/api/v1/sql", &json!({ "sql": SQL })).by(&machine)).await;
    assert_eq!(asked.code(), "unauthenticated", "{}", asked.text());
    drop(serving);

    // Their rows are audited as all others are.
    let database = new.join("catalogue.sqlite");
    sqlite(&database, "UPDATE substitutions SET document = replace(document, '休假', '出差')");
    sqlite(&database, "DELETE FROM department_successions");
    let (_, error) = folder.refused(&["audit", "--data-dir", "new"]);
    let found = error["problems"].as_array().unwrap().iter().map(|found| found["at"].as_str().unwrap());
    let substitution = |id: &str| format!("substitution {id}");
    let expected =
        [substitution(&first.id), substitution(&second.id), format!("succession {}", succession.id)];
    assert_eq!(found.collect::<Vec<_>>(), expected, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_published_anew_after_the_backup_is_out_of_force_until_it_is_said_anew() {
    let town = Town::new();
    let folder = &town.folder;
    folder.open(&[]);
    town.backup();
    let mut closed = resource();
    closed["items"][3]["opening"] = json!({"type": "closed"});
    folder.put_in_force(&closed);

    let restored = town.restore("new", &["--log", "data"]);
    assert_eq!(ended(&restored), ["resource.suspended"], "{restored}");
    assert!(restored["undone"].to_string().contains("resource.published resource"), "{restored}");
    town.audited("new");
    let new = folder.path("new");
    let path = format!("/datasets/{CODE}/latest.csv");
    let download = async || {
        let serving = folder.serve_at(new.to_str().unwrap());
        Visitor::of(&serving).await.send(Call::get(path.as_str())).await
    };
    assert_eq!(download().await.code(), "not_found");
    let as_gaj = [&["query", SQL][..], &AS_GAJ].concat();
    for acting_as in [&as_gaj[..], &["query", SQL, "--as", "scjg"]] {
        folder.refused(&[acting_as, &["--data-dir", "new"]].concat());
    }
    // It is not enough to say yes to the old draft: its authors have it back.
    let again = ["resource", "step", "submit-publication", CODE, "--as", "scjg", "--operator", "wang"];
    let (_, error) = folder.refused(&[&again[..], &["--data-dir", "new"]].concat());
    assert!(error.to_string().contains("illegal_state"), "{error}");

    folder.put_in_force_at("new", &closed);
    let answer = download().await;
    let text = String::from_utf8(answer.ok_bytes().to_vec()).unwrap();
    assert!(text.contains("G1,360481") && !text.contains("1.00"), "{text}");
    assert_eq!(town.json_at("new", &as_gaj)["data"].as_array().unwrap().len(), 2, "its grants hold again");
    town.audited("new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_ended_after_the_backup_opens_nothing() {
    let town = Town::new();
    let folder = &town.folder;
    let machine = key(&folder.machine_key("scjg"));
    let sent = async |data_dir: &str, call: Call<'_>| {
        let serving = folder.serve_at(folder.path(data_dir).to_str().unwrap());
        Visitor::of(&serving).await.send(call).await
    };
    let wanted = json!({"purpose": "核对", "doors": ["sql"], "seconds": 36_000});
    let issued = sent("data", Call::post("/api/v1/tickets", &wanted).by(&machine)).await.ok();
    let bearer = format!("Bearer {}", issued["token"].as_str().unwrap());
    let ask = || Call::post("/api/v1/sql", &json!({ "sql": SQL })).header("authorization", &bearer);
    town.backup();
    sent("data", ask()).await.ok();
    let path = format!("/api/v1/tickets/{}", issued["ticket"]["id"].as_str().unwrap());
    sent("data", Call::new(Method::DELETE, path).by(&machine)).await.ok();
    let restored = town.restore("new", &["--log", "data"]);
    assert_eq!(ended(&restored), ["ticket.revoked"], "{restored}");
    assert_eq!(sent("new", ask()).await.code(), "unauthenticated");
    town.audited("new");
}

/// First the wrong backup, an older one; then the right one, with the log that holds the first attempt.
#[test]
fn a_second_restore_may_know_what_the_first_one_undid() {
    let town = Town::new();
    let folder = &town.folder;
    let first = town.backup();
    let file = folder.file("data.csv", "case_no,county,person,amount,note\nG3,360481,某乙(合成),3.00,无\n");
    folder.ok(&["ingest", CODE, &file, "--as", "scjg"]);
    town.backup();
    town.restore("first", &["--log", "data", "--at", &town.made_at(&first)]);
    town.audited("first");
    town.restore("second", &["--log", "first"]);
    town.audited("second");
    let as_gaj = [&["query", SQL][..], &AS_GAJ].concat();
    assert_eq!(town.json_at("second", &as_gaj)["data"], json!([{"case_no": "G3"}]));
}

#[test]
fn a_backup_of_a_folder_is_restored_into_postgresql_and_back() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    let count = |rows: &Value| rows["data"].as_array().unwrap().len();
    let file = folder.file("data.csv", "case_no,county,person,amount,note\nG3,360481,某乙(合成),3.00,无\n");
    folder.ok(&["withdraw", CODE, "--version", "1", "--reason", "数据有误", "--as", "scjg"]);
    let postgres = Postgres::start();
    let address = postgres.new_database();
    let config = fs::read_to_string(folder.data().join("shuqiao.toml")).unwrap();
    let named = format!("[catalogue]\ndatabase = \"{address}\"");
    folder.file("postgres.toml", config.replace("[catalogue]", &named));
    let restored = town.restore("new", &["--config", "postgres.toml", "--log", "data"]);
    assert_eq!(ended(&restored), ["version.withdrawn"]);
    // Supervision counts what the log says of versions: the first saying was undone, so it is said again.
    let said = ["evidence", "--action", "version.withdrawn", "--as", ":auditor", "--operator", "sun"];
    let said = town.json_at("new", &said);
    let said = said["records"].as_array().unwrap();
    assert_eq!((said.len(), &said[1]["record"]["fact"]["standing"]), (2, &json!("withdrawn")), "{said:?}");
    assert!(!folder.path("new/catalogue.sqlite").exists());
    town.audited("new");
    let as_gaj = [&["query", SQL][..], &AS_GAJ].concat();
    assert_eq!(town.refusal_at("new", &as_gaj), "withdrawn");
    town.json_at("new", &["ingest", CODE, &file, "--as", "scjg"]);
    assert_eq!(count(&town.json_at("new", &as_gaj)), 1);
    // The search index is made anew.
    let found = town.json_at("new", &["resource", "search", "行政处罚"]);
    assert!(found.to_string().contains("301001/000001"), "{found}");

    let error = town.refused("other", &["--config", "postgres.toml"]);
    assert!(error["message"].as_str().unwrap().contains("holds a catalogue already"), "{error}");
    // And back: without another configuration it is the one in the file of keys.
    town.json_at("new", &["backup", "backups"]);
    let restored = town.restore("back", &[]);
    assert_eq!((ended(&restored), &restored["undone"]), (Vec::new(), &json!([])), "{restored}");
    assert!(folder.path("back/catalogue.sqlite").exists());
    town.audited("back");
    assert_eq!(count(&town.json_at("back", &as_gaj)), 1);
}
