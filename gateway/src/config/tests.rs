use super::*;

const SMALL: &str = "
listen: { http: 127.0.0.1:8080, admin: 127.0.0.1:9080 }
upstreams: { shop: { servers: [127.0.0.1:8100] } }
tenants:
  acme:
    hosts: [a.test]
    routes: [{ match: { path: /** }, to: shop }]
";

fn complaints(text: &str) -> Vec<String> {
    let told = Config::read(text).expect_err("wrong");
    told.iter().map(|one| one.render("f")).collect()
}

#[test]
fn the_manual_is_a_valid_configuration() {
    let config = Config::read(EXAMPLE).unwrap_or_else(|told| panic!("{told:#?}"));
    assert_eq!(config.tenants.len(), 1);
    assert_eq!(config.upstreams.len(), 2);
}

#[test]
fn the_manual_shows_the_defaults() {
    let manual = Config::read(EXAMPLE).expect("valid");
    let small = Config::read(SMALL).expect("valid");
    assert_eq!(manual.http, small.http);
    assert_eq!(manual.shutdown, small.shutdown);
    assert_eq!(manual.store, small.store);
    assert_eq!(manual.access_log, small.access_log);
    assert_eq!(manual.upstreams[0].settings, small.upstreams[0].settings);
    assert_eq!(manual.upstreams[0].balance, small.upstreams[0].balance);
}

#[test]
fn the_commented_parts_of_the_manual_are_valid_too() {
    let directory = std::env::temp_dir().join(format!("fluxgate-manual-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("creatable");
    let secret = directory.join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").expect("writable");
    let file = format!("{{ file: {} }}", secret.display());
    let uncommented: Vec<String> = EXAMPLE
        .lines()
        .map(|line| {
            let trimmed = line.trim_start();
            let indent = " ".repeat(line.len() - trimmed.len());
            let is_key = [
                "admin:",
                "  token:",
                "keys:",
                "  - {",
                "origin_secret:",
                "shares:",
                "  checkout",
                "rooms:",
                "  flash",
                "    ",
            ];
            match trimmed.strip_prefix("# ") {
                Some(code) if is_key.iter().any(|start| code.starts_with(start)) => {
                    format!("{indent}{code}")
                }
                _ => line.to_owned(),
            }
        })
        .collect();
    let text = uncommented
        .join("\n")
        .replace("{ env: FLUXGATE_ADMIN_TOKEN }", &file)
        .replace("{ file: .data/keys/token-1 }", &file)
        .replace("{ file: .data/keys/origin-acme }", &file);
    let config = Config::read(&text).unwrap_or_else(|told| panic!("{told:#?}\n{text}"));
    std::fs::remove_dir_all(&directory).expect("removable");
    assert_eq!(
        config.keys[0].secret.reveal(),
        b"0123456789abcdef0123456789abcdef"
    );
    assert!(config.has_rooms() && config.admin_token.is_some());
}

#[test]
fn every_bad_value_is_told_at_once() {
    let text = SMALL
        .replace("127.0.0.1:8080", "localhost:8080")
        .replace("a.test", "a.test:80")
        .replace("to: shop", "to: shpo")
        .replace("8100] }", "8100], timeout: 10 }");
    let told = complaints(&text);
    assert_eq!(
        told,
        [
            "f:2:17: `localhost:8080` is not an address with a port\n  hint: write it like 127.0.0.1:8080 or [::1]:8080 (no host names)",
            "f:3:58: `10` is not a length of time\n  hint: write it like 500ms, 30s, 10m, 2h or 1d",
            "f:6:13: `a.test:80` is not a host\n  hint: a host has no port here; write shop.acme.test or *.acme.test",
            "f:7:42: unknown upstream `shpo`\n  hint: did you mean `shop`?",
        ]
    );
}

#[test]
fn unknown_keys_are_told_with_a_guess() {
    let text = SMALL.replace("hosts:", "hots:");
    assert_eq!(
        complaints(&text),
        ["f:6:5: unknown key `hots`\n  hint: did you mean `hosts`?"]
    );
}

#[test]
fn what_could_never_happen_is_told() {
    let hidden = SMALL.replace(
        "to: shop }]",
        "to: shop }, { match: { path: /a/** }, to: shop }]",
    );
    assert!(complaints(&hidden)[0].contains("`/a/**` is never reached"));
    let twice = format!(
        "{SMALL}  other:\n    hosts: [A.test]\n    routes: [{{ match: {{ path: /** }}, to: shop }}]\n"
    );
    assert!(complaints(&twice)[0].contains("belongs to tenant `acme`"));
    let room = SMALL.replace(
        "    routes:",
        "    rooms: { r: { match: { path: /s/** }, capacity: {} } }\n    routes:",
    );
    assert!(
        complaints(&room)[0].contains("capacity.active"),
        "{:?}",
        complaints(&room)
    );
    let queued = room.replace("{} } }", "{ active: 1 }, queued_status: 301 } }");
    assert!(
        complaints(&queued)[0].contains("301 is no answer"),
        "{:?}",
        complaints(&queued)
    );
    let url = format!("{SMALL}store: {{ kind: memory, url: redis://x }}\n");
    assert!(complaints(&url)[0].contains("memory store has no url"));
}

#[test]
fn secrets_are_never_shown() {
    let text = format!("{SMALL}store: {{ kind: redis, url: redis://:hunter2@127.0.0.1 }}\n");
    let config = Config::read(&text).expect("valid");
    assert!(!format!("{config:?}").contains("hunter2"));
    let wrong = format!("{SMALL}store: {{ kind: redis, url: http://:hunter2@127.0.0.1 }}\n");
    assert!(!format!("{:?}", complaints(&wrong)).contains("hunter2"));
}

#[test]
fn some_keys_need_a_restart() {
    let running = Config::read(SMALL).expect("valid");
    let moved = Config::read(&SMALL.replace(":8080", ":8081")).expect("valid");
    assert_eq!(needs_restart(&running, &moved), ["listen"]);
    let same = Config::read(&SMALL.replace("8100", "8101")).expect("valid");
    assert!(needs_restart(&running, &same).is_empty());
}

#[test]
fn a_share_keeps_no_more_than_it_has_and_every_part_is_in_one() {
    let directory = std::env::temp_dir().join(format!("fluxgate-shares-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("creatable");
    let file = directory.join("secret");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef").expect("writable");
    let with = |shares: &str, part: &str| {
        let secret = format!("{{ file: {} }}", file.display());
        let room =
            |name: &str| format!("{name}: {{ match: {{ path: /{name}/** }}, share: {part} }}");
        let rooms = format!(
            "    origin_secret: {secret}\n    rooms: {{ {}, {} }}\n",
            room("a"),
            room("b")
        );
        let head = format!("keys: [{{ id: 1, secret: {secret} }}]\nshares: {shares}");
        format!("{head}{SMALL}").replace("    routes:", &format!("{rooms}    routes:"))
    };
    let valid = with("{ x: { active: 10 } }", "{ of: x, floor: { active: 5 } }");
    let config = Config::read(&valid).expect("valid");
    let rooms = &config.tenants[0].rooms;
    let floors = rooms
        .iter()
        .filter_map(|room| Some(room.admission.sharing()?.floors()));
    assert_eq!(
        floors.collect::<Vec<_>>(),
        [[10, 0]; 2],
        "each knows what is kept for all"
    );

    let too_much = with("{ x: { active: 9 } }", "{ of: x, floor: { active: 5 } }");
    let told = complaints(&too_much);
    assert!(
        told[0].contains("`x` keeps 10 for its rooms and has less `active`"),
        "{told:?}"
    );
    let unknown = complaints(&with("{ checkout: { active: 9 } }", "{ of: chekout }"));
    assert!(
        unknown.iter().any(|one| one.contains("checkout")),
        "{unknown:?}"
    );
    let shadow = complaints(&with("{ x: { active: 9 } }", "{ of: x }, shadow: true"));
    assert!(shadow[0].contains("shadow"), "{shadow:?}");
    std::fs::remove_dir_all(directory).expect("removable");
    let idle = complaints(&format!("shares: {{ x: {{ active: 9 }} }}{SMALL}"));
    assert!(idle[0].contains("no room is in the share `x`"), "{idle:?}");
}
