use super::*;

fn feedback(rating: u8, text: &str) -> Contributed {
    let resource = ResourceCode::new("301001/000001").unwrap();
    Contributed::Feedback(Feedback { resource, rating, text: text.to_owned() })
}

fn work(link: Option<&str>, codes: &[&str]) -> Contributed {
    let resources = codes.iter().map(|code| ResourceCode::new(*code).unwrap()).collect();
    let (title, text) = ("公交到站".to_owned(), "一看就知道".to_owned());
    Contributed::Work(Work { title, text, link: link.map(str::to_owned), resources })
}

fn look(is_shown: bool, reason: Option<&str>, for_authority: bool) -> Look {
    let reason = reason.map(str::to_owned);
    Look { is_shown, reason, by: "li".to_owned(), for_authority, at: Timestamp(2) }
}

fn wrong_at(content: &Contributed) -> Vec<String> {
    content
        .check()
        .err()
        .map_or_else(Vec::new, |error| error.problems.into_iter().map(|problem| problem.at).collect())
}

#[test]
fn what_is_contributed_is_bounded() {
    assert_eq!(wrong_at(&feedback(5, "好\n用")), [""; 0]);
    for (rating, text, at) in [
        (0, "x", "rating"),
        (6, "x", "rating"),
        (1, " ", "text"),
        (1, "\u{202e}x", "text"),
        (1, "x\u{0}", "text"),
        (1, &"长".repeat(2001), "text"),
    ] {
        assert_eq!(wrong_at(&feedback(rating, text)), [at], "{rating} {text:?}");
    }
    let one = ["301001/000001"];
    assert_eq!(wrong_at(&work(None, &one)), [""; 0]);
    assert_eq!(wrong_at(&work(None, &[])), ["resources"]);
    assert_eq!(wrong_at(&work(None, &[one[0], one[0]])), ["resources"], "named twice");
}

#[test]
fn a_link_leads_to_a_page_and_nowhere_else() {
    let one = ["301001/000001"];
    for good in ["https://a.example", "http://a.example:8080/x?y=1#z", "https://xn--fiq228c.example/%E5"] {
        assert_eq!(wrong_at(&work(Some(good), &one)), [""; 0], "{good}");
    }
    for bad in [
        "",
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)//https://a.example",
        "data:text/html,x",
        "//a.example",
        "https://",
        "https:///x",
        "https://li:secret@a.example/",
        "https://a.example\\@b.example/",
        "https://a.example/\" onmouseover=alert(1)",
        "https://a.example/ x",
        "https://例子.example/",
        "https://a.example/\u{202e}",
        &format!("https://a.example/{}", "x".repeat(500)),
    ] {
        assert_eq!(wrong_at(&work(Some(bad), &one)), ["link"], "{bad}");
    }
}

#[test]
fn a_provider_decides_once_and_the_authority_may_decide_otherwise() {
    let fresh = || Contribution::new("a".to_owned(), Timestamp(1), Author::Public, feedback(1, "差"), None);
    let code = |result: Result<()>| result.err().map(|error| error.code);
    let mut it = fresh();
    assert_eq!(
        code(it.decide(look(false, None, false))),
        Some(ErrorCode::InvalidInput),
        "a refusal says why"
    );
    assert_eq!(it.state, ContributionState::Waiting);
    it.decide(look(false, Some("与数据无关"), false)).unwrap();
    assert_eq!(it.state, ContributionState::Refused);
    assert_eq!(code(it.decide(look(true, None, false))), Some(ErrorCode::IllegalState));
    it.decide(look(true, None, true)).unwrap();
    assert_eq!(it.state, ContributionState::Shown);

    let department = DepartmentId::new("scjg").unwrap();
    let reply = Reply { text: "谢谢".to_owned(), department, by: "li".to_owned(), at: Timestamp(3) };
    assert_eq!(code(fresh().answer(reply.clone())), Some(ErrorCode::IllegalState), "not before it is shown");
    assert_eq!(
        code(it.answer(Reply { text: String::new(), ..reply.clone() })),
        Some(ErrorCode::InvalidInput)
    );
    it.answer(reply).unwrap();
}
