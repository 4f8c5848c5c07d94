use clap::CommandFactory as _;

use super::*;

/// Splits as a shell does, as far as the examples go: quotes, and what follows `>` is no argument.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.split(" > ").next().unwrap().chars().chain([' ']) {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            c => word.push(c),
        }
    }
    words
}

fn check(path: &str, command: &clap::Command, found: &mut usize) {
    let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    for below in &below {
        check(&format!("{path} {}", below.get_name()), below, found);
    }
    if !below.is_empty() {
        return;
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples: Vec<_> = help.lines().filter(|line| line.starts_with("  shuqiao ")).collect();
    assert!(!examples.is_empty(), "`{path}` has no example");
    for example in examples {
        assert!(example.trim().starts_with(path), "`{example}` stands at `{path}`");
        if let Err(error) = Cli::try_parse_from(words(example.trim())) {
            panic!("`{example}` does not work: {error}");
        }
        *found += 1;
    }
}

#[test]
fn every_subcommand_has_examples_that_it_takes() {
    Cli::command().debug_assert();
    let mut command = Cli::command();
    command.build();
    let mut found = 0;
    check("shuqiao", &command, &mut found);
    assert!(found > 30, "{found}");
}

/// Base64url begins with `-` once in 64 times.
#[test]
fn ids_of_keys_may_begin_with_a_hyphen() {
    for id in ["-BPIUFSfF2ZHKwG5MiQDyHjPUY3HKvWpyfVYw4Hh1bI", "--PIUFSfF2ZHKwG5MiQDyHjPUY3HKvWpyfVYw4Hh1bI"] {
        let rotated =
            Cli::try_parse_from(["shuqiao", "key", "rotate", id, "new.pem", "--overlap-days", "3", "--json"]);
        let rotated = rotated.unwrap();
        assert!(rotated.global.json);
        let Command::Key(Key::Rotate(options)) = rotated.command else { panic!("another command") };
        assert_eq!((options.id.as_deref(), options.overlap_days), (Some(id), 3));
        let retired = Cli::try_parse_from(["shuqiao", "key", "retire", id, "--as", "gaj"]).unwrap();
        assert!(matches!(retired.command, Command::Key(Key::Retire { id: found }) if found == id));
    }
    let unknown = ["shuqiao", "key", "rotate", "--platforms"];
    assert!(Cli::try_parse_from(unknown).is_err(), "a wrong word is still told");
    let platform = Cli::try_parse_from(["shuqiao", "key", "rotate", "--platform"]).unwrap();
    assert!(matches!(platform.command, Command::Key(Key::Rotate(options)) if options.platform));
}

#[test]
fn every_shell_completes_every_subcommand() {
    use clap_complete::Shell;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "shuqiao", &mut script);
        let script = String::from_utf8(script).unwrap();
        for below in Cli::command().get_subcommands() {
            assert!(script.contains(below.get_name()), "{shell}: {}", below.get_name());
        }
    }
}
