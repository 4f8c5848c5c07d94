//! Letters of a served folder, from the registration of a developer to their mail server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use rcgen::generate_simple_self_signed;
use serde_json::json;

use crate::support::command::{Folder, Visitor};
use crate::support::mail::MailServer;
use crate::support::server::Call;

const PASSWORD: &str = "only-in-its-file";

#[tokio::test(flavor = "multi_thread")]
async fn a_served_folder_hands_its_letters_over() {
    let folder = Folder::initialised();
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = folder.file("data/authority.pem", made.cert.pem());
    let key = folder.file("key.pem", made.signing_key.serialize_pem());
    let mut server = MailServer::start(&json!({
        "host": "127.0.0.1", "port": 0, "security": "tls", "user": "shuqiao", "password": PASSWORD,
        "certificate": certificate, "key": key,
    }));
    let password = folder.file("data/keys/smtp-password", format!("{PASSWORD}\n"));
    let settings = |more: &str| {
        let mail = format!("[mail]\nfrom = \"shuqiao@example.cn\"\nauthority = \"authority.pem\"\n{more}");
        fs::write(folder.data().join("shuqiao.toml"), mail).unwrap();
    };
    let account = "user = \"shuqiao\"\npassword_file = \"keys/smtp-password\"\n";
    let smtp = format!("smtp = \"smtps://127.0.0.1:{}\"\n", server.port);

    // Settings with which no letter could ever go out are told before anything is served.
    fs::set_permissions(&password, Permissions::from_mode(0o644)).unwrap();
    for wrong in [
        format!("{smtp}{account}"),
        format!("{smtp}user = \"shuqiao\"\n"),
        format!("{smtp}password_file = \"keys/nothing\"\n"),
        "smtp = \"http://127.0.0.1\"\n".to_owned(),
        "smtp = \"smtps://a:b@127.0.0.1\"\n".to_owned(),
    ] {
        settings(&wrong);
        let (status, error) = folder.refused(&["serve", "--listen", "127.0.0.1:0"]);
        assert!(status == 2 && !error.to_string().contains(PASSWORD), "{wrong}: {error}");
    }
    fs::set_permissions(&password, Permissions::from_mode(0o600)).unwrap();
    settings(&format!("{smtp}{account}"));
    let found = |name: &str| {
        let report = folder.json(&["doctor"]);
        let mut checks = report.as_array().unwrap().iter();
        checks.find(|check| check["check"] == name).unwrap_or_else(|| panic!("{report}")).clone()
    };
    let letters = found("letters");
    assert!(
        letters["state"] == "good" && letters["text"].as_str().unwrap().contains("takes letters"),
        "{letters}"
    );

    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let developer = json!({"name": "李开发", "email": "li.dev@example.cn"});
    visitor.send(Call::post("/api/v1/developers", &developer)).await.ok();
    let taken = tokio::task::spawn_blocking(move || (server.next(), server)).await.unwrap();
    assert_eq!((&taken.0["to"], &taken.0["user"]), (&json!(["li.dev@example.cn"]), &json!("shuqiao")));

    // What lies aside is told, and a server that is gone.
    let refused = folder.data().join("outbox/refused");
    fs::create_dir_all(&refused).unwrap();
    fs::write(refused.join("1.eml"), "x").unwrap();
    let letters = found("letters");
    assert!(
        letters["state"] == "doubtful" && letters["text"].as_str().unwrap().contains("outbox/refused/"),
        "{letters}"
    );
    fs::remove_dir_all(&refused).unwrap();
    drop(taken);
    let letters = found("letters");
    assert!(letters["state"] == "doubtful" && !letters.to_string().contains(PASSWORD), "{letters}");
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = Folder::initialised();
    // Bound, so that nobody else answers there: the one takes no connection, the other takes it and is silent.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [gone, silent.local_addr().unwrap()] {
        let settings =
            format!("[catalogue]\ndatabase = \"postgres://shuqiao:{PASSWORD}@{address}/shuqiao\"\n");
        fs::write(folder.data().join("shuqiao.toml"), settings).unwrap();
        let (status, error) = folder.refused(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!((status, &error["code"]), (1, &json!("unavailable")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(&address.to_string()), "{error}");
        let told = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert!(!String::from_utf8_lossy(&told.stderr).contains(PASSWORD));
    }
}
