//! Which crate a test program belongs to. Most are called `it`, and `cargo test` names only the
//! source file; the messages of the build know more.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// Crate by the file name of its test program.
pub(super) type Programs = BTreeMap<String, String>;

/// Builds with `command`, a `cargo test --no-run` with messages in JSON. Progress and diagnostics go
/// to our own terminal.
pub(super) fn build(mut command: Command) -> Result<Programs, String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run cargo test: {error}"))?;
    if !output.status.success() {
        return Err(format!("compiling the tests failed ({})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(program)
        .collect())
}

/// File name and crate, from the message about one artifact.
fn program(message: &str) -> Option<(String, String)> {
    let file = value(message, "executable")?.rsplit('/').next()?;
    let (path, version) = value(message, "package_id")?.rsplit_once('#')?;
    // `…/core-api#fluxpay@0.1.0` where folder and crate differ, else `…/devkit#0.1.0`.
    let package = version.split_once('@').map(|(name, _)| name);
    let package = package.or_else(|| path.rsplit('/').next())?;
    Some((file.to_owned(), package.to_owned()))
}

/// The text of a member of a JSON object in cargo's own, regular form.
fn value<'a>(object: &'a str, member: &str) -> Option<&'a str> {
    let (_, rest) = object.split_once(&format!("\"{member}\":\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_of_a_program_is_known() {
        let message = |id: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{id}","target":{{"name":"it"}},"executable":{executable},"fresh":true}}"#
            )
        };
        let it = r#""/x/target/debug/deps/it-0f""#;
        let named = |name: &str| Some(("it-0f".to_owned(), name.to_owned()));
        let own = message("path+file:///x/core-api#fluxpay@0.1.0", it);
        assert_eq!(program(&own), named("fluxpay"));
        assert_eq!(
            program(&message("path+file:///x/devkit#0.1.0", it)),
            named("devkit")
        );
        assert_eq!(
            program(&message("path+file:///x/devkit#0.1.0", "null")),
            None
        );
        assert_eq!(
            program(r#"{"reason":"build-finished","success":true}"#),
            None
        );
    }
}
