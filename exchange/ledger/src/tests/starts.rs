//! Ends of accesses are found by what their starts name, wherever those stand.

use catalog_core::GrantId;
use catalog_core::evidence::SourceRead;
use proptest::prelude::*;

use super::*;

const SUBJECTS: [&str; 2] = ["0a", "0b"];

fn grant(number: u8) -> String {
    format!("019aa0c4-0000-7000-8000-00000000000{number}")
}

fn source(number: u8) -> SourceRead {
    SourceRead {
        resource: ResourceCode::new(format!("301001/{number:06}")).unwrap(),
        version: 1,
        manifest_digest: String::new(),
        policy_digest: String::new(),
        grant: Some(GrantId::new(grant(number)).unwrap()),
    }
}

/// What happens: its kind, the request, and the resource, grant and subject.
fn event(kind: u8, about: u8) -> Event {
    let (sources, request_commitment) = (vec![source(about)], String::new());
    let (answer_commitment, subjects) = (String::new(), vec![SUBJECTS[usize::from(about % 2)].to_owned()]);
    let now = None;
    match kind {
        0 | 1 => Event::AccessStarted { sources, request_commitment, now, subjects },
        2..=4 => {
            Event::AccessEnded { rows: 1, bytes: 1, answer_commitment, complete: true, stopped_by: None }
        }
        5 => {
            Event::AccessRefused { code: "disconnected".to_owned(), sources: Vec::new(), request_commitment }
        }
        6 => Event::AccessRefused { code: "revoked".to_owned(), sources, request_commitment },
        8 => Event::AccessRefused { code: "forbidden".to_owned(), sources: Vec::new(), request_commitment },
        _ => {
            Event::Access { sources, request_commitment, rows: 1, bytes: 1, answer_commitment, now, subjects }
        }
    }
}

/// The log of these happenings, in segments of a few records: kind, request, what it is about, seconds since the one before.
fn log_of(happenings: &[(u8, u8, u8, i8)]) -> (TempDir, Ledger) {
    let folder = tempdir().unwrap();
    let log = open(&settings(folder.path()));
    let mut at = Timestamp(1_795_000_000_000_000);
    for (kind, request, about, seconds) in happenings {
        at = at.plus_seconds(i64::from(*seconds));
        let request_id = format!("r-{request}");
        append(&log, &[EvidenceRecord { event: event(*kind, *about), request_id, at, ..record(0) }]);
    }
    (folder, log)
}

/// What is asked for, by the book: the whole log in memory, and for each record all that it may be about.
fn naive(log: &Ledger, filter: &Filter) -> Vec<Leaf> {
    let all: Vec<_> = log.scan(Filter::default()).unwrap().map(Result::unwrap).collect();
    let is_about = |event: &Event| {
        let (sources, subjects) = match event {
            Event::AccessStarted { sources, subjects, .. } | Event::Access { sources, subjects, .. } => {
                (sources.clone(), subjects.clone())
            }
            Event::AccessRefused { sources, .. } => (sources.clone(), Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        filter.resource.iter().all(|wanted| sources.iter().any(|source| source.resource == *wanted))
            && filter.grant.iter().all(|wanted| {
                sources.iter().any(|source| source.grant.as_ref().map(GrantId::as_str) == Some(wanted))
            })
            && filter.subject.iter().all(|wanted| subjects.contains(wanted))
    };
    let is_wanted = |(place, leaf): &(usize, &Leaf)| {
        let begun = all[..*place].iter().rfind(|before| {
            let is_start = matches!(before.record.event, Event::AccessStarted { .. });
            is_start && before.record.request_id == leaf.record.request_id
        });
        let ends = match &leaf.record.event {
            Event::AccessEnded { .. } => true,
            Event::AccessRefused { code, sources, .. } => code == "disconnected" || !sources.is_empty(),
            _ => false,
        };
        (is_about(&leaf.record.event) || (ends && begun.is_some_and(|start| is_about(&start.record.event))))
            && filter.from.is_none_or(|from| from <= leaf.record.at)
            && filter.until.is_none_or(|until| leaf.record.at < until)
            && filter.action.iter().all(|action| action == leaf.record.event.name())
            && filter.after.is_none_or(|after| after < (leaf.epoch, leaf.index))
    };
    all.iter().enumerate().filter(is_wanted).map(|(_, leaf)| leaf.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever overlaps whatever: starts before the window, before the page, in segments that are passed over, of requests
    /// that begin twice, and more of them at once than are remembered.
    #[test]
    fn what_is_found_is_what_the_whole_log_says(
        happenings in prop::collection::vec((0..9_u8, 0..9_u8, 0..3_u8, -2..9_i8), 1..60),
        about in prop::option::of(0..3_u8), under in prop::option::of(0..3_u8), of in prop::option::of(0..2_usize),
        from in prop::option::of(0..200_i64), lasting in prop::option::of(0..200_i64),
        after in prop::option::of(0..60_u64), ends_only: bool,
    ) {
        let (_folder, log) = log_of(&happenings);
        let begin = |seconds: i64| Timestamp(1_795_000_000_000_000).plus_seconds(seconds);
        let filter = Filter {
            resource: about.map(|number| source(number).resource),
            grant: under.map(grant),
            subject: of.map(|number| SUBJECTS[number].to_owned()),
            from: from.map(begin),
            until: lasting.map(|seconds| begin(from.unwrap_or(0) + seconds)),
            after: after.map(|place| (0, place)),
            action: ends_only.then(|| "access_ended".to_owned()),
            ..Filter::default()
        };
        let found: Vec<_> = log.scan(filter.clone()).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(found, naive(&log, &filter));
    }

    /// From a start to its end and back.
    #[test]
    fn an_end_is_the_end_of_its_start(
        happenings in prop::collection::vec((0..9_u8, 0..4_u8, 0..3_u8, 0..9_i8), 1..40),
    ) {
        let (_folder, log) = log_of(&happenings);
        for leaf in log.scan(Filter::default()).unwrap().map(Result::unwrap) {
            if let Some(end) = log.end_of((0, leaf.index), &leaf.record.request_id).unwrap() {
                prop_assert_eq!(log.start_of(&end).unwrap(), Some(leaf.clone()));
            }
            if let Some(start) = log.start_of(&leaf).unwrap() {
                let end = log.end_of((0, start.index), &start.record.request_id).unwrap().unwrap();
                prop_assert!(end.index <= leaf.index, "the first one, if there are several");
            }
        }
    }
}

/// Who asks for what is not theirs is refused before anything begins: a scan by topic opens no index for that.
#[test]
fn a_refusal_that_follows_no_start_is_not_looked_up() {
    let refused: Vec<_> = (0..40_u8).map(|request| (8, request, 0, 1)).collect();
    let (folder, log) = log_of(&refused);
    let mut folders = vec![folder.path().to_owned()];
    let mut gone = 0;
    while let Some(path) = folders.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "idx") {
                std::fs::remove_file(path).unwrap();
                gone += 1;
            }
        }
    }
    assert!(gone > 1, "several segments are sealed");
    let of_page = Filter { resource: Some(source(0).resource), after: Some((0, 2)), ..Filter::default() };
    assert!(read(&log, of_page).is_empty());
}

#[test]
fn rows_that_left_are_found_by_the_resource_they_left() {
    // A start, four others, and the end.
    let others = [(0, 2, 1, 1), (2, 2, 1, 1), (0, 3, 2, 1), (5, 3, 2, 1)];
    let mut happenings = vec![(0, 1, 0, 0)];
    happenings.extend(others);
    happenings.push((2, 1, 0, 1));
    let (_folder, log) = log_of(&happenings);
    let filter = Filter { resource: Some(source(0).resource), ..Filter::default() };
    let names =
        |filter| read(&log, filter).iter().map(|record| record.event.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(filter.clone()), ["access_started", "access_ended"]);
    let next_page = Filter { after: Some((0, 2)), ..filter };
    assert_eq!(names(next_page), ["access_ended"]);
    let of_refused = Filter { resource: Some(source(2).resource), ..Filter::default() };
    assert_eq!(
        names(of_refused),
        ["access_started", "access_refused"],
        "that it came to nothing is its end, too"
    );
}
