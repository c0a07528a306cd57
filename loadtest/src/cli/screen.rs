//! Output: reports on stdout, one rewritten line of progress on stderr.

use std::io::{IsTerminal, Write};

use super::{Error, Ran};

/// Prints a report.
pub(super) fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a report file.
pub(super) fn save(file: Option<&str>, report: &serde_json::Value) -> Result<(), Error> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, format!("{report:#}\n"))
        .map_err(|error| format!("--json {file}: {error}").into())
}

/// Writes a report's page.
pub(super) fn save_text(file: Option<&str>, text: &str) -> Result<(), Error> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text).map_err(|error| format!("--html {file}: {error}").into())
}

/// Says what is off, or that nothing is.
pub(super) fn verdict(flaws: &[String]) -> Result<Ran, Error> {
    let told: String = flaws
        .iter()
        .map(|flaw| format!("  OFF   {flaw}\n"))
        .collect();
    if flaws.is_empty() {
        print("Every figure is as it should be.\n")?;
        return Ok(Ran::Fine);
    }
    print(&told)?;
    Ok(Ran::Off)
}

/// Shows how far things are: rewrites the line on a terminal, adds lines elsewhere.
pub(super) fn progress(line: &str) {
    let mut err = std::io::stderr().lock();
    // Progress is a courtesy: a closed stderr must not end a run.
    let _shown = if err.is_terminal() {
        write!(err, "\r\x1b[2K{line}")
    } else {
        writeln!(err, "{line}")
    };
}

/// Ends the progress line.
pub(super) fn progress_ends() {
    if std::io::stderr().is_terminal() {
        progress("");
    }
}
