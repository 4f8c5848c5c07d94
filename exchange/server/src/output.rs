//! What people and scripts see of a command: tables, JSON, errors with what to do.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog_core::{Error, ErrorCode, Fault};
use openapi_portal::{Language, told};
use owo_colors::OwoColorize as _;
use serde_json::json;

use crate::cli::Global;

/// Prints the error, in colour for people or as JSON for scripts, and gives the exit status.
///
/// 2 is bad input, 3 a refusal, 1 everything else.
pub(crate) fn fail(error: &Error, as_json: bool) -> ExitCode {
    tracing::debug!(internal = error.internal_cause(), "command failed");
    let mut stderr = anstream::stderr().lock();
    // Scripts read the same everywhere; people read their own language.
    let error =
        &if as_json { error.clone() } else { in_language(error, language(|name| std::env::var(name).ok())) };
    // Nothing is left to be done where even the error can't be printed.
    let _ = if as_json { fail_json(&mut stderr, error) } else { fail_text(&mut stderr, error) };
    ExitCode::from(match error.code.fault() {
        Fault::Input => 2,
        Fault::Refusal => 3,
        Fault::State | Fault::Server => 1,
    })
}

/// The language of messages, as the locale says it; each in the one that it is written in where that says neither.
fn language(variable: impl Fn(&str) -> Option<String>) -> Option<Language> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set)?;
    match locale {
        locale if locale.starts_with("zh") => Some(Language::Chinese),
        locale if locale.starts_with("en") => Some(Language::English),
        _ => None,
    }
}

/// What a service says, in the reader's language.
pub(crate) fn in_words(message: &str) -> String {
    match language(|name| std::env::var(name).ok()) {
        Some(language) => told(message, language).into_owned(),
        None => message.to_owned(),
    }
}

fn in_language(error: &Error, language: Option<Language>) -> Error {
    let mut error = error.clone();
    if let Some(language) = language {
        error.message = told(&error.message, language).into_owned();
        for problem in &mut error.problems {
            problem.message = told(&problem.message, language).into_owned();
        }
    }
    error
}

fn fail_json(out: &mut impl std::io::Write, error: &Error) -> std::io::Result<()> {
    let body = json!({ "code": error.code, "message": error.message, "problems": error.problems });
    writeln!(out, "{body}")
}

fn fail_text(out: &mut impl std::io::Write, error: &Error) -> std::io::Result<()> {
    writeln!(out, "{} {} {}", "error".red().bold(), format!("[{}]", error.code).dimmed(), error.message)?;
    for problem in &error.problems {
        writeln!(out, "  {} {} {}", problem.at.yellow(), problem.rule.dimmed(), problem.message)?;
    }
    match error.internal_cause() {
        Some(cause) => writeln!(out, "  {} {cause}", "cause".dimmed()),
        None => Ok(()),
    }
}

/// Prints the help, or what is wrong with the words of the command: status 2, and JSON where the words ask for it.
pub(crate) fn usage(found: &clap::Error) -> ExitCode {
    let as_json = std::env::args_os().any(|word| word == "--json");
    if found.exit_code() == 0 || !as_json {
        // Nothing is left to be done where even this can't be printed.
        let _ = found.print();
        return ExitCode::from(u8::try_from(found.exit_code()).unwrap_or(2));
    }
    let text = found.render().to_string();
    fail(&Error::new(ErrorCode::InvalidInput, text.trim().trim_start_matches("error: ")), true)
}

/// Whether lines for people are left out.
static DOCUMENTS_ALONE: AtomicBool = AtomicBool::new(false);

/// From here on nothing but documents is printed: a script reads along.
pub(crate) fn documents_alone() {
    DOCUMENTS_ALONE.store(true, Ordering::Relaxed);
}

/// Prints a line for people; a closed pipe is nobody's error.
pub(crate) fn line(text: impl std::fmt::Display) {
    if !DOCUMENTS_ALONE.load(Ordering::Relaxed) {
        print(text);
    }
}

fn print(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints a line beside the answer, on standard error: the answer may be read by a program.
pub(crate) fn aside(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{}", text.dimmed());
}

/// Prints a JSON document.
pub(crate) fn document(value: &impl serde::Serialize) {
    print(serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Prints a heading of the tour.
pub(crate) fn heading(text: &str) {
    line(format!("\n{} {}", "▍".cyan(), text.bold()));
}

/// Prints what has been done.
pub(crate) fn done(text: impl std::fmt::Display) {
    line(format!("{} {text}", "✓".green()));
}

/// Prints what works and needs attention.
pub(crate) fn doubt(text: impl std::fmt::Display) {
    line(format!("{} {text}", "!".yellow()));
}

/// Prints what is wrong.
pub(crate) fn bad(text: impl std::fmt::Display) {
    line(format!("{} {text}", "✗".red()));
}

/// Prints what has been done: for people a line, for scripts a document.
pub(crate) fn outcome(global: &Global, document_of_it: &impl serde::Serialize, text: impl std::fmt::Display) {
    match global.json {
        true => document(document_of_it),
        false => done(text),
    }
}

/// Prints one value alone, for people to copy, or as the one field of a document.
pub(crate) fn plain(global: &Global, name: &str, value: impl std::fmt::Display) {
    match global.json {
        true => document(&json!({ name: value.to_string() })),
        false => line(value),
    }
}

/// Prints a step of several for people alone.
pub(crate) fn done_unless_json(global: &Global, text: impl std::fmt::Display) {
    if !global.json {
        done(text);
    }
}

/// Prints a document for scripts alone.
pub(crate) fn document_if_json(global: &Global, value: &impl serde::Serialize) {
    if global.json {
        document(value);
    }
}

/// Prints rows under headings, columns aligned by their width on the screen.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = headings.iter().map(|text| width(text)).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate().take(widths.len()) {
            widths[column] = widths[column].max(width(cell));
        }
    }
    let padded = |cells: &[String]| {
        let cell = |(text, wide): (&String, &usize)| {
            format!("{text}{}", " ".repeat(wide.saturating_sub(width(text))))
        };
        cells.iter().zip(&widths).map(cell).collect::<Vec<_>>().join("  ")
    };
    let headings: Vec<_> = headings.iter().map(|text| (*text).to_owned()).collect();
    line(format!("  {}", padded(&headings).bold()));
    for row in rows {
        line(format!("  {}", padded(row)));
    }
}

/// Columns that a text takes on a terminal: Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffef}') { 2 } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    use catalog_core::Problem;

    use super::*;

    #[test]
    fn errors_are_in_the_language_of_the_locale() {
        let at = |set: &[(&str, &str)]| {
            language(|name| {
                set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(at(&[("LANG", "zh_CN.UTF-8")]), Some(Language::Chinese));
        assert_eq!(at(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "C")]), Some(Language::Chinese));
        assert_eq!(at(&[("LC_ALL", "C.UTF-8"), ("LANG", "zh_CN.UTF-8")]), None, "LC_ALL goes first");
        assert_eq!(at(&[("LANG", "en_US.UTF-8")]), Some(Language::English));
        assert_eq!(at(&[]), None);
        let problem = Problem::new("id", "format", "give the full Chinese name");
        let error = Error::not_found("matter 7").with_problems(vec![problem]);
        let chinese = in_language(&error, at(&[("LANG", "zh_CN.UTF-8")]));
        assert_eq!(
            (chinese.message.as_str(), chinese.problems[0].message.as_str()),
            ("没有办件 7", "请填写中文全称")
        );
        assert_eq!((chinese.code, &chinese.problems[0].at), (error.code, &error.problems[0].at));
        assert_eq!(in_language(&error, None), error);
    }
}
