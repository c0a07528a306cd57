//! Headless Chromium through chromedriver, one of each a test.

use std::time::Duration;

use devkit::{Launch, Proc, Ready, Scratch, find_program, free_port};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

/// A browser window. The processes go with it.
pub(crate) struct Window {
    pub(crate) page: Client,
    _driver: Proc,
    _home: Scratch,
}

/// How long a page may take to become what is awaited; the line itself is the slowest.
const PATIENCE: Duration = Duration::from_secs(60);

impl Window {
    /// Opens an empty window of this size.
    pub(crate) async fn open(width: u32, height: u32) -> Self {
        let driver =
            find_program("chromedriver").expect("chromedriver is missing: install chromium-driver");
        let chromium = find_program("chromium").expect("chromium is missing: install chromium");
        let home = Scratch::new("chromium").expect("a directory for the browser");
        let port = free_port().expect("a free port");
        let launch = Launch::new("chromedriver", driver, home.path().join("driver.log"));
        let driver =
            Proc::spawn(launch.arg(format!("--port={port}"))).expect("chromedriver starts");
        let address = ([127, 0, 0, 1], port).into();
        driver
            .wait_ready(&Ready::Http(address, "/status".into()), PATIENCE)
            .expect("chromedriver is ready");
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-quic".into(),
            "--disable-dev-shm-usage".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--lang=en-US".into(),
        ];
        arguments.push(format!(
            "--user-data-dir={}",
            home.path().join("profile").display()
        ));
        arguments.push(format!("--window-size={width},{height}"));
        let mut wanted = Capabilities::new();
        wanted.insert("browserName".into(), json!("chrome"));
        wanted.insert(
            "goog:chromeOptions".into(),
            json!({
                "args": arguments,
                "binary": chromium,
                "mobileEmulation": { "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0 } },
            }),
        );
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium starts");
        Self {
            page,
            _driver: driver,
            _home: home,
        }
    }

    /// Waits until the page shows something that `css` selects.
    pub(crate) async fn shows(&self, css: &str) -> fantoccini::elements::Element {
        let wait = self.page.wait().at_most(PATIENCE);
        match wait.for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!(
                "{css} did not appear ({error}); the page is\n{}",
                self.text().await
            ),
        }
    }

    /// Waits for something and presses it.
    pub(crate) async fn press(&self, css: &str) {
        self.shows(css)
            .await
            .click()
            .await
            .unwrap_or_else(|error| panic!("pressing {css}: {error}"));
    }

    /// The words a person reads.
    pub(crate) async fn text(&self) -> String {
        let body = self.page.find(Locator::Css("body")).await;
        match body {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Nothing of the page lies beside the window: nobody has to scroll sideways.
    pub(crate) async fn fits(&self) {
        let script = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let widths = self
            .page
            .execute(script, Vec::new())
            .await
            .expect("a script runs");
        let [page, window] = [0, 1].map(|index| widths[index].as_u64().expect("a width"));
        assert!(
            page <= window,
            "the page is {page} wide, the window {window}:\n{}",
            self.text().await
        );
    }
}
