//! Letters on their way to a mail server that nobody here wrote, and what is tried against them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use catalog_core::Timestamp;
use catalog_core::ports::{Mail, Mailer as _};
use openapi_http::{MailFolder, Posted, Postman, REFUSED, SmtpSettings, letters};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::mail::MailServer;
use crate::support::python::python;

const NOW: Timestamp = Timestamp(1_772_416_800_000_000);
const PASSWORD: &str = "a secret: with odd & signs";

/// An outbox, and the certificate of its mail server.
struct Office {
    folder: TempDir,
    pem: String,
}

impl Office {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let names = ["127.0.0.1".to_owned(), "127.0.0.2".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(folder.path().join("chain.pem"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { folder, pem: made.cert.pem() }
    }

    fn outbox(&self) -> PathBuf {
        self.folder.path().join("outbox")
    }

    fn told(&self, host: &str, security: &str) -> Value {
        json!({
            "host": host, "port": 0, "security": security, "user": "shuqiao", "password": PASSWORD,
            "certificate": self.folder.path().join("chain.pem"), "key": self.folder.path().join("key.pem"),
        })
    }

    fn settings(&self, url: String) -> SmtpSettings {
        SmtpSettings {
            url,
            from: "shuqiao@example.cn".to_owned(),
            account: Some(("shuqiao".to_owned(), PASSWORD.to_owned())),
            authorities: self.pem.clone().into_bytes(),
            patience: Duration::from_secs(20),
        }
    }

    fn postman(&self, url: String) -> Postman {
        Postman::new(&self.outbox(), self.settings(url)).unwrap()
    }

    async fn write(&self, to: &str, subject: &str, text: &str) {
        let folder = MailFolder::open(&self.outbox(), "shuqiao@example.cn").unwrap();
        let mail = Mail { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() };
        folder.send(&mail, NOW).await.unwrap();
    }

    fn waiting(&self) -> usize {
        letters(&self.outbox()).unwrap().len()
    }
}

fn counts(posted: &Posted) -> (usize, usize, usize) {
    (posted.accepted, posted.waiting, posted.refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_go_out_encrypted_and_signed_in() {
    let office = Office::new();
    let long = format!("{}@{}.example.cn", "wang".repeat(12), "office".repeat(9));
    for (host, security, scheme) in
        [("127.0.0.1", "tls", "smtps"), ("127.0.0.2", "starttls", "smtp"), ("127.0.0.1", "clear", "smtp")]
    {
        let mut server = MailServer::start(&office.told(host, security));
        let mut postman = office.postman(format!("{scheme}://{host}:{}", server.port));
        postman.probe().await.unwrap();
        office.write("li@example.cn", "数桥：每日清单", "第一件\n.\n第二件").await;
        office.write(&long, "second", ".begins with a dot").await;
        assert_eq!(counts(&postman.post(NOW).await.unwrap()), (2, 0, 0), "{security}");
        let (first, second) = (server.next(), server.next());
        assert_eq!(second["to"], json!([long]), "{security}");
        let expected = json!({"from": "shuqiao@example.cn", "to": ["li@example.cn"], "letter": first["letter"],
            "encrypted": security != "clear", "user": "shuqiao"});
        assert_eq!(first, expected, "{security}");
        let read = python("read_letter.py", &[], first["letter"].as_str().unwrap());
        assert_eq!((&read["subject"], &read["to"]), (&json!("数桥：每日清单"), &json!("li@example.cn")));
        assert_eq!(read["text"].as_str().unwrap().trim_end(), "第一件\n.\n第二件");
        let read = python("read_letter.py", &[], second["letter"].as_str().unwrap());
        assert_eq!(read["text"].as_str().unwrap().trim_end(), ".begins with a dot");
        assert_eq!(office.waiting(), 0, "what was accepted is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_to_a_server_that_is_not_the_one_meant() {
    let office = Office::new();
    office.write("li@example.cn", "x", "x").await;
    let problem = async |settings: SmtpSettings| {
        let mut postman = Postman::new(&office.outbox(), settings).unwrap();
        let posted = postman.post(NOW).await.unwrap();
        assert_eq!(counts(&posted), (0, 1, 0));
        let problem = posted.problem.unwrap();
        assert!(!problem.contains(PASSWORD), "{problem}");
        problem
    };
    // A certificate of an authority that nobody here trusts, from the start and after STARTTLS.
    for (host, security, scheme) in [("127.0.0.1", "tls", "smtps"), ("127.0.0.2", "starttls", "smtp")] {
        let server = MailServer::start(&office.told(host, security));
        let url = format!("{scheme}://{host}:{}", server.port);
        let trusting_others =
            SmtpSettings { authorities: Office::new().pem.into_bytes(), ..office.settings(url) };
        let found = problem(trusting_others).await;
        assert!(found.contains("certificate"), "{found}");
    }
    // Somebody has taken STARTTLS out of the conversation.
    let server = MailServer::start(&office.told("127.0.0.2", "clear"));
    let found = problem(office.settings(format!("smtp://127.0.0.2:{}", server.port))).await;
    assert!(found.contains("STARTTLS"), "{found}");
    // A wrong password is no letter's fault.
    let server = MailServer::start(&office.told("127.0.0.1", "tls"));
    let mut settings = office.settings(format!("smtps://127.0.0.1:{}", server.port));
    settings.account = Some(("shuqiao".to_owned(), "wrong".to_owned()));
    let found = problem(settings).await;
    assert!(found.contains("535"), "{found}");
    assert_eq!(office.waiting(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_gets_what_has_waited() {
    let office = Office::new();
    let mut told = office.told("127.0.0.1", "tls");
    let down = MailServer::start(&told);
    told["port"] = json!(down.port);
    let mut postman = office.postman(format!("smtps://127.0.0.1:{}", down.port));
    drop(down);
    office.write("li@example.cn", "x", "x").await;
    let posted = postman.post(NOW).await.unwrap();
    assert!(counts(&posted) == (0, 1, 0) && posted.problem.is_some(), "{posted:?}");

    let mut server = MailServer::start(&told);
    // Each wait is twice the one before; until it is over, nobody asks.
    let early = postman.post(NOW.plus_seconds(59)).await.unwrap();
    assert!(counts(&early) == (0, 1, 0) && early.problem.is_none(), "{early:?}");
    assert_eq!(counts(&postman.post(NOW.plus_seconds(60)).await.unwrap()), (1, 0, 0));
    assert_eq!(server.next()["to"], json!(["li@example.cn"]));
    // After a success the waits begin anew.
    office.write("wang@example.cn", "x", "x").await;
    assert_eq!(counts(&postman.post(NOW.plus_seconds(61)).await.unwrap()), (1, 0, 0));
    drop(server);
    office.write("zhao@example.cn", "x", "x").await;
    for (seconds, is_asked) in [(62, true), (121, false), (122, true), (241, false), (242, true)] {
        let posted = postman.post(NOW.plus_seconds(seconds)).await.unwrap();
        assert_eq!(posted.problem.is_some(), is_asked, "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_gets_the_rest_later() {
    let office = Office::new();
    let mut told = office.told("127.0.0.1", "tls");
    told["answers"] = json!({"li@example.cn": ["421 4.3.2 shutting down"]});
    let mut server = MailServer::start(&told);
    let mut postman = office.postman(format!("smtps://127.0.0.1:{}", server.port));
    office.write("li@example.cn", "x", "x").await;
    office.write("wang@example.cn", "x", "x").await;
    let posted = postman.post(NOW).await.unwrap();
    assert_eq!(counts(&posted), (0, 2, 0), "no letter is at fault");
    assert!(posted.problem.unwrap().contains("421 4.3.2"));
    assert_eq!(counts(&postman.post(NOW.plus_seconds(60)).await.unwrap()), (2, 0, 0));
    // Those that were never tried go first.
    assert_eq!(server.next()["to"], json!(["wang@example.cn"]));
    assert_eq!(server.next()["to"], json!(["li@example.cn"]));
}

/// A letter over which the server ends each session, first in the outbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_over_which_the_server_hangs_up_keeps_no_other() {
    let office = Office::new();
    let mut told = office.told("127.0.0.1", "tls");
    told["answers"] = json!({"li@example.cn": vec!["421 4.7.1 <li@example.cn>: go away"; 50]});
    let mut server = MailServer::start(&told);
    let mut postman = office.postman(format!("smtps://127.0.0.1:{}", server.port));
    office.write("li@example.cn", "x", "x").await;
    office.write("wang@example.cn", "x", "x").await;
    let posted = postman.post(NOW).await.unwrap();
    assert_eq!(counts(&posted), (0, 2, 0));
    let why = posted.problem.unwrap();
    assert!(why.contains("421 4.7.1") && !why.contains("li@example.cn"), "{why}");
    assert_eq!(counts(&postman.post(NOW.plus_seconds(60)).await.unwrap()), (1, 1, 0));
    assert_eq!(server.next()["to"], json!(["wang@example.cn"]));
    // It is given up as others are, and nothing of it is kept for ever.
    assert_eq!(counts(&postman.post(NOW.plus_seconds(5 * 86_400)).await.unwrap()), (0, 0, 1));
    let refused = office.outbox().join(REFUSED);
    postman.post(NOW.plus_seconds(34 * 86_400)).await.unwrap();
    assert_eq!(fs::read_dir(&refused).unwrap().count(), 2, "not yet 30 days");
    postman.post(NOW.plus_seconds(36 * 86_400)).await.unwrap();
    assert_eq!(fs::read_dir(&refused).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_letter_pays_for_a_server_that_takes_nothing_from_us() {
    let office = Office::new();
    let mut told = office.told("127.0.0.1", "tls");
    told["senders"] = json!(["550 5.7.1 not from here", "421 4.3.2 shutting down"]);
    told["answers"] = json!({"li@example.cn": ["451 4.7.1 greylisted"]});
    let mut server = MailServer::start(&told);
    let mut postman = office.postman(format!("smtps://127.0.0.1:{}", server.port));
    office.write("li@example.cn", "x", "x").await;
    let later = NOW.plus_seconds(6 * 86_400);
    for (at, problem) in [(NOW, "550 5.7.1"), (later, "421 4.3.2")] {
        let posted = postman.post(at).await.unwrap();
        assert_eq!(counts(&posted), (0, 1, 0), "{posted:?}");
        assert!(posted.problem.unwrap().contains(problem));
    }
    // It is old, and offered for the first time.
    assert_eq!(counts(&postman.post(later.plus_seconds(120)).await.unwrap()), (0, 1, 0));
    assert_eq!(counts(&postman.post(later.plus_seconds(180)).await.unwrap()), (1, 0, 0));
    assert_eq!(server.next()["to"], json!(["li@example.cn"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_waits_and_what_is_refused_is_kept_aside() {
    let office = Office::new();
    let mut told = office.told("127.0.0.1", "tls");
    told["answers"] = json!({
        "later@example.cn": ["451 4.7.1 greylisted", "451 4.7.1 greylisted"],
        "never@example.cn": ["550 5.1.1 <never@example.cn>: no such user"],
        "full@example.cn": vec!["452 4.2.2 mailbox full"; 4],
    });
    let mut server = MailServer::start(&told);
    let mut postman = office.postman(format!("smtps://127.0.0.1:{}", server.port));
    for to in ["later@example.cn", "never@example.cn", "full@example.cn", "li@example.cn"] {
        office.write(to, "x", "x").await;
    }
    // One that is refused does not hold up the next.
    assert_eq!(counts(&postman.post(NOW).await.unwrap()), (1, 2, 1));
    assert_eq!(server.next()["to"], json!(["li@example.cn"]));
    let refused = office.outbox().join(REFUSED);
    let names = letters(&refused).unwrap();
    assert!(fs::read_to_string(refused.join(&names[0])).unwrap().contains("never@example.cn"));
    let why = fs::read_to_string(refused.join(&names[0]).with_extension("why")).unwrap();
    assert!(why.contains("550 5.1.1"), "{why}");

    assert_eq!(counts(&postman.post(NOW.plus_seconds(59)).await.unwrap()), (0, 2, 0), "too early");
    assert_eq!(counts(&postman.post(NOW.plus_seconds(60)).await.unwrap()), (0, 2, 0));
    assert_eq!(counts(&postman.post(NOW.plus_seconds(179)).await.unwrap()), (0, 2, 0), "too early");
    assert_eq!(counts(&postman.post(NOW.plus_seconds(180)).await.unwrap()), (1, 1, 0));
    assert_eq!(server.next()["to"], json!(["later@example.cn"]));
    // Five days after it was written, a letter that is still put off is given up.
    assert_eq!(counts(&postman.post(NOW.plus_seconds(5 * 86_400)).await.unwrap()), (0, 0, 1));
    // The operator may put it back.
    let name = letters(&refused).unwrap().into_iter().find(|name| *name != names[0]).unwrap();
    fs::rename(refused.join(&name), office.outbox().join(&name)).unwrap();
    assert_eq!(counts(&postman.post(NOW.plus_seconds(5 * 86_400)).await.unwrap()), (1, 0, 0));
    assert_eq!(server.next()["to"], json!(["full@example.cn"]));
}

/// What a title of a resource or a name of a department could carry.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_becomes_a_field_or_a_command() {
    let office = Office::new();
    let mut server = MailServer::start(&office.told("127.0.0.1", "tls"));
    let mut postman = office.postman(format!("smtps://127.0.0.1:{}", server.port));
    let smuggled = "\r\n.\r\nMAIL FROM:<x@example.cn>\r\nRCPT TO:<all@example.cn>\r\nDATA\r\nTo: <all@example.cn>\r\n\r\nx";
    for subject in [
        "处罚决定\r\nBcc: all@example.cn\r\nTo: <all@example.cn>\r\n\r\nx",
        "title\nBcc: all@example.cn",
        "title\rTo: <all@example.cn>",
        "title\u{85}\u{2028}Bcc: all@example.cn",
        smuggled,
    ] {
        for text in [smuggled.to_owned(), smuggled.replace("\r\n", "\n"), smuggled.replace("\r\n", "\r")] {
            office.write("li@example.cn", subject, &text).await;
            assert_eq!(counts(&postman.post(NOW).await.unwrap()), (1, 0, 0), "{subject:?} {text:?}");
            let taken = server.next();
            assert_eq!(taken["to"], json!(["li@example.cn"]), "{subject:?}");
            let letter = taken["letter"].as_str().unwrap();
            let (head, _) = letter.split_once("\r\n\r\n").unwrap();
            let field =
                |name: &str| head.lines().filter(|line| line.to_lowercase().starts_with(name)).count();
            assert_eq!((field("to:"), field("bcc:"), field("subject:")), (1, 0, 1), "{head}");
            let read = python("read_letter.py", &[], letter);
            assert!(read["text"].as_str().unwrap().contains("RCPT TO:<all@example.cn>"), "{letter}");
        }
    }
    // A letter that somebody else has put there goes to one address or to nobody.
    let forged = "From: <shuqiao@example.cn>\r\nTo: <li@example.cn>\r\nTo: <all@example.cn>\r\n\r\nx";
    fs::write(office.outbox().join("forged.eml"), forged).unwrap();
    assert_eq!(counts(&postman.post(NOW).await.unwrap()), (0, 0, 1));
}

/// A server that takes the connection and then says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_keeps_nobody_else_waiting() {
    let office = Office::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    office.write("li@example.cn", "x", "x").await;
    let mut postman = office.postman(url.clone());
    let posting = tokio::spawn(async move { postman.post(NOW).await });
    let connection = silent.accept().await.unwrap();
    // Meanwhile others write letters.
    office.write("wang@example.cn", "x", "x").await;
    assert_eq!(office.waiting(), 2);
    assert!(!posting.is_finished());
    drop(connection);
    let posted = posting.await.unwrap().unwrap();
    assert!(posted.problem.is_some(), "{posted:?}");

    let impatient = SmtpSettings { patience: Duration::from_millis(1), ..office.settings(url) };
    let mut postman = Postman::new(&office.outbox(), impatient).unwrap();
    let posted = postman.post(NOW).await.unwrap();
    assert!(posted.problem.unwrap().contains("does not answer"), "the wait has an end");
    assert_eq!(office.waiting(), 2);
}
