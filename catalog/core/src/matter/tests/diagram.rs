//! `WORKFLOW.md`, drawn from the tables.

use std::fmt::Write;

use crate::deadline::LimitTable;
use crate::matter::{By, Clock, Machine, MatterKind, State};

const HEAD: &str = "# Workflow

Every matter 办件 is one of these state machines. This file is drawn from the tables in `src/matter/`: change those, then run the
tests with `UPDATE_WORKFLOW=1`. An arrow names the event and who brings it about; “另一人” is a person who took no part
in what is decided. Whatever has no arrow can't happen.
";

fn who(by: By) -> &'static str {
    match by {
        By::Applicant => "申请人",
        By::Handler => "承办角色",
        By::SecondHandler => "承办角色另一人",
        By::Authority => "主管部门",
        By::SecondAuthority => "主管部门另一人",
        By::Machine => "平台",
    }
}

fn names(states: &[State]) -> String {
    states.iter().map(|state| state.label()).collect::<Vec<_>>().join("、")
}

fn section(kind: MatterKind) -> String {
    let machine = Machine::of(kind);
    let mut text = format!("\n## {kind} `{}`\n\n承办角色：`{:?}`\n\n", kind.series(), kind.handling_role());
    text.push_str("```mermaid\nstateDiagram-v2\n");
    let mut line = |line: String| writeln!(text, "    {line}").unwrap();
    for state in State::ALL {
        let is_used = machine.rules.iter().any(|rule| rule.from == *state || rule.to == *state);
        if is_used {
            line(format!("state \"{state}\" as {state:?}"));
        }
    }
    for state in machine.initial {
        line(format!("[*] --> {state:?}"));
    }
    for rule in machine.rules {
        line(format!("{:?} --> {:?}: {}（{}）", rule.from, rule.to, rule.event, who(rule.by)));
    }
    text.push_str("```\n\n");
    let table = LimitTable::default();
    for Clock { limit, runs, stands } in machine.clocks {
        let length = table.get(*limit);
        let extension = if length.extension > 0 {
            format!("，可延长 {} 个", length.extension)
        } else {
            String::new()
        };
        let pause =
            if stands.is_empty() { String::new() } else { format!("；{}期间停止计算", names(stands)) };
        writeln!(
            text,
            "- 期限 `{limit:?}`：{}期间计算，{} 个工作日{extension}{pause}（{}）",
            names(runs),
            length.days,
            length.source
        )
        .unwrap();
    }
    text
}

#[test]
fn the_documented_diagrams_are_those_of_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/WORKFLOW.md");
    let text = HEAD.to_owned() + &MatterKind::ALL.iter().map(|kind| section(*kind)).collect::<String>();
    if std::env::var_os("UPDATE_WORKFLOW").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "WORKFLOW.md is not that of the tables: UPDATE_WORKFLOW=1 rewrites it");
}
