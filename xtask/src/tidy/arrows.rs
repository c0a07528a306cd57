//! Who may depend on whom, as data: crates, the core's modules, the gateway's steps.

use super::Complaint;
use super::source::Source;
use super::tree::{TextFile, Tree};

/// Our crates: folder, package, and which of ours it may depend on. The two services share no crate:
/// they meet on HTTP.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("lua-free-policies", "policies", &[]),
    ("waiting-room", "waiting-room", &["policies"]),
    ("gateway", "fluxgate", &["policies", "waiting-room"]),
    ("core-api", "fluxpay", &[]),
    ("psp-sim", "psp-sim", &[]),
    ("sdk/demo-shop", "demo-shop", &[]),
    ("loadtest", "loadtest", &[]),
    ("loadtest/compare/bare-pingora", "bare-pingora", &[]),
    ("devkit", "devkit", &[]),
    ("xtask", "xtask", &["devkit"]),
    ("fuzz", "fluxgate-fuzz", &["waiting-room"]),
];
/// What tests of any crate may use besides.
const FOR_TESTS: &[&str] = &["devkit", "psp-sim"];

/// The core's modules, highest level first: an arrow only leads to a lower level.
const CORE_LEVELS: &[&[&str]] = &[
    &[
        "main",
        "lib",
        "app",
        "router",
        "worker",
        "admin",
        "config",
        "provision",
    ],
    &["report", "retention"],
    &["subscription", "checkout", "exchange"],
    &["order", "payment", "credit", "usage"],
    &["ledger", "method", "psp", "consent"],
    &["tenant"],
    &["http", "saga", "event", "audit", "metrics"],
    &["db"],
    &["money", "id", "clock"],
];
/// Arrows allowed within a level.
const CORE_BESIDE: &[(&str, &str)] = &[
    ("usage", "credit"),
    // A top-up charges.
    ("credit", "payment"),
    ("payment", "order"),
    ("checkout", "subscription"),
    // An id is time-ordered.
    ("id", "clock"),
];
/// What a domain's `state.rs` may see: values, so that it stays a pure table.
const CORE_VALUES: &[&str] = &["money", "id", "clock"];

/// The gateway's steps in the order a request meets them: a step sees what earlier ones found out,
/// never a later one.
const STEPS: &[&str] = &[
    "accept", "identify", "policy", "room", "route", "respond", "observe",
];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let manifests = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml"));
    let crates = manifests.flat_map(manifest);
    let core = tree
        .sources
        .iter()
        .filter(|source| source.path.starts_with("core-api/src/"));
    let steps = tree
        .sources
        .iter()
        .filter(|source| source.path.starts_with("gateway/src/step/"));
    crates
        .chain(core.flat_map(core_module))
        .chain(steps.flat_map(step))
        .collect()
}

fn manifest(file: &TextFile) -> Vec<Complaint> {
    let folder = file
        .path
        .trim_end_matches("Cargo.toml")
        .trim_end_matches('/');
    if folder.is_empty() {
        return Vec::new();
    }
    let Some((_, package, allowed)) = CRATES.iter().find(|(known, ..)| *known == folder) else {
        let text = "this crate has no place: give it one in CRATES in xtask/src/tidy/arrows.rs";
        return vec![Complaint::new(&file.path, 1, text)];
    };
    let mut complaints = Vec::new();
    for (line, section, name) in dependencies(&file.text) {
        let ours = CRATES.iter().any(|(_, known, _)| *known == name);
        let for_tests = section.contains("dev-dependencies");
        let fine =
            allowed.contains(&name) || for_tests && (FOR_TESTS.contains(&name) || name == *package);
        if ours && !fine {
            let text = format!(
                "{package} may not depend on {name}: see CRATES in xtask/src/tidy/arrows.rs"
            );
            complaints.push(Complaint::new(&file.path, line, text));
        }
    }
    complaints
}

/// Line, section and name of each dependency: `name.workspace = true`, `name = { package = "real" }`
/// or a table `[dependencies.name]`.
fn dependencies(text: &str) -> Vec<(usize, &str, &str)> {
    let mut found = Vec::new();
    let mut section = "";
    for (i, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            let table = section.split_once("dependencies.").map(|(_, name)| name);
            found.extend(table.map(|name| (i + 1, section, name)));
            continue;
        }
        if !section.contains("dependencies") {
            continue;
        }
        let renamed = line
            .split_once("package = \"")
            .and_then(|(_, rest)| rest.split('"').next());
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let is_list = section.ends_with("dependencies");
        found.extend(
            renamed
                .or(Some(name).filter(|_| is_list))
                .map(|name| (i + 1, section, name)),
        );
    }
    found
}

fn core_module(source: &Source) -> Vec<Complaint> {
    let path = source
        .path
        .trim_start_matches("core-api/src/")
        .trim_end_matches(".rs");
    let own = path.split('/').next().unwrap_or(path);
    let Some(level) = core_level(own) else {
        let text =
            format!("the module `{own}` has no level: give it one in xtask/src/tidy/arrows.rs");
        return vec![Complaint::new(&source.path, 1, text)];
    };
    let is_state = path.ends_with("/state");
    let mut complaints = Vec::new();
    for (line, other) in imports(source) {
        let Some(below) = core_level(&other) else {
            continue;
        };
        let beside = CORE_BESIDE.contains(&(own, other.as_str()));
        // The wiring level is one: it sees itself.
        let wiring = level == 0 && below == 0;
        let complaint = if is_state && other != own && !CORE_VALUES.contains(&other.as_str()) {
            format!("a state machine sees values only, not `{other}`")
        } else if other == own || below > level || beside || wiring {
            continue;
        } else {
            format!(
                "`{own}` may not use `{other}`, which is above or beside it: turn the arrow round, or record a named saga step"
            )
        };
        complaints.push(Complaint::new(&source.path, line, complaint));
    }
    complaints
}

fn core_level(module: &str) -> Option<usize> {
    CORE_LEVELS.iter().position(|level| level.contains(&module))
}

fn step(source: &Source) -> Vec<Complaint> {
    let path = source
        .path
        .trim_start_matches("gateway/src/step/")
        .trim_end_matches(".rs");
    let own = path.split('/').next().unwrap_or(path);
    let place = |step: &str| STEPS.iter().position(|known| *known == step);
    let Some(here) = place(own) else {
        let text =
            format!("the step `{own}` has no place: give it one in xtask/src/tidy/arrows.rs");
        return vec![Complaint::new(&source.path, 1, text)];
    };
    let lines = source.code.iter().enumerate();
    let outside = lines.filter(|(i, _)| !source.is_test_line(i + 1));
    outside
        .filter_map(|(i, code)| {
            let (_, after) = code.split_once("step::")?;
            let other = after
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()?;
            let text = format!("`{own}` comes before `{other}` and may not use it");
            (place(other)? > here).then(|| Complaint::new(&source.path, i + 1, text))
        })
        .collect()
}

/// Line and name of each of the crate's own modules that code outside tests uses, by a path from
/// the root or by one that climbs to it.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let climb = "super::".repeat(depth(&source.path));
    let mut found = Vec::new();
    for (i, code) in source.code.iter().enumerate() {
        if source.is_test_line(i + 1) {
            continue;
        }
        for root in ["crate::", climb.as_str()] {
            for (at, _) in code.match_indices(root) {
                let rest = &code[at + root.len()..];
                if rest.starts_with('{') {
                    found.extend(group(source, i, at + root.len()));
                } else {
                    found.extend(first_word(rest).map(|name| (i + 1, name)));
                }
            }
        }
    }
    found
}

/// How many modules a file is below its crate's root: `order.rs` 1, `order/sql.rs` 2.
fn depth(path: &str) -> usize {
    path.split_once("/src/")
        .map_or(1, |(_, below)| below.split('/').count())
}

/// The first name of each entry of a `crate::{…}` that opens at this place and may end lines below.
fn group(source: &Source, line: usize, column: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut depth, mut expected) = (0, false);
    for (i, code) in source.code.iter().enumerate().skip(line) {
        let from = if i == line { column } else { 0 };
        for (at, c) in code.char_indices().skip_while(|(at, _)| *at < from) {
            match c {
                '{' => (depth, expected) = (depth + 1, depth == 0),
                '}' => depth -= 1,
                ',' => expected = depth == 1,
                _ if expected && !c.is_whitespace() => {
                    found.extend(first_word(&code[at..]).map(|name| (i + 1, name)));
                    expected = false;
                }
                _ => {}
            }
            if depth == 0 {
                return found;
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::fixture(&[(path, text)]))
            .into_iter()
            .map(|complaint| complaint.to_string())
            .collect()
    }

    #[test]
    fn the_services_share_no_crate() {
        let text = "[package]\nname = \"fluxpay\"\n[dependencies]\npolicies.workspace = true\n";
        let found = found("core-api/Cargo.toml", text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("core-api/Cargo.toml:4: fluxpay may not depend on policies"));
    }

    #[test]
    fn tests_may_have_private_servers() {
        let text = "[dev-dependencies]\ndevkit.workspace = true\n";
        assert!(found("core-api/Cargo.toml", text).is_empty());
        assert_eq!(
            found("core-api/Cargo.toml", &text.replace("dev-", "")).len(),
            1
        );
    }

    #[test]
    fn arrows_lead_down() {
        let down =
            "use crate::ledger::post;\nuse crate::{order, http::{self, problem}, money::Money};";
        assert!(found("core-api/src/payment/commands.rs", down).is_empty());
        let up = "use crate::money;\nuse crate::{\n    http,\n    payment::Payment,\n};";
        let found = found("core-api/src/ledger/sql.rs", up);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("core-api/src/ledger/sql.rs:4: `ledger` may not use `payment`")
        );
    }

    #[test]
    fn climbing_to_the_root_is_no_way_round() {
        let found = found(
            "core-api/src/ledger/sql.rs",
            "use super::super::payment::Payment;\nuse super::Ledger;",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(":1: `ledger` may not use `payment`"));
    }

    #[test]
    fn other_ways_to_name_a_dependency_are_seen() {
        for text in [
            "[dependencies.demo-shop]\npath = \"x\"",
            "[dependencies]\nx = { package = \"policies\" }",
        ] {
            assert_eq!(found("core-api/Cargo.toml", text).len(), 1, "{text}");
        }
        assert!(
            found(
                "core-api/Cargo.toml",
                "[dependencies.serde]\nversion = \"1\""
            )
            .is_empty()
        );
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        assert!(found("sdk/extra/Cargo.toml", "[package]")[0].contains("no place"));
        assert!(found("Cargo.toml", "[workspace]").is_empty());
    }

    #[test]
    fn beside_only_where_listed() {
        assert!(found("core-api/src/payment.rs", "use crate::order::Order;").is_empty());
        assert_eq!(
            found("core-api/src/order.rs", "use crate::payment::Payment;").len(),
            1
        );
    }

    #[test]
    fn tests_may_look_anywhere() {
        let text = "#[cfg(test)]\nmod tests {\n    use crate::app::App;\n}";
        assert!(found("core-api/src/money.rs", text).is_empty());
    }

    #[test]
    fn a_state_machine_sees_values_only() {
        let found = found(
            "core-api/src/payment/state.rs",
            "use crate::money::Money;\nuse crate::db::Db;",
        );
        assert!(
            found[0].contains("values only") && found.len() == 1,
            "{found:?}"
        );
    }

    #[test]
    fn a_new_module_needs_a_level() {
        assert!(found("core-api/src/loyalty/points.rs", "")[0].contains("no level"));
    }

    #[test]
    fn no_step_knows_a_later_one() {
        assert!(
            found(
                "gateway/src/step/route.rs",
                "use crate::step::identify::Caller;"
            )
            .is_empty()
        );
        let found = found("gateway/src/step/policy.rs", "use crate::step::room;");
        assert!(
            found[0].contains("`policy` comes before `room`"),
            "{found:?}"
        );
    }
}
