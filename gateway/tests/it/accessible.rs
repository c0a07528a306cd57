//! The queue page before axe-core (every state, both languages, light and dark, phone and desktop), and how its text
//! stands out from what the sky paints behind it, which axe cannot tell.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{fs, thread};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use devkit::{Scratch, find_program};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::browser::site;
use crate::gateway::Gateway;
use crate::origin::Origin;
use crate::preview::{Preview, written};
use crate::window::Window;

/// The checker, from the npm registry that this machine is set up for, kept under `.data/tools`.
const AXE: &str = "axe-core@4.14.0";
/// SHA-256 of its one file.
const AXE_SHA256: &str = "20c09fe157a8a34a30e241aaa1fcdade657734f08ab379ecfbeb7d45cc46e878";
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 800)];
/// The narrowest phone.
const NARROW: (u32, u32) = (320, 640);
const THEMES: [&str; 2] = ["light", "dark"];

/// The checker's source.
fn axe() -> String {
    let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.data/tools");
    let file = tools.join(format!("{AXE}.min.js"));
    let known = |text: &String| {
        let digest = Sha256::digest(text);
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            == AXE_SHA256
    };
    if let Some(text) = fs::read_to_string(&file).ok().filter(known) {
        return text;
    }
    let text = fetch_axe();
    assert!(
        known(&text),
        "{AXE} from the npm registry is not the one that this test knows: its SHA-256 differs"
    );
    // Whole or not at all, whoever else fetches it now.
    let fresh = tools.join(format!("{AXE}.{}", std::process::id()));
    let kept = fs::create_dir_all(&tools)
        .and_then(|()| fs::write(&fresh, &text))
        .and_then(|()| fs::rename(&fresh, &file));
    kept.unwrap_or_else(|error| panic!("cannot keep {}: {error}", file.display()));
    text
}

fn fetch_axe() -> String {
    let npm = find_program("npm")
        .expect("npm is missing, and with it the accessibility checker: install npm");
    let scratch = Scratch::new("axe").expect("a directory");
    let mut pack = Command::new(npm);
    pack.args(["pack", "--silent", "--ignore-scripts", AXE])
        .current_dir(scratch.path())
        .stdin(Stdio::null());
    let packed = pack.output().expect("npm runs");
    assert!(
        packed.status.success(),
        "the npm registry cannot be reached, so the accessibility of the queue page cannot be checked: {}",
        String::from_utf8_lossy(&packed.stderr)
    );
    let archive = String::from_utf8_lossy(&packed.stdout).trim().to_owned();
    let mut unpack = Command::new("tar");
    unpack
        .args(["-xzOf", &archive, "package/axe.min.js"])
        .current_dir(scratch.path());
    let unpacked = unpack.output().expect("tar runs");
    String::from_utf8(unpacked.stdout).expect("a script is text")
}

fn states() -> Vec<String> {
    let entries = fs::read_dir(written()).expect("readable");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let mut states: Vec<String> = names
        .filter_map(|name| Some(name.strip_prefix("en-")?.strip_suffix(".html")?.to_owned()))
        .collect();
    states.sort();
    states
}

/// Looks at the page as on such a device.
fn look(window: &Window, (width, height): (u32, u32), theme: &str) {
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    window.chromium("Emulation.setDeviceMetricsOverride", &size);
    let features = json!({ "features": [
        { "name": "prefers-color-scheme", "value": theme }, { "name": "prefers-reduced-motion", "value": "reduce" },
    ] });
    window.chromium("Emulation.setEmulatedMedia", &features);
}

/// What axe, which the page has loaded, finds in the page as it is.
fn axe_says(window: &Window) -> Vec<Value> {
    let found = window.run_until_called(
        "const done = arguments[0];
         for (const part of document.querySelectorAll('details')) part.open = true;
         axe.run().then(
             found => done((found.passes.length < 9 ? ['hardly anything was checked'] : []).concat(found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | ')))),
             error => done([String(error)]))",
    );
    let told = found.as_array();
    told.unwrap_or_else(|| panic!("{found}")).clone()
}

fn check_with_axe(language: &str, preview: &Preview, axe: &str) -> Vec<String> {
    let window = Window::open();
    window.prepare("window.refused = []; addEventListener('securitypolicyviolation', event => refused.push(event.violatedDirective))");
    window.prepare(axe);
    let mut complaints = Vec::new();
    for state in states() {
        window.go(&preview.url(&format!("/{language}/{state}?still")));
        window.until("document.readyState === 'complete'");
        for (size, theme) in SIZES
            .into_iter()
            .flat_map(|size| THEMES.map(|theme| (size, theme)))
        {
            look(&window, size, theme);
            let told = axe_says(&window);
            complaints.extend(
                told.iter()
                    .map(|what| format!("{language} {state} {theme} {size:?}: {what}")),
            );
        }
        for direction in ["ltr", "rtl"] {
            look(&window, NARROW, "light");
            let wide = window.run(&format!(
                "document.documentElement.dir = '{direction}'; return document.documentElement.scrollWidth - innerWidth"
            ));
            if wide.as_i64().is_none_or(|wide| wide > 0) {
                complaints.push(format!(
                    "{language} {state} {direction}: {wide} wider than {NARROW:?}"
                ));
            }
        }
        let refused = window.run("return refused");
        if refused != json!([]) {
            complaints.push(format!("{language} {state}: the policy refused {refused}"));
        }
    }
    complaints
}

#[test]
fn axe_finds_nothing_in_any_state() {
    let (axe, preview) = (axe(), Preview::serve());
    let complaints = thread::scope(|scope| {
        let both =
            ["ko", "en"].map(|language| scope.spawn(|| check_with_axe(language, &preview, &axe)));
        both.map(|one| one.join().expect("no panic")).concat()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn axe_finds_nothing_in_the_page_by_which_a_place_moves() {
    let origin = Origin::named("shop");
    let site = site(&origin, "capacity: { active: 1 }", "{ kind: memory }");
    let gateway = Gateway::start(&site.rest.replace("a.test", "127.0.0.1"));
    let window = Window::open();
    window.prepare(&axe());
    window.go(&format!(
        "http://{}/.fluxgate/sale/move/K7QM-2X9P",
        gateway.http
    ));
    for ask in ["", "document.querySelector('button').click()"] {
        window.run(ask);
        window.until("document.readyState === 'complete'");
        for (size, theme) in SIZES.into_iter().zip(THEMES) {
            look(&window, size, theme);
            assert_eq!(axe_says(&window), Vec::<Value>::new(), "{ask:?} {theme}");
        }
    }
    // The button's own form is heard: another answer than the question comes back.
    window.shows("no longer works");
}

/// Measures from two pictures, one with its text made invisible.
const CONTRAST: &str = include_str!("contrast.js");

#[test]
fn text_stands_out_from_the_sky_however_high_the_sun() {
    let preview = Preview::serve();
    let window = Window::open();
    let mut complaints = Vec::new();
    // Where the sun stands, in hundredths of the way; only a line moves it.
    let scenes = [
        ("waiting_all", [0, 30, 50, 70, 90, 100].as_slice()),
        ("paused", &[50, 90]),
        ("called", &[0]),
        ("sold_out", &[0]),
        ("closed", &[0]),
        ("not_open_lottery", &[0]),
        ("drawing", &[0]),
        ("left", &[0]),
        ("admitted", &[0]),
    ];
    for (state, way) in scenes {
        window.go(&preview.url(&format!("/en/{state}?still")));
        for (size, theme) in SIZES
            .into_iter()
            .flat_map(|size| THEMES.map(|theme| (size, theme)))
        {
            look(&window, size, theme);
            for part in way {
                let lifts = ["waiting_all", "paused"].contains(&state);
                let sun = if lifts {
                    format!("{}", 0.12 + 0.8 * f64::from(*part) / 100.0)
                } else {
                    String::new()
                };
                window.run(&format!(
                    "document.documentElement.style.setProperty('--p', '{sun}')"
                ));
                for what in low_contrast(&window) {
                    complaints.push(format!("{state} {theme} {size:?} at {part}%: {what}"));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn low_contrast(window: &Window) -> Vec<String> {
    let boxes = window.run(&format!("{CONTRAST}; return hideText()"));
    let shot = window.chromium(
        "Page.captureScreenshot",
        &json!({ "captureBeyondViewport": true }),
    );
    let png = shot["data"].as_str().expect("a picture");
    assert!(STANDARD.decode(png).is_ok(), "{png:.40}");
    let found = window.run_until_called(&format!(
        "{CONTRAST}; measure('{png}', {boxes}).then(arguments[0], arguments[0])"
    ));
    let told = found.as_array().unwrap_or_else(|| panic!("{found}"));
    told.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
