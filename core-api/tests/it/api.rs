//! The API as it describes itself, and the operators' listener.

use crate::stage::{Stage, brief};

#[tokio::test]
async fn the_document_describes_paths_that_exist() {
    let stage = Stage::start().await;
    let document = stage
        .send(stage.http.get(stage.url("/api/v1/openapi.json")))
        .await
        .json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 7, "{:?}", paths.keys());
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let url = stage.url(&path.replace("{id}", "x").replace("{tenant}", "x"));
            let answer = stage
                .send(
                    stage
                        .http
                        .request(method.to_uppercase().parse().unwrap(), url),
                )
                .await;
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(
                !answer.text.contains("nothing at this path"),
                "{method} {path}"
            );
        }
    }
    let page = stage.send(stage.http.get(stage.url("/docs/"))).await;
    assert!(
        page.status == 200 && page.text.contains("swagger"),
        "{page:?}"
    );
}

#[tokio::test]
async fn operators_see_payments_and_never_a_tenant() {
    let stage = Stage::start().await;
    assert_eq!(
        stage
            .pay("service-a", "k-1", &brief("order_metric"))
            .await
            .status,
        200
    );
    assert_eq!(
        stage
            .pay("service-a", "k-1", &brief("order_metric"))
            .await
            .status,
        200
    );
    let metrics = stage
        .send(stage.http.get(stage.admin_url("/metrics")))
        .await
        .text;
    for line in [
        "fluxpay_payments_total{outcome=\"APPROVED\"} 1",
        "fluxpay_idempotent_replays_total 1",
        "fluxpay_payments_in_flight 0",
        "fluxpay_http_requests_total{method=\"POST\",route=\"/api/v1/payments\",status=\"200\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    assert!(
        metrics.contains("fluxpay_psp_seconds_count{call=\"confirm\",outcome=\"ok\"} 1"),
        "{metrics}"
    );
    assert!(!metrics.contains("service-a") && !metrics.contains("order_metric"));
    let health = stage
        .send(stage.http.get(stage.admin_url("/healthz")))
        .await;
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn a_request_is_named_by_its_callers_trace() {
    let stage = Stage::start().await;
    let request = stage.posting(
        "service-a",
        "/api/v1/payments",
        "k-1",
        &brief("order_trace"),
    );
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let answer = stage
        .send(request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")))
        .await;
    assert_eq!(
        (
            answer.at("/metadata/traceId"),
            answer.header("x-request-id")
        ),
        (trace.into(), Some(trace))
    );
    assert_eq!(
        stage
            .sql("select string_agg(distinct trace_id, ' ') from audit")
            .await,
        trace,
        "the records carry it too"
    );
}
