//! What anybody may see without waiting: the landing page, an order by its id, and the health check.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use minijinja::context;

use crate::Shop;
use crate::order;
use crate::settle::settle;
use crate::visitor::Visitor;

/// Routes in front of the waiting room.
pub fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/", get(home))
        .route("/orders/{id}", get(show_order))
        .route("/healthz", get(health))
}

async fn home(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visitor = Visitor::of(&headers);
    match shop.shelf.stock().await {
        Ok(stock) => {
            let more = context! { stock => shop.stock_value(stock), price => shop.product.price };
            shop.pages.page(&visitor, StatusCode::OK, "home.html", more)
        }
        Err(error) => shop.trouble(&visitor, &error),
    }
}

async fn show_order(
    State(shop): State<Arc<Shop>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&headers);
    let settled = match shop.shelf.find(&id).await {
        Ok(Some(purchase)) => settle(&shop, purchase, visitor.address).await,
        Ok(None) => return shop.pages.notice(&visitor, order::UNKNOWN),
        Err(error) => Err(error),
    };
    match settled {
        Ok(purchase) => order::page(&shop, &visitor, &purchase, order::look_up_status(&purchase)),
        Err(error) => shop.trouble(&visitor, &error),
    }
}

async fn health(State(shop): State<Arc<Shop>>) -> Response {
    match shop.shelf.stock().await {
        Ok(_) => "ready".into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database cannot be reached",
        )
            .into_response(),
    }
}
