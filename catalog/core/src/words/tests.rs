use super::*;

const NOW: Timestamp = Timestamp(1_772_416_800_000_000);

fn line(number: &str, light: Light, days: i64) -> WordLine {
    WordLine {
        number: number.to_owned(),
        kind: MatterKind::Application,
        limit: LimitKind::FormalCheck,
        light,
        due: Some(NOW.plus_seconds(days * 86_400)),
    }
}

fn handler(department: Option<&str>, role: Role) -> Handler {
    Handler { department: department.map(|id| DepartmentId::new(id).unwrap()), role }
}

fn numbers(word: &Word) -> Vec<&str> {
    word.matters.iter().map(|line| line.number.as_str()).collect()
}

#[test]
fn the_most_urgent_matters_stand_first() {
    let lines = vec![
        line("green", Light::Green, 1),
        line("0-later", Light::Yellow, 3),
        line("b", Light::Yellow, 2),
        line("a", Light::Yellow, 2),
        line("paused", Light::Paused, 0),
        line("red", Light::Red, 9),
    ];
    let to = handler(Some("scjg"), Role::Approver);
    let word = Word::new(WordKind::MorningList, NOW, (&to, "市场监督管理局".to_owned()), lines.clone());
    assert_eq!(numbers(&word), ["red", "a", "b", "0-later", "green", "paused"]);
    assert_eq!((word.department, word.role), (to.department, to.role));
    assert_eq!(worst(lines.into_iter()).unwrap().number, "red");
    assert_eq!(worst(std::iter::empty()), None);
}

#[test]
fn a_word_names_so_many_matters_and_counts_all() {
    let lines = (0..LINES + 2).map(|number| line(&format!("{number:04}"), Light::Green, 1)).collect();
    let to = handler(None, Role::AuthorityOfficer);
    let word = Word::new(WordKind::Escalated, NOW, (&to, "主管部门".to_owned()), lines);
    assert_eq!((word.total, word.matters.len()), (502, 500));
    let letter = word.letter("li@example.cn");
    assert_eq!(letter.subject, "数桥：升级督办（主管部门，502 件）");
    assert!(letter.text.contains("共 502 件") && letter.text.contains("  0499  "), "{}", letter.text);
    assert!(!letter.text.contains("  0500  "));
}

#[test]
fn a_letter_says_light_number_kind_and_end() {
    let to = handler(Some("scjg"), Role::Approver);
    let mut standing = line("SQ-2026-000002", Light::Paused, 0);
    standing.due = None;
    let lines = vec![line("SQ-2026-000001", Light::Yellow, 1), standing];
    let letter =
        Word::new(WordKind::LightChanged, NOW, (&to, "市监局".to_owned()), lines).letter("li@example.cn");
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_str()),
        ("li@example.cn", "数桥：办件变灯（市监局，2 件）")
    );
    let lines: Vec<_> = letter.text.lines().filter(|line| line.starts_with('【')).collect();
    let kind = MatterKind::Application;
    assert_eq!(
        lines,
        [
            format!("【黄灯】  SQ-2026-000001  {kind}  2026-03-03 10:00:00 前办结"),
            format!("【中止】  SQ-2026-000002  {kind}  计时中止"),
        ]
    );
    assert!(!letter.text.contains('…'), "nothing is left out");
}

#[test]
fn words_go_to_their_role_and_to_gateways_of_their_kind() {
    let contact = |department: Option<&str>, role, address: &str| {
        let department = department.map(|id| DepartmentId::new(id).unwrap());
        Contact { department, role, address: address.to_owned() }
    };
    let hook = |url: &str, kinds: &[WordKind]| Webhook { url: url.to_owned(), kinds: kinds.to_vec() };
    let receivers = Receivers {
        contacts: vec![
            contact(Some("scjg"), Role::Approver, "approver"),
            contact(Some("scjg"), Role::Reviewer, "reviewer"),
            contact(Some("gaj"), Role::Approver, "elsewhere"),
            contact(None, Role::Approver, "authority"),
        ],
        webhooks: vec![hook("all", &[]), hook("late", &[WordKind::Escalated])],
    };
    let mail = |to: &str| Destination::Mail(to.to_owned());
    let request = |to: &str| Destination::Webhook(to.to_owned());
    let found = |kind, department, role| receivers.of(kind, &handler(department, role));
    assert_eq!(
        found(WordKind::MorningList, Some("scjg"), Role::Approver),
        [mail("approver"), request("all")]
    );
    assert_eq!(
        found(WordKind::Escalated, None, Role::Approver),
        [mail("authority"), request("all"), request("late")]
    );
    assert_eq!(found(WordKind::LightChanged, Some("scjg"), Role::Auditor), [request("all")]);
}

#[test]
fn a_limit_that_runs_again_is_another() {
    let told =
        Told { matter: "SQ-1".to_owned(), limit: LimitKind::FormalCheck, since: NOW, light: Light::Green };
    assert!(told.is_of(&Told { light: Light::Red, ..told.clone() }));
    for other in [
        Told { matter: "SQ-2".to_owned(), ..told.clone() },
        Told { limit: LimitKind::Delivery, ..told.clone() },
        Told { since: NOW.plus_seconds(1), ..told.clone() },
    ] {
        assert!(!told.is_of(&other), "{other:?}");
    }
}
