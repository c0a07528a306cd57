//! Every route of the API on one page, the document that describes them, and the layers around them.

use crate::app::App;
use crate::http;
use crate::{order, payment, psp};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

/// The largest body: fifty members of metadata at their longest, in any script, fit twice.
const BODY_MAX: usize = 64 * 1024;

/// The description of the API, generated from the handlers.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "FluxPay",
        description = "Orders and payments of a tenant. Every success is `{success, data, metadata}`; every error is an RFC 9457 problem with a stable `code`. Amounts are integers of minor units.",
        version = "1"
    ),
    paths(
        order::routes::place, order::routes::read, order::routes::list,
        payment::routes::create, payment::routes::confirm, payment::routes::read, payment::routes::list, payment::routes::trail,
        psp::webhook::receive,
    ),
    components(schemas(http::problem::ProblemBody)),
    modifiers(&BearerKey),
    security(("api_key" = [])),
    tags(
        (name = "payments", description = "Collecting money, once"),
        (name = "orders", description = "What is paid for"),
        (name = "webhooks", description = "For PSPs"),
    )
)]
pub struct ApiDocument;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`sk_…` on servers, `pk_…` in browsers"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme.build()));
    }
}

/// The public listener.
pub fn public(app: App) -> Router {
    let frame = app.frame.clone();
    Router::new()
        .merge(order::routes::routes::<App>())
        .merge(payment::routes::routes::<App>())
        .merge(psp::webhook::routes::<App>())
        .merge(SwaggerUi::new("/docs").url("/api/v1/openapi.json", ApiDocument::openapi()))
        .fallback(http::not_found)
        .method_not_allowed_fallback(http::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(frame, http::frame))
        .with_state(app)
}
