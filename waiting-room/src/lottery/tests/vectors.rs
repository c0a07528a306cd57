//! The vectors are a contract with every record in the world: they must not change within version 1.
//!
//! They were made in Python from the descriptions in the RFCs and in this module's head, by a program
//! that shares nothing with the one that checks them here nor with the script of the guide.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/lottery")
}

/// Name and text of every proof.
fn proofs() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder()).expect("the vectors are there");
    let files = entries.map(|entry| entry.expect("a folder that can be read").path());
    let mut proofs: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| (path.clone(), fs::read_to_string(path).expect("text")))
        .collect();
    proofs.sort();
    assert_eq!(proofs.len(), 24);
    proofs
}

#[test]
fn the_frozen_proofs_are_made_again_to_the_letter() {
    let million = tree(1_000_000);
    for (path, text) in proofs() {
        let frozen = Record::from_json(&text).expect("a record");
        let proof = frozen.proof.as_ref().expect("with a proof");
        let tree = match frozen.count {
            1_000_000 => million.clone(),
            count => tree(count),
        };
        let made = Record {
            commitment: secret().commitment(),
            secret: secret().reveal(),
            digest: tree.digest(),
            beacon: frozen.beacon.as_ref().map(|_| beacon()),
            proof: tree.proof(proof.index, &frozen.draw()),
            ..frozen.clone()
        };
        assert_eq!(made.to_json(), text, "{}", path.display());
        assert!(verify(&text).is_ok(), "{}", path.display());
    }
    let kept: usize = million.kept.iter().map(|level| level.len() * 32).sum();
    assert!(kept <= 2_100_000, "{kept} bytes for a million tickets");
}

/// `FILE SEED: INDEX:PLACE ...`: all places of the short lists, some of the long one.
#[test]
fn the_frozen_places_are_drawn_again() {
    let text = fs::read_to_string(folder().join("places.txt")).expect("the vectors are there");
    assert_eq!(text.lines().count(), 20);
    for line in text.lines() {
        let (head, places) = line.split_once(": ").expect("a head");
        let (file, seed) = head.split_once(' ').expect("a file and a seed");
        let json = fs::read_to_string(folder().join(file)).expect("the proof is there");
        let draw = Record::from_json(&json).expect("a record").draw();
        assert_eq!(draw.seed().to_string(), seed, "{file}");
        for drawn in places.split(' ') {
            let (index, place) = drawn.split_once(':').expect("an index and a place");
            let (index, place) = (index.parse().expect("a number"), place.parse().ok());
            assert_eq!(draw.place(index), place, "{file}: index {index}");
        }
    }
}

/// The script of the guide, on these files.
fn script(files: &[PathBuf]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lottery/verify.py");
    let output = Command::new("python3")
        .arg(script)
        .args(files)
        .output()
        .unwrap_or_else(|error| {
            panic!("python3 cannot be started ({error}): install it, on Debian with `apt-get install python3`")
        });
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

#[test]
fn the_script_of_the_guide_agrees_with_every_proof() {
    let (files, texts): (Vec<_>, Vec<_>) = proofs().into_iter().unzip();
    let (success, said) = script(&files);
    assert!(success, "{said}");
    for (line, text) in said.lines().zip(texts) {
        let proof = Record::from_json(&text).expect("a record").proof;
        let place = proof.expect("with a proof").place;
        assert!(line.ends_with(&format!(": place {}", place + 1)), "{line}");
    }
    assert_eq!(said.lines().count(), files.len(), "{said}");
}

#[test]
fn the_script_of_the_guide_refuses_a_false_proof() {
    let honest = proven(50, 7);
    let place = honest.proof.as_ref().expect("made so").place;
    let json = honest.to_json();
    let falsified = [
        (
            json.replace("\"version\": 1", "\"version\": 2"),
            "another version",
        ),
        (
            json.replace(&honest.secret.to_string(), &honest.digest.to_string()),
            "committed to",
        ),
        (
            json.replace("\"index\": 7", "\"index\": 50"),
            "not in the list",
        ),
        (
            json.replace("\"index\": 7", "\"index\": 6"),
            "path does not lead",
        ),
        (
            json.replace(&format!("\"place\": {place}"), "\"place\": 50"),
            "drew place",
        ),
    ];
    let file = std::env::temp_dir().join(format!("fluxgate-lottery-{}.json", std::process::id()));
    for (text, complaint) in falsified {
        assert!(verify(&text).is_err(), "{text}");
        fs::write(&file, &text).expect("a place for temporary files");
        let (success, said) = script(std::slice::from_ref(&file));
        assert!(!success && said.contains(complaint), "{complaint}: {said}");
    }
    fs::remove_file(&file).expect("just written");
}
