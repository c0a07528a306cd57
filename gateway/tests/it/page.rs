//! The queue page in a real browser: what it does over reloads, tabs, sleep, lost networks and without scripts.

use devkit::wait;
use serde_json::json;

use crate::browser::{Browser, site};
use crate::gateway::Gateway;
use crate::http::PATIENCE;
use crate::origin::Origin;
use crate::preview::Preview;
use crate::stage::{SALE, Stage, called, waiting};
use crate::window::Window;

/// A tab that can be hidden, and a device whose clock can be set. A device that sleeps is one whose clock of the day
/// went on while the other stood still.
const DEVICE: &str = "
    let hidden = false, shift = 0;
    const today = Date;
    Object.defineProperty(document, 'hidden', { get: () => hidden });
    Date = class extends today {
        constructor(...given) { given.length ? super(...given) : super(today.now() + shift) }
        static now() { return today.now() + shift }
    };
    window.hide = value => { hidden = value; document.dispatchEvent(new Event('visibilitychange', { bubbles: true })) };
    window.setClock = ms => { shift += ms };
";

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let found = wait::until(PATIENCE, || condition().then_some(()));
    assert!(found.is_some(), "never {what}");
}

#[test]
fn a_number_once_shown_never_rises_over_reloads_and_progress_is_kept() {
    let stage = Stage::showing("waiting", 100, waiting(900));
    let window = Window::open();
    window.go(&stage.url(SALE));
    window.until("document.getElementById('place').textContent === '900'");
    let progress = "Number(document.getElementById('bar').ariaValueNow)";
    // A gateway with an older picture, and a page that was made from a still older one.
    stage.say(|said| said.status = waiting(950));
    window.reload();
    let before = stage.polls();
    wait_for("asked again", || stage.polls() > before + 1);
    window.until("document.getElementById('place').textContent === '900'");
    window.until(&format!("{progress} === 25"));
    assert!(window.text().contains("899"), "{}", window.text());
    window.until("document.title.startsWith('900 · In line · ')");
    let paused = json!({ "room": "preview", "state": "paused", "reason": "paused", "position": 900, "ahead": 899, "behind": 9, "poll_after_ms": 300, "ticket": "K7QM2X" });
    stage.say(|said| said.status = paused);
    window.shows("The organiser has paused the line.");
    window.until("document.title.startsWith('900 · Paused · ')");
    window.until("document.getElementById('say').textContent.includes('paused')");
}

#[test]
fn a_hidden_tab_never_spends_the_call_and_a_visible_one_goes_where_the_visitor_wanted() {
    let stage = Stage::showing("waiting", 100, waiting(2));
    let window = Window::open();
    window.prepare(DEVICE);
    window.go(&stage.url(SALE));
    window.until("document.getElementById('place').textContent === '2'");
    window.run("hide(true)");
    stage.say(|said| said.status = called(120));
    window.until("document.title.startsWith('● It’s your turn')");
    window.until("document.activeElement.id === 'enter'");
    // Longer than it takes to go in.
    window.until("document.getElementById('clock').textContent <= '01:55'");
    assert_eq!(stage.count("POST"), 0, "nobody looked");
    window.run("hide(false)");
    window.until("document.getElementById('enter').className === 'auto'");
    window.shows("The shop");
    assert_eq!(stage.count("POST /.fluxgate/preview/claim "), 1);
    assert_eq!(
        stage.count(&format!("GET {SALE} ")),
        2,
        "where it wanted to go"
    );
}

#[test]
fn the_button_enters_at_once_and_the_back_button_leads_past_the_queue() {
    let stage = Stage::showing("waiting", 100, waiting(2));
    let window = Window::open();
    window.go(&stage.url("/before"));
    window.go(&stage.url(SALE));
    stage.say(|said| said.status = called(120));
    window.press(".called #enter");
    window.shows("The shop");
    window.press("#item");
    window.shows("Elsewhere");
    window.back();
    window.shows("The shop");
    window.back();
    window.until("location.pathname === '/before'");
}

#[test]
fn whoever_comes_back_to_a_waiting_page_is_told_how_it_stands_now() {
    let stage = Stage::showing("waiting", 100, waiting(900));
    let window = Window::open();
    window.go(&stage.url(SALE));
    window.until("document.getElementById('place').textContent === '900'");
    window.go(&stage.url("/help"));
    stage.say(|said| said.status = waiting(300));
    window.back();
    window.until("document.getElementById('place').textContent === '300'");
}

#[test]
fn ten_minutes_of_sleep_are_noticed_at_once() {
    let stage = Stage::showing("waiting", 100, waiting(900));
    let window = Window::open();
    window.prepare(DEVICE);
    window.go(&stage.url(SALE));
    // From now on it would ask in an hour.
    stage.say(|said| said.status["poll_after_ms"] = json!(3_600_000));
    wait_for("asked", || stage.polls() > 0);
    window.until("document.getElementById('place').textContent === '900'");
    let before = stage.polls();
    window.chromium("Page.setWebLifecycleState", &json!({ "state": "frozen" }));
    stage.say(|said| said.status = waiting(40));
    window.chromium("Page.setWebLifecycleState", &json!({ "state": "active" }));
    window.run("setClock(600000)");
    window.until("document.getElementById('place').textContent === '40'");
    assert!(stage.polls() > before);
}

#[test]
fn the_countdown_goes_by_the_servers_clock_whatever_the_device_thinks() {
    let stage = Stage::showing("waiting", 100, called(600));
    let window = Window::open();
    window.prepare(DEVICE);
    // A clock that is an hour fast, then set two hours back.
    window.prepare("setClock(3600000)");
    window.prepare("document.addEventListener('DOMContentLoaded', () => hide(true))");
    window.go(&stage.url(SALE));
    let right = "document.getElementById('clock').textContent.startsWith('09:')";
    window.until(right);
    let before = stage.polls();
    window.run("setClock(-7200000)");
    wait_for("asked again", || stage.polls() > before);
    window.until(right);
}

#[test]
fn a_tab_that_is_looked_at_again_asks_at_once_but_not_twice_in_a_moment() {
    let stage = Stage::showing("waiting", 100, waiting(900));
    let window = Window::open();
    window.prepare(DEVICE);
    window.go(&stage.url(SALE));
    stage.say(|said| said.status["poll_after_ms"] = json!(3_600_000));
    window.until("document.getElementById('place').textContent === '900'");
    window.run("for (let i = 0; i < 50; i++) { hide(true); hide(false); dispatchEvent(new Event('online')) }");
    let before = stage.polls();
    stage.say(|said| said.status["position"] = json!(700));
    window.until("document.getElementById('place').textContent === '700'");
    assert!(
        stage.polls() <= before + 1,
        "{} polls",
        stage.polls() - before
    );
}

#[test]
fn a_lost_network_is_told_and_the_page_backs_off_and_recovers() {
    let stage = Stage::showing("waiting", 100, waiting(900));
    let window = Window::open();
    window.go(&stage.url(SALE));
    window.until("document.getElementById('place').textContent === '900'");
    stage.say(|said| said.code = 503);
    window.shows("Reconnecting. Your place is kept.");
    let before = stage.polls();
    window.until("(window.since ??= performance.now(), performance.now() - since > 3000)");
    assert!(
        stage.polls() - before <= 4,
        "{} polls in 3 s",
        stage.polls() - before
    );
    stage.say(|said| said.code = 200);
    window.until("document.getElementById('net').hidden");
    assert!(window.text().contains("900"));
}

#[test]
fn several_tabs_ask_as_one() {
    let stage = Stage::showing("waiting", 1_000, waiting(900));
    stage.say(|said| said.status["poll_after_ms"] = json!(1_000));
    let window = Window::open();
    window.go(&stage.url(SALE));
    let first = window.another_tab();
    window.go(&stage.url(SALE));
    window.another_tab();
    window.go(&stage.url(SALE));
    // They have met when a number that one of them heard shows in another; then they are counted.
    stage.say(|said| said.status["position"] = json!(800));
    window.until("document.getElementById('place').textContent === '800'");
    window.look_at(&first);
    window.until("document.getElementById('place').textContent === '800'");
    let before = stage.polls();
    window.until("(window.since ??= performance.now(), performance.now() - since > 8000)");
    let polls = stage.polls() - before;
    assert!(
        (2..=12).contains(&polls),
        "{polls} polls of three tabs in 8 s, where one alone makes 8"
    );
    stage.say(|said| said.status["position"] = json!(700));
    window.until("document.getElementById('place').textContent === '700'");
}

#[test]
fn a_screen_reader_is_told_now_and_then_and_not_with_every_poll() {
    let stage = Stage::showing("waiting", 100, waiting(900));
    let window = Window::open();
    window.prepare("addEventListener('DOMContentLoaded', () => { window.heard = []; new MutationObserver(() => heard.push(document.getElementById('say').textContent)).observe(document.getElementById('say'), { childList: true }) })");
    window.go(&stage.url(SALE));
    for position in [890, 880, 870, 450, 440] {
        stage.say(|said| said.status = waiting(position));
        window.until(&format!(
            "document.getElementById('place').textContent === '{position}'"
        ));
    }
    let heard = window.run("return heard");
    assert!(
        heard.as_array().is_some_and(|heard| heard.len() <= 1),
        "{heard}"
    );
    stage.say(|said| said.status["message"] = json!("Sizes 40 to 44 are <b>back</b>."));
    window.shows("Sizes 40 to 44 are <b>back</b>.");
    window.until("heard.at(-1).includes('Sizes 40 to 44 are <b>back</b>.')");
}

#[test]
fn the_work_that_is_asked_for_is_done_in_a_worker_under_the_strict_policy() {
    let preview = Preview::serve();
    let window = Window::open();
    // A fast machine has done the work before anybody could look.
    window.prepare(
        "window.refused = []; addEventListener('securitypolicyviolation', event => refused.push(event.violatedDirective));
        addEventListener('DOMContentLoaded', () => { window.told = document.body.innerText })",
    );
    window.go(&preview.url("/en/work"));
    window.until("told.includes('Checking that you are not a robot.')");
    window.until("document.documentElement.classList.contains('waiting')");
    assert_eq!(window.run("return refused"), json!([]));
    assert!(!window.text().contains("robot"));
}

#[test]
fn leaving_is_asked_about_and_no_other_tab_joins_again() {
    let preview = Preview::serve();
    let window = Window::open();
    window.go(&preview.url("/en/waiting"));
    let address = window.run("return location.href");
    let first = window.another_tab();
    window.go(address.as_str().expect("an address"));
    window.press("footer details:last-child summary");
    window.shows("Your place goes to the next person");
    window.press("footer details:last-child button");
    window.shows("You left the line");
    window.until(&format!(
        "document.getElementById('enter').href === {address}"
    ));
    window.look_at(&first);
    window.shows("You left the line");
    window.until("document.getElementById('enter').textContent === 'Join again'");
}

#[test]
fn a_place_moves_to_another_device_and_this_one_is_told() {
    let preview = Preview::serve();
    let window = Window::open();
    window.go(&preview.url("/en/waiting_all"));
    window.press("#move button, summary:has(+ #move)");
    window.press("#move button");
    window.shows("/.fluxgate/move/K7QM-2X9P");
    window.shows("Your place moved to your other device");
}

/// The first page of a visitor was made before there was a place to move.
#[test]
fn a_place_can_move_as_soon_as_there_is_one() {
    let mut status = waiting(7);
    status["handoff_url"] = json!("/.fluxgate/preview/handoff");
    let stage = Stage::showing("joining", 100, status);
    let window = Window::open();
    window.go(&stage.url(SALE));
    window.until("document.getElementById('place').textContent === '7'");
    window.until("!document.getElementById('moves').hidden");
    window.until("document.getElementById('move').action.endsWith('/.fluxgate/preview/handoff')");
}

#[test]
fn the_sound_is_off_until_it_is_asked_for() {
    let stage = Stage::showing("waiting", 100, waiting(2));
    let window = Window::open();
    window.prepare("window.tones = 0; const make = AudioContext.prototype.createOscillator; AudioContext.prototype.createOscillator = function () { tones++; return make.call(this) }");
    window.go(&stage.url(SALE));
    window.until("document.getElementById('bell').ariaPressed === 'false'");
    assert_eq!(window.run("return tones"), json!(0));
    window.press("#bell");
    window.until("document.getElementById('bell').ariaPressed === 'true' && tones === 1");
    stage.say(|said| said.status = called(120));
    window.until("tones === 2");
}

#[test]
fn without_scripts_a_visitor_waits_stops_the_refresh_leaves_and_comes_in() {
    let origin = Origin::named("The shop");
    let site = site(&origin, "capacity: { active: 1 }", "{ kind: memory }");
    let gateway = Gateway::start(&site.rest);
    let mut inside = Browser::at(&gateway);
    inside.come_in();
    let window = Window::open();
    window.chromium(
        "Emulation.setScriptExecutionDisabled",
        &json!({ "value": true }),
    );
    let address = format!("http://a.test:{}/sale/shoes?size=42", gateway.http.port());
    window.go(&address);
    window.press("footer details:last-child summary");
    window.press("footer details:last-child button");
    window.shows("You left the line");
    window.go(&address);
    window.shows("This page refreshes by itself.");
    window.press("noscript a");
    window.shows("Refresh now");
    drop(inside.ask("POST /.fluxgate/sale/leave", crate::browser::JSON));
    window.press("noscript a");
    window.shows("The shop");
}
