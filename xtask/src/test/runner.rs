//! Running `cargo test` so that a person can follow: a line for each test program, and all it printed
//! only where something failed.

use super::count::Count;
use super::programs::Programs;
use std::io::{BufRead, BufReader, pipe};
use std::process::Command;

/// Runs it, prints as it goes, and counts.
pub(super) fn run(mut command: Command, programs: &Programs) -> Result<Count, String> {
    let failed = |error: std::io::Error| format!("cannot run cargo test: {error}");
    let (reader, writer) = pipe().map_err(failed)?;
    // One pipe for both streams keeps their order.
    command
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // The command holds ends of the pipe, which would never be closed otherwise.
    drop(command);
    let mut report = Report::of(programs);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(failed)?;
        report.line(&String::from_utf8_lossy(&line), &mut |line| {
            println!("{line}")
        });
    }
    let status = child.wait().map_err(failed)?;
    Ok(report.finish(status.success(), &mut |line| println!("{line}")))
}

/// What has been read so far.
#[derive(Debug)]
struct Report<'a> {
    programs: &'a Programs,
    total: Count,
    /// The program whose lines come now.
    program: String,
    /// What it printed.
    lines: Vec<String>,
}

impl<'a> Report<'a> {
    fn of(programs: &'a Programs) -> Self {
        Self {
            programs,
            total: Count::default(),
            program: String::new(),
            lines: Vec::new(),
        }
    }

    fn line(&mut self, line: &str, print: &mut dyn FnMut(&str)) {
        if let Some(program) = program(line, self.programs) {
            self.program = program;
            self.lines.clear();
            return;
        }
        self.lines.push(line.to_owned());
        let Some(count) = Count::read(line) else {
            return;
        };
        self.total = self.total + count;
        if count.failed > 0 {
            self.lines
                .iter()
                .for_each(|line| print(&format!("    {line}")));
        }
        if count != Count::default() {
            print(&format!("  {}: {count}{}", self.program, after(line)));
        }
        self.lines.clear();
    }

    /// The whole count. Cargo may fail without a failed test: a program that was killed has no last
    /// line.
    fn finish(self, success: bool, print: &mut dyn FnMut(&str)) -> Count {
        if success || self.total.failed > 0 {
            return self.total;
        }
        self.lines
            .iter()
            .for_each(|line| print(&format!("    {line}")));
        print(&format!("  {}: ended before its tests did", self.program));
        self.total + Count::FAILED
    }
}

/// Whose lines follow: `     Running tests/it/main.rs (target/debug/deps/it-0f)` or
/// `   Doc-tests policies`.
fn program(line: &str, programs: &Programs) -> Option<String> {
    let line = line.trim_start();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{package}, documentation"));
    }
    let (source, path) = line.strip_prefix("Running ")?.split_once(" (")?;
    let file = path.trim_end_matches(')').rsplit('/').next()?;
    let package = programs.get(file).map_or(file, String::as_str);
    let source = source.strip_prefix("unittests ").unwrap_or(source);
    Some(format!("{package}, {source}"))
}

/// How long it took, from its last line.
fn after(line: &str) -> String {
    let took = line
        .rsplit_once("finished in ")
        .map(|(_, took)| format!(" ({took})"));
    took.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str, success: bool) -> (Count, Vec<String>) {
        let programs = Programs::from([("it-1a".to_owned(), "fluxpay".to_owned())]);
        let (mut report, mut printed) = (Report::of(&programs), Vec::new());
        let mut print = |line: &str| printed.push(line.to_owned());
        text.lines().for_each(|line| report.line(line, &mut print));
        let count = report.finish(success, &mut print);
        (count, printed)
    }

    const GOOD: &str = "     Running unittests src/lib.rs (target/debug/deps/devkit-0f)
running 2 tests
test a ... ok
test b ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.03s";
    const BAD: &str = "     Running tests/it/main.rs (target/debug/deps/it-1a)
running 1 test
test c ... FAILED
thread 'c' panicked at x.rs:1:1
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 6.54s";

    #[test]
    fn a_program_that_passes_is_one_line() {
        let (count, printed) = report(GOOD, true);
        assert_eq!(count.to_string(), "2 passed, 0 failed");
        assert_eq!(
            printed,
            ["  devkit-0f, src/lib.rs: 2 passed, 0 failed (0.03s)"]
        );
    }

    #[test]
    fn one_that_fails_is_shown_whole() {
        let (count, printed) = report(&format!("{GOOD}\n{BAD}"), false);
        assert_eq!(count.to_string(), "2 passed, 1 failed");
        assert!(
            printed
                .iter()
                .any(|line| line.contains("thread 'c' panicked"))
        );
        assert_eq!(
            printed.last().unwrap(),
            "  fluxpay, tests/it/main.rs: 0 passed, 1 failed (6.54s)"
        );
    }

    #[test]
    fn one_that_was_killed_is_a_failure() {
        let killed = "     Running tests/it/main.rs (target/debug/deps/it-1a)\nrunning 1 test";
        let (count, printed) = report(&format!("{GOOD}\n{killed}"), false);
        assert_eq!(count.to_string(), "2 passed, 1 failed");
        assert!(
            printed
                .last()
                .unwrap()
                .contains("ended before its tests did")
        );
    }
}
