//! Buying: product page, checkout form, payment window, receipt. Forms are read from the pages and addresses
//! from the redirects, so that a shop that changes its forms needs no change here.

use std::time::Duration;

use http::StatusCode;
use http::header::LOCATION;

use super::{Leave, Stop, Visitor};
use crate::clock::Moment;
use crate::html::{self, Form};
use crate::record::{Outcome, Step, Trouble};
use crate::wire::{Answer, Ask, Place};

/// A payment must be known by then: the core promises 30 s after any fault, the page needs a few more.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(45);
/// A page that says "being confirmed" without saying when to look again is reloaded after this.
const UNSAID: Duration = Duration::from_secs(1);
/// Redirects followed in a row.
const HOPS: usize = 5;

/// A page and where it was found.
struct Page {
    place: Place,
    path: String,
    answer: Answer,
}

impl Visitor {
    /// From the pass to the receipt.
    pub(super) async fn buy(&mut self) -> Result<(), Stop> {
        let due = self.think().await;
        let path = self.world.room.path.clone();
        let product = self
            .open(Step::Product, due, Ask::page(Place::Gateway, path))
            .await?;
        self.expect_status(Step::Product, &product, StatusCode::OK)?;
        let Some(form) = buying_form(&product) else {
            return Err(Stop::Ended(Outcome::SoldOut));
        };
        let due = self.think().await;
        self.leave_if(Leave::Product)?;
        let checkout = self.submit(&product, &form)?;
        let window = self.open(Step::Checkout, due, checkout).await?;
        if window.answer.status == StatusCode::CONFLICT {
            return Err(Stop::Ended(Outcome::SoldOut));
        }
        self.expect_status(Step::Checkout, &window, StatusCode::OK)?;
        self.remember_order(&window);
        let due = self.think().await;
        self.leave_if(Leave::Window)?;
        let success = self.pay(&window, due).await?;
        self.receipt(&success).await?;
        self.finish().await
    }

    /// Presses pay in the payment window, twice if that is the habit; returns the success address.
    async fn pay(&mut self, window: &Page, due: Moment) -> Result<Ask, Stop> {
        let form = html::forms(&window.answer.text())
            .into_iter()
            .find(|form| form.posts);
        let Some(form) = form.filter(|_| window.place == Place::Psp) else {
            self.trouble(Step::Window, "no payment window");
            return Err(Stop::Failed);
        };
        let press = self.submit(window, &form)?;
        let twice = std::mem::take(&mut self.plan.double_pay);
        let mut other = twice.then(|| self.browser.tab());
        let second = async {
            match &mut other {
                Some(tab) => tab.send(&press).await.ok(),
                None => None,
            }
        };
        let (second, first) = tokio::join!(second, self.ask(Step::Pay, due, &press));
        let (first, _) = first?;
        let success = self.redirect(Step::Pay, window, &first)?;
        if let Some(second) = second.filter(|answer| answer.status.is_redirection()) {
            // The browser would follow the second press; the first one's address is opened as well.
            let other = self.redirect(Step::Pay, window, &second)?;
            let now = self.world.clock.now();
            let mut tab = self.browser.tab();
            let (_seen, mine) =
                tokio::join!(tab.send(&other), self.ask(Step::Receipt, now, &success));
            mine?;
        }
        Ok(success)
    }

    /// Opens the success address and stays until the page shows a payment.
    async fn receipt(&mut self, success: &Ask) -> Result<(), Stop> {
        let clock = self.world.clock;
        let started = clock.now();
        let (mut due, mut ask) = (started, success.clone());
        loop {
            let page = self.open(Step::Receipt, due, ask).await?;
            let text = page.answer.text();
            if let Some(payment) =
                html::id(&text, "pay_").filter(|_| page.answer.status == StatusCode::OK)
            {
                self.world.tally.paid.add();
                self.record.payment = Some(payment);
                break;
            }
            self.expect_status(Step::Receipt, &page, StatusCode::ACCEPTED)?;
            if clock.now().since(started) > CONFIRMED_WITHIN {
                self.trouble(Step::Receipt, "the payment was not confirmed in time");
                return Err(Stop::Failed);
            }
            let (wait, target) = match html::refresh(&text) {
                Some((seconds, target)) => (Duration::from_secs(seconds), target),
                None => (UNSAID, String::new()),
            };
            ask = self.go(&page, &target)?;
            due = clock.now().plus(wait);
            clock.sleep_until(due).await;
        }
        if std::mem::take(&mut self.plan.retry_success) {
            self.same_receipt(success).await?;
        }
        Ok(())
    }

    /// Loading the success address again shows the same payment.
    async fn same_receipt(&mut self, success: &Ask) -> Result<(), Stop> {
        let again = self
            .open(Step::Receipt, self.world.clock.now(), success.clone())
            .await?;
        let shown = html::id(&again.answer.text(), "pay_");
        if shown != self.record.payment {
            self.trouble(
                Step::Receipt,
                "the success page loaded again shows another payment",
            );
            return Err(Stop::Failed);
        }
        Ok(())
    }

    /// Says goodbye, so that the seat is free at once.
    async fn finish(&mut self) -> Result<(), Stop> {
        let leave = Ask::script(http::Method::POST, self.address("leave"));
        let now = self.world.clock.now();
        self.left_at(now);
        let (answer, _) = self.ask(Step::Leave, now, &leave).await?;
        if !answer.status.is_success() {
            self.trouble(Step::Leave, format!("status {}", answer.status.as_u16()));
        }
        self.browser.close();
        Ok(())
    }

    /// Asks and follows redirects as a browser does.
    async fn open(&mut self, step: Step, due: Moment, ask: Ask) -> Result<Page, Stop> {
        let (mut step, mut due, mut ask) = (step, due, ask);
        for _ in 0..HOPS {
            let (answer, exchange) = self.ask(step, due, &ask).await?;
            self.note_pass(&answer, exchange);
            let page = Page {
                place: ask.place,
                path: ask.path.clone(),
                answer,
            };
            if !page.answer.status.is_redirection() {
                return Ok(page);
            }
            ask = self.redirect(step, &page, &page.answer)?;
            if ask.place == Place::Psp {
                step = Step::Window;
            }
            due = exchange.answered;
        }
        self.trouble(step, "redirected without end");
        Err(Stop::Failed)
    }

    fn redirect(&mut self, step: Step, from: &Page, answer: &Answer) -> Result<Ask, Stop> {
        if !answer.status.is_redirection() {
            self.trouble(
                step,
                format!("status {} instead of a redirect", answer.status.as_u16()),
            );
            return Err(Stop::Failed);
        }
        let location = answer.header(LOCATION.as_str()).to_owned();
        self.go(from, &location)
    }

    fn go(&mut self, from: &Page, target: &str) -> Result<Ask, Stop> {
        let (place, path) = self.resolve(from, target)?;
        Ok(Ask::page(place, path))
    }

    fn submit(&mut self, page: &Page, form: &Form) -> Result<Ask, Stop> {
        let button = form.buttons.first();
        let (place, path) = self.resolve(page, form.target(button))?;
        Ok(Ask::form(place, path, form.encode(button)))
    }

    fn resolve(&mut self, page: &Page, target: &str) -> Result<(Place, String), Stop> {
        self.browser
            .resolve(page.place, &page.path, target)
            .map_err(|_| {
                self.trouble(Step::Window, "sent to an unknown place");
                Stop::Failed
            })
    }

    fn remember_order(&mut self, window: &Page) {
        let query = window.path.split_once('?').map_or("", |(_, query)| query);
        let order =
            url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "orderId");
        self.record
            .orders
            .extend(order.map(|(_, id)| id.into_owned()));
    }

    fn expect_status(&mut self, step: Step, page: &Page, wanted: StatusCode) -> Result<(), Stop> {
        let status = page.answer.status;
        if status == wanted {
            return Ok(());
        }
        let in_line = status == StatusCode::SERVICE_UNAVAILABLE && page.place == Place::Gateway;
        let now = self.world.clock.now();
        let is_live = self.record.pass_until.is_some_and(|until| now < until);
        let (kind, network) = match (in_line, is_live) {
            (true, true) => ("sent back to the line with a pass".into(), false),
            // Tries against a dead gateway took longer than the session lasts.
            (true, false) => ("the pass ran out".into(), true),
            (false, _) => (format!("status {}", status.as_u16()), false),
        };
        self.note(Trouble {
            step,
            kind,
            network,
        });
        Err(Stop::Failed)
    }
}

/// The product page's buy button: the form that leads to the checkout.
fn buying_form(product: &Page) -> Option<Form> {
    let text = product.answer.text();
    html::forms(&text)
        .into_iter()
        .find(|form| form.posts && form.action.contains("checkout"))
}
