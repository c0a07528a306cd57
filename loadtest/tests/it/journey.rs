//! The main job, as a person does it: shop, queue, admitted, payment window, paid.

use std::time::Duration;

use devkit::RoomRules;
use http::{Method, StatusCode};
use loadtest::html::{self, Form};
use loadtest::wire::{Answer, Ask, Browser, Place};
use serde_json::Value;

use crate::browser::Window;
use crate::scene::{Scene, eventually};

/// One seat: whoever has it holds the line.
fn one_seat() -> Scene {
    Scene::start(|options| {
        options.room = RoomRules {
            active: 1,
            per_minute: 600,
            ttl: "600s".into(),
            call_grace: "30s".into(),
            absent_after: "60s".into(),
        };
        options.stock = 5;
    })
}

/// A simulated visitor who comes in and keeps the seat.
async fn take_the_seat(scene: &Scene) -> Browser {
    let mut browser = scene.browser(0);
    eventually(
        "the first visitor is let in",
        Duration::from_secs(20),
        async || {
            let answer = browser
                .send(&Ask::page(Place::Gateway, "/sale/"))
                .await
                .ok()?;
            (answer.status == StatusCode::OK).then_some(())
        },
    )
    .await;
    browser
}

async fn leave(mut browser: Browser) {
    let leave = Ask::script(Method::POST, "/.fluxgate/flash-sale/leave");
    let answer = browser.send(&leave).await.expect("the gateway answers");
    assert!(answer.status.is_success(), "leaving: {}", answer.status);
}

async fn shop_to_receipt(width: u32, height: u32) {
    let scene = one_seat();
    let holder = take_the_seat(&scene).await;
    let window = Window::open(width, height).await;
    window
        .page
        .goto(&scene.gateway(0))
        .await
        .expect("the shop opens");
    window.fits().await;
    window.press("a[href^='/sale']").await;
    window.shows("html.waiting #position").await;
    window.fits().await;
    let ticket = window
        .shows("#ticket")
        .await
        .text()
        .await
        .expect("a ticket's code");
    window.page.refresh().await.expect("the page loads again");
    window.shows("html.waiting #position").await;
    let kept = window
        .shows("#ticket")
        .await
        .text()
        .await
        .expect("a ticket's code");
    assert_eq!(ticket, kept, "a reload keeps the place");
    leave(holder).await;
    window.shows("form[action='/sale/checkout'] button").await;
    window.fits().await;
    window.press("form[action='/sale/checkout'] button").await;
    window.shows("button[value=pay]").await;
    window.fits().await;
    window.press("button[value=pay]").await;
    let order = receipt(&scene, &window).await;
    window.fits().await;
    in_api_and_audit_trail(&scene, &order).await;
    window
        .page
        .clone()
        .close()
        .await
        .expect("the browser closes");
    let verdict = scene.judge().await;
    assert!(verdict.holds(), "{verdict}");
    scene.stack.stop();
}

/// The receipt names the payment; the API knows it as APPROVED.
async fn receipt(scene: &Scene, window: &Window) -> Value {
    let payment = eventually(
        "the receipt shows a payment",
        Duration::from_secs(30),
        async || html::id(&window.page.source().await.ok()?, "pay_"),
    )
    .await;
    let found = scene
        .ask(&format!("{}/api/v1/payments/{payment}", scene.core()))
        .await;
    assert_eq!(found["data"]["status"], "APPROVED", "{found}");
    found["data"].clone()
}

async fn in_api_and_audit_trail(scene: &Scene, payment: &Value) {
    let id = payment["paymentId"].as_str().expect("an id");
    let trail = scene
        .ask(&format!("{}/api/v1/payments/{id}/audit", scene.core()))
        .await;
    let moves: Vec<&str> = trail["data"]
        .as_array()
        .expect("a trail")
        .iter()
        .filter_map(|record| record["to"].as_str())
        .collect();
    assert_eq!(moves, ["IN_PROGRESS", "APPROVED"], "{trail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_at_a_desk_queues_is_let_in_and_pays() {
    shop_to_receipt(1_280, 900).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_with_a_phone_queues_is_let_in_and_pays() {
    shop_to_receipt(390, 844).await;
}

/// A page and where it was found, for a browser without scripts.
struct Plain {
    browser: Browser,
    place: Place,
    path: String,
    answer: Answer,
}

impl Plain {
    /// Sends, then follows redirects.
    async fn go(mut browser: Browser, mut ask: Ask) -> Self {
        for _ in 0..5 {
            let answer = browser
                .send(&ask)
                .await
                .unwrap_or_else(|fault| panic!("{}: {fault}", ask.path));
            if !answer.status.is_redirection() {
                return Self {
                    browser,
                    place: ask.place,
                    path: ask.path,
                    answer,
                };
            }
            let (place, path) = browser
                .resolve(ask.place, &ask.path, answer.header("location"))
                .expect("a place we know");
            ask = Ask::page(place, path);
        }
        panic!("redirected without end: {}", ask.path);
    }

    /// Presses the first button of the form that `wanted` picks.
    async fn submit(self, wanted: impl Fn(&Form) -> bool) -> Self {
        let text = self.answer.text().into_owned();
        let form = html::forms(&text)
            .into_iter()
            .find(wanted)
            .unwrap_or_else(|| panic!("no such form:\n{text}"));
        let button = form.buttons.first();
        let target = self
            .browser
            .resolve(self.place, &self.path, form.target(button))
            .expect("a place we know");
        let ask = Ask::form(target.0, target.1, form.encode(button));
        Self::go(self.browser, ask).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_without_javascript_queues_is_let_in_and_pays() {
    let scene = one_seat();
    let holder = take_the_seat(&scene).await;
    let page = Ask::page(Place::Gateway, "/sale/");
    let mut browser = scene.browser(1);
    for _ in 0..2 {
        let answer = browser.send(&page).await.expect("the gateway answers");
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            answer.header("retry-after").parse::<u64>().is_ok(),
            "{:?}",
            answer.headers
        );
        let (seconds, _) = html::refresh(&answer.text()).expect("the page refreshes itself");
        assert!(seconds >= 20, "WCAG F41: {seconds} s");
    }
    leave(holder).await;
    // Reloading the page is the act that claims the call.
    eventually(
        "a reload lets the visitor in",
        Duration::from_secs(20),
        async || {
            let answer = browser.send(&page).await.expect("the gateway answers");
            (answer.status == StatusCode::OK).then_some(())
        },
    )
    .await;
    let product = Plain::go(browser, page).await;
    let window = product
        .submit(|form| form.action.contains("checkout"))
        .await;
    assert_eq!(window.place, Place::Psp);
    let receipt = window.submit(|form| form.posts).await;
    assert_eq!(receipt.answer.status, StatusCode::OK);
    let payment = html::id(&receipt.answer.text(), "pay_").expect("the receipt names the payment");
    let found = scene
        .ask(&format!("{}/api/v1/payments/{payment}", scene.core()))
        .await;
    assert_eq!(found["data"]["status"], "APPROVED", "{found}");
    scene.stack.stop();
}
