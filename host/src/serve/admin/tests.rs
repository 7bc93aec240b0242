//! The router, with endpoints that show what they got.

use http_body_util::BodyExt as _;
use serde_json::json;

use super::*;

fn router() -> Router {
    let shows = |call: Call| async move {
        Ok(Reply::ok(json!({ "name": call.name("id"), "other": call.name("other") })))
    };
    let takes = |call: Call| async move { Ok(Reply::ok(Value::Object(call.object()?))) };
    Router::new([
        Endpoint::new(Method::GET, "/api/things/:id", shows).for_all(),
        Endpoint::new(Method::PUT, "/api/things/:id", takes).body_max(16),
    ])
    .expect("a router")
}

async fn answer(request: http::request::Builder, body: &'static str) -> (Response<()>, Value) {
    answer_to(true, request, body).await
}

async fn answer_to(
    admin: bool,
    request: http::request::Builder,
    body: &'static str,
) -> (Response<()>, Value) {
    let body = Full::new(Bytes::from(body));
    let response = router().answer(request.body(body).expect("a request"), admin).await;
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    (Response::from_parts(head, ()), serde_json::from_slice(&bytes).expect("JSON"))
}

#[tokio::test]
async fn an_endpoint_gets_what_stands_in_the_path() {
    let (head, body) = answer(Request::get("/api/things/7?x=1"), "").await;
    assert_eq!((head.status(), &body), (StatusCode::OK, &json!({ "name": "7", "other": "" })));
    assert_eq!(head.headers()["content-type"], "application/json");
    assert!(router().has("/api/things/x/") && !router().has("/api/things"));
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_shape_of_the_api() {
    let put = || Request::put("/api/things/7");
    let json = || put().header("content-type", "application/json");
    for (request, body, status, code) in [
        (Request::delete("/api/things/7"), "", 405, "method_not_allowed"),
        (Request::get("/api/other"), "", 404, "not_found"),
        (put(), "{}", 415, "unsupported_media_type"),
        (json(), "{", 400, "invalid_json"),
        (json(), "[]", 400, "invalid_json"),
        (json(), "{\"a\":\"0123456789\"}", 413, "body_too_large"),
    ] {
        let (head, body) = answer(request, body).await;
        assert_eq!((head.status().as_u16(), &body["error"]["code"]), (status, &json!(code)));
        assert!(body["error"]["message"].is_string() && body["error"]["param"].is_null());
        assert_eq!(head.headers().contains_key("allow"), status == 405);
    }
    let (head, told) = answer(json(), "{\"a\":1.0}").await;
    assert_eq!((head.status().as_u16(), &told["a"]), (200, &json!(1)));
}

#[tokio::test]
async fn what_concerns_everybody_only_an_admin_may_do() {
    let put = || Request::put("/api/things/7").header("content-type", "application/json");
    let (head, body) = answer_to(false, put(), "{}").await;
    assert_eq!((head.status().as_u16(), &body["error"]["code"]), (403, &json!("admin_required")));
    assert_eq!(answer_to(true, put(), "{}").await.0.status(), 200);
    let get = Request::get("/api/things/7");
    assert_eq!(answer_to(false, get, "").await.0.status(), 200);
}
