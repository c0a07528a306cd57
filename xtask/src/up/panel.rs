//! What a person sees once the demo is up: where everything is, and what to try.

use crate::options::PORT_BASE;
use devkit::{Stack, Store};
use std::env;
use std::fmt::Write;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::time::Duration;

/// How text stands out; nothing where the output is no terminal.
struct Style {
    bold: &'static str,
    dim: &'static str,
    accent: &'static str,
    plain: &'static str,
}

impl Style {
    const COLOUR: Self = Self {
        bold: "\x1b[1m",
        dim: "\x1b[2m",
        accent: "\x1b[36m",
        plain: "\x1b[0m",
    };
    const NONE: Self = Self {
        bold: "",
        dim: "",
        accent: "",
        plain: "",
    };

    fn of_the_terminal() -> Self {
        let wanted = stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
        if wanted { Self::COLOUR } else { Self::NONE }
    }
}

/// The panel for this demo, which took so long to come up.
pub(super) fn of(stack: &Stack, took: Duration) -> String {
    let style = Style::of_the_terminal();
    let Style {
        bold, dim, plain, ..
    } = style;
    let store = match stack.options().store {
        Store::Memory => "the line is kept in the gateway's memory".to_owned(),
        Store::Redis => format!("the line is kept in Redis, redis://{}", stack.plan().redis),
    };
    let seconds = took.as_secs_f32();
    let mut text =
        format!("\n  {bold}Fluxgate is up{plain} {dim}after {seconds:.1} s; {store}{plain}\n\n");
    let lines = addresses(stack);
    let width = lines
        .iter()
        .map(|(_, value, _)| value.len())
        .max()
        .unwrap_or_default();
    for (name, value, remark) in lines {
        let Style { accent, .. } = style;
        let line = writeln!(
            text,
            "  {name:<10}{accent}{value:<width$}{plain}  {dim}{remark}{plain}"
        );
        line.expect("writing to a String cannot fail");
    }
    text + &try_this(stack, &style)
}

/// Name, address, remark.
fn addresses(stack: &Stack) -> Vec<(&'static str, String, String)> {
    let plan = stack.plan();
    let home = &stack.options().home;
    let at = |port: u16, path: &str| format!("http://localhost:{port}{path}");
    let shop = plan.gateways[0].port();
    let (core, psp) = (plan.core.port(), plan.psp.port());
    let mut lines = vec![("shop", at(shop, "/"), "open to everybody".to_owned())];
    for gateway in &plan.gateways[1..] {
        lines.push((
            "",
            at(gateway.port(), "/"),
            "the same line, through another gateway".into(),
        ));
    }
    let psql = format!("psql \"$(cat {})\"", shown(&home.key("database")));
    let mut line = |name, value: String, remark: &str| lines.push((name, value, remark.to_owned()));
    line("sale", at(shop, "/sale/"), "behind the waiting room");
    line(
        "queue",
        at(shop, "/.fluxgate/flash-sale/status"),
        "a visitor's place, as JSON",
    );
    line("API", at(core, "/docs"), "Swagger UI of the payment core");
    line(
        "PSP",
        at(psp, "/sim/approvals"),
        "every approval there ever was; the shop opens its window",
    );
    for (index, admin) in plan.gateway_admins.iter().enumerate() {
        let (name, remark) = match index {
            0 => ("metrics", "the gateway's"),
            _ => ("", "another gateway's; operators may ask any of them"),
        };
        line(name, at(admin.port(), "/metrics"), remark);
    }
    line(
        "",
        at(plan.core_admin.port(), "/metrics"),
        "the payment core's",
    );
    line("database", psql, "the payment core's, as superuser");
    line(
        "API keys",
        shown(&home.path().join("keys")),
        "acme-secret is the shop's; service-a-secret is another tenant's",
    );
    line(
        "logs",
        shown(&home.path().join("logs")),
        "one file a service",
    );
    lines
}

/// What to type next.
fn try_this(stack: &Stack, style: &Style) -> String {
    let Style {
        bold, dim, plain, ..
    } = style;
    let port = stack.plan().gateways[0].port();
    let core = stack.plan().core.port();
    let base = if port == PORT_BASE {
        String::new()
    } else {
        format!(" --port-base {port}")
    };
    let key = shown(&stack.options().home.key("service-a-secret"));
    let shop = shown(&stack.options().home.key("acme-secret"));
    let fluxgate = shown(&stack.options().binaries.join("fluxgate"));
    let admin = stack.plan().gateway_admins[0].port();
    let token = shown(&stack.options().home.key("admin"));
    let lines = shown(&stack.options().home.lines(0));
    format!(
        "
  {bold}A line in front of the sale{plain} {dim}(a second terminal){plain}
    cargo xtask crowd{base}

  {bold}A payment, as a tenant's server sends it{plain} {dim}(again with the same key: the same payment){plain}
    curl -s http://localhost:{core}/api/v1/payments \\
      -H \"Authorization: Bearer $(cat {key})\" -H 'X-Tenant-Id: service-a' \\
      -H 'X-Idempotency-Key: 550e8400-e29b-41d4-a716-446655440000' -H 'Content-Type: application/json' \\
      -d '{{\"orderId\":\"order_123456\",\"amount\":10000,\"currency\":\"KRW\",\"paymentMethod\":\"CARD\"}}'
    curl -s http://localhost:{core}/api/v1/payments -H \"Authorization: Bearer $(cat {key})\"

  {bold}What the shop sold, and the audit trail of one payment{plain}
    curl -s http://localhost:{core}/api/v1/payments -H \"Authorization: Bearer $(cat {shop})\"
    curl -s http://localhost:{core}/api/v1/payments/PAYMENT_ID/audit -H \"Authorization: Bearer $(cat {shop})\"

  {bold}A place in the line, as an app asks for it{plain} {dim}(first a challenge, then a number, or a call where seats are free){plain}
    curl -s -c .data/jar -b .data/jar http://localhost:{port}/.fluxgate/flash-sale/status
    curl -s -c .data/jar -b .data/jar -X POST http://localhost:{port}/.fluxgate/flash-sale/claim

  {bold}The line as its operator sees it, and its log proved{plain}
    {fluxgate} room state --admin http://localhost:{admin} --token-file {token}
    {fluxgate} line verify {lines}/acme/flash-sale/*.jsonl

  Ctrl-C stops everything."
    )
}

/// A path as short as it can be typed here.
fn shown(path: &Path) -> String {
    let here = env::current_dir().ok();
    let short = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    short
        .unwrap_or_else(|| path.to_owned())
        .display()
        .to_string()
}
